/* SPDX-License-Identifier: Apache-2.0 */
/* Gaps from a ledger to a file to words; the backlog from counters to words. */
#include "unit/table.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "flow/backlog.h"
#include "flow/gaps.h"
#include "flow/status.h"

/* 2026-11-22 10:38:00 UTC */
#define T0 ((uint64_t)1795343880 * EAR_SECOND_NS)
#define S EAR_SECOND_NS
#define TAP "hep/udp:127.0.0.1:9060"

static char dir[64], path[128], status_path[128];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/earshot-gaps-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/" EAR_GAPS_FILE, dir);
	snprintf(status_path, sizeof(status_path), "%s/" EAR_STATUS_FILE, dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(status_path);
	return rmdir(dir);
}

static struct ear_gaps *begin(uint64_t max_bytes)
{
	struct ear_gaps *gaps;

	assert_int_equal(ear_gaps_new(dir, max_bytes, &gaps), EAR_OK);
	return gaps;
}

static void add(struct ear_gaps *gaps, uint64_t from, uint64_t to, uint64_t n,
	const char *tap, const char *reason)
{
	struct ear_gap gap = {.from_ns = from, .to_ns = to, .count = n};

	snprintf(gap.tap, sizeof(gap.tap), "%s", tap);
	snprintf(gap.reason, sizeof(gap.reason), "%s", reason);
	ear_gaps_add(gaps, &gap);
}

