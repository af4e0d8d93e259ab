/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL sink without a database: where it is, and what rows say. */
#include "unit/table.h"

#include <stdlib.h>

#include "message/msg_hep.h"
#include "sink/sql_priv.h"

#define AT 1795348800123456789ULL

/* --- URLs -------------------------------------------------------------- */

static void test_url(void **state)
{
	static const struct {
		const char *in, *shown, *odbc;
	} rows[] = {
		{"postgres://ear:pw@db.example.net:5433/traces",
			"postgres://ear@db.example.net:5433/traces",
			"Driver={D};Servername=db.example.net;Port=5433;"
			"Database=traces;UID=ear;PWD=pw;"},
		{"mysql://kamailio:kamailiorw@localhost/kamailio",
			"mysql://kamailio@localhost/kamailio",
			"Driver={D};SERVER=localhost;PORT=3306;DATABASE="
			"kamailio;UID=kamailio;PWD=kamailiorw;"},
		{"MariaDB://h/d", "mysql://h/d",
			"Driver={D};SERVER=h;PORT=3306;DATABASE=d;"},
		{"postgresql://u:p%40%3B%7Dq@[2001:db8::1]/d",
			"postgres://u@2001:db8::1/d",
			"Driver={D};Servername=2001:db8::1;Port=5432;Database=d"
			";UID=u;PWD={p@;}}q};"},
		{"postgres://u:a@b/c@h/d", "postgres://u@h/d",
			"Driver={D};Servername=h;Port=5432;Database=d;UID=u;"
			"PWD={a@b/c};"},
		{"postgres://u:50%@h/d", "postgres://u@h/d",
			"Driver={D};Servername=h;Port=5432;Database=d;UID=u;"
			"PWD=50%;"},
		{"unixodbc://u:p@localhost/traces",
			"unixodbc://u@localhost/traces",
			"DSN=traces;UID=u;PWD=p;"},
		{"DSN=traces;UID=u;PWD=se;cret", "DSN=traces;UID=u;PWD=***",
			"DSN=traces;UID=u;PWD=se;cret"},
		{"Driver=X;PWD={a;}}b};Server=h", "Driver=X;PWD=***;Server=h",
			"Driver=X;PWD={a;}}b};Server=h"},
		{"Driver=X;pqopt={password=x sslmode=require}",
			"Driver=X;pqopt=***",
			"Driver=X;pqopt={password=x sslmode=require}"},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf out = {0};
		struct ear_sql_url url;
		size_t n = strlen(rows[i].odbc);

		assert_int_equal(
			ear_sql_url_parse(rows[i].in, &url, NULL), EAR_OK);
		assert_string_equal(url.shown, rows[i].shown);
		ear_sql_url_connect(&url, "D", &out);
		assert_true(out.n >= n + 1);
		assert_slice(rows[i].in, ear_slice(out.p, n),
			ear_slice_str(rows[i].odbc));
		ear_buf_fini(&out);
		ear_sql_url_fini(&url);
	}
}

static void test_url_wrong(void **state)
{
	static const char *const rows[] = {"", "traces", "oracle://u@h/d",
		"postgres://u:p@h", "postgres://u:p@h/", "mysql://h:port/d",
		"mysql://h:99999/d"};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		struct ear_sql_url url;

		if (ear_sql_url_parse(rows[i], &url, &fault) != EAR_USAGE)
			fail_msg("'%s' is taken", rows[i]);
		assert_int_equal(strncmp(fault.text, "url: ", 5), 0);
		ear_sql_url_fini(&url);
	}
}

