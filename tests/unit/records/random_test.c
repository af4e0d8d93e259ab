/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told by two owners in any order, told again with other values,
 * reconciled and removed: each list, facet and timeline is held against the
 * same question asked of the tables by plain SQL.
 */
#include "unit/table.h"

#include "base/sqlite.h"
#include "records/keys.h"
#include "unit/records/made.h"

#define ROUNDS 4
/* Different rows of a list: so many that most are told several times. */
#define SEEDS 300

static uint32_t seed = 7;

static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* --- what is told ------------------------------------------------------ */

#define X10 "xxxxxxxxxx"
#define X120 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10

static const struct ear_slice names[] = {EAR_S_INIT(""), EAR_S_INIT("100"),
	EAR_S_INIT("101"), EAR_S_INIT("1"), EAR_S_INIT("+4930100"),
	EAR_S_INIT(X120),
	EAR_S_INIT("10\0"
		   "0"),
	EAR_S_INIT("\xff\xfe"), EAR_S_INIT(X120 "a"),
	EAR_S_INIT(X120 X120 X10 "b")};
/* as long as a call's may be */
#define SHORT 8
/* those a filter may ask for */
static const unsigned asked[] = {0, 1, 2, 3, 4, 5, 8, 9};

static struct ear_slice name(void)
{
	return names[dice(ROWS(names))];
}

static const char *const hosts[] = {"192.0.2.1:5060", "192.0.2.2:5060",
	"192.0.2.77:1024", "198.51.100.9:40000", "[2001:db8::1]:5061",
	"[c000:202::]:5061"};

static uint64_t time_of(uint32_t row)
{
	switch (row) {
	case 0: return 0;
	case 1: return INT64_MAX;
	default: return S(row * 37 % SEEDS * 20);
	}
}

static uint64_t id_of(uint32_t row)
{
	return row % 50 == 3 ? INT64_MAX : row % 50 == 4 ? 1 : row + 2;
}

static void tell_call(struct ear_track_out *out)
{
	static const uint64_t talks[] = {
		0, 0, 999, 60000, UINT32_MAX, UINT32_MAX + 5ULL, 1ULL << 40};
	uint32_t row = dice(SEEDS);
	struct ear_call_row c = made_call(time_of(row), id_of(row), "", "");

	c.src = names[dice(SHORT)];
	c.dst = names[dice(SHORT)];
	c.call_id = dice(3) ? name() : EAR_S("abc@example");
	c.disposition = (uint8_t)dice(5);
	c.talk_ms = dice(2) ? talks[dice(ROWS(talks))] : dice(5000);
	out->call(&c, out->arg);
}

/* A few connections, over which some register; some were only inferred. */
static void tell_session(struct ear_track_out *out)
{
	uint32_t row = dice(SEEDS);
	struct ear_session_row s = made_session(time_of(row), id_of(row),
		(enum ear_session_event)(1 + row % 4));
	char several[700];

	if (row % 4 == 1 || row % 4 == 2)
		s.peername = name();
	else if (!dice(4)) {
		struct ear_slice a = name(), b = name();

		/* NULs end it: also good */
		snprintf(several, sizeof(several), "%.*s,%.*s%s", EAR_FMT(a),
			EAR_FMT(b), dice(3) ? "" : ",");
		s.peername = ear_slice_str(several);
	}
	s.remote = made_addr(hosts[dice(ROWS(hosts))]);
	if (!dice(9))
		s.remote = (struct ear_addr){0};
	s.failed = !dice(8);
	s.connection = dice(3) ? 9000 + row % 7 : 0;
	out->session(&s, out->arg);
}

static void tell_connection(struct ear_track_out *out)
{
	uint32_t i = dice(7);
	struct ear_conn_row c = made_conn(S(i * 10), 9000 + i);

	c.client = made_addr(hosts[i % ROWS(hosts)]);
	c.inferred = i % 2;
	c.last_ns = S(i * 10 + dice(20000));
	c.closed_ns = dice(2) ? c.last_ns : 0;
	out->conn(&c, out->arg);
}

static void tell(struct ear_records *r)
{
	unsigned n = dice(5) ? dice(40) : dice(600);
	struct ear_track_out out;

	ear_records_out(r, &out);
	while (n--) {
		tell_call(&out);
		tell_session(&out);
		if (!dice(30))
			tell_connection(&out);
	}
	made_flush(r);
}

