/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes siptrace's table of version 4. As its own siptrace-create.sql has it,
 * but for the id, which has 64 bits here: 31 or 32 are used up in a day or two
 * at what this program can write.
 */
#include <stdio.h>

#include "sink/sql_priv.h"

/* A name with more would be cut by the server, and two then be one. */
#define INDEX_STEM 40

static const struct {
	const char *postgres, *mysql;
} types[EAR_SQL_COLS] = {
	[EAR_SQL_TIME] = {"TIMESTAMP WITHOUT TIME ZONE DEFAULT "
			  "'2000-01-01 00:00:01'",
		"DATETIME DEFAULT '2000-01-01 00:00:01'"},
	[EAR_SQL_US] = {"INTEGER DEFAULT 0", "INT UNSIGNED DEFAULT 0"},
	[EAR_SQL_MSG] = {"TEXT", "MEDIUMTEXT"},
};

static const struct {
	enum ear_sql_col col;
	const char *name;
} indexes[] = {
	{EAR_SQL_USER, "traced_user_idx"},
	{EAR_SQL_TIME, "date_idx"},
	{EAR_SQL_FROMIP, "fromip_idx"},
	{EAR_SQL_CALLID, "callid_idx"},
};

#define INDEXES (sizeof(indexes) / sizeof(indexes[0]))

static struct ear_slice bare(const char *name)
{
	const char *dot = strchr(name, '.');

	return ear_slice_str(dot ? dot + 1 : name);
}

static void column(const struct ear_sql_conn *conn, enum ear_sql_col c,
	struct ear_buf *sql)
{
	const char *type = conn->dialect == EAR_SQL_POSTGRES ? types[c].postgres
							     : types[c].mysql;

	ear_buf_str(sql, ", ");
	ear_sql_quote(conn, ear_slice_str(conn->plan->column[c]), sql);
	if (type)
		ear_buf_printf(sql, " %s NOT NULL", type);
	else
		ear_buf_printf(sql, " VARCHAR(%zu) DEFAULT '' NOT NULL",
			ear_sql_column_width(c));
}

static void index_of(
	const struct ear_sql_conn *conn, size_t i, struct ear_buf *sql)
{
	const char *name = conn->plan->column[indexes[i].col];

	ear_buf_printf(sql, ", INDEX %s (", indexes[i].name);
	ear_sql_quote(conn, ear_slice_str(name), sql);
	ear_buf_byte(sql, ')');
}

static enum ear_err run(
	struct ear_sql_conn *conn, struct ear_buf *sql, struct ear_fault *fault)
{
	enum ear_err err;

	ear_buf_byte(sql, '\0');
	err = sql->err ? ear_fail(fault, EAR_NOMEM, 0, "out of memory")
		       : ear_odbc_exec(conn, sql->p, NULL, fault);
	ear_buf_fini(sql);
	return err;
}

static enum ear_err make_table(
	struct ear_sql_conn *conn, const char *name, struct ear_fault *fault)
{
	bool postgres = conn->dialect == EAR_SQL_POSTGRES;
	struct ear_buf sql = {0};

	ear_buf_str(&sql, "CREATE TABLE ");
	ear_sql_quote(conn, ear_slice_str(name), &sql);
	ear_buf_str(&sql, " (");
	ear_sql_quote(conn, EAR_S("id"), &sql);
	ear_buf_str(&sql, postgres ? " BIGSERIAL PRIMARY KEY NOT NULL"
				   : " BIGINT UNSIGNED AUTO_INCREMENT PRIMARY "
				     "KEY NOT NULL");
	for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++)
		column(conn, c, &sql);
	for (size_t i = 0; i < INDEXES && !postgres; i++)
		index_of(conn, i, &sql);
	ear_buf_str(&sql,
		postgres ? ")" : ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
	return run(conn, &sql, fault);
}

static enum ear_err make_index(struct ear_sql_conn *conn, const char *name,
	size_t i, struct ear_fault *fault)
{
	struct ear_slice stem = bare(name);
	struct ear_buf sql = {0};
	char index[2 * EAR_SQL_NAME];

	ear_buf_str(&sql, "CREATE INDEX ");
	if (stem.n <= INDEX_STEM) {
		int n = snprintf(index, sizeof(index), "%.*s_%s", EAR_FMT(stem),
			indexes[i].name);

		ear_sql_quote(conn, ear_slice(index, (size_t)n), &sql);
	}
	ear_buf_str(&sql, " ON ");
	ear_sql_quote(conn, ear_slice_str(name), &sql);
	ear_buf_str(&sql, " (");
	ear_sql_quote(
		conn, ear_slice_str(conn->plan->column[indexes[i].col]), &sql);
	ear_buf_byte(&sql, ')');
	return run(conn, &sql, fault);
}

static enum ear_err make_version(
	struct ear_sql_conn *conn, const char *name, struct ear_fault *fault)
{
	bool postgres = conn->dialect == EAR_SQL_POSTGRES;
	struct ear_buf sql = {0};

	ear_buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
	ear_sql_quote_beside(conn, name, "version", &sql);
	ear_buf_printf(&sql,
		" (id %s PRIMARY KEY NOT NULL, table_name VARCHAR(32) NOT "
		"NULL, table_version %s DEFAULT 0 NOT NULL, CONSTRAINT "
		"%s UNIQUE (table_name))",
		postgres ? "SERIAL" : "INT(10) UNSIGNED AUTO_INCREMENT",
		postgres ? "INTEGER" : "INT UNSIGNED",
		postgres ? "version_table_name_idx" : "table_name_idx");
	return run(conn, &sql, fault);
}

static enum ear_err version_row(
	struct ear_sql_conn *conn, const char *name, struct ear_fault *fault)
{
	struct ear_buf sql = {0};

	ear_buf_str(&sql, "INSERT INTO ");
	ear_sql_quote_beside(conn, name, "version", &sql);
	ear_buf_printf(&sql, " (table_name, table_version) VALUES ('%.*s', 4)",
		EAR_FMT(bare(name)));
	return run(conn, &sql, fault);
}

/* Its row in "version" is a help to others: that it has none harms nobody. */
static void tell_version(struct ear_sql_conn *conn, const char *name)
{
	struct ear_fault fault = {0};

	if (bare(name).n > 32)
		return;
	if (!make_version(conn, name, &fault) &&
		!ear_sql_commit(conn, &fault) &&
		!version_row(conn, name, &fault) &&
		!ear_sql_commit(conn, &fault))
		return;
	ear_sql_rollback(conn);
}

enum ear_err ear_sql_table_make(
	struct ear_sql_conn *conn, const char *name, struct ear_fault *fault)
{
	enum ear_err err;

	if (conn->dialect == EAR_SQL_OTHER)
		return ear_fail(fault, EAR_USAGE, 0,
			"there is no table %s, and only in PostgreSQL, MariaDB "
			"and MySQL can it be made here; this is %s",
			name, conn->server);
	err = make_table(conn, name, fault);
	for (size_t i = 0;
		i < INDEXES && !err && conn->dialect == EAR_SQL_POSTGRES; i++)
		err = make_index(conn, name, i, fault);
	if (!err)
		err = ear_sql_commit(conn, fault);
	if (err) {
		ear_sql_rollback(conn);
		return err;
	}
	tell_version(conn, name);
	ear_sql_tell(conn->plan, "sql.created",
		"sql %s: table %s was made in %s", conn->plan->name, name,
		conn->plan->url.shown);
	return EAR_OK;
}
