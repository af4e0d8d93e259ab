/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists, page by page.
 *
 * By time: one walk along the key, or along an index of keys.h that finds what
 * is wanted; or, where an index of SQLite's finds it, from span to span. By
 * another column: along its index of keys.h, or the first of each span by that
 * of SQLite's, and of these the first. Accounts that hold are few beside all
 * there were and have indices without spans.
 */
#include <stdio.h>

#include "base/time.h"
#include "records/pile.h"
#include "records/tally.h"

/* Rows of one page where all are wanted: between two of them no reading
 * transaction stands, which would keep the WAL from being folded in. */
#define PAGE_ROWS 20000

/* How long a walk along the index that sorts may take to find a page, before
 * the index that finds what is wanted is asked instead. */
#define ALONG_NS (300 * EAR_MS_NS)

/* Words of a call's disposition, from 0. */
#define DISPOSITIONS (EAR_CALL_FAILED + 1)
_Static_assert(DISPOSITIONS <= EAR_WANTS_MAX, "each has its range");

struct listing {
	struct ear_records *records;
	struct ear_reader_db *reader;
	struct ear_rows rows;
	const struct ear_rows_query *query;
	const char *more; /* further columns; or NULL */
	ear_beside_fn beside;
	ear_row_fn fn;
	void *arg;
	struct ear_rows_found *found;
	struct ear_fault *fault;
	struct ear_cells cells;
	int columns; /* of a statement that fills cells */
	struct ear_buf sql;
	struct ear_cursor after;
	uint32_t check;
	uint64_t limit;
	bool by_time;
	const char *sort_sql, *sort_end; /* column_end */
	const char *sort_index;
	enum ear_key_of sort_key;
	struct ear_key_ask ask; /* of that */
	struct ear_key_range ranges[EAR_WANTS_MAX];
	uint8_t rooms[EAR_WANTS_MAX * 2][8];
	uint64_t at, id; /* of the last row handed out */
	bool stopped;    /* fn has enough */
};

/* --- order ------------------------------------------------------------- */

static const char *open_index(const char *column)
{
	static const char *const names[][2] = {{"account", "open_account"},
		{"username", "open_username"}, {"remote", "open_remote"},
		{"expires", "open_expires"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(column, names[i][0]))
			return names[i][1];
	}
	return NULL;
}

static enum ear_err set_order(struct listing *l)
{
	const char *sort = l->query->sort ? l->query->sort : "at";
	const struct ear_column_of *of;
	size_t at;

	if (!ear_column_find(l->query->list, sort, &at)) {
		struct ear_slice near = ear_field_set_nearest(
			ear_column_set(l->query->list), ear_slice_str(sort));

		return ear_fail(l->fault, EAR_USAGE, 0,
			"there is no column '%.64s' to sort by%s%.*s", sort,
			near.n ? "; did you mean " : "", EAR_FMT(near));
	}
	of = &ear_column_of(l->query->list)[at];
	l->by_time = !strcmp(sort, "at") || of->kind == EAR_KIND_ROW;
	/* whole seconds are sorted by what they were cut off from */
	l->sort_sql = !strcmp(of->sql, "talk_ms/1000")   ? "talk_ms"
		      : !strcmp(of->sql, "ring_ms/1000") ? "ring_ms"
							 : of->sql;
	l->sort_end = of->kind == EAR_KIND_ADDR || of->kind == EAR_KIND_IP
			      ? "_ip"
			      : "";
	l->sort_index = of->index;
	l->sort_key = ear_key_named(of->index);
	return EAR_OK;
}

static void after_sql(struct listing *l)
{
	char sign = l->query->ascending ? '>' : '<';

	if (!l->after.there)
		return;
	if (l->by_time)
		ear_buf_printf(&l->sql, " AND (at,id)%c(?6,?7)", sign);
	else
		ear_buf_printf(&l->sql, " AND (%s%s,at,id)%c(?8,?6,?7)",
			l->sort_sql, l->sort_end, sign);
}

