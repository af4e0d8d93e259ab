/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "track/presence_priv.h"

/* --- texts and links ---------------------------------------------------- */

struct ear_slice binding_text(const struct binding *b, int which)
{
	size_t at = 0;

	if (!b->text)
		return (struct ear_slice){0};
	for (int i = 0; i < which; i++)
		at += b->len[i];
	return ear_slice(b->text + at, b->len[which]);
}

size_t binding_text_bytes(const struct binding *b)
{
	size_t n = 0;

	for (int i = 0; i < B_TEXTS; i++)
		n += b->len[i];
	return n;
}

void binding_unlink(struct ear_presence *p, uint32_t h)
{
	struct binding *b = binding_at(p, h);

	if (!b->conn)
		return;
	if (b->conn_prev)
		binding_at(p, b->conn_prev)->conn_next = b->conn_next;
	else
		conn_at(p, b->conn)->bindings = b->conn_next;
	if (b->conn_next)
		binding_at(p, b->conn_next)->conn_prev = b->conn_prev;
	b->conn = b->conn_next = b->conn_prev = 0;
}

void binding_link(struct ear_presence *p, uint32_t h, uint32_t conn)
{
	struct binding *b = binding_at(p, h);
	struct conn *c;

	if (b->conn == conn)
		return;
	binding_unlink(p, h);
	if (!conn)
		return;
	c = conn_at(p, conn);
	b->conn = conn;
	b->conn_next = c->bindings;
	if (c->bindings)
		binding_at(p, c->bindings)->conn_prev = h;
	c->bindings = h;
}

void binding_free_texts(struct ear_presence *p, struct binding *b)
{
	texts_free(p, b->text, binding_text_bytes(b));
	ear_names_drop(&p->names, b->local);
	ear_names_drop(&p->names, b->domain);
	ear_names_drop(&p->names, b->agent);
	ear_names_drop(&p->names, b->node);
}

void binding_drop(struct ear_presence *p, uint32_t h)
{
	struct binding *b = binding_at(p, h);

	binding_unlink(p, h);
	if (b->saved)
		state_gone(p, b->id, STATE_BINDING);
	ear_wheel_clear(&p->bindings_due, h);
	binding_free_texts(p, b);
	ear_table_del(&p->bindings, h);
}

/* --- ends --------------------------------------------------------------- */

static void end(struct ear_presence *p, uint32_t h, uint8_t how, uint64_t at_ns)
{
	row_binding(p, binding_at(p, h), how, at_ns);
	binding_drop(p, h);
}

static void expire(struct ear_presence *p, uint32_t h)
{
	row_expired(p, binding_at(p, h));
	end(p, h, EAR_BINDING_EXPIRED, binding_at(p, h)->expires_ns);
}

void binding_due(struct ear_presence *p, uint32_t h)
{
	const struct binding *b = binding_at(p, h);

	if (b->due_ns <= p->now_ns)
		expire(p, h);
	else if (!ear_wheel_set(&p->bindings_due, h, b->due_ns / EAR_SECOND_NS))
		binding_drop(p, h);
}

void binding_lost(
	struct ear_presence *p, uint32_t h, uint64_t at_ns, uint8_t cause)
{
	struct binding *b = binding_at(p, h);

	if (b->expires_ns <= at_ns) {
		expire(p, h);
		return;
	}
	b->lost_ns = at_ns;
	b->lost_cause = cause;
	binding_changed(p, h);
}

void binding_back(struct ear_presence *p, uint32_t h, uint32_t conn)
{
	struct binding *b = binding_at(p, h);
	struct conn *c = conn_at(p, conn);

	b->lost_ns = 0;
	b->lost_cause = 0;
	b->connection = c->id;
	if (b->due_ns - GRACE_NS > c->holds_ns)
		c->holds_ns = b->due_ns - GRACE_NS;
	binding_link(p, h, conn);
	binding_changed(p, h);
	peers_add(p, conn, binding_text(b, B_USER), binding_text(b, B_NAME));
}

/* The one that was refreshed longest ago, of sixteen. Its row stays as it
 * stands and ends when it expires. */
static void give_up(struct ear_presence *p)
{
	uint32_t worst = 0;

	for (int i = 0; i < 16 || !worst; i++) {
		uint32_t h = p->hand[1] = p->hand[1] % p->bindings.last + 1;

		if (!ear_table_has(&p->bindings, h))
			continue;
		if (!worst || binding_at(p, h)->refreshed_ns <
				      binding_at(p, worst)->refreshed_ns)
			worst = h;
	}
	row_binding(p, binding_at(p, worst), EAR_BINDING_OPEN, 0);
	binding_drop(p, worst);
	p->stats.evicted++;
}

