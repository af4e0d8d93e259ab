/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binding connections to accounts, where their rows came apart: another
 * process, a restart, older data that was imported later. What came in order
 * the trackers have bound already, and it stays as it is.
 *
 * Whatever is written that is not bound leaves an entry in "todo"; each entry
 * is looked at once and gone, unless it waits for its time. So the job goes on
 * where it was, and runs again for exactly what is new.
 *
 *   entry of a session row   a REGISTER without a connection looks for the
 *                            generation it came over: same node, addresses,
 *                            and open at that time
 *   entry of a connection    all accounts that registered over it are written
 *                            into its rows; and REGISTERs that came over it
 *                            before it was known are found
 *
 * By address alone nothing is ever bound: NAT gives a port to another within
 * minutes. What looks alike is a hint in the row's reason.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/time.h"
#include "records/keys.h"

/* After it closed, so long may what registered over it come late. */
#define GRACE_NS (60 * EAR_SECOND_NS)
/* Two clocks may differ by this and be meant as one: for hints alone. */
#define GUESS_NS (2 * EAR_SECOND_NS)
/* A connection whose end was not seen, as its capture ended before, held so
 * long after its last sign of life at most: by then its port is another's. */
#define UNSEEN_NS (3600 * EAR_SECOND_NS)
/* Accounts named in one row; more are counted only. */
#define PEERS_MAX 64

/** How a connection stands. Written to disk. */
enum bound {
	BOUND_WAITING = 0,
	BOUND_ONE = 1,
	BOUND_SEVERAL = 2,
	BOUND_NONE = 3,
};

static const char *const bound_names[] = {
	"waiting", "bound", "ambiguous", "unbound"};

/*
 * All spans from one to another. As a list and not as a range, since behind a
 * range an index knows nothing more.
 */
#define SPANS(from, to)                                     \
	" IN (WITH RECURSIVE all_spans(n) AS (SELECT " from \
	" UNION ALL SELECT n+1 FROM all_spans WHERE n<" to  \
	") SELECT n FROM all_spans)"

/* Statements, kept from one run to the next: making one costs more than what
 * it does. Known by the address of their text. */
#define KEPT 24

struct ear_reconciler {
	sqlite3 *db;
	struct ear_keys *keys; /* borrowed */
	struct {
		const char *sql;
		sqlite3_stmt *st;
	} kept[KEPT];
};

struct job {
	struct ear_reconciler *of;
	sqlite3 *db;
	struct ear_fault *fault;
	enum ear_err err;
	uint64_t newest_ns;
};

struct entry {
	uint64_t what, at, id;
};

/* The connection that an entry is about. */
struct conn {
	uint64_t at, id, closed, last;
	uint64_t bound;
	bool inferred;
};

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

/* @param sql a literal. @return to be given to done() or end() */
static sqlite3_stmt *ask(struct job *j, const char *sql)
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

static bool next(struct job *j, sqlite3_stmt *st)
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

static void end(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	/* texts that were bound are borrowed */
	sqlite3_clear_bindings(st);
}

/* Run to the end. */
static void done(struct job *j, sqlite3_stmt *st)
{
	while (next(j, st))
		;
	end(st);
}

