/* SPDX-License-Identifier: Apache-2.0 */
/* Dialogs: what belongs to one, and when it is over. */
#include "proto/sip.h"
#include "rule/scope_priv.h"

/* Silence in an established dialog whose ends agreed on no session timer. */
#define SILENCE_MOST (43200 * EAR_SECOND_NS)
/* RFC 4028 s4 */
#define SESSION_LEAST (90 * EAR_SECOND_NS)
/* A subscription of which nobody said how long it lasts: RFC 6665 s3.1.1
 * leaves it to the event; an hour is what most write. */
#define SUBSCRIPTION (3600 * EAR_SECOND_NS)

/* A request that may make a dialog, as it is not in one. */
static bool is_initial(const struct ear_facts *f)
{
	return scope_is_request(f) && !f->to_tag.n;
}

static bool tag_fits(const struct ear_scope_unit *u, uint64_t tag)
{
	return tag && (tag == u->tag[0] || tag == u->tag[1]);
}

/* What has no tags, as a log event, goes by the Call-ID alone. */
static bool fits(const struct ear_scope_unit *u, const struct ear_facts *f)
{
	uint64_t from = scope_hash(f->from_tag), to = scope_hash(f->to_tag);

	if ((!from && !to) || (!u->tag[0] && !u->tag[1]))
		return true;
	return tag_fits(u, from) || tag_fits(u, to);
}

/* The tag of the side that did not begin it. */
static uint64_t peer(const struct ear_scope_unit *u, const struct ear_facts *f)
{
	uint64_t from = scope_hash(f->from_tag);

	return from == u->tag[0] ? scope_hash(f->to_tag) : from;
}

static void confirm(struct ear_scope_unit *u, const struct ear_facts *f)
{
	scope_establish(u, peer(u, f));
}

/* A BYE: it may be the first that is seen of a leg, or come late. */
static void bid_farewell(struct ear_scope_unit *u, const struct ear_facts *f)
{
	uint64_t tag = peer(u, f);
	uint8_t known = scope_known(u->leg, u->legs, tag);

	if (!known)
		known = scope_leg(u, tag);
	else if (!(known & u->confirmed))
		return;
	u->bye |= known;
}

static void end_leg(struct ear_scope_unit *u, const struct ear_facts *f)
{
	uint8_t bit = scope_leg(u, peer(u, f));

	u->confirmed &= (uint8_t)~bit;
	u->bye &= (uint8_t)~bit;
}

/* Seconds of a header field as a length of time; least when there is none. */
static uint64_t seconds_of(struct ear_slice value, uint64_t none)
{
	struct ear_slice digits = value;
	uint64_t s;

	digits.n = 0;
	while (digits.n < value.n && value.p[digits.n] >= '0' &&
		value.p[digits.n] <= '9')
		digits.n++;
	if (!ear_slice_u64(digits, UINT32_MAX, &s))
		return none;
	s *= EAR_SECOND_NS;
	return s < SILENCE_MOST ? s : SILENCE_MOST;
}

/* Source: RFC 4028 s4: a 2xx to INVITE or UPDATE says for how long. */
static void read_session(struct ear_scope_unit *u, const struct ear_msg *msg)
{
	struct ear_sip sip;
	uint64_t s;

	if (ear_sip_parse(msg->raw, &sip))
		return;
	s = seconds_of(
		ear_sip_value(&sip, EAR_SIP_SESSION_EXPIRES), SILENCE_MOST);
	u->life_ns = (s < SESSION_LEAST ? SESSION_LEAST : s) + TIMER_F;
}

/* Source: RFC 6665 s4.1.2.1: a 2xx to SUBSCRIBE says for how long. */
static void read_expires(struct ear_scope_unit *u, const struct ear_msg *msg)
{
	struct ear_sip sip;

	if (!ear_sip_parse(msg->raw, &sip))
		u->life_ns = TIMER_F +
			     seconds_of(ear_sip_value(&sip, EAR_SIP_EXPIRES),
				     SUBSCRIPTION);
}