static void put(const char *to, const char *text)
{
	FILE *f = fopen(to, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct ear_found ask(uint64_t from, uint64_t to)
{
	struct ear_found found = {.complete = true};

	ear_gaps_add_to(dir, from, to, &found);
	assert_int_equal(found.complete, !found.why[0]);
	return found;
}

#define assert_why(found, want) \
	assert_slice(__func__, ear_slice_str((found).why), ear_slice_str(want))

static void no_file_is_no_gap(void **state)
{
	(void)state;
	assert_true(ask(0, UINT64_MAX).complete);
}

static void words(void **state)
{
	static const struct {
		const char *reason, *tap;
		uint64_t from, to, n;
		const char *want;
	} rows[] = {
		{"kernel_drop", TAP, T0 + S, T0 + 5 * S, 1234,
			"1,234 datagrams were dropped by the kernel at " TAP
			" between 2026-11-22 10:38:01 and 10:38:05 UTC"},
		{"kernel_drop", TAP, T0, T0 + 1, 1,
			"1 datagram was dropped by the kernel at " TAP
			" at 2026-11-22 10:38:00 UTC"},
		{"store_full", "", T0, T0 + 86400 * S, 1000000,
			"1,000,000 messages were lost to a full store between "
			"2026-11-22 10:38:00 and 2026-11-23 10:38:00 UTC"},
		{EAR_GAP_JOURNAL, "", 0, T0, 80,
			"80 bytes of the journal could not be read back "
			"before 2026-11-22 10:38:00 UTC"},
		{EAR_GAP_JOURNAL, "", 0, T0, 0,
			"a part of the journal was missing before 2026-11-22 "
			"10:38:00 UTC"},
		{"later_word", "t", T0, T0, 2,
			"2 messages were lost (later_word) at t at 2026-11-22 "
			"10:38:00 UTC"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_gaps *gaps = begin(0);

		add(gaps, rows[i].from, rows[i].to, rows[i].n, rows[i].tap,
			rows[i].reason);
		ear_gaps_free(&gaps);
		assert_why(ask(0, UINT64_MAX), rows[i].want);
		unlink(path);
	}
}

static void overlap(void **state)
{
	static const struct {
		uint64_t from, to;
		bool complete;
	} rows[] = {
		{0, T0 - 1, true},
		{0, T0, false},
		{T0 + 1, T0 + 2, false},
		{T0 + 5 * S, UINT64_MAX, false},
		{T0 + 5 * S + 1, UINT64_MAX, true},
	};
	struct ear_gaps *gaps = begin(0);

	(void)state;
	add(gaps, T0, T0 + 5 * S, 1, TAP, "journal_full");
	for (size_t i = 0; i < ROWS(rows); i++)
		assert_int_equal(ask(rows[i].from, rows[i].to).complete,
			rows[i].complete);
	ear_gaps_free(&gaps);
}

static void what_goes_on_is_one_gap(void **state)
{
	struct ear_gaps *gaps = begin(0);

	(void)state;
	for (uint64_t i = 0; i < 5; i++) {
		add(gaps, T0 + i * S, T0 + (i + 1) * S, 2, TAP, "kernel_drop");
		add(gaps, T0 + i * S, T0 + (i + 1) * S, 1, TAP, "oversize");
	}
	assert_why(ask(0, UINT64_MAX),
		"10 datagrams were dropped by the kernel at " TAP
		" between 2026-11-22 10:38:00 and 10:38:05 UTC; 5 messages "
		"were too large to be kept at " TAP
		" between 2026-11-22 10:38:00 and 10:38:05 UTC");
	ear_gaps_free(&gaps);
}

static void many_are_counted(void **state)
{
	struct ear_gaps *gaps = begin(0);
	struct ear_found found = {.complete = true, .why = "earlier words"};

	(void)state;
	for (uint64_t i = 0; i < 6; i++)
		add(gaps, T0 + i * 60 * S, T0 + i * 60 * S, 1, "t", "oversize");
	ear_gaps_add_to(dir, 0, UINT64_MAX, &found);
	assert_why(found,
		"earlier words; 1 message was too large to be kept at t at "
		"2026-11-22 10:38:00 UTC; 1 message was too large to be kept "
		"at t at 2026-11-22 10:39:00 UTC; and 4 more gaps");
	memset(found.why, 'x', sizeof(found.why) - 1);
	ear_gaps_add_to(dir, 0, UINT64_MAX, &found);
	assert_int_equal(strlen(found.why), sizeof(found.why) - 1);
	ear_gaps_free(&gaps);
}

static void the_file_is_capped(void **state)
{
	struct ear_gaps *gaps = begin(8192);
	struct stat st;

	(void)state;
	ear_gaps_retention(gaps,
		&(struct ear_store_stats){.messages = 1,
			.removed_to_ns = T0,
			.removed_segments = 1,
			.removed_messages = 9},
		T0);
	for (uint64_t i = 1; i <= 400; i++) {
		add(gaps, T0 + i * 60 * S, T0 + i * 60 * S, 1, TAP, "oversize");
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size < 8192 + 256);
	}
	/* the old are joined, the new are whole, the horizon is kept */
	assert_non_null(strstr(ask(T0 + 60 * S, T0 + 60 * S).why,
		"were lost in parts of the time between 2026-11-22 10:39:00"));
	assert_why(ask(T0 + 24000 * S, UINT64_MAX),
		"1 message was too large to be kept at " TAP
		" at 2026-11-22 17:18:00 UTC");
	assert_why(ask(T0 - S, T0 - S),
		"messages until 2026-11-22 10:38:00 UTC were removed by "
		"retention");
	ear_gaps_free(&gaps);
}

static void a_lasting_loss_stays_one_line(void **state)
{
	struct ear_gaps *gaps = begin(4096);

	(void)state;
	for (uint64_t i = 0; i < 300; i++)
		add(gaps, T0 + i * S, T0 + (i + 1) * S, 1, TAP, "kernel_drop");
	assert_why(ask(T0 + 2 * S, T0 + 3 * S),
		"300 datagrams were dropped by the kernel at " TAP
		" between 2026-11-22 10:38:00 and 10:43:00 UTC");
	ear_gaps_free(&gaps);
}

static void retention_counts_for_who_names_a_time(void **state)
{
	struct ear_store_stats stats = {.messages = 5,
		.removed_to_ns = T0,
		.removed_segments = 1,
		.removed_messages = 10};
	struct ear_gaps *gaps = begin(0);

	(void)state;
	ear_gaps_retention(gaps, &stats, T0 + 9 * S);
	stats.removed_segments = 2;
	stats.removed_messages = 20;
	stats.removed_to_ns = T0 + 5 * S;
	ear_gaps_retention(gaps, &stats, T0 + 10 * S);
	ear_gaps_retention(gaps, &stats, T0 + 11 * S);
	assert_true(ask(0, UINT64_MAX).complete);
	assert_true(ask(T0 + 5 * S + 1, UINT64_MAX).complete);
	assert_why(ask(T0, UINT64_MAX),
		"messages until 2026-11-22 10:38:05 UTC were removed by "
		"retention");
	ear_gaps_free(&gaps);
}

static void damage_is_told_where_it_is(void **state)
{
	struct ear_gaps *gaps;

	(void)state;
	put(path,
		"{\"from\":\"2026-11-22T10:38:00Z\",\"to\":\"2026-11-22T10:38:"
		"01Z\",\"tap\":\"t\",\"reason\":\"oversize\",\"count\":1}\n"
		"\xff{{ not a line\n[]\n{\"count\":-1}\n"
		"{\"from\":\"2026-11-22T11:00:00Z\",\"to\":\"2026-11-22T11:00:"
		"01Z\",\"tap\":\"t\",\"reason\":\"oversize\",\"count\":1}\n");
	assert_why(ask(T0 + 60 * S, T0 + 61 * S),
		"what was lost is not known, as gaps.jsonl is damaged, between "
		"2026-11-22 10:38:01 and 11:00:01 UTC");
	assert_true(ask(T0 + 7200 * S, UINT64_MAX).complete);
	/* a line that was cut does not spoil the next */
	put(path, "{\"from\":\"2026-11-22T10:3");
	gaps = begin(0);
	add(gaps, T0, T0 + S, 3, "t", "oversize");
	assert_non_null(strstr(ask(0, UINT64_MAX).why,
		"3 messages were too large to be kept"));
	ear_gaps_free(&gaps);
}

static void the_ledger_is_looked_at(void **state)
{
	struct ear_ledger *ledger;
	struct ear_tally *a, *b;
	struct ear_gaps *gaps = begin(0);

	(void)state;
	assert_int_equal(ear_ledger_new(16, &ledger), EAR_OK);
	a = ear_ledger_line(ledger, EAR_S(TAP), EAR_S("192.0.2.1"));
	b = ear_ledger_line(ledger, EAR_S(TAP), EAR_S("192.0.2.2"));
	ear_gaps_ledger(gaps, ledger, T0, T0);
	ear_tally_add(a, EAR_N_KERNEL_DROP, 3, T0);
	ear_tally_add(b, EAR_N_KERNEL_DROP, 4, T0);
	ear_tally_add(a, EAR_N_DENIED, 5, T0);
	ear_tally_add(a, EAR_N_BADKEY, 5, T0);
	ear_tally_add(a, EAR_N_REFUSED, 5, T0);
	ear_gaps_ledger(gaps, ledger, T0, T0 + S);
	assert_why(ask(0, UINT64_MAX),
		"7 datagrams were dropped by the kernel at " TAP
		" between 2026-11-22 10:38:00 and 10:38:01 UTC");
	/* what is lost behind the journal came in before the last look */
	ear_gaps_ledger(gaps, ledger, T0 + 60 * S, T0 + 100 * S);
	ear_tally_add(b, EAR_N_CORRUPT, 2, T0);
	ear_gaps_ledger(gaps, ledger, T0 + 60 * S, T0 + 101 * S);
	assert_why(ask(T0 + 50 * S, UINT64_MAX),
		"2 messages could not be read back from the journal at " TAP
		" between 2026-11-22 10:39:00 and 10:39:41 UTC");
	ear_ledger_free(&ledger);
	ear_gaps_free(&gaps);
}

static void what_cannot_be_written_is_kept(void **state)
{
	struct ear_gaps *gaps = begin(0);
	struct ear_found found = {.complete = true};

	(void)state;
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0); /* no file can be there */
	add(gaps, T0, T0 + S, 3, "t", "oversize");
	ear_gaps_tell(gaps, 0, UINT64_MAX, &found);
	assert_non_null(strstr(found.why, "3 messages were too large"));
	assert_int_equal(rmdir(path), 0);
	add(gaps, T0 + S, T0 + 2 * S, 1, "t", "oversize");
	assert_why(ask(0, UINT64_MAX),
		"4 messages were too large to be kept at t between 2026-11-22 "
		"10:38:00 and 10:38:02 UTC");
	ear_gaps_free(&gaps);
}

/* The journal's counters: bytes that wait, and bytes appended since open. */
static struct ear_backlog look(struct ear_backlog_watch *w, uint64_t waiting,
	uint64_t appended, uint64_t ms)
{
	const struct ear_journal_stats stats = {
		.bytes = waiting, .appended_bytes = appended};

	ear_backlog_look(w, &stats, S + ms * EAR_MS_NS, T0 + ms * EAR_MS_NS);
	return w->now;
}

static void a_steady_flow_is_no_backlog(void **state)
{
	struct ear_backlog_watch w = {.usual_ns = S + S / 4};

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_false(look(&w, 3000, i * 1000 + 3000, i * 250).lasts);
}

static void what_waits_is_a_backlog(void **state)
{
	struct ear_backlog_watch w = {.usual_ns = S + S / 4, .from_ns = T0 - S};
	struct ear_found found = {.complete = true};
	struct ear_backlog b;

	(void)state;
	look(&w, 0, 0, 0);
	for (uint64_t i = 1; i <= 5; i++)
		assert_false(look(&w, i * 1000, i * 1000, i * 250).lasts);
	b = look(&w, 6000, 6000, 1500);
	assert_true(b.lasts);
	assert_int_equal(b.since_ns, T0);
	ear_backlog_tell(&b, T0 - 1, &found);
	assert_true(found.complete);
	ear_backlog_tell(&b, UINT64_MAX, &found);
	assert_why(found,
		"5.9 KiB received since 2026-11-22 10:38:00 UTC cannot be "
		"searched yet");
	/* two thirds are through, and the rest is of the last second */
	assert_false(look(&w, 2000, 6000, 1750).lasts);
	assert_false(look(&w, 0, 6000, 2000).lasts);
}

static void what_was_left_is_a_backlog(void **state)
{
	struct ear_backlog_watch w = {.usual_ns = S, .from_ns = T0 - 9 * S};

	(void)state;
	assert_false(look(&w, 5000, 0, 0).lasts);
	assert_true(look(&w, 4000, 0, 1500).lasts);
	assert_int_equal(w.now.since_ns, T0 - 9 * S);
	assert_false(look(&w, 0, 0, 1750).lasts);
}

static void commands_read_the_status(void **state)
{
	struct ear_found found = {.complete = true};

	(void)state;
	ear_backlog_add_to(dir, UINT64_MAX, T0, &found);
	assert_true(found.complete);
	put(status_path,
		"{\"as_of\":\"2026-11-22T10:38:00Z\",\"backlog\":{\"bytes\":"
		"2048,\"since\":\"2026-11-22T10:37:00Z\",\"lasts\":true}}");
	ear_backlog_add_to(dir, UINT64_MAX, T0 + S, &found);
	assert_why(found,
		"2.0 KiB received since 2026-11-22 10:37:00 UTC cannot be "
		"searched yet");
	found = (struct ear_found){.complete = true};
	ear_backlog_add_to(dir, UINT64_MAX, T0 + 60 * S, &found);
	assert_why(found,
		"the server has not written its status since 2026-11-22 "
		"10:38:00 UTC: what waits in its journal is not known");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_file_is_no_gap),
		TEST(words),
		TEST(overlap),
		TEST(what_goes_on_is_one_gap),
		TEST(many_are_counted),
		TEST(the_file_is_capped),
		TEST(a_lasting_loss_stays_one_line),
		TEST(retention_counts_for_who_names_a_time),
		TEST(damage_is_told_where_it_is),
		TEST(the_ledger_is_looked_at),
		TEST(what_cannot_be_written_is_kept),
		TEST(a_steady_flow_is_no_backlog),
		TEST(what_waits_is_a_backlog),
		TEST(what_was_left_is_a_backlog),
		TEST(commands_read_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
