/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists, page by page.
 *
 * By time: one walk along the key, or along an index of keys.h that finds what
 * is wanted; or, where an index of SQLite's finds it, from span to span. By
 * another column: along its index of keys.h, or the first of each span by that
 * of SQLite's, and of these the first. Accounts that hold are few beside all
 * there were and have indices without spans.
 *
 *     list.c ──> list_time.c        by time
 *            ──> list_value.c ──> list_keys.c   by another column
 */
#include <stdio.h>

#include "records/list_priv.h"

/* Rows of one page where all are wanted: between two of them no reading
 * transaction stands, which would keep the WAL from being folded in. */
#define PAGE_ROWS 20000

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

#define QUOTE_(x) #x
#define QUOTE(x) QUOTE_(x)
/* of an empty BLOB substr() gives NULL */
#define BEGIN_OF(text)                    \
	"coalesce(CAST(substr(CAST(" text \
	" AS BLOB),1," QUOTE(EAR_KEY_MAX) ") AS TEXT),'')"

/* As the keys are sorted, whichever way rows are found: pages go on where the
 * last one ended. Seconds are sorted by what they were cut off from; what is
 * not told yet as none. */
static const char *sort_sql(
	const char *column, const struct ear_column_of *of, enum ear_key_of key)
{
	switch (key) {
	case EAR_KEY_CALL_SRC: return BEGIN_OF("src");
	case EAR_KEY_CALL_DST: return BEGIN_OF("dst");
	case EAR_KEY_SESSION_PEER: return BEGIN_OF("peername");
	case EAR_KEY_CALL_TALK: return EAR_KEY_TALK_SQL;
	default: break;
	}
	return !strcmp(column, "ring_s") || !strcmp(column, "ring_ms")
		       ? "ring_ms"
		       : of->sql;
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
			"there is no column '%.64s' to sort by%s%.*s%s", sort,
			near.n ? "; did you mean " : "", EAR_FMT(near),
			near.n ? "?" : "");
	}
	of = &ear_column_of(l->query->list)[at];
	l->by_time = !strcmp(sort, "at") || of->kind == EAR_KIND_ROW;
	l->sort_end = of->kind == EAR_KIND_ADDR || of->kind == EAR_KIND_IP
			      ? "_ip"
			      : "";
	l->sort_index = of->index;
	l->sort_key = ear_key_named(of->index);
	l->sort_sql = sort_sql(sort, of, l->sort_key);
	return EAR_OK;
}

/* --- pages ------------------------------------------------------------- */

static enum ear_err write_cursor(struct listing *l)
{
	struct ear_sort_value value;
	struct ear_buf text = {0};
	enum ear_err err = EAR_OK;

	if (!l->by_time) {
		l->reader->deadline_ns = 0;
		err = ear_list_look_up(l, l->at, l->id, &text, &value);
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
		err = ear_list_look_up(
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
		err = ear_list_walk(l, l->rows.wants || l->by_time
					       ? NULL
					       : open_index(l->sort_sql));
	else if (!l->by_time)
		err = ear_list_by_value(l);
	else if (ear_rows_by_keys(&l->rows) && !l->rows.range)
		err = ear_list_walk(l, NULL);
	else if (l->rows.wants)
		err = ear_list_spans(l);
	else if (l->rows.counted && l->query->filter.n)
		err = ear_list_gaps(l);
	else
		err = ear_list_walk(l, NULL);
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
		err = ear_list_hand_out_pile(&l, &pile);
	if (!err && !found.rows)
		err = ear_fail(fault, EAR_GONE, 0, "there is no such row");
	ear_rows_fini(&l.rows);
	ear_buf_fini(&l.sql);
	ear_reader_give(records, &l.reader);
	return err;
}
