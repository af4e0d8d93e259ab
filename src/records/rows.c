/* SPDX-License-Identifier: Apache-2.0 */
#include "records/tally.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

/* ?1 is the time as of which it is asked; as_of 0 asks for every binding */
#define HOLDS "at<=?1 AND (ended=0 OR ended>?1) AND expires>?1"
#define HOLDS_NOW "ended=0 AND at<=?1 AND expires>?1"
#define HELD "(ended=0 OR ended>=?2) AND expires>=?2"

/* Finds who is unreachable: few of those who are on line. */
#define OPEN_LOST "open_lost"
#define UNREACHABLE 2 /* among the words of "state", from 1 */

/* Which indices find the rows of a value, the best first: those of keys.h, or
 * of SQLite's. */
static const struct {
	enum ear_list_of list;
	const char *column, *index;
	bool open; /* of accounts that hold, without spans */
} finders[] = {
	{EAR_LIST_CALLS, "call_id", "call_call_id", false},
	{EAR_LIST_CALLS, "legs", "call_legs", false},
	{EAR_LIST_CALLS, "src", "call_src", false},
	{EAR_LIST_CALLS, "dst", "call_dst", false},
	{EAR_LIST_CALLS, "disposition", "call_outcome", false},
	{EAR_LIST_SESSIONS, "connection", "session_connection", false},
	{EAR_LIST_SESSIONS, "peername", "session_peername", false},
	{EAR_LIST_SESSIONS, "remote", "session_remote", false},
	{EAR_LIST_ACCOUNTS, "id", "open_account", true},
	{EAR_LIST_ACCOUNTS, "username", "open_username", true},
	{EAR_LIST_ACCOUNTS, "state", OPEN_LOST, true},
	{EAR_LIST_ACCOUNTS, "ip", "open_remote", true},
	{EAR_LIST_ACCOUNTS, "username", "binding_username", false},
	{EAR_LIST_ACCOUNTS, "state", "binding_lost", false},
	{EAR_LIST_CONNECTIONS, "client", "connection_client", false},
};