static void test_hide(void **state)
{
	char text[] = "user u with p%w: p%w is wrong";
	struct ear_sql_url url;

	(void)state;
	assert_int_equal(
		ear_sql_url_parse("mysql://u:p%25w@h/d", &url, NULL), EAR_OK);
	ear_sql_url_hide(&url, text);
	assert_string_equal(text, "user u with ***: *** is wrong");
	ear_sql_url_fini(&url);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool plain, schema;
	} rows[] = {
		{"sip_trace", true, true},
		{"Trace2026", true, true},
		{"siptrace.sip_trace", false, true},
		{"", false, false},
		{".a", false, false},
		{"a.", false, false},
		{"a.b.c", false, false},
		{"a b", false, false},
		{"a;DROP TABLE b", false, false},
		{"a'--", false, false},
		{"t\xc3\xa4g", false, false},
		{"a123456789012345678901234567890123456789012345678901234567890"
		 "1234",
			false, false},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice s = ear_slice_str(rows[i].name);

		if (ear_sql_name_ok(s, false) != rows[i].plain ||
			ear_sql_name_ok(s, true) != rows[i].schema)
			fail_msg("'%s'", rows[i].name);
	}
}

static void test_options(void **state)
{
	static const char *const good[] = {"callid=call_id", "msg = text"};
	static const char *const wrong[] = {"nothing=a"};
	static const char *const worse[] = {"callid=a b"};
	static const char *const twice[] = {"callid=msg"};
	static const struct {
		const char *name, *url, *table;
		const char *const *columns;
		size_t n;
		const char *want;
	} rows[] = {
		{"db", "DSN=x", "", good, 2, ""},
		{"db", "DSN=x", "a.b", NULL, 0, ""},
		{"db", "DSN=x", "a b", NULL, 0, "table: "},
		{"db", "nothing", "", NULL, 0, "url: "},
		{"d'b", "DSN=x", "", NULL, 0, "name: "},
		{"", "DSN=x", "", NULL, 0, "name: "},
		{"db", "DSN=x", "", wrong, 1, "columns: "},
		{"db", "DSN=x", "", worse, 1, "columns: "},
		{"db", "DSN=x", "", twice, 1, "columns: "},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct ear_sql_sink_options options = {
			.name = rows[i].name,
			.url = rows[i].url,
			.table = rows[i].table,
			.columns = rows[i].columns,
			.n_columns = rows[i].n,
		};
		struct ear_fault fault = {0};
		struct ear_sink *sink;
		enum ear_err err = ear_sql_sink_new(&options, &sink, &fault);

		if (strncmp(fault.text, rows[i].want, strlen(rows[i].want)) ||
			err != (*rows[i].want ? EAR_USAGE : EAR_OK))
			fail_msg("row %zu: %s", i, fault.text);
		if (sink)
			sink->ops->close(&sink);
	}
}

/* --- rows -------------------------------------------------------------- */

static const struct ear_sql_how utc = {.utc = true, .table = "sip_trace"};

static struct ear_sink *a_sink(void)
{
	const struct ear_sql_sink_options options = {
		.name = "db", .url = "DSN=x"};
	struct ear_sink *sink;

	assert_int_equal(ear_sql_sink_new(&options, &sink, NULL), EAR_OK);
	return sink;
}

/* A message through encode() and back out of the record. */
static enum ear_err rows_of(const struct ear_msg *msg,
	const struct ear_marks *marks, struct ear_sql_batch *batch)
{
	static const struct ear_marks none;
	struct ear_sink *sink = a_sink();
	struct ear_facts facts;
	struct ear_buf out = {0};
	struct ear_sink_record record = {.seen_ns = AT};
	enum ear_err err;

	ear_msg_facts(msg, &facts);
	err = sink->ops->encode(sink, msg, &facts, marks ? marks : &none, &out);
	record.bytes = ear_buf_view(&out);
	if (!err || err == EAR_LIMIT)
		err = ear_sql_batch_add(batch, &utc, &record);
	ear_buf_fini(&out);
	sink->ops->close(&sink);
	return err;
}

static struct ear_msg message(struct ear_slice raw)
{
	return (struct ear_msg){.at_ns = AT,
		.src = ear_addr_v4("\xc0\0\2\1", 5060),
		.dst = ear_addr_v4("\xc0\0\2\2", 5061),
		.transport = EAR_TR_UDP,
		.proto = EAR_PROTO_SIP,
		.direction = EAR_DIR_IN,
		.raw = raw};
}

