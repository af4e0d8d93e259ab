/* SPDX-License-Identifier: Apache-2.0 */
/* A lane in good health: append, read, go on, rotate, consume, fill up. */
#include <sys/mount.h>
#include <sys/wait.h>

#include "help.h"
#include <sys/file.h>

#include "base/time.h"

#define MIB ((uint64_t)1 << 20)

static void test_append_read(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 700, 65535, 3 * MIB};
	struct ear_journal *j = open_with(0, 0);
	struct ear_lane *lane = lane_at(j, NULL);
	struct ear_journal_stats stats;

	assert_int_equal(get(lane, NULL), 0);
	for (size_t i = 0; i < ROWS(sizes); i++) {
		assert_int_equal(put(lane, i + 1, sizes[i]), EAR_OK);
		assert_int_equal(get(lane, NULL), i + 1);
		assert_int_equal(get(lane, NULL), 0);
	}
	for (size_t i = 0; i < ROWS(sizes); i++)
		assert_int_equal(put(lane, i + 1, sizes[i]), EAR_OK);
	for (size_t i = 0; i < ROWS(sizes); i++)
		assert_int_equal(get(lane, NULL), i + 1);
	ear_journal_stats(j, &stats);
	assert_int_equal(stats.bytes, stats.appended_bytes);
	assert_true(stats.bytes > 6 * MIB && !stats.full);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(told_n, 0);
	(void)state;
}

/* Several records in a frame, with every padding; then a record that lies. */
static void test_records(void **state)
{
	char buf[4096] = {0};
	struct ear_frame frame;
	struct ear_record rec;
	struct ear_slice bytes;
	size_t at, n = 0;

	for (uint32_t i = 0; i < 20; i++) {
		rec = (struct ear_record){.bytes = i, .tap = i};
		memcpy(buf + n, &rec, sizeof(rec));
		n += sizeof(rec) + ((i + 7) & ~7U);
	}
	frame = (struct ear_frame){.p = buf, .n = n};
	at = 0;
	for (uint32_t i = 0; i < 20; i++) {
		assert_true(ear_frame_next(&frame, &at, &rec, &bytes));
		assert_int_equal(rec.tap, i);
		assert_int_equal(bytes.n, i);
	}
	assert_false(ear_frame_next(&frame, &at, &rec, &bytes));
	rec = (struct ear_record){.bytes = UINT32_MAX};
	memcpy(buf, &rec, sizeof(rec));
	at = 0;
	assert_false(ear_frame_next(&frame, &at, &rec, &bytes));
	at = SIZE_MAX;
	assert_false(ear_frame_next(&frame, &at, &rec, &bytes));
	(void)state;
}

static void test_resume(void **state)
{
	struct ear_lane_pos pos = {0}, zero = {0};
	struct ear_journal *j = open_with(0, 0);
	struct ear_lane *lane = lane_at(j, &zero);
	char names[4][32];

	for (uint64_t i = 1; i <= 10; i++)
		assert_int_equal(put(lane, i, 100), EAR_OK);
	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(get(lane, &pos), i);
	ear_lane_close(&lane);
	ear_journal_close(&j);

	j = open_with(0, 0);
	assert_int_equal(ear_journal_lanes(j, names, 4), 1);
	assert_string_equal(names[0], "udp0");
	lane = lane_at(j, &pos);
	/* What is new comes after what is left, in a file of its own. */
	assert_int_equal(put(lane, 11, 100), EAR_OK);
	assert_int_equal(ear_lane_first_file(lane), 2);
	assert_int_equal(count_files(), 2);
	for (uint64_t i = 5; i <= 11; i++)
		assert_int_equal(get(lane, &pos), i);
	assert_int_equal(get(lane, NULL), 0);
	assert_int_equal(pos.frame, 12);
	ear_lane_done(lane, &pos);
	assert_int_equal(count_files(), 1);
	ear_lane_close(&lane);
	ear_journal_close(&j);

	/* All is consumed, and its files are gone: still in order. */
	j = open_with(0, 0);
	lane = lane_at(j, &pos);
	assert_int_equal(get(lane, NULL), 0);
	ear_lane_done(lane, &pos);
	assert_int_equal(count_files(), 0);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	j = open_with(0, 0);
	lane = lane_at(j, &pos);
	assert_int_equal(put(lane, 12, 100), EAR_OK);
	assert_int_equal(get(lane, &pos), 12);
	assert_int_equal(pos.frame, 13);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(told_n, 0);
	(void)state;
}