static void order_sql(struct listing *l)
{
	const char *dir = l->query->ascending ? "ASC" : "DESC";

	ear_buf_str(&l->sql, " ORDER BY ");
	if (l->by_time && ear_rows_by_keys(&l->rows) && !l->rows.range) {
		ear_buf_printf(
			&l->sql, "key_at %s,key_id %s LIMIT ?9", dir, dir);
		return;
	}
	if (!l->by_time)
		ear_buf_printf(
			&l->sql, "%s%s %s,", l->sort_sql, l->sort_end, dir);
	ear_buf_printf(&l->sql, "at %s,id %s LIMIT ?9", dir, dir);
}

static void bind_after(struct listing *l, sqlite3_stmt *st)
{
	const struct ear_sort_value *v = &l->after.value;

	if (!l->after.there)
		return;
	ear_sql_bind(st, ROWS_AFTER_AT, l->after.at);
	ear_sql_bind(st, ROWS_AFTER_ID, l->after.id);
	if (l->by_time)
		return;
	if (v->number)
		sqlite3_bind_int64(st, ROWS_AFTER_VALUE, v->i);
	else if (*l->sort_end)
		ear_sql_bind_blob(st, ROWS_AFTER_VALUE, v->text);
	else
		sqlite3_bind_text64(st, ROWS_AFTER_VALUE,
			v->text.p ? v->text.p : "", v->text.n, SQLITE_STATIC,
			SQLITE_UTF8);
}

static struct ear_sort_value value_at(sqlite3_stmt *st, int column)
{
	if (sqlite3_column_type(st, column) == SQLITE_INTEGER)
		return (struct ear_sort_value){
			.number = true, .i = sqlite3_column_int64(st, column)};
	return (struct ear_sort_value){.text = ear_sql_blob(st, column)};
}

/* --- what statements give ---------------------------------------------- */

static enum ear_err failed(struct listing *l)
{
	return ear_reader_failed(l->records, l->reader->db, l->fault);
}

/* Hand out one row. @return false when there is no more to do */
static bool hand_out(struct listing *l, sqlite3_stmt *st)
{
	if (l->found->rows == l->limit) {
		l->found->more = true;
		return false;
	}
	ear_cells_read(l->query->list, st, &l->cells);
	if (l->more)
		l->beside(st, l->columns, l->arg);
	l->at = ear_sql_u64(st, 0);
	l->id = ear_sql_u64(st, 1);
	l->found->rows++;
	if (!l->fn(l->cells.cell, l->arg))
		l->stopped = true;
	return !l->stopped;
}

/* What a statement that fills cells asks for. */
static void cells_sql(struct listing *l)
{
	ear_buf_reset(&l->sql);
	ear_buf_str(&l->sql, "SELECT ");
	l->columns = ear_cells_sql(l->query->list, &l->sql);
	if (l->more)
		ear_buf_printf(&l->sql, ",%s", l->more);
}

/* Prepare: one statement that gives whole rows, in order. */
static enum ear_err prepare_rows(
	struct listing *l, bool span, const char *index, sqlite3_stmt **st)
{
	cells_sql(l);
	ear_rows_from(&l->rows, index, &l->sql);
	ear_rows_where(&l->rows, span, &l->sql);
	after_sql(l);
	order_sql(l);
	return ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, st, l->fault);
}

