/* SPDX-License-Identifier: Apache-2.0 */
/* What an INVITE without To-tag does to a call. */
#include "track/call_priv.h"

/* The 3xx as the caller got it may be reported behind what follows it. */
static bool redirected(const struct call *call)
{
	return call->flags & CALL_REDIRECTED ||
	       (call->flags & CALL_CANDIDATE && call->code >= 300 &&
		       call->code < 400);
}

static void new_attempt(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	struct call *call = c->call[slot];

	call_reopen(c, slot);
	if (redirected(call) && e->f->ruri_user.n &&
		!ear_slice_eq(e->f->ruri_user, call_text(call, CALL_DST)))
		call_note(c, slot, "redirected to %.*s",
			EAR_FMT(ear_slice_sub(e->f->ruri_user, 0, 80)));
	call = c->call[slot];
	call->retries++;
	call->state = CALL_TRYING;
	call->invite_ns = e->msg->at_ns;
	call->cseq = e->f->cseq;
	if (call->cseq_high < call->cseq)
		call->cseq_high = call->cseq;
	call->flags &=
		(uint16_t) ~(CALL_PROVISIONAL | CALL_RANG | CALL_CANDIDATE |
			     CALL_REDIRECTED | CALL_CANCEL | CALL_EARLY_BYE |
			     CALL_ESTIMATED);
	call->code = call->q850 = 0;
	call->rank = 0;
	call->end_ns = 0;
	memset(call->branch, 0, sizeof(call->branch));
	memset(call->dialog, 0, sizeof(call->dialog));
	call_add_branch(call, e, true);
	call_set(c, slot, CALL_REASON, ear_slice(NULL, 0));
	call_set(c, slot, CALL_REASON_HEADER, ear_slice(NULL, 0));
	if (e->f->auth_user.n) {
		call_set(c, slot, CALL_AUTH, e->f->auth_user);
		call_set(c, slot, CALL_SRC, call_caller(c, e->f));
	}
	call_touch(c, slot, e->msg->at_ns);
}

/* Reported out of order: this one was sent before the one that came first. */
static void earlier_hop(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	struct call *call = c->call[slot];

	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (call->branch[i].flags & CALL_BRANCH_FIRST)
			call->branch[i].flags =
				CALL_BRANCH_BEHIND |
				(call->branch[i].flags &
					(uint8_t)~CALL_BRANCH_FIRST);
	}
	call->invite_ns = e->msg->at_ns;
	call_add_branch(call, e, true);
	call_set_parties(c, slot, e);
	call_renew_numbers(c, slot);
	call_mark(c, slot);
	if (c->call[slot]->state == CALL_OVER)
		call_tell(c, c->call[slot]);
}

/*
 * Each hop adds a Via and takes one from Max-Forwards (RFC 3261 s16.6), which
 * no clock can change: two agents may have two clocks. Time counts only where
 * the messages do not say.
 */
static bool is_earlier(const struct call *call, const struct call_event *e)
{
	const struct call_path *path = &e->path;

	if (path->hops && call->hops && path->hops != call->hops)
		return path->hops < call->hops;
	if (call->state != CALL_TRYING ||
		ear_addr_eq(&call->from, &e->msg->src))
		return false;
	if (path->forwards && call->forwards &&
		path->forwards != call->forwards)
		return path->forwards > call->forwards;
	return e->msg->at_ns < call->invite_ns;
}

/* The same attempt on another hop, or on one more branch of the same. */
static void further_branch(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	struct call *call = c->call[slot];
	bool beside = ear_addr_eq(&call->from, &e->msg->src) &&
		      (!call->hops || call->hops == e->path.hops);

	call_add_branch(call, e, beside);
	if (e->f->cseq > call->cseq_high)
		call->cseq_high = e->f->cseq;
	if (call->state == CALL_OVER && beside) {
		/* one target after the other, seen behind the proxy */
		call_reopen(c, slot);
		call->end_ns = 0;
	}
	call_touch(c, slot, e->msg->at_ns);
}

static bool tries_again(const struct call *call, const struct call_event *e)
{
	bool waits = call->state == CALL_HELD || call->state == CALL_OVER;

	if (e->f->cseq <= call->cseq || call->state == CALL_UP)
		return false;
	return waits || ear_addr_eq(&call->from, &e->msg->src);
}

static void known_invite(
	struct ear_calls *c, uint32_t slot, struct call_event *e)
{
	struct call *call = c->call[slot];
	bool again = tries_again(call, e);

	if (call->state == CALL_MAYBE || call_is_done(call) ||
		e->f->cseq < call->cseq ||
		(!again && call_branch_of(call, e->branch)))
		return;
	call_read_path(e);
	if (again)
		new_attempt(c, slot, e);
	else if (is_earlier(call, e))
		earlier_hop(c, slot, e);
	else if (call->state != CALL_UP)
		further_branch(c, slot, e);
}

static void note_user(struct ear_calls *c, uint32_t slot, const char *how,
	struct ear_slice value)
{
	struct ear_sip_addr addr;

	if (value.n && ear_sip_addr_next(&value, &addr))
		call_note(c, slot, "%s %.*s", how,
			EAR_FMT(ear_slice_sub(addr.uri.user, 0, 80)));
}

static void note_origin(
	struct ear_calls *c, uint32_t slot, const struct call_origin *o)
{
	if (o->replaces.n)
		call_note(c, slot, "takes over %.*s",
			EAR_FMT(ear_slice_sub(o->replaces, 0, 120)));
	note_user(c, slot, "referred by", o->referred_by);
	note_user(c, slot, "diverted by", o->diversion);
}

void call_invite(struct ear_calls *c, struct call_event *e)
{
	struct call_origin origin;
	uint32_t slot;

	if (e->f->to_tag.n) {
		call_in_dialog(c, e);
		return;
	}
	slot = call_find(c, e->key, e->from_tag);
	if (slot != CALL_NONE && call_is_estimated(c->call[slot])) {
		/* the Call-ID is used again */
		call_drop(c, slot);
		slot = CALL_NONE;
	}
	if (slot != CALL_NONE) {
		known_invite(c, slot, e);
		return;
	}
	if (call_is_buried(c, e->key, e->from_tag))
		return;
	call_read_origin(e, &origin);
	slot = call_begin(c, e, false);
	if (slot == CALL_NONE)
		return;
	call_add_branch(c->call[slot], e, true);
	note_origin(c, slot, &origin);
	if (c->options.join_legs)
		call_join_legs(c, slot, e, &origin);
}
