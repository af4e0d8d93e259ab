/* SPDX-License-Identifier: Apache-2.0 */
/* Writer, reader and death at the same time. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/time.h"
#include "help.h"

#define MIB ((uint64_t)1 << 20)

struct flow {
	struct ear_journal *journal;
	struct ear_lane *lane;
	uint64_t n; /* frames to write */
	size_t bytes;
	uint64_t refused;
};

static void *write_all(void *arg)
{
	struct flow *f = arg;

	for (uint64_t i = 1; i <= f->n; i++)
		while (put(f->lane, i, f->bytes + i % 999) != EAR_OK) {
			f->refused++;
			usleep(500);
		}
	return NULL;
}

static void read_all(struct flow *f, unsigned slow_us)
{
	struct ear_lane_pos pos;
	uint64_t want = 1;

	while (want <= f->n) {
		uint64_t got = get(f->lane, &pos);

		if (!got) {
			ear_journal_wait(f->journal, 1000);
			continue;
		}
		assert_int_equal(got, want);
		if (want++ % 64 == 0) {
			ear_lane_done(f->lane, &pos);
			if (slow_us)
				usleep(slow_us);
		}
	}
	assert_int_equal(get(f->lane, NULL), 0);
}

static void run(uint64_t max, uint64_t n, size_t bytes, unsigned slow_us,
	bool must_refuse)
{
	struct flow f = {
		.journal = open_with(max, MIB), .n = n, .bytes = bytes};
	struct ear_journal_stats stats;
	pthread_t writer;

	f.lane = lane_at(f.journal, NULL);
	assert_int_equal(pthread_create(&writer, NULL, write_all, &f), 0);
	read_all(&f, slow_us);
	pthread_join(writer, NULL);
	ear_journal_stats(f.journal, &stats);
	assert_int_equal(stats.lost_bytes, 0);
	assert_int_equal(told_lost, 0);
	assert_int_equal(was_told("journal.missing"), 0);
	if (must_refuse)
		assert_true(f.refused > 0);
	ear_lane_close(&f.lane);
	ear_journal_close(&f.journal);
}

static void test_together(void **state)
{
	run(0, 20000, 2000, 0, false);
	(void)state;
}

/* The writer outruns the reader and must wait for room, many times. */
static void test_slow_reader(void **state)
{
	run(8 * MIB, 4000, 20000, 3000, true);
	(void)state;
}

/* An append wakes the sleeper at once. */
static void *append_later(void *arg)
{
	struct flow *f = arg;

	usleep(50000);
	assert_int_equal(put(f->lane, 1, 10), EAR_OK);
	return NULL;
}

static void test_wait(void **state)
{
	struct flow f = {.journal = open_with(0, 0)};
	pthread_t writer;
	uint64_t t;

	f.lane = lane_at(f.journal, NULL);
	assert_int_equal(get(f.lane, NULL), 0);
	t = ear_mono_ns();
	ear_journal_wait(f.journal, 30);
	assert_true(ear_mono_ns() - t >= 25 * EAR_MS_NS);
	ear_journal_wake(f.journal);
	t = ear_mono_ns();
	ear_journal_wait(f.journal, 5000); /* a wake is not forgotten */
	assert_true(ear_mono_ns() - t < EAR_SECOND_NS);
	pthread_create(&writer, NULL, append_later, &f);
	t = ear_mono_ns();
	ear_journal_wait(f.journal, 5000);
	assert_true(ear_mono_ns() - t < 2 * EAR_SECOND_NS);
	pthread_join(writer, NULL);
	ear_journal_wait(f.journal, 5000); /* it is still unread */
	assert_true(ear_mono_ns() - t < 2 * EAR_SECOND_NS);
	assert_int_equal(get(f.lane, NULL), 1);
	ear_lane_close(&f.lane);
	ear_journal_close(&f.journal);
	(void)state;
}

/*
 * A process is killed in full flow, again and again on the same lane. What it
 * had accepted is there, once, in order.
 */
static void die_writing(
	_Atomic uint64_t *accepted, const struct ear_lane_pos *p)
{
	struct ear_journal *j = open_with(0, MIB);
	struct ear_lane *lane = lane_at(j, p);

	for (;;) {
		if (put(lane, *accepted + 1, *accepted % 3000))
			_exit(1);
		++*accepted;
	}
}

static void test_kill(void **state)
{
	_Atomic uint64_t *accepted = mmap(NULL, sizeof(*accepted),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ear_lane_pos pos = {0};
	uint64_t last = 0, got;

	for (int round = 0; round < 10; round++) {
		uint64_t before = *accepted;
		struct ear_journal *j;
		struct ear_lane *lane;
		int status;
		pid_t pid = fork();

		if (pid == 0)
			die_writing(accepted, &pos);
		while (*accepted < before + 500)
			usleep(1000);
		usleep((unsigned)(round * 777));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		j = open_with(0, MIB);
		lane = lane_at(j, &pos);
		while ((got = get(lane, &pos)))
			assert_int_equal(got, ++last);
		/* At most the frame it had not yet counted is there as well,
		 * and the next writer goes on after what it counted. */
		assert_true(last >= *accepted && last <= *accepted + 1);
		*accepted = last;
		ear_lane_close(&lane);
		ear_journal_close(&j);
	}
	/* A frame may be torn, but none that was accepted. */
	assert_int_equal(was_told("journal.missing"), 0);
	assert_int_equal(was_told("journal.order"), 0);
	munmap(accepted, sizeof(*accepted));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
		T(test_together),
		T(test_slow_reader),
		T(test_wait),
		T(test_kill),
	};

	return cmocka_run_group_tests_name(
		"journal/threads", tests, NULL, NULL);
}
