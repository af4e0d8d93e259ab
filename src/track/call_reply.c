/* SPDX-License-Identifier: Apache-2.0 */
/* What replies do to a call. */
#include "track/call_priv.h"

/* The reply came back to the caller, not to a proxy in between. */
static bool at_first_hop(struct call *call, const struct call_event *e)
{
	struct call_branch *branch = call_branch_of(call, e->branch);

	if (branch)
		return branch->flags & CALL_BRANCH_FIRST;
	return ear_addr_eq(&call->from, &e->msg->dst);
}

/* Of this attempt: not of the one before, nor of a re-INVITE. */
static bool of_attempt(struct call *call, const struct call_event *e)
{
	return e->f->cseq >= call->cseq && e->f->cseq <= call->cseq_high;
}

static void set_callee(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	if (e->f->user_agent.n)
		call_set(c, slot, CALL_DST_AGENT, e->f->user_agent);
}

/* --- 1xx ------------------------------------------------------------------ */

static void provisional(
	struct ear_calls *c, uint32_t slot, struct call_event *e)
{
	struct call *call = c->call[slot];

	if (call->state != CALL_TRYING)
		return;
	call->flags |= CALL_PROVISIONAL;
	if (e->f->status > 100) {
		call->flags |= CALL_RANG;
		if (!call->ring_ns)
			call->ring_ns = e->msg->at_ns;
		if (e->f->to_tag.n)
			call_dialog_seen(call, e);
		if (!call->text_bytes[CALL_DST_AGENT])
			set_callee(c, slot, e);
	}
	call_touch(c, slot, e->msg->at_ns);
}

/* --- 2xx ------------------------------------------------------------------ */

/* What was refused before counts no more: a 2xx may cross with a CANCEL, and
 * a branch may refuse sooner than another one answers. */
static void forget_refusals(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (call->flags & CALL_CANCEL)
		call_note(c, slot, "answered as it was cancelled");
	call_reopen(c, slot);
	call = c->call[slot];
	call->flags &= (uint16_t) ~(CALL_CANDIDATE | CALL_ESTIMATED);
	call->end_ns = 0;
	call->by = EAR_SIDE_NONE;
	call->q850 = 0;
	call_set(c, slot, CALL_REASON_HEADER, ear_slice(NULL, 0));
}

static void answer(struct ear_calls *c, uint32_t slot, struct call_event *e)
{
	struct call *call;

	forget_refusals(c, slot);
	call = c->call[slot];
	call->state = CALL_UP;
	call->answer_ns = e->msg->at_ns;
	call->code = e->f->status;
	call->session_s = call_read_session(e);
	call_set(c, slot, CALL_TO_TAG, e->f->to_tag);
	call_set(c, slot, CALL_REASON, e->f->reason);
	set_callee(c, slot, e);
	call_touch(c, slot, e->msg->at_ns);
	call_legs_answered(c, slot);
}

static void success(struct ear_calls *c, uint32_t slot, struct call_event *e)
{
	struct call *call = c->call[slot];
	struct call_dialog *dialog = call_dialog_seen(call, e);

	if (dialog && !dialog->bye)
		dialog->ok = 1;
	if (call->state != CALL_UP)
		answer(c, slot, e);
	else if (e->f->cseq > call->cseq_high)
		call->session_s = call_read_session(e);
	call_touch(c, slot, e->msg->at_ns);
}

/* --- 3xx to 6xx ----------------------------------------------------------- */

/* After these a caller tries again, so that it is not over yet (RFC 3261
 * s8.1.3.4 and s8.1.3.5, RFC 4028 s6, RFC 3329). */
static bool may_try_again(unsigned status)
{
	return status < 400 || status == 401 || status == 407 ||
	       status == 413 || status == 415 || status == 416 ||
	       status == 420 || status == 421 || status == 422 || status == 494;
}

/* A reply to the caller of a branch that was not seen is that of the only one
 * which was. */
static struct call_branch *only_first(struct call *call)
{
	struct call_branch *only = NULL;

	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (!(call->branch[i].flags & CALL_BRANCH_FIRST))
			continue;
		if (only)
			return NULL;
		only = &call->branch[i];
	}
	return only;
}

/* Every branch that the caller's side has was refused. A 6xx is for all of
 * them (RFC 3261 s16.7). */
static bool refused_by_all(const struct call *call, unsigned status)
{
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		unsigned flags = call->branch[i].flags;

		if (flags & CALL_BRANCH_FIRST && !(flags & CALL_BRANCH_FINAL))
			return status >= 600;
	}
	return true;
}

static bool answered_elsewhere(
	const struct call_branch *branch, struct call_event *e)
{
	struct call_reason reason;

	if (e->f->status != 487)
		return false;
	if (branch && branch->flags & CALL_BRANCH_ELSEWHERE)
		return true;
	return call_read_reason(e, &reason) && reason.sip == 200;
}

