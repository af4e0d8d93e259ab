/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "records/attach.h"
#include "records/priv.h"
#include "unit/records/made.h"

/* Twelve calls, two of each second; in three spans. */
static void fill_calls(struct ear_records *r)
{
	static const struct {
		int at;
		const char *src, *dst;
		uint64_t talk_ms;
		uint8_t disposition;
		uint16_t code;
	} calls[] = {
		{0, "1122334462", "600", 5000, EAR_CALL_ANSWERED, 200},
		{0, "1932", "600", 16700, EAR_CALL_ANSWERED, 200},
		{1, "1913", "600", 0, EAR_CALL_NO_ANSWER, 480},
		{1, "4930123", "601", 0, EAR_CALL_BUSY, 486},
		{2, "4930124", "601", 0, EAR_CALL_FAILED, 503},
		{2, "1932", "602", 999, EAR_CALL_ANSWERED, 200},
		{9000, "1932", "600", 42000, EAR_CALL_ANSWERED, 200},
		{9001, "=cmd", "600", 0, EAR_CALL_FAILED, 404},
		{9002, "1932", "600", 0, EAR_CALL_IN_PROGRESS, 0},
		{90000, "Sara O'Neil", "600", 1, EAR_CALL_ANSWERED, 200},
		{90001, "1913", "+49301", 7, EAR_CALL_ANSWERED, 200},
		{90002, "", "600", 0, EAR_CALL_FAILED, 500},
	};
	struct ear_track_out out;

	ear_records_out(r, &out);
	for (size_t i = 0; i < ROWS(calls); i++) {
		struct ear_call_row c = made_call(
			S(calls[i].at), i + 1, calls[i].src, calls[i].dst);

		c.talk_ms = calls[i].talk_ms;
		c.disposition = calls[i].disposition;
		c.code = calls[i].code;
		out.call(&c, out.arg);
	}
	made_flush(r);
}

static const struct {
	const char *filter, *sort;
	bool ascending;
	const char *column, *want;
} calls[] = {
	{"", NULL, false, "at", "90002 90001 90000 9002 9001 9000 2 2 1 1 0 0"},
	{"", NULL, true, "at", "0 0 1 1 2 2 9000 9001 9002 90000 90001 90002"},
	{"src == 1932", NULL, false, "at", "9002 9000 2 0"},
	{"src == 1932", NULL, true, "at", "0 2 9000 9002"},
	{"src == 1932", "talk_s", false, "talk_s", "42 16 0 0"},
	{"src in (1913, 4930123)", NULL, false, "at", "90001 1 1"},
	{"disposition == FAILED", NULL, false, "code", "500 404 503"},
	{"disposition == ANSWERED", "talk_s", false, "talk_ms",
		"42000 16700 5000 999 7 1"},
	{"disposition in (FAILED, BUSY)", "talk_s", true, "code",
		"486 503 404 500"},
	{"disposition == busy", NULL, false, "src", "4930123"},
	{"not disposition in (FAILED, ANSWERED)", NULL, false, "code",
		"0 486 480"},
	{"code == 5xx", NULL, false, "code", "500 503"},
	{"code < 500 and code != 200", NULL, false, "code", "404 486 480"},
	{"code", NULL, true, "code",
		"200 200 480 486 503 200 200 404 200 200 "
		"500"},
	{"src ~ \"^49\"", NULL, false, "src", "4930124 4930123"},
	{"src has \"o'n\"", NULL, false, "src", "Sara O'Neil"},
	{"\"sara\"", NULL, false, "src", "Sara O'Neil"},
	{"not src", NULL, false, "code", "500"},
	{"talk_s >= 5", NULL, false, "talk_s", "42 16 5"},
	{"talk_s == 0 and disposition == ANSWERED", NULL, false, "talk_ms",
		"7 1 999"},
	{"at >= 2026-11-22T12:30:00Z and at < 2026-11-22T12:30:02Z", NULL,
		false, "at", "9001 9000"},
	{"src_addr in 192.0.2.0/24 and dst == 601", NULL, false, "dst",
		"601 601"},
	{"src_addr == 192.0.2.2", NULL, false, "dst", ""},
	{"call_id == abc@example and dst == 602", NULL, false, "dst", "602"},
	{"call_id == ABC@example", NULL, false, "dst", ""},
	{"dst == \"+49301\"", NULL, false, "src", "1913"},
	{"", "src", true, "src",
		"1122334462 1913 1913 1932 1932 1932 1932 "
		"4930123 4930124 =cmd Sara O'Neil"},
	{"", "talk_s", false, "talk_ms",
		"42000 16700 5000 999 7 1 0 0 0 0 0 "
		"0"},
	{"", "code", false, "code",
		"503 500 486 480 404 200 200 200 200 200 "
		"200 0"},
	{"", "disposition", true, "disposition",
		"IN_PROGRESS ANSWERED ANSWERED ANSWERED ANSWERED ANSWERED "
		"ANSWERED NO_ANSWER BUSY FAILED FAILED FAILED"},
};

