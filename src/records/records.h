/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Keeps what the trackers found (track/record.h) in one SQLite file,
 * DIR/records.db, and lists it: by filter, order and cursor, at millions of
 * rows. The file is in WAL mode: a server and an import may write at once,
 * anybody may read.
 *
 * Writing: one thread puts rows, which are copied into a batch; when a batch
 * is closed a thread of ours writes it in one transaction, together with the
 * marks set before it. A row of the same (at, id) replaces the one before, so
 * the same traffic twice gives the same rows.
 */
#ifndef EAR_RECORDS_RECORDS_H
#define EAR_RECORDS_RECORDS_H

#include "base/buf.h"
#include "base/json.h"
#include "track/record.h"

struct ear_records;
struct ear_field_set;

/** A position in some input, as struct ear_store_mark. */
struct ear_records_mark {
	char name[32];
	uint64_t v[3];
};

struct ear_records_options {
	const char *dir; /**< data directory */
	bool write;
	/** Whose states these are: "server" or "import"; a second writer of
	    one owner gets no states and keeps none. */
	const char *owner;
	uint64_t max_age_ns; /**< rows older than that go; 0 no limit */
	uint64_t max_bytes;  /**< of the file; the oldest rows go; 0 no limit */
	uint64_t min_free;   /**< bytes of the disk to leave free */
	void (*notice)(const char *event, struct ear_slice text, void *arg);
	void *notice_arg;
};

/**
 * @return EAR_OK; EAR_GONE: looks only, and there are no records yet;
 *         EAR_BAD: damaged (when writing, the file is set aside, a new one is
 *         begun, and a notice says so); EAR_SYS; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_records_open(
	const struct ear_records_options *options, struct ear_records **records,
	struct ear_fault *fault);
/** Commits what was put. */
void ear_records_close(struct ear_records **records);

/** Other limits from now on. Any thread. */
void ear_records_limits(struct ear_records *records, uint64_t max_age_ns,
	uint64_t max_bytes, uint64_t min_free);

/* --- writing: one thread ----------------------------------------------- */

/** Where trackers put their rows and states; arg is set too. */
void ear_records_out(struct ear_records *records, struct ear_track_out *out);

/** Rows and states put so far and this mark are committed together. */
void ear_records_mark(
	struct ear_records *records, const struct ear_records_mark *mark);

/** How many rows wait in the batch: close it now and then, or when large. */
size_t ear_records_waiting(const struct ear_records *records);

/** Whether a batch could be closed now without waiting. */
bool ear_records_ready(struct ear_records *records);

/**
 * Close the batch: it is written soon. Waits while another is on its way: that
 * is the bound. On a full disk the batch is tried again; stop gives
 * that up.
 */
void ear_records_commit(struct ear_records *records, const volatile bool *stop);

/** Commit, and wait until all is written. @return EAR_OK; EAR_FULL; EAR_SYS */
EAR_MUST_USE enum ear_err ear_records_flush(
	struct ear_records *records, struct ear_fault *fault);

/** The last committed mark of a name. @return EAR_OK; EAR_GONE: none */
EAR_MUST_USE enum ear_err ear_records_marked(struct ear_records *records,
	const char *name, struct ear_records_mark *mark);

/** Each kept state of our owner, for ear_track_restore(). */
EAR_MUST_USE enum ear_err ear_records_states(struct ear_records *records,
	void (*fn)(
		uint8_t part, uint64_t key, struct ear_slice state, void *arg),
	void *arg, struct ear_fault *fault);

/* --- reading: any thread ----------------------------------------------- */

enum ear_list_of {
	EAR_LIST_SESSIONS,
	EAR_LIST_ACCOUNTS, /**< bindings */
	EAR_LIST_CALLS,
	EAR_LIST_CONNECTIONS,
	EAR_LISTS
};

/** "sessions", "accounts", "calls", "connections". */
const char *ear_list_name(enum ear_list_of list);

/** The columns, from one table: records/column.def. */
struct ear_column {
	const char *name;  /**< in JSON, CSV, expressions, SQL */
	const char *title; /**< for people, as "Call Date" */
	const char *help;
	uint8_t type;             /**< enum ear_column_type */
	bool sorts;               /**< may be sorted by at any size */
	const char *const *words; /**< ENUM: its values, NULL at the end */
};
enum ear_column_type {
	EAR_COLUMN_TEXT,
	EAR_COLUMN_INT,
	EAR_COLUMN_TIME, /**< ns since 1970; 0 is none */
	EAR_COLUMN_BOOL,
	EAR_COLUMN_ENUM,
	EAR_COLUMN_ADDR,
};
const struct ear_column *ear_columns(enum ear_list_of list, size_t *n);
/** The same as what a filter may ask for. */
const struct ear_field_set *ear_column_set(enum ear_list_of list);

