/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The lists that the console shows, whoever keeps them: those of
 * records/records.h, and access events and audit trail of users.db.
 */
#ifndef EAR_CONSOLE_ROWS_H
#define EAR_CONSOLE_ROWS_H

#include "console/call.h"
#include "message/expr_set.h"
#include "records/records.h"

enum ear_rows_of {
	EAR_ROWS_SESSIONS = EAR_LIST_SESSIONS,
	EAR_ROWS_ACCOUNTS = EAR_LIST_ACCOUNTS,
	EAR_ROWS_CALLS = EAR_LIST_CALLS,
	EAR_ROWS_CONNECTIONS = EAR_LIST_CONNECTIONS,
	EAR_ROWS_WEB_SESSIONS = EAR_LISTS,
	EAR_ROWS_AUDIT,
};

/** Whether it is one of users.db. */
static inline bool ear_shown_of_people(enum ear_rows_of of)
{
	return of >= EAR_ROWS_WEB_SESSIONS;
}

const char *ear_shown_name(enum ear_rows_of of);
const struct ear_column *ear_shown_columns(enum ear_rows_of of, size_t *n);
/** Which of the columns is called so. @return n when there is none */
size_t ear_shown_column(enum ear_rows_of of, const char *name);

/** As ear_records_list(); query->list is filled in. Any thread. */
EAR_MUST_USE enum ear_err ear_shown_list(struct ear_call *call,
	enum ear_rows_of of, struct ear_rows_query *query, ear_row_fn fn,
	void *arg, struct ear_rows_found *found, struct ear_fault *fault);

/** As ear_records_facet(). */
EAR_MUST_USE enum ear_err ear_shown_facet(struct ear_call *call,
	enum ear_rows_of of, struct ear_rows_query *query, const char *column,
	size_t most, ear_facet_fn fn, void *arg, struct ear_rows_found *found,
	struct ear_fault *fault);
/** As ear_records_timeline(). */
EAR_MUST_USE enum ear_err ear_shown_timeline(struct ear_call *call,
	enum ear_rows_of of, struct ear_rows_query *query, const char *column,
	struct ear_timeline *timeline, struct ear_rows_found *found,
	struct ear_fault *fault);
/** What a filter of this list may ask for. */
const struct ear_field_set *ear_shown_set(enum ear_rows_of of);

/** The members of a row's object, and a line of CSV, as those of records. */
void ear_shown_json(
	struct ear_json *j, enum ear_rows_of of, const struct ear_cell *cells);
void ear_shown_csv(
	enum ear_rows_of of, const struct ear_cell *cells, struct ear_buf *out);

/* --- people_rows.c: of users.db ----------------------------------------- */

const struct ear_column *ear_people_columns(enum ear_rows_of of, size_t *n);

/**
 * List access events or the audit trail: in order of time, by from_ns, to_ns
 * and an expression over their columns.
 *
 * @param dir data directory
 */
EAR_MUST_USE enum ear_err ear_people_list(const char *dir, enum ear_rows_of of,
	const struct ear_rows_query *query, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault);
/** As ear_records_facet() and ear_records_timeline(). */
EAR_MUST_USE enum ear_err ear_people_facet(const char *dir, enum ear_rows_of of,
	const struct ear_rows_query *query, const char *column, size_t most,
	ear_facet_fn fn, void *arg, struct ear_rows_found *found,
	struct ear_fault *fault);
EAR_MUST_USE enum ear_err ear_people_timeline(const char *dir,
	enum ear_rows_of of, const struct ear_rows_query *query,
	const char *column, struct ear_timeline *timeline,
	struct ear_rows_found *found, struct ear_fault *fault);
const struct ear_field_set *ear_people_set(enum ear_rows_of of);
void ear_people_json(
	struct ear_json *j, enum ear_rows_of of, const struct ear_cell *cells);
void ear_people_csv(
	enum ear_rows_of of, const struct ear_cell *cells, struct ear_buf *out);

#endif