/* --- finding ------------------------------------------------------------ */

/* The binding of a key; what has expired by now goes on the way, and of too
 * many of one address of record the one that was refreshed longest ago. */
static uint32_t find(struct ear_presence *p, uint64_t aor, uint64_t key)
{
	uint32_t found = 0, oldest = 0, next;
	size_t n = 0;

	for (uint32_t h = ear_table_first(&p->bindings, aor); h; h = next) {
		const struct binding *b = binding_at(p, h);

		next = ear_table_next(&p->bindings, h);
		if (b->due_ns <= p->now_ns) {
			expire(p, h);
			continue;
		}
		n++;
		if (b->key == key)
			found = h;
		if (!oldest ||
			b->refreshed_ns < binding_at(p, oldest)->refreshed_ns)
			oldest = h;
	}
	if (!found && n >= AOR_MAX) {
		row_binding(p, binding_at(p, oldest), EAR_BINDING_OPEN, 0);
		binding_drop(p, oldest);
		p->stats.evicted++;
	}
	return found;
}

/* --- a REGISTER --------------------------------------------------------- */

static bool set_texts(
	struct ear_presence *p, struct binding *b, const struct bind *how)
{
	struct ear_slice v[B_TEXTS] = {
		[B_USER] = pend_text(how->w, P_USER),
		[B_NAME] = pend_text(how->w, P_NAME),
		[B_CONTACT] = how->contact,
		[B_INSTANCE] = how->instance,
		[B_CALL_ID] = pend_text(how->w, P_CALL_ID),
	};
	size_t bytes;
	bool same = b->text != NULL;
	char *text;

	if (!v[B_USER].n)
		v[B_USER] = pend_text(how->w, P_HOST);
	for (int i = 0; i < B_TEXTS; i++) {
		v[i] = ear_slice_sub(v[i], 0, TEXT_MAX);
		same = same && ear_slice_eq(v[i], binding_text(b, i));
	}
	if (same)
		return true;
	text = texts_copy(p, v, B_TEXTS, &bytes);
	if (!text)
		return false;
	texts_free(p, b->text, binding_text_bytes(b));
	b->text = text;
	for (int i = 0; i < B_TEXTS; i++)
		b->len[i] = (uint8_t)v[i].n;
	return true;
}

static void set_name(
	struct ear_presence *p, uint32_t *name, struct ear_slice text)
{
	uint32_t h;

	if (ear_slice_eq(ear_names_text(&p->names, *name), text))
		return;
	h = ear_names_take(&p->names, text);
	ear_names_drop(&p->names, *name);
	*name = h;
}

/* Where it comes from. */
static void set_flow(struct ear_presence *p, uint32_t h, const struct bind *how)
{
	struct binding *b = binding_at(p, h);
	const struct pend *w = how->w;
	const struct ear_addr *local = how->trunk ? &w->src : &w->dst;
	bool there = conn_is(p, w->conn, w->connection);

	b->remote = how->remote;
	b->transport = w->transport;
	b->trunk = how->trunk;
	b->hops = w->hops;
	b->connection = w->connection;
	set_name(p, &b->local, ear_slice(local, sizeof(*local)));
	set_name(p, &b->node, ear_names_text(&p->names, w->node));
	b->lost_ns = 0;
	b->lost_cause = 0;
	binding_link(p, h, there ? w->conn : 0);
	if (there) {
		struct conn *c = conn_at(p, w->conn);
		uint64_t holds_ns = b->due_ns - GRACE_NS;

		if (holds_ns > c->holds_ns)
			c->holds_ns = holds_ns;
		conn_changed(p, w->conn, false);
	}
}

static uint32_t begin(struct ear_presence *p, const struct bind *how)
{
	uint64_t v[3] = {how->w->aor, how->key, how->at_ns};
	struct binding *b;
	uint32_t h;

	if (p->bindings.n >= p->options.max_bindings)
		give_up(p);
	h = ear_table_add(&p->bindings, how->w->aor);
	if (!h)
		return 0;
	b = binding_at(p, h);
	b->key = how->key;
	b->id = row_id(hash_of(v, 3));
	b->at_ns = how->at_ns;
	return h;
}

static void refresh(struct binding *b, uint64_t at_ns)
{
	int64_t left =
		(int64_t)(b->expires_ns - at_ns) / (int64_t)EAR_SECOND_NS;

	if (left > INT32_MAX)
		left = INT32_MAX;
	if (left < INT32_MIN)
		left = INT32_MIN;
	if (!b->refreshes || left < b->margin_s)
		b->margin_s = (int32_t)left;
	b->refreshes++;
	b->interval_s =
		at_ns > b->refreshed_ns
			? (uint32_t)((at_ns - b->refreshed_ns) / EAR_SECOND_NS)
			: 0;
}

