/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by time, and how their statements are put together. */
#include "records/list_priv.h"
#include "records/tally.h"

/* --- order ------------------------------------------------------------- */

void ear_list_after_sql(struct listing *l)
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

void ear_list_order_sql(struct listing *l)
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

void ear_list_bind_after(struct listing *l, sqlite3_stmt *st)
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

struct ear_sort_value ear_list_value_at(sqlite3_stmt *st, int column)
{
	if (sqlite3_column_type(st, column) == SQLITE_INTEGER)
		return (struct ear_sort_value){
			.number = true, .i = sqlite3_column_int64(st, column)};
	return (struct ear_sort_value){.text = ear_sql_blob(st, column)};
}

/* --- what statements give ---------------------------------------------- */

enum ear_err ear_list_failed(struct listing *l)
{
	return ear_reader_failed(l->records, l->reader->db, l->fault);
}

/* Hand out one row. @return false when there is no more to do */
bool ear_list_hand_out(struct listing *l, sqlite3_stmt *st)
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
void ear_list_cells_sql(struct listing *l)
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
	ear_list_cells_sql(l);
	ear_rows_from(&l->rows, index, &l->sql);
	ear_rows_where(&l->rows, span, &l->sql);
	ear_list_after_sql(l);
	ear_list_order_sql(l);
	return ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, st, l->fault);
}

/* Step through it. *rc is SQLite's last word. */
static void step_rows(struct listing *l, sqlite3_stmt *st, int *rc)
{
	while ((*rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (!ear_list_hand_out(l, st))
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
		return ear_list_failed(l);
	if (walked && k->seen) {
		/* go on behind the last row that was looked at */
		l->at = k->at;
		l->id = k->id;
		l->found->more = true;
	}
	ear_rows_late(l->found, l->at ? l->at : l->rows.to_ns);
	return EAR_OK;
}

enum ear_err ear_list_walk(struct listing *l, const char *index)
{
	sqlite3_stmt *st;
	enum ear_err err = prepare_rows(l, false, index, &st);
	int rc = SQLITE_OK;

	if (err)
		return err;
	ear_list_bind_after(l, st);
	sqlite3_bind_int64(st, ROWS_LIMIT, (int64_t)l->limit + 1);
	step_rows(l, st, &rc);
	err = settle(l, rc, l->by_time && !l->rows.wants);
	sqlite3_finalize(st);
	return err;
}

/* By time, without the slots where nothing matches. */
enum ear_err ear_list_gaps(struct listing *l)
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
	ear_list_bind_after(l, st);
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
enum ear_err ear_list_spans(struct listing *l)
{
	uint64_t span = EAR_SPAN_NONE, done = EAR_SPAN_NONE;
	sqlite3_stmt *st, *next = NULL;
	enum ear_err err = prepare_rows(l, true, NULL, &st);
	bool up = l->query->ascending;
	int rc = SQLITE_DONE;

	if (err)
		return err;
	ear_list_bind_after(l, st);
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
