/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sqlite.h"

#include <errno.h>

enum ear_err ear_sql_fail(
	struct ear_fault *fault, sqlite3 *db, int rc, const char *what)
{
	int sys = db ? sqlite3_system_errno(db) : 0;
	enum ear_err err;

	switch (rc & 0xff) {
	case SQLITE_FULL: err = EAR_FULL; break;
	case SQLITE_NOMEM: err = EAR_NOMEM; break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: err = EAR_MORE; break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: err = EAR_BAD; break;
	case SQLITE_IOERR:
		err = sys == ENOSPC || sys == EDQUOT ? EAR_FULL : EAR_SYS;
		break;
	default: err = EAR_SYS; break;
	}
	return ear_fail(fault, err, 0, "%s: %s", what, sqlite3_errstr(rc));
}

enum ear_err ear_sql_exec(
	sqlite3 *db, const char *sql, const char *what, struct ear_fault *fault)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc ? ear_sql_fail(fault, db, sqlite3_extended_errcode(db), what)
		  : EAR_OK;
}

enum ear_err ear_sql_run(
	sqlite3_stmt *st, const char *what, struct ear_fault *fault)
{
	int rc;

	do
		rc = sqlite3_step(st);
	while (rc == SQLITE_ROW);
	sqlite3_reset(st);
	if (rc == SQLITE_DONE)
		return EAR_OK;
	return ear_sql_fail(fault, sqlite3_db_handle(st),
		sqlite3_extended_errcode(sqlite3_db_handle(st)), what);
}
