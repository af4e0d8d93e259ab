/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sql.h"

#include <stdlib.h>

#include "base/stop.h"
#include "base/time.h"
#include "flow/sql_priv.h"
#include "records/attach.h"

/* Instructions of SQLite's machine between two looks at the clock. */
#define PROGRESS_STEPS 10000
/* Most columns of an answer, and bytes of a query and of one value. */
#define COLUMNS_MAX 200
#define QUERY_MAX (100 << 10)
#define VALUE_MAX (64 << 20)

static const char setup[] =
	"CREATE VIRTUAL TABLE messages USING ear_messages;"
	"CREATE VIRTUAL TABLE sip_trace USING ear_trace;"
	/* The first request is the one with the lowest "at method uri…": what
	 * min() finds begins with the time, and the rest is cut out of it. */
	"CREATE VIEW conversations AS SELECT call_id,"
	" min(at) AS first, max(at) AS last, count(*) AS messages,"
	" substr(min(CASE WHEN kind='request' THEN at||method END), 28)"
	"  AS method,"
	" substr(min(at||\"from\"), 28) AS from_uri,"
	" substr(min(at||from_user), 28) AS from_user,"
	" substr(min(at||\"to\"), 28) AS to_uri,"
	" substr(min(at||to_user), 28) AS to_user,"
	" substr(min(at||src), 28) AS src,"
	" substr(min(at||dst), 28) AS dst,"
	" CAST(substr(max(CASE WHEN status>=200 THEN at||status END), 28)"
	"  AS INTEGER) AS status,"
	" max(malformed) AS malformed"
	" FROM messages WHERE call_id<>'' GROUP BY call_id;"
	/* What two engines of a server recorded of one message comes within
	 * milliseconds; what was sent again comes after half a second at the
	 * earliest (RFC 3261 s17.1.1.1), and stays. */
	"CREATE VIEW sip_trace_once AS SELECT id, time_stamp, time_us, callid,"
	" traced_user, msg, method, status, fromip, toip, fromtag, totag,"
	" direction FROM (SELECT id, time_stamp, time_us, callid,"
	"  users AS traced_user, msg, method, status, fromip, toip, fromtag,"
	"  totag, direction, at_us - lag(at_us) OVER (PARTITION BY callid,"
	"   cseq, direction, fromip, toip, msg_hash ORDER BY at_us) AS apart"
	"  FROM sip_trace WHERE nth = 0)"
	" WHERE apart IS NULL OR apart >= 200000;";

/* Names of the pragmas that only tell of tables. */
static bool harmless_pragma(const char *name)
{
	static const char *const names[] = {"table_info", "table_xinfo",
		"table_list", "function_list", "collation_list",
		"database_list", "index_list"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (name && !sqlite3_stricmp(name, names[i]))
			return true;
	}
	return false;
}

/* Reading only; everything that is not known to be harmless is refused. */
static int authorize(void *arg, int action, const char *a, const char *b,
	const char *db, const char *trigger)
{
	(void)arg;
	(void)trigger;
	switch (action) {
	case SQLITE_READ:
		/* passwords are nobody's */
		return ear_records_readable(db, a) ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE: return SQLITE_OK;
	case SQLITE_FUNCTION:
		return b && !sqlite3_stricmp(b, "load_extension") ? SQLITE_DENY
								  : SQLITE_OK;
	case SQLITE_PRAGMA: return harmless_pragma(a) ? SQLITE_OK : SQLITE_DENY;
	default: return SQLITE_DENY;
	}
}

static int progress(void *arg)
{
	struct ear_sql *sql = arg;

	if (ear_stopped(sql->options.stop))
		return 1;
	if (!sql->deadline_ns || ear_mono_ns() < sql->deadline_ns)
		return 0;
	sql->timed_out = true;
	return 1;
}

