/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A REGISTER that proxies pass on is seen at each hop, and at each by the
 * agents of both ends. It is one transaction, by Call-ID, CSeq and To; what
 * counts is the hop nearest to the client, which has the fewest Via values.
 */
#include <stdlib.h>

#include "track/presence_register.h"

/* Bytes of Contacts that a REGISTER may have to be followed; a phone has one
 * of them. */
#define CONTACTS_MAX 2048

void pend_texts(const struct pend *w, struct ear_slice text[P_TEXTS])
{
	const char *at = w->text;

	for (int i = 0; i < P_TEXTS; i++) {
		text[i] = ear_slice(at, w->len[i]);
		at += w->len[i];
	}
}

/* Of a REGISTER that is refused for its credentials, as each first one is,
 * nobody asks for it. */
static void set_aor(struct pend *w)
{
	struct ear_slice text[P_TEXTS];
	uint64_t v[2];

	pend_texts(w, text);
	v[0] = ear_hash(text[P_USER]);
	v[1] = ear_hash_lower(text[P_HOST]);
	w->aor = hash_of(v, 2);
}

static uint64_t transaction(const struct ear_facts *facts, uint64_t *call)
{
	uint64_t v[3];

	*call = ear_hash(facts->call_id);
	v[0] = *call;
	v[1] = ear_hash(facts->to_user);
	v[2] = facts->cseq;
	return hash_of(v, 3);
}

size_t pend_text_bytes(const struct pend *w)
{
	size_t n = 0;

	for (int i = 0; i < P_TEXTS; i++)
		n += w->len[i];
	return n;
}

void pend_free_texts(struct ear_presence *p, struct pend *w)
{
	texts_free(p, w->text, pend_text_bytes(w));
	ear_names_drop(&p->names, w->node);
	ear_names_drop(&p->names, w->held_reason);
}

void pend_drop(struct ear_presence *p, uint32_t h)
{
	struct pend *w = pend_at(p, h);

	if (w->saved)
		state_gone(p, w->cell.hash, STATE_PEND);
	ear_wheel_clear(&p->pends_due, h);
	pend_free_texts(p, w);
	ear_table_del(&p->pends, h);
}

/* --- the request -------------------------------------------------------- */

/* The account's display name: of To; of From only where that is the same. */
static struct ear_slice display(const struct ear_facts *facts)
{
	if (facts->to_name.n)
		return facts->to_name;
	if (ear_slice_eq(facts->from_user, facts->to_user))
		return facts->from_name;
	return (struct ear_slice){0};
}

static bool set_texts(struct ear_presence *p, struct pend *w,
	const struct ear_facts *facts, const struct head *asked)
{
	struct ear_slice v[P_TEXTS] = {
		[P_USER] = facts->to_user,
		[P_HOST] = facts->to_host,
		[P_NAME] = display(facts),
		[P_AGENT] = facts->user_agent,
		[P_CALL_ID] = facts->call_id,
		[P_VIA] = asked->via,
		[P_CONTACTS] = asked->contacts,
	};
	size_t bytes;

	for (int i = 0; i < P_CONTACTS; i++)
		v[i] = ear_slice_sub(v[i], 0, TEXT_MAX);
	w->text = texts_copy(p, v, P_TEXTS, &bytes);
	if (!w->text)
		return false;
	for (int i = 0; i < P_TEXTS; i++)
		w->len[i] = (uint16_t)v[i].n;
	return true;
}

static void set_hop(struct ear_presence *p, struct pend *w,
	const struct ear_msg *msg, uint32_t conn, unsigned hops)
{
	ear_names_drop(&p->names, w->node);
	w->node = ear_names_take(&p->names, msg->node);
	w->src = msg->src;
	w->dst = msg->dst;
	w->transport = msg->transport;
	w->direction = msg->direction;
	w->hops = (uint8_t)hops;
	w->conn = conn;
	w->connection = conn ? conn_at(p, conn)->id : 0;
	/* A duplicate without addresses: src is who sent it to us. */
	if (msg->flags & EAR_MSG_RELAY)
		w->src = w->dst = (struct ear_addr){0};
}

static void give_up(struct ear_presence *p)
{
	uint32_t worst = 0;

	for (int i = 0; i < 16 || !worst; i++) {
		uint32_t h = p->hand[2] = p->hand[2] % p->pends.last + 1;

		if (!ear_table_has(&p->pends, h))
			continue;
		if (!worst || pend_at(p, h)->due_ns < pend_at(p, worst)->due_ns)
			worst = h;
	}
	pend_drop(p, worst);
	p->stats.evicted++;
}

static void begin(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts, const uint64_t hash[2],
	const struct head *asked, uint32_t conn, bool again)
{
	struct pend *w;
	uint32_t h;

	/* Of bindings, a quarter waits at most: all phones at once. */
	if (p->pends.n >= p->options.max_bindings / 4 + 1000)
		give_up(p);
	h = ear_table_add(&p->pends, hash[0]);
	if (!h)
		return;
	w = pend_at(p, h);
	w->call = hash[1];
	w->at_ns = msg->at_ns;
	w->due_ns = p->now_ns + PEND_NS;
	w->path = asked->path;
	w->cseq = facts->cseq;
	w->expires = asked->expires;
	w->auth = facts->auth_user.n > 0;
	w->again = again;
	set_hop(p, w, msg, conn, asked->hops);
	if (!set_texts(p, w, facts, asked) ||
		!ear_wheel_set(&p->pends_due, h, w->due_ns / EAR_SECOND_NS))
		pend_drop(p, h);
	else
		pend_changed(p, h);
}

