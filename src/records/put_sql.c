/* SPDX-License-Identifier: Apache-2.0 */
/* The statements that write rows: of the columns in stored.def. */
#include "records/priv.h"

static const struct {
	const char *table, *column;
	char type;
} stored[] = {
#define D(table_, column_, type_, value_) {#table_, #column_, #type_[0]},
#include "records/stored.def"
#undef D
};
#define STORED (sizeof(stored) / sizeof(stored[0]))

/* Each column of a table that is stored, an address as two. */
static void each_column(const char *table,
	void (*fn)(const char *column, const char *end, unsigned at, void *arg),
	void *arg)
{
	unsigned at = 0;

	for (size_t i = 0; i < STORED; i++) {
		bool addr = stored[i].type == 'A';

		if (strcmp(stored[i].table, table) != 0)
			continue;
		fn(stored[i].column, addr ? "_ip" : "", ++at, arg);
		if (addr)
			fn(stored[i].column, "_port", ++at, arg);
	}
}

struct row_sql {
	struct ear_buf *sql;
	bool (*wanted)(const char *column);
	unsigned n;
};

static void name_column(
	const char *column, const char *end, unsigned at, void *arg)
{
	struct row_sql *r = arg;

	ear_buf_printf(r->sql, "%s%s%s", r->n++ ? "," : "", column, end);
}

void ear_insert_sql(const char *table, unsigned rows, struct ear_buf *sql)
{
	struct row_sql names = {.sql = sql};

	ear_buf_printf(sql, "INSERT OR IGNORE INTO %s(", table);
	each_column(table, name_column, &names);
	ear_buf_str(sql, ") VALUES");
	for (unsigned row = 0; row < rows; row++) {
		ear_buf_str(sql, row ? ",(" : "(");
		for (unsigned i = 0; i < names.n; i++)
			ear_buf_str(sql, i ? ",?" : "?");
		ear_buf_byte(sql, ')');
	}
}

static void set_column(
	const char *column, const char *end, unsigned at, void *arg)
{
	struct row_sql *r = arg;

	/* at, id and span are the row's name */
	if (at > 3 && (!r->wanted || r->wanted(column)))
		ear_buf_printf(r->sql, "%s%s%s=?%u", r->n++ ? "," : "", column,
			end, at);
}

/* Its values have the same numbers as those of an INSERT of one row. */
static void update_sql(const char *table, bool (*wanted)(const char *column),
	struct ear_buf *sql)
{
	struct row_sql set = {.sql = sql, .wanted = wanted};

	ear_buf_printf(sql, "UPDATE %s SET ", table);
	each_column(table, set_column, &set);
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

static void match_column(
	const char *column, const char *end, unsigned at, void *arg)
{
	if (!of_refresh(column))
		ear_buf_printf(arg, " AND %s%s=?%u", column, end, at);
}

void ear_refresh_sql(struct ear_buf *sql)
{
	update_sql("binding", of_refresh, sql);
	each_column("binding", match_column, sql);
}