/* Step through it. *rc is SQLite's last word. */
static void step_rows(struct listing *l, sqlite3_stmt *st, int *rc)
{
	while ((*rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (!hand_out(l, st))
			break;
	}
}

/* It came to an end, was given enough, or the deadline came. */
static enum ear_err settle(struct listing *l, int rc, bool walked)
{
	const struct ear_keep *k = &l->rows.keep;

	if (rc == SQLITE_DONE || rc == SQLITE_ROW || rc == SQLITE_OK)
		return EAR_OK;
	if ((rc & 0xff) != SQLITE_INTERRUPT)
		return failed(l);
	if (walked && k->seen) {
		/* go on behind the last row that was looked at */
		l->at = k->at;
		l->id = k->id;
		l->found->more = true;
	}
	ear_rows_late(l->found, l->at ? l->at : l->rows.to_ns);
	return EAR_OK;
}

static enum ear_err list_walk(struct listing *l, const char *index)
{
	sqlite3_stmt *st;
	enum ear_err err = prepare_rows(l, false, index, &st);
	int rc = SQLITE_OK;

	if (err)
		return err;
	bind_after(l, st);
	sqlite3_bind_int64(st, ROWS_LIMIT, (int64_t)l->limit + 1);
	step_rows(l, st, &rc);
	err = settle(l, rc, l->by_time && !l->rows.wants);
	sqlite3_finalize(st);
	return err;
}

/* By time, without the slots where nothing matches. */
static enum ear_err list_gaps(struct listing *l)
{
	struct ear_gaps gaps = {0};
	sqlite3_stmt *st;
	enum ear_err err = prepare_rows(l, false, NULL, &st);
	int rc = SQLITE_DONE;

	if (err)
		return err;
	err = ear_gaps_init(&gaps, &l->rows, l->records, l->reader->db, true,
		false, l->query->ascending, l->fault);
	if (err)
		goto out;
	bind_after(l, st);
	while (rc == SQLITE_DONE && ear_gaps_next(&gaps)) {
		ear_sql_bind(st, ROWS_FROM, gaps.from_ns);
		ear_sql_bind(st, ROWS_TO, gaps.to_ns);
		sqlite3_bind_int64(st, ROWS_LIMIT,
			(int64_t)(l->limit - l->found->rows) + 1);
		step_rows(l, st, &rc);
		sqlite3_reset(st);
	}
	err = settle(l, rc == SQLITE_DONE ? gaps.rc : rc, true);
out:
	ear_gaps_fini(&gaps);
	sqlite3_finalize(st);
	return err;
}

/* By time, what an index finds: span after span. */
static enum ear_err list_spans(struct listing *l)
{
	uint64_t span = EAR_SPAN_NONE, done = EAR_SPAN_NONE;
	sqlite3_stmt *st, *next = NULL;
	enum ear_err err = prepare_rows(l, true, NULL, &st);
	bool up = l->query->ascending;
	int rc = SQLITE_DONE;

	if (err)
		return err;
	bind_after(l, st);
	while (rc == SQLITE_DONE) {
		span = ear_rows_span(&l->rows, l->reader->db, &next, span, up);
		if (span == EAR_SPAN_NONE)
			break;
		ear_rows_bind_span(&l->rows, st, span);
		sqlite3_bind_int64(st, ROWS_LIMIT,
			(int64_t)(l->limit - l->found->rows) + 1);
		step_rows(l, st, &rc);
		if (rc == SQLITE_DONE)
			done = span;
		sqlite3_reset(st);
	}
	err = settle(l, rc, false);
	if (!err && !l->found->complete && done != EAR_SPAN_NONE) {
		/* go on where the last whole span ended */
		l->at = up ? ((done + 1) << EAR_SPAN_BITS) - 1
			   : done << EAR_SPAN_BITS;
		l->id = up ? INT64_MAX : 0;
		l->found->more = true;
		ear_rows_late(l->found, l->at);
	}
	sqlite3_finalize(st);
	sqlite3_finalize(next);
	return err;
}

/* --- by another column ------------------------------------------------- */

static enum ear_err prepare_values(struct listing *l, sqlite3_stmt **st)
{
	ear_buf_reset(&l->sql);
	ear_buf_printf(&l->sql, "SELECT at,id,%s%s", l->sort_sql, l->sort_end);
	ear_rows_from(&l->rows, l->rows.wants ? NULL : l->sort_index, &l->sql);
	ear_rows_where(&l->rows, true, &l->sql);
	after_sql(l);
	order_sql(l);
	return ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, st, l->fault);
}