/* The branch does not count; only when nothing else is seen it is what is
 * known of the call. */
static void picked_up_elsewhere(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	struct call *call = c->call[slot];

	if (!(call->flags & CALL_CANDIDATE)) {
		call->code = e->f->status;
		call->end_ns = e->msg->at_ns;
	}
	call_note(c, slot, "answered elsewhere");
}

/* Mostly of a proxy on the way, and not of who is called. */
static bool is_challenge(unsigned status)
{
	return status == 401 || status == 407;
}

static void refusal(struct ear_calls *c, uint32_t slot, struct call_event *e)
{
	struct call *call = c->call[slot];
	struct call_branch *branch = call_branch_of(call, e->branch);
	bool first_hop = at_first_hop(call, e);
	bool elsewhere;

	if (call->state != CALL_TRYING)
		return;
	if (!branch && first_hop)
		branch = only_first(call);
	elsewhere = answered_elsewhere(branch, e);
	if (branch)
		branch->flags |=
			CALL_BRANCH_FINAL |
			(may_try_again(e->f->status) ? CALL_BRANCH_AGAIN : 0);
	if (!call->text_bytes[CALL_DST_AGENT] && !is_challenge(e->f->status))
		set_callee(c, slot, e);
	if (elsewhere)
		picked_up_elsewhere(c, slot, e);
	else
		call_candidate(c, slot, e, first_hop);
	call_touch(c, slot, e->msg->at_ns);
	call = c->call[slot];
	if (!first_hop || !refused_by_all(call, e->f->status))
		return;
	if (!may_try_again(e->f->status) || call->flags & CALL_CANCEL) {
		call_fail(c, slot);
		return;
	}
	call->state = CALL_HELD;
	if (e->f->status < 400)
		call->flags |= CALL_REDIRECTED;
	call_line_up(c, slot);
}

/* --- any reply to an INVITE ----------------------------------------------- */

/* Of a call whose INVITE was not seen. A refusal may as well be that of a
 * re-INVITE; then the call goes on, and is found when it ends. */
static uint32_t join_by_reply(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot;

	if (e->f->status <= 100 || e->f->status >= 300 || !call_may_join(c, e))
		return CALL_NONE;
	slot = call_begin(c, e, true);
	if (slot != CALL_NONE && e->f->status < 200)
		call_line_up(c, slot);
	return slot;
}

void call_reply_invite(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);
	struct call *call;

	if (slot == CALL_NONE)
		slot = join_by_reply(c, e);
	if (slot == CALL_NONE || call_is_done(c->call[slot]))
		return;
	call = c->call[slot];
	if (call->state == CALL_MAYBE)
		call->state = CALL_UP;
	if (e->f->status == 491 && call->state == CALL_UP)
		call_note(c, slot, "both sides changed it at once (491)");
	if (!e->from_caller ||
		(call->state == CALL_UP && e->f->status >= 300)) {
		call_reply_other(c, e);
		return;
	}
	if (call->state != CALL_UP && !of_attempt(call, e))
		return;
	if (e->f->status < 200)
		provisional(c, slot, e);
	else if (e->f->status < 300)
		success(c, slot, e);
	else
		refusal(c, slot, e);
}

/* --- replies to others ---------------------------------------------------- */

/* 481 or 408: the other side knows of no such dialog any more. */
static bool no_dialog(unsigned status)
{
	return status == 481 || status == 408;
}

/* To what was asked within the dialog, as a re-INVITE or an UPDATE. */
void call_reply_other(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);
	struct call *call;

	if (slot == CALL_NONE || c->call[slot]->state != CALL_UP)
		return;
	call = c->call[slot];
	if (e->f->status >= 200 && e->f->status < 300 &&
		(ear_slice_eq(e->f->cseq_method, EAR_S("INVITE")) ||
			ear_slice_eq(e->f->cseq_method, EAR_S("UPDATE")))) {
		uint32_t session = call_read_session(e);

		if (session)
			call->session_s = session;
	}
	if (no_dialog(e->f->status))
		call_note(c, slot,
			"the other side did not know it any more (%u)",
			e->f->status);
	call_touch(c, slot, e->msg->at_ns);
}

/* The BYE itself was not seen. One that asks for credentials ends nothing. */
void call_reply_bye(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);
	struct call *call;

	if (slot == CALL_NONE || e->f->status < 200 || e->f->status == 401 ||
		e->f->status == 407)
		return;
	call = c->call[slot];
	if (call->state != CALL_UP)
		return;
	call->by = e->from_caller ? EAR_SIDE_CLIENT : EAR_SIDE_SERVER;
	call_hang_up(c, slot, e->msg->at_ns);
}
