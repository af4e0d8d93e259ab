/* SPDX-License-Identifier: Apache-2.0 */
/* Charts and filters are the same whether rows are counted in advance or not.
 */
#include "unit/table.h"

#include <inttypes.h>

#include "base/sqlite.h"
#include "made.h"
#include "records/keys.h"

#define HOUR ((uint64_t)3600)
#define CALLS 480
/* A slot begins here; calls come each six minutes from then on. */
#define BEGIN (T0 - T0 % (900 * EAR_SECOND_NS))

static void put_call(struct ear_track_out *out, unsigned i, uint16_t code)
{
	struct ear_call_row c = made_call(
		BEGIN + i * 360 * EAR_SECOND_NS, i + 1, "sara", "909");

	c.code = code;
	c.disposition = code == 200   ? EAR_CALL_ANSWERED
			: code == 486 ? EAR_CALL_BUSY
				      : EAR_CALL_FAILED;
	out->call(&c, out->arg);
}

static void fill(struct ear_records *r)
{
	struct ear_track_out out;

	ear_records_out(r, &out);
	for (unsigned i = 0; i < CALLS; i++) {
		struct ear_session_row s = made_session(
			BEGIN + i * 360 * EAR_SECOND_NS, i + 1,
			i % 3 ? EAR_SESSION_REGISTER : EAR_SESSION_CONNECT);

		put_call(&out, i,
			i == 17 || i == 301 ? 606
			: i % 5             ? 200
					    : 486);
		s.failed = i % 30 == 1;
		out.session(&s, out.arg);
	}
	made_flush(r);
}

/* Whoever opens it counts what is there. */
static struct ear_records *open_counted(const char *dir)
{
	struct ear_records *r = made_open(dir, "server");
	struct ear_records_stats stats;

	do {
		usleep(1000);
		ear_records_stats(r, &stats);
	} while (!stats.counted);
	return r;
}

static bool add_value(struct ear_slice value, uint64_t count, void *arg)
{
	struct made_text *t = arg;

	t->n += (size_t)snprintf(t->text + t->n, 64, "%s%.*s=%" PRIu64,
		t->n ? " " : "", EAR_FMT(value), count);
	return true;
}

static void has_facet(struct ear_records *r, struct ear_rows_query query,
	const char *by, const char *expected)
{
	struct made_text text = {0};
	struct ear_rows_found found;
	struct ear_fault fault = {0};

	assert_int_equal(ear_records_facet(r, &query, by, 10, add_value, &text,
				 &found, &fault),
		EAR_OK);
	assert_true(found.complete);
	assert_string_equal(text.text, expected);
}

static void has_rows(struct ear_records *r, struct ear_rows_query query,
	const char *expected)
{
	struct ear_rows_found found;
	struct made_text text;

	assert_string_equal(made_list(r, query, "id", &text, &found), expected);
	assert_true(found.complete);
}

static uint64_t all(struct ear_records *r, struct ear_rows_query query,
	uint64_t from, uint64_t step, size_t buckets, uint64_t *last)
{
	uint64_t n[60 * 8] = {0}, sum = 0;
	struct ear_timeline line = {
		.from_ns = from, .step_ns = step, .buckets = buckets, .n = n};
	struct ear_rows_found found;
	struct ear_fault fault = {0};

	assert_int_equal(ear_records_timeline(r, &query, "disposition", &line,
				 &found, &fault),
		EAR_OK);
	assert_true(found.complete);
	*last = 0;
	for (size_t i = 0; i < buckets * line.series; i++) {
		sum += n[i];
		*last += i / line.series + 1 == buckets ? n[i] : 0;
	}
	return sum;
}

static const struct ear_rows_query rare = {
	.list = EAR_LIST_CALLS, .filter = EAR_S_INIT("code > 600")};

static void ids(char *text, size_t room, const unsigned *i, size_t n)
{
	size_t at = 0;

	for (size_t k = 0; k < n; k++)
		at += (size_t)snprintf(text + at, room - at, "%s%" PRIx64 "-%x",
			k ? " " : "",
			(uint64_t)(BEGIN + i[k] * 360 * EAR_SECOND_NS),
			i[k] + 1);
}

