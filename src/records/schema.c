/* SPDX-License-Identifier: Apache-2.0 */
/* The file: its tables, its format, and what is done when it is none. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "records/keys.h"
#include "records/tally.h"

/*
 * Of a new file. auto_vacuum gives space back where rows were removed. Said
 * again it would write also where nothing changes, and a server has to start
 * on a full disk.
 */
static const char first_pragmas[] = "PRAGMA page_size=8192;"
				    "PRAGMA auto_vacuum=INCREMENTAL;";

/*
 * A committed mark lets the journal forget what stands before it: so the WAL
 * is synced at each commit, as in the store.
 */
static const char pragmas[] = "PRAGMA journal_mode=WAL;"
			      "PRAGMA synchronous=FULL;"
			      "PRAGMA wal_autocheckpoint=4000;"
			      "PRAGMA journal_size_limit=67108864;"
			      "PRAGMA cache_size=-32768;"
			      "PRAGMA secure_delete=OFF;";

/* Columns that are no part of what is told: reconciliation's own. */
static const char *own_columns(const char *table)
{
	return strcmp(table, "connection") == 0
		       ? ",peername TEXT NOT NULL DEFAULT ''"
			 ",bound INTEGER NOT NULL DEFAULT 0"
		       : "";
}

static const char others[] =
	"CREATE TABLE IF NOT EXISTS account(id INTEGER PRIMARY KEY,"
	" username TEXT NOT NULL, domain TEXT NOT NULL,"
	" description TEXT NOT NULL, UNIQUE(username, domain));"
	"CREATE TABLE IF NOT EXISTS mark(name TEXT PRIMARY KEY,"
	" a INTEGER, b INTEGER, c INTEGER) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS state(owner TEXT, part INTEGER,"
	" key INTEGER, state BLOB, PRIMARY KEY(owner, part, key))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, n INTEGER)"
	" WITHOUT ROWID;"
	/* rows that reconciliation shall look at: 0 session, 1 connection */
	"CREATE TABLE IF NOT EXISTS todo(due INTEGER, what INTEGER,"
	" at INTEGER, id INTEGER, PRIMARY KEY(due, what, at, id))"
	" WITHOUT ROWID;"
	/* for reconciliation: other than UDP. By what else sessions and calls
	 * are found, see keys.h */
	"CREATE INDEX IF NOT EXISTS session_stream ON"
	" session(span, remote_ip) WHERE transport<>1;"
	"CREATE INDEX IF NOT EXISTS session_connection ON"
	" session(span, connection) WHERE connection<>0;"
	"CREATE INDEX IF NOT EXISTS binding_username ON"
	" binding(span, username);"
	"CREATE INDEX IF NOT EXISTS open_at ON"
	" binding(at) WHERE ended=0;"
	"CREATE INDEX IF NOT EXISTS open_account ON"
	" binding(account) WHERE ended=0;"
	"CREATE INDEX IF NOT EXISTS open_username ON"
	" binding(username) WHERE ended=0;"
	"CREATE INDEX IF NOT EXISTS open_remote ON"
	" binding(remote_ip) WHERE ended=0;"
	"CREATE INDEX IF NOT EXISTS open_expires ON"
	" binding(expires) WHERE ended=0;"
	"CREATE INDEX IF NOT EXISTS open_lost ON"
	" binding(at) WHERE ended=0 AND lost<>0;"
	/* few ever are, however many there were */
	"CREATE INDEX IF NOT EXISTS binding_lost ON"
	" binding(span) WHERE lost<>0;"
	"CREATE INDEX IF NOT EXISTS connection_client ON"
	" connection(span, client_ip);"
	"CREATE INDEX IF NOT EXISTS connection_id ON connection(id);"
	"CREATE INDEX IF NOT EXISTS connection_open ON connection(client_ip)"
	" WHERE closed=0;"
	"CREATE INDEX IF NOT EXISTS connection_unbound ON connection(bound)"
	" WHERE bound=4;"
	"CREATE INDEX IF NOT EXISTS call_legs ON"
	" call(span, legs) WHERE legs<>0;";

static void column_sql(const struct ear_stored *c, void *arg)
{
	ear_buf_printf(arg, "%s%s%s %s NOT NULL", c->at > 1 ? "," : "",
		c->column, c->end, c->type);
}

static void table_sql(const char *table, struct ear_buf *sql)
{
	ear_buf_printf(sql, "CREATE TABLE IF NOT EXISTS %s(", table);
	ear_each_stored(table, column_sql, sql);
	ear_buf_printf(sql, "%s,PRIMARY KEY(at,id)) WITHOUT ROWID;",
		own_columns(table));
}

uint64_t ear_file_u64(sqlite3 *db, const char *sql, uint64_t otherwise)
{
	sqlite3_stmt *st = NULL;

	if (!sqlite3_prepare_v2(db, sql, -1, &st, NULL) &&
		sqlite3_step(st) == SQLITE_ROW &&
		sqlite3_column_type(st, 0) != SQLITE_NULL)
		otherwise = ear_sql_u64(st, 0);
	sqlite3_finalize(st);
	return otherwise;
}

