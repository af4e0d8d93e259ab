/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Read-only SQL over a store: SQLite's language, our messages as virtual
 * tables. Nothing is copied into a database; what a query asks of a column is
 * handed to the store's search where the store can answer it.
 *
 *   messages       one row a message; columns as the keys of
 *                  `search --json`, and raw. Hidden: q, an expression of the
 *                  search language: WHERE q = 'from.user ~ "^49"'
 *   conversations  one row a Call-ID: call_id first last messages method
 *                  from_uri from_user to_uri to_user src dst status malformed
 *   sip_trace      the table of Kamailio's siptrace module, version 4; times
 *                  in UTC; one row a message, traced_user '', and one more for
 *                  each traced user
 *   sip_trace_once the same with one row a message, traced users with commas
 *                  between; what was recorded twice within 200 ms (Call-ID,
 *                  CSeq, direction, addresses and bytes) is there once
 *
 *   sessions, accounts, calls, connections, V_SIP_SESSION, V_CDR,
 *   V_AUTH_EVENT, V_AUDIT_EVENT: the records of docs/records.md, where there
 *                  are any
 *
 * `at`, `seen` and `time_stamp` compared with a constant take every way of
 * writing a time that searches take, as at >= '-2h'.
 *
 *     struct ear_sql *sql;
 *     ear_sql_open(&options, &sql, &fault);
 *     ear_sql_query(sql, EAR_S("SELECT count(*) FROM messages"), row, arg,
 *             &found, &fault);
 *     ear_sql_close(&sql);
 */
#ifndef EAR_FLOW_SQL_H
#define EAR_FLOW_SQL_H

#include "store/store.h"

struct ear_sql_options {
	struct ear_store *store; /**< borrowed */
	uint64_t from_ns;  /**< only messages captured in [from_ns, to_ns] */
	uint64_t to_ns;    /**< UINT64_MAX: open */
	uint64_t limit_ms; /**< most time of one query; 0: no limit */
	uint64_t max_rows; /**< most rows of one answer; 0: no limit */
	const volatile bool *stop; /**< becomes true: stop; may be NULL */
	const char *dir; /**< data directory, whose records and web events are
			      tables too; NULL: none */
};

enum ear_sql_type { EAR_SQL_NULL, EAR_SQL_INT, EAR_SQL_REAL, EAR_SQL_TEXT };

struct ear_sql_cell {
	enum ear_sql_type type;
	int64_t i;
	double real;
	struct ear_slice text; /**< also of blobs; until the next row */
};

struct ear_sql_row {
	size_t columns;
	const char *const *names;
	const struct ear_sql_cell *cells;
};

/**
 * Handed each row; and before the first, names alone, with cells NULL.
 *
 * @return false to stop
 */
typedef bool (*ear_sql_row_fn)(const struct ear_sql_row *row, void *arg);

struct ear_sql;

/**
 * A connection with the tables; a thread at a time.
 *
 * @return EAR_OK; EAR_SYS: SQLite does not start, or records.db cannot be
 *         attached; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_sql_open(const struct ear_sql_options *options,
	struct ear_sql **sql, struct ear_fault *fault);
void ear_sql_close(struct ear_sql **sql);

/**
 * Run one query.
 *
 * @param[out] found matched: rows handed out; scanned: messages looked at;
 *                   complete and why, over all searches the query made
 * @return EAR_OK; EAR_USAGE when the query is wrong or would write, fault's
 *         offset is the byte; EAR_LIMIT when it took too long; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_sql_query(struct ear_sql *sql,
	struct ear_slice query, ear_sql_row_fn fn, void *arg,
	struct ear_found *found, struct ear_fault *fault);

#endif