static void test_calls(void **state)
{
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_rows_found found;
	struct made_text text;

	(void)state;
	fill_calls(r);
	for (size_t i = 0; i < ROWS(calls); i++) {
		struct ear_rows_query q = {.list = EAR_LIST_CALLS,
			.filter = made_s(calls[i].filter),
			.sort = calls[i].sort,
			.ascending = calls[i].ascending};

		assert_slice(calls[i].filter,
			made_s(made_list(r, q, calls[i].column, &text, &found)),
			made_s(calls[i].want));
		assert_true(found.complete);
		assert_false(found.more);
	}
	ear_records_close(&r);
	made_gone(&dir);
}

/* Page by page each row once, whatever the order. */
static void test_cursor(void **state)
{
	static const char *const sorts[] = {NULL, "src", "talk_s", "code",
		"disposition", "src_addr", "call_id", "id"};
	static const char *const filters[] = {
		"", "src == 1932", "dst == 600 and code"};
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_rows_found found;
	struct made_text text, all;

	(void)state;
	fill_calls(r);
	for (size_t i = 0; i < ROWS(sorts) * ROWS(filters) * 2 * 3; i++) {
		struct ear_rows_query q = {.list = EAR_LIST_CALLS,
			.filter = made_s(filters[i % ROWS(filters)]),
			.sort = sorts[i / ROWS(filters) % ROWS(sorts)],
			.ascending = i / (ROWS(sorts) * ROWS(filters)) % 2};
		uint64_t limit = 1 + i / (ROWS(sorts) * ROWS(filters) * 2);
		char cursor[160] = "", pages[4000] = "";

		made_list(r, q, "id", &all, &found);
		q.limit = limit;
		do {
			q.cursor = cursor;
			made_list(r, q, "id", &text, &found);
			assert_true(text.rows <= limit);
			if (pages[0] && text.text[0])
				strcat(pages, " ");
			strcat(pages, text.text);
			strcpy(cursor, found.cursor);
		} while (found.more);
		assert_slice(q.sort ? q.sort : "at", made_s(pages),
			made_s(all.text));
	}
	ear_records_close(&r);
	made_gone(&dir);
}

static const struct {
	const char *filter, *sort, *cursor;
	size_t offset;
	const char *says;
} wrong[] = {
	{"scr == 1932", NULL, NULL, 0, "did you mean src"},
	{"src == 1 and duration > 5", NULL, NULL, 13, "did you mean talk_s"},
	{"disposition == LOST", NULL, NULL, 15, "IN_PROGRESS, ANSWERED"},
	{"src ~ \"(\"", NULL, NULL, 8, "regular expression"},
	{"header.to", NULL, NULL, 0, "no column"},
	{"", "scr", NULL, 0, "did you mean src"},
	{"", NULL, "1.2.3.t", 0, "cursor"},
	{"", NULL, "hello", 0, "cursor"},
};

static void test_wrong(void **state)
{
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");

	(void)state;
	for (size_t i = 0; i < ROWS(wrong); i++) {
		struct ear_rows_query q = {.list = EAR_LIST_CALLS,
			.filter = made_s(wrong[i].filter),
			.sort = wrong[i].sort,
			.cursor = wrong[i].cursor};
		struct ear_rows_found found;
		struct ear_fault fault = {0};

		assert_int_equal(
			ear_records_list(r, &q, made_row, NULL, &found, &fault),
			EAR_USAGE);
		assert_int_equal(fault.offset, wrong[i].offset);
		if (!strstr(fault.text, wrong[i].says))
			fail_msg("%s: %s", wrong[i].filter, fault.text);
	}
	ear_records_close(&r);
	made_gone(&dir);
}

