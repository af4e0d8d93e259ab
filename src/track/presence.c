/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "track/presence_register.h"

/* A capture time so much later than when we took the message is a clock that
 * is wrong: it must not make the world expire. */
#define AHEAD_NS (60 * EAR_SECOND_NS)

enum ear_err ear_presence_new(const struct ear_presence_options *options,
	const struct ear_track_out *out, struct ear_presence **presence)
{
	struct ear_presence *p = calloc(1, sizeof(*p));

	*presence = p;
	if (!p)
		return EAR_NOMEM;
	p->options = *options;
	if (!p->options.max_bindings)
		p->options.max_bindings = 2000000;
	if (!p->options.max_connections)
		p->options.max_connections = 1000000;
	if (!p->options.silent_ns)
		p->options.silent_ns = 15 * 60 * EAR_SECOND_NS;
	p->out = *out;
	ear_names_init(&p->names);
	p->bindings.bytes = sizeof(struct binding);
	p->conns.bytes = sizeof(struct conn);
	p->pends.bytes = sizeof(struct pend);
	p->done_number = 1;
	return EAR_OK;
}

static void free_entries(struct ear_presence *p)
{
	for (uint32_t h = 1; h <= p->bindings.last; h++) {
		if (ear_table_has(&p->bindings, h))
			free(binding_at(p, h)->text);
	}
	for (uint32_t h = 1; h <= p->conns.last; h++) {
		if (ear_table_has(&p->conns, h))
			free(conn_at(p, h)->peers);
	}
	for (uint32_t h = 1; h <= p->pends.last; h++) {
		if (ear_table_has(&p->pends, h))
			free(pend_at(p, h)->text);
	}
}

void ear_presence_free(struct ear_presence **presence)
{
	struct ear_presence *p = *presence;

	if (!p)
		return;
	free_entries(p);
	ear_table_fini(&p->bindings);
	ear_table_fini(&p->conns);
	ear_table_fini(&p->pends);
	ear_names_fini(&p->names);
	ear_wheel_fini(&p->bindings_due);
	ear_wheel_fini(&p->conns_due);
	ear_wheel_fini(&p->pends_due);
	free(p->bindings_changed.v);
	free(p->conns_changed.v);
	free(p->pends_changed.v);
	free(p->done);
	free(p->done_states);
	ear_buf_fini(&p->done_new);
	ear_buf_fini(&p->lists);
	ear_buf_fini(&p->text);
	ear_buf_fini(&p->text2);
	ear_buf_fini(&p->state);
	free(p);
	*presence = NULL;
}

/* --- texts and names ---------------------------------------------------- */

struct ear_addr addr_of(const struct ear_presence *p, uint32_t name)
{
	struct ear_slice text = ear_names_text(&p->names, name);
	struct ear_addr addr = {0};

	if (text.n == sizeof(addr))
		memcpy(&addr, text.p, sizeof(addr));
	return addr;
}

uint32_t addr_name(struct ear_presence *p, const struct ear_addr *addr)
{
	return ear_names_take(&p->names, ear_slice(addr, sizeof(*addr)));
}

char *texts_copy(struct ear_presence *p, const struct ear_slice *v, size_t n,
	size_t *bytes)
{
	char *text, *at;

	*bytes = 0;
	for (size_t i = 0; i < n; i++)
		*bytes += v[i].n;
	text = malloc(*bytes ? *bytes : 1);
	if (!text)
		return NULL;
	at = text;
	for (size_t i = 0; i < n; i++) {
		if (v[i].n)
			memcpy(at, v[i].p, v[i].n);
		at += v[i].n;
	}
	p->text_bytes += *bytes;
	return text;
}

void texts_free(struct ear_presence *p, char *text, size_t bytes)
{
	if (!text)
		return;
	p->text_bytes -= bytes;
	free(text);
}

/* --- what changed ------------------------------------------------------- */

/* Without memory it is told with its next change. */
static bool change(struct dirty *list, uint32_t h)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 256;
		uint32_t *v = realloc(list->v, cap * sizeof(*v));

		if (!v)
			return false;
		list->v = v;
		list->cap = cap;
	}
	list->v[list->n++] = h;
	return true;
}

void conn_changed(struct ear_presence *p, uint32_t h, bool tell)
{
	struct conn *c = conn_at(p, h);

	c->tell = c->tell || tell;
	if (!c->dirty)
		c->dirty = change(&p->conns_changed, h);
}

void binding_changed(struct ear_presence *p, uint32_t h)
{
	struct binding *b = binding_at(p, h);

	if (!b->dirty)
		b->dirty = change(&p->bindings_changed, h);
}

void pend_changed(struct ear_presence *p, uint32_t h)
{
	struct pend *w = pend_at(p, h);

	if (!w->dirty)
		w->dirty = change(&p->pends_changed, h);
}

/* --- time and messages -------------------------------------------------- */

