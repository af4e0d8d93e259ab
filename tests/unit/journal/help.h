/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of the journal share: a folder, frames, and what was told. */
#ifndef EAR_TESTS_JOURNAL_HELP_H
#define EAR_TESTS_JOURNAL_HELP_H

#include "unit/table.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal.h"

static char dir[64];
static _Atomic int told_n;
static _Atomic uint64_t told_lost;
static char told[8][64];

static inline void tell(const char *event, struct ear_slice text,
	uint64_t lost_bytes, void *arg)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	if (told_n < 8)
		snprintf(told[told_n], sizeof(told[0]), "%s", event);
	told_lost += lost_bytes;
	told_n++;
	pthread_mutex_unlock(&lock);
	assert_true(text.n > 0 && text.n < 320);
	assert_ptr_equal(arg, dir);
}

static inline int was_told(const char *event)
{
	int n = 0;

	for (int i = 0; i < told_n && i < 8; i++)
		n += strcmp(told[i], event) == 0;
	return n;
}

static inline void forget_told(void)
{
	told_n = 0;
	told_lost = 0;
}

static inline int make_dir(void **state)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%.30s/ear-journal-XXXXXX",
		base && strlen(base) <= 30 ? base : "/tmp");
	forget_told();
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	(void)state;
	return rmdir(dir);
}

static inline int count_files(void)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	while ((e = readdir(d)))
		n += strstr(e->d_name, ".journal") != NULL;
	closedir(d);
	return n;
}

/* Between syncs; damage_test opens thousands and has none. */
static uint32_t sync_ms = 20;

static inline struct ear_journal *open_with(uint64_t max, uint64_t file)
{
	struct ear_journal_options o = {.dir = dir,
		.max_bytes = max,
		.file_bytes = file,
		.sync_ms = sync_ms};
	struct ear_journal *j = NULL;
	struct ear_fault fault = {0};

	if (ear_journal_open(&o, tell, dir, &j, &fault))
		fail_msg("%s", fault.text);
	return j;
}

static inline struct ear_lane *lane_at(
	struct ear_journal *j, const struct ear_lane_pos *from)
{
	struct ear_lane *lane = NULL;
	struct ear_fault fault = {0};

	if (ear_lane_open(j, "udp0", from, &lane, &fault))
		fail_msg("%s", fault.text);
	return lane;
}

/* A frame of one record whose bytes say which number it is. */
static inline size_t make_frame(char *buf, uint64_t number, size_t bytes)
{
	struct ear_record rec = {.bytes = (uint32_t)bytes,
		.units = 1,
		.seen_ns = number,
		.kind = EAR_RECORD_DATAGRAM};
	size_t n = EAR_FRAME_HEAD + sizeof(rec) + ((bytes + 7) & ~(size_t)7);

	memset(buf, 0, n);
	memcpy(buf + EAR_FRAME_HEAD, &rec, sizeof(rec));
	memset(buf + EAR_FRAME_HEAD + sizeof(rec), (char)('a' + number % 26),
		bytes);
	return n;
}

static inline enum ear_err put(
	struct ear_lane *lane, uint64_t number, size_t bytes)
{
	char *buf = malloc(EAR_FRAME_HEAD + 64 + bytes + 8);
	size_t n = make_frame(buf, number, bytes);
	enum ear_err err = ear_lane_append(lane, buf, n, 1, NULL);

	free(buf);
	return err;
}

/* The number of the next frame, its bytes checked; 0 when caught up. */
static inline uint64_t get(struct ear_lane *lane, struct ear_lane_pos *next)
{
	struct ear_fault fault = {0};
	struct ear_frame frame;
	struct ear_record rec;
	struct ear_slice bytes;
	size_t at = 0;
	enum ear_err err = ear_lane_read(lane, &frame, &fault);

	if (err == EAR_MORE)
		return 0;
	if (err)
		fail_msg("%s", fault.text);
	assert_true(ear_frame_next(&frame, &at, &rec, &bytes));
	for (size_t i = 0; i < bytes.n; i++)
		assert_int_equal(bytes.p[i], 'a' + (int)(rec.seen_ns % 26));
	assert_false(ear_frame_next(&frame, &at, &rec, &bytes));
	if (next)
		*next = frame.next;
	return rec.seen_ns;
}

#endif