/* What is older goes, some at a time. */
static void retain(const char *dir, uint64_t before_ns)
{
	struct ear_fault fault = {0};
	struct ear_keys *keys;
	bool left = true;
	sqlite3 *db;

	assert_int_equal(ear_file_open(dir, true, &db, &fault), EAR_OK);
	assert_int_equal(ear_keys_new(db, dir, &keys, &fault), EAR_OK);
	while (left) {
		assert_int_equal(
			ear_sql_exec(db, "BEGIN IMMEDIATE", dir, &fault),
			EAR_OK);
		assert_int_equal(
			ear_retain(db, keys, before_ns, 100, &left, &fault),
			EAR_OK);
		assert_int_equal(
			ear_sql_exec(db, "COMMIT", dir, &fault), EAR_OK);
	}
	ear_keys_free(&keys);
	sqlite3_close(db);
}

/* Two owners at once, one of which is opened anew now and then. */
static void round_of(const char *dir)
{
	struct ear_records *server = made_open(dir, "server");
	struct ear_records *import = NULL;

	for (unsigned i = 0; i < 20; i++) {
		if (!dice(6) && import)
			ear_records_close(&import);
		else if (!import)
			import = made_open(dir, "import");
		tell(import && dice(2) ? import : server);
	}
	ear_records_close(&import);
	ear_records_close(&server);
}

/* --- what is asked ----------------------------------------------------- */

struct asking {
	sqlite3 *db; /* the tables, without anything of ours */
	struct ear_records *records;
	struct ear_buf got, want;
};

static bool add_row(const struct ear_cell *cells, void *arg)
{
	struct ear_buf *out = arg;

	/* "id" is the first column */
	ear_buf_slice(out, cells[0].text);
	ear_buf_byte(out, '\n');
	return true;
}

static void differ(
	const char *what, const struct ear_rows_query *q, struct asking *a)
{
	size_t i = 0;

	while (i < a->got.n && i < a->want.n && a->got.p[i] == a->want.p[i])
		i++;
	i -= i < 20 ? i : 20;
	fail_msg("%s of %s, '%.*s', by %s, %s, from %llu to %llu: of %zu bytes "
		 "(%zu wanted) behind %zu: '%.60s', want '%.60s'",
		what, ear_list_name(q->list), EAR_FMT(q->filter),
		q->sort ? q->sort : "at", q->ascending ? "up" : "down",
		(unsigned long long)q->from_ns, (unsigned long long)q->to_ns,
		a->got.n, a->want.n, i, a->got.n ? a->got.p + i : "",
		a->want.n ? a->want.p + i : "");
}

static void compare(
	const char *what, const struct ear_rows_query *q, struct asking *a)
{
	assert_int_equal(a->got.err | a->want.err, 0);
	if (!ear_slice_eq(ear_buf_view(&a->got), ear_buf_view(&a->want))) {
		ear_buf_byte(&a->got, '\0');
		ear_buf_byte(&a->want, '\0');
		differ(what, q, a);
	}
	ear_buf_reset(&a->got);
	ear_buf_reset(&a->want);
}

/* Rows of plain SQL: the first column as a line each. */
static void plain(struct asking *a, const char *sql)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(a->db, sql, -1, &st, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(a->db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		ear_buf_slice(&a->want, ear_sql_blob(st, 0));
		ear_buf_byte(&a->want, '\n');
	}
	sqlite3_finalize(st);
}

static void pages(struct asking *a, struct ear_rows_query q, uint64_t limit)
{
	struct ear_rows_found found = {.more = true};
	struct ear_fault fault = {0};
	char cursor[sizeof(found.cursor)] = "";

	q.limit = limit;
	q.cursor = cursor;
	for (unsigned n = 0; found.more; n++) {
		if (ear_records_list(
			    a->records, &q, add_row, &a->got, &found, &fault))
			fail_msg("%.*s: %s", EAR_FMT(q.filter), fault.text);
		assert_true(found.complete);
		assert_true(found.rows <= limit && n < 2 * SEEDS);
		strcpy(cursor, found.cursor);
	}
}

#define BEGIN_OF(text) \
	"coalesce(CAST(substr(CAST(" text " AS BLOB),1,120) AS TEXT),'')"

/* The order of a list, as SQL. */
static const struct {
	enum ear_list_of list;
	const char *column, *sql;
} sorts[] = {
	{EAR_LIST_CALLS, NULL, NULL},
	{EAR_LIST_CALLS, "src", BEGIN_OF("src")},
	{EAR_LIST_CALLS, "dst", BEGIN_OF("dst")},
	{EAR_LIST_CALLS, "talk_s", "min(talk_ms,4294967295)"},
	{EAR_LIST_CALLS, "disposition", "disposition"},
	{EAR_LIST_CALLS, "code", "code"},
	{EAR_LIST_SESSIONS, NULL, NULL},
	{EAR_LIST_SESSIONS, "peername", BEGIN_OF("peername")},
	{EAR_LIST_SESSIONS, "remote", "remote_ip"},
	{EAR_LIST_SESSIONS, "event", "event"},
};

