/* SPDX-License-Identifier: Apache-2.0 */
/* The statements that write rows: of the columns in stored.def. */
#include "records/priv.h"

struct row_sql {
	struct ear_buf *sql;
	bool (*wanted)(const char *column);
	unsigned n;
};

static void name_column(const struct ear_stored *c, void *arg)
{
	struct row_sql *r = arg;

	ear_buf_printf(r->sql, "%s%s%s", r->n++ ? "," : "", c->column, c->end);
}

void ear_insert_sql(const char *table, unsigned rows, struct ear_buf *sql)
{
	struct row_sql names = {.sql = sql};

	ear_buf_printf(sql, "INSERT OR IGNORE INTO %s(", table);
	ear_each_stored(table, name_column, &names);
	ear_buf_str(sql, ") VALUES");
	for (unsigned row = 0; row < rows; row++) {
		ear_buf_str(sql, row ? ",(" : "(");
		for (unsigned i = 0; i < names.n; i++)
			ear_buf_str(sql, i ? ",?" : "?");
		ear_buf_byte(sql, ')');
	}
}

static void set_column(const struct ear_stored *c, void *arg)
{
	struct row_sql *r = arg;

	/* at, id and span are the row's name */
	if (c->at > 3 && (!r->wanted || r->wanted(c->column)))
		ear_buf_printf(r->sql, "%s%s%s=?%u", r->n++ ? "," : "",
			c->column, c->end, c->at);
}

/* Its values have the same numbers as those of an INSERT of one row. */
static void update_sql(const char *table, bool (*wanted)(const char *column),
	struct ear_buf *sql)
{
	struct row_sql set = {.sql = sql, .wanted = wanted};

	ear_buf_printf(sql, "UPDATE %s SET ", table);
	ear_each_stored(table, set_column, &set);
	ear_buf_str(sql, " WHERE at=?1 AND id=?2");
}

void ear_update_sql(const char *table, struct ear_buf *sql)
{
	update_sql(table, NULL, sql);
}

/*
 * A refresh leaves alone what indexes are made of, but for when it expires:
 * each of them would be written anew, even where nothing changed. Which of
 * them apply is a matter of whether the binding has ended.
 */
static bool of_refresh(const char *column)
{
	static const char *const indexed[] = {
		"account", "ended", "remote", "username"};

	for (size_t i = 0; i < sizeof(indexed) / sizeof(indexed[0]); i++) {
		if (!strcmp(column, indexed[i]))
			return false;
	}
	return true;
}

static void match_column(const struct ear_stored *c, void *arg)
{
	if (!of_refresh(c->column))
		ear_buf_printf(arg, " AND %s%s=?%u", c->column, c->end, c->at);
}

void ear_refresh_sql(struct ear_buf *sql)
{
	update_sql("binding", of_refresh, sql);
	ear_each_stored("binding", match_column, sql);
}
