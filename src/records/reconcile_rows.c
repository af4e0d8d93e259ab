/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a connection: who registered over it, and what that writes. */
#include "records/reconcile_priv.h"

/* Accounts named in one row; more are counted only. */
#define PEERS_MAX 64

static const char *const bound_names[] = {
	"waiting", "bound", "ambiguous", "unbound"};

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

uint64_t reconcile_rows_until(const struct job *j, const struct conn *c)
{
	uint64_t most = c->at + ((uint64_t)SPANS_MAX << EAR_SPAN_BITS);
	uint64_t until = j->newest_ns < j->now_ns ? j->newest_ns : j->now_ns;

	until = c->last > until ? c->last : until;
	until = c->seen > until ? c->seen : until;
	return until < most ? until : most;
}

static uint64_t last_of(const struct job *j, const struct conn *c)
{
	uint64_t until = reconcile_rows_until(j, c);

	return c->closed && c->closed < until ? c->closed : until;
}

/* Until then what has its addresses came over it. */
uint64_t reconcile_held_until(const struct job *j, const struct conn *c)
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

void reconcile_find_peers(struct job *j, const struct conn *c, struct peers *p)
{
	sqlite3_stmt *st = reconcile_ask(j,
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
	while (reconcile_next(j, st))
		add_peer(p, ear_sql_blob(st, 0), ear_sql_blob(st, 1));
	reconcile_end(st);
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
	sqlite3_stmt *st = reconcile_ask(j, "SELECT at,id,peername" TO_WRITE);
	struct ear_keys *keys = j->of->keys;

	if (!st)
		return;
	bind_rows(j, c, st);
	reconcile_text(st, 4, ear_buf_view(&p->names));
	reconcile_text(st, 5, ear_buf_view(&p->accounts));
	while (reconcile_next(j, st)) {
		uint64_t at = ear_sql_u64(st, 0), id = ear_sql_u64(st, 1);

		ear_keys_peers(keys, ear_sql_blob(st, 2), at, id, true);
		ear_keys_peers(keys, ear_buf_view(&p->names), at, id, false);
	}
	reconcile_end(st);
}

/* CONNECT and DISCONNECT get the accounts; REGISTERs what TLS is known. */
void reconcile_write_peers(
	struct job *j, const struct conn *c, const struct peers *p)
{
	sqlite3_stmt *st;

	write_keys(j, c, p);
	st = reconcile_ask(j,
		"UPDATE session SET peername=?4, account=?5, reconciled=1,"
		" reason='' WHERE (at,id) IN (SELECT at,id" TO_WRITE ")");
	if (!st)
		return;
	bind_rows(j, c, st);
	reconcile_text(st, 4, ear_buf_view(&p->names));
	reconcile_text(st, 5, ear_buf_view(&p->accounts));
	reconcile_done(j, st);
	st = reconcile_ask(j,
		"UPDATE session SET (tls_version,tls_cipher)="
		"(SELECT tls_version,tls_cipher FROM connection"
		"  WHERE at=?4 AND id=?3)"
		" WHERE (at,id) IN (SELECT s.at,s.id"
		"  FROM connection AS k CROSS JOIN session AS s"
		"  INDEXED BY session_connection"
		"  ON s.span" SPANS(
			"?1", "?2") " AND s.connection=?3"
				    "  AND s.connection<>0 AND s.tls_version=0"
				    "  WHERE k.at=?4 AND k.id=?3 AND "
				    "k.tls_version<>0)");
	if (!st)
		return;
	bind_rows(j, c, st);
	ear_sql_bind(st, 4, c->at);
	reconcile_done(j, st);
}

void reconcile_write_reason(
	struct job *j, const struct conn *c, const char *why)
{
	sqlite3_stmt *st = reconcile_ask(j,
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
	reconcile_done(j, st);
}

void reconcile_count_bound(struct job *j, uint64_t bound, int64_t by)
{
	if (bound)
		reconcile_count(j, bound_names[(bound - 1) & 3], by);
}

void reconcile_write_bound(struct job *j, const struct conn *c,
	enum bound bound, const struct peers *p)
{
	sqlite3_stmt *st = reconcile_ask(j,
		"UPDATE connection SET peername=?3, bound=?4"
		" WHERE at=?1 AND id=?2 AND (peername<>?3 OR bound<>?4)");

	if (!st)
		return;
	ear_sql_bind(st, 1, c->at);
	ear_sql_bind(st, 2, c->id);
	reconcile_text(st, 3, ear_buf_view(&p->names));
	/* one more, so that 0 is one that was never looked at */
	sqlite3_bind_int(st, 4, (int)bound + 1);
	reconcile_done(j, st);
	if (c->bound == (uint64_t)bound + 1)
		return;
	reconcile_count_bound(j, c->bound, -1);
	reconcile_count_bound(j, (uint64_t)bound + 1, 1);
}
