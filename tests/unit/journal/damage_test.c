/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a power cut, a disk or a hand has damaged. */
#include "help.h"

#define FILE1 "udp0.00000001.journal"
#define BYTES 40
#define FRAME (EAR_FRAME_HEAD + 64 + BYTES)
#define FRAMES 5

static char file1[128];
static char good[FRAME * FRAMES];

static int write_good(void **state)
{
	struct ear_journal *j;
	struct ear_lane *lane;
	int fd;

	sync_ms = 0;
	if (make_dir(state))
		return -1;
	j = open_with(0, 0);
	lane = lane_at(j, NULL);
	for (uint64_t i = 1; i <= FRAMES; i++)
		assert_int_equal(put(lane, i, BYTES), EAR_OK);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	snprintf(file1, sizeof(file1), "%s/%s", dir, FILE1);
	fd = open(file1, O_RDONLY);
	assert_int_equal(read(fd, good, sizeof(good)), sizeof(good));
	assert_int_equal(read(fd, file1, 0), 0);
	close(fd);
	return 0;
}

/* What a reader finds in a file of these bytes: a bit for each number. */
static unsigned found_in(const char *p, size_t n, struct ear_lane_pos from)
{
	struct ear_journal *j;
	struct ear_lane *lane;
	unsigned found = 0;
	uint64_t number;
	int fd;

	remove_dir(NULL);
	assert_int_equal(mkdir(dir, 0700), 0);
	fd = open(file1, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
	forget_told();
	j = open_with(0, 0);
	lane = lane_at(j, &from);
	/* The lane works on, whatever is in the old file. */
	assert_int_equal(put(lane, 20, BYTES), EAR_OK);
	while ((number = get(lane, &from))) {
		assert_true(number <= FRAMES || number == 20);
		assert_false(found & 1u << number);
		found |= 1u << number;
	}
	assert_true(found & 1u << 20);
	ear_lane_done(lane, &from);
	assert_int_equal(count_files(), 1);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	return found & ~(1u << 20);
}

#define ALL 0x3eu /* numbers 1..5 */

static void test_torn_everywhere(void **state)
{
	struct ear_lane_pos zero = {0};

	for (size_t cut = 0; cut <= sizeof(good); cut++) {
		unsigned whole = (unsigned)(cut / FRAME);
		unsigned want = ((1u << whole) - 1) << 1;
		unsigned got = found_in(good, cut, zero);

		if (got != want || told_lost != cut % FRAME ||
			was_told("journal.torn") != (cut % FRAME != 0))
			fail_msg("cut %zu: %x, lost %llu", cut, got,
				(unsigned long long)told_lost);
	}
	(void)state;
}

static void test_flip_every_bit(void **state)
{
	struct ear_lane_pos zero = {0};
	char bad[sizeof(good)];

	for (size_t bit = 0; bit < FRAME * 8; bit++) {
		size_t byte = 2 * FRAME + bit / 8; /* within the third */
		unsigned got;

		memcpy(bad, good, sizeof(bad));
		bad[byte] = (char)(bad[byte] ^ 1 << bit % 8);
		got = found_in(bad, sizeof(bad), zero);
		if (got != (ALL & ~(1u << 3)) || told_lost != FRAME ||
			was_told("journal.corrupt") != 1 ||
			was_told("journal.missing") != 1)
			fail_msg("bit %zu: %x, lost %llu", bit, got,
				(unsigned long long)told_lost);
	}
	(void)state;
}

static void test_first_and_last(void **state)
{
	struct ear_lane_pos zero = {0};
	char bad[sizeof(good)];

	memcpy(bad, good, sizeof(bad));
	bad[0] = 'e';
	assert_int_equal(found_in(bad, sizeof(bad), zero), ALL & ~2u);
	memcpy(bad, good, sizeof(bad));
	bad[sizeof(bad) - 1] ^= 1;
	assert_int_equal(found_in(bad, sizeof(bad), zero), ALL & ~(1u << 5));
	assert_int_equal(was_told("journal.torn"), 1);
	(void)state;
}

/* Garbage put in anywhere, aligned or not, hides no good frame. */
static void test_garbage_between(void **state)
{
	struct ear_lane_pos zero = {0};
	char bad[sizeof(good) + 4096];

	for (size_t n = 1; n <= 4096; n = n * 3 + 1) {
		memcpy(bad, good, 2 * FRAME);
		for (size_t i = 0; i < n; i++)
			bad[2 * FRAME + i] = "EARJEAR"[i % 7];
		memcpy(bad + 2 * FRAME + n, good + 2 * FRAME, 3 * FRAME);
		if (found_in(bad, sizeof(good) + n, zero) != ALL ||
			told_lost != n)
			fail_msg("%zu", n);
		assert_int_equal(was_told("journal.corrupt"), 1);
		assert_int_equal(told_n, 1);
	}
	(void)state;
}

/* More of it than is read at once. */
static void test_much_garbage(void **state)
{
	struct ear_lane_pos zero = {0};
	size_t n = (3u << 20) + 13;
	char *bad = calloc(1, n + sizeof(good));

	memcpy(bad, good, FRAME);
	for (size_t i = 0; i < n; i++)
		bad[FRAME + i] = (char)(i * 2654435761u >> 16);
	memcpy(bad + FRAME + n, good + FRAME, 4 * FRAME);
	assert_int_equal(found_in(bad, n + sizeof(good), zero), ALL);
	assert_int_equal(told_lost, n);
	free(bad);
	(void)state;
}

/* A message that holds a whole, sound frame of another file. */
static void test_forged(void **state)
{
	struct ear_lane_pos zero = {0};
	char outer[EAR_FRAME_HEAD + 64 + sizeof(good)], *all;
	struct ear_record rec = {.bytes = sizeof(good)};
	struct ear_journal *j;
	struct ear_lane *lane;
	struct stat st;
	int fd;

	assert_int_equal(unlink(file1), 0);
	memcpy(outer + EAR_FRAME_HEAD, &rec, sizeof(rec));
	memcpy(outer + EAR_FRAME_HEAD + 64, good, sizeof(good));
	j = open_with(0, 0);
	lane = lane_at(j, NULL);
	assert_int_equal(put(lane, 1, BYTES), EAR_OK);
	assert_int_equal(
		ear_lane_append(lane, outer, sizeof(outer), 1, NULL), EAR_OK);
	assert_int_equal(put(lane, 2, BYTES), EAR_OK);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	fd = open(file1, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	all = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, all, (size_t)st.st_size), st.st_size);
	close(fd);
	all[FRAME + 5] ^= 1; /* damage the one around it */
	assert_int_equal(found_in(all, (size_t)st.st_size, zero), 0x6);
	assert_int_equal(told_lost, sizeof(outer));
	free(all);
	(void)state;
}