/* Killed before it told anybody what it consumed: all comes again. */
static void test_from_oldest(void **state)
{
	struct ear_journal *j = open_with(64 * MIB, MIB);
	struct ear_lane *lane = lane_at(j, NULL);

	for (uint64_t i = 1; i <= 50; i++)
		assert_int_equal(put(lane, i, 100000), EAR_OK);
	assert_int_equal(count_files(), 5);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	j = open_with(64 * MIB, MIB);
	lane = lane_at(j, NULL);
	for (uint64_t i = 1; i <= 50; i++)
		assert_int_equal(get(lane, NULL), i);
	assert_int_equal(get(lane, NULL), 0);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(told_n, 0);
	(void)state;
}

static void test_rotate_consume(void **state)
{
	struct ear_journal *j = open_with(64 * MIB, MIB);
	struct ear_lane *lane = lane_at(j, NULL);
	struct ear_journal_stats stats;
	struct ear_lane_pos pos;

	/* Four times the bound passes through. */
	for (uint64_t i = 1; i <= 3000; i++) {
		assert_int_equal(put(lane, i, 100000), EAR_OK);
		if (i % 10)
			continue;
		for (uint64_t k = i - 9; k <= i; k++)
			assert_int_equal(get(lane, &pos), k);
		ear_lane_done(lane, &pos);
		assert_true(count_files() <= 2);
	}
	ear_journal_stats(j, &stats);
	assert_int_equal(stats.bytes, 0);
	assert_int_equal(stats.lost_bytes, 0);
	assert_true(stats.appended_bytes > 280 * MIB);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(told_n, 0);
	(void)state;
}

static void test_full(void **state)
{
	struct ear_journal *j = open_with(8 * MIB, 4 * MIB);
	struct ear_lane *lane = lane_at(j, NULL);
	struct ear_journal_stats stats;
	struct ear_lane_pos pos;
	uint64_t n = 0, read = 0;

	for (int round = 0; round < 5; round++) {
		while (put(lane, n + 1, 100000) == EAR_OK)
			n++;
		ear_journal_stats(j, &stats);
		assert_true(stats.full);
		assert_true(stats.bytes > 7 * MIB && stats.bytes <= 8 * MIB);
		while (get(lane, &pos) == read + 1)
			read++;
		assert_int_equal(read, n);
		ear_lane_done(lane, &pos);
		assert_int_equal(put(lane, ++n, 100000), EAR_OK);
		ear_journal_stats(j, &stats);
		assert_false(stats.full);
	}
	assert_true(n > 5 * 80);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(told_lost, 0);
	(void)state;
}

/* Many lanes with a little in the file of each: all of it can come back. */
static void test_many_lanes(void **state)
{
	struct ear_journal *j = open_with(MIB, 0);
	struct ear_lane *lanes[16];
	struct ear_lane_pos pos[16] = {0};
	char name[32];
	int n = 0;

	for (size_t i = 0; i < ROWS(lanes); i++) {
		snprintf(name, sizeof(name), "tcp%zu", i);
		assert_int_equal(
			ear_lane_open(j, name, NULL, &lanes[i], NULL), EAR_OK);
	}
	while (put(lanes[n % 16], 1, 5000) == EAR_OK)
		n++;
	assert_true(n > 180);
	for (size_t i = 0; i < ROWS(lanes); i++) {
		while (get(lanes[i], &pos[i]))
			;
		ear_lane_done(lanes[i], &pos[i]);
	}
	for (int i = 0; i < 100 && put(lanes[3], 1, 5000); i++)
		usleep(10000);
	assert_int_equal(put(lanes[3], 1, 5000), EAR_OK);
	for (size_t i = 0; i < ROWS(lanes); i++)
		ear_lane_close(&lanes[i]);
	ear_journal_close(&j);
	(void)state;
}

