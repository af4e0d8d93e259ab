/* SPDX-License-Identifier: Apache-2.0 */
/* A connection through unixODBC: open, say, ask, commit, and what went wrong.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sink/sql_priv.h"

#define CONNECT_SECONDS 10

/* Errors of MySQL and MariaDB that have no SQLSTATE of their own. */
static const SQLINTEGER mysql_rows[] = {
	1048, /* column cannot be null */
	1264, /* out of range */
	1292, /* wrong datetime */
	1300, /* invalid character string */
	1366, /* incorrect string value */
	1406, /* data too long */
	3854, /* cannot convert string between character sets */
};

static enum ear_err class_of(
	const struct ear_sql_conn *conn, const char *state, SQLINTEGER native)
{
	if (!strcmp(state, "42S02") || !strcmp(state, "42P01"))
		return EAR_GONE;
	if (!strncmp(state, "22", 2) || !strncmp(state, "23", 2) ||
		!strncmp(state, "44", 2) || !strncmp(state, "54", 2))
		return EAR_BAD;
	/* a trigger says no: RAISE in PostgreSQL, SIGNAL in MariaDB. One row
	 * that it never takes must not hold up all others for ever. */
	if (!strcmp(state, "P0001") || !strcmp(state, "45000"))
		return EAR_BAD;
	if (conn->dialect != EAR_SQL_MYSQL)
		return EAR_SYS;
	if (native == 1146)
		return EAR_GONE;
	for (size_t i = 0; i < sizeof(mysql_rows) / sizeof(mysql_rows[0]);
		i++) {
		if (native == mysql_rows[i])
			return EAR_BAD;
	}
	return EAR_SYS;
}

/* Drivers put their names before the words: "[MariaDB][ODBC 3.1(w)]…". */
static char *plain_words(char *text)
{
	char *end;

	while (*text == '[' && (end = strchr(text, ']')) != NULL)
		text = end + 1;
	if (!strncmp(text, "ERROR: ", 7))
		text += 7;
	end = text + strcspn(text, "\r\n");
	while (end > text && (end[-1] == ' ' || end[-1] == ';'))
		end--;
	*end = '\0';
	return text;
}

enum ear_err ear_odbc_fail(struct ear_sql_conn *conn, SQLSMALLINT type,
	SQLHANDLE handle, struct ear_fault *fault, const char *doing)
{
	SQLCHAR state[6] = "HY000", words[512] = "";
	SQLINTEGER native = 0;
	SQLSMALLINT n = 0;
	enum ear_err code;

	if (!SQL_SUCCEEDED(SQLGetDiagRec(
		    type, handle, 1, state, &native, words, sizeof(words), &n)))
		snprintf((char *)words, sizeof(words),
			"the driver does not say why");
	code = class_of(conn, (const char *)state, native);
	ear_sql_url_hide(&conn->plan->url, (char *)words);
	return ear_fail(fault, code, 0, "%s: %s (SQLSTATE %s)", doing,
		plain_words((char *)words), (const char *)state);
}

/* --- drivers ------------------------------------------------------------- */

/* The best of the installed drivers for a scheme, or none. */
static bool find_driver(
	SQLHENV env, const struct ear_sql_scheme *scheme, char driver[256])
{
	SQLUSMALLINT way = SQL_FETCH_FIRST;
	SQLCHAR name[256], more[1024];
	SQLSMALLINT n, m;
	int best = -1;

	while (SQL_SUCCEEDED(SQLDrivers(
		env, way, name, sizeof(name), &n, more, sizeof(more), &m))) {
		int rank = ear_sql_scheme_serves(scheme, (const char *)name);

		way = SQL_FETCH_NEXT;
		if (rank < 0 || (best >= 0 && rank >= best))
			continue;
		best = rank;
		memcpy(driver, name, sizeof(name));
	}
	return best >= 0;
}

static enum ear_err connect_to(
	struct ear_sql_conn *conn, struct ear_fault *fault)
{
	const struct ear_sql_url *url = &conn->plan->url;
	struct ear_buf text = {0};
	char driver[256] = "";
	enum ear_err err = EAR_OK;
	SQLRETURN done;

