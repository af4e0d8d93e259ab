/* SPDX-License-Identifier: Apache-2.0 */
/* Values of rows, as the columns come in stored.def. */
#include "records/priv.h"

int ear_put_u64(sqlite3_stmt *st, int at, uint64_t v)
{
	/* what is no number of SQLite's came from a broken message */
	sqlite3_bind_int64(st, at,
		v > INT64_MAX && (int64_t)v < -INT32_MAX ? INT64_MAX
							 : (sqlite3_int64)v);
	return at + 1;
}

int ear_put_text(sqlite3_stmt *st, int at, struct ear_slice s)
{
	sqlite3_bind_text64(
		st, at, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
	return at + 1;
}

static int bind_a(sqlite3_stmt *st, int at, const struct ear_addr *a)
{
	size_t n = a->family == 4 ? 4 : a->family == 6 ? 16 : 0;

	sqlite3_bind_blob(
		st, at, n ? (const void *)a->ip : "", (int)n, SQLITE_STATIC);
	sqlite3_bind_int(st, at + 1, a->port);
	return at + 2;
}

#define BIND_U(value) at = ear_put_u64(st, at, (uint64_t)(value));
#define BIND_X(value) BIND_U(value)
#define BIND_T(value) at = ear_put_text(st, at, (value));
#define BIND_A(value) at = bind_a(st, at, &(value));
#define D(table, column, type, value) D_##table(type, value)

#define D_session(type, value) BIND_##type(value)
#define D_binding(type, value)
#define D_connection(type, value)
#define D_call(type, value)
static int bind_session(
	sqlite3_stmt *st, int at, const struct ear_session_row *r)
{
#include "records/stored.def"
	return at;
}
#undef D_session
#undef D_binding
#define D_session(type, value)
#define D_binding(type, value) BIND_##type(value)
static int bind_binding(sqlite3_stmt *st, int at,
	const struct ear_binding_row *r, const struct ear_put_beside *x)
{
#include "records/stored.def"
	return at;
}
#undef D_binding
#undef D_connection
#define D_binding(type, value)
#define D_connection(type, value) BIND_##type(value)
static int bind_connection(
	sqlite3_stmt *st, int at, const struct ear_conn_row *r)
{
#include "records/stored.def"
	return at;
}
#undef D_connection
#undef D_call
#define D_connection(type, value)
#define D_call(type, value) BIND_##type(value)
static int bind_call(sqlite3_stmt *st, int at, const struct ear_call_row *r)
{
#include "records/stored.def"
	return at;
}
#undef D

int ear_put_values(sqlite3_stmt *st, int at, const struct ear_told_row *t,
	const struct ear_put_beside *beside)
{
	switch ((enum ear_told)t->what) {
	case EAR_TOLD_SESSION: return bind_session(st, at, t->row);
	case EAR_TOLD_BINDING: return bind_binding(st, at, t->row, beside);
	case EAR_TOLD_CALL: return bind_call(st, at, t->row);
	case EAR_TOLD_CONNECTION: return bind_connection(st, at, t->row);
	case EAR_TOLD_STATE: break;
	}
	return at;
}
