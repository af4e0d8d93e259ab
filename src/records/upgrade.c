/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of an older format. Format 1 had indexes of SQLite's where there are
 * those of keys.h now: they are built from the rows, in one transaction.
 */
#include "records/keys.h"

/* Rows between two runs. */
#define STEP 65536

static const char drop[] = "DROP INDEX IF EXISTS session_peername;"
			   "DROP INDEX IF EXISTS session_remote;"
			   "DROP INDEX IF EXISTS call_src;"
			   "DROP INDEX IF EXISTS call_dst;"
			   "DROP INDEX IF EXISTS call_call_id;"
			   "DROP INDEX IF EXISTS call_talk;"
			   "DROP INDEX IF EXISTS call_outcome;"
			   "DROP TABLE IF EXISTS session_peer;";

static void add_session(struct ear_keys *keys, sqlite3_stmt *st)
{
	ear_keys_session(keys, ear_sql_blob(st, 2), ear_sql_blob(st, 3),
		ear_sql_u64(st, 0), ear_sql_u64(st, 1), false);
}

static void add_call(struct ear_keys *keys, sqlite3_stmt *st)
{
	ear_keys_call(keys,
		&(struct ear_call_keys){ear_sql_blob(st, 2),
			ear_sql_blob(st, 3), ear_sql_u64(st, 4),
			ear_sql_u64(st, 5), ear_sql_u64(st, 6)},
		ear_sql_u64(st, 0), ear_sql_u64(st, 1), false);
}

static enum ear_err build(sqlite3 *db, struct ear_keys *keys, const char *path,
	const char *sql, void (*add)(struct ear_keys *keys, sqlite3_stmt *st),
	struct ear_fault *fault)
{
	sqlite3_stmt *st = NULL;
	enum ear_err err = EAR_OK;
	size_t n = 0;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	while (!rc && !err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		add(keys, st);
		if (++n % STEP)
			continue;
		err = ear_keys_flush(keys, fault);
		if (!err)
			err = ear_keys_merge(keys, fault);
	}
	if (!err && rc != SQLITE_DONE)
		err = ear_sql_fail(fault, db, rc, path);
	sqlite3_finalize(st);
	return err ? err : ear_keys_flush(keys, fault);
}

static enum ear_err build_all(
	sqlite3 *db, const char *path, struct ear_fault *fault)
{
	struct ear_keys *keys;
	enum ear_err err = ear_keys_new(db, path, &keys, fault);

	if (err)
		return err;
	err = build(db, keys, path,
		"SELECT at,id,peername,remote_ip FROM session ORDER BY at,id",
		add_session, fault);
	if (!err)
		err = build(db, keys, path,
			"SELECT at,id,src,dst,call_key,disposition,talk_ms"
			" FROM call ORDER BY at,id",
			add_call, fault);
	ear_keys_free(&keys);
	return err;
}

enum ear_err ear_file_upgrade(
	sqlite3 *db, const char *path, struct ear_fault *fault)
{
	enum ear_err err = ear_sql_exec(db, "BEGIN IMMEDIATE", path, fault);

	if (err)
		return err;
	/* another process may have been the first */
	if (ear_file_u64(db, "PRAGMA user_version", 0) == 1) {
		err = ear_sql_exec(db, drop, path, fault);
		if (!err)
			err = ear_sql_exec(db, ear_keys_tables, path, fault);
		if (!err)
			err = build_all(db, path, fault);
		if (!err)
			err = ear_sql_exec(
				db, "PRAGMA user_version=2", path, fault);
	}
	if (!err)
		err = ear_sql_exec(db, "COMMIT", path, fault);
	if (err && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}
