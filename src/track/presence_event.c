/* SPDX-License-Identifier: Apache-2.0 */
#include "track/presence_register.h"

/* --- which one ---------------------------------------------------------- */

/* Of the connections between these addresses: the generation that the event
 * names, else one that is up. */
static uint32_t find(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_conn_event *event)
{
	uint64_t hash = conn_hash(&msg->src, &msg->dst);
	uint32_t up = 0;

	for (uint32_t h = ear_table_first(&p->conns, hash); h;
		h = ear_table_next(&p->conns, h)) {
		const struct conn *c = conn_at(p, h);

		if (!conn_fits(p, c, msg))
			continue;
		if (c->gen_ns == event->opened_ns)
			return h;
		if (!c->closed_ns)
			up = h;
	}
	return up;
}

/*
 * Whether what we have up is the connection that an event of another
 * generation speaks of: we inferred it before, or its tap began anew in the
 * middle of it.
 */
static bool is_same(const struct ear_presence *p, const struct conn *c,
	const struct ear_conn_event *event)
{
	if (event->joined)
		return p->now_ns - c->last_ns < p->options.silent_ns;
	return c->inferred && event->opened_ns <= c->at_ns + ADOPT_NS;
}

static void adopt(struct ear_presence *p, uint32_t h, const struct ear_msg *msg,
	const struct ear_conn_event *event)
{
	struct conn *c = conn_at(p, h);

	/* A tap that joined in the middle guesses no better than we did. */
	if (!event->joined) {
		ear_names_drop(&p->names, c->server);
		c->client = msg->src;
		c->server = addr_name(p, &msg->dst);
	}
	c->joined = c->joined || (c->inferred && event->joined);
	c->inferred = false;
	c->gen_ns = event->opened_ns;
	row_conn_events(p, h);
	conn_changed(p, h, true);
}

/*
 * A tap gave up a connection that was merely silent, and now there is more of
 * it, with no SYN in between: what was registered over it holds.
 */
static void come_back(
	struct ear_presence *p, uint32_t h, const struct ear_msg *msg)
{
	uint64_t hash = conn_at(p, h)->cell.hash;

	for (uint32_t old = ear_table_first(&p->conns, hash); old;
		old = ear_table_next(&p->conns, old)) {
		const struct conn *c = conn_at(p, old);
		uint32_t next;

		if (!c->closed_ns || !conn_fits(p, c, msg) ||
			(c->cause != EAR_CAUSE_TIMEOUT &&
				c->cause != EAR_CAUSE_NETWORK_ERROR))
			continue;
		for (uint32_t b = c->bindings; b; b = next) {
			next = binding_at(p, b)->conn_next;
			binding_back(p, b, h);
		}
	}
}

static uint32_t begin(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_conn_event *event)
{
	uint32_t h = conn_open(p, msg, &msg->src, &msg->dst, event->opened_ns);

	if (!h)
		return 0;
	conn_at(p, h)->gen_ns = event->opened_ns;
	conn_at(p, h)->joined = event->joined;
	row_conn_events(p, h);
	if (event->joined)
		come_back(p, h, msg);
	return h;
}

/* The generation of an event, begun if it is new. @return 0: it is over */
static uint32_t generation(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_conn_event *event)
{
	uint32_t h = find(p, msg, event);
	const struct conn *c;

	if (!h)
		return begin(p, msg, event);
	c = conn_at(p, h);
	if (c->gen_ns == event->opened_ns)
		return c->closed_ns ? 0 : h;
	if (is_same(p, c, event)) {
		adopt(p, h, msg, event);
		return h;
	}
	/* Late news of one before. */
	if (event->opened_ns < c->at_ns)
		return 0;
	conn_close(
		p, h, event->opened_ns, EAR_CAUSE_UNKNOWN, EAR_SIDE_NONE, NULL);
	return begin(p, msg, event);
}

/* --- what happened ------------------------------------------------------ */

/* Few servers and settings make many connections: the whole is one name. */
static bool set_tls(struct ear_presence *p, struct conn *c,
	const struct ear_conn_event *event)
{
	struct ear_conn_event kept = {.kind = EAR_CONN_TLS, .tls = event->tls};
	uint32_t name;

	if (!event->tls.version && !event->tls.alert && !event->tls.sni.n &&
		!event->tls.unread.n)
		return false;
	ear_buf_reset(&p->text);
	ear_conn_write(&kept, &p->text);
	if (p->text.err)
		return false;
	name = ear_names_take(&p->names, ear_buf_view(&p->text));
	if (name == c->tls) {
		ear_names_drop(&p->names, name);
		return false;
	}
	ear_names_drop(&p->names, c->tls);
	c->tls = name;
	return true;
}

void conn_event(struct ear_presence *p, const struct ear_msg *msg)
{
	struct ear_conn_event event;
	bool news;
	struct conn *c;
	uint32_t h;

	if (!msg->src.family || !msg->dst.family ||
		ear_conn_read(msg->raw, &event))
		return;
	if (!event.opened_ns)
		event.opened_ns = msg->at_ns;
	h = generation(p, msg, &event);
	if (!h)
		return;
	c = conn_at(p, h);
	c->last_ns = p->now_ns;
	news = set_tls(p, c, &event);
	if (msg->transport && msg->transport != c->transport) {
		c->transport = msg->transport;
		news = true;
	}
	conn_changed(p, h, news);
	if (event.kind == EAR_CONN_CLOSED)
		conn_close(
			p, h, msg->at_ns, event.cause, event.by, event.bytes);
	else if (news)
		row_conn_events(p, h);
}
