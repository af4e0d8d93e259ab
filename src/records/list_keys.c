/* SPDX-License-Identifier: Apache-2.0 */
/* Lists by another column, along its index of keys.h. */
#include <stdio.h>

#include "records/list_priv.h"

/* Words of a call's disposition, from 0. */
#define DISPOSITIONS (EAR_CALL_FAILED + 1)
_Static_assert(DISPOSITIONS <= EAR_WANTS_MAX, "each has its range");

/* The keys of one range, from the last row of the last page on. */
static void range_of(struct listing *l, size_t i, struct ear_slice key)
{
	struct ear_key_range *r = &l->ranges[i];
	struct ear_key_entry *edge = l->query->ascending ? &r->low : &r->high;

	if (l->after.there)
		*edge = (struct ear_key_entry){
			.key = key, .at = l->after.at, .id = l->after.id};
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
	/* rows of several users have keys for each of them besides; one that
	 * was removed and told again may have some of before */
	ear_buf_printf(&l->sql, " AND key_value=%s%s",
		l->sort_key == EAR_KEY_CALL_TALK ? EAR_KEY_TALK_WHOLE_SQL
						 : l->sort_sql,
		l->sort_end);
	if (l->after.there)
		ear_buf_str(&l->sql, " AND (at,id)<>(?6,?7)");
	ear_buf_printf(&l->sql,
		" ORDER BY key_value %s,key_at %s,key_id %s LIMIT ?9", dir, dir,
		dir);
	err = ear_rows_prepare(
		&l->rows, l->records, l->reader->db, &l->sql, st, l->fault);
	if (err)
		return err;
	sqlite3_bind_pointer(*st, ROWS_ASK, &l->ask, "ear_key_ask", NULL);
	if (l->after.there) {
		ear_sql_bind(*st, ROWS_AFTER_AT, l->after.at);
		ear_sql_bind(*st, ROWS_AFTER_ID, l->after.id);
	}
	return EAR_OK;
}

enum ear_err ear_list_fill_along(struct listing *l, struct ear_pile *pile)
{
	sqlite3_stmt *st;
	enum ear_err err = prepare_along(l, &st);
	int rc;

	if (err)
		return err;
	sqlite3_bind_int64(st, ROWS_LIMIT, (int64_t)pile->most);
	while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct ear_sort_value v = ear_list_value_at(st, 2);

		err = ear_pile_add(
			pile, ear_sql_u64(st, 0), ear_sql_u64(st, 1), &v);
	}
	if (!err && (rc & 0xff) == SQLITE_INTERRUPT) {
		l->found->complete = false;
		snprintf(l->found->why, sizeof(l->found->why),
			"the time was over before all rows were looked at: "
			"there may be others behind these");
	} else if (!err && rc != SQLITE_DONE) {
		err = ear_list_failed(l);
	}
	sqlite3_finalize(st);
	return err;
}
