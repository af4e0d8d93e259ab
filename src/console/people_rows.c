/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/csv.h"
#include "base/time.h"
#include "console/rows.h"
#include "console/users_priv.h"

#define WORDS_MAX 8
#define COLUMNS_MAX 7

static const struct ear_column web_columns[] = {
	{"id", "Id", "number of the event", EAR_COLUMN_INT, false, NULL},
	{"at", "Date Created", "when it happened", EAR_COLUMN_TIME, true, NULL},
	{"event", "Event Type", "what happened", EAR_COLUMN_TEXT, false, NULL},
	{"principal", "Principal", "the name that was given", EAR_COLUMN_TEXT,
		false, NULL},
	{"address", "IP Address", "where it came from", EAR_COLUMN_TEXT, false,
		NULL},
};

static const struct ear_column audit_columns[] = {
	{"id", "Id", "number of the entry", EAR_COLUMN_INT, false, NULL},
	{"at", "Time", "when it was done", EAR_COLUMN_TIME, true, NULL},
	{"actor", "Actor", "who did it", EAR_COLUMN_TEXT, false, NULL},
	{"action", "Action", "what was done", EAR_COLUMN_TEXT, false, NULL},
	{"object", "Object", "to what", EAR_COLUMN_TEXT, false, NULL},
	{"detail", "Detail", "more about it", EAR_COLUMN_TEXT, false, NULL},
	{"address", "IP Address", "where it came from", EAR_COLUMN_TEXT, false,
		NULL},
};

/* The first two columns are id and time, all others texts. */
static const struct source {
	const struct ear_column *columns;
	size_t n;
	const char *select; /* in the order of the columns */
	const char *texts;  /* all of them, for words to be looked for in */
} sources[] = {
	{web_columns, sizeof(web_columns) / sizeof(web_columns[0]),
		"SELECT id,at_ns,type,principal,address FROM web_event",
		"type||char(10)||principal||char(10)||address"},
	{audit_columns, sizeof(audit_columns) / sizeof(audit_columns[0]),
		"SELECT id,at_ns,actor,action,object,detail,address"
		" FROM audit_event",
		"actor||char(10)||action||char(10)||object||char(10)||detail"
		"||char(10)||address"},
};

static const struct source *source_of(enum ear_rows_of of)
{
	return &sources[of - EAR_ROWS_WEB_SESSIONS];
}

const struct ear_column *ear_people_columns(enum ear_rows_of of, size_t *n)
{
	*n = source_of(of)->n;
	return source_of(of)->columns;
}

struct words {
	struct ear_slice at[WORDS_MAX];
	size_t n;
};

static enum ear_err split(
	struct ear_slice text, struct words *words, struct ear_fault *fault)
{
	struct ear_slice rest = ear_slice_trim(text);

	words->n = 0;
	while (rest.n > 0) {
		size_t end = ear_slice_find(rest, EAR_S(" "));

		if (words->n == WORDS_MAX)
			return ear_fail(fault, EAR_USAGE,
				(size_t)(rest.p - text.p),
				"at most %d words to look for", WORDS_MAX);
		words->at[words->n++] = ear_slice_sub(rest, 0, end);
		rest = ear_slice_trim(ear_slice_sub(rest, end, rest.n));
	}
	return EAR_OK;
}

/* One more than the limit, to know whether there are more. */
static sqlite3_stmt *prepare(struct ear_users *users, const struct source *s,
	const struct ear_rows_query *q, const struct words *words,
	uint64_t cursor)
{
	struct ear_buf sql = {0};
	sqlite3_stmt *st = NULL;
	int at = 1;

	ear_buf_printf(&sql, "%s WHERE at_ns>=? AND at_ns<=? AND id%s?",
		s->select, q->ascending ? ">" : "<");
	/* not LIKE, whose wildcards are letters to us */
	for (size_t i = 0; i < words->n; i++)
		ear_buf_printf(
			&sql, " AND instr(lower(%s),lower(?))>0", s->texts);
	ear_buf_printf(
		&sql, " ORDER BY id %s LIMIT ?", q->ascending ? "ASC" : "DESC");
	ear_buf_byte(&sql, 0);
	if (!sql.err)
		st = ear_users_prepare(users, sql.p);
	ear_buf_fini(&sql);
	if (!st)
		return NULL;
	sqlite3_bind_int64(st, at++, (sqlite3_int64)q->from_ns);
	sqlite3_bind_int64(st, at++,
		q->to_ns > INT64_MAX ? INT64_MAX : (sqlite3_int64)q->to_ns);
	sqlite3_bind_int64(st, at++, (sqlite3_int64)cursor);
	for (size_t i = 0; i < words->n; i++)
		ear_users_bind(st, at++, words->at[i]);
	sqlite3_bind_int64(st, at, q->limit ? (sqlite3_int64)q->limit + 1 : -1);
	return st;
}

static void read_cells(
	sqlite3_stmt *st, size_t n, struct ear_cell cells[COLUMNS_MAX])
{
	for (size_t i = 0; i < n; i++) {
		cells[i] = (struct ear_cell){.there = true};
		if (i < 2)
			cells[i].i = sqlite3_column_int64(st, (int)i);
		else
			cells[i].text = ear_users_text(st, (int)i);
	}
}

static bool over(const struct ear_rows_query *q, struct ear_rows_found *found)
{
	if (!(q->stop && __atomic_load_n(q->stop, __ATOMIC_RELAXED)) &&
		!(q->deadline_ns && ear_mono_ns() > q->deadline_ns))
		return false;
	found->complete = false;
	snprintf(found->why, sizeof(found->why), "the time was over");
	return true;
}

static int hand_out(sqlite3_stmt *st, const struct source *s,
	const struct ear_rows_query *q, ear_row_fn fn, void *arg,
	struct ear_rows_found *found)
{
	struct ear_cell cells[COLUMNS_MAX];
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (q->limit && found->rows == q->limit) {
			found->more = true;
			return SQLITE_DONE;
		}
		read_cells(st, s->n, cells);
		found->rows++;
		snprintf(found->cursor, sizeof(found->cursor), "%lld",
			(long long)sqlite3_column_int64(st, 0));
		if (!fn(cells, arg) || over(q, found))
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

enum ear_err ear_people_list(const char *dir, enum ear_rows_of of,
	const struct ear_rows_query *q, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	const struct source *s = source_of(of);
	struct ear_users *users = NULL;
	struct words words;
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
		err = split(q->filter, &words, fault);
	if (!err)
		err = ear_users_open(dir, &users, fault);
	if (err)
		return err;
	st = prepare(users, s, q, &words, cursor);
	if (st)
		rc = hand_out(st, s, q, fn, arg, found);
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		err = ear_users_fail(users, fault);
	ear_users_close(&users);
	if (found->complete && !found->more)
		found->cursor[0] = '\0';
	return err;
}

void ear_people_json(
	struct ear_json *j, enum ear_rows_of of, const struct ear_cell *cells)
{
	const struct source *s = source_of(of);

	ear_json_ku64(j, s->columns[0].name, (uint64_t)cells[0].i);
	ear_json_ktime(j, s->columns[1].name, (uint64_t)cells[1].i);
	for (size_t i = 2; i < s->n; i++)
		ear_json_kstr(j, s->columns[i].name, cells[i].text);
}

void ear_people_csv(
	enum ear_rows_of of, const struct ear_cell *cells, struct ear_buf *out)
{
	const struct source *s = source_of(of);
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