/* The keeper tells the begin and the end of it. */
static void test_full_told(void **state)
{
	struct ear_journal *j = open_with(MIB, 0);
	struct ear_lane *lane = lane_at(j, NULL);
	struct ear_lane_pos pos;
	uint64_t n = 0;

	while (put(lane, n + 1, 10000) == EAR_OK)
		n++;
	for (int i = 0; i < 200 && !was_told("journal.full"); i++)
		usleep(10000);
	assert_int_equal(was_told("journal.full"), 1);
	while (get(lane, &pos))
		;
	ear_lane_done(lane, &pos);
	assert_int_equal(put(lane, n + 1, 10000), EAR_OK);
	for (int i = 0; i < 200 && !was_told("journal.room"); i++)
		usleep(10000);
	assert_int_equal(was_told("journal.room"), 1);
	assert_int_equal(told_n, 2);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	(void)state;
}

static void test_keep_free(void **state)
{
	struct ear_journal_options o = {
		.dir = dir, .keep_free = (uint64_t)1 << 60};
	struct ear_journal *j = NULL;
	struct ear_lane *lane;

	assert_int_equal(ear_journal_open(&o, NULL, NULL, &j, NULL), EAR_OK);
	lane = lane_at(j, NULL);
	assert_int_equal(put(lane, 1, 100), EAR_FULL);
	assert_int_equal(put(lane, 1, 100), EAR_FULL);
	assert_int_equal(get(lane, NULL), 0);
	assert_int_equal(count_files(), 0);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	(void)state;
}

/* A real disk that is full; needs the right to mount one. */
static void test_small_disk(void **state)
{
	struct ear_lane_pos pos = {0};
	struct ear_journal *j;
	struct ear_lane *lane;
	uint64_t n = 0, read = 0;

	if (mount("none", dir, "tmpfs", 0, "size=1m,mode=700"))
		skip();
	j = open_with(0, 256 << 10);
	lane = lane_at(j, NULL);
	for (int round = 0; round < 3; round++) {
		while (put(lane, n + 1, 50001) == EAR_OK)
			n++;
		while (get(lane, &pos) == read + 1)
			read++;
		assert_int_equal(read, n);
		ear_lane_done(lane, &pos);
		for (int i = 0; i < 100 && put(lane, n + 1, 50001); i++)
			usleep(10000);
		n++;
	}
	assert_true(n > 3 * 15);
	assert_int_equal(get(lane, &pos), n);
	assert_int_equal(told_lost, 0);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	assert_int_equal(umount(dir), 0);
	(void)state;
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		enum ear_err want;
	} rows[] = {
		{"a", EAR_OK}, {"Tcp-12", EAR_OK},
		{"abcdefghijklmnopqrstuvwxyz01234", EAR_OK},
		{"abcdefghijklmnopqrstuvwxyz012345", EAR_USAGE},
		{"", EAR_USAGE}, {"../a", EAR_USAGE}, {"a.b", EAR_USAGE},
		{"udp0", EAR_USAGE}, /* is open */
	};
	struct ear_journal *j = open_with(0, 0);
	struct ear_lane *first = lane_at(j, NULL), *lane;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		enum ear_err err =
			ear_lane_open(j, rows[i].name, NULL, &lane, &fault);

		if (err != rows[i].want || (err && !fault.text[0]))
			fail_msg("%s: %d", rows[i].name, err);
		if (!err)
			ear_lane_close(&lane);
	}
	ear_lane_close(&first);
	ear_journal_close(&j);
	(void)state;
}

