/* SPDX-License-Identifier: Apache-2.0 */
/* What was written before a connection was known: REGISTERs without one, and
 * the same connection as it was inferred. */
#include "records/reconcile_priv.h"
#include "records/tally.h"

/*
 * Those over this connection's addresses while it was up, and those over one
 * that was only inferred: what was seen goes before.
 */
void reconcile_adopt(struct job *j, const struct conn *c)
{
	sqlite3_stmt *st;

	if (c->inferred)
		return;
	st = reconcile_ask(j,
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
	ear_sql_bind(st, 4, EAR_SPAN_OF(reconcile_held_until(j, c)));
	ear_sql_bind(st, 5, reconcile_held_until(j, c));
	reconcile_done(j, st);
}

/* Neither its keys nor what was counted with it hold any longer. */
static void forget_session(struct job *j, sqlite3_stmt *st)
{
	uint64_t at = ear_sql_u64(st, 0);

	ear_keys_session(j->of->keys, ear_sql_blob(st, 2), ear_sql_blob(st, 3),
		at, ear_sql_u64(st, 1), true);
	if (!j->err)
		j->err = ear_tally_spoil_row(
			j->db, EAR_LIST_SESSIONS, at, j->fault);
}

/* Connections that were inferred while this one was up: the same, seen by
 * messages alone. ?1 and ?2 it; ?3 and ?4 its spans; ?5 until when. */
#define INFERRED_TWINS                                                     \
	" FROM connection AS k CROSS JOIN connection AS o"                 \
	" INDEXED BY connection_client"                                    \
	" ON o.span" SPANS("?3",                                           \
		"?4") " AND o.client_ip=k.client_ip"                       \
		      " AND o.client_port=k.client_port"                   \
		      " AND o.server_ip=k.server_ip"                       \
		      " AND o.server_port=k.server_port AND o.node=k.node" \
		      " AND o.inferred=1 AND o.at>=k.at AND o.at<=?5"      \
		      " AND o.id<>k.id"

static void bind_twins(
	const struct job *j, const struct conn *c, sqlite3_stmt *st)
{
	uint64_t until = reconcile_held_until(j, c);

	ear_sql_bind(st, 1, c->at);
	ear_sql_bind(st, 2, c->id);
	ear_sql_bind(st, 3, EAR_SPAN_OF(c->at));
	ear_sql_bind(st, 4, EAR_SPAN_OF(until));
	ear_sql_bind(st, 5, until);
}

static void drop_sessions(struct job *j, const struct conn *c)
{
	sqlite3_stmt *st = reconcile_ask(j,
		"DELETE FROM session WHERE (at,id) IN"
		" (SELECT s.at,s.id" INFERRED_TWINS
		" CROSS JOIN session AS s INDEXED BY session_connection"
		" ON s.span" SPANS(
			"?3", "?6") " AND s.connection=o.id"
				    " AND s.connection<>0 AND s.event IN(1,4)"
				    " WHERE k.at=?1 AND k.id=?2)"
				    " RETURNING at,id,peername,remote_ip");
	int64_t n = 0;

	if (!st)
		return;
	bind_twins(j, c, st);
	ear_sql_bind(st, 6, EAR_SPAN_OF(reconcile_rows_until(j, c)));
	for (; reconcile_next(j, st); n++)
		forget_session(j, st);
	reconcile_end(st);
	if (n)
		reconcile_count(j, "session", -n);
}

static void drop_connections(struct job *j, const struct conn *c)
{
	sqlite3_stmt *st =
		reconcile_ask(j, "DELETE FROM connection WHERE (at,id) IN"
				 " (SELECT o.at,o.id" INFERRED_TWINS
				 " WHERE k.at=?1 AND k.id=?2) RETURNING bound");
	int64_t n = 0;

	if (!st)
		return;
	bind_twins(j, c, st);
	for (; reconcile_next(j, st); n++)
		reconcile_count_bound(j, ear_sql_u64(st, 0), -1);
	reconcile_end(st);
	if (n)
		reconcile_count(j, "connection", -n);
}

/*
 * A connection that was inferred from messages alone, though the same was
 * seen by another tap: its registrations are bound to the one that was seen,
 * and its own rows go.
 */
void reconcile_drop_inferred(struct job *j, const struct conn *c)
{
	if (c->inferred)
		return;
	drop_sessions(j, c);
	drop_connections(j, c);
}
