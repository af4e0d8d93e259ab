/* SPDX-License-Identifier: Apache-2.0 */
/** One list as it is asked, page by page: what list*.c share. */
#ifndef EAR_RECORDS_LIST_PRIV_H
#define EAR_RECORDS_LIST_PRIV_H

#include "records/pile.h"
#include "records/rows.h"

struct listing {
	struct ear_records *records;
	struct ear_reader_db *reader;
	struct ear_rows rows;
	const struct ear_rows_query *query;
	const char *more; /* further columns; or NULL */
	ear_beside_fn beside;
	ear_row_fn fn;
	void *arg;
	struct ear_rows_found *found;
	struct ear_fault *fault;
	struct ear_cells cells;
	int columns; /* of a statement that fills cells */
	struct ear_buf sql;
	struct ear_cursor after;
	uint32_t check;
	uint64_t limit;
	bool by_time;
	const char *sort_sql, *sort_end; /* column_end */
	const char *sort_index;
	enum ear_key_of sort_key;
	struct ear_key_ask ask; /* of that */
	struct ear_key_range ranges[EAR_WANTS_MAX];
	uint8_t rooms[EAR_WANTS_MAX * 2][8];
	uint64_t at, id; /* of the last row handed out */
	bool stopped;    /* fn has enough */
};

/* --- statements and what they give: list_time.c ------------------------ */

/** What a failed statement means. */
enum ear_err ear_list_failed(struct listing *l);
/** Begin a statement that fills cells, into l->sql. */
void ear_list_cells_sql(struct listing *l);
/** The condition that a page goes on behind the last. */
void ear_list_after_sql(struct listing *l);
void ear_list_order_sql(struct listing *l);
/** Bind what ear_list_after_sql() asks. */
void ear_list_bind_after(struct listing *l, sqlite3_stmt *st);
/** A value that is sorted by; its text lives until the next step. */
struct ear_sort_value ear_list_value_at(sqlite3_stmt *st, int column);
/** Hand out the row that st stands on. @return false: there is no more to do */
bool ear_list_hand_out(struct listing *l, sqlite3_stmt *st);

/** One statement, in the order of its rows.
 *  @param index of SQLite's, to walk along; or NULL */
EAR_MUST_USE enum ear_err ear_list_walk(struct listing *l, const char *index);
/** By time, without the slots where nothing matches. */
EAR_MUST_USE enum ear_err ear_list_gaps(struct listing *l);
/** By time, what an index of SQLite's finds: span after span. */
EAR_MUST_USE enum ear_err ear_list_spans(struct listing *l);

/* --- by another column: list_value.c ----------------------------------- */

EAR_MUST_USE enum ear_err ear_list_by_value(struct listing *l);
/** Look up the rows of a pile and hand them out. */
EAR_MUST_USE enum ear_err ear_list_hand_out_pile(
	struct listing *l, const struct ear_pile *pile);
/** The value of the row that the next page begins behind.
 *  @param text where it is kept */
EAR_MUST_USE enum ear_err ear_list_look_up(struct listing *l, uint64_t at,
	uint64_t id, struct ear_buf *text, struct ear_sort_value *value);

/* --- by another column, along its keys: list_keys.c -------------------- */

/** Fill the pile along l->sort_key; what the time does not suffice for is told
 *  in l->found. */
EAR_MUST_USE enum ear_err ear_list_fill_along(
	struct listing *l, struct ear_pile *pile);

#endif
