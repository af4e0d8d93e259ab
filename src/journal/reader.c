/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads frames out of a lane's files. Whatever is in them, it goes on: what
 * is no good frame is skipped up to the next good one, and told.
 *
 *     published ──┐ (files below its file are finished: read to their end)
 *     [frame][frame][torn │garbage][frame]…
 *            ^ base + at
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal_priv.h"

/* One read of the kernel: large for few calls, small enough for the cache. */
#define CHUNK ((size_t)512 << 10)
/* What is passed over when the disk cannot read a place. */
#define BAD_BLOCK 4096

void reader_init(struct lane_reader *r, struct ear_journal *journal, int dir,
	const char *lane, const struct ear_lane_pos *from)
{
	*r = (struct lane_reader){
		.journal = journal,
		.dir = dir,
		.lane = lane,
		.fd = -1,
		.file = from->file,
		.start = from->offset,
		.expect = from->frame,
	};
}

void reader_fini(struct lane_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	free(r->buf);
	r->buf = NULL;
}

static uint64_t here(const struct lane_reader *r)
{
	return r->base + r->at;
}

static void begin_skip(struct lane_reader *r)
{
	if (!r->skipping)
		r->skip_from = here(r);
	r->skipping = true;
}

static void tell_lost(struct lane_reader *r, const char *event, uint64_t to)
{
	uint64_t lost = to - r->skip_from;
	char name[FILE_NAME];

	r->skipping = false;
	if (!r->journal || !lost)
		return;
	file_name(r->lane, r->file, name);
	atomic_fetch_add(&r->journal->lost_bytes, lost);
	journal_notice(r->journal, event, lost,
		"%" PRIu64 " bytes at offset %" PRIu64
		" of %s are no whole frame and were skipped",
		lost, r->skip_from, name);
}

static void tell_sequence(struct lane_reader *r, uint64_t sequence)
{
	char name[FILE_NAME];

	if (!r->journal || !r->expect || sequence == r->expect)
		return;
	file_name(r->lane, r->file, name);
	if (sequence > r->expect)
		journal_notice(r->journal, "journal.missing", 0,
			"%" PRIu64 " frames are missing before frame %" PRIu64
			" in %s",
			sequence - r->expect, sequence, name);
	else
		journal_notice(r->journal, "journal.order", 0,
			"frame %" PRIu64 " in %s comes after frame %" PRIu64,
			sequence, name, r->expect - 1);
}

/* The disk cannot give what comes after the buffer: pass over that block. */
static void skip_block(struct lane_reader *r, uint64_t limit)
{
	uint64_t to = (r->base + r->have) / BAD_BLOCK * BAD_BLOCK + BAD_BLOCK;

	begin_skip(r);
	r->base = to < limit ? to : limit;
	r->at = r->have = 0;
}

static enum ear_err make_room(struct lane_reader *r, size_t n)
{
	char *p;

	if (r->at) {
		memmove(r->buf, r->buf + r->at, r->have - r->at);
		r->base += r->at;
		r->have -= r->at;
		r->at = 0;
	}
	if (n < CHUNK)
		n = CHUNK;
	if (r->cap >= n)
		return EAR_OK;
	p = realloc(r->buf, n);
	if (!p)
		return EAR_NOMEM;
	r->buf = p;
	r->cap = n;
	return EAR_OK;
}

/*
 * Have n bytes from here on in the buffer. EAR_MORE: the file is shorter than
 * it was said to be; EAR_BAD: a block was unreadable and is passed over.
 */
static enum ear_err need(struct lane_reader *r, size_t n, uint64_t limit,
	struct ear_fault *fault)
{
	if (r->have - r->at >= n)
		return EAR_OK;
	if (make_room(r, n))
		return ear_fail(fault, EAR_NOMEM, 0, "no memory for a frame");
	while (r->have < n) {
		uint64_t left = limit - r->base - r->have;
		size_t want = r->cap - r->have;
		ssize_t got = pread(r->fd, r->buf + r->have,
			want < left ? want : (size_t)left,
			(off_t)(r->base + r->have));

		if (got > 0) {
			r->have += (size_t)got;
		} else if (got == 0) {
			return EAR_MORE;
		} else if (errno == EIO) {
			skip_block(r, limit);
			return EAR_BAD;
		} else if (errno != EINTR) {
			return ear_fail_sys(fault, "cannot read the journal");
		}
	}
	return EAR_OK;
}

/* Go to the next place after this one where a frame may begin. */
static void seek_magic(struct lane_reader *r)
{
	const char *p = r->buf + r->at + 1;
	size_t n = r->have - r->at - 1;
	const char *hit = memmem(p, n, "EARJ", 4);

	begin_skip(r);
	if (hit)
		r->at = (size_t)(hit - r->buf);
	else if (n >= 3)
		r->at = r->have - 3; /* may be the begin of one */
	else
		r->at++;
}

