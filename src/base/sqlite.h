/* SPDX-License-Identifier: Apache-2.0 */
/** What every user of SQLite needs: failures, and values in and out. */
#ifndef EAR_BASE_SQLITE_H
#define EAR_BASE_SQLITE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"

/**
 * SQLite is not to count its memory: a mutex around each piece of it, for
 * figures that nobody reads. Of a program, not of a library in another's: it
 * holds for the whole process. Before any other use.
 */
void ear_sql_begin(void);

/**
 * What went wrong with a statement.
 *
 * @param what the file, for the sentence
 * @return EAR_FULL: the disk is; EAR_MORE: locked by another; EAR_BAD: the file
 *         is damaged; EAR_NOMEM; else EAR_SYS
 */
enum ear_err ear_sql_fail(
	struct ear_fault *fault, sqlite3 *db, int rc, const char *what);

/** Run statements that give nothing back. */
EAR_MUST_USE enum ear_err ear_sql_exec(sqlite3 *db, const char *sql,
	const char *what, struct ear_fault *fault);

/** Run one prepared statement to its end and reset it. */
EAR_MUST_USE enum ear_err ear_sql_run(
	sqlite3_stmt *st, const char *what, struct ear_fault *fault);

static inline uint64_t ear_sql_u64(sqlite3_stmt *st, int column)
{
	return (uint64_t)sqlite3_column_int64(st, column);
}

static inline void ear_sql_bind(sqlite3_stmt *st, int at, uint64_t v)
{
	sqlite3_bind_int64(st, at, (sqlite3_int64)v);
}

/** Valid until the statement's next step or reset. */
static inline struct ear_slice ear_sql_blob(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_blob(st, column);

	return ear_slice(p, p ? (size_t)sqlite3_column_bytes(st, column) : 0);
}

static inline void ear_sql_bind_blob(
	sqlite3_stmt *st, int at, struct ear_slice s)
{
	sqlite3_bind_blob64(st, at, s.p ? s.p : "", s.n, SQLITE_STATIC);
}

/**
 * Make the file of a data base, or take away what others than mode says may do
 * with it and with the files that SQLite puts beside it.
 *
 * To be called before it is opened: SQLite's own files take over its mode.
 *
 * @param mode 0600 or 0640, whatever the umask allows
 * @return EAR_OK; EAR_SYS: it cannot be made, or is no file
 */
EAR_MUST_USE enum ear_err ear_sql_make_file(
	const char *path, mode_t mode, struct ear_fault *fault);

#endif
