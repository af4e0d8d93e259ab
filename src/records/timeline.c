/* SPDX-License-Identifier: Apache-2.0 */
/* Rows over time, by the values of an enumeration. */
#include <stdio.h>

#include "records/rows.h"

struct lines {
	struct ear_rows rows;
	struct ear_timeline *to;
	const struct ear_column_of *of; /* NULL: one series */
};

static enum ear_err prepare(struct lines *l, struct ear_records *records,
	sqlite3 *db, sqlite3_stmt **st, struct ear_fault *fault)
{
	bool plain = !l->rows.query->filter.n && !*l->rows.base;
	const char *index = l->of && plain && l->of->index && *l->of->index
				    ? l->of->index
				    : NULL;
	struct ear_buf sql = {0};
	enum ear_err err;

	ear_buf_printf(&sql, "SELECT (at-?6)/?7,%s,count(*)",
		l->of ? l->of->sql : "0");
	ear_rows_from(&l->rows, index, &sql);
	if (index)
		ear_buf_str(&sql, " WHERE span=?5 AND at>=?2 AND at<=?3");
	else
		ear_rows_where(&l->rows, !l->rows.open, &sql);
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
	if (bucket < l->to->buckets && series < l->to->series)
		l->to->n[bucket * l->to->series + series] += ear_sql_u64(st, 2);
}

static enum ear_err count_all(struct lines *l, struct ear_records *records,
	struct ear_reader_db *reader, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	uint64_t span = EAR_SPAN_NONE, done = EAR_SPAN_NONE;
	sqlite3_stmt *st, *next = NULL;
	enum ear_err err = prepare(l, records, reader->db, &st, fault);
	int rc = SQLITE_DONE;

	while (!err && rc == SQLITE_DONE && l->rows.from_ns <= l->rows.to_ns) {
		if (!l->rows.open) {
			span = ear_rows_span(
				&l->rows, reader->db, &next, span, false);
			if (span == EAR_SPAN_NONE)
				break;
			ear_sql_bind(st, ROWS_SPAN, span);
		}
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			count(l, st);
		if (rc == SQLITE_DONE)
			done = span;
		sqlite3_reset(st);
		if (l->rows.open)
			break;
	}
	if (!err && (rc & 0xff) == SQLITE_INTERRUPT)
		ear_rows_late(found, done == EAR_SPAN_NONE
					     ? l->rows.to_ns
					     : done << EAR_SPAN_BITS);
	else if (!err && rc != SQLITE_DONE)
		err = ear_reader_failed(records, reader->db, fault);
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
		err = count_all(&l, records, reader, found, fault);
	}
	ear_rows_fini(&l.rows);
	ear_reader_give(records, &reader);
	return err;
}