static void test_accounts(void **state)
{
	static const struct {
		uint64_t at;
		const char *filter, *sort, *column, *want;
	} rows[] = {
		{S(100000), "", NULL, "username", ""},
		{S(3000), "", NULL, "username", "904 910 909"},
		{S(3000), "", "username", "username", "910 909 904"},
		{S(3000), "", "expires", "username", "904 910 909"},
		{S(3000), "username == 909", NULL, "state", "on line"},
		{S(3000), "state == unreachable", NULL, "username", "910"},
		{S(3000), "state == \"on line\"", NULL, "state",
			"on line on line"},
		{S(50), "", NULL, "username", "908 910 909"},
		{S(50), "state == unreachable", NULL, "username", ""},
		{S(5), "", NULL, "username", "909"},
		{0, "", NULL, "username", "904 908 910 909"},
		{0, "", NULL, "state", "on line removed unreachable on line"},
		{0, "id == 2", NULL, "username", "910"},
		{0, "margin_s < 30", NULL, "username", ""}, /* no refresh */
		{0, "not margin_s", NULL, "username", "904 908 910 909"},
		{S(3000), "id in (1, 2)", "id", "username", "910 909"},
		{S(3000), "ip == 93.57.41.37", "ip", "id", "4 2 1"},
	};
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_rows_found found;
	struct ear_track_out out;
	struct ear_binding_row b;
	struct made_text text;

	(void)state;
	ear_records_out(r, &out);
	b = made_binding(S(0), 1, "909");
	out.binding(&b, out.arg);
	b = made_binding(S(10), 2, "910");
	b.lost_ns = S(60);
	out.binding(&b, out.arg);
	b = made_binding(S(20), 3, "908");
	b.ended_ns = S(100);
	b.end = EAR_BINDING_REMOVED;
	out.binding(&b, out.arg);
	b = made_binding(S(300), 4, "904");
	out.binding(&b, out.arg);
	made_flush(r);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_rows_query q = {.list = EAR_LIST_ACCOUNTS,
			.filter = made_s(rows[i].filter),
			.sort = rows[i].sort,
			.at_ns = rows[i].at};

		assert_slice(rows[i].filter,
			made_s(made_list(r, q, rows[i].column, &text, &found)),
			made_s(rows[i].want));
	}
	assert_int_equal(ear_records_newest(r), S(300));
	ear_records_close(&r);
	made_gone(&dir);
}

/* One connection, three accounts: each of them finds it. */
static void test_peers(void **state)
{
	static const struct {
		const char *filter, *want;
		bool failures;
	} rows[] = {
		{"peername == 909", "4 1", false},
		{"peername == 904", "4 2", false},
		{"peername == 90", "", false},
		{"peername in (904, 909)", "4 2 1", false},
		{"not peername == 909", "2 0", false},
		{"peername == 911", "", false},
		{"peername == 911", "3", true},
		{"remote == 93.57.41.37:28224", "4 2 1 0", false},
		{"remote == 93.57.41.37:1", "", false},
		{"remote in 93.57.41.32/28", "4 2 1 0", false},
		{"remote in 93.57.41.37/31", "4 2 1 0", false},
		{"remote in 93.57.41.38/31", "", false},
		{"remote in 93.57.32.0/20", "4 2 1 0", false},
		{"remote in 93.57.48.0/20", "", false},
		{"remote in 93.0.0.0/8", "4 2 1 0", false},
		{"event == DISCONNECT", "4", false},
		{"tls_version == TLSv1.2", "4", false},
		{"", "4 3 2 1 0", true},
	};
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_rows_found found;
	struct ear_track_out out;
	struct made_text text;

	(void)state;
	ear_records_out(r, &out);
	for (int i = 0; i < 5; i++) {
		static const char *const peers[] = {
			"", "909", "904", "911", "909,904,910"};
		struct ear_session_row s = made_session(S(i), (uint64_t)i + 1,
			i == 0   ? EAR_SESSION_CONNECT
			: i == 4 ? EAR_SESSION_DISCONNECT
				 : EAR_SESSION_REGISTER);

		s.peername = made_s(peers[i]);
		s.failed = i == 3;
		s.reconciled = true;
		s.tls_version = i == 4 ? 0x0303 : 0;
		out.session(&s, out.arg);
	}
	made_flush(r);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_rows_query q = {.list = EAR_LIST_SESSIONS,
			.filter = made_s(rows[i].filter),
			.failures = rows[i].failures};

		assert_slice(rows[i].filter,
			made_s(made_list(r, q, "at", &text, &found)),
			made_s(rows[i].want));
	}
	ear_records_close(&r);
	made_gone(&dir);
}

