/* SPDX-License-Identifier: Apache-2.0 */
/* The call of a message, and where calls begin. */
#include "track/call_priv.h"

/* Requests of the callee have the caller's tag in To, so have their replies; it
 * may be none (RFC 2543). An INVITE without To-tag is nobody's but the
 * caller's. */
uint32_t call_of(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_find(c, e->key, e->from_tag);

	e->from_caller = true;
	if (slot == CALL_NONE) {
		slot = call_find(c, e->key, e->to_tag);
		e->from_caller = slot == CALL_NONE;
	}
	if (slot != CALL_NONE)
		call_wake(c, slot);
	return slot;
}

bool call_may_join(const struct ear_calls *c, const struct call_event *e)
{
	return !call_is_buried(c, e->key, e->from_tag) &&
	       !(e->f->to_tag.n && call_is_buried(c, e->key, e->to_tag));
}

uint32_t call_begin(struct ear_calls *c, struct call_event *e, bool joined)
{
	struct call *call;
	uint32_t slot;

	while (c->n >= c->options.max &&
		(slot = call_longest_silent(c)) != CALL_NONE)
		call_give_up(c, slot);
	while ((slot = call_crowded(c, e->key)) != CALL_NONE)
		call_give_up(c, slot);
	call = call_add(c, e->key, e->from_tag, e->msg->at_ns, &slot);
	if (!call)
		return CALL_NONE;
	call_set_parties(c, slot, e);
	call = c->call[slot];
	call->cseq = call->cseq_high = e->f->cseq;
	e->from_caller = true;
	if (!joined)
		return slot;
	call->flags |= CALL_JOINED;
	if (e->f->to_tag.n) {
		call_dialog_of(call, e->to_tag, true);
		call_set(c, slot, CALL_TO_TAG, e->f->to_tag);
	}
	return slot;
}

uint32_t call_join_answered(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot;
	struct call *call;
	struct call_dialog *dialog;

	if (!e->f->to_tag.n || !call_may_join(c, e))
		return CALL_NONE;
	slot = call_begin(c, e, true);
	if (slot == CALL_NONE)
		return slot;
	call = c->call[slot];
	call->state = CALL_UP;
	call->answer_ns = e->msg->at_ns;
	call->flags |= CALL_ACKED;
	dialog = call_dialog_of(call, e->to_tag, true);
	if (dialog)
		dialog->ok = 1;
	call_line_up(c, slot);
	return slot;
}