static void text(sqlite3_stmt *st, int at, struct ear_slice s)
{
	sqlite3_bind_text64(
		st, at, s.p ? s.p : "", s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void count(struct job *j, const char *what, int64_t by)
{
	sqlite3_stmt *st = ask(j, "INSERT INTO meta VALUES(?1,?2)"
				  " ON CONFLICT DO UPDATE SET n=n+?2");

	if (!st)
		return;
	sqlite3_bind_text(st, 1, what, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, by);
	done(j, st);
}

/* --- who registered over a connection ---------------------------------- */

struct peers {
	struct ear_buf names, accounts; /* with commas between */
	size_t n;
};

static void add_peer(
	struct peers *p, struct ear_slice name, struct ear_slice account)
{
	if (p->n++ >= PEERS_MAX)
		return;
	if (p->n > 1)
		ear_buf_byte(&p->names, ',');
	ear_buf_slice(&p->names, name);
	if (!account.n)
		return;
	if (p->accounts.n)
		ear_buf_byte(&p->accounts, ',');
	ear_buf_slice(&p->accounts, account);
}

static uint64_t last_of(const struct job *j, const struct conn *c)
{
	return c->closed ? c->closed : j->newest_ns;
}

/* Until then what has its addresses came over it. */
static uint64_t held_until(const struct job *j, const struct conn *c)
{
	uint64_t until = last_of(j, c);

	return c->closed || until < c->last + UNSEEN_NS ? until
							: c->last + UNSEEN_NS;
}

/* Which rows are of a connection: ?1 and ?2 its spans, ?3 its id. */
static void bind_rows(
	const struct job *j, const struct conn *c, sqlite3_stmt *st)
{
	ear_sql_bind(st, 1, EAR_SPAN_OF(c->at));
	ear_sql_bind(st, 2, EAR_SPAN_OF(last_of(j, c)));
	ear_sql_bind(st, 3, c->id);
}

static void find_peers(struct job *j, const struct conn *c, struct peers *p)
{
	sqlite3_stmt *st = ask(j,
		"SELECT peername, max(account) FROM session"
		" INDEXED BY session_connection"
		" WHERE span" SPANS("?1", "?2") " AND connection=?3"
						" AND connection<>0 AND event "
						"IN(2,3) AND failed=0"
						" AND peername<>'' GROUP BY "
						"peername ORDER BY min(at)");

	if (!st)
		return;
	bind_rows(j, c, st);
	while (next(j, st))
		add_peer(p, ear_sql_blob(st, 0), ear_sql_blob(st, 1));
	end(st);
}

/* Which of its CONNECT and DISCONNECT are to be written. */
#define TO_WRITE                                             \
	" FROM session INDEXED BY session_connection"        \
	" WHERE span" SPANS("?1", "?2") " AND connection=?3" \
					" AND connection<>0" \
					" AND event IN(1,4)" \
					" AND (peername<>?4" \
					" OR account<>?5 OR reconciled=0)"

/* Their users' keys: those they had go. */
static void write_keys(
	struct job *j, const struct conn *c, const struct peers *p)
{
	sqlite3_stmt *st = ask(j, "SELECT at,id,peername" TO_WRITE);
	struct ear_keys *keys = j->of->keys;

	if (!st)
		return;
	bind_rows(j, c, st);
	text(st, 4, ear_buf_view(&p->names));
	text(st, 5, ear_buf_view(&p->accounts));
	while (next(j, st)) {
		uint64_t at = ear_sql_u64(st, 0), id = ear_sql_u64(st, 1);

		ear_keys_peers(keys, ear_sql_blob(st, 2), at, id, true);
		ear_keys_peers(keys, ear_buf_view(&p->names), at, id, false);
	}
	end(st);
}

/* CONNECT and DISCONNECT get the accounts; REGISTERs what TLS is known. */
static void write_peers(
	struct job *j, const struct conn *c, const struct peers *p)
{
	sqlite3_stmt *st;

	write_keys(j, c, p);
	st = ask(j, "UPDATE session SET peername=?4, account=?5, reconciled=1,"
		    " reason='' WHERE (at,id) IN (SELECT at,id" TO_WRITE ")");
	if (!st)
		return;
	bind_rows(j, c, st);
	text(st, 4, ear_buf_view(&p->names));
	text(st, 5, ear_buf_view(&p->accounts));
	done(j, st);
	st = ask(j, "UPDATE session SET (tls_version,tls_cipher)="
		    "(SELECT tls_version,tls_cipher FROM connection"
		    "  WHERE at=?4 AND id=?3)"
		    " WHERE (at,id) IN (SELECT s.at,s.id"
		    "  FROM connection AS k CROSS JOIN session AS s"
		    "  INDEXED BY session_connection"
		    "  ON s.span" SPANS("?1",
			    "?2") " AND s.connection=?3"
				  "  AND s.connection<>0 AND s.tls_version=0"
				  "  WHERE k.at=?4 AND k.id=?3 AND "
				  "k.tls_version<>0)");
	if (!st)
		return;
	bind_rows(j, c, st);
	ear_sql_bind(st, 4, c->at);
	done(j, st);
}

static void write_reason(struct job *j, const struct conn *c, const char *why)
{
	sqlite3_stmt *st = ask(j,
		"UPDATE session SET reason=?4 WHERE (at,id) IN"
		" (SELECT at,id FROM session INDEXED BY session_connection"
		" WHERE span" SPANS("?1", "?2") " AND connection=?3"
						" AND connection<>0 AND event "
						"IN(1,4) AND reconciled=0"
						" AND reason<>?4)");

	if (!st)
		return;
	bind_rows(j, c, st);
	sqlite3_bind_text(st, 4, why, -1, SQLITE_STATIC);
	done(j, st);
}

static void write_bound(struct job *j, const struct conn *c, enum bound bound,
	const struct peers *p)
{
	sqlite3_stmt *st = ask(j,
		"UPDATE connection SET peername=?3, bound=?4"
		" WHERE at=?1 AND id=?2 AND (peername<>?3 OR bound<>?4)");

	if (!st)
		return;
	ear_sql_bind(st, 1, c->at);
	ear_sql_bind(st, 2, c->id);
	text(st, 3, ear_buf_view(&p->names));
	/* one more, so that 0 is one that was never looked at */
	sqlite3_bind_int(st, 4, (int)bound + 1);
	done(j, st);
	if (c->bound == (uint64_t)bound + 1)
		return;
	if (c->bound)
		count(j, bound_names[(c->bound - 1) & 3], -1);
	count(j, bound_names[bound], 1);
}

/* --- REGISTERs whose connection was not known -------------------------- */

/*
 * Those over this connection's addresses while it was up, and those over one
 * that was only inferred: what was seen goes before.
 */
static void adopt(struct job *j, const struct conn *c)
{
	sqlite3_stmt *st;

	if (c->inferred)
		return;
	st = ask(j,
		"UPDATE session SET connection=?2, reconciled=1, inferred=0,"
		" reason='', (tls_version,tls_cipher)="
		"(SELECT tls_version,tls_cipher FROM connection"
		"  WHERE at=?1 AND id=?2)"
		" WHERE (at,id) IN (SELECT s.at,s.id"
		"  FROM connection AS k CROSS JOIN session AS s"
		"  INDEXED BY session_stream"
		"  ON s.span" SPANS("?3",
			"?4") " AND s.remote_ip=k.client_ip"
			      "  AND s.at>=k.at AND s.at<=?5 AND "
			      "s.remote_port=k.client_port"
			      "  AND s.local_ip=k.server_ip AND "
			      "s.local_port=k.server_port"
			      "  AND s.node=k.node AND s.event IN(2,3) AND "
			      "s.failed=0"
			      "  AND s.connection<>k.id AND s.transport<>1"
			      "  LEFT JOIN connection AS o INDEXED BY "
			      "connection_id"
			      "  ON o.id=s.connection"
			      "  WHERE k.at=?1 AND k.id=?2"
			      "  AND (s.connection=0 OR o.inferred=1))");
	if (!st)
		return;
	ear_sql_bind(st, 1, c->at);
	ear_sql_bind(st, 2, c->id);
	ear_sql_bind(st, 3, EAR_SPAN_OF(c->at));
	ear_sql_bind(st, 4, EAR_SPAN_OF(held_until(j, c)));
	ear_sql_bind(st, 5, held_until(j, c));
	done(j, st);
}

/*
 * A connection that was inferred from messages alone, though the same was
 * seen by another tap: its registrations are bound to the one that was seen,
 * and its own rows go.
 */
static void drop_inferred(struct job *j, const struct conn *c)
{
	static const char *const gone[] = {
		"DELETE FROM session WHERE (at,id) IN (SELECT s.at,s.id"
		" FROM connection AS k CROSS JOIN connection AS o"
		" INDEXED BY connection_client"
		" ON o.span" SPANS(
			"?3", "?4") " AND o.client_ip=k.client_ip"
				    " AND o.client_port=k.client_port AND "
				    "o.server_ip=k.server_ip"
				    " AND o.server_port=k.server_port AND "
				    "o.node=k.node"
				    " AND o.inferred=1 AND o.at>=k.at AND "
				    "o.at<=?5 AND o.id<>k.id"
				    " CROSS JOIN session AS s INDEXED BY "
				    "session_connection"
				    " ON s.span" SPANS("?3",
					    "?6") " AND s.connection=o.id"
						  " AND s.connection<>0 AND "
						  "s.event IN(1,4)"
						  " WHERE k.at=?1 AND k.id=?2)",
		"DELETE FROM connection WHERE (at,id) IN (SELECT o.at,o.id"
		" FROM connection AS k CROSS JOIN connection AS o"
		" INDEXED BY connection_client"
		" ON o.span" SPANS(
			"?3", "?4") " AND o.client_ip=k.client_ip"
				    " AND o.client_port=k.client_port AND "
				    "o.server_ip=k.server_ip"
				    " AND o.server_port=k.server_port AND "
				    "o.node=k.node"
				    " AND o.inferred=1 AND o.at>=k.at AND "
				    "o.at<=?5 AND o.id<>k.id"
				    " AND ?6>=0 WHERE k.at=?1 AND k.id=?2)"};

	for (size_t i = 0; !c->inferred && i < 2; i++) {
		sqlite3_stmt *st = ask(j, gone[i]);
		const char *of = i ? "connection" : "session";
		int before = sqlite3_total_changes(j->db);

		if (!st)
			return;
		ear_sql_bind(st, 1, c->at);
		ear_sql_bind(st, 2, c->id);
		ear_sql_bind(st, 3, EAR_SPAN_OF(c->at));
		ear_sql_bind(st, 4, EAR_SPAN_OF(held_until(j, c)));
		ear_sql_bind(st, 5, held_until(j, c));
		ear_sql_bind(st, 6, EAR_SPAN_OF(j->newest_ns));
		done(j, st);
		before = sqlite3_total_changes(j->db) - before;
		if (before)
			count(j, of, -before);
	}
}

/* --- entries ----------------------------------------------------------- */

/* The generation that a registration without one came over. */
static const char generation[] =
	"SELECT n.at,n.id,n.closed,n.bound,n.inferred,n.last FROM session AS s"
	" CROSS JOIN connection AS n INDEXED BY connection_client"
	" ON n.span" SPANS(
		"s.span-64", "s.span") " AND n.client_ip=s.remote_ip AND "
				       "n.client_port=s.remote_port"
				       " AND n.server_ip=s.local_ip AND "
				       "n.server_port=s.local_port"
				       " AND n.node=s.node AND n.at<=s.at"
				       " AND (n.closed>=s.at OR (n.closed=0 "
				       "AND s.at<=n.last+?3))"
				       " WHERE s.at=?1 AND s.id=?2 ORDER BY "
				       "n.inferred, n.at DESC LIMIT 1";

static const char own[] =
	"SELECT n.at,n.id,n.closed,n.bound,n.inferred,n.last FROM session AS s"
	" CROSS JOIN connection AS n INDEXED BY connection_id ON "
	"n.id=s.connection"
	" WHERE s.at=?1 AND s.id=?2 AND s.connection<>0 LIMIT 1";

static bool load_conn(
	struct job *j, const char *sql, const struct entry *e, struct conn *c)
{
	sqlite3_stmt *st = ask(j, sql);
	bool found = false;

	if (!st)
		return false;
	ear_sql_bind(st, 1, e->at);
	ear_sql_bind(st, 2, e->id);
	if (sql == generation)
		ear_sql_bind(st, 3, UNSEEN_NS);
	if (next(j, st)) {
		*c = (struct conn){.at = ear_sql_u64(st, 0),
			.id = ear_sql_u64(st, 1),
			.closed = ear_sql_u64(st, 2),
			.bound = ear_sql_u64(st, 3),
			.inferred = sqlite3_column_int(st, 4) != 0,
			.last = ear_sql_u64(st, 5)};
		found = true;
	}
	end(st);
	return found;
}

static void come_back(struct job *j, const struct conn *c)
{
	sqlite3_stmt *st = ask(j, "INSERT OR IGNORE INTO todo VALUES(?,1,?,?)");

	if (!st)
		return;
	ear_sql_bind(st, 1, c->closed + GRACE_NS);
	ear_sql_bind(st, 2, c->at);
	ear_sql_bind(st, 3, c->id);
	done(j, st);
}

static void connection(struct job *j, const struct conn *c)
{
	struct peers p = {0};
	enum bound bound;

	adopt(j, c);
	drop_inferred(j, c);
	find_peers(j, c, &p);
	if (p.n)
		write_peers(j, c, &p);
	bound = p.n > 1 ? BOUND_SEVERAL : p.n ? BOUND_ONE : BOUND_WAITING;
	if (!p.n && c->closed) {
		if (j->newest_ns >= c->closed + GRACE_NS) {
			bound = BOUND_NONE;
			write_reason(
				j, c, "no registration on this connection");
		} else {
			come_back(j, c);
		}
	}
	write_bound(j, c, bound, &p);
	if (p.names.err || p.accounts.err)
		j->err = ear_fail(j->fault, EAR_NOMEM, 0, "out of memory");
	ear_buf_fini(&p.names);
	ear_buf_fini(&p.accounts);
}

/* A connection of the same host about then, port or clock apart. */
static void hint(struct job *j, const struct entry *e)
{
	sqlite3_stmt *st = ask(j,
		"UPDATE session SET reason=coalesce((SELECT"
		" 'maybe the connection that opened at '||"
		" strftime('%Y-%m-%d %H:%M:%S',n.at/1000000000,'unixepoch')"
		" FROM session AS s CROSS JOIN connection AS n"
		" INDEXED BY connection_client"
		" ON n.span" SPANS("s.span-64",
			"s.span+1") " AND n.client_ip=s.remote_ip AND "
				    "n.at<=s.at+?3"
				    " AND (n.closed=0 OR n.closed>=s.at-?3)"
				    " WHERE s.at=?1 AND s.id=?2 ORDER BY n.at "
				    "DESC LIMIT 1),"
				    " 'its connection was not seen')"
				    " WHERE at=?1 AND id=?2 AND connection=0 "
				    "AND reconciled=0"
				    " AND event IN(2,3)");

	if (!st)
		return;
	ear_sql_bind(st, 1, e->at);
	ear_sql_bind(st, 2, e->id);
	ear_sql_bind(st, 3, GUESS_NS);
	done(j, st);
}

static void one(struct job *j, const struct entry *e)
{
	struct conn c;

	if (e->what == 1) {
		if (load_conn(j,
			    "SELECT at,id,closed,bound,inferred,last"
			    " FROM connection WHERE at=? AND id=?",
			    e, &c))
			connection(j, &c);
		return;
	}
	if (load_conn(j, own, e, &c) || load_conn(j, generation, e, &c))
		connection(j, &c);
	else
		hint(j, e);
}

enum ear_err ear_reconcile(struct ear_reconciler *of, size_t most, bool *left,
	struct ear_fault *fault)
{
	struct job j = {.of = of, .db = of->db, .fault = fault};
	struct entry entries[128];
	size_t n = 0, total = 0;

	j.newest_ns = ear_file_u64(
		of->db, "SELECT n FROM meta WHERE name='newest'", 0);
	do {
		sqlite3_stmt *st = ask(&j,
			"DELETE FROM todo WHERE (due,what,at,id) IN"
			" (SELECT due,what,at,id FROM todo WHERE due<=?1"
			" ORDER BY due,what,at,id LIMIT 128)"
			" RETURNING what,at,id");

		if (!st)
			break;
		ear_sql_bind(st, 1, j.newest_ns);
		for (n = 0; n < 128 && next(&j, st); n++)
			entries[n] = (struct entry){ear_sql_u64(st, 0),
				ear_sql_u64(st, 1), ear_sql_u64(st, 2)};
		done(&j, st);
		for (size_t i = 0; !j.err && i < n; i++)
			one(&j, &entries[i]);
		total += n;
	} while (!j.err && n == 128 && total < most);
	*left = n == 128;
	if (!j.err) {
		sqlite3_stmt *st =
			ask(&j, "REPLACE INTO meta VALUES('reconciled',?)");

		if (st) {
			ear_sql_bind(st, 1, ear_now_ns());
			done(&j, st);
		}
	}
	return j.err;
}
