/* SPDX-License-Identifier: Apache-2.0 */
/* Old rows go, some at a time. */
#include "records/keys.h"
#include "records/tally.h"

static const struct {
	const char *table, *count; /* count: of meta; NULL: none is kept */
	const char *only;          /* what may go */
} steps[] = {
	{"session", "session", ""},
	{"call", "call", ""},
	{"connection", "connection", " AND closed<>0"},
	{"binding", "binding", " AND ended<>0 AND ended<?1"},
};

static enum ear_err run(sqlite3 *db, const char *sql, uint64_t a, uint64_t b,
	uint64_t *gone, struct ear_fault *fault)
{
	sqlite3_stmt *st = NULL;
	enum ear_err err;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	*gone = 0;
	if (rc)
		return ear_sql_fail(fault, db, rc, "records.db");
	ear_sql_bind(st, 1, a);
	if (sqlite3_bind_parameter_count(st) > 1)
		ear_sql_bind(st, 2, b);
	err = ear_sql_run(st, "records.db", fault);
	if (!err)
		*gone = (uint64_t)sqlite3_changes(db);
	sqlite3_finalize(st);
	return err;
}

static enum ear_err one_table(sqlite3 *db, size_t i, uint64_t before_ns,
	size_t most, uint64_t *gone, struct ear_fault *fault)
{
	char sql[300];
	uint64_t none;
	enum ear_err err;

	sqlite3_snprintf(sizeof(sql), sql,
		"DELETE FROM %s WHERE (at,id) IN (SELECT at,id FROM %s"
		" WHERE at<?1%s ORDER BY at LIMIT ?2)",
		steps[i].table, steps[i].table, steps[i].only);
	err = run(db, sql, before_ns, most, gone, fault);
	if (err || !*gone)
		return err;
	sqlite3_snprintf(sizeof(sql), sql,
		"UPDATE meta SET n=n-?1 WHERE name='%s'", steps[i].count);
	err = run(db, sql, *gone, 0, &none, fault);
	/* whose keys are still there: ear_rows_may_count_keys() */
	return err ? err
		   : run(db,
			     "INSERT INTO meta VALUES('removed',?1)"
			     " ON CONFLICT DO UPDATE SET n=max(n,?1)",
			     before_ns, 0, &none, fault);
}

enum ear_err ear_retain(sqlite3 *db, struct ear_keys *keys, uint64_t before_ns,
	size_t most, bool *left, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	uint64_t gone;

	*left = false;
	if (before_ns > INT64_MAX)
		before_ns = INT64_MAX;
	for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++) {
		err = one_table(db, i, before_ns, most, &gone, fault);
		*left = *left || gone == most;
	}
	/* until then the keys find those that are left */
	if (!err && !*left)
		err = ear_keys_retain(keys, before_ns, fault);
	if (!err)
		err = ear_tally_spoil_before(db, before_ns, fault);
	return err;
}
