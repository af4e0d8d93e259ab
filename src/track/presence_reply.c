/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip.h"
#include "proto/sip_auth.h"
#include "track/presence_register.h"

/* Contacts of one REGISTER that are looked at. */
#define ASKED_MAX 32

bool reply_stale(const struct ear_msg *msg)
{
	struct ear_sip sip;
	struct ear_slice stale;

	if (ear_sip_parse(msg->raw, &sip))
		return false;
	stale = ear_sip_auth_param(
		ear_sip_value(&sip, EAR_SIP_WWW_AUTHENTICATE), EAR_S("stale"));
	if (!stale.n)
		stale = ear_sip_auth_param(
			ear_sip_value(&sip, EAR_SIP_PROXY_AUTHENTICATE),
			EAR_S("stale"));
	return ear_slice_ieq(stale, EAR_S("true"));
}

/* --- where the client is ------------------------------------------------ */

/* As the server saw it, by what it wrote into the client's Via (RFC 3261
 * s18.2.1, RFC 3581). */
static bool seen_in_via(struct ear_slice list, const struct ear_addr *src,
	struct ear_addr *addr)
{
	struct ear_sip_via via;

	if (!ear_sip_via_next(&list, &via) || !via.received.n ||
		ear_addr_parse(via.received, addr))
		return false;
	if (via.rport)
		addr->port = via.rport;
	else if (ear_addr_ip_eq(addr, src))
		addr->port = src->port;
	else
		addr->port = via.port ? via.port : 5060;
	return true;
}

/* @param via the client's own, of the reply */
static struct ear_addr observed(const struct pend *w, struct ear_slice via)
{
	struct ear_addr none = {0}, addr;
	struct ear_slice text[P_TEXTS], own;
	struct ear_sip_via sent;

	if (seen_in_via(via, w->hops == 1 ? &w->src : &none, &addr))
		return addr;
	if (w->hops == 1 && w->src.family)
		return w->src;
	pend_texts(w, text);
	own = text[P_VIA];
	if (seen_in_via(own, &none, &addr))
		return addr;
	if (w->path.family)
		return w->path;
	if (ear_sip_via_next(&own, &sent) &&
		!ear_addr_parse(sent.host, &addr)) {
		addr.port = sent.port ? sent.port : 5060;
		return addr;
	}
	return w->src;
}

struct ear_addr reply_client(struct ear_presence *p, const struct pend *w,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	struct head head = {0};

	if (msg)
		head_read(msg, facts, &p->lists, &head);
	return observed(w, head.via);
}

/* --- what it grants ----------------------------------------------------- */

/** The final reply, and what the REGISTER came to by it. */
struct outcome {
	struct head head;
	struct listing listing;
	bool only; /**< one contact was asked for */

	uint32_t expires_s; /**< longest granted */
	uint64_t told_ns;   /**< it was told before, then */
	bool bound;         /**< a row says so */
	bool set;           /**< a binding is as it says */
	bool begun;         /**< and that is a new one */
	bool removed;       /**< one was */
	bool better;        /**< it was told before, from farther off */
};

/* What was asked for one contact, and whether the reply says otherwise. */
static uint32_t granted(
	const struct bind *b, const struct contact *c, struct outcome *got)
{
	struct listed *found =
		listing_find(&got->listing, c->spec, b->contact_key);
	int32_t wanted = c->expires;

	if (wanted < 0)
		wanted = b->w->expires >= 0 ? b->w->expires : 3600;
	if (found)
		found->own = true;
	else if (got->only && got->listing.n == 1)
		found = got->listing.v;
	if (!wanted)
		return 0;
	if (found && found->expires >= 0)
		return (uint32_t)found->expires;
	return (uint32_t)(got->head.expires >= 0 ? got->head.expires : wanted);
}

/* RFC 5626 s4.1: instance and reg-id together tell a flow. */
static void set_key(
	struct ear_presence *p, struct bind *b, const struct contact *c)
{
	struct ear_slice reg;
	uint64_t v[2];