/* The filter's arguments: each column it asks for. */
static void arguments(struct ear_rows *r)
{
	const struct ear_column_of *of = ear_column_of(r->list);
	bool used[EAR_COLUMNS_MAX + 1] = {false}, word;
	struct ear_keep *k = &r->keep;
	int at = 3;
	size_t n;

	(void)ear_columns(r->list, &n);
	ear_expr_uses(k->expr, used);
	word = used[n];
	r->counted = ear_tally_table(r->list) != NULL;
	for (size_t i = 0; i < n; i++) {
		bool text = of[i].kind == EAR_KIND_TEXT ||
			    of[i].kind == EAR_KIND_PEERS;

		k->arg_of[i] = at;
		if (!(used[i] || (word && text)))
			continue;
		if (!ear_tally_has(r->list, of[i].sql))
			r->counted = false;
		if (of[i].kind == EAR_KIND_ROW)
			continue;
		if (of[i].kind == EAR_KIND_ADDR || of[i].kind == EAR_KIND_IP)
			ear_buf_printf(&r->args, ",%s_ip", of[i].sql);
		if (of[i].kind == EAR_KIND_ADDR)
			ear_buf_printf(&r->args, ",%s_port", of[i].sql);
		else if (of[i].kind != EAR_KIND_IP)
			ear_buf_printf(&r->args, ",%s", of[i].sql);
		at += of[i].kind == EAR_KIND_ADDR ? 2 : 1;
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What the list itself is confined to. */
static void confine(struct ear_rows *r, uint64_t newest_ns)
{
	const struct ear_rows_query *q = r->query;
	uint64_t to = q->to_ns ? q->to_ns : UINT64_MAX;

	r->base = "";
	r->from_ns = q->from_ns;
	r->to_ns = least(to, INT64_MAX);
	if (r->list == EAR_LIST_SESSIONS && !q->failures)
		r->base = " AND failed=0";
	if (r->list != EAR_LIST_ACCOUNTS)
		return;
	r->as_of_ns = q->at_ns ? q->at_ns : q->now_ns ? q->now_ns : newest_ns;
	r->as_of_ns = least(r->as_of_ns, INT64_MAX);
	if (q->at_ns && q->at_ns >= newest_ns) {
		r->base = " AND " HOLDS_NOW;
		r->open = true;
	} else if (q->at_ns) {
		r->base = " AND " HOLDS;
	} else if (q->from_ns) {
		r->base = " AND " HELD;
	}
	if (q->at_ns) {
		r->from_ns = 0;
		r->to_ns = least(r->to_ns, r->as_of_ns);
	}
}

static bool single_addresses(const struct ear_rows *r)
{
	for (size_t i = 0; i < r->wants; i++) {
		const struct ear_net *net = &r->want[i].net;

		if (net->bits != (net->addr.family == 4 ? 32 : 128))
			return false;
	}
	return true;
}

/* A network of which an index finds the addresses. Larger ones have so many
 * rows that a walk by time comes upon them sooner. */
static bool small_network(struct ear_rows *r)
{
	const struct ear_net *net = &r->want[0].net;
	size_t n = net->addr.family == 4 ? 4 : 16;

	if (r->wants != 1 || net->bits < (n == 4 ? 20 : 48))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t bits = net->bits > i * 8 ? net->bits - i * 8 : 0;
		uint8_t host = (uint8_t)(bits < 8 ? 0xffu >> bits : 0);

		r->low[i] = (uint8_t)(net->addr.ip[i] & ~host);
		r->high[i] = (uint8_t)(net->addr.ip[i] | host);
	}
	return true;
}

/* The key of what is wanted. */
static struct ear_slice key_of(struct ear_rows *r, size_t i)
{
	const struct ear_column_of *c = &ear_column_of(r->list)[r->want_column];
	const struct ear_expr_want *w = &r->want[i];

	switch ((enum ear_column_kind)c->kind) {
	case EAR_KIND_ADDR:
		return ear_slice(
			w->net.addr.ip, w->net.addr.family == 4 ? 4 : 16);
	case EAR_KIND_ENUM:
		return ear_key_number(
			w->num - 1 + (uint64_t)c->words->base, 1, r->rooms[i]);
	default: break;
	}
	return r->ask.of == EAR_KEY_CALL_ID
		       ? ear_key_number(
				 ear_row_call_key(w->text), 8, r->rooms[i])
		       : ear_slice_sub(w->text, 0, EAR_KEY_MAX);
}

static void ask_for_wants(struct ear_rows *r)
{
	size_t n = r->want[0].net.addr.family == 4 ? 4 : 16;

	r->ask.range = r->ranges;
	r->ask.ranges = r->wants;
	r->ask.by_time = !r->range;
	r->ask.down = !r->query->ascending;
	for (size_t i = 0; i < r->wants; i++) {
		struct ear_key_range *range = &r->ranges[i];

		*range = ear_key_all;
		range->low.key = range->high.key = key_of(r, i);
		if (r->range) {
			range->low.key = ear_slice(r->low, n);
			range->high.key = ear_slice(r->high, n);
		}
	}
}

static void find_index(struct ear_rows *r)
{
	for (size_t i = 0; i < sizeof(finders) / sizeof(finders[0]); i++) {
		uint8_t kind;

		if (finders[i].list != r->list || finders[i].open != r->open ||
			!ear_column_find(
				r->list, finders[i].column, &r->want_column))
			continue;
		r->wants = ear_expr_wants(r->keep.expr,
			(unsigned)r->want_column, r->want, EAR_WANTS_MAX);
		kind = ear_column_of(r->list)[r->want_column].kind;
		if ((kind == EAR_KIND_ADDR || kind == EAR_KIND_IP) &&
			!single_addresses(r)) {
			r->range = small_network(r);
			r->wants = r->range;
		}
		r->lost = !strcmp(finders[i].column, "state");
		if (r->lost && (r->wants != 1 || r->want[0].num != UNREACHABLE))
			r->wants = 0;
		r->want_index = finders[i].index;
		r->ask.of = ear_key_named(r->want_index);
		if (!r->wants)
			continue;
		if (r->ask.of != EAR_KEYS_NONE) {
			r->want_index = NULL;
			ask_for_wants(r);
		}
		return;
	}
}

enum ear_err ear_rows_init(struct ear_rows *r,
	const struct ear_rows_query *query, uint64_t newest_ns,
	struct ear_fault *fault)
{
	uint64_t from, to;
	enum ear_err err;

	*r = (struct ear_rows){.query = query,
		.list = query->list,
		.ask = {.of = EAR_KEYS_NONE}};
	r->keep.list = query->list;
	err = ear_expr_new_over(ear_column_set(r->list), query->filter,
		ear_now_ns(), &r->keep.expr, fault);
	if (err)
		return err;
	arguments(r);
	confine(r, newest_ns);
	ear_expr_span(r->keep.expr, &from, &to);
	if (from > r->from_ns)
		r->from_ns = from;
	if (to < r->to_ns)
		r->to_ns = to;
	find_index(r);
	if (r->args.err) {
		ear_rows_fini(r);
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	return EAR_OK;
}

void ear_rows_fini(struct ear_rows *r)
{
	ear_expr_free(&r->keep.expr);
	ear_buf_fini(&r->keep.text);
	ear_buf_fini(&r->args);
}

static void places(const struct ear_rows *r, struct ear_buf *sql)
{
	ear_buf_str(sql, " IN (");
	for (size_t i = 0; i < r->wants; i++)
		ear_buf_printf(
			sql, "%s?%u", i ? "," : "", (unsigned)(ROWS_WANTS + i));
	ear_buf_byte(sql, ')');
}

void ear_rows_ask_calls(struct ear_rows *r, sqlite3 *db, enum ear_key_of key)
{
	uint64_t oldest = ear_file_u64(
		db, "SELECT at FROM call ORDER BY at,id LIMIT 1", 0);

	r->ask = (struct ear_key_ask){.of = key, .count = true};
	if (oldest > r->from_ns)
		r->from_ns = oldest;
}

bool ear_rows_may_count_keys(sqlite3 *db)
{
	return ear_file_u64(db,
		       "SELECT NOT EXISTS(SELECT 1 FROM call WHERE"
		       " at<(SELECT n FROM meta WHERE name='removed'))",
		       0) != 0;
}

void ear_rows_from_asked(struct ear_buf *sql)
{
	ear_buf_printf(sql, " FROM ear_keys(?%d,?%d,?%d)", ROWS_ASK, ROWS_FROM,
		ROWS_TO);
}

void ear_rows_from_keys(const struct ear_rows *r, struct ear_buf *sql)
{
	ear_rows_from_asked(sql);
	ear_buf_printf(sql, " CROSS JOIN %s ON at=key_at AND id=key_id",
		ear_records_table[r->list]);
}

void ear_rows_from(
	const struct ear_rows *r, const char *index, struct ear_buf *sql)
{
	const char *want = index      ? index
			   : r->wants ? r->want_index
			   : r->open  ? "open_at"
				      : NULL;

	if (!index && ear_rows_by_keys(r)) {
		ear_rows_from_keys(r, sql);
		return;
	}
	ear_buf_printf(sql, " FROM %s", ear_records_table[r->list]);
	if (want)
		ear_buf_printf(sql, " INDEXED BY %s", want);
}

static void wanted(const struct ear_rows *r, struct ear_buf *sql)
{
	const struct ear_column_of *c = &ear_column_of(r->list)[r->want_column];

	if (r->lost) {
		ear_buf_str(sql, " AND lost<>0");
		return;
	}
	ear_buf_printf(sql, " AND %s%s", c->sql,
		c->kind == EAR_KIND_ADDR || c->kind == EAR_KIND_IP ? "_ip"
								   : "");
	if (r->range)
		ear_buf_printf(sql, ">=?%d AND %s_ip<=?%d", ROWS_WANTS, c->sql,
			ROWS_WANTS + 1);
	else
		places(r, sql);
	/* a partial index says so */
	if (c->kind == EAR_KIND_HEX)
		ear_buf_printf(sql, " AND %s<>0", c->sql);
}

void ear_rows_where(const struct ear_rows *r, bool span, struct ear_buf *sql)
{
	ear_buf_str(sql, span && !ear_rows_by_keys(r)
				 ? " WHERE span=?5 AND at>=?2 AND at<=?3"
				 : " WHERE at>=?2 AND at<=?3");
	/* a key stands for its row's value, which the filter looks at again */
	if (r->wants && r->want_index)
		wanted(r, sql);
	/* but a row of several keys of a network is to come once */
	if (ear_rows_by_keys(r) && r->range)
		ear_buf_printf(sql, " AND key_value=%s_ip",
			ear_column_of(r->list)[r->want_column].sql);
	ear_buf_printf(sql, " AND ear_keep(?4,at,id%.*s)%s",
		EAR_FMT(ear_buf_view(&r->args)), r->base);
}

static void bind_want(
	const struct ear_rows *r, sqlite3_stmt *st, int at, size_t i)
{
	const struct ear_column_of *c = &ear_column_of(r->list)[r->want_column];
	const struct ear_expr_want *w = &r->want[i];
	char hex[17];

	switch ((enum ear_column_kind)c->kind) {
	case EAR_KIND_ADDR:
	case EAR_KIND_IP:
		sqlite3_bind_blob(st, at, w->net.addr.ip,
			w->net.addr.family == 4 ? 4 : 16, SQLITE_STATIC);
		return;
	case EAR_KIND_ENUM:
		sqlite3_bind_int64(
			st, at, (int64_t)w->num - 1 + c->words->base);
		return;
	case EAR_KIND_HEX:
		snprintf(hex, sizeof(hex), "%.*s", EAR_FMT(w->text));
		sqlite3_bind_int64(st, at, (int64_t)strtoull(hex, NULL, 16));
		return;
	case EAR_KIND_NUM:
	case EAR_KIND_SOME: ear_sql_bind(st, at, w->num); return;
	default: break;
	}
	sqlite3_bind_text64(st, at, w->text.p ? w->text.p : "", w->text.n,
		SQLITE_STATIC, SQLITE_UTF8);
}

enum ear_err ear_rows_prepare(struct ear_rows *r, struct ear_records *records,
	sqlite3 *db, struct ear_buf *sql, sqlite3_stmt **st,
	struct ear_fault *fault)
{
	*st = NULL;
	if (sql->err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (sqlite3_prepare_v2(db, sql->p, (int)sql->n, st, NULL))
		return ear_reader_failed(records, db, fault);
	ear_sql_bind(*st, ROWS_AS_OF, r->as_of_ns);
	ear_sql_bind(*st, ROWS_FROM, least(r->from_ns, INT64_MAX));
	ear_sql_bind(*st, ROWS_TO, r->to_ns);
	sqlite3_bind_pointer(*st, ROWS_KEEP, &r->keep, "ear_keep", NULL);
	sqlite3_bind_pointer(*st, ROWS_ASK, &r->ask, "ear_key_ask", NULL);
	if (ear_rows_by_keys(r))
		return EAR_OK;
	if (r->range) {
		int n = r->want[0].net.addr.family == 4 ? 4 : 16;

		sqlite3_bind_blob(*st, ROWS_WANTS, r->low, n, SQLITE_STATIC);
		sqlite3_bind_blob(
			*st, ROWS_WANTS + 1, r->high, n, SQLITE_STATIC);
		return EAR_OK;
	}
	for (size_t i = 0; i < r->wants && !r->lost; i++)
		bind_want(r, *st, (int)(ROWS_WANTS + i), i);
	return EAR_OK;
}

uint64_t ear_rows_span(const struct ear_rows *r, sqlite3 *db, sqlite3_stmt **st,
	uint64_t span, bool ascending)
{
	uint64_t found = EAR_SPAN_NONE, edge;
	char sql[160];

	if (!*st) {
		snprintf(sql, sizeof(sql),
			"SELECT at FROM %s WHERE at>=?1 AND at<=?2"
			" ORDER BY at %s LIMIT 1",
			ear_records_table[r->list], ascending ? "ASC" : "DESC");
		if (sqlite3_prepare_v2(db, sql, -1, st, NULL))
			return found;
	}
	if (ascending) {
		edge = span == EAR_SPAN_NONE ? 0 : (span + 1) << EAR_SPAN_BITS;
		if (edge > INT64_MAX)
			return found;
		ear_sql_bind(*st, 1, edge > r->from_ns ? edge : r->from_ns);
		ear_sql_bind(*st, 2, r->to_ns);
	} else {
		edge = span == EAR_SPAN_NONE ? UINT64_MAX
					     : span << EAR_SPAN_BITS;
		if (!edge)
			return found;
		ear_sql_bind(*st, 1, least(r->from_ns, INT64_MAX));
		ear_sql_bind(*st, 2, least(edge - 1, r->to_ns));
	}
	if (sqlite3_step(*st) == SQLITE_ROW)
		found = EAR_SPAN_OF(ear_sql_u64(*st, 0));
	sqlite3_reset(*st);
	return found;
}

void ear_rows_bind_span(
	const struct ear_rows *r, sqlite3_stmt *st, uint64_t span)
{
	uint64_t from = span << EAR_SPAN_BITS;
	uint64_t to = from + (((uint64_t)1 << EAR_SPAN_BITS) - 1);

	ear_sql_bind(st, ROWS_SPAN, span);
	ear_sql_bind(st, ROWS_FROM, from > r->from_ns ? from : r->from_ns);
	ear_sql_bind(st, ROWS_TO, least(to, r->to_ns));
}

void ear_rows_late(struct ear_rows_found *found, uint64_t to_ns)
{
	char text[EAR_TIME_TEXT];

	found->complete = false;
	ear_time_human(to_ns, false, text);
	snprintf(found->why, sizeof(found->why),
		"looked as far as %s UTC in the time given", text);
}