/* The same instance came by the same way before, from another contact
 * (RFC 5626 s6): that span is over. */
static uint32_t replaced(
	struct ear_presence *p, uint32_t h, const struct bind *how)
{
	if (!h || how->key == how->contact_key ||
		ear_slice_eq(binding_text(binding_at(p, h), B_CONTACT),
			ear_slice_sub(how->contact, 0, TEXT_MAX)))
		return h;
	end(p, h, EAR_BINDING_REPLACED, how->at_ns);
	return 0;
}

/*
 * What begins anew: one that came back after it had expired, by the messages'
 * own clock, as traffic of days that is read within minutes; and one whose
 * connection was gone, by another one. The span before keeps since when it
 * was unreachable, so that the past can be asked for it.
 */
static uint32_t begun_anew(
	struct ear_presence *p, uint32_t h, const struct bind *how)
{
	const struct binding *b;

	if (!h)
		return 0;
	b = binding_at(p, h);
	if (how->at_ns > b->expires_ns + GRACE_NS + SKEW_NS)
		expire(p, h);
	else if (b->lost_ns && b->connection != how->w->connection)
		end(p, h, EAR_BINDING_REPLACED, how->at_ns);
	else
		return h;
	return 0;
}

static bool is_again(const struct binding *b, const struct bind *how)
{
	uint64_t apart = how->at_ns > b->refreshed_ns
				 ? how->at_ns - b->refreshed_ns
				 : b->refreshed_ns - how->at_ns;

	return b->call == (uint32_t)how->w->call && b->cseq == how->w->cseq &&
	       apart <= PEND_NS;
}

/* One that was overtaken by its successor changes nothing any more (RFC 3261
 * s10.3 step 7). */
static bool is_late(const struct binding *b, const struct bind *how)
{
	return b->call == (uint32_t)how->w->call && b->cseq > how->w->cseq &&
	       b->refreshed_ns > how->at_ns;
}

enum bound bind_put(
	struct ear_presence *p, const struct bind *how, uint64_t *told_ns)
{
	uint32_t h = find(p, how->w->aor, how->key);
	struct binding *b;

	if (h && is_again(binding_at(p, h), how)) {
		b = binding_at(p, h);
		*told_ns = b->refreshed_ns;
		if (how->w->hops >= b->hops)
			return BIND_AGAIN;
		set_flow(p, h, how);
		binding_changed(p, h);
		return BIND_BETTER;
	}
	if (h && is_late(binding_at(p, h), how))
		return BIND_NEW;
	h = replaced(p, begun_anew(p, h, how), how);
	if (h)
		refresh(binding_at(p, h), how->at_ns);
	else
		h = begin(p, how);
	if (!h)
		return BIND_NEW;
	b = binding_at(p, h);
	b->refreshed_ns = how->at_ns;
	b->expires_ns = how->at_ns + how->expires_s * EAR_SECOND_NS;
	b->due_ns = p->now_ns + how->expires_s * EAR_SECOND_NS + GRACE_NS;
	b->call = (uint32_t)how->w->call;
	b->cseq = how->w->cseq;
	set_name(p, &b->domain, pend_text(how->w, P_HOST));
	set_name(p, &b->agent, pend_text(how->w, P_AGENT));
	set_flow(p, h, how);
	binding_changed(p, h);
	if (!set_texts(p, b, how) || !ear_wheel_set(&p->bindings_due, h,
					     b->due_ns / EAR_SECOND_NS)) {
		binding_drop(p, h);
	} else if (b->conn && conn_at(p, b->conn)->closed_ns) {
		binding_lost(p, h, conn_at(p, b->conn)->closed_ns,
			conn_at(p, b->conn)->cause);
	}
	return BIND_NEW;
}

void bind_remove(struct ear_presence *p, const struct bind *how)
{
	uint32_t h = find(p, how->w->aor, how->key);

	if (h)
		end(p, h, EAR_BINDING_REMOVED, how->at_ns);
}

void bind_remove_all(struct ear_presence *p, const struct bind *how)
{
	uint32_t next;

	for (uint32_t h = ear_table_first(&p->bindings, how->w->aor); h;
		h = next) {
		next = ear_table_next(&p->bindings, h);
		if (binding_at(p, h)->due_ns <= p->now_ns)
			expire(p, h);
		else
			end(p, h, EAR_BINDING_REMOVED, how->at_ns);
	}
}