static enum ear_err fill_pile(struct listing *l, struct ear_pile *pile)
{
	uint64_t span = EAR_SPAN_NONE;
	sqlite3_stmt *st, *next = NULL;
	enum ear_err err = prepare_values(l, &st);
	int rc = SQLITE_DONE;

	if (err)
		return err;
	bind_after(l, st);
	sqlite3_bind_int64(st, ROWS_LIMIT, (int64_t)pile->most);
	while (!err && (rc & 0xff) != SQLITE_INTERRUPT) {
		span = ear_rows_span(
			&l->rows, l->reader->db, &next, span, false);
		if (span == EAR_SPAN_NONE)
			break;
		ear_rows_bind_span(&l->rows, st, span);
		while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct ear_sort_value v = value_at(st, 2);

			err = ear_pile_add(pile, ear_sql_u64(st, 0),
				ear_sql_u64(st, 1), &v);
		}
		if (err == EAR_LIMIT)
			err = EAR_OK;
		else if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_INTERRUPT &&
			 !err)
			err = failed(l);
		sqlite3_reset(st);
		if (pile->n >= pile->most && !pile->cut)
			ear_pile_sort(pile);
	}
	if (!err && (rc & 0xff) == SQLITE_INTERRUPT) {
		l->found->complete = false;
		snprintf(l->found->why, sizeof(l->found->why),
			"the time was over before all rows were sorted: there "
			"may be others before these");
	}
	sqlite3_finalize(st);
	sqlite3_finalize(next);
	return err;
}

static enum ear_err hand_out_pile(
	struct listing *l, const struct ear_pile *pile)
{
	sqlite3_stmt *st = NULL;
	enum ear_err err = EAR_OK;
	int rc = SQLITE_OK;

	/* what was found is shown, however late it is */
	l->reader->deadline_ns = 0;
	cells_sql(l);
	ear_buf_printf(&l->sql, " FROM %s WHERE at=?6 AND id=?7",
		ear_records_table[l->query->list]);
	err = ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, &st, l->fault);
	for (size_t i = 0; !err && i < pile->n; i++) {
		ear_sql_bind(st, ROWS_AFTER_AT, pile->v[i].at);
		ear_sql_bind(st, ROWS_AFTER_ID, pile->v[i].id);
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && !hand_out(l, st))
			break;
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			err = failed(l);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	return err;
}

/* The value of the row that the next page begins behind. */
static enum ear_err look_up(struct listing *l, uint64_t at, uint64_t id,
	struct ear_buf *text, struct ear_sort_value *value)
{
	sqlite3_stmt *st = NULL;
	enum ear_err err;

	ear_buf_reset(&l->sql);
	ear_buf_printf(&l->sql, "SELECT %s%s FROM %s WHERE at=?6 AND id=?7",
		l->sort_sql, l->sort_end, ear_records_table[l->query->list]);
	err = ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, &st, l->fault);
	if (err)
		return err;
	ear_sql_bind(st, ROWS_AFTER_AT, at);
	ear_sql_bind(st, ROWS_AFTER_ID, id);
	if (sqlite3_step(st) == SQLITE_ROW) {
		*value = value_at(st, 0);
		ear_buf_reset(text);
		ear_buf_slice(text, value->text);
		value->text = ear_buf_view(text);
	} else {
		err = ear_fail(l->fault, EAR_GONE, 0,
			"the row that this cursor stands on is no more; ask "
			"without one");
	}
	sqlite3_finalize(st);
	return err;
}

/* --- by another column, along its keys --------------------------------- */

