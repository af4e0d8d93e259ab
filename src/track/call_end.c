/* SPDX-License-Identifier: Apache-2.0 */
/* What became of a call, and its row. */
#include "track/call_priv.h"

/* --- final replies -------------------------------------------------------- */

static enum ear_disposition disposition_of(
	const struct ear_calls *c, const struct call *call, unsigned status)
{
	const struct call_facts facts = {
		.rang = call->flags & CALL_RANG,
		.hung_up = call->flags & CALL_EARLY_BYE,
	};

	return ear_call_disposition(
		c->rules, c->options.n_rules, status, facts);
}

/*
 * What counts more, over all branches: 6xx, then BUSY, NO_ANSWER, FAILED; of
 * those a 487 or a challenge least, for they say nothing of the callee.
 */
static uint8_t rank_of(enum ear_disposition d, unsigned status)
{
	if (status >= 600)
		return 6;
	if (status == 401 || status == 407)
		return 1;
	switch (d) {
	case EAR_CALL_BUSY: return 5;
	case EAR_CALL_NO_ANSWER: return status == 487 ? 3 : 4;
	default: return 2;
	}
}

void call_candidate(struct ear_calls *c, uint32_t slot, struct call_event *e,
	bool first_hop)
{
	struct call *call = c->call[slot];
	unsigned status = e->f->status;
	uint8_t rank = rank_of(disposition_of(c, call, status), status);
	struct call_reason reason;

	if (rank < call->rank || (rank == call->rank && !first_hop))
		return;
	call->rank = rank;
	call->flags |= CALL_CANDIDATE;
	call->code = e->f->status;
	if (!(call->flags & (CALL_CANCEL | CALL_EARLY_BYE)))
		call->end_ns = e->msg->at_ns;
	call_set(c, slot, CALL_REASON, e->f->reason);
	if (!call_read_reason(e, &reason))
		return;
	call_set(c, slot, CALL_REASON_HEADER, reason.text);
	c->call[slot]->q850 = reason.q850;
}

/* --- the row -------------------------------------------------------------- */

static uint64_t span_ms(uint64_t from_ns, uint64_t to_ns)
{
	return from_ns && to_ns > from_ns ? (to_ns - from_ns) / EAR_MS_NS : 0;
}

/* Where the clock stepped back an end may lie before the answer: then it is
 * the answer's time. */
static uint64_t end_of(const struct call *call)
{
	uint64_t least = call->answer_ns ? call->answer_ns : call->at_ns;

	if (call->state != CALL_OVER)
		return 0;
	return call->end_ns > least ? call->end_ns : least;
}

void call_tell(struct ear_calls *c, const struct call *call)
{
	uint64_t end_ns = end_of(call);
	struct ear_slice text[CALL_TEXTS];
	struct ear_call_row row;

	if (!c->out.call)
		return;
	call_all_texts(call, text);
	row = (struct ear_call_row){
		.at_ns = call->at_ns,
		.id = call->id,
		.ring_ns = call->ring_ns,
		.answer_ns = call->answer_ns,
		.end_ns = end_ns,
		.ring_ms = span_ms(call->ring_ns,
			call->answer_ns ? call->answer_ns : end_ns),
		.talk_ms = span_ms(call->answer_ns, end_ns),
		.disposition = call->disposition,
		.estimated = call->flags & CALL_ESTIMATED,
		.joined = call->flags & CALL_JOINED,
		.code = call->code,
		.q850 = call->q850,
		.transport = call->transport,
		.by = call->by,
		.branches = call_branches(call),
		.retries = call->retries,
		.from_addr = call->from,
		.to_addr = call->to,
		.src = text[CALL_SRC],
		.dst = text[CALL_DST],
		.src_name = text[CALL_NAME],
		.domain = text[CALL_DOMAIN],
		.auth_user = text[CALL_AUTH],
		.src_agent = text[CALL_AGENT],
		.dst_agent = text[CALL_DST_AGENT],
		.reason = text[CALL_REASON],
		.reason_header = text[CALL_REASON_HEADER],
		.call_id = text[CALL_CALL_ID],
		.from_tag = text[CALL_FROM_TAG],
		.to_tag = text[CALL_TO_TAG],
		.note = text[CALL_NOTE],
		.group = call->group,
		.group_score = call->score,
		.group_why = text[CALL_WHY],
		.node = text[CALL_NODE],
	};

	c->out.call(&row, c->out.arg);
}

/* --- ends ----------------------------------------------------------------- */

static void count(struct ear_calls *c, uint32_t slot, enum ear_disposition d)
{
	c->call[slot]->state = CALL_OVER;
	c->call[slot]->disposition = (uint8_t)d;
	c->stats.total++;
	c->stats.by[d]++;
	c->over++;
}

void call_reopen(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (call->state != CALL_OVER)
		return;
	c->stats.total--;
	c->stats.by[call->disposition]--;
	c->over--;
	call->state = CALL_TRYING;
	call->disposition = EAR_CALL_IN_PROGRESS;
}

/* --- ends that were not seen ---------------------------------------------- */

static const char timer_note[] = "session timer ran out, no end seen";
static const char silent_note[] = "no end seen";

bool call_is_estimated(const struct call *call)
{
	return call->state == CALL_OVER && call->flags & CALL_ESTIMATED &&
	       call->answer_ns;
}

