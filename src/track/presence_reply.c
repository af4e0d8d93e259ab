/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip.h"
#include "proto/sip_auth.h"
#include "track/presence_priv.h"

/* Contacts of one REGISTER that are looked at, and of its reply, which lists
 * all bindings of the address of record. */
#define ASKED_MAX 32
#define LISTED_MAX AOR_MAX

/** A Contact of the reply. */
struct listed {
	uint64_t exact;  /**< hash of its URI */
	uint64_t loose;  /**< of user, host and port alone */
	int32_t expires; /**< -1: it does not say */
};

struct reply {
	struct listed listed[LISTED_MAX];
	size_t n;
	int32_t expires;      /**< header; -1: none */
	struct ear_slice via; /**< the last: the client's own */
};

static uint64_t loose(const struct ear_sip_uri *uri)
{
	uint64_t v[3] = {
		ear_hash(uri->user), ear_hash_lower(uri->host), uri->port};

	return hash_of(v, 3);
}

static void read_contacts(struct reply *r, struct ear_slice list)
{
	struct ear_sip_addr addr;

	while (r->n < LISTED_MAX && ear_sip_addr_next(&list, &addr))
		r->listed[r->n++] = (struct listed){ear_hash(addr.spec),
			loose(&addr.uri), expires_of(addr.expires)};
}

static void last_via(struct reply *r, struct ear_slice list)
{
	struct ear_sip_via via;

	while (list.n) {
		r->via = list;
		if (!memchr(list.p, ',', list.n) ||
			!ear_sip_via_next(&list, &via))
			break;
	}
}

/* @param msg NULL: there was none */
static void read_reply(const struct ear_msg *msg, struct reply *r)
{
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	struct ear_sip sip;

	r->n = 0;
	r->expires = -1;
	r->via = (struct ear_slice){0};
	if (!msg || ear_sip_parse(msg->raw, &sip))
		return;
	while (ear_sip_next(&sip, &cursor, &header)) {
		if (header.id == EAR_SIP_VIA)
			last_via(r, header.value);
		else if (header.id == EAR_SIP_CONTACT)
			read_contacts(r, header.value);
		else if (header.id == EAR_SIP_EXPIRES)
			r->expires = expires_of(header.value);
	}
}

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

static struct ear_addr observed(const struct pend *w, const struct reply *r)
{
	struct ear_addr none = {0}, addr;
	struct ear_slice own = pend_text(w, P_VIA);
	struct ear_sip_via via;

	if (seen_in_via(r->via, w->hops == 1 ? &w->src : &none, &addr))
		return addr;
	if (w->hops == 1 && w->src.family)
		return w->src;
	if (seen_in_via(own, &none, &addr))
		return addr;
	if (w->path.family)
		return w->path;
	if (ear_sip_via_next(&own, &via) && !ear_addr_parse(via.host, &addr)) {
		addr.port = via.port ? via.port : 5060;
		return addr;
	}
	return w->src;
}

struct ear_addr reply_client(const struct pend *w, const struct ear_msg *msg)
{
	struct reply reply;

	read_reply(msg, &reply);
	return observed(w, &reply);
}

/* --- what it grants ----------------------------------------------------- */

/* What was asked for one contact, and whether the reply says otherwise. */
static uint32_t granted(const struct pend *w, const struct reply *r,
	const struct ear_sip_addr *addr, bool only)
{
	int32_t wanted = expires_of(addr->expires);
	uint64_t exact = ear_hash(addr->spec), near = loose(&addr->uri);
	const struct listed *found = only && r->n == 1 ? r->listed : NULL;

	if (wanted < 0)
		wanted = w->expires >= 0 ? w->expires : 3600;
	if (!wanted)
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		if (r->listed[i].exact == exact) {
			found = &r->listed[i];
			break;
		}
		if (r->listed[i].loose == near)
			found = &r->listed[i];
	}
	if (found && found->expires >= 0)
		return (uint32_t)found->expires;
	return (uint32_t)(r->expires >= 0 ? r->expires : wanted);
}