static void deliver(struct lane_reader *r, const struct frame_head *h,
	struct ear_frame *frame)
{
	if (r->skipping)
		tell_lost(r, "journal.corrupt", here(r));
	tell_sequence(r, h->sequence);
	r->salted = true;
	r->salt = h->salt;
	r->expect = h->sequence + 1;
	frame->p = r->buf + r->at + EAR_FRAME_HEAD;
	frame->n = h->bytes;
	frame->records = h->records;
	r->at += EAR_FRAME_HEAD + h->bytes;
	frame->next = (struct ear_lane_pos){r->file, here(r), h->sequence + 1};
}

/*
 * A message may hold bytes that look like a frame. Its sender cannot know the
 * salt of the file, so such bytes are not taken for one after damage.
 */
static bool may_begin(
	const struct lane_reader *r, const struct frame_head *h, uint64_t left)
{
	return frame_head_fits(h, left) && (!r->salted || h->salt == r->salt);
}

/* The next frame of the open file. EAR_MORE: none before limit. */
static enum ear_err next_in_file(struct lane_reader *r, uint64_t limit,
	struct ear_frame *frame, struct ear_fault *fault)
{
	struct frame_head h;
	enum ear_err err;

	while (here(r) + EAR_FRAME_HEAD <= limit) {
		err = need(r, EAR_FRAME_HEAD, limit, fault);
		if (err == EAR_BAD)
			continue;
		if (err)
			return err;
		memcpy(&h, r->buf + r->at, sizeof(h));
		if (!may_begin(r, &h, limit - here(r))) {
			seek_magic(r);
			continue;
		}
		err = need(r, EAR_FRAME_HEAD + h.bytes, limit, fault);
		if (err == EAR_BAD)
			continue;
		if (err)
			return err;
		if (frame_sound(r->buf + r->at, &h)) {
			deliver(r, &h, frame);
			return EAR_OK;
		}
		seek_magic(r);
	}
	return EAR_MORE;
}

static void leave_file(struct lane_reader *r, uint64_t limit)
{
	if (here(r) < limit)
		begin_skip(r);
	if (r->skipping)
		tell_lost(r, "journal.torn", limit);
	close(r->fd);
	r->fd = -1;
	r->file++;
	r->start = 0;
}

/* Begin in a file that is open, at the place where the last reader stopped. */
static void enter_file(struct lane_reader *r, uint64_t size)
{
	if (r->start > size && r->journal) {
		char name[FILE_NAME];

		file_name(r->lane, r->file, name);
		journal_notice(r->journal, "journal.resume", 0,
			"%s has %" PRIu64 " bytes, %" PRIu64
			" were consumed; going on behind it",
			name, size, r->start);
	}
	r->base = r->start < size ? r->start : size;
	r->at = r->have = 0;
	r->salted = false;
	r->skipping = false;
}

static enum ear_err open_number(struct lane_reader *r, struct ear_fault *fault)
{
	char name[FILE_NAME];
	struct stat st;

	file_name(r->lane, r->file, name);
	r->fd = openat(
		r->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (r->fd < 0)
		return errno == ENOENT || errno == ELOOP
			       ? EAR_GONE
			       : ear_fail_sys(fault, "cannot open %s", name);
	if (fstat(r->fd, &st) || !S_ISREG(st.st_mode)) {
		close(r->fd);
		r->fd = -1;
		return EAR_GONE;
	}
	enter_file(r, (uint64_t)st.st_size);
	return EAR_OK;
}

/* Open the file to read, or the next one that is there. */
static enum ear_err open_next(
	struct lane_reader *r, uint64_t last, struct ear_fault *fault)
{
	enum ear_err err = EAR_GONE;

	while (r->file <= last) {
		uint64_t next;

		err = open_number(r, fault);
		if (err != EAR_GONE)
			return err;
		if (r->file == last)
			break;
		next = file_from(r->dir, r->lane, r->file + 1);
		r->file = next < last ? next : last;
		r->start = 0;
	}
	return EAR_MORE;
}

enum ear_err reader_next(struct lane_reader *r, uint64_t published,
	struct ear_frame *frame, struct ear_fault *fault)
{
	uint64_t last = place_file(published);

	for (;;) {
		uint64_t limit = place_offset(published);
		struct stat st;
		enum ear_err err;

		if (r->fd < 0 && (err = open_next(r, last, fault)))
			return err;
		if (r->file < last) {
			if (fstat(r->fd, &st))
				return ear_fail_sys(fault, "cannot look at "
							   "the journal");
			limit = (uint64_t)st.st_size;
		}
		err = next_in_file(r, limit, frame, fault);
		if (err != EAR_MORE || r->file >= last)
			return err;
		leave_file(r, limit);
	}
}
