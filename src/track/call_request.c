/* SPDX-License-Identifier: Apache-2.0 */
/* What requests within the dialog and a CANCEL do to a call. */
#include "track/call_priv.h"

void call_in_dialog(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);

	if (slot == CALL_NONE) {
		call_join_answered(c, e);
		return;
	}
	if (c->call[slot]->state == CALL_OVER)
		return;
	if (c->call[slot]->state == CALL_MAYBE)
		c->call[slot]->state = CALL_UP;
	call_touch(c, slot, e->msg->at_ns);
}

/* The Reason of a CANCEL says whether somebody else picked up. */
void call_cancel(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_find(c, e->key, e->from_tag);
	struct call_branch *branch;
	struct call_reason reason;
	struct call *call;

	if (slot == CALL_NONE) {
		if (call_is_buried(c, e->key, e->from_tag))
			return;
		slot = call_begin(c, e, true);
		if (slot == CALL_NONE)
			return;
		call_add_branch(c->call[slot], e, true);
	}
	call = c->call[slot];
	if (call->state != CALL_TRYING || e->f->cseq < call->cseq)
		return;
	branch = call_branch_of(call, e->branch);
	if (call_read_reason(e, &reason) && reason.sip == 200) {
		if (branch)
			branch->flags |= CALL_BRANCH_ELSEWHERE;
		return;
	}
	if (branch ? !(branch->flags & CALL_BRANCH_FIRST)
		   : !ear_addr_ip_eq(&call->from, &e->msg->src))
		return;
	call->flags |= CALL_CANCEL;
	call->end_ns = e->msg->at_ns;
	if (reason.text.n) {
		call_set(c, slot, CALL_REASON_HEADER, reason.text);
		c->call[slot]->q850 = reason.q850;
	}
	call_touch(c, slot, e->msg->at_ns);
}

/* An ACK alone may be that of a 2xx or of a refusal: nothing is told of it
 * until something else shows that the call is up. */
void call_ack(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);
	struct call *call;

	if (slot == CALL_NONE) {
		slot = call_join_answered(c, e);
		if (slot == CALL_NONE)
			return;
		c->call[slot]->state = CALL_MAYBE;
		call_line_up(c, slot);
		return;
	}
	call = c->call[slot];
	if (call->state != CALL_UP || !e->from_caller)
		return;
	if (call->flags & CALL_ACKED && !call->session_s)
		return;
	call->flags |= CALL_ACKED;
	call_touch(c, slot, e->msg->at_ns);
}

/* --- BYE ------------------------------------------------------------------ */

/* Whether the dialog of this BYE is the last that was answered. */
static bool last_dialog(struct call *call, uint64_t callee_tag)
{
	struct call_dialog *dialog = call_dialog_of(call, callee_tag, false);

	if (dialog)
		dialog->bye = 1;
	for (unsigned i = 0; i < CALL_DIALOGS; i++) {
		if (call->dialog[i].ok && !call->dialog[i].bye)
			return false;
	}
	return true;
}

static void take_reason(
	struct ear_calls *c, uint32_t slot, struct call_event *e)
{
	struct call_reason reason;

	if (!call_read_reason(e, &reason))
		return;
	call_set(c, slot, CALL_REASON_HEADER, reason.text);
	c->call[slot]->q850 = reason.q850;
}

void call_bye(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);
	struct call *call;

	if (slot == CALL_NONE)
		slot = call_join_answered(c, e);
	if (slot == CALL_NONE || c->call[slot]->state == CALL_OVER)
		return;
	call = c->call[slot];
	if (call->state == CALL_MAYBE)
		call->state = CALL_UP;
	if (call->state == CALL_UP) {
		if (!last_dialog(
			    call, e->from_caller ? e->to_tag : e->from_tag))
			return;
		take_reason(c, slot, e);
		c->call[slot]->by =
			e->from_caller ? EAR_SIDE_CLIENT : EAR_SIDE_SERVER;
		call_hang_up(c, slot, e->msg->at_ns);
		return;
	}
	/* RFC 3261 s15: the caller may end an early dialog so */
	if (!e->from_caller || call->flags & CALL_EARLY_BYE)
		return;
	call->flags |= CALL_EARLY_BYE;
	call->end_ns = e->msg->at_ns;
	call_note(c, slot, "BYE before an answer");
	take_reason(c, slot, e);
	call_touch(c, slot, e->msg->at_ns);
}