#define HEADERS                                          \
	"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n" \
	"From: <sip:a@example.net>;tag=f1\r\n"           \
	"To: <sip:b@example.net>;tag=t1\r\n"             \
	"Call-ID: c1\r\nCSeq: 7 INVITE\r\n\r\n"

static void cells(const struct ear_sql_batch *b, size_t row,
	const char *const want[EAR_SQL_COLS])
{
	for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++) {
		if (want[c])
			assert_slice(ear_sql_column_name(c),
				ear_sql_cell(b, &b->row[row], c),
				ear_slice_str(want[c]));
	}
}

static void test_request(void **state)
{
	static const char raw[] = "INVITE sip:b@x SIP/2.0\r\n" HEADERS;
	struct ear_msg msg = message(ear_slice_str(raw));
	struct ear_sql_batch b = {0};

	(void)state;
	assert_int_equal(rows_of(&msg, NULL, &b), EAR_OK);
	assert_int_equal(b.rows, 1);
	cells(&b, 0,
		(const char *const[]){"2026-11-22 12:00:00", "123456", "c1", "",
			raw, "INVITE", "", "udp:192.0.2.1:5060",
			"udp:192.0.2.2:5061", "f1", "t1", "in"});
	ear_sql_batch_fini(&b);
}

static void test_reply(void **state)
{
	struct ear_msg msg = message(EAR_S("SIP/2.0 180 Ringing\r\n" HEADERS));
	struct ear_sql_batch b = {0};

	(void)state;
	msg.transport = EAR_TR_SECURE;
	msg.direction = EAR_DIR_UNKNOWN;
	msg.src = ear_addr_v6("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 5061);
	msg.dst = (struct ear_addr){0};
	assert_int_equal(rows_of(&msg, NULL, &b), EAR_OK);
	cells(&b, 0,
		(const char *const[]){NULL, NULL, "c1", "", NULL, "INVITE",
			"180", "tls:[2001:db8::1]:5061",
			"any:255.255.255.255:5060", "f1", "t1", ""});
	ear_sql_batch_fini(&b);
}

static void test_users_and_tables(void **state)
{
	static const struct {
		const char *name;
		size_t users, tables;
		const char *table[3];
		const char *trace;
		size_t want, want_tables;
	} rows[] = {
		{"neither", 0, 0, {0}, "t", 1, 1},
		{"two users", 2, 0, {0}, "t", 3, 1},
		{"two users, two tables", 2, 2, {"a", "b"}, "t", 6, 2},
		{"its own and the default", 0, 2, {"", "a"}, "t", 2, 2},
		{"the default twice", 1, 2, {"", "sip_trace"}, "t", 2, 1},
		{"a table that is none", 0, 1, {"a;b"}, "t", 1, 1},
		{"tracing is off", 2, 0, {0}, EAR_MARK_OFF, 2, 1},
		{"tracing is off, no user", 0, 0, {0}, EAR_MARK_OFF, 1, 1},
	};
	static const char *const users[] = {"alice", "bob"};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_msg msg =
			message(EAR_S("INVITE sip:b@x SIP/2.0\r\n" HEADERS));
		struct ear_marks marks = {0};
		struct ear_sql_batch b = {0};

		for (size_t u = 0; u < rows[i].users; u++)
			ear_mark_add(&marks.users, ear_slice_str(users[u]));
		for (size_t t = 0; t < rows[i].tables; t++)
			ear_mark_add(
				&marks.tables, ear_slice_str(rows[i].table[t]));
		ear_mark_add(&marks.traces, ear_slice_str(rows[i].trace));
		assert_int_equal(rows_of(&msg, &marks, &b), EAR_OK);
		if (b.rows != rows[i].want || b.tables != rows[i].want_tables)
			fail_msg("%s: %zu rows in %zu tables", rows[i].name,
				b.rows, b.tables);
		assert_slice(rows[i].name,
			ear_sql_cell(&b, &b.row[b.rows - 1], EAR_SQL_USER),
			ear_slice_str(
				rows[i].users ? users[rows[i].users - 1] : ""));
		ear_sql_batch_fini(&b);
	}
}

