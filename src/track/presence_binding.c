/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "track/presence_register.h"

/* --- texts and links ---------------------------------------------------- */

void binding_texts(const struct binding *b, struct ear_slice text[B_TEXTS])
{
	const char *at = b->text;

	for (int i = 0; i < B_TEXTS; i++) {
		text[i] = ear_slice(at, at ? b->len[i] : 0);
		at = at ? at + b->len[i] : NULL;
	}
}

struct ear_slice binding_text(const struct binding *b, int which)
{
	struct ear_slice text[B_TEXTS];

	binding_texts(b, text);
	return text[which];
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
	p->dropped -= b->dropped;
	if (b->saved)
		state_gone(p, b->id, STATE_BINDING);
	ear_wheel_clear(&p->bindings_due, h);
	binding_free_texts(p, b);
	ear_table_del(&p->bindings, h);
}

/* --- ends --------------------------------------------------------------- */

void binding_end(
	struct ear_presence *p, uint32_t h, uint8_t how, uint64_t at_ns)
{
	if (!binding_at(p, h)->dropped)
		row_binding(p, binding_at(p, h), how, at_ns);
	binding_drop(p, h);
}

void binding_expire(struct ear_presence *p, uint32_t h)
{
	const struct binding *b = binding_at(p, h);

	if (b->dropped)
		registrar_away(p, b->registrar);
	else
		row_ended(p, b, b->expires_ns, EAR_S("expired"), false);
	binding_end(p, h, EAR_BINDING_EXPIRED, b->expires_ns);
}

void binding_due(struct ear_presence *p, uint32_t h)
{
	const struct binding *b = binding_at(p, h);

	if (b->due_ns <= p->now_ns)
		binding_expire(p, h);
	else if (!ear_wheel_set(&p->bindings_due, h, b->due_ns / EAR_SECOND_NS))
		binding_drop(p, h);
}

void binding_give_up(struct ear_presence *p, uint32_t h)
{
	const struct binding *b = binding_at(p, h);

	if (!b->dropped)
		row_binding(p, b, EAR_BINDING_OPEN, 0);
	binding_drop(p, h);
	p->stats.evicted++;
}

/* --- unreachable, and back ---------------------------------------------- */

void binding_lost(
	struct ear_presence *p, uint32_t h, uint64_t at_ns, uint8_t cause)
{
	struct binding *b = binding_at(p, h);

	if (b->expires_ns <= at_ns) {
		binding_expire(p, h);
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

/* --- dropped by the registrar ------------------------------------------- */

static const struct ear_slice dropped = EAR_S_INIT("dropped by the registrar");

void binding_dropped(struct ear_presence *p, uint32_t h, uint64_t at_ns)
{
	struct binding *b = binding_at(p, h);

	row_ended(p, b, at_ns, dropped, false);
	row_binding(p, b, EAR_BINDING_DROPPED, at_ns);
	if (registrar_lists(p, b->registrar) == LISTS_ALL) {
		binding_drop(p, h);
		return;
	}
	b->dropped = true;
	p->dropped++;
	b->lost_ns = at_ns;
	binding_unlink(p, h);
	binding_changed(p, h);
}

void binding_held(struct ear_presence *p, uint32_t h)
{
	struct binding *b = binding_at(p, h);

	row_ended(p, b, b->lost_ns, dropped, true);
	registrar_back(p, b->registrar);
	b->dropped = false;
	p->dropped--;
	b->back = true;
	b->lost_ns = 0;
	b->lost_cause = 0;
	binding_changed(p, h);
}