/* Source: RFC 6665 s8.2.3 */
static void notified(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	struct ear_slice value, state, expires;
	struct ear_sip sip;
	size_t semi;

	if (u->flags & INVITE_USED || ear_sip_parse(msg->raw, &sip))
		return;
	value = ear_sip_value(&sip, EAR_SIP_SUBSCRIPTION_STATE);
	semi = ear_slice_find(value, EAR_S(";"));
	state = ear_slice_trim(ear_slice_sub(value, 0, semi));
	u->flags &= (uint8_t)~PENDING;
	if (ear_slice_ieq(state, EAR_S("terminated"))) {
		end_leg(u, f);
		return;
	}
	confirm(u, f);
	expires = ear_sip_param_of(
		ear_slice_sub(value, semi + 1, value.n), EAR_S("expires"));
	if (expires.n)
		u->life_ns = TIMER_F + seconds_of(expires, SUBSCRIPTION);
	else if (!u->life_ns)
		u->life_ns = TIMER_F + SUBSCRIPTION;
}

/* A request without To tag: the first, a branch of it, or another attempt. */
static void learn_initial(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	bool later = f->cseq > u->cseq || !(u->flags & BEGIN_SEEN);

	if (f->cseq < u->cseq)
		return;
	if (later) {
		u->cseq = f->cseq;
		u->method = scope_hash(f->method);
		u->branches = u->answered = u->spiral = 0;
		u->dst = scope_hash(ear_slice(&msg->dst, sizeof(msg->dst)));
		u->flags &= (uint8_t) ~(OK_SEEN | NEGATIVE);
		u->flags |= BEGIN_SEEN;
	}
	/* also when others are answered already: it is tried elsewhere */
	if (!(scope_branch(u, f) & u->answered) && !(u->flags & OK_SEEN))
		u->flags |= PENDING;
}

/* An ACK of the three-way handshake: not to a negative reply to the first. */
static bool is_dialog_ack(
	const struct ear_scope_unit *u, const struct ear_facts *f)
{
	return scope_is_request(f) && scope_is(f->method, "ACK") &&
	       (f->cseq != u->cseq || scope_hash(f->from_tag) != u->tag[0] ||
		       !scope_acks_negative(u, f));
}

static void learn_request(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	if (scope_is(f->method, "INVITE") || scope_is(f->method, "BYE") ||
		scope_is(f->method, "ACK") || scope_is(f->method, "CANCEL"))
		u->flags |= INVITE_USED;
	if (scope_is(f->method, "CANCEL"))
		return;
	if (scope_is(f->method, "NOTIFY")) {
		notified(u, msg, f);
	} else if (scope_is(f->method, "BYE")) {
		bid_farewell(u, f);
	} else if (scope_is(f->method, "ACK")) {
		if (is_dialog_ack(u, f))
			confirm(u, f);
	} else if (!f->to_tag.n) {
		learn_initial(u, msg, f);
	} else if (!(u->flags & PENDING)) {
		confirm(u, f); /* PRACK and UPDATE may come before that */
	}
}

/* A reply to the request that made the dialog. */
static void learn_answer(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	uint8_t all;

	scope_note_answer(u, f);
	all = (uint8_t)(((1u << u->branches) - 1) & ~(unsigned)u->spiral);
	if (f->status < 200)
		return;
	if (f->status < 300) {
		u->flags &= (uint8_t)~PENDING;
		if (scope_is(f->cseq_method, "INVITE"))
			read_session(u, msg);
		else
			read_expires(u, msg);
	} else if ((u->answered & all) == all && !(u->flags & MANY)) {
		u->flags &= (uint8_t)~PENDING;
	}
}

static void learn_reply(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	bool ok = f->status >= 200 && f->status < 300;

	if (scope_is(f->cseq_method, "INVITE") ||
		scope_is(f->cseq_method, "BYE"))
		u->flags |= INVITE_USED;
	if (f->cseq == u->cseq && scope_hash(f->cseq_method) == u->method &&
		scope_hash(f->from_tag) == u->tag[0]) {
		learn_answer(u, msg, f);
	} else if (scope_is(f->cseq_method, "BYE")) {
		/* after a challenge the BYE comes again */
		if (f->status >= 200 && f->status != 401 && f->status != 407)
			end_leg(u, f);
	} else if (f->status == 481) {
		end_leg(u, f); /* RFC 3261 s12.2.1.2 */
	} else if (ok && (scope_is(f->cseq_method, "INVITE") ||
				 scope_is(f->cseq_method, "UPDATE"))) {
		if (!(u->flags & PENDING))
			confirm(u, f);
		read_session(u, msg);
	} else if (ok && scope_is(f->cseq_method, "SUBSCRIBE") &&
		   !(u->flags & INVITE_USED)) {
		confirm(u, f);
		read_expires(u, msg);
	}
}

