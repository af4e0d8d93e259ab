/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the SQL sink share.
 *
 *     record ─ sql_row ─▶ batch ─ sql_queue ─▶ sql_worker ─▶ sql_work
 *                                                          position, insert
 *
 * The spool's thread makes rows out of records and fills batches; a worker has
 * a connection of its own and commits a batch with the position behind it.
 * Only workers talk to the database, so that one that does not answer holds up
 * nobody: it is given up, and frees what it has when it comes back.
 */
#ifndef EAR_SINK_SQL_PRIV_H
#define EAR_SINK_SQL_PRIV_H

#include <pthread.h>
#include <sql.h>
#include <sqlext.h>
#include <stdatomic.h>

#include "sink/sql.h"
#include "sink/sql_url.h"

/** Columns of the table, in its order; without id. */
enum ear_sql_col {
	EAR_SQL_TIME,
	EAR_SQL_US,
	EAR_SQL_CALLID,
	EAR_SQL_USER,
	EAR_SQL_MSG,
	EAR_SQL_METHOD,
	EAR_SQL_STATUS,
	EAR_SQL_FROMIP,
	EAR_SQL_TOIP,
	EAR_SQL_FROMTAG,
	EAR_SQL_TOTAG,
	EAR_SQL_DIRECTION,
	EAR_SQL_COLS,
};

/** Longest name of a table with its schema, and of a column. */
#define EAR_SQL_NAME 64
/** Most tables in one batch. */
#define EAR_SQL_TABLES 32
/** Most bytes of a batch: bounds memory, whatever the messages. */
#define EAR_SQL_BATCH_BYTES (16u << 20)
#define EAR_SQL_WORKERS_MAX 16
/** Batches of a session: those in work, as many done out of turn, one that is
    being filled. */
#define EAR_SQL_BATCHES(workers) (2 * (workers) + 1)

/** What never changes after opening. Shared by workers; counted. */
struct ear_sql_plan {
	atomic_int refs;
	atomic_bool closed; /**< its sink is gone: nobody to tell */
	struct ear_sql_url url;
	char name[EAR_SQL_NAME];
	char table[EAR_SQL_NAME + 1];
	char column[EAR_SQL_COLS][EAR_SQL_NAME + 1];
	enum ear_sql_mode mode;
	uint32_t batch, workers;
	uint64_t delay_ns;
	bool create, utc;
	void (*notice)(const char *event, struct ear_slice text, void *arg);
	void *notice_arg;
};

struct ear_sql_plan *ear_sql_plan_ref(struct ear_sql_plan *plan);
void ear_sql_plan_unref(struct ear_sql_plan **plan);
void ear_sql_tell(const struct ear_sql_plan *plan, const char *event,
	const char *format, ...) EAR_PRINTF(3, 4);

/** "letters, digits, _"; with schema also one dot between two of them. */
bool ear_sql_name_ok(struct ear_slice name, bool schema);
/** The name of a column in version 4, and its width in characters. */
const char *ear_sql_column_name(enum ear_sql_col col);
size_t ear_sql_column_width(enum ear_sql_col col);

/* --- rows ----------------------------------------------------------------- */

struct ear_sql_row {
	uint32_t table; /**< of the batch's tables */
	struct {
		uint32_t at, n; /**< bytes in the batch's text */
	} cell[EAR_SQL_COLS];
};

/** A record that became rows. */
struct ear_sql_unit {
	size_t rows; /**< of the batch, up to and with its last */
	struct ear_sink_pos next;
};

/** What was done to rows to get them in. */
struct ear_sql_tally {
	uint64_t rows;     /**< inserted */
	uint64_t cut;      /**< values longer than their column */
	uint64_t repaired; /**< values with bytes that are no text */
	uint64_t rerouted; /**< rows in the default table instead of theirs */
	uint64_t refused;  /**< rows that the database does not take */
	uint64_t records;  /**< of which a row was refused */
	char why[256];     /**< the last refusal */
};

struct ear_sql_batch {
	struct ear_buf text;
	struct ear_sql_row *row;
	size_t rows, row_room;
	struct ear_sql_unit *unit;
	size_t units, unit_room;
	char table[EAR_SQL_TABLES][EAR_SQL_NAME + 1];
	size_t tables;
	uint64_t since_ns; /**< monotonic; of its first record */
	struct ear_sql_tally tally;
	time_t second; /**< that stands in second_text */
	char second_text[24];
};

