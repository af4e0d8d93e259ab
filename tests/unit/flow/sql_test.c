/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/time.h"
#include "flow/sql.h"
#include "message/marks.h"

/* 2026-11-22 12:00:00 UTC */
#define NOW (1795348800ULL * EAR_SECOND_NS)

/*
 * A store of a few messages, one a second from NOW on, that honours what a
 * store must: expression, span, order, limit and cursor. It remembers the
 * last expression and span it was asked.
 */
struct fake {
	struct ear_store base;
	size_t n;
	char asked[256];
	uint64_t from_ns, to_ns;
	unsigned finds;
	const char *why; /* the store says that it is incomplete */
	bool marked;     /* messages have traced users */
	bool twice;      /* each is there twice, 1 ms apart */
};

static struct ear_msg message(size_t i, char raw[600])
{
	static const char *const start[] = {"INVITE sip:600@e SIP/2.0",
		"SIP/2.0 180 Ringing", "SIP/2.0 404 Not, \"Found\"",
		"\x01garbage"};
	static const uint8_t ip[2][4] = {{10, 0, 0, 1}, {10, 0, 0, 2}};
	bool there = i % 4 == 0;
	struct ear_msg m = {.at_ns = NOW + i * EAR_SECOND_NS + 123456789,
		.seen_ns = NOW + i * EAR_SECOND_NS,
		.id = i + 1,
		.transport = i % 2 ? EAR_TR_TLS : EAR_TR_UDP,
		.flags = i % 4 == 3 ? EAR_MSG_MALFORMED : 0,
		.direction = EAR_DIR_IN,
		.proto = EAR_PROTO_SIP};
	int n = snprintf(raw, 600,
		"%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK%zu\r\n"
		"From: <sip:user%zu@e>;tag=f\r\nTo: <sip:600@e>%s\r\n"
		"Call-ID: call%zu\r\nCSeq: 1 INVITE\r\n\r\n",
		start[i % 4], i, i / 4, there ? "" : ";tag=t", i / 4);

	m.src = ear_addr_v4(ip[!there], 5060);
	m.dst = ear_addr_v4(ip[there], 5060);
	m.raw = ear_slice(raw, (size_t)n);
	return m;
}

/* Of four messages one has no user, one has two, one has one while tracing
 * was off, one has a trace alone. */
static void mark(struct ear_msg *m, size_t i, struct ear_buf *extra)
{
	struct ear_marks marks = {.users.n = 0};

	if (i % 4 == 1) {
		ear_mark_add(&marks.users, EAR_S("alice"));
		ear_mark_add(&marks.users, EAR_S("bob"));
	}
	if (i % 4 == 2) {
		ear_mark_add(&marks.users, EAR_S("bob"));
		ear_mark_add(&marks.traces, EAR_S(EAR_MARK_OFF));
	}
	if (i % 4)
		ear_mark_add(&marks.traces, EAR_S("t1"));
	ear_marks_write(&marks, extra);
	m->extra = ear_buf_view(extra);
}

/* The i-th of all, as it is asked of a store. */
static struct ear_msg nth_message(
	const struct fake *f, size_t i, char raw[600], struct ear_buf *extra)
{
	struct ear_msg m = message(f->twice ? i / 2 : i, raw);

	m.id = i + 1;
	if (f->twice && i % 2)
		m.at_ns += EAR_MS_NS;
	ear_buf_reset(extra);
	if (f->marked)
		mark(&m, i, extra);
	return m;
}

static enum ear_err find_in(struct fake *f, const struct ear_query *q,
	ear_match_fn fn, void *arg, struct ear_found *found,
	struct ear_buf *extra);

static enum ear_err fake_find(struct ear_store *store,
	const struct ear_query *q, ear_match_fn fn, void *arg,
	struct ear_found *found, struct ear_fault *fault)
{
	struct ear_buf extra = {0};
	enum ear_err err =
		find_in((struct fake *)store, q, fn, arg, found, &extra);

	(void)fault;
	ear_buf_fini(&extra);
	return err;
}

static enum ear_err find_in(struct fake *f, const struct ear_query *q,
	ear_match_fn fn, void *arg, struct ear_found *found,
	struct ear_buf *extra)
{
	size_t i = q->cursor ? strtoul(q->cursor, NULL, 10) : 0;

