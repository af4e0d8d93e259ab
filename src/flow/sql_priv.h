/* SPDX-License-Identifier: Apache-2.0 */
/** Between sql.c, sql_table.c and sql_column.c. */
#ifndef EAR_FLOW_SQL_PRIV_H
#define EAR_FLOW_SQL_PRIV_H

#include <sqlite3.h>

#include "flow/sql.h"
#include "message/field.h"
#include "track/gather.h"

struct ear_sql {
	sqlite3 *db;
	struct ear_sql_options options;
	struct ear_found found; /* of the query that runs, summed up */
	uint64_t deadline_ns;   /* monotonic; 0: none */
	bool timed_out;
};

/** Where a column's value comes from, and how it is compared. */
enum ear_sql_source {
	EAR_SQL_FIELD,   /* a field, as in JSON */
	EAR_SQL_RAW,     /* the bytes */
	EAR_SQL_NUMBER,  /* a number for each message, for siptrace's id */
	EAR_SQL_SECOND,  /* at: "2026-11-22 10:38:00" */
	EAR_SQL_MICRO,   /* at: microseconds of the second */
	EAR_SQL_ONE_OF,  /* the traced user of this row; '' in the first */
	EAR_SQL_NTH,     /* which row of the message: 0 the first */
	EAR_SQL_AT_US,   /* at: microseconds since 1970 */
	EAR_SQL_HASH,    /* of the bytes */
	EAR_SQL_SIPADDR, /* "udp:192.0.2.1:5060" */
	EAR_SQL_DIGITS,  /* status as text; '' of a request */
	EAR_SQL_QUERY,   /* hidden: the expression that is asked */
};

struct ear_sql_column {
	const char *name;
	enum ear_sql_source source;
	enum ear_field field;
	bool hidden; /* not in SELECT *; for our views */
};

/** What a cursor knows of its row besides the message. */
struct ear_sql_place {
	struct ear_slice asked; /* value of the hidden column */
	unsigned nth;           /* row of the message */
	struct ear_slice user;  /* traced user of this row */
};

#define EAR_SQL_COLUMNS 64

/** A table of messages under some names. */
struct ear_sql_schema {
	const char *name;
	const char *base; /* expression that every row fulfils; or "" */
	bool per_user;    /* a row more for each traced user */
	size_t n;
	struct ear_sql_column column[EAR_SQL_COLUMNS];
};

/** The tables; built once per connection into caller's memory. */
void ear_sql_schema_messages(struct ear_sql_schema *s);
void ear_sql_schema_trace(struct ear_sql_schema *s);

/** The statement that declares a schema to SQLite. */
void ear_sql_declare(const struct ear_sql_schema *s, struct ear_buf *out);

/** Hand one value to SQLite. */
void ear_sql_result(sqlite3_context *context, const struct ear_sql_column *c,
	const struct ear_gathered *g, const struct ear_sql_place *place,
	struct ear_buf *scratch);

/** Register the tables. @return SQLite's code */
int ear_sql_tables(struct ear_sql *sql);

#endif