struct ear_rows_query {
	enum ear_list_of list;
	struct ear_slice filter; /**< expression over the list's columns, as
				      `disposition == FAILED and src ~ "^49"` */
	uint64_t from_ns, to_ns; /**< of at; accounts: that held in the span */
	uint64_t at_ns;     /**< accounts: as of then; 0: every binding ever */
	uint64_t now_ns;    /**< accounts, without at_ns: of when their states
				 are; 0: of the newest row */
	bool failures;      /**< sessions: also registrations that failed */
	const char *sort;   /**< column; NULL: at */
	bool ascending;     /**< default: newest or largest first */
	uint64_t limit;     /**< most rows; 0: all */
	const char *cursor; /**< go on where ear_rows_found said; or NULL */
	uint64_t deadline_ns; /**< monotonic; 0 never */
	const volatile bool *stop;
};

struct ear_rows_found {
	uint64_t rows;
	bool more;
	char cursor[160];
	bool complete; /**< false: the deadline came first */
	char why[160];
};

/** A row, for whoever wants it as text, JSON or CSV: values in the order of
 *  ear_columns(). Lives until fn returns. */
struct ear_cell {
	bool there;
	int64_t i;             /**< INT, TIME, BOOL, ENUM: index of words */
	struct ear_slice text; /**< TEXT, ADDR; ENUM: its word */
};

/** @return false to stop */
typedef bool (*ear_row_fn)(const struct ear_cell *cells, void *arg);

/** @return EAR_OK; EAR_USAGE: fault's offset is the byte in the filter */
EAR_MUST_USE enum ear_err ear_records_list(struct ear_records *records,
	const struct ear_rows_query *query, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault);

/**
 * One row by its id, "hex(at)-hex(id)", as the column "id" of sessions, calls
 * and connections has it; a binding's is made of its at and id alike.
 *
 * @return EAR_OK; EAR_USAGE: no id; EAR_GONE: no such row
 */
EAR_MUST_USE enum ear_err ear_records_row(struct ear_records *records,
	enum ear_list_of list, struct ear_slice id, ear_row_fn fn, void *arg,
	struct ear_fault *fault);

/** The members of a row's JSON object, into one that the caller opened. */
void ear_row_json(struct ear_json *j, enum ear_list_of list,
	const struct ear_cell *cells);
/** A CSV line (RFC 4180), or the line of names where cells is NULL; what a
 *  spreadsheet would take for a formula is made text. */
void ear_row_csv(enum ear_list_of list, const struct ear_cell *cells,
	struct ear_buf *out);

/** How often each value of a column occurs among what query matches: the
 *  most frequent first, at most `most` of them. */
typedef bool (*ear_facet_fn)(struct ear_slice value, uint64_t count, void *arg);
EAR_MUST_USE enum ear_err ear_records_facet(struct ear_records *records,
	const struct ear_rows_query *query, const char *column, size_t most,
	ear_facet_fn fn, void *arg, struct ear_rows_found *found,
	struct ear_fault *fault);

/** Rows over time: for each bucket and each value of an ENUM column (or one
 *  series when column is NULL) how many. n[bucket * series + value]. Behind
 *  the values, where words has its NULL, are the rows that have none. */
struct ear_timeline {
	uint64_t from_ns, step_ns;
	size_t buckets, series;
	const char *const *words; /**< names of the series; NULL: one */
	uint64_t *n; /**< owned by the caller, zeroed, buckets * series_max */
};
EAR_MUST_USE enum ear_err ear_records_timeline(struct ear_records *records,
	const struct ear_rows_query *query, const char *column,
	struct ear_timeline *timeline, struct ear_rows_found *found,
	struct ear_fault *fault);

/** The whole story of an account as a JSON object: see docs/api.md. */
EAR_MUST_USE enum ear_err ear_records_story(struct ear_records *records,
	uint64_t account, uint64_t from_ns, uint64_t to_ns, struct ear_json *j,
	struct ear_fault *fault);

/** How the reconciliation of connections with accounts stands. */
struct ear_reconciled {
	uint64_t bound;     /**< connections with one account */
	uint64_t ambiguous; /**< with several */
	uint64_t unbound;   /**< with none, closed and past their grace */
	uint64_t waiting;   /**< with none yet */
	uint64_t oldest_unbound_ns;
	uint64_t run_ns; /**< when the job ran last */
};
void ear_records_reconciled(
	struct ear_records *records, struct ear_reconciled *state);

/** Newest time of any row, ns: the clock of a data directory nobody serves. */
uint64_t ear_records_newest(struct ear_records *records);

struct ear_records_stats {
	uint64_t sessions, bindings, connections, calls; /**< rows, about */
	uint64_t bytes;                                  /**< on disk */
	uint64_t put, written, waiting, failed;          /**< rows since open */
	bool full;
	bool counted; /**< what is past was counted in advance, for charts */
};
void ear_records_stats(
	struct ear_records *records, struct ear_records_stats *stats);

#endif
