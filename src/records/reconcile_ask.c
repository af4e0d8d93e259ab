/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of reconciliation. */
#include <assert.h>
#include <stdlib.h>

#include "records/reconcile_priv.h"

enum ear_err ear_reconciler_new(sqlite3 *db, struct ear_keys *keys,
	struct ear_reconciler **of, struct ear_fault *fault)
{
	*of = calloc(1, sizeof(**of));
	if (!*of)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	(*of)->db = db;
	(*of)->keys = keys;
	return EAR_OK;
}

void ear_reconciler_free(struct ear_reconciler **of)
{
	if (!*of)
		return;
	for (size_t i = 0; i < KEPT; i++)
		sqlite3_finalize((*of)->kept[i].st);
	free(*of);
	*of = NULL;
}

/* @param sql a literal. @return to be given to reconcile_done() or
 * reconcile_end() */
sqlite3_stmt *reconcile_ask(struct job *j, const char *sql)
{
	size_t i = 0;
	int rc;

	if (j->err)
		return NULL;
	while (i < KEPT && j->of->kept[i].sql && j->of->kept[i].sql != sql)
		i++;
	assert(i < KEPT);
	if (j->of->kept[i].sql)
		return j->of->kept[i].st;
	rc = sqlite3_prepare_v3(j->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
		&j->of->kept[i].st, NULL);
	if (rc) {
		j->err = ear_sql_fail(j->fault, j->db, rc, "records.db");
		return NULL;
	}
	j->of->kept[i].sql = sql;
	return j->of->kept[i].st;
}

bool reconcile_next(struct job *j, sqlite3_stmt *st)
{
	int rc;

	if (j->err || !st)
		return false;
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		j->err = ear_sql_fail(j->fault, j->db,
			sqlite3_extended_errcode(j->db), "records.db");
	return rc == SQLITE_ROW;
}

void reconcile_end(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	/* texts that were bound are borrowed */
	sqlite3_clear_bindings(st);
}

/* Run to the end. */
void reconcile_done(struct job *j, sqlite3_stmt *st)
{
	while (reconcile_next(j, st))
		;
	reconcile_end(st);
}

void reconcile_text(sqlite3_stmt *st, int at, struct ear_slice s)
{
	sqlite3_bind_text64(
		st, at, s.p ? s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void reconcile_count(struct job *j, const char *what, int64_t by)
{
	sqlite3_stmt *st =
		reconcile_ask(j, "INSERT INTO meta VALUES(?1,?2)"
				 " ON CONFLICT DO UPDATE SET n=n+?2");

	if (!st)
		return;
	sqlite3_bind_text(st, 1, what, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, by);
	reconcile_done(j, st);
}