void pend_request(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts, uint32_t conn)
{
	uint64_t hash[2];
	unsigned done;
	struct head asked;
	uint32_t h;

	hash[0] = transaction(facts, &hash[1]);
	done_expect(p, hash[0]);
	head_read(msg, facts, &p->text, &asked);
	h = ear_table_first(&p->pends, hash[0]);
	done = done_hops(p, hash[0]);
	if (done && conn)
		peers_share(p, conn);
	/* Nothing is nearer than the client itself. */
	if (done == 1 || (h && pend_at(p, h)->hops == 1))
		return;
	if (!asked.contacts.n || asked.contacts.n > CONTACTS_MAX ||
		(done && asked.hops >= done))
		return;
	if (!h) {
		begin(p, msg, facts, hash, &asked, conn, done > 0);
	} else if (asked.hops < pend_at(p, h)->hops) {
		set_hop(p, pend_at(p, h), msg, conn, asked.hops);
		pend_changed(p, h);
	}
}

/* --- the final reply ---------------------------------------------------- */

/* @param msg the refusal; NULL: there was none */
static void refuse(struct ear_presence *p, struct pend *w,
	const struct ear_msg *msg, const struct ear_facts *facts,
	uint64_t at_ns, uint16_t code, struct ear_slice details)
{
	struct registered r = {
		.w = w,
		.at_ns = at_ns,
		.event = EAR_SESSION_REGISTER,
		.failed = true,
		.trunk = w->direction == EAR_DIR_OUT && w->hops == 1,
		.code = code,
		.details = details,
	};

	if (w->again)
		return;
	set_aor(w);
	r.remote = r.trunk ? w->dst : reply_client(p, w, msg, facts);
	row_registered(p, &r);
}

struct ear_slice status_words(
	uint16_t code, struct ear_slice reason, char room[STATUS_ROOM])
{
	size_t n = 0;

	reason = ear_slice_sub(reason, 0, TEXT_MAX);
	if (code > 999)
		code = 999;
	room[n++] = (char)('0' + code / 100);
	room[n++] = (char)('0' + code / 10 % 10);
	room[n++] = (char)('0' + code % 10);
	if (reason.n) {
		room[n++] = ' ';
		memcpy(room + n, reason.p, reason.n);
	}
	return ear_slice(room, n + reason.n);
}

static void refuse_status(struct ear_presence *p, struct pend *w,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	char room[STATUS_ROOM];

	refuse(p, w, msg, facts, msg->at_ns, facts->status,
		status_words(facts->status, facts->reason, room));
}

/* Whether the reply goes to where the request we go by came from. */
static bool is_near(const struct pend *w, const struct ear_msg *msg)
{
	return !w->src.family || !msg->dst.family ||
	       ear_addr_ip_eq(&w->src, &msg->dst);
}

/* A challenge is a round of every login; to credentials it is a refusal,
 * unless their nonce was merely too old. */
static bool is_round(const struct pend *w, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	if (facts->status != 401 && facts->status != 407)
		return false;
	return !w->auth || reply_stale(msg);
}

void pend_reply(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	uint64_t call, hash = transaction(facts, &call);
	uint32_t h = ear_table_first(&p->pends, hash);
	struct pend *w;

	if (!h || facts->status < 200)
		return;
	w = pend_at(p, h);
	if (facts->status >= 300 && !is_near(w, msg)) {
		/* A proxy may try elsewhere: the client's reply counts. */
		w->held = facts->status;
		ear_names_drop(&p->names, w->held_reason);
		w->held_reason = ear_names_take(
			&p->names, ear_slice_sub(facts->reason, 0, TEXT_MAX));
		pend_changed(p, h);
		return;
	}
	if (facts->status < 300) {
		set_aor(w);
		reply_accept(p, w, msg, facts);
	} else if (!is_round(w, msg, facts)) {
		refuse_status(p, w, msg, facts);
	}
	done_add(p, hash, w->hops);
	pend_drop(p, h);
}

/* A proxy's challenge that was seen alone is no refusal either. */
void pend_due(struct ear_presence *p, uint32_t h)
{
	struct pend *w = pend_at(p, h);
	bool challenge = (w->held == 401 || w->held == 407) && !w->auth;
	char room[STATUS_ROOM];

	if (w->due_ns > p->now_ns) {
		if (!ear_wheel_set(&p->pends_due, h, w->due_ns / EAR_SECOND_NS))
			pend_drop(p, h);
		return;
	}
	if (w->held && !challenge)
		refuse(p, w, NULL, NULL, w->at_ns + PEND_NS, w->held,
			status_words(w->held,
				ear_names_text(&p->names, w->held_reason),
				room));
	else if (!w->held)
		refuse(p, w, NULL, NULL, w->at_ns + PEND_NS, 408,
			EAR_S("408 no reply within 64 s"));
	pend_drop(p, h);
}
