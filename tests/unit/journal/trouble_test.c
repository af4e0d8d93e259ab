/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel that says no. The calls below stand before libc's, so that a test
 * can make them fail.
 */
#include <errno.h>
#include <sys/syscall.h>

#include "help.h"

#define BYTES 4000
#define FRAME (EAR_FRAME_HEAD + 64 + BYTES)

ssize_t pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t pread(int fd, void *p, size_t n, off_t at);
int ftruncate(int fd, off_t n);
int fdatasync(int fd);

static struct {
	size_t write_most;  /* bytes that one write takes; 0: all */
	int64_t write_room; /* bytes until write_error; -1: no end */
	int write_error;
	bool write_interrupts; /* every other write fails with EINTR */
	bool no_truncate;
	off_t bad_block; /* of 4096 bytes, unreadable; -1: none */
	_Atomic int sync_error;
	_Atomic int syncs;
} kernel;

static void be_good(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.write_room = -1;
	kernel.bad_block = -1;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	static bool odd;
	ssize_t got;

	if (kernel.write_interrupts && (odd = !odd)) {
		errno = EINTR;
		return -1;
	}
	if (kernel.write_most && n > kernel.write_most)
		n = kernel.write_most;
	if (kernel.write_room == 0) {
		errno = kernel.write_error;
		return -1;
	}
	if (kernel.write_room > 0 && n > (uint64_t)kernel.write_room)
		n = (size_t)kernel.write_room;
	got = syscall(SYS_pwrite64, fd, p, n, at);
	if (got > 0 && kernel.write_room > 0)
		kernel.write_room -= got;
	return got;
}

ssize_t pread(int fd, void *p, size_t n, off_t at)
{
	off_t bad = kernel.bad_block * 4096;

	if (kernel.bad_block >= 0 && at < bad + 4096 && at + (off_t)n > bad) {
		if (at >= bad) {
			errno = EIO;
			return -1;
		}
		n = (size_t)(bad - at); /* what comes before is given */
	}
	return syscall(SYS_pread64, fd, p, n, at);
}

int ftruncate(int fd, off_t n)
{
	if (kernel.no_truncate && n > 0) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_ftruncate, fd, n);
}

