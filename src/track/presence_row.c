/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "track/presence_register.h"

static void give_session(
	struct ear_presence *p, const struct ear_session_row *row)
{
	if (p->out.session)
		p->out.session(row, p->out.arg);
}

static uint64_t event_id(uint64_t id, uint64_t event)
{
	uint64_t v[2] = {id, event};

	return row_id(hash_of(v, 2));
}

/* --- connections -------------------------------------------------------- */

/* Slices into the name, which outlives the call. */
static void tls_of(const struct ear_presence *p, const struct conn *c,
	struct ear_conn_tls *tls)
{
	struct ear_conn_event event = {0};

	if (c->tls && !ear_conn_read(ear_names_text(&p->names, c->tls), &event))
		*tls = event.tls;
}

void row_conn(struct ear_presence *p, uint32_t h, const uint64_t bytes[2])
{
	struct conn *c = conn_at(p, h);
	struct ear_conn_row row = {
		.at_ns = c->at_ns,
		.id = c->id,
		.closed_ns = c->closed_ns,
		.last_ns = c->last_ns,
		.cause = c->cause,
		.by = c->by,
		.transport = c->transport,
		.inferred = c->inferred,
		.joined = c->joined,
		.client = c->client,
		.server = addr_of(p, c->server),
		.messages = c->messages,
		.node = ear_names_text(&p->names, c->node),
	};

	if (bytes) {
		row.bytes[0] = bytes[0];
		row.bytes[1] = bytes[1];
	}
	tls_of(p, c, &row.tls);
	c->told_s = (uint32_t)(p->now_ns / EAR_SECOND_NS);
	if (p->out.conn)
		p->out.conn(&row, p->out.arg);
}

/* Why nobody is known to have been on it; "" while somebody may come. */
static struct ear_slice why_unbound(const struct ear_presence *p,
	const struct conn *c, char *room, size_t n)
{
	struct ear_slice user = ear_names_text(&p->names, c->user);
	int used;

	if (c->peers_n || (!c->closed_ns && !c->user))
		return (struct ear_slice){0};
	if (!c->user)
		return EAR_S("no registration on this connection");
	used = snprintf(room, n, "%srequests with the credentials of %.*s",
		c->closed_ns ? "no registration on this connection; " : "",
		EAR_FMT(user));
	return ear_slice(room, used < (int)n ? (size_t)used : n - 1);
}

static void give_disconnect(struct ear_presence *p, const struct conn *c,
	struct ear_session_row *row)
{
	row->at_ns = c->closed_ns;
	row->event = EAR_SESSION_DISCONNECT;
	row->id = event_id(c->id, row->event);
	row->details = ear_conn_cause_name(c->cause);
	row->inferred = c->inferred;
	row->source = c->by == EAR_SIDE_SERVER || c->cause == EAR_CAUSE_TIMEOUT
			      ? EAR_SOURCE_SERVER
			      : EAR_SOURCE_CLIENT;
	if (c->given_up) {
		row->reason = EAR_S("given up: too many connections");
	} else if (c->peers_n && c->inferred && c->cause == EAR_CAUSE_TIMEOUT) {
		row->reason = EAR_S("inferred: nothing more was seen on it");
	}
	give_session(p, row);
}

void row_conn_events(struct ear_presence *p, uint32_t h)
{
	const struct conn *c = conn_at(p, h);
	struct ear_conn_tls tls = {0};
	struct ear_session_row row = {
		.at_ns = c->at_ns,
		.id = event_id(c->id, EAR_SESSION_CONNECT),
		.event = EAR_SESSION_CONNECT,
		.source = EAR_SOURCE_CLIENT,
		.inferred = c->inferred || c->joined,
		.reconciled = c->peers_n > 0,
		.transport = c->transport,
		.connection = c->id,
		.remote = c->client,
		.local = addr_of(p, c->server),
		.node = ear_names_text(&p->names, c->node),
	};
	char why[TEXT_MAX + 96];

	tls_of(p, c, &tls);
	row.tls_version = tls.version;
	row.tls_cipher = tls.cipher_name;
	peers_text(p, c, &row.peername, &row.account);
	row.reason = why_unbound(p, c, why, sizeof(why));
	give_session(p, &row);
	if (c->closed_ns)
		give_disconnect(p, c, &row);
}

