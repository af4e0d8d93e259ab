/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void ear_sql_begin(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

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

/*
 * A file that is there is not opened: closing it again would drop the locks
 * that SQLite holds on it for another handle of this process (fcntl(2)), and
 * the next program that closes the data base would take our log away.
 */
enum ear_err ear_sql_make_file(
	const char *path, mode_t mode, struct ear_fault *fault)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return ear_fail_sys(fault, "%s", path);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		char file[4200];
		struct stat st;

		snprintf(file, sizeof(file), "%.4000s%s", path, ends[i]);
		if (stat(file, &st)) {
			if (errno == ENOENT && i)
				continue;
			return ear_fail_sys(fault, "%s", file);
		}
		if (!S_ISREG(st.st_mode))
			return ear_fail(fault, EAR_SYS, 0,
				"%s is no file; move it away", file);
		if ((st.st_mode & 0777 & ~mode) &&
			chmod(file, st.st_mode & mode))
			return ear_fail_sys(fault, "%s", file);
	}
	return EAR_OK;
}