/* The keys of one range, from where the last page ended. */
static void range_of(struct listing *l, size_t i, struct ear_slice key)
{
	struct ear_key_range *r = &l->ranges[i];
	struct ear_key_entry *edge = l->query->ascending ? &r->low : &r->high;

	if (!l->after.there)
		return;
	*edge = (struct ear_key_entry){
		.key = key, .at = l->after.at, .id = l->after.id};
	if (l->query->ascending)
		edge->id++;
	else if (edge->id)
		edge->id--;
	else
		*edge = (struct ear_key_entry){
			key, l->after.at - 1, INT64_MAX, false};
}

/* By how long they were: each disposition has keys of its own. */
static void ask_for_talk(struct listing *l)
{
	bool few = l->rows.wants && l->rows.ask.of == EAR_KEY_CALL_OUTCOME;
	bool up = l->query->ascending, after = l->after.there;
	uint64_t talk = (uint64_t)l->after.value.i;
	size_t n = few ? l->rows.wants : DISPOSITIONS;

	for (size_t i = 0; i < n; i++) {
		uint64_t d = few ? l->rows.want[i].num - 1 : i;
		struct ear_slice low = ear_key_talk(
			d, after && up ? talk : 0, l->rooms[i * 2]);
		struct ear_slice high = ear_key_talk(d,
			after && !up ? talk : UINT32_MAX, l->rooms[i * 2 + 1]);

		l->ranges[i] = ear_key_all;
		l->ranges[i].low.key = low;
		l->ranges[i].high.key = high;
		range_of(l, i, up ? low : high);
	}
	l->ask.ranges = n;
	l->ask.skip = 1;
}

static void ask_for_order(struct listing *l)
{
	const struct ear_sort_value *v = &l->after.value;

	l->ask = (struct ear_key_ask){.of = l->sort_key,
		.range = l->ranges,
		.ranges = 1,
		.down = !l->query->ascending};
	l->ranges[0] = ear_key_all;
	if (l->sort_key == EAR_KEY_CALL_TALK)
		ask_for_talk(l);
	else if (v->number)
		range_of(l, 0, ear_key_number((uint64_t)v->i, 1, l->rooms[0]));
	else
		range_of(l, 0, ear_slice_sub(v->text, 0, EAR_KEY_MAX));
}

static enum ear_err prepare_along(struct listing *l, sqlite3_stmt **st)
{
	const char *dir = l->query->ascending ? "ASC" : "DESC";
	enum ear_err err;

	ask_for_order(l);
	ear_buf_reset(&l->sql);
	ear_buf_printf(&l->sql, "SELECT at,id,%s%s", l->sort_sql, l->sort_end);
	ear_rows_from_keys(&l->rows, &l->sql);
	ear_rows_where(&l->rows, false, &l->sql);
	/* rows of several users have keys for each of them besides */
	if (l->sort_key == EAR_KEY_SESSION_PEER)
		ear_buf_printf(&l->sql,
			" AND key_value=CAST(substr(CAST(peername AS BLOB),"
			"1,%d) AS TEXT)",
			EAR_KEY_MAX);
	ear_buf_printf(&l->sql,
		" ORDER BY key_value %s,key_at %s,key_id %s LIMIT ?9", dir, dir,
		dir);
	err = ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, st, l->fault);
	if (!err)
		sqlite3_bind_pointer(
			*st, ROWS_ASK, &l->ask, "ear_key_ask", NULL);
	return err;
}

static enum ear_err fill_along(struct listing *l, struct ear_pile *pile)
{
	sqlite3_stmt *st;
	enum ear_err err = prepare_along(l, &st);
	int rc;

	if (err)
		return err;
	sqlite3_bind_int64(st, ROWS_LIMIT, (int64_t)pile->most);
	while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct ear_sort_value v = value_at(st, 2);

		err = ear_pile_add(
			pile, ear_sql_u64(st, 0), ear_sql_u64(st, 1), &v);
	}
	if (!err && (rc & 0xff) == SQLITE_INTERRUPT) {
		l->found->complete = false;
		snprintf(l->found->why, sizeof(l->found->why),
			"the time was over before all rows were looked at: "
			"there may be others behind these");
	} else if (!err && rc != SQLITE_DONE) {
		err = failed(l);
	}
	sqlite3_finalize(st);
	return err;
}