	if (url->scheme && url->scheme->driver[0] &&
		!find_driver(conn->env, url->scheme, driver))
		return ear_fail(fault, EAR_SYS, 0,
			"no ODBC driver for %s is installed; on Debian it is "
			"in the package %s",
			url->scheme->words, url->scheme->package);
	ear_sql_url_connect(url, driver, &text);
	if (text.err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	done = SQLDriverConnect(conn->dbc, NULL, (SQLCHAR *)text.p, SQL_NTS,
		NULL, 0, NULL, SQL_DRIVER_NOPROMPT);
	if (!SQL_SUCCEEDED(done)) {
		char doing[160];

		snprintf(doing, sizeof(doing), "cannot connect to %s",
			url->shown);
		(void)!ear_odbc_fail(
			conn, SQL_HANDLE_DBC, conn->dbc, fault, doing);
		err = fault->code = EAR_SYS;
	} else {
		conn->open = true;
	}
	memset(text.p, 0, text.n);
	ear_buf_fini(&text);
	return err;
}

static enum ear_err allocate(struct ear_sql_conn *conn, struct ear_fault *fault)
{
	if (!SQL_SUCCEEDED(SQLAllocHandle(
		    SQL_HANDLE_ENV, SQL_NULL_HANDLE, &conn->env)))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	SQLSetEnvAttr(conn->env, SQL_ATTR_ODBC_VERSION,
		(SQLPOINTER)SQL_OV_ODBC3,
		0); /* NOLINT(performance-no-int-to-ptr) */
	if (!SQL_SUCCEEDED(
		    SQLAllocHandle(SQL_HANDLE_DBC, conn->env, &conn->dbc)))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	SQLSetConnectAttr(conn->dbc, SQL_ATTR_LOGIN_TIMEOUT,
		(SQLPOINTER)CONNECT_SECONDS, 0);
	return EAR_OK;
}

static void ask_server(struct ear_sql_conn *conn)
{
	char name[40] = "", version[40] = "";
	unsigned v[3];

	SQLGetInfo(conn->dbc, SQL_DBMS_NAME, name, sizeof(name), NULL);
	SQLGetInfo(conn->dbc, SQL_DBMS_VER, version, sizeof(version), NULL);
	SQLGetInfo(conn->dbc, SQL_IDENTIFIER_QUOTE_CHAR, conn->quote,
		sizeof(conn->quote), NULL);
	SQLGetInfo(conn->dbc, SQL_IDENTIFIER_CASE, &conn->name_case,
		sizeof(conn->name_case), NULL);
	if (!strncmp(name, "PostgreSQL", 10))
		conn->dialect = EAR_SQL_POSTGRES;
	else if (!strncmp(name, "MariaDB", 7) || !strncmp(name, "MySQL", 5))
		conn->dialect = EAR_SQL_MYSQL;
	conn->arrays = true;
	if (sscanf(version, "%u.%u.%u", &v[0], &v[1], &v[2]) == 3)
		snprintf(version, sizeof(version), "%u.%u.%u", v[0], v[1],
			v[2]); /* ODBC has it as 10.11.000019 */
	snprintf(conn->server, sizeof(conn->server), "%s %s", name, version);
}

/* What its driver has to be told in the connection string, and a bound. */
static enum ear_err ask_mysql(
	struct ear_sql_conn *conn, struct ear_fault *fault)
{
	int64_t answer[2] = {0, 0};
	size_t rows = 0;
	enum ear_err err = ear_sql_numbers(conn,
		"SELECT @@character_set_client = 'utf8mb4', "
		"@@max_allowed_packet",
		2, answer, 1, &rows, fault);

	if (err || !rows)
		return err;
	if (!answer[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"the connection does not speak UTF-8; add "
			"CHARSET=utf8mb4 to the connection string");
	/* of it, what a row has besides the message */
	if (answer[1] > 64 << 10)
		conn->max_row = (size_t)answer[1] - (16u << 10);
	return EAR_OK;
}

/*
 * Strict, so that nothing is changed without a word; and never waiting for a
 * lock longer than a person would.
 */
static enum ear_err set_up(struct ear_sql_conn *conn, struct ear_fault *fault)
{
	static const char *const postgres[] = {"SET client_encoding TO 'UTF8'",
		"SET lock_timeout TO '10s'",
		"SET standard_conforming_strings TO on", NULL};
	static const char *const mysql[] = {
		"SET SESSION sql_mode = CONCAT(@@sql_mode, "
		"',STRICT_ALL_TABLES')",
		"SET SESSION innodb_lock_wait_timeout = 10", NULL};
	static const char *const other[] = {NULL};
	const char *const *say = other;
	enum ear_err err = EAR_OK;