/* --- registrations ------------------------------------------------------ */

static uint64_t registered_id(const struct registered *r)
{
	uint64_t v[4] = {r->w->call, r->w->aor, r->w->cseq,
		r->event | (r->failed ? 0x100u : 0)};

	return row_id(hash_of(v, 4));
}

void row_registered(struct ear_presence *p, const struct registered *r)
{
	const struct pend *w = r->w;
	struct ear_conn_tls tls = {0};
	bool trunk = r->trunk;
	struct ear_slice text[P_TEXTS];
	struct ear_session_row row = {
		.at_ns = r->at_ns,
		.id = registered_id(r),
		.event = r->event,
		.source = trunk ? EAR_SOURCE_TRUNK : EAR_SOURCE_CLIENT,
		.failed = r->failed,
		.reconciled = true,
		.transport = w->transport,
		.code = r->code,
		.expires_s = r->expires_s,
		.connection = w->connection,
		.remote = r->remote,
		.local = trunk ? w->src : w->dst,
		.details = r->details,
		.node = ear_names_text(&p->names, w->node),
	};

	pend_texts(w, text);
	row.peername = text[text[P_USER].n ? P_USER : P_HOST];
	row.domain = text[P_HOST];
	row.account = text[P_NAME];
	row.user_agent = text[P_AGENT];
	row.call_id = text[P_CALL_ID];
	if (conn_is(p, w->conn, w->connection)) {
		const struct conn *c = conn_at(p, w->conn);

		tls_of(p, c, &tls);
		row.tls_version = tls.version;
		row.tls_cipher = tls.cipher_name;
	}
	if (r->failed)
		p->stats.refused++;
	else if (r->event == EAR_SESSION_REGISTER)
		p->stats.registered++;
	else
		p->stats.unregistered++;
	give_session(p, &row);
}

void row_binding(struct ear_presence *p, const struct binding *b, uint8_t end,
	uint64_t ended_ns)
{
	struct ear_binding_row row = {
		.at_ns = b->at_ns,
		.id = b->id,
		.refreshed_ns = b->refreshed_ns,
		.expires_ns = b->expires_ns,
		.ended_ns = ended_ns,
		.lost_ns = b->lost_ns,
		.connection = b->connection,
		.refreshes = b->refreshes,
		.interval_s = b->interval_s,
		.margin_s = b->margin_s,
		.end = end,
		.lost_cause = b->lost_cause,
		.transport = b->transport,
		.remote = b->remote,
		.domain = ear_names_text(&p->names, b->domain),
		.user_agent = ear_names_text(&p->names, b->agent),
		.node = ear_names_text(&p->names, b->node),
	};
	struct ear_slice text[B_TEXTS];

	binding_texts(b, text);
	row.username = text[B_USER];
	row.description = text[B_NAME];
	row.contact = text[B_CONTACT];
	row.instance = text[B_INSTANCE];
	row.call_id = text[B_CALL_ID];
	if (p->out.binding)
		p->out.binding(&row, p->out.arg);
}

/* A row cannot be taken back: one that proved wrong is told again as failed,
 * which only the extended view shows. */
void row_ended(struct ear_presence *p, const struct binding *b, uint64_t at_ns,
	struct ear_slice details, bool undone)
{
	struct ear_session_row row = {
		.at_ns = at_ns,
		.id = event_id(b->id, EAR_SESSION_UNREGISTER),
		.event = EAR_SESSION_UNREGISTER,
		.source = EAR_SOURCE_SERVER,
		.failed = undone,
		.reconciled = true,
		.transport = b->transport,
		.connection = b->connection,
		.remote = b->remote,
		.local = addr_of(p, b->local),
		.domain = ear_names_text(&p->names, b->domain),
		.details = details,
		.user_agent = ear_names_text(&p->names, b->agent),
		.node = ear_names_text(&p->names, b->node),
	};
	struct ear_slice text[B_TEXTS];

	binding_texts(b, text);
	row.peername = text[B_USER];
	row.account = text[B_NAME];
	row.call_id = text[B_CALL_ID];
	if (undone)
		row.reason = EAR_S("it was not: it refreshed as before");
	else
		p->stats.unregistered++;
	give_session(p, &row);
}
