/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's side of a lane. One write a frame; what was written in part is
 * cut off again, so that the file always ends with a whole frame unless the
 * machine went down.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include "journal/journal_priv.h"

static bool disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* Nothing more goes into this file: from here on it may be removed. */
static void finish_file(struct ear_lane *lane)
{
	struct lane_writer *w = &lane->writer;
	uint64_t end = place(w->file, w->at);

	if (w->fd < 0)
		return;
	close(w->fd);
	w->fd = -1;
	w->file++;
	w->at = 0;
	atomic_store(&lane->published, place(w->file, 0));
	/* The reader may have consumed all of it while it was still open. */
	atomic_compare_exchange_strong(&lane->done, &end, place(w->file, 0));
}

static enum ear_err begin_file(struct ear_lane *lane, struct ear_fault *fault)
{
	struct lane_writer *w = &lane->writer;
	char name[FILE_NAME];

	if (w->file >= FILE_MOST)
		return ear_fail(fault, EAR_LIMIT, 0,
			"lane %s has used up its file numbers", lane->name);
	file_name(lane->name, w->file, name);
	w->fd = openat(lane->journal->dir, name,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0) {
		if (disk_is_full(errno))
			return ear_fail(
				fault, EAR_FULL, 0, "no room to make %s", name);
		return ear_fail_sys(fault, "cannot make %s", name);
	}
	if (getrandom(&w->salt, sizeof(w->salt), GRND_NONBLOCK) !=
		sizeof(w->salt))
		w->salt = (uint32_t)w->sequence * 2654435761U;
	w->at = 0;
	return EAR_OK;
}

/*
 * Write all of it or nothing; where the file cannot be cut again, what was
 * written in part stays.
 */
static enum ear_err write_frame(struct ear_lane *lane, const char *buf,
	size_t n, size_t *stays, struct ear_fault *fault)
{
	struct lane_writer *w = &lane->writer;
	size_t put = 0;
	int error;

	while (put < n) {
		ssize_t got =
			pwrite(w->fd, buf + put, n - put, (off_t)(w->at + put));

		if (got > 0)
			put += (size_t)got;
		else if (got == 0 || errno != EINTR)
			break;
	}
	if (put == n)
		return EAR_OK;
	error = put && !errno ? ENOSPC : errno;
	if (put && ftruncate(w->fd, (off_t)w->at)) {
		finish_file(lane); /* the reader will skip the torn frame */
		*stays = put;
	}
	errno = error;
	if (!disk_is_full(error))
		return ear_fail_sys(fault, "cannot write to the journal");
	room_exhausted(lane->journal);
	return ear_fail(fault, EAR_FULL, 0, "no room on the journal's disk");
}

/*
 * Full, and the only file left of this lane is the one being written: closing
 * it lets the reader's progress free it.
 */
static enum ear_err refuse(struct ear_lane *lane, struct ear_fault *fault)
{
	struct lane_writer *w = &lane->writer;

	if (w->fd >= 0 && w->at &&
		place_file(atomic_load(&lane->done)) == w->file)
		finish_file(lane);
	return ear_fail(fault, EAR_FULL, 0, "the journal is full");
}

static uint64_t units_of(const char *buf, size_t n)
{
	const struct ear_frame frame = {
		.p = buf + EAR_FRAME_HEAD, .n = n - EAR_FRAME_HEAD};
	struct ear_record record;
	struct ear_slice bytes;
	uint64_t units = 0;
	size_t at = 0;

	while (ear_frame_next(&frame, &at, &record, &bytes))
		units += record.units;
	return units;
}

static enum ear_err append(struct ear_lane *lane, char *buf, size_t n,
	uint32_t records, struct ear_fault *fault)
{
	struct ear_journal *j = lane->journal;
	struct lane_writer *w = &lane->writer;
	enum ear_err err = EAR_OK;
	size_t stays = 0;

	if (!room_take(j, n))
		return refuse(lane, fault);
	if (w->fd >= 0 && w->at &&
		(w->at + n > j->file_bytes ||
			atomic_load_explicit(&lane->removed,
				memory_order_relaxed) == w->file))
		finish_file(lane);
	if (w->fd < 0)
		err = begin_file(lane, fault);
	if (!err) {
		frame_seal(buf, n, records, w->salt, w->sequence);
		err = write_frame(lane, buf, n, &stays, fault);
	}
	if (err) {
		room_give(j, n - stays);
		return err;
	}
	w->at += n;
	w->sequence++;
	atomic_fetch_add_explicit(&j->appended_bytes, n, memory_order_relaxed);
	/*
	 * Stored before asleep is read, as the sleeper sets asleep before it
	 * looks at published: one of the two sees the other.
	 */
	atomic_store(&lane->published, place(w->file, w->at));
	atomic_fetch_add(&lane->units, units_of(buf, n));
	if (atomic_load(&j->asleep) && atomic_exchange(&j->asleep, false))
		ear_journal_wake(j);
	return EAR_OK;
}

enum ear_err ear_lane_append(struct ear_lane *lane, char *buf, size_t n,
	uint32_t records, struct ear_fault *fault)
{
	enum ear_err err;
	bool full;

	assert(n > EAR_FRAME_HEAD && n <= EAR_FRAME_MAX && n % 8 == 0);
	err = append(lane, buf, n, records, fault);
	full = err == EAR_FULL;
	if (atomic_load_explicit(&lane->journal->full, memory_order_relaxed) !=
		full)
		atomic_store(&lane->journal->full, full);
	return err;
}

struct ear_lane_pos ear_lane_end(const struct ear_lane *lane)
{
	return (struct ear_lane_pos){
		.file = lane->writer.file,
		.offset = lane->writer.at,
		.frame = lane->writer.sequence,
	};
}