	*found = (struct ear_found){.complete = !f->why};
	snprintf(found->why, sizeof(found->why), "%s", f->why ? f->why : "");
	snprintf(f->asked, sizeof(f->asked), "%.*s",
		EAR_FMT(ear_expr_text(q->expr)));
	f->from_ns = q->from_ns;
	f->to_ns = q->to_ns;
	f->finds++;
	for (; i < f->n; i++) {
		char raw[600];
		struct ear_msg m = nth_message(
			f, q->oldest_first ? i : f->n - 1 - i, raw, extra);
		struct ear_facts facts;

		if (m.at_ns < q->from_ns || m.at_ns > q->to_ns)
			continue;
		ear_msg_facts(&m, &facts);
		if (!ear_expr_match(q->expr, &m, &facts))
			continue;
		if (q->limit && found->matched == q->limit) {
			found->more = true;
			found->complete = false;
			if (!f->why)
				snprintf(found->why, sizeof(found->why),
					"stopped after matches");
			snprintf(
				found->cursor, sizeof(found->cursor), "%zu", i);
			return EAR_OK;
		}
		found->matched++;
		if (!fn(&m, &facts, arg))
			return EAR_OK;
	}
	return EAR_OK;
}

static void fake_id(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts, char out[40])
{
	(void)store;
	(void)facts;
	snprintf(out, 40, "id-%llu", (unsigned long long)msg->id);
}

static const struct ear_store_ops ops = {
	.name = "fake", .find = fake_find, .id_text = fake_id};

/* All cells, '|' between them, '\n' behind each row; names are left out. */
static bool collect(const struct ear_sql_row *row, void *arg)
{
	struct ear_buf *out = arg;

	for (size_t i = 0; row->cells && i < row->columns; i++) {
		const struct ear_sql_cell *c = &row->cells[i];

		if (i)
			ear_buf_byte(out, '|');
		switch (c->type) {
		case EAR_SQL_NULL: ear_buf_str(out, "NULL"); break;
		case EAR_SQL_INT:
			ear_buf_printf(out, "%lld", (long long)c->i);
			break;
		case EAR_SQL_REAL: ear_buf_printf(out, "%g", c->real); break;
		case EAR_SQL_TEXT: ear_buf_slice(out, c->text); break;
		}
	}
	if (row->cells)
		ear_buf_byte(out, '\n');
	return true;
}

static struct ear_sql *open_sql(struct fake *f, uint64_t ms, uint64_t rows)
{
	const struct ear_sql_options options = {.store = &f->base,
		.to_ns = UINT64_MAX,
		.limit_ms = ms,
		.max_rows = rows};
	struct ear_fault fault = {0};
	struct ear_sql *sql;

	f->base.ops = &ops;
	if (ear_sql_open(&options, &sql, &fault))
		fail_msg("%s", fault.text);
	return sql;
}