/* Of a word there are many rows, and the first of them may well come soon
 * along the index that sorts. */
static bool many_wanted(const struct listing *l)
{
	return l->rows.ask.of == EAR_KEY_CALL_OUTCOME;
}

/* Whether a walk along the keys of the order finds the page, and nothing else
 * does so better. */
static bool goes_along(const struct listing *l)
{
	if (l->sort_key == EAR_KEYS_NONE)
		return false;
	return !l->rows.wants ||
	       (l->sort_key == EAR_KEY_CALL_TALK && many_wanted(l));
}

static enum ear_err fill(struct listing *l, struct ear_pile *pile)
{
	uint64_t deadline = l->reader->deadline_ns;
	enum ear_err err;

	if (goes_along(l))
		return fill_along(l, pile);
	if (l->sort_key == EAR_KEYS_NONE || !many_wanted(l))
		return fill_pile(l, pile);
	if (!deadline || deadline > ear_mono_ns() + ALONG_NS)
		l->reader->deadline_ns = ear_mono_ns() + ALONG_NS;
	err = fill_along(l, pile);
	l->reader->deadline_ns = deadline;
	if (err || l->found->complete)
		return err;
	ear_pile_fini(pile);
	*pile = (struct ear_pile){
		.most = l->limit + 1, .ascending = l->query->ascending};
	*l->found = (struct ear_rows_found){.complete = true};
	return fill_pile(l, pile);
}

static enum ear_err list_by_value(struct listing *l)
{
	struct ear_pile pile = {
		.most = l->limit + 1, .ascending = l->query->ascending};
	enum ear_err err = fill(l, &pile);

	if (!err) {
		ear_pile_sort(&pile);
		err = hand_out_pile(l, &pile);
	}
	ear_pile_fini(&pile);
	return err == EAR_NOMEM ? ear_fail(l->fault, err, 0, "out of memory")
				: err;
}

/* --- pages ------------------------------------------------------------- */

static enum ear_err write_cursor(struct listing *l)
{
	struct ear_sort_value value;
	struct ear_buf text = {0};
	enum ear_err err = EAR_OK;

	if (!l->by_time) {
		l->reader->deadline_ns = 0;
		err = look_up(l, l->at, l->id, &text, &value);
	}
	if (!err)
		ear_cursor_write(l->check, l->at, l->id,
			l->by_time ? NULL : &value, l->found->cursor);
	ear_buf_fini(&text);
	return err;
}

static enum ear_err one_page(struct listing *l, const char *cursor)
{
	struct ear_buf text = {0};
	enum ear_err err = EAR_OK;

	l->after = (struct ear_cursor){0};
	if (cursor && *cursor)
		err = ear_cursor_read(cursor, l->check, &l->after, l->fault);
	if (!err && l->after.look_up)
		err = look_up(
			l, l->after.at, l->after.id, &text, &l->after.value);
	if (err || l->rows.from_ns > l->rows.to_ns)
		goto out;
	if (l->after.there && l->by_time) {
		/* so that the walk begins there */
		if (l->query->ascending && l->after.at > l->rows.from_ns)
			l->rows.from_ns = l->after.at;
		if (!l->query->ascending && l->after.at < l->rows.to_ns)
			l->rows.to_ns = l->after.at;
	}
	if (l->rows.open)
		err = list_walk(l, l->rows.wants || l->by_time
					   ? NULL
					   : open_index(l->sort_sql));
	else if (!l->by_time)
		err = list_by_value(l);
	else if (ear_rows_by_keys(&l->rows) && !l->rows.range)
		err = list_walk(l, NULL);
	else if (l->rows.wants)
		err = list_spans(l);
	else if (l->rows.counted && l->query->filter.n)
		err = list_gaps(l);
	else
		err = list_walk(l, NULL);
	if (!err && l->found->more)
		err = write_cursor(l);
out:
	ear_buf_fini(&text);
	return err;
}

