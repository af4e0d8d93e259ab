/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a table is siptrace's, version 4: by the table "version" where there
 * is one, and by its columns always. Its widths come from the database, as
 * people widen columns.
 */
#include <stdio.h>

#include "base/time.h"
#include "sink/sql_priv.h"

/* How long a table that is not there is taken for granted. */
#define AGAIN_NS (60 * EAR_SECOND_NS)

static void begin_select(
	const struct ear_sql_conn *conn, const char *name, struct ear_buf *sql)
{
	ear_buf_str(sql, "SELECT * FROM ");
	ear_sql_quote(conn, ear_slice_str(name), sql);
	ear_buf_str(sql, " WHERE 1 = 0");
	ear_buf_byte(sql, '\0');
}

static bool is_text(SQLSMALLINT type)
{
	return type == SQL_CHAR || type == SQL_VARCHAR || type == SQL_WCHAR ||
	       type == SQL_WVARCHAR;
}

static bool is_long_text(SQLSMALLINT type)
{
	return type == SQL_LONGVARCHAR || type == SQL_WLONGVARCHAR;
}

/* One column of the table that was asked for. */
static void take_column(struct ear_sql_conn *conn, struct ear_sql_table *table,
	struct ear_slice name, SQLSMALLINT type, SQLULEN size, unsigned *have)
{
	for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++) {
		if (!ear_slice_ieq(name, ear_slice_str(conn->plan->column[c])))
			continue;
		*have |= 1u << c;
		table->characters[c] = table->bytes[c] = 0;
		if (c == EAR_SQL_TIME || c == EAR_SQL_US)
			continue;
		if (is_text(type) && size)
			table->characters[c] = size;
		/* PostgreSQL's text has no bound; its driver makes one up */
		if (is_long_text(type) && conn->dialect == EAR_SQL_MYSQL)
			table->bytes[c] = size;
	}
}

static enum ear_err wrong_shape(const struct ear_sql_table *table,
	const char *missing, bool opensips, struct ear_fault *fault)
{
	if (opensips)
		return ear_fail(fault, EAR_USAGE, 0,
			"table %s is of OpenSIPS (it has a column from_ip), "
			"which has other columns than Kamailio's version 4; "
			"name another table",
			table->name);
	return ear_fail(fault, EAR_USAGE, 0,
		"table %s has no column %s, so it is not siptrace's table of "
		"version 4; name another table, or its columns with the key "
		"columns",
		table->name, missing);
}

static enum ear_err check_columns(struct ear_sql_conn *conn,
	struct ear_sql_table *table, struct ear_fault *fault)
{
	unsigned have = 0;
	bool opensips = false;
	SQLSMALLINT n = 0;

	SQLNumResultCols(conn->stmt, &n);
	for (SQLSMALLINT i = 1; i <= n; i++) {
		SQLCHAR name[256] = "";
		SQLSMALLINT length = 0, type = 0, digits = 0, null = 0;
		SQLULEN size = 0;

		if (!SQL_SUCCEEDED(SQLDescribeCol(conn->stmt, (SQLUSMALLINT)i,
			    name, sizeof(name), &length, &type, &size, &digits,
			    &null)))
			return ear_odbc_fail(conn, SQL_HANDLE_STMT, conn->stmt,
				fault, "cannot read the columns");
		take_column(conn, table, ear_slice_str((const char *)name),
			type, size, &have);
		if (!strcmp((const char *)name, "from_ip"))
			opensips = true;
	}
	for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++) {
		if (!(have & 1u << c))
			return wrong_shape(
				table, conn->plan->column[c], opensips, fault);
	}
	return EAR_OK;
}

