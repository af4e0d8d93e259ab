/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the records share: the tables, their columns, the file
 * and who has it open.
 *
 *     put ──> batch ──> line of one ──> writer's thread ──> records.db
 *                                          │  one transaction a batch
 *                                          ├─ reconcile, what is to do
 *                                          └─ retention
 *     list, facet, … ──> a reader's connection out of the pool ──> records.db
 */
#ifndef EAR_RECORDS_PRIV_H
#define EAR_RECORDS_PRIV_H

#include <pthread.h>
#include <sys/types.h>

#include "base/sqlite.h"
#include "message/expr_set.h"
#include "records/records.h"

/**
 * Time is cut into spans of 2^43 ns, some two and a half hours. Each index
 * begins with the span: what is written now falls into one small part of it,
 * however large the table has grown, and what is asked of some days looks at
 * their spans alone.
 */
#define EAR_SPAN_BITS 43
#define EAR_SPAN_OF(at) ((uint64_t)(at) >> EAR_SPAN_BITS)
#define EAR_SPAN_NONE UINT64_MAX

/** "EarR" */
#define EAR_RECORDS_APP 0x45617252
#define EAR_RECORDS_FORMAT 2

/** Tables, in the order of enum ear_list_of. */
extern const char *const ear_records_table[EAR_LISTS];

/* --- columns: column.c ------------------------------------------------- */

/** How long a call rang and was talked, of its milliseconds: not told while it
 *  still rings, or they still talk. */
#define EAR_RING_SQL(ms)                                          \
	"CASE WHEN rang<>0 AND answered=0 AND ended=0 THEN NULL " \
	"ELSE " ms " END"
#define EAR_TALK_SQL(ms) \
	"CASE WHEN answered<>0 AND ended=0 THEN NULL ELSE " ms " END"

enum ear_column_kind {
	EAR_KIND_TEXT,
	EAR_KIND_NUM,
	EAR_KIND_SOME, /* a number; 0: none */
	EAR_KIND_TIME,
	EAR_KIND_BOOL,
	EAR_KIND_ENUM,
	EAR_KIND_ADDR,
	EAR_KIND_IP,
	EAR_KIND_HEX,
	EAR_KIND_PEERS,
	EAR_KIND_ROW,
};

/** Words of an ENUM; the first stands for the number base. */
struct ear_words {
	int64_t base;
	const char *const *word; /* NULL at the end */
};

/** What a column is besides what everybody may know. */
struct ear_column_of {
	uint8_t kind;      /* enum ear_column_kind */
	const char *sql;   /* what is stored; ADDR, IP: without _ip */
	const char *index; /* see column.def */
	const struct ear_words *words;
};

const struct ear_column_of *ear_column_of(enum ear_list_of list);
/** The columns as fields of an expression; the last is "text", any of them. */
/** @return false: no such column */
bool ear_column_find(enum ear_list_of list, const char *name, size_t *at);
#define EAR_COLUMNS_MAX 48

/** Append what SELECT asks for to fill all cells of a row, at and id first.
 *  @return how many columns that is */
int ear_cells_sql(enum ear_list_of list, struct ear_buf *sql);

/** Room for texts that are made for cells. */
struct ear_cells {
	struct ear_cell cell[EAR_COLUMNS_MAX];
	char room[EAR_COLUMNS_MAX][EAR_ADDR_TEXT];
};
/** Fill cells from a statement that stands on a row of ear_cells_sql(). */
void ear_cells_read(
	enum ear_list_of list, sqlite3_stmt *st, struct ear_cells *cells);

/** "hex(at)-hex(id)". */
#define EAR_ROW_ID_TEXT 40
size_t ear_row_id_text(uint64_t at, uint64_t id, char out[EAR_ROW_ID_TEXT]);
bool ear_row_id_read(struct ear_slice text, uint64_t *at, uint64_t *id);

/** By which calls are found by Call-ID: 63 bits. */
uint64_t ear_row_call_key(struct ear_slice call_id);

/* --- the file: schema.c ------------------------------------------------ */

/**
 * Open DIR/records.db.
 *
 * @param write make it, and its tables, where they are not there
 * @return EAR_OK; EAR_GONE: not there; EAR_BAD: damaged, or no file of ours;
 *         EAR_UNSUPPORTED: of a newer Earshot; …
 */
