/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/scope_priv.h"

static const char *const names[] = {"message", "transaction", "dialog"};

bool ear_scope_of(struct ear_slice name, enum ear_scope *scope)
{
	for (unsigned i = 0; i < 3; i++) {
		struct ear_slice full = ear_slice_str(names[i]);

		if (ear_slice_ieq(name, full) ||
			(name.n == 1 && ear_lower(name.p[0]) == full.p[0])) {
			*scope = (enum ear_scope)i;
			return true;
		}
	}
	return false;
}

const char *ear_scope_name(enum ear_scope scope)
{
	return names[scope];
}

/* --- small sets --------------------------------------------------------- */

/* Where v is in a set; n when it is not there. */
static unsigned place(const uint64_t *set, unsigned n, uint64_t v)
{
	unsigned i = 0;

	while (i < n && set[i] != v)
		i++;
	return i;
}

/* The bit of v in a set, which takes it in; 0 when there is no room. */
static uint8_t bit_of(struct ear_scope_unit *u, uint64_t *set, uint8_t *n,
	uint64_t v, uint8_t full)
{
	unsigned i = place(set, *n, v);

	if (i == *n) {
		if (*n == EAR_SCOPE_LEGS) {
			u->flags |= full;
			return 0;
		}
		set[(*n)++] = v;
	}
	return (uint8_t)(1u << i);
}

uint8_t scope_branch(struct ear_scope_unit *u, const struct ear_facts *f)
{
	return bit_of(u, u->branch, &u->branches, scope_hash(f->branch), MANY);
}

uint8_t scope_leg(struct ear_scope_unit *u, uint64_t tag)
{
	return tag ? bit_of(u, u->leg, &u->legs, tag, CROWDED) : 0;
}

uint8_t scope_known(const uint64_t *set, unsigned n, uint64_t v)
{
	unsigned i = place(set, n, v);

	return (uint8_t)(i < n ? 1u << i : 0);
}

void scope_establish(struct ear_scope_unit *u, uint64_t tag)
{
	if (place(u->leg, u->legs, tag) == u->legs)
		u->confirmed |= scope_leg(u, tag);
}

/* --- what both scopes ask ----------------------------------------------- */

bool scope_acks_negative(
	const struct ear_scope_unit *u, const struct ear_facts *f)
{
	uint64_t branch = scope_hash(f->branch);

	if (scope_known(u->leg, u->legs, scope_hash(f->to_tag)) & u->confirmed)
		return false;
	if (branch && scope_known(u->branch, u->branches, branch))
		return true;
	return (u->flags & NEGATIVE) || !(u->flags & OK_SEEN);
}

void scope_note_answer(struct ear_scope_unit *u, const struct ear_facts *f)
{
	uint8_t bit = scope_branch(u, f);

	if (f->status < 200)
		return;
	u->answered |= bit;
	if (f->status < 300) {
		u->flags |= OK_SEEN;
		scope_establish(u, scope_hash(f->to_tag));
	} else {
		u->flags |= NEGATIVE;
	}
}

void scope_stamp(struct ear_scope_unit *u, const struct ear_msg *msg)
{
	u->at_ns = msg->at_ns;
	u->seen_ns = msg->seen_ns;
}

/* --- transactions -------------------------------------------------------- */

static enum ear_scope_part take_transaction(struct ear_scope_unit *u,
	const struct ear_msg *msg, const struct ear_facts *f)
{
	bool ack = scope_is_request(f) && scope_is(f->method, "ACK");

	if (f->cseq != u->cseq || scope_hash(f->from_tag) != u->tag[0])
		return EAR_SCOPE_NOT;
	if (u->kind == EAR_UNIT_INVITE) {
		if (ack ? !scope_acks_negative(u, f)
			: !scope_is(f->method, "INVITE") &&
					!scope_is(f->method, "CANCEL"))
			return EAR_SCOPE_NOT;
		if (scope_is(f->method, "INVITE")) {
			if (scope_is_request(f))
				scope_branch(u, f);
			else
				scope_note_answer(u, f);
		}
		u->wait_ns = u->flags & (OK_SEEN | NEGATIVE)
				     ? TIMER_F
				     : TIMER_C + TIMER_F;
	} else if (scope_hash(f->method) != u->method) {
		return EAR_SCOPE_NOT;
	}
	scope_stamp(u, msg);
	return EAR_SCOPE_IN;
}

static void begin_transaction(struct ear_scope_unit *u,
	const struct ear_msg *msg, const struct ear_facts *f)
{
	u->cseq = f->cseq;
	u->tag[0] = scope_hash(f->from_tag);
	u->method = scope_hash(f->method);
	u->wait_ns = TIMER_F;
	if (scope_is(f->method, "INVITE") || scope_is(f->method, "CANCEL"))
		u->kind = EAR_UNIT_INVITE;
	else
		u->kind = scope_is(f->method, "ACK") ? EAR_UNIT_ACK
						     : EAR_UNIT_OTHER;
	(void)take_transaction(u, msg, f);
}

/* --- the face ------------------------------------------------------------- */

bool ear_scope_begin(struct ear_scope_unit *unit, enum ear_scope scope,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	memset(unit, 0, sizeof(*unit));
	if (scope == EAR_SCOPE_MESSAGE || !facts->call_id.n ||
		(facts->kind != EAR_KIND_REQUEST &&
			facts->kind != EAR_KIND_REPLY))
		return false;
	if (scope == EAR_SCOPE_DIALOG && scope_in_dialog(facts))
		scope_begin_dialog(unit, msg, facts);
	else
		begin_transaction(unit, msg, facts);
	return true;
}

enum ear_scope_part ear_scope_take(struct ear_scope_unit *unit,
	const struct ear_scope_want *want, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	if (unit->kind == EAR_UNIT_DIALOG)
		return scope_take_dialog(unit, want, msg, facts);
	if (facts->kind != EAR_KIND_REQUEST && facts->kind != EAR_KIND_REPLY)
		return EAR_SCOPE_NOT;
	return take_transaction(unit, msg, facts);
}

bool ear_scope_over(
	const struct ear_scope_unit *unit, const struct ear_msg *msg)
{
	bool silent = msg->at_ns > unit->at_ns &&
		      msg->at_ns - unit->at_ns > unit->wait_ns;

	if (msg->flags & EAR_MSG_IMPORTED)
		return silent;
	return silent && msg->seen_ns > unit->seen_ns &&
	       msg->seen_ns - unit->seen_ns > unit->wait_ns;
}

bool ear_scope_sound(const struct ear_scope_unit *unit)
{
	return unit->kind >= EAR_UNIT_INVITE && unit->kind <= EAR_UNIT_DIALOG &&
	       unit->branches <= EAR_SCOPE_LEGS && unit->legs <= EAR_SCOPE_LEGS;
}