static enum ear_err ask_columns(struct ear_sql_conn *conn,
	struct ear_sql_table *table, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	enum ear_err err;

	begin_select(conn, table->name, &sql);
	if (sql.err)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else if (SQL_SUCCEEDED(
			 SQLExecDirect(conn->stmt, (SQLCHAR *)sql.p, SQL_NTS)))
		err = check_columns(conn, table, fault);
	else
		err = ear_odbc_fail(
			conn, SQL_HANDLE_STMT, conn->stmt, fault, table->name);
	SQLFreeStmt(conn->stmt, SQL_CLOSE);
	ear_sql_rollback(conn);
	ear_buf_fini(&sql);
	return err;
}

/*
 * Where the table "version" is absent, may not be read or has no row for this
 * table, the columns alone decide.
 */
static enum ear_err check_version(struct ear_sql_conn *conn,
	struct ear_sql_table *table, struct ear_fault *fault)
{
	const char *dot = strchr(table->name, '.');
	struct ear_fault ignored = {0};
	struct ear_buf sql = {0};
	int64_t version = 4;
	enum ear_err err;
	size_t rows = 0;

	ear_buf_str(&sql, "SELECT table_version FROM ");
	ear_sql_quote_beside(conn, table->name, "version", &sql);
	ear_buf_printf(
		&sql, " WHERE table_name = '%s'", dot ? dot + 1 : table->name);
	ear_buf_byte(&sql, '\0');
	err = sql.err ? EAR_NOMEM
		      : ear_sql_numbers(
				conn, sql.p, 1, &version, 1, &rows, &ignored);
	ear_sql_rollback(conn);
	ear_buf_fini(&sql);
	if (err || !rows || version == 4)
		return EAR_OK;
	return ear_fail(fault, EAR_USAGE, 0,
		"table %s is of version %lld in the table version, and only "
		"version 4, Kamailio's, is written here; name another table",
		table->name, (long long)version);
}

static enum ear_err look(struct ear_sql_conn *conn, struct ear_sql_table *table,
	struct ear_fault *fault)
{
	enum ear_err err = ask_columns(conn, table, fault);

	if (err == EAR_GONE && conn->plan->create) {
		err = ear_sql_table_make(conn, table->name, fault);
		/* another connection may have been before us */
		if (!err || ask_columns(conn, table, NULL) == EAR_OK)
			err = ask_columns(conn, table, fault);
	}
	if (!err)
		err = check_version(conn, table, fault);
	if (err == EAR_GONE)
		return ear_fail(fault, EAR_GONE, 0,
			"there is no table %s; make it, or set create = true",
			table->name);
	return err;
}

/* Room for one more; the first, the default, stays for good. */
static struct ear_sql_table *new_table(struct ear_sql_conn *conn)
{
	if (conn->tables < EAR_SQL_TABLES)
		return &conn->table[conn->tables++];
	for (size_t i = 1; i < EAR_SQL_TABLES; i++) {
		struct ear_sql_table *t = &conn->table[i];

		if (t->pinned)
			continue;
		if (t->insert)
			SQLFreeHandle(SQL_HANDLE_STMT, t->insert);
		*t = (struct ear_sql_table){0};
		return t;
	}
	return NULL;
}

enum ear_err ear_sql_table_find(struct ear_sql_conn *conn, const char *name,
	struct ear_sql_table **out, struct ear_fault *fault)
{
	uint64_t now_ns = ear_mono_ns();
	struct ear_sql_table *table = NULL;
	enum ear_err err;

	*out = NULL;
	for (size_t i = 0; i < conn->tables && !table; i++) {
		if (!strcmp(conn->table[i].name, name))
			table = &conn->table[i];
	}
	if (!table)
		table = new_table(conn);
	if (!table)
		return ear_fail(fault, EAR_GONE, 0, "too many tables");
	if (!table->usable && table->checked_ns &&
		now_ns - table->checked_ns < AGAIN_NS)
		return ear_fail(
			fault, EAR_GONE, 0, "table %s is not usable", name);
	if (!table->usable) {
		snprintf(table->name, sizeof(table->name), "%s", name);
		table->checked_ns = now_ns;
		err = look(conn, table, fault);
		if (err)
			return err;
		table->usable = true;
	}
	*out = table;
	return EAR_OK;
}
