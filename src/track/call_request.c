/* SPDX-License-Identifier: Apache-2.0 */
/* What requests do to a call. */
#include "base/hash.h"
#include "proto/sip.h"
#include "track/call_priv.h"

/* --- parts of a call ------------------------------------------------------ */

struct call_branch *call_branch_of(struct call *call, uint32_t hash)
{
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (call->branch[i].flags && call->branch[i].hash == hash)
			return &call->branch[i];
	}
	return NULL;
}

/* One more; where there is no room it goes unnoticed. A branch of a hop
 * behind is marked as such by its being there at all. */
#define BRANCH_BEHIND (1u << 7)

static void add_branch(struct call *call, uint32_t hash, bool first_hop)
{
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (call->branch[i].flags)
			continue;
		call->branch[i] = (struct call_branch){.hash = hash,
			.flags = first_hop ? CALL_BRANCH_FIRST : BRANCH_BEHIND};
		return;
	}
}

struct call_dialog *call_dialog_of(struct call *call, uint64_t tag, bool add)
{
	uint32_t short_tag = (uint32_t)tag ? (uint32_t)tag : 1;

	for (unsigned i = 0; i < CALL_DIALOGS; i++) {
		if (call->dialog[i].tag == short_tag)
			return &call->dialog[i];
		if (call->dialog[i].tag || !add)
			continue;
		call->dialog[i].tag = short_tag;
		call->tags_seen++;
		return &call->dialog[i];
	}
	return NULL;
}

/* --- finding and joining -------------------------------------------------- */

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

static struct ear_slice caller_of(
	const struct ear_calls *c, const struct ear_facts *f)
{
	return c->options.src_is_auth_user && f->auth_user.n ? f->auth_user
							     : f->from_user;
}

static bool has_param(struct ear_slice params, struct ear_slice name)
{
	while (params.n) {
		size_t n = ear_slice_find(params, EAR_S(";"));
		struct ear_slice one = ear_slice_sub(params, 0, n);

		one = ear_slice_sub(one, 0, ear_slice_find(one, EAR_S("=")));
		if (ear_slice_ieq(ear_slice_trim(one), name))
			return true;
		params = ear_slice_sub(params, n + 1, params.n);
	}
	return false;
}

/* A Request-URI that a registrar has put in place of the number: a phone's
 * contact, whose user may be any word. RFC 7118 s5 (.invalid), RFC 5627 (gr),
 * RFC 5626 (ob), and what phones and proxies mark theirs with. */
static bool is_contact(struct ear_slice text)
{
	static const struct ear_slice marks[] = {EAR_S_INIT("gr"),
		EAR_S_INIT("ob"), EAR_S_INIT("rinstance"), EAR_S_INIT("line"),
		EAR_S_INIT("alias")};
	const struct ear_slice invalid = EAR_S(".invalid");
	struct ear_sip_uri uri;

	if (ear_sip_uri_parse(text, &uri))
		return false;
	if (uri.host.n > invalid.n &&
		ear_slice_ieq(ear_slice_sub(uri.host, uri.host.n - invalid.n,
				      uri.host.n),
			invalid))
		return true;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (has_param(uri.params, marks[i]))
			return true;
	}
	return false;
}

static struct ear_slice callee_of(const struct ear_facts *f)
{
	if (!f->ruri_user.n || ear_slice_eq(f->ruri_user, f->to_user))
		return f->to_user;
	return f->to_user.n && is_contact(f->ruri) ? f->to_user : f->ruri_user;
}

/* Who and where, as the first hop has it. */
static void set_parties(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	const struct ear_facts *f = e->f;
	struct call *call = c->call[slot];
	bool reply = f->kind == EAR_KIND_REPLY;
	struct ear_slice texts[CALL_TEXTS] = {
		[CALL_CALL_ID] = f->call_id,
		[CALL_FROM_TAG] = f->from_tag,
		[CALL_SRC] = caller_of(c, f),
		[CALL_DST] = callee_of(f),
		[CALL_NAME] = f->from_name,
		[CALL_DOMAIN] = f->from_host,
		[CALL_AGENT] = reply ? ear_slice(NULL, 0) : f->user_agent,
		[CALL_NODE] = e->msg->node,
		[CALL_AUTH] = f->auth_user,
	};

	call->from = reply ? e->msg->dst : e->msg->src;
	call->to = reply ? e->msg->src : e->msg->dst;
	call->transport = e->msg->transport;
	call_set_first(c, slot, texts, CALL_AUTH + 1);
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
	set_parties(c, slot, e);
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

/* In the middle of a dialog: it was answered before anybody looked. */
static uint32_t join_answered(struct ear_calls *c, struct call_event *e)
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

/* --- INVITE without To-tag ------------------------------------------------ */

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
	add_branch(call, e->branch, true);
	call_set(c, slot, CALL_REASON, ear_slice(NULL, 0));
	call_set(c, slot, CALL_REASON_HEADER, ear_slice(NULL, 0));
	if (e->f->auth_user.n) {
		call_set(c, slot, CALL_AUTH, e->f->auth_user);
		call_set(c, slot, CALL_SRC, caller_of(c, e->f));
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
				BRANCH_BEHIND |
				(call->branch[i].flags &
					(uint8_t)~CALL_BRANCH_FIRST);
	}
	call->invite_ns = e->msg->at_ns;
	add_branch(call, e->branch, true);
	set_parties(c, slot, e);
}

