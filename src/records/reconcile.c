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
#include "records/reconcile_priv.h"

/* After it closed, so long may what registered over it come late. */
#define GRACE_NS (60 * EAR_SECOND_NS)
/* Two clocks may differ by this and be meant as one: for hints alone. */
#define GUESS_NS (2 * EAR_SECOND_NS)

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
	sqlite3_stmt *st = reconcile_ask(j, sql);
	bool found = false;

	if (!st)
		return false;
	ear_sql_bind(st, 1, e->at);
	ear_sql_bind(st, 2, e->id);
	if (sql == generation)
		ear_sql_bind(st, 3, UNSEEN_NS);
	if (reconcile_next(j, st)) {
		*c = (struct conn){.at = ear_sql_u64(st, 0),
			.id = ear_sql_u64(st, 1),
			.closed = ear_sql_u64(st, 2),
			.bound = ear_sql_u64(st, 3),
			.inferred = sqlite3_column_int(st, 4) != 0,
			.last = ear_sql_u64(st, 5),
			.seen = e->at};
		found = true;
	}
	reconcile_end(st);
	return found;
}

static void come_back(struct job *j, const struct conn *c)
{
	sqlite3_stmt *st =
		reconcile_ask(j, "INSERT OR IGNORE INTO todo VALUES(?,1,?,?)");

	if (!st)
		return;
	ear_sql_bind(st, 1, c->closed + GRACE_NS);
	ear_sql_bind(st, 2, c->at);
	ear_sql_bind(st, 3, c->id);
	reconcile_done(j, st);
}

static void connection(struct job *j, const struct conn *c)
{
	struct peers p = {0};
	enum bound bound;

	reconcile_adopt(j, c);
	reconcile_drop_inferred(j, c);
	reconcile_find_peers(j, c, &p);
	if (p.n)
		reconcile_write_peers(j, c, &p);
	bound = p.n > 1 ? BOUND_SEVERAL : p.n ? BOUND_ONE : BOUND_WAITING;
	if (!p.n && c->closed) {
		if (j->newest_ns >= c->closed + GRACE_NS) {
			bound = BOUND_NONE;
			reconcile_write_reason(
				j, c, "no registration on this connection");
		} else {
			come_back(j, c);
		}
	}
	reconcile_write_bound(j, c, bound, &p);
	if (p.names.err || p.accounts.err)
		j->err = ear_fail(j->fault, EAR_NOMEM, 0, "out of memory");
	ear_buf_fini(&p.names);
	ear_buf_fini(&p.accounts);
}

/* A connection of the same host about then, port or clock apart. */
static void hint(struct job *j, const struct entry *e)
{
	sqlite3_stmt *st = reconcile_ask(j,
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
	reconcile_done(j, st);
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
	struct job j = {.of = of,
		.db = of->db,
		.fault = fault,
		.now_ns = ear_now_ns() + 86400 * EAR_SECOND_NS};
	struct entry entries[128];
	size_t n = 0, total = 0;

	j.newest_ns = ear_file_u64(
		of->db, "SELECT n FROM meta WHERE name='newest'", 0);
	do {
		sqlite3_stmt *st = reconcile_ask(&j,
			"DELETE FROM todo WHERE (due,what,at,id) IN"
			" (SELECT due,what,at,id FROM todo WHERE due<=?1"
			" ORDER BY due,what,at,id LIMIT 128)"
			" RETURNING what,at,id");

		if (!st)
			break;
		ear_sql_bind(st, 1, j.newest_ns);
		for (n = 0; n < 128 && reconcile_next(&j, st); n++)
			entries[n] = (struct entry){ear_sql_u64(st, 0),
				ear_sql_u64(st, 1), ear_sql_u64(st, 2)};
		reconcile_done(&j, st);
		for (size_t i = 0; !j.err && i < n; i++)
			one(&j, &entries[i]);
		total += n;
	} while (!j.err && n == 128 && total < most);
	*left = n == 128;
	if (!j.err) {
		sqlite3_stmt *st = reconcile_ask(
			&j, "REPLACE INTO meta VALUES('reconciled',?)");

		if (st) {
			ear_sql_bind(st, 1, ear_now_ns());
			reconcile_done(&j, st);
		}
	}
	return j.err;
}
