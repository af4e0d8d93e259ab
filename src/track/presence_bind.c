/* SPDX-License-Identifier: Apache-2.0 */
#include "track/presence_register.h"

/* --- finding ------------------------------------------------------------ */

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
	binding_give_up(p, worst);
}

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
			binding_expire(p, h);
			continue;
		}
		n++;
		if (b->key == key)
			found = h;
		if (!oldest ||
			b->refreshed_ns < binding_at(p, oldest)->refreshed_ns)
			oldest = h;
	}
	if (!found && n >= AOR_MAX)
		binding_give_up(p, oldest);
	return found;
}

/* --- a REGISTER --------------------------------------------------------- */

static bool set_texts(
	struct ear_presence *p, struct binding *b, const struct bind *how)
{
	const struct ear_slice *text = how->text;
	struct ear_slice is[B_TEXTS],
		v[B_TEXTS] = {
			[B_USER] = text[text[P_USER].n ? P_USER : P_HOST],
			[B_NAME] = text[P_NAME],
			[B_CONTACT] = how->contact,
			[B_INSTANCE] = how->instance,
			[B_CALL_ID] = text[P_CALL_ID],
		};
	size_t bytes;
	bool same = b->text != NULL;
	char *block;

	binding_texts(b, is);
	for (int i = 0; i < B_TEXTS; i++) {
		v[i] = ear_slice_sub(v[i], 0, TEXT_MAX);
		same = same && ear_slice_eq(v[i], is[i]);
	}
	if (same)
		return true;
	block = texts_copy(p, v, B_TEXTS, &bytes);
	if (!block)
		return false;
	texts_free(p, b->text, binding_text_bytes(b));
	b->text = block;
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
	binding_end(p, h, EAR_BINDING_REPLACED, how->at_ns);
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
		binding_expire(p, h);
	else if (b->lost_ns && b->connection != how->w->connection)
		binding_end(p, h, EAR_BINDING_REPLACED, how->at_ns);
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

/*
 * One of which the registrar's list said that it was dropped. What goes on as
 * it did before was not; unless that registrar lists all. What begins anew in
 * the time that it had may have been, but is not dropped a second time: two
 * phones that register in turns with a registrar that lists its own only.
 *
 * @return 0: it begins anew; *back: the new one is such
 */
static uint32_t came_back(
	struct ear_presence *p, uint32_t h, const struct bind *how, bool *back)
{
	const struct binding *b = binding_at(p, h);
	bool in_time = how->at_ns <= b->expires_ns + GRACE_NS;

	*back = in_time && registrar_lists(p, b->registrar) != LISTS_ALL;
	if (*back && b->call == (uint32_t)how->w->call &&
		b->cseq < how->w->cseq) {
		binding_held(p, h);
		return h;
	}
	if (*back)
		registrar_back(p, b->registrar);
	binding_drop(p, h);
	return 0;
}

/* What the REGISTER says about one that is new or refreshed. */
static bool set(struct ear_presence *p, uint32_t h, const struct bind *how)
{
	struct binding *b = binding_at(p, h);

	b->refreshed_ns = how->at_ns;
	b->expires_ns = how->at_ns + how->expires_s * EAR_SECOND_NS;
	b->due_ns = p->now_ns + how->expires_s * EAR_SECOND_NS + GRACE_NS;
	b->call = (uint32_t)how->w->call;
	b->cseq = how->w->cseq;
	b->registrar = how->registrar;
	set_name(p, &b->domain, how->text[P_HOST]);
	set_name(p, &b->agent, how->text[P_AGENT]);
	set_flow(p, h, how);
	binding_changed(p, h);
	if (!set_texts(p, b, how) || !ear_wheel_set(&p->bindings_due, h,
					     b->due_ns / EAR_SECOND_NS)) {
		binding_drop(p, h);
		return false;
	}
	if (b->conn && conn_at(p, b->conn)->closed_ns)
		binding_lost(p, h, conn_at(p, b->conn)->closed_ns,
			conn_at(p, b->conn)->cause);
	return true;
}

/* This REGISTER is in it; perhaps it is told of nearer to the client now. */
static enum bound put_again(struct ear_presence *p, uint32_t h,
	const struct bind *how, uint64_t *told_ns)
{
	struct binding *b = binding_at(p, h);

	*told_ns = b->refreshed_ns;
	if (b->dropped || how->w->hops >= b->hops)
		return BIND_AGAIN;
	set_flow(p, h, how);
	binding_changed(p, h);
	return BIND_BETTER;
}

enum bound bind_put(
	struct ear_presence *p, const struct bind *how, uint64_t *told_ns)
{
	uint32_t h = find(p, how->w->aor, how->key);
	enum bound bound = BIND_REFRESHED;
	bool back = false;

	if (h && is_again(binding_at(p, h), how))
		return put_again(p, h, how, told_ns);
	if (h && is_late(binding_at(p, h), how))
		return BIND_NONE;
	if (h && binding_at(p, h)->dropped)
		h = came_back(p, h, how, &back);
	h = replaced(p, begun_anew(p, h, how), how);
	if (h) {
		refresh(binding_at(p, h), how->at_ns);
	} else {
		h = begin(p, how);
		bound = BIND_BEGUN;
		if (h)
			binding_at(p, h)->back = back;
	}
	return h && set(p, h, how) ? bound : BIND_NONE;
}

void bind_remove(struct ear_presence *p, const struct bind *how)
{
	uint32_t h = find(p, how->w->aor, how->key);

	if (h)
		binding_end(p, h, EAR_BINDING_REMOVED, how->at_ns);
}

void bind_remove_all(struct ear_presence *p, const struct bind *how)
{
	uint32_t next;

	for (uint32_t h = ear_table_first(&p->bindings, how->w->aor); h;
		h = next) {
		next = ear_table_next(&p->bindings, h);
		if (binding_at(p, h)->due_ns <= p->now_ns)
			binding_expire(p, h);
		else
			binding_end(p, h, EAR_BINDING_REMOVED, how->at_ns);
	}
}