/* The same attempt on another hop, or on one more branch of the same. */
static void further_branch(
	struct ear_calls *c, uint32_t slot, const struct call_event *e)
{
	struct call *call = c->call[slot];
	bool same_sender = ear_addr_eq(&call->from, &e->msg->src);

	if (!same_sender && e->msg->at_ns < call->invite_ns &&
		call->state == CALL_TRYING) {
		earlier_hop(c, slot, e);
		return;
	}
	add_branch(call, e->branch, same_sender);
	if (e->f->cseq > call->cseq_high)
		call->cseq_high = e->f->cseq;
	if (call->state == CALL_OVER && same_sender) {
		/* one target after the other, seen behind the proxy */
		call_reopen(c, slot);
		call->end_ns = 0;
	}
	call_touch(c, slot, e->msg->at_ns);
}

static bool tries_again(const struct call *call, const struct call_event *e)
{
	bool waits = call->state == CALL_HELD || call->state == CALL_OVER;

	if (e->f->cseq <= call->cseq)
		return false;
	return waits || ear_addr_eq(&call->from, &e->msg->src);
}

static void known_invite(
	struct ear_calls *c, uint32_t slot, struct call_event *e)
{
	struct call *call = c->call[slot];

	if (call->state == CALL_UP || call->state == CALL_MAYBE ||
		e->f->cseq < call->cseq)
		return;
	if (tries_again(call, e))
		new_attempt(c, slot, e);
	else if (!call_branch_of(call, e->branch))
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
	slot = call_begin(c, e, false);
	if (slot == CALL_NONE)
		return;
	add_branch(c->call[slot], e->branch, true);
	call_read_origin(e, &origin);
	note_origin(c, slot, &origin);
	if (c->options.join_legs)
		call_join_legs(c, slot, e, &origin);
}

/* --- requests within the dialog ------------------------------------------- */

void call_in_dialog(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);

	if (slot == CALL_NONE) {
		join_answered(c, e);
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
		add_branch(c->call[slot], e->branch, true);
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
		slot = join_answered(c, e);
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
		slot = join_answered(c, e);
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
	take_reason(c, slot, e);
	call_touch(c, slot, e->msg->at_ns);
}

/* --- transfer ------------------------------------------------------------- */

/* Source: RFC 3515 s2.4.2 */
void call_refer(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);
	const struct ear_sip *sip = call_sip(e);
	struct ear_sip_addr addr;
	struct ear_slice list, to;

	if (slot == CALL_NONE && e->f->to_tag.n)
		slot = join_answered(c, e);
	if (slot == CALL_NONE || c->call[slot]->state == CALL_OVER || !sip)
		return;
	list = ear_sip_value(sip, EAR_SIP_REFER_TO);
	if (!ear_sip_addr_next(&list, &addr))
		return;
	to = addr.uri.user.n ? addr.uri.user : addr.uri.host;
	call_note(c, slot, "transferred to %.*s",
		EAR_FMT(ear_slice_sub(to, 0, 80)));
	call_touch(c, slot, e->msg->at_ns);
}

/* Source: RFC 3515 s2.4.5: a sipfrag says how the transfer goes. */
void call_notify(struct ear_calls *c, struct call_event *e)
{
	const struct ear_slice start = EAR_S("SIP/2.0 ");
	struct ear_slice body = e->f->body, line;
	uint32_t slot;
	uint64_t status;

	if (!ear_slice_starts(body, start))
		return;
	line = ear_slice_sub(body, start.n, ear_slice_find(body, EAR_S("\r")));
	if (!ear_slice_u64(ear_slice_sub(line, 0, 3), 699, &status) ||
		status < 300)
		return;
	slot = call_of(c, e);
	if (slot == CALL_NONE || c->call[slot]->state != CALL_UP)
		return;
	call_note(c, slot, "transfer failed: %.*s",
		EAR_FMT(ear_slice_sub(line, 0, 60)));
	call_touch(c, slot, e->msg->at_ns);
}
