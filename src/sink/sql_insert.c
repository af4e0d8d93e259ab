/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inserts rows by the fastest road that each driver has.
 *
 * PostgreSQL: one statement with an array for each column, unnested there: the
 * driver has no bulk protocol and sends an array of parameters row by row.
 * Others: arrays of parameters, which MariaDB's driver sends in one packet;
 * where a driver has none, row by row. docs/performance.md has the figures.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sink/sql_priv.h"

/* Of one statement: under MariaDB's smallest usual max_allowed_packet. */
#define STATEMENT_BYTES (8u << 20)
#define STATEMENT_ROWS 5000

typedef const struct ear_slice (*rows_t)[EAR_SQL_COLS];

static void begin_insert(const struct ear_sql_conn *conn,
	const struct ear_sql_table *table, struct ear_buf *sql)
{
	ear_buf_str(sql, "INSERT INTO ");
	ear_sql_quote(conn, ear_slice_str(table->name), sql);
	for (size_t c = 0; c < EAR_SQL_COLS; c++) {
		ear_buf_str(sql, c ? ", " : " (");
		ear_sql_quote(conn, ear_slice_str(conn->plan->column[c]), sql);
	}
	ear_buf_byte(sql, ')');
}

static enum ear_err prepare(struct ear_sql_conn *conn,
	struct ear_sql_table *table, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	enum ear_err err = EAR_OK;

	begin_insert(conn, table, &sql);
	if (conn->dialect == EAR_SQL_POSTGRES)
		ear_buf_str(&sql,
			" SELECT * FROM unnest(?::timestamp[], ?::int[], "
			"?::text[], ?::text[], ?::text[], ?::text[], "
			"?::text[], ?::text[], ?::text[], ?::text[], "
			"?::text[], ?::text[])");
	else
		ear_buf_str(
			&sql, " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	ear_buf_byte(&sql, '\0');
	if (sql.err)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else if (!SQL_SUCCEEDED(SQLAllocHandle(
			 SQL_HANDLE_STMT, conn->dbc, &table->insert)))
		err = ear_odbc_fail(conn, SQL_HANDLE_DBC, conn->dbc, fault,
			"cannot begin a statement");
	else if (!SQL_SUCCEEDED(
			 SQLPrepare(table->insert, (SQLCHAR *)sql.p, SQL_NTS)))
		err = ear_odbc_fail(conn, SQL_HANDLE_STMT, table->insert, fault,
			table->name);
	if (err && table->insert) {
		SQLFreeHandle(SQL_HANDLE_STMT, table->insert);
		table->insert = NULL;
	}
	ear_buf_fini(&sql);
	return err;
}

static enum ear_err bind_column(struct ear_sql_conn *conn,
	struct ear_sql_table *table, size_t c, size_t width,
	struct ear_fault *fault)
{
	struct ear_sql_bound *b = &conn->bound[c];
	bool is_long = width > 255;

	if (SQL_SUCCEEDED(SQLBindParameter(table->insert, (SQLUSMALLINT)(c + 1),
		    SQL_PARAM_INPUT, SQL_C_CHAR,
		    is_long ? SQL_LONGVARCHAR : SQL_VARCHAR, width, 0,
		    b->data.p, (SQLLEN)width, b->n)))
		return EAR_OK;
	return ear_odbc_fail(conn, SQL_HANDLE_STMT, table->insert, fault,
		"cannot bind parameters");
}

static bool length_room(struct ear_sql_bound *b, size_t n)
{
	SQLLEN *v;

	if (n <= b->room)
		return true;
	v = realloc(b->n, n * sizeof(*v));
	if (!v)
		return false;
	b->n = v;
	b->room = n;
	return true;
}

/* --- PostgreSQL -------------------------------------------------------- */

/* An element of an array in PostgreSQL's text form. */
static void element(struct ear_slice s, struct ear_buf *out)
{
	size_t from = 0;
	char *w = ear_buf_reserve(out, 2 * s.n + 2), *begin = w;

	if (!w)
		return;
	*w++ = '"';
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\')
			continue;
		memcpy(w, s.p + from, i - from);
		w += i - from;
		*w++ = '\\';
		from = i;
	}
	if (s.n)
		memcpy(w, s.p + from, s.n - from);
	w += s.n - from;
	*w++ = '"';
	out->n += (size_t)(w - begin);
}

static enum ear_err insert_unnest(struct ear_sql_conn *conn,
	struct ear_sql_table *table, rows_t v, size_t n,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (size_t c = 0; c < EAR_SQL_COLS && !err; c++) {
		struct ear_sql_bound *b = &conn->bound[c];

		ear_buf_reset(&b->data);
		for (size_t i = 0; i < n; i++) {
			ear_buf_byte(&b->data, i ? ',' : '{');
			element(v[i][c], &b->data);
		}
		ear_buf_byte(&b->data, '}');
		if (b->data.err || !length_room(b, 1))
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		b->n[0] = (SQLLEN)b->data.n;
		err = bind_column(conn, table, c, b->data.n, fault);
	}
	if (err || SQL_SUCCEEDED(SQLExecute(table->insert)))
		return err;
	return ear_odbc_fail(
		conn, SQL_HANDLE_STMT, table->insert, fault, table->name);
}