	b->contact = c->spec;
	b->contact_key = ear_hash(c->spec);
	b->key = b->contact_key;
	b->instance = ear_sip_param_of(c->params, EAR_S("+sip.instance"));
	if (!b->instance.n)
		return;
	reg = ear_sip_param_of(c->params, EAR_S("reg-id"));
	if (!reg.n)
		return;
	v[0] = ear_hash(b->instance);
	v[1] = ear_hash(reg);
	b->key = hash_of(v, 2);
	ear_buf_reset(&p->text2);
	ear_buf_slice(&p->text2, ear_slice_sub(b->instance, 0, 200));
	ear_buf_str(&p->text2, ";reg-id=");
	ear_buf_slice(&p->text2, reg);
	if (!p->text2.err)
		b->instance = ear_buf_view(&p->text2);
}

static void one_contact(struct ear_presence *p, struct bind *b,
	const struct contact *c, struct outcome *got)
{
	uint64_t told_ns;

	if (c->star) {
		if (!b->w->again)
			bind_remove_all(p, b);
		got->removed = true;
		return;
	}
	set_key(p, b, c);
	b->expires_s = granted(b, c, got);
	if (!b->expires_s) {
		if (!b->w->again)
			bind_remove(p, b);
		got->removed = true;
		return;
	}
	if (b->expires_s > got->expires_s)
		got->expires_s = b->expires_s;
	switch (bind_put(p, b, &told_ns)) {
	case BIND_BEGUN: got->begun = true;   /* fall through */
	case BIND_REFRESHED: got->set = true; /* fall through */
	case BIND_NONE: got->bound = true; break;
	case BIND_BETTER:
		got->better = true;
		got->told_ns = told_ns;
		break;
	case BIND_AGAIN: break;
	}
}

/* One row per REGISTER, two where it both binds and removes. */
static void tell(struct ear_presence *p, const struct bind *b,
	const struct ear_facts *facts, const struct outcome *got)
{
	struct registered r = {
		.w = b->w,
		.at_ns = got->bound ? b->at_ns : got->told_ns,
		.event = EAR_SESSION_REGISTER,
		.trunk = b->trunk,
		.code = facts->status,
		.expires_s = got->expires_s,
		.remote = b->remote,
	};
	char room[STATUS_ROOM];

	r.details = status_words(facts->status, facts->reason, room);
	if (got->bound || got->better)
		row_registered(p, &r);
	if (!got->removed || b->w->again)
		return;
	r.at_ns = b->at_ns;
	r.event = EAR_SESSION_UNREGISTER;
	r.expires_s = 0;
	row_registered(p, &r);
}

void reply_accept(struct ear_presence *p, struct pend *w,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	struct bind b = {.w = w, .at_ns = msg->at_ns};
	struct ear_slice list;
	struct contact c;
	struct outcome got;

	pend_texts(w, b.text);
	head_read(msg, facts, &p->lists, &got.head);
	listing_read(&got.head, &got.listing);
	got.only = got.bound = got.set = got.begun = false;
	got.removed = got.better = false;
	got.expires_s = 0;
	got.told_ns = 0;
	b.trunk = w->direction == EAR_DIR_OUT && w->hops == 1;
	b.remote = b.trunk ? w->dst : observed(w, got.head.via);
	b.registrar = registrar_of(msg, b.text[P_HOST]);
	list = b.text[P_CONTACTS];
	for (int i = 0; i < ASKED_MAX && contact_next(&list, &c); i++) {
		got.only = i == 0 && !list.n;
		one_contact(p, &b, &c, &got);
	}
	if (!got.bound && !got.better && !(got.removed && !w->again))
		return;
	if (got.set)
		listing_apply(p, &b, &got.listing, got.begun);
	if (conn_is(p, w->conn, w->connection))
		peers_add(p, w->conn,
			b.text[b.text[P_USER].n ? P_USER : P_HOST],
			b.text[P_NAME]);
	tell(p, &b, facts, &got);
}