	if (conn->dialect == EAR_SQL_POSTGRES)
		say = postgres;
	else if (conn->dialect == EAR_SQL_MYSQL)
		say = mysql;
	for (; *say && !err; say++)
		err = ear_odbc_exec(conn, *say, NULL, fault);
	if (!err && conn->dialect == EAR_SQL_MYSQL)
		err = ask_mysql(conn, fault);
	return err;
}

enum ear_err ear_sql_conn_open(struct ear_sql_conn *conn,
	const struct ear_sql_plan *plan, struct ear_fault *fault)
{
	enum ear_err err;

	*conn = (struct ear_sql_conn){.plan = plan};
	err = allocate(conn, fault);
	if (!err)
		err = connect_to(conn, fault);
	if (!err && !SQL_SUCCEEDED(SQLAllocHandle(
			    SQL_HANDLE_STMT, conn->dbc, &conn->stmt)))
		err = ear_odbc_fail(conn, SQL_HANDLE_DBC, conn->dbc, fault,
			"cannot begin a statement");
	if (!err) {
		ask_server(conn);
		err = set_up(conn, fault);
	}
	if (!err &&
		!SQL_SUCCEEDED(SQLSetConnectAttr(conn->dbc, SQL_ATTR_AUTOCOMMIT,
			(SQLPOINTER)SQL_AUTOCOMMIT_OFF, 0)))
		err = ear_odbc_fail(conn, SQL_HANDLE_DBC, conn->dbc, fault,
			"cannot begin transactions");
	if (err)
		ear_sql_conn_close(conn);
	return err;
}

void ear_sql_conn_close(struct ear_sql_conn *conn)
{
	for (size_t i = 0; i < conn->tables; i++) {
		if (conn->table[i].insert)
			SQLFreeHandle(SQL_HANDLE_STMT, conn->table[i].insert);
	}
	if (conn->stmt)
		SQLFreeHandle(SQL_HANDLE_STMT, conn->stmt);
	if (conn->open) {
		SQLEndTran(SQL_HANDLE_DBC, conn->dbc, SQL_ROLLBACK);
		SQLDisconnect(conn->dbc);
	}
	if (conn->dbc)
		SQLFreeHandle(SQL_HANDLE_DBC, conn->dbc);
	if (conn->env)
		SQLFreeHandle(SQL_HANDLE_ENV, conn->env);
	for (size_t i = 0; i < EAR_SQL_COLS; i++) {
		ear_buf_fini(&conn->bound[i].data);
		free(conn->bound[i].n);
	}
	free(conn->row_status);
	*conn = (struct ear_sql_conn){.plan = conn->plan};
}

/* --- statements -------------------------------------------------------- */

/* A few words of a statement, for faults. */
static const char *short_of(const char *sql, char out[60])
{
	snprintf(out, 60, "%.55s%s", sql, strlen(sql) > 55 ? "…" : "");
	return out;
}

enum ear_err ear_odbc_exec(struct ear_sql_conn *conn, const char *sql,
	int64_t *changed, struct ear_fault *fault)
{
	SQLRETURN done =
		SQLExecDirect(conn->stmt, (SQLCHAR *)(uintptr_t)sql, SQL_NTS);
	enum ear_err err = EAR_OK;
	SQLLEN n = 0;
	char words[60];

	if (done != SQL_NO_DATA && !SQL_SUCCEEDED(done))
		err = ear_odbc_fail(conn, SQL_HANDLE_STMT, conn->stmt, fault,
			short_of(sql, words));
	if (!err && changed) {
		SQLRowCount(conn->stmt, &n);
		*changed = n;
	}
	SQLFreeStmt(conn->stmt, SQL_CLOSE);
	return err;
}

enum ear_err ear_sql_numbers(struct ear_sql_conn *conn, const char *sql,
	size_t columns, int64_t *out, size_t max, size_t *rows,
	struct ear_fault *fault)
{
	SQLRETURN done =
		SQLExecDirect(conn->stmt, (SQLCHAR *)(uintptr_t)sql, SQL_NTS);
	enum ear_err err = EAR_OK;
	char words[60];

	*rows = 0;
	while (SQL_SUCCEEDED(done) && *rows < max) {
		done = SQLFetch(conn->stmt);
		for (size_t c = 0; c < columns && SQL_SUCCEEDED(done); c++) {
			SQLLEN n;
			SQLBIGINT v = 0;

			done = SQLGetData(conn->stmt, (SQLUSMALLINT)(c + 1),
				SQL_C_SBIGINT, &v, sizeof(v), &n);
			out[*rows * columns + c] = v;
		}
		if (SQL_SUCCEEDED(done))
			++*rows;
	}
	if (done != SQL_NO_DATA && !SQL_SUCCEEDED(done))
		err = ear_odbc_fail(conn, SQL_HANDLE_STMT, conn->stmt, fault,
			short_of(sql, words));
	SQLFreeStmt(conn->stmt, SQL_CLOSE);
	return err;
}

enum ear_err ear_sql_commit(struct ear_sql_conn *conn, struct ear_fault *fault)
{
	if (SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, conn->dbc, SQL_COMMIT)))
		return EAR_OK;
	return ear_odbc_fail(
		conn, SQL_HANDLE_DBC, conn->dbc, fault, "cannot commit");
}

void ear_sql_rollback(struct ear_sql_conn *conn)
{
	SQLEndTran(SQL_HANDLE_DBC, conn->dbc, SQL_ROLLBACK);
}

/* --- names ------------------------------------------------------------- */

static char folded(const struct ear_sql_conn *conn, char c)
{
	if (conn->name_case == SQL_IC_LOWER)
		return ear_lower(c);
	if (conn->name_case == SQL_IC_UPPER && c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c;
}

void ear_sql_quote(const struct ear_sql_conn *conn, struct ear_slice name,
	struct ear_buf *out)
{
	const char *q = conn->quote[0] == ' ' ? "" : conn->quote;

	ear_buf_str(out, q);
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '.')
			ear_buf_printf(out, "%s.%s", q, q);
		else
			ear_buf_byte(out, (uint8_t)folded(conn, name.p[i]));
	}
	ear_buf_str(out, q);
}

void ear_sql_quote_beside(const struct ear_sql_conn *conn, const char *other,
	const char *name, struct ear_buf *out)
{
	const char *dot = strchr(other, '.');

	if (dot) {
		ear_sql_quote(
			conn, ear_slice(other, (size_t)(dot - other)), out);
		ear_buf_byte(out, '.');
	}
	ear_sql_quote(conn, ear_slice_str(name), out);
}