EAR_MUST_USE enum ear_err ear_file_open(
	const char *dir, bool write, sqlite3 **db, struct ear_fault *fault);
/** Bring a file of format 1 up to date: upgrade.c. */
EAR_MUST_USE enum ear_err ear_file_upgrade(
	sqlite3 *db, const char *path, struct ear_fault *fault);
/** Set a damaged one aside. @param[out] to its new name */
void ear_file_set_aside(const char *dir, char to[4200]);

/** Read one number. @return otherwise, when there is none */
uint64_t ear_file_u64(sqlite3 *db, const char *sql, uint64_t otherwise);

/* --- batches: batch.c -------------------------------------------------- */

enum ear_told {
	EAR_TOLD_SESSION,
	EAR_TOLD_BINDING,
	EAR_TOLD_CALL,
	EAR_TOLD_CONNECTION, /* so far as enum ear_list_of */
	EAR_TOLD_STATE,
};

/** One state, as out->state() gave it. */
struct ear_told_state {
	uint8_t part;
	uint64_t key;
	struct ear_slice state;
};

/** What was told: one row, or state; the last telling of it. */
struct ear_told_row {
	uint8_t what;    /* enum ear_told */
	uint64_t at, id; /* of a state: part, key */
	void *row;       /* struct ear_session_row …; in the batch's memory */
};

struct ear_told_chunk;

struct ear_told_batch {
	struct ear_told_row *v; /* owned */
	size_t n, cap;
	uint32_t *slot; /* owned; index + 1 of v by (what, at, id) */
	size_t slots;   /* a power of two */
	struct ear_told_chunk *chunks;
	struct ear_records_mark *marks; /* owned */
	size_t mark_n, mark_cap;
	uint64_t newest_ns; /* of any row */
	uint64_t told;      /* rows with those that were told again */
	bool nomem;         /* something could not be kept */
	bool sorted;
};

void ear_told_reset(struct ear_told_batch *b);
void ear_told_fini(struct ear_told_batch *b);
void ear_told_mark(
	struct ear_told_batch *b, const struct ear_records_mark *mark);
/** The functions of out, whose arg is a struct ear_told_batch **. */
void ear_told_out(struct ear_track_out *out);
/** In the order of the tables' keys, so that pages are touched once: by the
 *  writer, when nothing more is told. */
void ear_told_sort(struct ear_told_batch *b);

/* --- writing rows: put.c ----------------------------------------------- */

struct ear_put;
struct ear_keys; /* keys.h */

/** @param keys borrowed */
EAR_MUST_USE enum ear_err ear_put_new(sqlite3 *db, const char *path,
	struct ear_keys *keys, struct ear_put **put, struct ear_fault *);
void ear_put_free(struct ear_put **put);
/** Forget what was read of the file in a transaction that was rolled back. */
void ear_put_forget(struct ear_put *put);

/** Write a whole batch, inside the caller's transaction.
 *  @param owner of its states; NULL: they are not kept */
EAR_MUST_USE enum ear_err ear_put_batch(struct ear_put *put,
	const struct ear_told_batch *b, const char *owner,
	struct ear_fault *fault);

/** What a row does not say itself. */
struct ear_put_beside {
	uint64_t account;
};
/* Bind a value at its number. @return the number behind it: put_bind.c. */
int ear_put_u64(sqlite3_stmt *st, int at, uint64_t v);
/** @param s outlives the statement's run */
int ear_put_text(sqlite3_stmt *st, int at, struct ear_slice s);
/** All of a row, which outlives the statement's run. */
int ear_put_values(sqlite3_stmt *st, int at, const struct ear_told_row *t,
	const struct ear_put_beside *beside);

/** A column that is stored. */
struct ear_stored {
	const char *column, *end; /* its name: both, one behind the other */
	const char *type;         /* of SQL */
	unsigned at;              /* among those of its table, from 1 */
};
typedef void (*ear_stored_fn)(const struct ear_stored *c, void *arg);
/** Each column of a table, in the order of stored.def, an address as two. */
void ear_each_stored(const char *table, ear_stored_fn fn, void *arg);

/* Statements, into a buffer that knows when memory is out: put_sql.c. Their
 * values are numbered as the columns come in stored.def. */

