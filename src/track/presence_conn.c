/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "track/presence_register.h"

uint64_t conn_hash(const struct ear_addr *a, const struct ear_addr *b)
{
	struct ear_addr both[2];
	bool turned = memcmp(a, b, sizeof(*a)) > 0;

	both[0] = turned ? *b : *a;
	both[1] = turned ? *a : *b;
	return ear_hash(ear_slice(both, sizeof(both)));
}

bool conn_is(const struct ear_presence *p, uint32_t h, uint64_t id)
{
	return id && ear_table_has(&p->conns, h) && conn_at(p, h)->id == id;
}

/* Addresses are told apart by the hash already. An agent that gives no name
 * and a tap that saw the connection mean the same one. */
bool conn_fits(const struct ear_presence *p, const struct conn *c,
	const struct ear_msg *msg)
{
	struct ear_slice node = ear_names_text(&p->names, c->node);

	if (!ear_addr_eq(&c->client, &msg->src) &&
		!ear_addr_eq(&c->client, &msg->dst))
		return false;
	if (ear_slice_eq(node, msg->node))
		return true;
	return (!node.n || !msg->node.n) &&
	       (!c->inferred || msg->proto == EAR_PROTO_CONN);
}

/* --- time --------------------------------------------------------------- */

static uint64_t due_ns(const struct ear_presence *p, const struct conn *c)
{
	uint64_t silent = c->inferred ? p->options.silent_ns : LOST_TAP_NS;

	/* With bindings that it left behind it may come back. */
	if (c->closed_ns)
		return c->bindings && c->holds_ns > c->last_ns + LINGER_NS
			       ? c->holds_ns
			       : c->last_ns + LINGER_NS;
	if (c->holds_ns + GRACE_NS + EAR_SECOND_NS > c->last_ns + silent)
		return c->holds_ns + GRACE_NS + EAR_SECOND_NS;
	return c->last_ns + silent;
}

bool conn_schedule(struct ear_presence *p, uint32_t h)
{
	return ear_wheel_set(
		&p->conns_due, h, due_ns(p, conn_at(p, h)) / EAR_SECOND_NS);
}

void conn_due(struct ear_presence *p, uint32_t h)
{
	struct conn *c = conn_at(p, h);
	uint64_t at_ns =
		c->last_ns + (c->inferred ? p->options.silent_ns : LOST_TAP_NS);

	if (due_ns(p, c) > p->now_ns) {
		if (!conn_schedule(p, h))
			conn_drop(p, h);
	} else if (c->closed_ns) {
		conn_drop(p, h);
	} else {
		conn_close(p, h, at_ns > c->holds_ns ? at_ns : c->holds_ns,
			EAR_CAUSE_TIMEOUT, EAR_SIDE_NONE, NULL);
	}
}

/* --- finding ------------------------------------------------------------ */

/* The one that is up, else one that closed so lately that the message may
 * have been on its way; of the same node rather than of none. */
static uint32_t find(struct ear_presence *p, const struct ear_msg *msg)
{
	uint64_t hash = conn_hash(&msg->src, &msg->dst);
	uint32_t best = 0, next;
	int best_score = 0;

	for (uint32_t h = ear_table_first(&p->conns, hash); h; h = next) {
		struct conn *c = conn_at(p, h);
		int score = 1;

		next = ear_table_next(&p->conns, h);
		if (!conn_fits(p, c, msg))
			continue;
		if (due_ns(p, c) <= p->now_ns) {
			conn_due(p, h);
			if (!ear_table_has(&p->conns, h))
				continue;
		}
		if (c->closed_ns && msg->at_ns > c->closed_ns + LATE_NS)
			continue;
		score += c->closed_ns ? 0 : 2;
		score += ear_slice_eq(
			ear_names_text(&p->names, c->node), msg->node);
		if (score > best_score) {
			best = h;
			best_score = score;
		}
	}
	return best;
}

static bool known_port(uint16_t port)
{
	return port == 5060 || port == 5061 || port == 443 || port == 80;
}

/* Whoever registers is the client; a well-known port is a server's; of two
 * ports the one outside the dynamic range (RFC 6335 s6); else who asks. */
static bool src_is_client(
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	bool asks = facts->kind != EAR_KIND_REPLY;
	uint16_t src = msg->src.port, dst = msg->dst.port;

	if (ear_slice_eq(facts->cseq_method, EAR_S("REGISTER")))
		return asks;
	if (known_port(src) != known_port(dst))
		return known_port(dst);
	if ((src < 32768) != (dst < 32768))
		return dst < 32768;
	return asks;
}

/* What is known better: tcp may turn out to be ws, secure to be tls. */
static bool better_transport(uint8_t is, uint8_t may)
{
	if (is == may || may == EAR_TR_UNKNOWN || may == EAR_TR_SECURE)
		return false;
	return is == EAR_TR_UNKNOWN || is == EAR_TR_SECURE ||
	       may == EAR_TR_WS || may == EAR_TR_WSS;
}