static void list_is(
	struct asking *a, struct ear_rows_query q, const char *where)
{
	for (size_t i = 0; i < ROWS(sorts) * 2; i++) {
		const char *by = sorts[i / 2].sql;
		const char *dir = i % 2 ? "ASC" : "DESC";
		char sql[2000];

		if (sorts[i / 2].list != q.list)
			continue;
		q.sort = sorts[i / 2].column;
		q.ascending = i % 2;
		pages(a, q, dice(3) ? 1 + dice(300) : 5000);
		snprintf(sql, sizeof(sql),
			"SELECT printf('%%llx-%%llx',at,id) FROM %s WHERE (%s)"
			" AND at>=%llu AND at<=%llu ORDER BY %s %s%sat %s,"
			"id %s",
			q.list == EAR_LIST_CALLS ? "call" : "session", where,
			(unsigned long long)q.from_ns,
			(unsigned long long)q.to_ns, by ? by : "",
			by ? dir : "", by ? "," : "", dir, dir);
		plain(a, sql);
		compare("the list", &q, a);
	}
}

static bool add_value(struct ear_slice value, uint64_t count, void *arg)
{
	struct asking *a = arg;

	ear_buf_printf(&a->got, "%llu ", (unsigned long long)count);
	ear_buf_slice(&a->got, value);
	ear_buf_byte(&a->got, '\n');
	return true;
}

static void facet_is(struct asking *a, struct ear_rows_query q,
	const char *where, const char *column, const char *shown)
{
	struct ear_rows_found found;
	struct ear_fault fault = {0};
	char sql[2000];

	q.sort = NULL;
	assert_int_equal(ear_records_facet(a->records, &q, column, 1000,
				 add_value, a, &found, &fault),
		EAR_OK);
	assert_true(found.complete);
	snprintf(sql, sizeof(sql),
		"SELECT CAST(count(*)||' '||%s AS BLOB) FROM %s WHERE (%s)"
		" AND at>=%llu AND at<=%llu GROUP BY %s ORDER BY count(*) DESC,"
		"CAST(%s AS BLOB)",
		shown, q.list == EAR_LIST_CALLS ? "call" : "session", where,
		(unsigned long long)q.from_ns, (unsigned long long)q.to_ns,
		shown, shown);
	plain(a, sql);
	compare(column, &q, a);
}

static void timeline_is(
	struct asking *a, struct ear_rows_query q, const char *where)
{
	uint64_t n[32 * 16] = {0};
	struct ear_timeline t = {.from_ns = S(0) - S(0) % (900 * EAR_SECOND_NS),
		.step_ns = 900 * EAR_SECOND_NS,
		.buckets = 32,
		.n = n};
	struct ear_rows_found found;
	struct ear_fault fault = {0};
	char sql[2000];

	q.sort = NULL;
	assert_int_equal(ear_records_timeline(a->records, &q, "disposition", &t,
				 &found, &fault),
		EAR_OK);
	for (size_t i = 0; i < t.buckets * t.series; i++) {
		if (n[i])
			ear_buf_printf(&a->got, "%zu %zu %llu\n", i / t.series,
				i % t.series, (unsigned long long)n[i]);
	}
	snprintf(sql, sizeof(sql),
		"SELECT b||' '||disposition||' '||count(*) FROM (SELECT"
		" (at-%llu)/%llu AS b,disposition FROM call WHERE (%s)"
		" AND at>=%llu AND at<=%llu) WHERE b<32 GROUP BY b,disposition"
		" ORDER BY b,disposition",
		(unsigned long long)t.from_ns, (unsigned long long)t.step_ns,
		where,
		(unsigned long long)(q.from_ns > t.from_ns ? q.from_ns
							   : t.from_ns),
		(unsigned long long)q.to_ns);
	plain(a, sql);
	compare("the timeline", &q, a);
}

#define WORD                                                          \
	"CASE disposition WHEN 0 THEN 'IN_PROGRESS' WHEN 1 THEN "     \
	"'ANSWERED' WHEN 2 THEN 'NO_ANSWER' WHEN 3 THEN 'BUSY' ELSE " \
	"'FAILED' END"