/* A place to go on from that is not there. */
static void test_odd_places(void **state)
{
	static const struct {
		struct ear_lane_pos from;
		unsigned want;
		const char *told; /* NULL: nothing */
	} rows[] = {
		{{1, 0, 1}, ALL, NULL},
		{{0, 77, 1}, ALL, NULL},
		{{1, FRAME, 2}, ALL & ~2u, NULL},
		{{1, FRAME, 0}, ALL & ~2u, NULL},
		{{1, FRAME * FRAMES, 6}, 0, NULL},
		{{1, FRAME * FRAMES + 800, 9}, 0, "journal.resume"},
		{{1, UINT64_MAX, 6}, 0, "journal.resume"},
		{{1, FRAME + 1, 2}, ALL & ~6u, "journal.corrupt"},
		{{1, FRAME, 1}, ALL & ~2u, "journal.missing"},
		{{1, FRAME, 4}, ALL & ~2u, "journal.order"},
		{{9, 0, 6}, 0, NULL},
		{{UINT64_MAX, 8, 6}, ALL, NULL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		unsigned got = found_in(good, sizeof(good), rows[i].from);

		if (got != rows[i].want)
			fail_msg("row %zu: %x", i, got);
		if (rows[i].told ? !was_told(rows[i].told) : told_n != 0)
			fail_msg("row %zu: %d told", i, told_n);
	}
	(void)state;
}

/* A whole file taken away in the middle: the numbers of the frames tell. */
static void test_file_missing(void **state)
{
	struct ear_journal *j;
	struct ear_lane *lane;
	char path[128];
	unsigned found = 0;
	uint64_t number;

	remove_dir(NULL);
	assert_int_equal(mkdir(dir, 0700), 0);
	for (uint64_t i = 1; i <= 4; i++) {
		j = open_with(0, 0);
		lane = lane_at(j, NULL);
		assert_int_equal(put(lane, i, BYTES), EAR_OK);
		ear_lane_close(&lane);
		ear_journal_close(&j);
	}
	snprintf(path, sizeof(path), "%s/udp0.00000002.journal", dir);
	assert_int_equal(unlink(path), 0);
	/* Things in the folder that are no journal do not matter. */
	snprintf(path, sizeof(path), "%s/udp0.00000002.journal", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/udp0.99999999999.journal", dir);
	assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
	j = open_with(0, 0);
	lane = lane_at(j, NULL);
	while ((number = get(lane, NULL)))
		found |= 1u << number;
	assert_int_equal(found, 0x1a);
	assert_int_equal(was_told("journal.missing"), 1);
	assert_int_equal(told_n, 1);
	ear_lane_close(&lane);
	ear_journal_close(&j);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, write_good, remove_dir)
		T(test_torn_everywhere),
		T(test_flip_every_bit),
		T(test_first_and_last),
		T(test_garbage_between),
		T(test_much_garbage),
		T(test_forged),
		T(test_odd_places),
		T(test_file_missing),
	};

	return cmocka_run_group_tests_name("journal/damage", tests, NULL, NULL);
}