/* A second process is told who has it; it may when the first has died. */
static void test_two_processes(void **state)
{
	struct ear_journal *j = open_with(0, 0);
	struct ear_journal_options o = {.dir = dir};
	char want[40];
	int status;
	pid_t pid;

	snprintf(want, sizeof(want), "process %ld", (long)getpid());
	pid = fork();
	if (pid == 0) {
		struct ear_fault fault = {0};
		struct ear_journal *mine;
		enum ear_err err =
			ear_journal_open(&o, NULL, NULL, &mine, &fault);

		_exit(err == EAR_FULL && strstr(fault.text, want) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ear_journal_close(&j);
	j = open_with(0, 0);
	ear_journal_close(&j);
	(void)state;
}

/* A server that starts while a command recovers the journal waits for it. */
static void test_brief(void **state)
{
	struct ear_journal_options o = {.dir = dir, .brief = true};
	struct ear_journal *j = NULL;
	int ready[2], status;
	char c = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (ear_journal_open(&o, NULL, NULL, &j, NULL) ||
			write(ready[1], &c, 1) != 1)
			_exit(1);
		usleep(900000);
		ear_journal_close(&j);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	j = open_with(0, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
	ear_journal_close(&j);
	(void)state;
}

static void test_served(void **state)
{
	struct ear_journal_options o = {.dir = dir, .brief = true};
	struct ear_journal *j = open_with(0, 0);

	assert_true(ear_journal_served(dir));
	ear_journal_close(&j);
	assert_false(ear_journal_served(dir));
	assert_int_equal(ear_journal_open(&o, NULL, NULL, &j, NULL), EAR_OK);
	assert_false(ear_journal_served(dir));
	ear_journal_close(&j);
	assert_false(ear_journal_served("/nonexistent"));
	(void)state;
}

/* A holder in the moment before it says that it is brief. */
static void hold_unsaid(int ready, const char *before)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) || dprintf(fd, "%s", before) < 0 ||
		write(ready, "", 1) != 1)
		_exit(1);
	usleep(100000);
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) ||
		dprintf(fd, "%ld brief\n", (long)getpid()) < 0)
		_exit(1);
	usleep(700000);
	_exit(0);
}

/* A second command waits for the first; no command waits for a server. */
static void test_brief_both(void **state)
{
	/* nobody yet, and one that is dead: above the kernel's PID_MAX */
	static const char *const before[] = {"", "4194305\n"};
	struct ear_journal_options o = {.dir = dir, .brief = true};
	struct ear_journal *j = NULL, *second = NULL;
	uint64_t began;
	int status;

	for (size_t i = 0; i < ROWS(before); i++) {
		int ready[2];
		char c;
		pid_t pid;

		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0)
			hold_unsaid(ready[1], before[i]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		assert_int_equal(
			ear_journal_open(&o, NULL, NULL, &j, NULL), EAR_OK);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		ear_journal_close(&j);
		close(ready[0]);
		close(ready[1]);
	}
	j = open_with(0, 0);
	began = ear_mono_ns();
	assert_int_equal(
		ear_journal_open(&o, NULL, NULL, &second, NULL), EAR_FULL);
	assert_true(ear_mono_ns() - began < 400 * EAR_MS_NS);
	ear_journal_close(&j);
	(void)state;
}

static void test_no_dir(void **state)
{
	struct ear_journal_options o = {.dir = "/proc/no/such/folder"};
	struct ear_journal *j = NULL;
	struct ear_fault fault = {0};

	assert_int_equal(ear_journal_open(&o, NULL, NULL, &j, &fault), EAR_SYS);
	assert_true(fault.sys_errno && fault.text[0]);
	assert_null(j);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
		T(test_append_read),
		T(test_records),
		T(test_resume),
		T(test_from_oldest),
		T(test_rotate_consume),
		T(test_full),
		T(test_many_lanes),
		T(test_full_told),
		T(test_keep_free),
		T(test_small_disk),
		T(test_names),
		T(test_two_processes),
		T(test_brief),
		T(test_served),
		T(test_brief_both),
		T(test_no_dir),
	};

	return cmocka_run_group_tests_name("journal/lane", tests, NULL, NULL);
}