static enum ear_err all_pages(struct listing *l)
{
	char cursor[sizeof(l->found->cursor)];
	uint64_t rows = 0, want = l->query->limit;
	const char *go_on = l->query->cursor;
	enum ear_err err = EAR_OK;

	do {
		uint64_t left = want ? want - rows : PAGE_ROWS;

		l->limit = left < PAGE_ROWS ? left : PAGE_ROWS;
		l->found->rows = 0;
		l->found->more = false;
		l->rows.keep.seen = 0;
		err = one_page(l, go_on);
		rows += l->found->rows;
		snprintf(cursor, sizeof(cursor), "%s", l->found->cursor);
		go_on = cursor;
	} while (!err && l->found->more && l->found->complete && !l->stopped &&
		 (!want || rows < want));
	l->found->rows = rows;
	if (ear_expr_gave_up(l->rows.keep.expr) && l->found->complete) {
		l->found->complete = false;
		snprintf(l->found->why, sizeof(l->found->why),
			"a regular expression was given up on %llu rows",
			(unsigned long long)ear_expr_gave_up(
				l->rows.keep.expr));
	}
	return err;
}

enum ear_err ear_records_list(struct ear_records *records,
	const struct ear_rows_query *query, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	return ear_rows_list(records, query, NULL, NULL, fn, arg, found, fault);
}

enum ear_err ear_rows_list(struct ear_records *records,
	const struct ear_rows_query *query, const char *more,
	ear_beside_fn beside, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	struct listing l = {.records = records,
		.query = query,
		.more = more,
		.beside = beside,
		.fn = fn,
		.arg = arg,
		.found = found,
		.fault = fault,
		.check = ear_cursor_check(query)};
	enum ear_err err;

	*found = (struct ear_rows_found){.complete = true};
	err = set_order(&l);
	if (!err)
		err = ear_reader_take(records, &l.reader, fault);
	if (err)
		return err;
	err = ear_rows_init(&l.rows, query,
		ear_file_u64(l.reader->db,
			"SELECT n FROM meta WHERE name='newest'", 0),
		fault);
	if (!err) {
		l.reader->deadline_ns = query->deadline_ns;
		l.reader->stop = query->stop;
		err = all_pages(&l);
	}
	ear_rows_fini(&l.rows);
	ear_buf_fini(&l.sql);
	ear_reader_give(records, &l.reader);
	return err;
}

enum ear_err ear_records_row(struct ear_records *records, enum ear_list_of list,
	struct ear_slice id, ear_row_fn fn, void *arg, struct ear_fault *fault)
{
	struct ear_rows_query query = {.list = list};
	struct ear_rows_found found = {.complete = true};
	struct listing l = {.records = records,
		.query = &query,
		.fn = fn,
		.arg = arg,
		.found = &found,
		.fault = fault,
		.limit = 1};
	struct ear_pile_row row = {0};
	struct ear_pile pile = {.v = &row, .n = 1};
	enum ear_err err;

	if (!ear_row_id_read(id, &row.at, &row.id))
		return ear_fail(fault, EAR_USAGE, 0, "'%.*s' is no id of a row",
			EAR_FMT(ear_slice_sub(id, 0, 40)));
	err = ear_reader_take(records, &l.reader, fault);
	if (err)
		return err;
	err = ear_rows_init(&l.rows, &query,
		ear_file_u64(l.reader->db,
			"SELECT n FROM meta WHERE name='newest'", 0),
		fault);
	if (!err)
		err = hand_out_pile(&l, &pile);
	if (!err && !found.rows)
		err = ear_fail(fault, EAR_GONE, 0, "there is no such row");
	ear_rows_fini(&l.rows);
	ear_buf_fini(&l.sql);
	ear_reader_give(records, &l.reader);
	return err;
}