static bool text_row(const struct ear_cell *cells, void *arg)
{
	struct ear_buf *out = arg;
	struct ear_json j = ear_json(out);

	ear_row_csv(EAR_LIST_CALLS, cells, out);
	ear_json_open(&j, '{');
	ear_row_json(&j, EAR_LIST_CALLS, cells);
	ear_json_close(&j, '}');
	return true;
}

static void test_text(void **state)
{
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_call_row c = made_call(S(1) + 482000000, 7, "=1+2", "600");
	struct ear_fault fault = {0};
	struct ear_track_out out;
	struct ear_buf b = {0};

	(void)state;
	ear_records_out(r, &out);
	c.note = EAR_S("said \"no\", twice");
	c.talk_ms = 1999;
	out.call(&c, out.arg);
	made_flush(r);
	assert_int_equal(
		ear_records_row(r, EAR_LIST_CALLS, EAR_S("18ea51bf42b5b080-7"),
			text_row, &b, &fault),
		EAR_GONE);
	{
		char id[64];

		snprintf(id, sizeof(id), "%llx-7", (unsigned long long)c.at_ns);
		assert_int_equal(ear_records_row(r, EAR_LIST_CALLS, made_s(id),
					 text_row, &b, &fault),
			EAR_OK);
	}
	ear_buf_byte(&b, '\0');
	assert_non_null(
		strstr(b.p, ",2026-11-22 10:00:01.482,\"'=1+2\",\"600\",0,"
			    "1,ANSWERED,200,OK,abc@example,"
			    "\"said \"\"no\"\", twice\",1999,"));
	assert_non_null(
		strstr(b.p, "\"at\":\"2026-11-22T10:00:01.482000Z\","
			    "\"src\":\"=1+2\",\"dst\":\"600\",\"ring_s\""
			    ":0,\"talk_s\":1,\"disposition\":"
			    "\"ANSWERED\",\"code\":200"));
	ear_buf_fini(&b);
	ear_records_close(&r);
	made_gone(&dir);
}

/* Of two connections one is up: it has no cause, and is counted all the same.
 */
static void test_timeline(void **state)
{
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_conn_row conn[2] = {made_conn(S(1), 1), made_conn(S(2), 2)};
	struct ear_rows_query query = {.list = EAR_LIST_CONNECTIONS};
	struct ear_rows_found found;
	struct ear_fault fault = {0};
	struct ear_track_out out;
	uint64_t n[16] = {0};
	struct ear_timeline line = {.from_ns = S(0),
		.step_ns = 60 * EAR_SECOND_NS,
		.buckets = 1,
		.n = n};

	(void)state;
	ear_records_out(r, &out);
	conn[0].closed_ns = S(5);
	conn[0].cause = EAR_CAUSE_NETWORK_ERROR;
	out.conn(&conn[0], out.arg);
	out.conn(&conn[1], out.arg);
	made_flush(r);
	assert_int_equal(
		ear_records_timeline(r, &query, "cause", &line, &found, &fault),
		EAR_OK);
	assert_true(line.series > 1 && line.series <= ROWS(n));
	assert_null(line.words[line.series - 1]);
	assert_int_equal(n[line.series - 1], 1);
	for (size_t i = 0; i + 1 < line.series; i++)
		assert_int_equal(
			n[i], strcmp(line.words[i], "NETWORK_ERROR") == 0);
	ear_records_close(&r);
	made_gone(&dir);
}

/* Nothing came since, so that the records do not know that it ran out. */
static void test_story_ran_out(void **state)
{
	uint64_t at = ear_now_ns() - 2 * 3600 * EAR_SECOND_NS;
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_binding_row b = made_binding(at, 1, "909");
	struct ear_buf text = {0};
	struct ear_json j = ear_json(&text);
	struct ear_fault fault = {0};
	struct ear_track_out out;

	(void)state;
	ear_records_out(r, &out);
	out.binding(&b, out.arg);
	made_flush(r);
	assert_int_equal(
		ear_records_story(r, 1, 0, INT64_MAX, &j, &fault), EAR_OK);
	ear_buf_byte(&text, 0);
	assert_non_null(strstr((char *)text.p, "\"state\":\"off line\""));
	ear_buf_fini(&text);
	ear_records_close(&r);
	made_gone(&dir);
}