static void ask_calls(struct asking *a, const struct ear_rows_query *time)
{
	static const char *const columns[] = {"src", "dst", "call_id"};
	struct ear_rows_query q = *time;
	char filter[900], where[900];

	q.list = EAR_LIST_CALLS;
	for (size_t i = 0; i < ROWS(columns); i++) {
		for (size_t k = 0; k < ROWS(asked); k++) {
			struct ear_slice v = names[asked[k]];

			snprintf(filter, sizeof(filter), "%s == \"%.*s\"",
				columns[i], EAR_FMT(v));
			snprintf(where, sizeof(where), "%s='%.*s'", columns[i],
				EAR_FMT(v));
			q.filter = ear_slice_str(filter);
			list_is(a, q, where);
		}
	}
	q.filter = EAR_S("src in (100, \"\", 101, 100) and dst != 1");
	list_is(a, q, "src IN('100','','101') AND dst<>'1'");
	q.filter = EAR_S("disposition == BUSY");
	list_is(a, q, "disposition=3");
	facet_is(a, q, "disposition=3", "disposition", WORD);
	timeline_is(a, q, "disposition=3");
	q.filter = EAR_S("disposition in (FAILED, ANSWERED, FAILED)");
	list_is(a, q, "disposition IN(1,4)");
	q.filter = EAR_S("");
	list_is(a, q, "1");
	facet_is(a, q, "1", "src", BEGIN_OF("src"));
	facet_is(a, q, "1", "dst", BEGIN_OF("dst"));
	facet_is(a, q, "1", "disposition", WORD);
	timeline_is(a, q, "1");
}

static void ask_sessions(struct asking *a, const struct ear_rows_query *time)
{
	static const char *const networks[][2] = {
		{"192.0.2.1", "remote_ip=x'c0000201'"},
		{"192.0.2.0/28", "remote_ip IN(x'c0000201',x'c0000202')"},
		{"192.0.0.0/8", "length(remote_ip)=4 AND remote_ip<x'c1'"},
		{"2001:db8::1",
			"remote_ip=x'20010db8000000000000000000000001'"},
		{"2001:db8::/64",
			"remote_ip=x'20010db8000000000000000000000001'"}};
	struct ear_rows_query q = *time;
	char filter[900], where[900];

	q.list = EAR_LIST_SESSIONS;
	for (size_t k = 0; k < ROWS(asked); k++) {
		struct ear_slice v = names[asked[k]];

		snprintf(filter, sizeof(filter), "peername == \"%.*s\"",
			EAR_FMT(v));
		snprintf(where, sizeof(where),
			v.n ? "failed=0 AND instr(CAST(','||peername||',' AS"
			      " BLOB),CAST(',%.*s,' AS BLOB))"
			    : "failed=0 AND (peername='' OR peername GLOB ',*'"
			      " OR instr(peername,',,'))%.*s",
			EAR_FMT(v));
		q.filter = ear_slice_str(filter);
		list_is(a, q, where);
	}
	for (size_t k = 0; k < ROWS(networks); k++) {
		snprintf(
			filter, sizeof(filter), "remote in %s", networks[k][0]);
		snprintf(where, sizeof(where), "failed=0 AND %s",
			networks[k][1]);
		q.filter = ear_slice_str(filter);
		list_is(a, q, where);
	}
	q.filter = EAR_S("");
	list_is(a, q, "failed=0");
	q.failures = true;
	list_is(a, q, "1");
}

static void ask(const char *dir)
{
	struct ear_rows_query time = {.from_ns = 0, .to_ns = INT64_MAX};
	struct asking a = {.records = made_open(dir, NULL)};
	char path[300];

	snprintf(path, sizeof(path), "%s/records.db", dir);
	assert_int_equal(sqlite3_open(path, &a.db), SQLITE_OK);
	ask_calls(&a, &time);
	ask_sessions(&a, &time);
	time.from_ns = S(dice(SEEDS * 20));
	time.to_ns = time.from_ns + dice(9000) * EAR_SECOND_NS;
	ask_calls(&a, &time);
	ask_sessions(&a, &time);
	ear_buf_fini(&a.got);
	ear_buf_fini(&a.want);
	sqlite3_close(a.db);
	ear_records_close(&a.records);
}

static void test_random(void **state)
{
	char *dir = made_dir();

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		round_of(dir);
		if (i % 3 == 1)
			retain(dir, S(dice(SEEDS * 10)));
		ask(dir);
	}
	assert_int_equal(
		made_number(dir, "SELECT count(*) FROM key_page WHERE page>>20"
				 " NOT IN(SELECT run FROM key_run)"),
		0);
	made_gone(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