/** How rows are made. */
struct ear_sql_how {
	bool utc;
	bool nul;          /**< the database takes NUL in text */
	const char *table; /**< default */
};

/** Its rows; EAR_BAD: no message in it; EAR_NOMEM. */
EAR_MUST_USE enum ear_err ear_sql_batch_add(struct ear_sql_batch *batch,
	const struct ear_sql_how *how, const struct ear_sink_record *record);
/** A record that needs no rows, as they are there. */
EAR_MUST_USE enum ear_err ear_sql_batch_pass(
	struct ear_sql_batch *batch, const struct ear_sink_record *record);
void ear_sql_batch_reset(struct ear_sql_batch *batch);
void ear_sql_batch_fini(struct ear_sql_batch *batch);

static inline struct ear_slice ear_sql_cell(const struct ear_sql_batch *batch,
	const struct ear_sql_row *row, enum ear_sql_col col)
{
	return ear_slice(batch->text.p + row->cell[col].at, row->cell[col].n);
}

/** Append s as UTF-8, a U+FFFD for each byte that is none. @return how many */
size_t ear_sql_text(struct ear_slice s, bool nul, struct ear_buf *out);

/* --- a connection --------------------------------------------------------- */

enum ear_sql_dialect { EAR_SQL_OTHER, EAR_SQL_POSTGRES, EAR_SQL_MYSQL };

/** A table as a connection knows it. */
struct ear_sql_table {
	char name[EAR_SQL_NAME + 1];
	bool usable;
	bool pinned;         /**< the batch in work uses it */
	uint64_t checked_ns; /**< monotonic */
	/** Most of each column; 0 no bound. */
	size_t characters[EAR_SQL_COLS], bytes[EAR_SQL_COLS];
	SQLHSTMT insert; /**< prepared */
};

/** Room to bind one column from. */
struct ear_sql_bound {
	struct ear_buf data;
	SQLLEN *n;
	size_t room;
};

struct ear_sql_conn {
	const struct ear_sql_plan *plan;
	SQLHENV env;
	SQLHDBC dbc;
	SQLHSTMT stmt;
	enum ear_sql_dialect dialect;
	char quote[4];
	SQLUSMALLINT name_case;
	bool arrays;     /**< takes several rows at a time */
	size_t max_row;  /**< bytes of one row that it takes */
	char server[80]; /**< "PostgreSQL 15.18" */
	struct ear_sql_table table[EAR_SQL_TABLES];
	size_t tables;
	struct ear_sql_bound bound[EAR_SQL_COLS];
	SQLUSMALLINT *row_status;
	size_t row_room;
	bool open;
};

/**
 * Connect and set the session up; autocommit is off then.
 *
 * Faults of all these: EAR_BAD: the rows are to blame; EAR_GONE: no such
 * table; EAR_SYS: everything else.
 */
EAR_MUST_USE enum ear_err ear_sql_conn_open(struct ear_sql_conn *conn,
	const struct ear_sql_plan *plan, struct ear_fault *fault);
void ear_sql_conn_close(struct ear_sql_conn *conn);
/** What the driver says of the last call, as ear_fail(). */
enum ear_err ear_odbc_fail(struct ear_sql_conn *conn, SQLSMALLINT type,
	SQLHANDLE handle, struct ear_fault *fault, const char *doing);
/** @param[out] changed rows; may be NULL */
EAR_MUST_USE enum ear_err ear_odbc_exec(struct ear_sql_conn *conn,
	const char *sql, int64_t *changed, struct ear_fault *fault);
/** Whole numbers of up to max rows with so many columns each. */
EAR_MUST_USE enum ear_err ear_sql_numbers(struct ear_sql_conn *conn,
	const char *sql, size_t columns, int64_t *out, size_t max, size_t *rows,
	struct ear_fault *fault);
EAR_MUST_USE enum ear_err ear_sql_commit(
	struct ear_sql_conn *conn, struct ear_fault *fault);
void ear_sql_rollback(struct ear_sql_conn *conn);
/** Append a name, quoted, in the case that the database gives plain ones. */
void ear_sql_quote(const struct ear_sql_conn *conn, struct ear_slice name,
	struct ear_buf *out);
/** The same with the schema of another name before it. */
void ear_sql_quote_beside(const struct ear_sql_conn *conn, const char *other,
	const char *name, struct ear_buf *out);

/* --- tables --------------------------------------------------------------- */