/* RFC 5626 s4.1: instance and reg-id together tell a flow. */
static void set_key(
	struct ear_presence *p, struct bind *b, const struct ear_sip_addr *addr)
{
	struct ear_slice instance = ear_sip_param_of(
				 addr->params, EAR_S("+sip.instance")),
			 reg = ear_sip_param_of(addr->params, EAR_S("reg-id"));
	uint64_t v[2];

	b->contact = addr->spec;
	b->contact_key = ear_hash(addr->spec);
	b->key = b->contact_key;
	b->instance = instance;
	if (!instance.n || !reg.n)
		return;
	v[0] = ear_hash(instance);
	v[1] = ear_hash(reg);
	b->key = hash_of(v, 2);
	ear_buf_reset(&p->text2);
	ear_buf_slice(&p->text2, ear_slice_sub(instance, 0, 200));
	ear_buf_str(&p->text2, ";reg-id=");
	ear_buf_slice(&p->text2, reg);
	if (!p->text2.err)
		b->instance = ear_buf_view(&p->text2);
}

/** What a REGISTER came to. */
struct outcome {
	uint32_t expires_s; /**< longest granted */
	uint64_t told_ns;   /**< it was told before, then */
	bool bound, removed, better, again;
};

static void one_contact(struct ear_presence *p, struct bind *b,
	const struct reply *r, const struct ear_sip_addr *addr, bool only,
	struct outcome *got)
{
	uint64_t told_ns;

	if (addr->star) {
		if (!b->w->again)
			bind_remove_all(p, b);
		got->removed = true;
		return;
	}
	set_key(p, b, addr);
	b->expires_s = granted(b->w, r, addr, only);
	if (!b->expires_s) {
		if (!b->w->again)
			bind_remove(p, b);
		got->removed = true;
		return;
	}
	if (b->expires_s > got->expires_s)
		got->expires_s = b->expires_s;
	switch (bind_put(p, b, &told_ns)) {
	case BIND_NEW: got->bound = true; break;
	case BIND_BETTER:
		got->better = true;
		got->told_ns = told_ns;
		break;
	case BIND_AGAIN: got->again = true; break;
	}
}

/* One row per REGISTER, two where it both binds and removes. */
static void tell(struct ear_presence *p, const struct bind *b, uint16_t code,
	struct ear_slice reason, const struct outcome *got)
{
	struct registered r = {
		.w = b->w,
		.at_ns = got->bound ? b->at_ns : got->told_ns,
		.event = EAR_SESSION_REGISTER,
		.trunk = b->trunk,
		.code = code,
		.expires_s = got->expires_s,
		.remote = b->remote,
	};
	char room[STATUS_ROOM];

	r.details = status_words(code, reason, room);
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
	struct ear_slice list = pend_text(w, P_CONTACTS), rest = list;
	struct ear_sip_addr addr;
	struct outcome got = {0};
	struct reply reply;
	struct bind b = {.w = w, .at_ns = msg->at_ns};
	struct ear_slice user = pend_text(w, P_USER);
	bool only;

	read_reply(msg, &reply);
	b.trunk = w->direction == EAR_DIR_OUT && w->hops == 1;
	b.remote = b.trunk ? w->dst : observed(w, &reply);
	only = ear_sip_addr_next(&rest, &addr) && !rest.n;
	for (int i = 0; i < ASKED_MAX && ear_sip_addr_next(&list, &addr); i++)
		one_contact(p, &b, &reply, &addr, only, &got);
	if (!got.bound && !got.better && !(got.removed && !w->again))
		return;
	if (conn_is(p, w->conn, w->connection))
		peers_add(p, w->conn, user.n ? user : pend_text(w, P_HOST),
			pend_text(w, P_NAME));
	tell(p, &b, facts->status, facts->reason, &got);
}