static void test_answers(void **state)
{
	static const struct {
		const char *query;
		const char *want;
		const char *asked; /* what the store was asked; NULL any */
	} rows[] = {
		{"SELECT count(*) FROM messages", "400\n", ""},
		{"SELECT id, kind, status FROM messages LIMIT 2",
			"id-400||0\nid-399|reply|404\n", ""},
		{"SELECT id FROM messages ORDER BY at LIMIT 1", "id-1\n", ""},
		{"SELECT id FROM messages ORDER BY at DESC LIMIT 1", "id-400\n",
			""},
		{"SELECT count(*) FROM messages WHERE call_id = 'call7'", "4\n",
			" call_id == \"call7\""},
		{"SELECT count(*) FROM messages "
		 "WHERE call_id IN ('call7','call8')",
			"8\n", NULL},
		{"SELECT count(*) FROM messages WHERE status = 404", "100\n",
			" status == \"404\""},
		{"SELECT count(*) FROM messages WHERE status < 300", "300\n",
			""},
		{"SELECT count(*) FROM messages WHERE status > 300", "100\n",
			" status > \"300\""},
		{"SELECT count(*) FROM messages WHERE status >= 0", "400\n",
			""},
		{"SELECT count(*) FROM messages WHERE from_user = 'user3'",
			"4\n", " from.user == \"user3\""},
		{"SELECT count(*) FROM messages WHERE from_user = 'a\"\\'",
			"0\n", " from.user == \"a\\\"\\\\\""},
		{"SELECT count(*) FROM messages WHERE src = '10.0.0.1:5060'",
			"100\n", " src == \"10.0.0.1:5060\""},
		{"SELECT count(*) FROM messages WHERE src = '10.0.0.1'", "0\n",
			""},
		{"SELECT count(*) FROM messages WHERE transport = 'tls'",
			"200\n", " transport == \"tls\""},
		{"SELECT count(*) FROM messages WHERE transport = 'TLS'", "0\n",
			" transport == \"TLS\""},
		{"SELECT count(*) FROM messages WHERE transport = 'x'", "0\n",
			""},
		{"SELECT count(*) FROM messages WHERE method = 'invite'", "0\n",
			" method == \"invite\""},
		{"SELECT count(*) FROM messages WHERE call_id = NULL", "0\n",
			NULL},
		{"SELECT count(*) FROM messages "
		 "WHERE q = 'status == 404 or status == 180'",
			"200\n", " (status == 404 or status == 180)"},
		{"SELECT count(*) FROM messages('kind == request')", "100\n",
			" (kind == request)"},
		{"SELECT count(*) FROM messages WHERE at >= "
		 "'2026-11-22 12:06:00'",
			"40\n", ""},
		{"SELECT count(*) FROM messages WHERE at BETWEEN "
		 "'2026-11-22T12:00:01Z' AND '2026-11-22T12:00:03Z'",
			"2\n", ""},
		{"SELECT count(*) FROM messages "
		 "WHERE at = '2026-11-22T12:00:01.123456Z'",
			"1\n", ""},
		{"SELECT count(*) FROM messages "
		 "WHERE at > '2026-11-22T12:00:01.123456Z'",
			"398\n", ""},
		{"SELECT count(*) FROM messages WHERE at < '1970-01-01'", "0\n",
			NULL},
		{"SELECT messages, first, last, method, from_user, to_user, "
		 "src, dst, status, malformed FROM conversations "
		 "WHERE call_id = 'call2'",
			"4|2026-11-22T12:00:08.123456Z|"
			"2026-11-22T12:00:11.123456Z|INVITE|user2|600|"
			"10.0.0.1:5060|10.0.0.2:5060|404|1\n",
			" call_id == \"call2\""},
		{"SELECT count(*) FROM conversations", "100\n", NULL},
		{"SELECT id, time_stamp, time_us, callid, traced_user, method,"
		 " status, fromip, toip, fromtag, totag, direction "
		 "FROM sip_trace WHERE callid = 'call0' ORDER BY id",
			"1|2026-11-22 12:00:00|123456|call0||INVITE||"
			"udp:10.0.0.1:5060|udp:10.0.0.2:5060|f||in\n"
			"2|2026-11-22 12:00:01|123456|call0||INVITE|180|"
			"tls:10.0.0.2:5060|tls:10.0.0.1:5060|f|t|in\n"
			"3|2026-11-22 12:00:02|123456|call0||INVITE|404|"
			"udp:10.0.0.2:5060|udp:10.0.0.1:5060|f|t|in\n",
			"kind in (request, reply) call_id == \"call0\""},
		{"SELECT count(*) FROM sip_trace "
		 "WHERE time_stamp = '2026-11-22 12:00:01'",
			"1\n", "kind in (request, reply)"},
		{"SELECT count(*) FROM sip_trace "
		 "WHERE time_stamp <= '2026-11-22 12:00:02'",
			"3\n", NULL},
		{"SELECT count(*) FROM sip_trace "
		 "WHERE time_stamp > '2026-11-22 12:00:02'",
			"297\n", NULL},
		{"SELECT count(*) FROM sip_trace "
		 "WHERE fromip = 'udp:10.0.0.1:5060'",
			"100\n",
			"kind in (request, reply) src == \"10.0.0.1:5060\""},
		{"SELECT count(*) FROM sip_trace "
		 "WHERE fromip = 'tls:10.0.0.1:5060'",
			"0\n", NULL},
		{"SELECT count(*) FROM sip_trace WHERE status = '404'", "100\n",
			"kind in (request, reply) status == \"404\""},
		{"SELECT count(*) FROM sip_trace WHERE status = ''", "100\n",
			"kind in (request, reply)"},
		{"SELECT length(msg) > 50 FROM sip_trace LIMIT 1", "1\n", NULL},
		{"SELECT a.id FROM messages a JOIN messages b "
		 "ON a.call_id = b.call_id WHERE b.id = 'id-5' "
		 "AND a.status = 180 AND b.call_id = 'call1'",
			"id-6\n", NULL},
		{"SELECT 1; ", "1\n", NULL},
		{"WITH x AS (SELECT 2 AS v) SELECT v FROM x", "2\n", NULL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct fake f = {.n = 400};
		struct ear_sql *sql = open_sql(&f, 0, 0);
		struct ear_fault fault = {0};
		struct ear_found found;
		struct ear_buf out = {0};

		if (ear_sql_query(sql, ear_slice_str(rows[i].query), collect,
			    &out, &found, &fault))
			fail_msg("%s: %s", rows[i].query, fault.text);
		assert_slice(rows[i].query, ear_buf_view(&out),
			ear_slice_str(rows[i].want));
		if (rows[i].asked)
			assert_slice(rows[i].query, ear_slice_str(f.asked),
				ear_slice_str(rows[i].asked));
		if (!found.complete)
			fail_msg("%s: %s", rows[i].query, found.why);
		ear_buf_fini(&out);
		ear_sql_close(&sql);
	}
	(void)state;
}

/* The rows of siptrace: one without a user, one for each. */
static void test_traced_users(void **state)
{
	static const struct {
		const char *query;
		bool twice;
		const char *want;
	} rows[] = {
		{"SELECT count(*) FROM sip_trace", false, "5\n"},
		{"SELECT time_stamp, traced_user, status FROM sip_trace "
		 "ORDER BY time_stamp, traced_user",
			false,
			"2026-11-22 12:00:00||\n2026-11-22 12:00:01||180\n"
			"2026-11-22 12:00:01|alice|180\n"
			"2026-11-22 12:00:01|bob|180\n"
			"2026-11-22 12:00:02|bob|404\n"},
		{"SELECT count(DISTINCT id) FROM sip_trace", false, "5\n"},
		{"SELECT id FROM sip_trace WHERE traced_user = '' ORDER BY id",
			false, "1\n2\n"},
		{"SELECT status FROM sip_trace WHERE traced_user = 'bob' "
		 "ORDER BY time_stamp",
			false, "180\n404\n"},
		{"SELECT count(*) FROM sip_trace WHERE traced_user = 'eve'",
			false, "0\n"},
		{"SELECT status, traced_user FROM sip_trace_once ORDER BY id",
			false, "|\n180|alice,bob\n404|bob\n"},
		{"SELECT id, traced_user, trace FROM messages "
		 "WHERE traced_user = 'alice,bob'",
			false, "id-2|alice,bob|t1\n"},
		{"SELECT id FROM messages WHERE q = 'traced_user == bob' "
		 "ORDER BY at",
			false, "id-2\nid-3\n"},
		{"SELECT id FROM messages WHERE q = 'trace == t1' ORDER BY at",
			false, "id-2\nid-3\nid-4\n"},
		{"SELECT count(*) FROM sip_trace_once", true, "3\n"},
		{"SELECT id FROM sip_trace_once WHERE callid = 'call0' "
		 "ORDER BY id",
			true, "1\n3\n5\n"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct fake f = {.n = rows[i].twice ? 8 : 4,
			.marked = true,
			.twice = rows[i].twice};
		struct ear_sql *sql = open_sql(&f, 0, 0);
		struct ear_fault fault = {0};
		struct ear_found found;
		struct ear_buf out = {0};

		if (ear_sql_query(sql, ear_slice_str(rows[i].query), collect,
			    &out, &found, &fault))
			fail_msg("%s: %s", rows[i].query, fault.text);
		assert_slice(rows[i].query, ear_buf_view(&out),
			ear_slice_str(rows[i].want));
		ear_buf_fini(&out);
		ear_sql_close(&sql);
	}
	(void)state;
}

static void test_refused(void **state)
{
	static const struct {
		const char *query;
		size_t offset;
		const char *says;
	} rows[] = {
		{"", 0, "no query"},
		{"-- nothing", 0, "no query"},
		{"DELETE FROM messages", 0, "may not be modified"},
		{"INSERT INTO messages(id) VALUES (1)", 0, "only reading"},
		{"UPDATE sip_trace SET msg=''", 0, "may not be modified"},
		{"DROP TABLE messages", 0, "not"},
		{"CREATE TABLE x(y)", 0, "only reading"},
		{"CREATE TEMP TABLE x(y)", 0, "only reading"},
		{"ATTACH '/tmp/x' AS x", 0, "only reading"},
		{"DETACH main", 0, "only reading"},
		{"VACUUM INTO '/tmp/x'", 0, "only reading"},
		{"BEGIN", 0, "only reading"},
		{"PRAGMA journal_mode=wal", 0, "only reading"},
		{"PRAGMA temp_store_directory='/tmp'", 0, "only reading"},
		{"ANALYZE", 0, "only reading"},
		{"SELECT load_extension('x')", 7, "not authorized"},
		{"SELECT 1; DELETE FROM messages", 9, "one query"},
		{"SELECT nope FROM messages", 7, "no such column"},
		{"SELECT * FROM messages WHERE at > 'then'", 0, "not a time"},
		{"SELECT * FROM messages WHERE q = 'statsu == 1'", 0,
			"did you mean status"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct fake f = {.n = 4};
		struct ear_sql *sql = open_sql(&f, 0, 0);
		struct ear_fault fault = {0};
		struct ear_found found;
		struct ear_buf out = {0};

		if (ear_sql_query(sql, ear_slice_str(rows[i].query), collect,
			    &out, &found, &fault) != EAR_USAGE ||
			fault.offset != rows[i].offset ||
			!strstr(fault.text, rows[i].says))
			fail_msg("%s: %d at %zu: %s", rows[i].query, fault.code,
				fault.offset, fault.text);
		ear_buf_fini(&out);
		ear_sql_close(&sql);
	}
	(void)state;
}

/* What is bounded says so. */
static void test_bounds(void **state)
{
	struct fake f = {.n = 4};
	struct ear_sql *sql = open_sql(&f, 50, 2);
	struct ear_fault fault = {0};
	struct ear_found found;
	struct ear_buf out = {0};

	assert_int_equal(
		ear_sql_query(sql, EAR_S("SELECT id FROM messages ORDER BY at"),
			collect, &out, &found, &fault),
		EAR_OK);
	assert_slice("rows", ear_buf_view(&out), EAR_S("id-1\nid-2\n"));
	assert_false(found.complete);
	assert_true(found.more);
	assert_int_equal(
		ear_sql_query(sql,
			EAR_S("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
			      "SELECT x+1 FROM c) SELECT count(*) FROM c"),
			collect, &out, &found, &fault),
		EAR_LIMIT);
	f.why = "a segment is damaged";
	assert_int_equal(ear_sql_query(sql, EAR_S("SELECT 1 FROM messages"),
				 collect, &out, &found, &fault),
		EAR_OK);
	assert_false(found.complete);
	ear_buf_fini(&out);
	ear_sql_close(&sql);
	f.why = "a segment is damaged";
	sql = open_sql(&f, 0, 0);
	assert_int_equal(
		ear_sql_query(sql, EAR_S("SELECT count(*) FROM messages"),
			collect, &out, &found, &fault),
		EAR_OK);
	assert_false(found.complete);
	assert_string_equal(found.why, "a segment is damaged");
	ear_buf_fini(&out);
	ear_sql_close(&sql);
	(void)state;
}

/* LIMIT reads one small page, a whole scan few. */
static void test_pages(void **state)
{
	struct fake f = {.n = 400};
	struct ear_sql *sql = open_sql(&f, 0, 0);
	struct ear_fault fault = {0};
	struct ear_found found;
	struct ear_buf out = {0};

	assert_int_equal(
		ear_sql_query(sql, EAR_S("SELECT id FROM messages LIMIT 3"),
			collect, &out, &found, &fault),
		EAR_OK);
	assert_int_equal(f.finds, 1);
	f.finds = 0;
	assert_int_equal(
		ear_sql_query(sql,
			EAR_S("SELECT count(DISTINCT id) FROM messages"),
			collect, &out, &found, &fault),
		EAR_OK);
	assert_int_equal(f.finds, 3);
	ear_buf_fini(&out);
	ear_sql_close(&sql);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_traced_users),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests_name("flow/sql", tests, NULL, NULL);
}