static void test_odd(void **state)
{
	struct ear_msg msg = message(EAR_S("no SIP at all \xff"));
	struct ear_sink_record record = {.bytes = EAR_S("HEP")};
	struct ear_sql_batch b = {0};
	struct ear_msg event = message(EAR_S("text"));

	(void)state;
	msg.at_ns = 0; /* then when it came */
	assert_int_equal(rows_of(&msg, NULL, &b), EAR_OK);
	cells(&b, 0,
		(const char *const[]){"2026-11-22 12:00:00", NULL, "", "",
			"no SIP at all \xef\xbf\xbd", "", "", NULL, NULL, "",
			"", "in"});
	assert_int_equal(b.tally.repaired, 1);
	assert_int_equal(ear_sql_batch_add(&b, &utc, &record), EAR_BAD);
	assert_int_equal(b.rows, 1);
	event.proto = EAR_PROTO_LOG;
	assert_int_equal(rows_of(&event, NULL, &b), EAR_UNSUPPORTED);
	ear_sql_batch_fini(&b);
}

static void test_text(void **state)
{
	static const struct {
		struct ear_slice in;
		bool nul;
		struct ear_slice want;
		size_t bad;
	} rows[] = {
		{EAR_S_INIT(""), false, EAR_S_INIT(""), 0},
		{EAR_S_INIT("J\xc3\xb6rg"), false, EAR_S_INIT("J\xc3\xb6rg"),
			0},
		{EAR_S_INIT("J\xf6rg"), false, EAR_S_INIT("J\xef\xbf\xbdrg"),
			1},
		{EAR_S_INIT("a\0b"), false,
			EAR_S_INIT("a\xef\xbf\xbd"
				   "b"),
			1},
		{EAR_S_INIT("a\0b"), true, EAR_S_INIT("a\0b"), 0},
		{EAR_S_INIT("\xff\xfe"), true,
			EAR_S_INIT("\xef\xbf\xbd\xef\xbf\xbd"), 2},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf out = {0};

		assert_int_equal(ear_sql_text(rows[i].in, rows[i].nul, &out),
			rows[i].bad);
		assert_slice("text", ear_buf_view(&out), rows[i].want);
		ear_buf_fini(&out);
	}
}

/* A record that is cut anywhere is none, and leaves the batch as it was. */
static void test_cut(void **state)
{
	struct ear_msg msg =
		message(EAR_S("INVITE sip:b@x SIP/2.0\r\n" HEADERS));
	static const struct ear_marks none;
	struct ear_sink *sink = a_sink();
	struct ear_sql_batch b = {0};
	struct ear_buf out = {0};
	struct ear_facts facts;

	(void)state;
	ear_msg_facts(&msg, &facts);
	assert_int_equal(
		sink->ops->encode(sink, &msg, &facts, &none, &out), EAR_OK);
	for (size_t n = 0; n < out.n; n++) {
		char *copy = malloc(n ? n : 1);
		struct ear_sink_record record = {.bytes = ear_slice(copy, n)};

		memcpy(copy, out.p, n);
		if (ear_sql_batch_add(&b, &utc, &record) != EAR_BAD)
			fail_msg("taken with %zu bytes", n);
		assert_int_equal(b.rows + b.units + b.text.n, 0);
		free(copy);
	}
	ear_buf_fini(&out);
	ear_sql_batch_fini(&b);
	sink->ops->close(&sink);
}

static void test_positions(void **state)
{
	static const struct ear_sink_pos row[] = {
		{{1, 0, 0, 0}}, {{1, 0, 0, 1}}, {{1, 9, 0, 0}}, {{2, 0, 0, 0}}};

	(void)state;
	for (size_t i = 0; i < ROWS(row); i++) {
		for (size_t k = 0; k < ROWS(row); k++)
			assert_int_equal(ear_sql_pos_cmp(&row[i], &row[k]),
				(i > k) - (i < k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_wrong),
		cmocka_unit_test(test_hide),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_users_and_tables),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_positions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