/* --- arrays of parameters ---------------------------------------------- */

/* One column: n values of the same room. @return that room, 0 no memory */
static size_t lay_out(struct ear_sql_bound *b, rows_t v, size_t c, size_t n)
{
	size_t width = 1;
	char *w;

	for (size_t i = 0; i < n; i++) {
		if (v[i][c].n > width)
			width = v[i][c].n;
	}
	ear_buf_reset(&b->data);
	w = ear_buf_reserve(&b->data, width * n);
	if (!w || !length_room(b, n))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (v[i][c].n)
			memcpy(w + i * width, v[i][c].p, v[i][c].n);
		b->n[i] = (SQLLEN)v[i][c].n;
	}
	return width;
}

static bool status_room(struct ear_sql_conn *conn, size_t n)
{
	SQLUSMALLINT *v;

	if (n <= conn->row_room)
		return true;
	v = realloc(conn->row_status, n * sizeof(*v));
	if (!v)
		return false;
	conn->row_status = v;
	conn->row_room = n;
	return true;
}

static bool set_rows(struct ear_sql_conn *conn, SQLHSTMT insert, size_t n)
{
	SQLRETURN done = SQLSetStmtAttr(
		insert, SQL_ATTR_PARAMSET_SIZE, (SQLPOINTER)n, SQL_IS_UINTEGER);

	/* 01S02: another number than the one that was asked for */
	return done == SQL_SUCCESS;
}

/* A driver may say that it went well although some row did not. */
static enum ear_err check_rows(struct ear_sql_conn *conn,
	struct ear_sql_table *table, size_t n, struct ear_fault *fault)
{
	for (size_t i = 0; i < n; i++) {
		if (conn->row_status[i] == SQL_PARAM_ERROR) {
			enum ear_err err = ear_odbc_fail(conn, SQL_HANDLE_STMT,
				table->insert, fault, table->name);

			return err == EAR_SYS ? EAR_BAD : err;
		}
	}
	return EAR_OK;
}

static enum ear_err insert_array(struct ear_sql_conn *conn,
	struct ear_sql_table *table, rows_t v, size_t n,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (!status_room(conn, n))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	for (size_t c = 0; c < EAR_SQL_COLS && !err; c++) {
		size_t width = lay_out(&conn->bound[c], v, c, n);

		if (!width)
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		err = bind_column(conn, table, c, width, fault);
	}
	if (err)
		return err;
	memset(conn->row_status, 0, n * sizeof(*conn->row_status));
	SQLSetStmtAttr(table->insert, SQL_ATTR_PARAM_STATUS_PTR,
		n > 1 ? conn->row_status : NULL, 0);
	if (!SQL_SUCCEEDED(SQLExecute(table->insert)))
		return ear_odbc_fail(conn, SQL_HANDLE_STMT, table->insert,
			fault, table->name);
	return n > 1 ? check_rows(conn, table, n, fault) : EAR_OK;
}

static enum ear_err insert_params(struct ear_sql_conn *conn,
	struct ear_sql_table *table, rows_t v, size_t n,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (conn->arrays && set_rows(conn, table->insert, n))
		return insert_array(conn, table, v, n, fault);
	conn->arrays = false;
	set_rows(conn, table->insert, 1);
	for (size_t i = 0; i < n && !err; i++)
		err = insert_array(conn, table, v + i, 1, fault);
	return err;
}

/* --- all --------------------------------------------------------------- */

/* How many rows go into one statement. A column has the room of its longest
   value in every row. */
static size_t fitting(rows_t v, size_t n)
{
	size_t widest[EAR_SQL_COLS] = {0}, take = 0;

	while (take < n && take < STATEMENT_ROWS) {
		size_t all = 0;

		for (size_t c = 0; c < EAR_SQL_COLS; c++) {
			if (v[take][c].n > widest[c])
				widest[c] = v[take][c].n;
			all += widest[c] + 8;
		}
		if (take && all * (take + 1) > STATEMENT_BYTES)
			break;
		take++;
	}
	return take;
}

enum ear_err ear_sql_insert(struct ear_sql_conn *conn,
	struct ear_sql_table *table, rows_t v, size_t n,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (!table->insert)
		err = prepare(conn, table, fault);
	while (n && !err) {
		size_t take = fitting(v, n);

		err = conn->dialect == EAR_SQL_POSTGRES
			      ? insert_unnest(conn, table, v, take, fault)
			      : insert_params(conn, table, v, take, fault);
		v += take;
		n -= take;
	}
	return err;
}