static enum ear_err make_tables(
	sqlite3 *db, const char *path, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	enum ear_err err = EAR_NOMEM;

	ear_buf_str(&sql, "BEGIN IMMEDIATE;");
	for (unsigned i = 0; i < EAR_LISTS; i++)
		table_sql(ear_records_table[i], &sql);
	ear_buf_str(&sql, others);
	ear_tally_tables(&sql);
	ear_buf_str(&sql, ear_keys_tables);
	/* as first_pragmas: only where it changes something */
	if (ear_file_u64(db, "PRAGMA application_id", 0) != EAR_RECORDS_APP ||
		ear_file_u64(db, "PRAGMA user_version", 0) !=
			EAR_RECORDS_FORMAT)
		ear_buf_printf(&sql,
			"PRAGMA application_id=%d; PRAGMA user_version=%d;",
			EAR_RECORDS_APP, EAR_RECORDS_FORMAT);
	ear_buf_str(&sql, "COMMIT");
	ear_buf_byte(&sql, '\0');
	if (!sql.err)
		err = ear_sql_exec(db, sql.p, path, fault);
	else
		ear_fail(fault, err, 0, "out of memory");
	ear_buf_fini(&sql);
	return err;
}

static enum ear_err check_format(
	sqlite3 *db, const char *path, bool write, struct ear_fault *fault)
{
	sqlite3_stmt *st = NULL;
	uint64_t app = 0;
	int rc = sqlite3_prepare_v2(db, "PRAGMA application_id", -1, &st, NULL);

	if (!rc)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		app = ear_sql_u64(st, 0);
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW)
		return ear_sql_fail(
			fault, db, sqlite3_extended_errcode(db), path);
	if (app != EAR_RECORDS_APP &&
		(app || !write ||
			ear_file_u64(
				db, "SELECT count(*) FROM sqlite_schema", 1)))
		return app || write
			       ? ear_fail(fault, EAR_BAD, 0,
					 "%s: no file of Earshot's records",
					 path)
			       : ear_fail(fault, EAR_GONE, 0,
					 "%s: there are no records yet", path);
	if (ear_file_u64(db, "PRAGMA user_version", 0) > EAR_RECORDS_FORMAT)
		return ear_fail(fault, EAR_UNSUPPORTED, 0,
			"%s: written by a newer Earshot; use that, or move "
			"the file away",
			path);
	if (!write && app &&
		ear_file_u64(db, "PRAGMA user_version", 0) < EAR_RECORDS_FORMAT)
		return ear_fail(fault, EAR_UNSUPPORTED, 0,
			"%s: written by an older Earshot; it is brought up to "
			"date when the server, or an import, opens it",
			path);
	return EAR_OK;
}

enum ear_err ear_file_open(
	const char *dir, bool write, sqlite3 **db, struct ear_fault *fault)
{
	char path[4096];
	enum ear_err err;
	int rc;

	*db = NULL;
	snprintf(path, sizeof(path), "%s/records.db", dir);
	if (!write && access(path, F_OK) && errno == ENOENT)
		return ear_fail(fault, EAR_GONE, 0,
			"%s: there are no records yet", path);
	if (write) {
		err = ear_sql_make_file(path, 0640, fault);
		if (err)
			return err;
	}
	rc = sqlite3_open_v2(path, db,
		(write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
		       : SQLITE_OPEN_READONLY) |
			SQLITE_OPEN_NOMUTEX,
		NULL);
	if (rc) {
		err = ear_sql_fail(fault, *db, rc, path);
		goto out;
	}
	sqlite3_extended_result_codes(*db, 1);
	sqlite3_busy_timeout(*db, 10000);
	err = check_format(*db, path, write, fault);
	if (!err && write && !ear_file_u64(*db, "PRAGMA application_id", 0))
		err = ear_sql_exec(*db, first_pragmas, path, fault);
	if (!err && write)
		err = ear_sql_exec(*db, pragmas, path, fault);
	if (!err && write && ear_file_u64(*db, "PRAGMA user_version", 0) == 1)
		err = ear_file_upgrade(*db, path, fault);
	if (!err && write)
		err = make_tables(*db, path, fault);
	if (!err && !write)
		err = ear_sql_exec(
			*db, "PRAGMA cache_size=-16384", path, fault);
out:
	if (err) {
		sqlite3_close(*db);
		*db = NULL;
	}
	return err;
}

void ear_file_set_aside(const char *dir, char to[4200])
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	unsigned long long now = ear_now_ns() / EAR_SECOND_NS;
	char from[4200], end[4250];

	snprintf(to, 4200, "%.4000s/records.db.damaged-%llu", dir, now);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(from, sizeof(from), "%.4000s/records.db%s", dir,
			ends[i]);
		snprintf(end, sizeof(end), "%s%s", to, ends[i]);
		(void)rename(from, end);
	}
}