/* One rings, one talks, two are over: what goes on has no length yet. */
static void fill_open(struct ear_records *r)
{
	static const struct {
		const char *src;
		uint64_t ring_ms, talk_ms;
		int rang, answered, ended;
	} lasts[] = {{"rings", 0, 0, 1, 0, 0}, {"talks", 3000, 0, 1, 4, 0},
		{"talked", 2000, 7000, 1, 3, 10},
		{"gave-up", 6000, 0, 1, 0, 7}};
	struct ear_track_out out;

	ear_records_out(r, &out);
	for (size_t i = 0; i < ROWS(lasts); i++) {
		struct ear_call_row c =
			made_call(S(i), i + 1, lasts[i].src, "600");

		c.ring_ms = lasts[i].ring_ms;
		c.talk_ms = lasts[i].talk_ms;
		c.ring_ns = S(lasts[i].rang);
		c.answer_ns = lasts[i].answered ? S(lasts[i].answered) : 0;
		c.end_ns = lasts[i].ended ? S(lasts[i].ended) : 0;
		out.call(&c, out.arg);
	}
	made_flush(r);
}

static const struct {
	const char *filter, *sort, *want;
} open_calls[] = {
	{"talk_s < 3", NULL, "gave-up rings"},
	{"talk_s >= 0", NULL, "gave-up talked rings"},
	{"not talk_s", NULL, "talks"},
	{"not talk_ms", NULL, "talks"},
	{"not ring_s", NULL, "rings"},
	{"ring_ms >= 0", NULL, "gave-up talked talks"},
	{"", "talk_s", "talked gave-up talks rings"},
	{"", "talk_ms", "talked gave-up talks rings"},
	{"", "ring_s", "gave-up talks talked rings"},
	{"", "ring_ms", "gave-up talks talked rings"},
};

static bool json_row(const struct ear_cell *cells, void *arg)
{
	struct ear_buf *out = arg;
	struct ear_json j = {.out = out};

	ear_row_csv(EAR_LIST_CALLS, cells, out);
	ear_json_open(&j, '{');
	ear_row_json(&j, EAR_LIST_CALLS, cells);
	ear_json_close(&j, '}');
	return true;
}

static void test_open(void **state)
{
	struct ear_rows_query q = {
		.list = EAR_LIST_CALLS, .filter = EAR_S("src == talks")};
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_rows_found found;
	struct ear_buf shown = {0};
	struct ear_fault fault;
	struct made_text text;
	sqlite3 *db;

	(void)state;
	fill_open(r);
	assert_int_equal(
		ear_records_list(r, &q, json_row, &shown, &found, NULL),
		EAR_OK);
	ear_buf_byte(&shown, '\0');
	assert_non_null(strstr(shown.p, ",talks,\"600\",3,,ANSWERED,"));
	assert_non_null(strstr(shown.p, "\"ring_s\":3,\"talk_s\":null,"));
	ear_buf_fini(&shown);
	for (size_t i = 0; i < ROWS(open_calls); i++) {
		q.filter = made_s(open_calls[i].filter);
		q.sort = open_calls[i].sort;
		assert_slice(open_calls[i].filter,
			made_s(made_list(r, q, "src", &text, &found)),
			made_s(open_calls[i].want));
	}
	ear_records_close(&r);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(ear_records_attach(db, dir, &fault), EAR_OK);
	assert_int_equal(
		ear_file_u64(db,
			"SELECT count(*) FROM V_CDR WHERE duration IS NULL"
			" AND src='talks'",
			0),
		1);
	assert_int_equal(
		ear_file_u64(db, "SELECT sum(duration) FROM V_CDR", 0), 7);
	sqlite3_close(db);
	made_gone(&dir);
}

/* The last moment that there is has no span behind it. */
static void test_last_moment(void **state)
{
	struct ear_rows_query q = {.list = EAR_LIST_CONNECTIONS,
		.filter = EAR_S("client == 93.57.41.37"),
		.ascending = true};
	char *dir = made_dir();
	struct ear_records *r = made_open(dir, "server");
	struct ear_conn_row c = made_conn(INT64_MAX, 1);
	struct ear_rows_found found;
	struct ear_track_out out;
	struct made_text text;

	(void)state;
	ear_records_out(r, &out);
	out.conn(&c, out.arg);
	made_flush(r);
	made_list(r, q, "id", &text, &found);
	assert_int_equal(text.rows, 1);
	assert_false(found.more);
	ear_records_close(&r);
	made_gone(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_last_moment),
		cmocka_unit_test(test_story_ran_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
