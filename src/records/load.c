/* SPDX-License-Identifier: Apache-2.0 */
/* Rows out of the tables, as they were told. */
#include "records/rows.h"

static void name_column(const struct ear_stored *c, void *arg)
{
	ear_buf_printf(arg, "%s%s%s", c->at > 1 ? "," : "", c->column, c->end);
}

void ear_load_sql(const char *table, struct ear_buf *sql)
{
	ear_each_stored(table, name_column, sql);
}

static struct ear_addr addr(sqlite3_stmt *st, int at)
{
	struct ear_slice ip = ear_sql_blob(st, at);
	uint16_t port = (uint16_t)sqlite3_column_int(st, at + 1);

	return ip.n == 4    ? ear_addr_v4(ip.p, port)
	       : ip.n == 16 ? ear_addr_v6(ip.p, port)
			    : (struct ear_addr){0};
}

#define LOAD_U(value) value = (__typeof__(value))sqlite3_column_int64(st, at++);
#define LOAD_X(value) at++;
#define LOAD_T(value) value = ear_sql_blob(st, at++);
#define LOAD_A(value)         \
	value = addr(st, at); \
	at += 2;
#define D(table, column, type, value) D_##table(type, value)

#define D_session(type, value) LOAD_##type(value)
#define D_binding(type, value)
#define D_connection(type, value)
#define D_call(type, value)
void ear_load_session(sqlite3_stmt *st, int at, struct ear_session_row *r)
{
	*r = (struct ear_session_row){0};
#include "records/stored.def"
}
#undef D_session
#undef D_binding
#define D_session(type, value)
#define D_binding(type, value) LOAD_##type(value)
void ear_load_binding(sqlite3_stmt *st, int at, struct ear_binding_row *r)
{
	*r = (struct ear_binding_row){0};
#include "records/stored.def"
}
#undef D_binding
#undef D_call
#define D_binding(type, value)
#define D_call(type, value) LOAD_##type(value)
void ear_load_call(sqlite3_stmt *st, int at, struct ear_call_row *r)
{
	*r = (struct ear_call_row){0};
#include "records/stored.def"
}