/* For how long it lives in silence, from what is known now. */
static void judge(struct ear_scope_unit *u, const struct ear_msg *msg)
{
	uint8_t held = u->confirmed & (uint8_t)~u->bye;
	bool pending = u->flags & PENDING;
	bool begun = u->flags & BEGIN_SEEN;
	bool known = u->legs || (begun && (u->flags & NEGATIVE));
	bool over = known && !pending && !u->confirmed && !u->bye &&
		    !(u->flags & CROWDED);

	if (over && (u->flags & ENDED))
		return; /* late messages do not keep it */
	scope_stamp(u, msg);
	u->flags &= (uint8_t)~ENDED;
	if (over)
		u->flags |= ENDED;
	if (held || (u->flags & CROWDED))
		u->wait_ns = u->life_ns ? u->life_ns : SILENCE_MOST;
	else if (over || u->bye)
		u->wait_ns = TIMER_F;
	else
		u->wait_ns = TIMER_C + TIMER_F;
}

static void learn(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	if (f->kind == EAR_KIND_REQUEST)
		learn_request(u, msg, f);
	else if (f->kind == EAR_KIND_REPLY)
		learn_reply(u, msg, f);
	judge(u, msg);
}

/* Whether a Via below the top one has a branch of a further pass. */
static bool below_spiral(
	const struct ear_scope_unit *u, const struct ear_msg *msg)
{
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	struct ear_sip_via via;
	struct ear_sip sip;

	if (!u->spiral || ear_sip_parse(msg->raw, &sip))
		return false;
	while (ear_sip_next_of(&sip, EAR_SIP_VIA, &cursor, &header)) {
		while (ear_sip_via_next(&header.value, &via)) {
			if (scope_known(u->branch, u->branches,
				    scope_hash(via.branch)) &
				u->spiral)
				return true;
		}
	}
	return false;
}

/*
 * Whether a message is of a further pass of the first INVITE: it comes to the
 * same place by another branch, or that branch is below it.
 */
static bool is_spiral(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	uint64_t branch = scope_hash(f->branch);
	bool known = scope_known(u->branch, u->branches, branch);

	if (f->cseq != u->cseq || !branch || f->kind == EAR_KIND_EVENT)
		return false;
	if (known)
		return scope_known(u->branch, u->branches, branch) & u->spiral;
	if (!is_initial(f) || !scope_is(f->method, "INVITE") ||
		!(u->flags & BEGIN_SEEN))
		return false;
	if (!(msg->dst.family && scope_hash(ear_slice(&msg->dst,
					 sizeof(msg->dst))) == u->dst) &&
		!below_spiral(u, msg))
		return false;
	u->spiral |= scope_branch(u, f);
	return true;
}

enum ear_scope_part scope_take_dialog(struct ear_scope_unit *u,
	const struct ear_scope_want *want, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	bool ack;

	if (!fits(u, f))
		return EAR_SCOPE_NOT;
	if (!want->spiral && is_spiral(u, msg, f))
		return EAR_SCOPE_SKIP;
	ack = is_dialog_ack(u, f);
	learn(u, msg, f);
	return ack && !want->ack ? EAR_SCOPE_SKIP : EAR_SCOPE_IN;
}

/* Methods that make a dialog or are sent in one. */
bool scope_in_dialog(const struct ear_facts *f)
{
	static const char *const methods[] = {"INVITE", "ACK", "BYE", "CANCEL",
		"SUBSCRIBE", "NOTIFY", "REFER", "UPDATE", "PRACK", "INFO"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (scope_is(f->method, methods[i]))
			return true;
	}
	return scope_is_request(f) && f->to_tag.n;
}

void scope_begin_dialog(struct ear_scope_unit *u, const struct ear_msg *msg,
	const struct ear_facts *f)
{
	u->kind = EAR_UNIT_DIALOG;
	u->tag[0] = scope_hash(f->from_tag);
	/* the To tag of a reply to CANCEL is anybody's: RFC 3261 s9.2 */
	if (!scope_is(f->method, "CANCEL"))
		u->tag[1] = scope_hash(f->to_tag);
	/* a reply may be to the request that made the dialog, or to a later */
	if (f->kind == EAR_KIND_REPLY && !scope_is(f->method, "BYE") &&
		!scope_is(f->method, "CANCEL")) {
		u->cseq = f->cseq;
		u->method = scope_hash(f->method);
	}
	learn(u, msg, f);
}
