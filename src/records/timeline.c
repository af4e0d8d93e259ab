/* SPDX-License-Identifier: Apache-2.0 */
/* Rows over time, by the values of an enumeration. */
#include <stdio.h>

#include "records/tally.h"

struct lines {
	struct ear_rows rows;
	struct ear_timeline *to;
	const struct ear_column_of *of; /* NULL: one series */
};

static bool by_outcome(const struct lines *l, sqlite3 *db)
{
	return l->of && !l->rows.query->filter.n && !*l->rows.base &&
	       ear_key_named(l->of->index) == EAR_KEY_CALL_OUTCOME &&
	       ear_rows_may_count_keys(db);
}

static enum ear_err prepare(struct lines *l, struct ear_records *records,
	sqlite3 *db, sqlite3_stmt **st, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	enum ear_err err;

	if (by_outcome(l, db)) {
		/* its index is enough */
		ear_rows_ask_calls(&l->rows, db, EAR_KEY_CALL_OUTCOME);
		l->rows.ask.count = false;
		ear_buf_str(&sql, "SELECT (key_at-?6)/?7,key_value,count(*)");
		ear_rows_from_asked(&sql);
	} else {
		ear_buf_printf(&sql, "SELECT (at-?6)/?7,%s,count(*)",
			l->of ? l->of->sql : "0");
		ear_rows_from(&l->rows, NULL, &sql);
		ear_rows_where(&l->rows, !l->rows.open, &sql);
	}
	ear_buf_str(&sql, " GROUP BY 1,2");
	err = ear_rows_prepare(&l->rows, records, db, &sql, st, fault);
	ear_buf_fini(&sql);
	if (!err) {
		ear_sql_bind(*st, 6, l->to->from_ns);
		ear_sql_bind(*st, 7, l->to->step_ns);
	}
	return err;
}

static void count(struct lines *l, sqlite3_stmt *st)
{
	uint64_t bucket = ear_sql_u64(st, 0), series = 0;

	if (l->of)
		series = (uint64_t)(sqlite3_column_int64(st, 1) -
				    l->of->words->base);
	/* a connection that is up has no cause yet, and is counted too */
	if (l->of && series >= l->to->series)
		series = l->to->series - 1;
	if (bucket < l->to->buckets && series < l->to->series)
		l->to->n[bucket * l->to->series + series] += ear_sql_u64(st, 2);
}

/* Whether each slot lies whole in one bucket, and is counted by the column. */
static bool slots_fit(const struct lines *l)
{
	return l->rows.counted && l->of &&
	       ear_tally_has(l->rows.list, l->of->sql) &&
	       l->to->from_ns % EAR_SLOT_NS == 0 &&
	       l->to->step_ns % EAR_SLOT_NS == 0;
}

/* What is counted in advance, at once. */
static enum ear_err count_counted(struct lines *l, struct ear_records *records,
	sqlite3 *db, int *rc, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	sqlite3_stmt *st = NULL;
	uint64_t first, last;
	enum ear_err err;

	if (!ear_tally_slots(l->rows.from_ns, l->rows.to_ns, &first, &last))
		return EAR_OK;
	ear_buf_printf(&sql, "SELECT (slot-?6)/?7,%s,sum(n)", l->of->sql);
	ear_tally_from(&l->rows, &sql);
	ear_buf_str(&sql, " GROUP BY 1,2");
	err = ear_rows_prepare(&l->rows, records, db, &sql, &st, fault);
	ear_buf_fini(&sql);
	if (err)
		return err;
	ear_sql_bind(st, ROWS_FROM, first);
	ear_sql_bind(st, ROWS_TO, last);
	ear_sql_bind(st, 6, l->to->from_ns / EAR_SLOT_NS);
	ear_sql_bind(st, 7, l->to->step_ns / EAR_SLOT_NS);
	while ((*rc = sqlite3_step(st)) == SQLITE_ROW)
		count(l, st);
	sqlite3_finalize(st);
	return EAR_OK;
}

