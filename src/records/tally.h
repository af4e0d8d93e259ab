/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Rows counted in advance. Time is cut into slots of a quarter of an hour; of
 * each slot that is past, its rows are counted by the columns that take few
 * values. Charts add these counts up instead of reading the rows, and a list
 * whose filter asks only for such columns leaves out the slots where nothing
 * matches.
 *
 * A slot in which a row is written or removed loses its counts in the same
 * transaction, and is counted again later: so the counts are right at any
 * time, and what is not counted is read.
 */
#ifndef EAR_RECORDS_TALLY_H
#define EAR_RECORDS_TALLY_H

#include "base/time.h"
#include "records/rows.h"

#define EAR_SLOT_NS (900 * EAR_SECOND_NS)

/** Append the statements that make the tables. */
void ear_tally_tables(struct ear_buf *sql);

/** Where the rows of a list are counted; NULL: they are not. */
const char *ear_tally_table(enum ear_list_of list);
/** Whether they are counted by this column of the table. */
bool ear_tally_has(enum ear_list_of list, const char *column);

/* --- the writer's thread ----------------------------------------------- */

/** Inside the transaction that writes b: its slots have no counts. */
EAR_MUST_USE enum ear_err ear_tally_spoil(
	sqlite3 *db, const struct ear_told_batch *b, struct ear_fault *fault);
/** Inside the transaction that removes this row. */
EAR_MUST_USE enum ear_err ear_tally_spoil_row(sqlite3 *db,
	enum ear_list_of list, uint64_t at_ns, struct ear_fault *fault);
/** Inside the transaction that removes rows before then. */
EAR_MUST_USE enum ear_err ear_tally_spoil_before(
	sqlite3 *db, uint64_t before_ns, struct ear_fault *fault);

/**
 * Count some slots that have no counts, in a transaction of its own.
 *
 * @param walk where it is; zeroed at the start
 * @param[out] left there may be more to do
 */
EAR_MUST_USE enum ear_err ear_tally_step(sqlite3 *db,
	struct ear_tally_walk *walk, bool *left, struct ear_fault *fault);

/* --- readers ----------------------------------------------------------- */

/** Append " FROM … WHERE …" over the counts of whole slots between ROWS_FROM
 *  and ROWS_TO, which count slots here; "n" is how many rows. */
void ear_tally_from(const struct ear_rows *rows, struct ear_buf *sql);

/** The slots that lie whole within from … to. @return false: none */
bool ear_tally_slots(
	uint64_t from_ns, uint64_t to_ns, uint64_t *first, uint64_t *last);

/** Times that are to be read row by row. */
struct ear_gaps {
	sqlite3_stmt *st; /* the slots that may be left out; or NULL */
	struct ear_keep *keep;
	bool ascending, over;
	uint64_t low, high;      /* what is left of the whole */
	uint64_t from_ns, to_ns; /* this gap, both ends included */
	int rc;                  /* SQLite's last word */
};

/**
 * Begin with the rows' whole time.
 *
 * @param use     false: nothing is left out
 * @param counted leave out what ear_tally_from() counts; else leave out slots
 *                where the filter finds nothing
 */
EAR_MUST_USE enum ear_err ear_gaps_init(struct ear_gaps *gaps,
	struct ear_rows *rows, struct ear_records *records, sqlite3 *db,
	bool use, bool counted, bool ascending, struct ear_fault *fault);
/** @return false at the end; rc is SQLITE_DONE, or what came between */
bool ear_gaps_next(struct ear_gaps *gaps);
void ear_gaps_fini(struct ear_gaps *gaps);

#endif
