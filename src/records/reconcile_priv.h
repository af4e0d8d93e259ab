/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of reconciliation share: one step of the job, and what it
 *  asks the file. */
#ifndef EAR_RECORDS_RECONCILE_PRIV_H
#define EAR_RECORDS_RECONCILE_PRIV_H

#include "base/time.h"
#include "records/keys.h"

/** How a connection stands. Written to disk. */
enum bound {
	BOUND_WAITING = 0,
	BOUND_ONE = 1,
	BOUND_SEVERAL = 2,
	BOUND_NONE = 3,
};

/* A connection whose end was not seen, as its capture ended before, held so
 * long after its last sign of life at most: by then its port is another's. */
#define UNSEEN_NS (3600 * EAR_SECOND_NS)

/* Spans of one connection: two years and more. */
#define SPANS_MAX 8192

/*
 * All spans from one to another. As a list and not as a range, since behind a
 * range an index knows nothing more.
 */
#define SPANS(from, to)                                     \
	" IN (WITH RECURSIVE all_spans(n) AS (SELECT " from \
	" UNION ALL SELECT n+1 FROM all_spans WHERE n<" to  \
	") SELECT n FROM all_spans)"

/* Statements, kept from one run to the next: making one costs more than what
 * it does. Known by the address of their text. */
#define KEPT 24

struct ear_reconciler {
	sqlite3 *db;
	struct ear_keys *keys; /* borrowed */
	struct {
		const char *sql;
		sqlite3_stmt *st;
	} kept[KEPT];
};

/** One step of the job. */
struct job {
	struct ear_reconciler *of;
	sqlite3 *db;
	struct ear_fault *fault;
	enum ear_err err;
	uint64_t newest_ns;
	uint64_t now_ns; /* this computer's, with a day for other clocks */
};

/** What is to do. */
struct entry {
	uint64_t what, at, id;
};

/** The connection that an entry is about. */
struct conn {
	uint64_t at, id, closed, last;
	uint64_t seen; /* time of the row by which it was found */
	uint64_t bound;
	bool inferred;
};

/** Who registered over it. */
struct peers {
	struct ear_buf names, accounts; /* with commas between */
	size_t n;
};

/* --- statements: reconcile_ask.c --------------------------------------- */

/** @param sql a literal. @return to be given to reconcile_done() or _end();
 *  NULL: the job has failed */
sqlite3_stmt *reconcile_ask(struct job *j, const char *sql);
/** @return whether st stands on a row */
bool reconcile_next(struct job *j, sqlite3_stmt *st);
void reconcile_end(sqlite3_stmt *st);
/** Run to the end. */
void reconcile_done(struct job *j, sqlite3_stmt *st);
void reconcile_text(sqlite3_stmt *st, int at, struct ear_slice s);
/** Add to a number of meta. */
void reconcile_count(struct job *j, const char *what, int64_t by);

/* --- rows of a connection: reconcile_rows.c ---------------------------- */

/** Until then rows of it are looked for, whatever a message says the time is:
 *  each span costs some work. */
uint64_t reconcile_rows_until(const struct job *j, const struct conn *c);
/** Until then what has its addresses came over it. */
uint64_t reconcile_held_until(const struct job *j, const struct conn *c);
/** Who registered over it. */
void reconcile_find_peers(struct job *j, const struct conn *c, struct peers *p);
/** CONNECT and DISCONNECT get the accounts; REGISTERs what TLS is known. */
void reconcile_write_peers(
	struct job *j, const struct conn *c, const struct peers *p);
/** Why nobody is known of it. */
void reconcile_write_reason(
	struct job *j, const struct conn *c, const char *why);
/** One more, or less, that stands so. @param bound as the file has it */
void reconcile_count_bound(struct job *j, uint64_t bound, int64_t by);
void reconcile_write_bound(struct job *j, const struct conn *c,
	enum bound bound, const struct peers *p);

/* --- rows of one that was not known: reconcile_adopt.c ----------------- */

/** REGISTERs over this connection's addresses while it was up, and those over
 *  one that was only inferred: what was seen goes before. */
void reconcile_adopt(struct job *j, const struct conn *c);
/** One that was inferred from messages alone, though the same was seen by
 *  another tap: its own rows go. */
void reconcile_drop_inferred(struct job *j, const struct conn *c);

#endif