bool call_is_done(const struct call *call)
{
	return call->state == CALL_OVER && call->answer_ns &&
	       !(call->flags & CALL_ESTIMATED);
}

/* What was noted last is taken back. */
static void unnote(struct ear_calls *c, uint32_t slot, struct ear_slice note)
{
	struct ear_slice all = call_text(c->call[slot], CALL_NOTE);
	char kept[UINT8_MAX + 1];
	size_t n = all.n - note.n;

	if (all.n < note.n || !ear_slice_eq(ear_slice_sub(all, n, all.n), note))
		return;
	n = n > 2 ? n - 2 : 0; /* "; " */
	memcpy(kept, all.p, n);
	call_set(c, slot, CALL_NOTE, ear_slice(kept, n));
}

void call_wake(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (!call_is_estimated(call))
		return;
	call_reopen(c, slot);
	call->state = CALL_UP;
	call->flags &= (uint16_t)~CALL_ESTIMATED;
	call->end_ns = 0;
	unnote(c, slot, EAR_S(timer_note));
	unnote(c, slot, EAR_S(silent_note));
}

static uint8_t who_ended(const struct call *call)
{
	if (call->flags & (CALL_CANCEL | CALL_EARLY_BYE))
		return EAR_SIDE_CLIENT;
	return call->flags & CALL_CANDIDATE ? EAR_SIDE_SERVER : EAR_SIDE_NONE;
}

void call_fail(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	count(c, slot, disposition_of(c, call, call->code));
	call->by = who_ended(call);
	if (call->flags & CALL_REDIRECTED)
		call_note(c, slot, "not followed");
	call_legs_ended(c, slot);
	call_tell(c, c->call[slot]);
	/* the state stays until it is gone: what comes late may change it */
	call_mark(c, slot);
	call_line_up(c, slot);
}

/* 64 * T1: for so long a 2xx is sent again without its ACK (RFC 3261
 * s13.3.1.4). */
#define UNCONFIRMED CALL_SECONDS(32)

void call_hang_up(struct ear_calls *c, uint32_t slot, uint64_t end_ns)
{
	struct call *call = c->call[slot];

	call->end_ns = end_ns;
	if (!(call->flags & (CALL_ACKED | CALL_ESTIMATED)) &&
		end_ns <= call->answer_ns + UNCONFIRMED)
		call_note(c, slot, "never confirmed");
	if (end_ns < c->call[slot]->answer_ns)
		call_note(c, slot, "the clock stepped back");
	count(c, slot, EAR_CALL_ANSWERED);
	call_legs_ended(c, slot);
	call_tell(c, c->call[slot]);
	if (!call_is_estimated(c->call[slot]) &&
		!c->call[slot]->hint[CALL_HINT_REFER]) {
		call_bury(c, slot);
		return;
	}
	/* its end may come yet, and is none of another call; or what it was
	 * transferred to comes only now */
	c->call[slot]->touched_ns = c->now_ns;
	call_mark(c, slot);
	call_line_up(c, slot);
}

/* --- silence -------------------------------------------------------------- */

static void silent_up(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];
	uint64_t end_ns = call->last_ns;

	call->flags |= CALL_ESTIMATED;
	if (call->session_s) {
		end_ns += CALL_SECONDS((uint64_t)call->session_s);
		call_note(c, slot, "%s", timer_note);
	} else {
		call_note(c, slot, "%s", silent_note);
	}
	call_hang_up(c, slot, end_ns);
}

/* The caller's side saw no final reply, or nothing that we saw. */
static void silent_trying(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (call->flags & (CALL_CANCEL | CALL_EARLY_BYE)) {
		if (!(call->flags & CALL_CANDIDATE))
			call_note(c, slot, "no final reply seen");
	} else if (!(call->flags & CALL_CANDIDATE)) {
		call->flags |= CALL_ESTIMATED;
		call->end_ns = call->last_ns;
		if (!(call->flags & CALL_PROVISIONAL)) {
			call->end_ns = call->invite_ns +
				       call_wait_ns(c, CALL_WAIT_FINAL);
			call_note(c, slot, "no reply at all");
		} else {
			call_note(c, slot, "no final reply seen");
		}
	}
	call_fail(c, slot);
}

void call_silent(struct ear_calls *c, uint32_t slot)
{
	switch (c->call[slot]->state) {
	case CALL_TRYING: silent_trying(c, slot); break;
	case CALL_HELD: call_fail(c, slot); break;
	case CALL_UP: silent_up(c, slot); break;
	default: call_drop(c, slot); break;
	}
}

void call_give_up(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (call->state == CALL_OVER) {
		call_bury(c, slot);
		return;
	}
	c->stats.evicted++;
	if (call->state == CALL_MAYBE) {
		call_drop(c, slot);
		return;
	}
	call_note(c, slot, "given up: too many calls");
	call = c->call[slot];
	call->flags |= CALL_ESTIMATED;
	if (call->state == CALL_UP) {
		call_hang_up(c, slot, call->last_ns);
		call_bury(c, slot);
		return;
	}
	if (!call->end_ns)
		call->end_ns = call->last_ns;
	call_fail(c, slot);
	call_bury(c, slot);
}
