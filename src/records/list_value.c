/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by another column: of each span the first, and of these the first. */
#include <stdio.h>

#include "base/time.h"
#include "records/list_priv.h"

/* How long a walk along the index that sorts may take to find a page, before
 * the index that finds what is wanted is asked instead. */
#define ALONG_NS (300 * EAR_MS_NS)

static enum ear_err prepare_values(struct listing *l, sqlite3_stmt **st)
{
	ear_buf_reset(&l->sql);
	ear_buf_printf(&l->sql, "SELECT at,id,%s%s", l->sort_sql, l->sort_end);
	ear_rows_from(&l->rows, l->rows.wants ? NULL : l->sort_index, &l->sql);
	ear_rows_where(&l->rows, true, &l->sql);
	ear_list_after_sql(l);
	ear_list_order_sql(l);
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
	ear_list_bind_after(l, st);
	sqlite3_bind_int64(st, ROWS_LIMIT, (int64_t)pile->most);
	while (!err && (rc & 0xff) != SQLITE_INTERRUPT) {
		span = ear_rows_span(
			&l->rows, l->reader->db, &next, span, false);
		if (span == EAR_SPAN_NONE)
			break;
		ear_rows_bind_span(&l->rows, st, span);
		while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct ear_sort_value v = ear_list_value_at(st, 2);

			err = ear_pile_add(pile, ear_sql_u64(st, 0),
				ear_sql_u64(st, 1), &v);
		}
		if (err == EAR_LIMIT)
			err = EAR_OK;
		else if (rc != SQLITE_DONE && (rc & 0xff) != SQLITE_INTERRUPT &&
			 !err)
			err = ear_list_failed(l);
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

enum ear_err ear_list_hand_out_pile(
	struct listing *l, const struct ear_pile *pile)
{
	sqlite3_stmt *st = NULL;
	enum ear_err err = EAR_OK;
	int rc = SQLITE_OK;

	/* what was found is shown, however late it is */
	l->reader->deadline_ns = 0;
	ear_list_cells_sql(l);
	ear_buf_printf(&l->sql, " FROM %s WHERE at=?6 AND id=?7",
		ear_records_table[l->query->list]);
	err = ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, &st, l->fault);
	for (size_t i = 0; !err && i < pile->n; i++) {
		ear_sql_bind(st, ROWS_AFTER_AT, pile->v[i].at);
		ear_sql_bind(st, ROWS_AFTER_ID, pile->v[i].id);
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && !ear_list_hand_out(l, st))
			break;
		if (rc != SQLITE_ROW && rc != SQLITE_DONE)
			err = ear_list_failed(l);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	return err;
}

/* The value of the row that the next page begins behind. */
enum ear_err ear_list_look_up(struct listing *l, uint64_t at, uint64_t id,
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
		*value = ear_list_value_at(st, 0);
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
		return ear_list_fill_along(l, pile);
	if (l->sort_key == EAR_KEYS_NONE || !many_wanted(l))
		return fill_pile(l, pile);
	if (!deadline || deadline > ear_mono_ns() + ALONG_NS)
		l->reader->deadline_ns = ear_mono_ns() + ALONG_NS;
	err = ear_list_fill_along(l, pile);
	l->reader->deadline_ns = deadline;
	if (err || l->found->complete)
		return err;
	ear_pile_fini(pile);
	*pile = (struct ear_pile){
		.most = l->limit + 1, .ascending = l->query->ascending};
	*l->found = (struct ear_rows_found){.complete = true};
	return fill_pile(l, pile);
}

enum ear_err ear_list_by_value(struct listing *l)
{
	struct ear_pile pile = {
		.most = l->limit + 1, .ascending = l->query->ascending};
	enum ear_err err = fill(l, &pile);

	if (!err) {
		ear_pile_sort(&pile);
		err = ear_list_hand_out_pile(l, &pile);
	}
	ear_pile_fini(&pile);
	return err == EAR_NOMEM ? ear_fail(l->fault, err, 0, "out of memory")
				: err;
}