/**
 * A table by name, checked, made when that is asked for. Begins and ends
 * outside of transactions.
 *
 * @return EAR_OK; EAR_GONE: not there; EAR_USAGE: of another shape; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_sql_table_find(struct ear_sql_conn *conn,
	const char *name, struct ear_sql_table **table,
	struct ear_fault *fault);
/** Make it as version 4, with its row in the table "version". */
EAR_MUST_USE enum ear_err ear_sql_table_make(
	struct ear_sql_conn *conn, const char *name, struct ear_fault *fault);

/* --- inserting --------------------------------------------------------- */

/**
 * Insert rows of one table, in a transaction that is open.
 *
 * @param v EAR_SQL_COLS values a row
 */
EAR_MUST_USE enum ear_err ear_sql_insert(struct ear_sql_conn *conn,
	struct ear_sql_table *table, const struct ear_slice (*v)[EAR_SQL_COLS],
	size_t n, struct ear_fault *fault);

/* --- positions --------------------------------------------------------- */

/** From exclusive, to inclusive. */
struct ear_sql_span {
	struct ear_sink_pos from, to;
};

/** How a row of the position table changes: part 0 holds the base. */
struct ear_sql_move {
	uint32_t part;
	struct ear_sink_pos was; /**< its "to" before */
	struct ear_sql_span now;
};

/** What the database says of us. */
struct ear_sql_places {
	bool kept; /**< there is a table for them */
	char key[EAR_SQL_NAME + 16];
	struct ear_sink_pos base; /**< everything up to here is in */
	struct ear_sql_span part[EAR_SQL_BATCHES(EAR_SQL_WORKERS_MAX)];
	struct ear_sql_span span[EAR_SQL_BATCHES(EAR_SQL_WORKERS_MAX)];
	size_t spans; /**< of these, beyond the base */
};

int ear_sql_pos_cmp(const struct ear_sink_pos *a, const struct ear_sink_pos *b);
/**
 * Find, make, lock and read the places; waits for a transaction of an earlier
 * session that is not decided yet.
 *
 * @param ours  where the spool would go on
 * @param parts that are needed besides the base
 */
EAR_MUST_USE enum ear_err ear_sql_places_read(struct ear_sql_conn *conn,
	const struct ear_sink_pos *ours, size_t parts,
	struct ear_sql_places *places, struct ear_fault *fault);
/** In the open transaction. EAR_SYS when somebody else moved it. */
EAR_MUST_USE enum ear_err ear_sql_places_move(struct ear_sql_conn *conn,
	const char *key, const struct ear_sql_move *move,
	struct ear_fault *fault);

/* --- a worker's work --------------------------------------------------- */

/** Which places a batch moves. */
struct ear_sql_work {
	struct ear_sql_batch *batch;
	const char *key; /**< NULL: no places */
	bool each;       /**< a transaction for each unit, moving the base */
	struct ear_sql_move move[2];
	size_t moves;
};

/** Commit it. The batch's tally says how. */
EAR_MUST_USE enum ear_err ear_sql_work_do(struct ear_sql_conn *conn,
	struct ear_sql_work *work, struct ear_fault *fault);

/* --- a session --------------------------------------------------------- */

struct ear_sql_session;

/**
 * Start workers, connect, find tables and places.
 *
 * @param pos in: where the spool would go on; out: where the session does
 * @return EAR_OK; EAR_SYS: no thread, or no answer in 45 s; EAR_NOMEM; else
 *         what is wrong with table or places
 */
EAR_MUST_USE enum ear_err ear_sql_session_open(struct ear_sql_plan *plan,
	struct ear_sink_pos *pos, struct ear_sql_session **session,
	struct ear_fault *fault);
/**
 * Put records into batches; waits up to half a second for room.
 *
 * @param[out] handed records taken, in their order
 * @return EAR_OK, also with none taken; EAR_NOMEM; else what ended the session
 */
EAR_MUST_USE enum ear_err ear_sql_session_put(struct ear_sql_session *session,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	struct ear_fault *fault);
/**
 * Do what is due.
 *
 * @param[out] safe  records of the session that are in
 * @param[out] tally what became safe since the last call
 */
EAR_MUST_USE enum ear_err ear_sql_session_turn(struct ear_sql_session *session,
	uint64_t *safe, struct ear_sql_tally *tally, struct ear_fault *fault);
/** The server's name. */
const char *ear_sql_session_server(const struct ear_sql_session *session);
/** Waits up to 5 s for workers; what is not safe by then is put again. */
void ear_sql_session_close(struct ear_sql_session **session);

#endif
