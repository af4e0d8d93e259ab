/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a journal file: the reader must come to its end, hand out only
 * sound frames whose records lie inside, and account for each byte.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ear_journal *journal;
static int folder = -1;
static char dir[64];

static void leave(void)
{
	ear_journal_close(&journal);
	unlinkat(folder, "lock", 0);
	close(folder);
	rmdir(dir);
}

static void begin(void)
{
	struct ear_journal_options o = {.dir = dir};

	snprintf(dir, sizeof(dir), "%s/ear-fuzz-XXXXXX",
		access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(dir) || ear_journal_open(&o, NULL, NULL, &journal, NULL))
		abort();
	folder = open(dir, O_RDONLY | O_DIRECTORY);
	atexit(leave);
}

static uint64_t walk(const struct ear_frame *frame)
{
	struct ear_record rec;
	struct ear_slice bytes;
	volatile char last;
	size_t at = 0;

	while (ear_frame_next(frame, &at, &rec, &bytes))
		if (bytes.n)
			last = bytes.p[bytes.n - 1];
	(void)last;
	return frame->n + EAR_FRAME_HEAD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_journal_stats before, after;
	struct ear_lane_pos end = {0};
	struct ear_lane *lane;
	struct ear_frame frame;
	uint64_t taken = 0;
	int fd;

	if (!journal)
		begin();
	fd = openat(folder, "f.00000001.journal", O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	ear_journal_stats(journal, &before);
	if (ear_lane_open(journal, "f", NULL, &lane, NULL))
		abort();
	while (ear_lane_read(lane, &frame, NULL) == EAR_OK)
		taken += walk(&frame);
	ear_journal_stats(journal, &after);
	if (taken + after.lost_bytes - before.lost_bytes != size)
		abort();
	end.file = 1;
	end.offset = size;
	ear_lane_done(lane, &end);
	ear_lane_close(&lane);
	if (faccessat(folder, "f.00000001.journal", F_OK, 0) == 0)
		abort();
	return 0;
}