uint32_t conn_of(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	uint32_t h = find(p, msg);
	struct conn *c;

	if (!h) {
		bool src = src_is_client(msg, facts);

		h = conn_open(p, msg, src ? &msg->src : &msg->dst,
			src ? &msg->dst : &msg->src, msg->at_ns);
		if (!h)
			return 0;
		conn_at(p, h)->inferred = true;
		row_conn_events(p, h);
	}
	c = conn_at(p, h);
	c->messages++;
	if (!c->closed_ns)
		c->last_ns = p->now_ns;
	if (better_transport(c->transport, msg->transport)) {
		c->transport = msg->transport;
		row_conn_events(p, h);
	}
	conn_changed(
		p, h, p->now_ns / EAR_SECOND_NS >= (uint64_t)c->told_s + 60);
	return h;
}

/* --- begin and end ------------------------------------------------------ */

static void give_up(struct ear_presence *p, uint32_t h)
{
	p->stats.evicted++;
	if (!conn_at(p, h)->closed_ns) {
		conn_at(p, h)->given_up = true;
		conn_close(p, h, conn_at(p, h)->last_ns, EAR_CAUSE_UNKNOWN,
			EAR_SIDE_NONE, NULL);
	}
	/* Closing drops it where there is no memory for its timer. */
	if (ear_table_has(&p->conns, h))
		conn_drop(p, h);
}

/* Of too many between the same addresses, one that is closed, or was silent
 * longest: each look-up walks over all of them. */
static void give_up_same(struct ear_presence *p, uint64_t hash)
{
	uint32_t worst = 0;
	unsigned n = 0;

	for (uint32_t h = ear_table_first(&p->conns, hash); h;
		h = ear_table_next(&p->conns, h), n++) {
		const struct conn *c = conn_at(p, h);
		bool closed = c->closed_ns != 0;

		if (!worst || closed > (conn_at(p, worst)->closed_ns != 0) ||
			(closed == (conn_at(p, worst)->closed_ns != 0) &&
				c->last_ns < conn_at(p, worst)->last_ns))
			worst = h;
	}
	if (n >= PAIR_MAX)
		give_up(p, worst);
}

uint32_t conn_open(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_addr *client, const struct ear_addr *server,
	uint64_t at_ns)
{
	uint64_t hash = conn_hash(client, server);
	uint64_t v[3] = {hash, ear_hash(msg->node), at_ns};
	struct conn *c;
	uint32_t h;

	if (p->conns.n >= p->options.max_connections)
		conn_give_up(p);
	give_up_same(p, hash);
	h = ear_table_add(&p->conns, hash);
	if (!h)
		return 0;
	p->up++;
	c = conn_at(p, h);
	c->id = row_id(hash_of(v, 3));
	c->at_ns = at_ns;
	c->last_ns = p->now_ns;
	c->client = *client;
	c->server = addr_name(p, server);
	c->node = ear_names_take(&p->names, msg->node);
	c->transport = msg->transport;
	c->inferred = msg->proto != EAR_PROTO_CONN;
	if (!conn_schedule(p, h)) {
		conn_drop(p, h);
		return 0;
	}
	p->stats.connected++;
	conn_changed(p, h, true);
	return h;
}

void conn_close(struct ear_presence *p, uint32_t h, uint64_t at_ns,
	uint8_t cause, uint8_t by, const uint64_t bytes[2])
{
	struct conn *c = conn_at(p, h);
	uint32_t next;

	p->up--;
	c->closed_ns = at_ns ? at_ns : 1;
	c->last_ns = p->now_ns;
	c->cause = cause;
	c->by = by;
	for (uint32_t b = c->bindings; b; b = next) {
		next = binding_at(p, b)->conn_next;
		binding_lost(p, b, c->closed_ns, cause);
	}
	p->stats.disconnected++;
	row_conn(p, h, bytes);
	row_conn_events(p, h);
	conn_changed(p, h, false);
	c->tell = false;
	/* Cleared first, as the wheel would keep the earlier time. */
	ear_wheel_clear(&p->conns_due, h);
	if (!conn_schedule(p, h))
		conn_drop(p, h);
}

void conn_free_texts(struct ear_presence *p, struct conn *c)
{
	ear_names_drop(&p->names, c->server);
	ear_names_drop(&p->names, c->node);
	ear_names_drop(&p->names, c->tls);
	ear_names_drop(&p->names, c->user);
	texts_free(p, c->peers, c->peers_bytes);
}

void conn_drop(struct ear_presence *p, uint32_t h)
{
	struct conn *c = conn_at(p, h);

	p->up -= !c->closed_ns;
	while (c->bindings)
		binding_unlink(p, c->bindings);
	if (c->saved)
		state_gone(p, c->id, STATE_CONN);
	ear_wheel_clear(&p->conns_due, h);
	conn_free_texts(p, c);
	ear_table_del(&p->conns, h);
}

/* Of sixteen, the one that was silent longest. */
void conn_give_up(struct ear_presence *p)
{
	uint32_t worst = 0;

	for (int i = 0; i < 16 || !worst; i++) {
		uint32_t h = p->hand[0] = p->hand[0] % p->conns.last + 1;

		if (!ear_table_has(&p->conns, h))
			continue;
		if (!worst ||
			conn_at(p, h)->last_ns < conn_at(p, worst)->last_ns)
			worst = h;
	}
	give_up(p, worst);
}