static void check_all(struct ear_records *r)
{
	struct ear_rows_query calls = {.list = EAR_LIST_CALLS};
	struct ear_rows_query sessions = {.list = EAR_LIST_SESSIONS};
	struct ear_rows_query up = rare, cut = calls;
	char down[100], rising[100];
	uint64_t last;

	ids(down, sizeof(down), (const unsigned[]){301, 17}, 2);
	ids(rising, sizeof(rising), (const unsigned[]){17, 301}, 2);
	up.ascending = true;
	has_facet(r, calls, "disposition", "ANSWERED=382 BUSY=96 FAILED=2");
	has_facet(r, calls, "code", "200=382 486=96 606=2");
	has_facet(r, rare, "disposition", "FAILED=2");
	has_facet(r, sessions, "event", "REGISTER=304 CONNECT=160");
	sessions.failures = true;
	has_facet(r, sessions, "event", "REGISTER=320 CONNECT=160");
	has_rows(r, rare, down);
	has_rows(r, up, rising);
	/* neither end is one of a slot */
	cut.from_ns = BEGIN + 7 * 360 * EAR_SECOND_NS;
	cut.to_ns = BEGIN + 206 * 360 * EAR_SECOND_NS;
	has_facet(r, cut, "code", "200=159 486=40 606=1");
	/* in slots, and across them */
	assert_int_equal(
		all(r, calls, BEGIN, 2 * HOUR * EAR_SECOND_NS, 24, &last), 480);
	assert_int_equal(last, 20);
	assert_int_equal(
		all(r, calls, BEGIN + 1, 2 * HOUR * EAR_SECOND_NS, 23, &last),
		460);
	assert_int_equal(last, 20);
}

static void test_counted(void **state)
{
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");

	(void)state;
	fill(r);
	assert_int_equal(made_number(dir, "SELECT count(*) FROM tallied"), 0);
	check_all(r);
	ear_records_close(&r);
	r = open_counted(dir);
	/* the last hour is not, nor is what came so late */
	assert_in_range(
		made_number(dir, "SELECT sum(n) FROM call_tally"), 440, 475);
	check_all(r);
	ear_records_close(&r);
	made_gone(&dir);
}

/* What is written into a slot, again or anew, is counted at once. */
static void test_spoilt(void **state)
{
	struct ear_rows_query calls = {.list = EAR_LIST_CALLS};
	char *dir = made_dir(), text[100];
	struct ear_records *r = made_open(dir, "server");
	struct ear_track_out out;

	(void)state;
	fill(r);
	ear_records_close(&r);
	r = open_counted(dir);
	ear_records_out(r, &out);
	put_call(&out, 301, 200);
	put_call(&out, 100, 607);
	made_flush(r);
	has_facet(r, calls, "code", "200=383 486=95 606=1 607=1");
	ids(text, sizeof(text), (const unsigned[]){100, 17}, 2);
	has_rows(r, rare, text);
	ear_records_close(&r);
	r = open_counted(dir);
	has_facet(r, calls, "code", "200=383 486=95 606=1 607=1");
	ear_records_close(&r);
	made_gone(&dir);
}

/* What is removed is counted no more. */
static void test_removed(void **state)
{
	struct ear_rows_query calls = {.list = EAR_LIST_CALLS};
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_fault fault = {0};
	struct ear_keys *keys;
	sqlite3 *db;
	bool left;

	(void)state;
	fill(r);
	ear_records_close(&r);
	r = open_counted(dir);
	assert_int_equal(ear_file_open(dir, true, &db, &fault), EAR_OK);
	assert_int_equal(ear_keys_new(db, dir, &keys, &fault), EAR_OK);
	assert_int_equal(ear_retain(db, keys, BEGIN + 101 * 360 * EAR_SECOND_NS,
				 10000, &left, &fault),
		EAR_OK);
	ear_keys_free(&keys);
	sqlite3_close(db);
	assert_false(left);
	has_facet(r, calls, "code", "200=303 486=75 606=1");
	ear_records_close(&r);
	made_gone(&dir);
}

/* What reconciliation removes, as the same connection was seen itself. */
static void test_seen_after_all(void **state)
{
	struct ear_rows_query sessions = {.list = EAR_LIST_SESSIONS};
	struct ear_conn_row c = made_conn(BEGIN + 2, 50);
	struct ear_session_row s =
		made_session(BEGIN + 2, 51, EAR_SESSION_CONNECT);
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_reconciled stand;
	struct ear_track_out out;

	(void)state;
	fill(r);
	ear_records_out(r, &out);
	c.inferred = true;
	c.closed_ns = BEGIN + 900;
	out.conn(&c, out.arg);
	s.connection = 50;
	out.session(&s, out.arg);
	made_flush(r);
	ear_records_close(&r);
	r = open_counted(dir);
	has_facet(r, sessions, "event", "REGISTER=304 CONNECT=161");
	ear_records_out(r, &out);
	c = made_conn(BEGIN + 1, 40);
	c.closed_ns = BEGIN + 900;
	out.conn(&c, out.arg);
	made_flush(r);
	ear_records_close(&r);
	r = made_open(dir, NULL);
	assert_int_equal(
		made_number(dir, "SELECT count(*) FROM connection"), 1);
	has_facet(r, sessions, "event", "REGISTER=304 CONNECT=160");
	ear_records_reconciled(r, &stand);
	assert_int_equal(
		stand.bound + stand.ambiguous + stand.unbound + stand.waiting,
		1);
	ear_records_close(&r);
	made_gone(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_seen_after_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