/** INSERT of so many rows; those that stand there already are left alone. */
void ear_insert_sql(const char *table, unsigned rows, struct ear_buf *sql);
/** UPDATE of all columns of one row. */
void ear_update_sql(const char *table, struct ear_buf *sql);
/** UPDATE of a binding that holds and held, of which no index changes but that
 *  of when it expires; of others, none. */
void ear_refresh_sql(struct ear_buf *sql);

/* --- what the writer's thread does besides ----------------------------- */

struct ear_reconciler;

/** @param keys borrowed */
EAR_MUST_USE enum ear_err ear_reconciler_new(sqlite3 *db, struct ear_keys *keys,
	struct ear_reconciler **of, struct ear_fault *fault);
void ear_reconciler_free(struct ear_reconciler **of);

/**
 * Reconcile some of what is to do, inside the caller's transaction.
 *
 * @param most entries; *left becomes true when there are more
 */
EAR_MUST_USE enum ear_err ear_reconcile(struct ear_reconciler *of, size_t most,
	bool *left, struct ear_fault *fault);

/**
 * Remove some of the oldest rows, inside the caller's transaction.
 *
 * @param before_ns rows older than that; bindings that hold and connections
 *                  that are up stay
 * @param[out] left there are more of them
 */
EAR_MUST_USE enum ear_err ear_retain(sqlite3 *db, struct ear_keys *keys,
	uint64_t before_ns, size_t most, bool *left, struct ear_fault *fault);

/** Which slots were looked at whether they are counted: tally.c. */
struct ear_tally_walk {
	unsigned list;
	uint64_t edge_ns; /* all before that is still to do; 0: begin */
};

/* --- the whole --------------------------------------------------------- */

#define EAR_READERS_IDLE 4
#define EAR_LINE_MAX 1

/** A connection that reads; one thread at a time. */
struct ear_reader_db {
	sqlite3 *db;
	uint64_t deadline_ns;
	const volatile bool *stop;
	unsigned generation; /* of the file */
};

struct ear_records {
	char dir[4000];
	char path[4096];
	char owner[32];
	struct ear_records_options opt;
	int lock_fd; /* the owner's; -1: another has it */

	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t moved;
	struct ear_reader_db *idle[EAR_READERS_IDLE];
	size_t idle_n;
	unsigned generation; /* of the file: one more when it is another */

	/* writing */
	struct ear_told_batch *open; /* the caller's */
	struct ear_told_batch *line[EAR_LINE_MAX];
	struct ear_told_batch *spare[EAR_LINE_MAX];
	size_t line_n, spare_n;
	bool quit;
	pthread_t thread;
	bool running;
	struct ear_records_mark *marks; /* committed */
	size_t mark_n, mark_cap;
	struct ear_fault trouble; /* why the last transaction failed */

	/* the thread's */
	sqlite3 *db;
	dev_t file_dev; /* which file that is */
	ino_t file_ino; /* 0: not known */
	struct ear_keys *keys;
	struct ear_put *put;
	struct ear_reconciler *reconciler;
	struct ear_tally_walk walk;

	/* relaxed atomics */
	uint64_t n_put, n_written, n_failed;
	bool counted; /* since the last walk */
	bool full;
};

/** A reader from the pool. @return EAR_OK; EAR_GONE; … */
EAR_MUST_USE enum ear_err ear_reader_take(struct ear_records *records,
	struct ear_reader_db **reader, struct ear_fault *fault);
void ear_reader_give(
	struct ear_records *records, struct ear_reader_db **reader);
/** All statements until ear_reader_end() see the same rows. */
EAR_MUST_USE enum ear_err ear_reader_begin(struct ear_records *records,
	struct ear_reader_db *reader, struct ear_fault *fault);
void ear_reader_end(struct ear_reader_db *reader);
/** What a failed statement of a reader means. */
enum ear_err ear_reader_failed(
	struct ear_records *records, sqlite3 *db, struct ear_fault *fault);

void ear_reader_close(struct ear_reader_db **reader);

/** A mark is committed; the lock is held, or nobody else knows r yet. */
void ear_records_publish(
	struct ear_records *records, const struct ear_records_mark *mark);

void *ear_records_loop(void *arg);

#endif