static void set_limits(sqlite3 *db)
{
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, QUERY_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_COLUMN, COLUMNS_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 200);
	sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 50);
	sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, 250000);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
	sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static int prepare_db(struct ear_sql *sql, struct ear_fault *fault)
{
	int rc = sqlite3_open_v2(":memory:", &sql->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI,
		NULL);

	if (rc == SQLITE_OK)
		rc = ear_sql_tables(sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(sql->db, setup, NULL, NULL, NULL);
	if (rc == SQLITE_OK && sql->options.dir &&
		ear_records_attach(sql->db, sql->options.dir, fault))
		rc = SQLITE_ERROR;
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_busy_timeout(sql->db, 5000);
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	set_limits(sql->db);
	sqlite3_progress_handler(sql->db, PROGRESS_STEPS, progress, sql);
	return sqlite3_set_authorizer(sql->db, authorize, sql);
}

enum ear_err ear_sql_open(const struct ear_sql_options *options,
	struct ear_sql **sql, struct ear_fault *fault)
{
	struct ear_sql *s = calloc(1, sizeof(*s));
	struct ear_fault why = {0};
	enum ear_err err = EAR_OK;
	int rc;

	*sql = s;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	s->options = *options;
	rc = prepare_db(s, &why);
	if (rc != SQLITE_OK) {
		err = ear_fail(fault, rc == SQLITE_NOMEM ? EAR_NOMEM : EAR_SYS,
			0, "SQLite: %s",
			why.code ? why.text : sqlite3_errmsg(s->db));
		ear_sql_close(sql);
	}
	return err;
}

void ear_sql_close(struct ear_sql **sql)
{
	if (!*sql)
		return;
	sqlite3_close((*sql)->db);
	free(*sql);
	*sql = NULL;
}

static enum ear_err failed(struct ear_sql *sql, int rc, struct ear_fault *fault)
{
	int at = sqlite3_error_offset(sql->db);

	switch (rc & 0xff) {
	case SQLITE_INTERRUPT:
		return ear_fail(fault, EAR_LIMIT, 0,
			sql->timed_out ? "this query takes longer than %llu ms"
				       : "stopped",
			(unsigned long long)sql->options.limit_ms);
	case SQLITE_NOMEM:
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	case SQLITE_AUTH:
		return ear_fail(fault, EAR_USAGE, 0,
			"only reading is allowed here: %s",
			sqlite3_errmsg(sql->db));
	default:
		return ear_fail(fault, EAR_USAGE, at < 0 ? 0 : (size_t)at, "%s",
			sqlite3_errmsg(sql->db));
	}
}

static enum ear_err prepare(struct ear_sql *sql, struct ear_slice query,
	sqlite3_stmt **stmt, struct ear_fault *fault)
{
	const char *rest = NULL;
	struct ear_slice tail;
	int rc;

	if (query.n > QUERY_MAX)
		return ear_fail(fault, EAR_USAGE, QUERY_MAX,
			"a query is at most %d bytes long", QUERY_MAX);
	rc = sqlite3_prepare_v2(sql->db, query.p, (int)query.n, stmt, &rest);
	if (rc != SQLITE_OK)
		return failed(sql, rc, fault);
	if (!*stmt)
		return ear_fail(fault, EAR_USAGE, 0, "there is no query");
	tail = ear_slice_trim(
		ear_slice(rest, query.n - (size_t)(rest - query.p)));
	if (tail.n)
		return ear_fail(fault, EAR_USAGE, (size_t)(rest - query.p),
			"one query at a time");
	if (!sqlite3_stmt_readonly(*stmt))
		return ear_fail(
			fault, EAR_USAGE, 0, "only reading is allowed here");
	return EAR_OK;
}

static struct ear_sql_cell cell_of(sqlite3_stmt *stmt, int i)
{
	struct ear_sql_cell c = {.type = EAR_SQL_TEXT};

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL: c.type = EAR_SQL_NULL; break;
	case SQLITE_INTEGER:
		c.type = EAR_SQL_INT;
		c.i = sqlite3_column_int64(stmt, i);
		break;
	case SQLITE_FLOAT:
		c.type = EAR_SQL_REAL;
		c.real = sqlite3_column_double(stmt, i);
		break;
	default:
		c.text.p = sqlite3_column_blob(stmt, i);
		c.text.n = (size_t)sqlite3_column_bytes(stmt, i);
	}
	return c;
}

static void row_limit(struct ear_sql *sql)
{
	sql->found.complete = false;
	sql->found.more = true;
	sqlite3_snprintf((int)sizeof(sql->found.why), sql->found.why,
		"stopped after %llu rows; there are more",
		(unsigned long long)sql->options.max_rows);
}

static enum ear_err rows(struct ear_sql *sql, sqlite3_stmt *stmt,
	ear_sql_row_fn fn, void *arg, struct ear_fault *fault)
{
	struct ear_sql_cell cells[COLUMNS_MAX];
	const char *names[COLUMNS_MAX];
	struct ear_sql_row row = {.names = names};
	int n = sqlite3_column_count(stmt), rc;

	row.columns = n < COLUMNS_MAX ? (size_t)n : COLUMNS_MAX;
	for (size_t i = 0; i < row.columns; i++) {
		names[i] = sqlite3_column_name(stmt, (int)i);
		if (!names[i])
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failed(sql, rc, fault);
	if (!fn(&row, arg))
		return EAR_OK;
	row.cells = cells;
	for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
		if (sql->options.max_rows &&
			sql->found.matched >= sql->options.max_rows) {
			row_limit(sql);
			return EAR_OK;
		}
		for (size_t i = 0; i < row.columns; i++)
			cells[i] = cell_of(stmt, (int)i);
		sql->found.matched++;
		if (!fn(&row, arg))
			return EAR_OK;
	}
	return rc == SQLITE_DONE ? EAR_OK : failed(sql, rc, fault);
}

enum ear_err ear_sql_query(struct ear_sql *sql, struct ear_slice query,
	ear_sql_row_fn fn, void *arg, struct ear_found *found,
	struct ear_fault *fault)
{
	sqlite3_stmt *stmt = NULL;
	enum ear_err err;

	sql->found = (struct ear_found){.complete = true,
		.done_from_ns = sql->options.from_ns,
		.done_to_ns = sql->options.to_ns};
	sql->timed_out = false;
	sql->deadline_ns =
		sql->options.limit_ms
			? ear_mono_ns() + sql->options.limit_ms * EAR_MS_NS
			: 0;
	err = prepare(sql, query, &stmt, fault);
	if (!err)
		err = rows(sql, stmt, fn, arg, fault);
	sqlite3_finalize(stmt);
	*found = sql->found;
	return err;
}
