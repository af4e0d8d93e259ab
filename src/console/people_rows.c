/* SPDX-License-Identifier: Apache-2.0 */
/* Web Sessions and Audit: their rows, how often each value occurs, and how
 * many there are over time. */
#include <stdio.h>

#include "base/csv.h"
#include "base/time.h"
#include "console/people_priv.h"

static void read_cells(const struct ear_people_source *s, sqlite3_stmt *st,
	struct ear_cell cells[EAR_PEOPLE_COLUMNS])
{
	for (size_t i = 0; i < s->n; i++) {
		cells[i] = (struct ear_cell){.there = true};
		if (i < 2)
			cells[i].i = sqlite3_column_int64(st, (int)i);
		else
			cells[i].text = ear_users_text(st, (int)i);
	}
}

static int hand_out(sqlite3_stmt *st, const struct ear_people_find *f,
	ear_row_fn fn, void *arg, struct ear_rows_found *found)
{
	struct ear_cell cells[EAR_PEOPLE_COLUMNS];
	uint64_t limit = f->query->limit;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (limit && found->rows == limit) {
			found->more = true;
			return SQLITE_DONE;
		}
		read_cells(f->source, st, cells);
		found->rows++;
		snprintf(found->cursor, sizeof(found->cursor), "%lld",
			(long long)sqlite3_column_int64(st, 0));
		if (!fn(cells, arg))
			return SQLITE_DONE;
	}
	return rc;
}

static enum ear_err read_cursor(const struct ear_rows_query *q,
	uint64_t *cursor, struct ear_fault *fault)
{
	*cursor = q->ascending ? 0 : INT64_MAX;
	if (!q->cursor ||
		ear_slice_u64(ear_slice_str(q->cursor), INT64_MAX, cursor))
		return EAR_OK;
	return ear_fail(fault, EAR_USAGE, 0, "the cursor is not one of ours");
}

/* Ends a statement and what it was for. */
static enum ear_err end(struct ear_people_find *f, sqlite3_stmt *st, int rc,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		err = ear_users_fail(f->users, fault);
	ear_people_late(f, found);
	ear_people_close(f);
	return err;
}

enum ear_err ear_people_list(const char *dir, enum ear_rows_of of,
	const struct ear_rows_query *q, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	struct ear_people_find find;
	sqlite3_stmt *st;
	uint64_t cursor;
	enum ear_err err;
	int rc = SQLITE_ERROR;

	*found = (struct ear_rows_found){.complete = true};
	if (q->sort && strcmp(q->sort, "at") != 0)
		return ear_fail(fault, EAR_USAGE, 0,
			"this list is sorted by 'at' alone");
	err = read_cursor(q, &cursor, fault);
	if (!err)
		err = ear_people_open(&find, dir, of, q, fault);
	if (err)
		return err;
	st = ear_people_prepare(&find, find.source->select,
		q->ascending ? " AND id>?4 ORDER BY id"
			     : " AND id<?4 ORDER BY id DESC");
	if (st) {
		sqlite3_bind_int64(st, 4, (sqlite3_int64)cursor);
		rc = hand_out(st, &find, fn, arg, found);
	}
	err = end(&find, st, rc, found, fault);
	if (found->complete && !found->more)
		found->cursor[0] = '\0';
	return err;
}

/* The name of a column in users.db. */
static const char *stored(const char *column)
{
	return strcmp(column, "event") == 0 ? "type"
	       : strcmp(column, "at") == 0  ? "at_ns"
					    : column;
}

enum ear_err ear_people_facet(const char *dir, enum ear_rows_of of,
	const struct ear_rows_query *q, const char *column, size_t most,
	ear_facet_fn fn, void *arg, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	struct ear_people_find find;
	sqlite3_stmt *st;
	char what[64];
	enum ear_err err;
	int rc = SQLITE_ERROR;

	*found = (struct ear_rows_found){.complete = true};
	err = ear_people_open(&find, dir, of, q, fault);
	if (err)
		return err;
	snprintf(what, sizeof(what), "%s,count(*)", stored(column));
	st = ear_people_prepare(
		&find, what, " GROUP BY 1 ORDER BY 2 DESC,1 LIMIT ?4");
	if (st) {
		sqlite3_bind_int64(st, 4, (sqlite3_int64)most);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW &&
			fn(ear_users_text(st, 0),
				(uint64_t)sqlite3_column_int64(st, 1), arg))
			found->rows++;
	}
	return end(
		&find, st, rc == SQLITE_ROW ? SQLITE_DONE : rc, found, fault);
}

/* Which series a word is; behind the last: none of them. */
static size_t series_of(const struct ear_timeline *t, struct ear_slice word)
{
	size_t i = 0;

	while (t->words && t->words[i] &&
		!ear_slice_eq(word, ear_slice_str(t->words[i])))
		i++;
	return i;
}

enum ear_err ear_people_timeline(const char *dir, enum ear_rows_of of,
	const struct ear_rows_query *q, const char *column,
	struct ear_timeline *t, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	size_t n, at = column ? ear_shown_column(of, column) : 0;
	struct ear_people_find find;
	sqlite3_stmt *st;
	char what[80];
	enum ear_err err;
	int rc = SQLITE_ERROR;

	*found = (struct ear_rows_found){.complete = true};
	t->words = column ? ear_people_columns(of, &n)[at].words : NULL;
	err = ear_people_open(&find, dir, of, q, fault);
	if (err)
		return err;
	snprintf(what, sizeof(what), "(at_ns-?4)/?5,%s,count(*)",
		t->words ? stored(column) : "''");
	st = ear_people_prepare(&find, what, " AND at_ns>=?4 GROUP BY 1,2");
	if (st) {
		sqlite3_bind_int64(st, 4, (sqlite3_int64)t->from_ns);
		sqlite3_bind_int64(st, 5, (sqlite3_int64)t->step_ns);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			size_t b = (size_t)sqlite3_column_int64(st, 0);
			size_t s = series_of(t, ear_users_text(st, 1));

			if (b < t->buckets && s < t->series)
				t->n[b * t->series + s] +=
					(uint64_t)sqlite3_column_int64(st, 2);
		}
	}
	return end(&find, st, rc, found, fault);
}

void ear_people_json(
	struct ear_json *j, enum ear_rows_of of, const struct ear_cell *cells)
{
	const struct ear_people_source *s = ear_people_source(of);

	ear_json_ku64(j, s->columns[0].name, (uint64_t)cells[0].i);
	ear_json_ktime(j, s->columns[1].name, (uint64_t)cells[1].i);
	for (size_t i = 2; i < s->n; i++)
		ear_json_kstr(j, s->columns[i].name, cells[i].text);
}

void ear_people_csv(
	enum ear_rows_of of, const struct ear_cell *cells, struct ear_buf *out)
{
	const struct ear_people_source *s = ear_people_source(of);
	char at[EAR_TIME_TEXT];

	for (size_t i = 0; i < s->n; i++) {
		if (i)
			ear_buf_byte(out, ',');
		if (!cells) {
			ear_buf_str(out, s->columns[i].name);
		} else if (i == 0) {
			ear_buf_printf(out, "%lld", (long long)cells[0].i);
		} else if (i == 1) {
			ear_time_human((uint64_t)cells[1].i, false, at);
			ear_buf_str(out, at);
		} else {
			ear_csv_text(out, cells[i].text);
		}
	}
	ear_buf_str(out, "\r\n");
}
