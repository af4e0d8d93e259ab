/* SPDX-License-Identifier: Apache-2.0 */
/* A lane: opened, read, consumed, closed. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/journal_priv.h"

static const struct ear_lane_pos nowhere;

/*
 * The sequence number that the writer goes on with: one after the last frame
 * on disk, found by reading the last file that has one.
 */
static enum ear_err last_sequence(struct ear_lane *lane,
	const struct ear_lane_pos *from, uint64_t *next,
	struct ear_fault *fault)
{
	int dir = lane->journal->dir;
	uint64_t file = NO_FILE;
	bool found = false;

	*next = from->frame ? from->frame : 1;
	while (!found &&
		(file = file_below(dir, lane->name, file)) != NO_FILE &&
		file >= from->file) {
		struct ear_lane_pos pos = {.file = file};
		struct lane_reader r;
		struct ear_frame frame;
		enum ear_err err;

		if (file == from->file)
			pos.offset = from->offset;
		reader_init(&r, NULL, dir, lane->name, &pos);
		while (!(err = reader_next(
				 &r, place(file + 1, 0), &frame, fault))) {
			found = true;
			if (frame.next.frame > *next)
				*next = frame.next.frame;
		}
		reader_fini(&r);
		if (err != EAR_MORE)
			return err;
	}
	return EAR_OK;
}

static enum ear_err begin(struct ear_lane *lane,
	const struct ear_lane_pos *from, struct ear_fault *fault)
{
	int dir = lane->journal->dir;
	uint64_t oldest = file_from(dir, lane->name, 0);
	uint64_t last = file_below(dir, lane->name, NO_FILE);
	enum ear_err err;

	/* Behind all there is, and behind what a reader has seen and removed,
	 * so that no number ever stands for two files. */
	lane->writer.file = from->file;
	if (last != NO_FILE && last > from->file)
		lane->writer.file = last;
	lane->writer.file++;
	lane->first_file = lane->writer.file;
	lane->writer.fd = -1;
	err = last_sequence(lane, from, &lane->writer.sequence, fault);
	if (err)
		return err;
	reader_init(&lane->reader, lane->journal, dir, lane->name, from);
	atomic_init(&lane->published, place(lane->writer.file, 0));
	atomic_init(&lane->seen, NO_FILE);
	atomic_init(&lane->done, place(from->file, from->offset));
	atomic_init(
		&lane->oldest, oldest == NO_FILE ? lane->writer.file : oldest);
	lane->synced = place(lane->writer.file, 0);
	lane_reap(lane);
	return EAR_OK;
}

static bool is_open(struct ear_journal *j, const char *name)
{
	struct ear_lane *lane;

	for (lane = j->lanes; lane; lane = lane->next)
		if (strcmp(lane->name, name) == 0)
			return true;
	return false;
}

enum ear_err ear_lane_open(struct ear_journal *journal, const char *name,
	const struct ear_lane_pos *from, struct ear_lane **out,
	struct ear_fault *fault)
{
	struct ear_lane *lane;
	enum ear_err err;

	if (!lane_name_ok(name))
		return ear_fail(fault, EAR_USAGE, 0,
			"'%.40s' is no name for a journal lane", name);
	if (!from || from->file > FILE_MOST)
		from = &nowhere;
	lane = calloc(1, sizeof(*lane));
	if (!lane)
		return ear_fail(fault, EAR_NOMEM, 0, "no memory for a lane");
	lane->journal = journal;
	memcpy(lane->name, name, strlen(name) + 1);
	pthread_mutex_lock(&journal->lanes_lock);
	if (is_open(journal, name))
		err = ear_fail(fault, EAR_USAGE, 0, "lane %s is open", name);
	else
		err = begin(lane, from, fault);
	if (!err) {
		lane->next = journal->lanes;
		journal->lanes = lane;
	}
	pthread_mutex_unlock(&journal->lanes_lock);
	if (err)
		free(lane);
	else
		*out = lane;
	return err;
}

void ear_lane_close(struct ear_lane **lane_p)
{
	struct ear_lane *lane = *lane_p, **at;
	struct ear_journal *j;

	if (!lane)
		return;
	j = lane->journal;
	pthread_mutex_lock(&j->lanes_lock);
	for (at = &j->lanes; *at != lane; at = &(*at)->next)
		;
	*at = lane->next;
	pthread_mutex_unlock(&j->lanes_lock);
	if (j->sync_ms)
		lane_sync(j, lane->name, lane->synced,
			atomic_load(&lane->published));
	if (lane->writer.fd >= 0)
		close(lane->writer.fd);
	reader_fini(&lane->reader);
	free(lane);
	*lane_p = NULL;
}

uint64_t ear_lane_first_file(const struct ear_lane *lane)
{
	return lane->first_file;
}

uint64_t ear_lane_units(const struct ear_lane *lane)
{
	return atomic_load(&lane->units);
}

enum ear_err ear_lane_read(
	struct ear_lane *lane, struct ear_frame *frame, struct ear_fault *fault)
{
	uint64_t published = atomic_load(&lane->published);
	enum ear_err err = reader_next(&lane->reader, published, frame, fault);

	if (err == EAR_MORE)
		atomic_store(&lane->seen, published);
	return err;
}

void ear_lane_seek(struct ear_lane *lane, const struct ear_lane_pos *pos)
{
	reader_fini(&lane->reader);
	reader_init(&lane->reader, lane->journal, lane->journal->dir,
		lane->name, pos);
}

/*
 * The whole of a finished file is written as the begin of the next one, so
 * that lane_reap() need not know how long files are.
 */
static uint64_t consumed(struct ear_lane *lane, const struct ear_lane_pos *pos,
	uint64_t published)
{
	uint64_t bytes;

	if (pos->file < place_file(published) &&
		(!file_size(
			 lane->journal->dir, lane->name, pos->file, &bytes) ||
			pos->offset >= bytes))
		return place(pos->file + 1, 0);
	return place(pos->file, pos->offset);
}

void ear_lane_done(struct ear_lane *lane, const struct ear_lane_pos *pos)
{
	uint64_t published, done, old;

	/* Again when the writer leaves the file meanwhile: see finish_file. */
	do {
		published = atomic_load(&lane->published);
		done = consumed(lane, pos, published);
		old = atomic_load(&lane->done);
		while (old < done &&
			!atomic_compare_exchange_weak(&lane->done, &old, done))
			;
	} while (place_file(atomic_load(&lane->published)) !=
		 place_file(published));
	lane_reap(lane);
}

void lane_reap(struct ear_lane *lane)
{
	struct ear_journal *j = lane->journal;
	uint64_t end = place_file(atomic_load(&lane->done));
	uint64_t old = atomic_load(&lane->oldest);
	uint64_t file = old, bytes;
	char name[FILE_NAME];

	/* Two threads may be here: the one that unlinks a file counts it. */
	while (file < end) {
		bytes = 0;
		(void)file_size(j->dir, lane->name, file, &bytes);
		file_name(lane->name, file, name);
		if (unlinkat(j->dir, name, 0) == 0) {
			atomic_fetch_sub(&j->disk_bytes, bytes);
			file++;
		} else if (errno == ENOENT) {
			file = file_from(j->dir, lane->name, file + 1);
		} else {
			file++; /* not ours to remove: counted for ever */
		}
	}
	if (file > end)
		file = end;
	while (old < file &&
		!atomic_compare_exchange_weak(&lane->oldest, &old, file))
		;
}
