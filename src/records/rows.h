/* SPDX-License-Identifier: Apache-2.0 */
/** A query over a list, made ready: for list.c, facet.c, timeline.c. */
#ifndef EAR_RECORDS_ROWS_H
#define EAR_RECORDS_ROWS_H

#include "records/keys.h"

/* The values that a statement of ours may have. */
enum {
	ROWS_AS_OF = 1, /* accounts: of which time the state is */
	ROWS_FROM,      /* of at, both ends included */
	ROWS_TO,
	ROWS_KEEP, /* the filter */
	ROWS_SPAN,
	ROWS_AFTER_AT, /* the cursor */
	ROWS_AFTER_ID,
	ROWS_AFTER_VALUE,
	ROWS_LIMIT,
	ROWS_ASK,   /* of which index: struct ear_key_ask */
	ROWS_WANTS, /* what an index finds; EAR_WANTS_MAX of them */
};
#define EAR_WANTS_MAX 16

/** The filter, as SQLite calls it for each row. */
struct ear_keep {
	enum ear_list_of list;
	struct ear_expr *expr;           /* owned; NULL: keeps all */
	int arg_of[EAR_COLUMNS_MAX + 1]; /* first argument of a column */
	sqlite3_value **argv;
	uint64_t at, id; /* of the row it saw last */
	uint64_t seen;
	struct ear_buf text; /* all texts of a row */
	char room[EAR_ADDR_TEXT];
};

struct ear_rows {
	const struct ear_rows_query *query;
	enum ear_list_of list;
	struct ear_keep keep;
	struct ear_buf args;     /* what the filter wants of a row: SQL */
	uint64_t from_ns, to_ns; /* of at; from > to: nothing */
	uint64_t as_of_ns;       /* accounts: of which time their states are */
	bool open;               /* accounts: only those that hold */
	bool counted;     /* the filter asks for what tally.h counts by alone */
	const char *base; /* condition of the list itself; or "" */
	size_t want_column;     /* what an index finds; when wants > 0 */
	const char *want_index; /* of SQLite's; or NULL, and ask is asked */
	size_t wants;
	struct ear_expr_want want[EAR_WANTS_MAX];
	struct ear_key_ask ask; /* of: EAR_KEYS_NONE when there is nothing */
	struct ear_key_range ranges[EAR_WANTS_MAX];
	uint8_t rooms[EAR_WANTS_MAX][16]; /* of keys that are numbers */
	bool lost;  /* the want is that its connection is gone */
	bool range; /* one want, a network: from low to high */
	uint8_t low[16], high[16];
};

/**
 * Make it ready.
 *
 * @param newest_ns of any row, for accounts without a time
 * @return EAR_OK; EAR_USAGE: the filter is wrong
 */
EAR_MUST_USE enum ear_err ear_rows_init(struct ear_rows *rows,
	const struct ear_rows_query *query, uint64_t newest_ns,
	struct ear_fault *fault);
void ear_rows_fini(struct ear_rows *rows);

/** Append " WHERE …": the span when asked, the time, what an index finds,
 *  the filter. */
void ear_rows_where(
	const struct ear_rows *rows, bool span, struct ear_buf *sql);
/** Append " FROM …".
 *  @param index of SQLite's, to walk along; NULL: what finds what is wanted, or
 *               the key */
void ear_rows_from(
	const struct ear_rows *rows, const char *index, struct ear_buf *sql);
/** Whether the keys of calls are as many as their rows. Rows that are too old
 *  leave theirs behind for a while; these are before all others, unless older
 *  rows came since. */
bool ear_rows_may_count_keys(sqlite3 *db);
/** Ask for all keys of calls, each with how many have it: when these may be
 *  counted. */
void ear_rows_ask_calls(
	struct ear_rows *rows, sqlite3 *db, enum ear_key_of key);
/** Append " FROM …": what ROWS_ASK gives. */
void ear_rows_from_asked(struct ear_buf *sql);
/** Append " FROM …": the rows that ROWS_ASK gives. */
void ear_rows_from_keys(const struct ear_rows *rows, struct ear_buf *sql);
/** Whether it is an index of keys.h's that finds what is wanted. */
static inline bool ear_rows_by_keys(const struct ear_rows *rows)
{
	return rows->wants && !rows->want_index;
}
/** Confine a statement to a span, that of ear_rows_where() among others. */
void ear_rows_bind_span(
	const struct ear_rows *rows, sqlite3_stmt *st, uint64_t span);

/** Prepare what is in sql and bind all but span, cursor and limit. */
EAR_MUST_USE enum ear_err ear_rows_prepare(struct ear_rows *rows,
	struct ear_records *records, sqlite3 *db, struct ear_buf *sql,
	sqlite3_stmt **st, struct ear_fault *fault);

/**
 * The next span that has rows, from the newest on.
 *
 * @param span the one before; EAR_SPAN_NONE at first
 * @return EAR_SPAN_NONE at the end
 */
uint64_t ear_rows_span(const struct ear_rows *rows, sqlite3 *db,
	sqlite3_stmt **st, uint64_t span, bool ascending);

/** Also handed a statement that stands on a row: its columns from there on
 *  are those that were asked for besides. */
typedef void (*ear_beside_fn)(sqlite3_stmt *st, int column, void *arg);

/** ear_records_list(), with more columns of the table. */
EAR_MUST_USE enum ear_err ear_rows_list(struct ear_records *records,
	const struct ear_rows_query *query, const char *more,
	ear_beside_fn beside, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault);

/** The columns of a table in the order of stored.def. */
void ear_load_sql(const char *table, struct ear_buf *sql);
/** Read them into a row; texts live until the next step. */
void ear_load_session(sqlite3_stmt *st, int at, struct ear_session_row *row);
void ear_load_binding(sqlite3_stmt *st, int at, struct ear_binding_row *row);
void ear_load_call(sqlite3_stmt *st, int at, struct ear_call_row *row);

/** Register ear_keep(). */
EAR_MUST_USE int ear_keep_function(sqlite3 *db);

/** The deadline came: say so. @param to_ns looked back, or forth, to there */
void ear_rows_late(struct ear_rows_found *found, uint64_t to_ns);

#endif