static void advance(struct ear_presence *p, uint64_t now_ns)
{
	uint64_t now_s;
	uint32_t h;

	if (p->restored)
		state_join(p);
	if (now_ns <= p->now_ns)
		return;
	now_s = now_ns / EAR_SECOND_NS;
	if (now_s == p->now_ns / EAR_SECOND_NS) {
		p->now_ns = now_ns;
		return;
	}
	p->now_ns = now_ns;
	/* Registrations first: what expired was not lost. */
	while ((h = ear_wheel_pop(&p->pends_due, now_s)))
		pend_due(p, h);
	while ((h = ear_wheel_pop(&p->bindings_due, now_s)))
		binding_due(p, h);
	while ((h = ear_wheel_pop(&p->conns_due, now_s)))
		conn_due(p, h);
}

static bool over_connection(const struct ear_msg *msg)
{
	switch (msg->transport) {
	case EAR_TR_TCP:
	case EAR_TR_TLS:
	case EAR_TR_WS:
	case EAR_TR_WSS:
	case EAR_TR_SECURE:
		return msg->src.family && msg->dst.family &&
		       !(msg->flags & EAR_MSG_RELAY);
	default: return false;
	}
}

/* Who it was that never registered here; a hint. */
static void note_user(
	struct ear_presence *p, uint32_t h, const struct ear_facts *facts)
{
	struct conn *c = conn_at(p, h);

	if (!facts->auth_user.n || c->user || c->peers_n)
		return;
	c->user = ear_names_take(
		&p->names, ear_slice_sub(facts->auth_user, 0, TEXT_MAX));
	row_conn_events(p, h);
}

static void take_sip(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	bool registers = ear_slice_eq(facts->cseq_method, EAR_S("REGISTER")) &&
			 facts->call_id.n;
	uint32_t conn = 0;

	if (over_connection(msg))
		conn = conn_of(p, msg, facts);
	if (!registers) {
		if (conn)
			note_user(p, conn, facts);
	} else if (facts->kind == EAR_KIND_REQUEST) {
		pend_request(p, msg, facts, conn);
	} else if (facts->kind == EAR_KIND_REPLY) {
		pend_reply(p, msg, facts);
	}
}

void ear_presence_take(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct ear_msg late;

	if (msg->proto != EAR_PROTO_SIP && msg->proto != EAR_PROTO_CONN)
		return;
	if (msg->seen_ns && msg->at_ns > msg->seen_ns + AHEAD_NS) {
		late = *msg;
		late.at_ns = msg->seen_ns;
		msg = &late;
	}
	advance(p, msg->at_ns);
	if (msg->proto == EAR_PROTO_CONN)
		conn_event(p, msg);
	else
		take_sip(p, msg, facts);
}

void ear_presence_tick(struct ear_presence *p, uint64_t now_ns)
{
	advance(p, now_ns);
}

/* --- saving ------------------------------------------------------------- */

static void save_conns(struct ear_presence *p)
{
	struct dirty *list = &p->conns_changed;

	for (size_t i = 0; i < list->n; i++) {
		uint32_t h = list->v[i];
		struct conn *c = conn_at(p, h);

		if (!c->cell.used || !c->dirty)
			continue;
		if (c->tell)
			row_conn(p, h, NULL);
		c->dirty = c->tell = false;
		if (p->out.state)
			state_conn(p, c);
	}
	list->n = 0;
}

static void save_bindings(struct ear_presence *p)
{
	struct dirty *list = &p->bindings_changed;

	for (size_t i = 0; i < list->n; i++) {
		struct binding *b = binding_at(p, list->v[i]);

		if (!b->cell.used || !b->dirty)
			continue;
		b->dirty = false;
		if (!b->dropped)
			row_binding(p, b, EAR_BINDING_OPEN, 0);
		if (p->out.state)
			state_binding(p, b);
	}
	list->n = 0;
}

static void save_pends(struct ear_presence *p)
{
	struct dirty *list = &p->pends_changed;

	for (size_t i = 0; i < list->n; i++) {
		struct pend *w = pend_at(p, list->v[i]);

		if (!w->cell.used || !w->dirty)
			continue;
		w->dirty = false;
		if (p->out.state)
			state_pend(p, w);
	}
	list->n = 0;
}

void ear_presence_save(struct ear_presence *p)
{
	if (p->restored)
		state_join(p);
	save_conns(p);
	save_bindings(p);
	save_pends(p);
	if (!p->out.state)
		return;
	done_save(p);
	if (p->now_ns)
		state_own(p);
}

void ear_presence_end(struct ear_presence *p)
{
	for (uint32_t h = 1; h <= p->conns.last; h++) {
		struct conn *c = conn_at(p, h);

		/* Its row may be a minute behind. */
		if (c->cell.used && !c->closed_ns)
			conn_changed(p, h, true);
	}
	ear_presence_save(p);
}

void ear_presence_stats(
	const struct ear_presence *p, struct ear_presence_stats *stats)
{
	*stats = p->stats;
	stats->bindings = p->bindings.n - p->dropped;
	stats->connections = p->up;
	stats->pending = p->pends.n;
	stats->bytes =
		sizeof(*p) + p->text_bytes + ear_names_bytes(&p->names) +
		ear_table_bytes(&p->bindings) + ear_table_bytes(&p->conns) +
		ear_table_bytes(&p->pends) + p->done_places * sizeof(*p->done) +
		ear_wheel_bytes(&p->bindings_due) +
		ear_wheel_bytes(&p->conns_due) + ear_wheel_bytes(&p->pends_due);
}