/* Row by row, from what st has been bound to, span by span. */
static void count_rows(struct lines *l, sqlite3 *db, sqlite3_stmt *st,
	sqlite3_stmt **next, uint64_t *done, int *rc)
{
	uint64_t span = EAR_SPAN_NONE;

	while (*rc == SQLITE_DONE) {
		if (!l->rows.open) {
			span = ear_rows_span(&l->rows, db, next, span, false);
			if (span == EAR_SPAN_NONE)
				break;
			ear_rows_bind_span(&l->rows, st, span);
		}
		while ((*rc = sqlite3_step(st)) == SQLITE_ROW)
			count(l, st);
		if (*rc == SQLITE_DONE)
			*done = span;
		sqlite3_reset(st);
		if (l->rows.open)
			break;
	}
}

static enum ear_err count_all(struct lines *l, struct ear_records *records,
	sqlite3 *db, struct ear_rows_found *found, struct ear_fault *fault)
{
	uint64_t to = l->rows.to_ns, done = EAR_SPAN_NONE;
	bool counted = slots_fit(l);
	struct ear_gaps gaps = {0};
	sqlite3_stmt *st, *next = NULL;
	enum ear_err err = prepare(l, records, db, &st, fault);
	int rc = SQLITE_DONE;

	if (err)
		return err;
	err = ear_gaps_init(
		&gaps, &l->rows, records, db, counted, true, false, fault);
	if (!err && counted)
		err = count_counted(l, records, db, &rc, fault);
	while (!err && rc == SQLITE_DONE && ear_gaps_next(&gaps)) {
		l->rows.from_ns = gaps.from_ns;
		l->rows.to_ns = gaps.to_ns;
		ear_sql_bind(st, ROWS_FROM, gaps.from_ns);
		ear_sql_bind(st, ROWS_TO, gaps.to_ns);
		count_rows(l, db, st, &next, &done, &rc);
	}
	if (rc == SQLITE_DONE)
		rc = gaps.rc;
	if (!err && (rc & 0xff) == SQLITE_INTERRUPT)
		ear_rows_late(found,
			done == EAR_SPAN_NONE ? to : done << EAR_SPAN_BITS);
	else if (!err && rc != SQLITE_DONE)
		err = ear_reader_failed(records, db, fault);
	ear_gaps_fini(&gaps);
	sqlite3_finalize(st);
	sqlite3_finalize(next);
	return err;
}

enum ear_err ear_records_timeline(struct ear_records *records,
	const struct ear_rows_query *query, const char *column,
	struct ear_timeline *timeline, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	struct lines l = {.to = timeline};
	struct ear_reader_db *reader;
	enum ear_err err;
	size_t at;

	*found = (struct ear_rows_found){.complete = true};
	if (column &&
		(!ear_column_find(query->list, column, &at) ||
			ear_column_of(query->list)[at].kind != EAR_KIND_ENUM))
		return ear_fail(fault, EAR_USAGE, 0,
			"there is no column '%.64s' of words to draw by",
			column);
	if (!timeline->step_ns || !timeline->buckets)
		return ear_fail(fault, EAR_USAGE, 0,
			"a timeline has buckets, and these a length");
	if (column) {
		l.of = &ear_column_of(query->list)[at];
		timeline->words = l.of->words->word;
		timeline->series = 0;
		while (timeline->words[timeline->series])
			timeline->series++;
		timeline->series++;
	} else {
		timeline->words = NULL;
		timeline->series = 1;
	}
	err = ear_reader_take(records, &reader, fault);
	if (err)
		return err;
	err = ear_rows_init(&l.rows, query,
		ear_file_u64(reader->db,
			"SELECT n FROM meta WHERE name='newest'", 0),
		fault);
	if (!err) {
		uint64_t end = timeline->from_ns +
			       timeline->step_ns * timeline->buckets - 1;

		reader->deadline_ns = query->deadline_ns;
		reader->stop = query->stop;
		if (l.rows.from_ns < timeline->from_ns)
			l.rows.from_ns = timeline->from_ns;
		if (l.rows.to_ns > end)
			l.rows.to_ns = end;
		err = ear_reader_begin(records, reader, fault);
		if (!err && l.rows.from_ns <= l.rows.to_ns)
			err = count_all(&l, records, reader->db, found, fault);
		ear_reader_end(reader);
	}
	ear_rows_fini(&l.rows);
	ear_reader_give(records, &reader);
	return err;
}