int fdatasync(int fd)
{
	kernel.syncs++;
	if (kernel.sync_error) {
		errno = kernel.sync_error;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* @return how many */
static int remove_files(void)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	while ((e = readdir(d)))
		if (strstr(e->d_name, ".journal"))
			n += unlinkat(dirfd(d), e->d_name, 0) == 0;
	closedir(d);
	return n;
}

static void test_write_fails(void **state)
{
	static const struct {
		const char *name;
		int64_t room; /* after two frames */
		int error;
		enum ear_err want;
		bool no_truncate;
	} rows[] = {
		{"full at once", 0, ENOSPC, EAR_FULL, false},
		{"full after a byte", 1, ENOSPC, EAR_FULL, false},
		{"full in the head", 31, EDQUOT, EAR_FULL, false},
		{"full at the end", FRAME - 1, ENOSPC, EAR_FULL, false},
		{"too big", 700, EFBIG, EAR_FULL, false},
		{"broken", 0, EIO, EAR_SYS, false},
		{"broken in part", 99, EIO, EAR_SYS, false},
		{"stays torn", 99, ENOSPC, EAR_FULL, true},
		{"stays torn, big", FRAME - 8, EIO, EAR_SYS, true},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_journal *j = open_with(0, 0);
		struct ear_lane *lane = lane_at(j, NULL);
		struct ear_journal_stats stats;
		struct ear_lane_pos pos;
		uint64_t lost = rows[i].no_truncate ? rows[i].room : 0;

		be_good();
		forget_told();
		assert_int_equal(put(lane, 1, BYTES), EAR_OK);
		assert_int_equal(put(lane, 2, BYTES), EAR_OK);
		kernel.write_room = rows[i].room;
		kernel.write_error = rows[i].error;
		kernel.no_truncate = rows[i].no_truncate;
		if (put(lane, 3, BYTES) != rows[i].want)
			fail_msg("%s", rows[i].name);
		assert_int_equal(get(lane, NULL), 1);
		be_good();
		/* It comes back without being told, within half a second. */
		for (int k = 0; k < 50 && put(lane, 3, BYTES); k++)
			usleep(10000);
		assert_int_equal(put(lane, 4, BYTES), EAR_OK);
		for (uint64_t k = 2; k <= 4; k++)
			if (get(lane, &pos) != k)
				fail_msg("%s", rows[i].name);
		assert_int_equal(get(lane, NULL), 0);
		assert_int_equal(told_lost, lost);
		ear_journal_stats(j, &stats);
		assert_int_equal(stats.bytes, 4 * FRAME + lost);
		assert_int_equal(was_told("journal.missing"), 0);
		ear_lane_close(&lane);
		ear_journal_close(&j);
		remove_dir(NULL);
		assert_int_equal(mkdir(dir, 0700), 0);
	}
	(void)state;
}

static void test_write_in_pieces(void **state)
{
	struct ear_journal *j = open_with(0, 0);
	struct ear_lane *lane = lane_at(j, NULL);

	kernel.write_most = 33;
	kernel.write_interrupts = true;
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(put(lane, i, BYTES), EAR_OK);
	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(get(lane, NULL), i);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(told_n, 0);
	(void)state;
}

/* A block of a disk that cannot be read costs the frames in it, no more. */
static void test_bad_block(void **state)
{
	for (off_t block = 0; block < 10; block++) {
		struct ear_journal *j = open_with(0, 0);
		struct ear_lane *lane = lane_at(j, NULL);
		int found = 0;

		be_good();
		forget_told();
		for (uint64_t i = 1; i <= 10; i++)
			assert_int_equal(put(lane, i, BYTES), EAR_OK);
		kernel.bad_block = block;
		while (get(lane, NULL))
			found++;
		if (found < 8 || found > 9)
			fail_msg("block %d: %d found", (int)block, found);
		/* The end of a file that is still written is not torn. */
		if (block < 8)
			assert_int_equal(was_told("journal.corrupt"), 1);
		be_good();
		ear_lane_close(&lane);
		ear_journal_close(&j);
		remove_dir(NULL);
		assert_int_equal(mkdir(dir, 0700), 0);
	}
	(void)state;
}

static void test_sync(void **state)
{
	struct ear_journal *j = open_with(0, 0);
	struct ear_lane *lane = lane_at(j, NULL);
	int quiet;

	be_good();
	assert_int_equal(put(lane, 1, BYTES), EAR_OK);
	for (int i = 0; i < 200 && !kernel.syncs; i++)
		usleep(10000);
	assert_int_equal(kernel.syncs, 1);
	usleep(100000); /* nothing new: nothing to do */
	assert_int_equal(kernel.syncs, 1);
	kernel.sync_error = EIO;
	assert_int_equal(put(lane, 2, BYTES), EAR_OK);
	for (int i = 0; i < 200 && !told_n; i++)
		usleep(10000);
	assert_int_equal(put(lane, 3, BYTES), EAR_OK);
	quiet = kernel.syncs;
	for (int i = 0; i < 200 && kernel.syncs == quiet; i++)
		usleep(10000);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(was_told("journal.sync"), 1);
	(void)state;
}

static int begin(void **state)
{
	be_good();
	return make_dir(state);
}

static int end(void **state)
{
	be_good();
	return remove_dir(state);
}

/* Somebody tidies up under a running server. */
static void test_removed(void **state)
{
	struct ear_journal *j = open_with(0, 0);
	struct ear_lane *lane = lane_at(j, NULL);

	assert_int_equal(put(lane, 1, BYTES), EAR_OK);
	assert_int_equal(remove_files(), 1);
	assert_int_equal(put(lane, 2, BYTES), EAR_OK);
	for (int i = 0; i < 500 && !was_told("journal.removed"); i++)
		usleep(10000);
	assert_int_equal(was_told("journal.removed"), 1);
	assert_int_equal(put(lane, 3, BYTES), EAR_OK);
	assert_int_equal(get(lane, NULL), 3);
	assert_int_equal(get(lane, NULL), 0);
	usleep(400000);
	assert_int_equal(was_told("journal.removed"), 1);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
		T(test_write_fails),
		T(test_write_in_pieces),
		T(test_bad_block),
		T(test_sync),
		T(test_removed),
	};

	return cmocka_run_group_tests_name(
		"journal/trouble", tests, NULL, NULL);
}
