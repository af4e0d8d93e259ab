/* SPDX-License-Identifier: Apache-2.0 */
/* One sentence: what happened in a conversation, as its first sender saw it. */
#include "base/time.h"
#include "track/ladder_priv.h"

/* Most bytes of a name or reason in the sentence. */
#define WORD_MAX 48

struct story {
	const struct ear_ladder *ladder;
	const struct ear_ladder_row *first;       /* first request; or NULL */
	const struct ear_ladder_row *final;       /* its last final reply */
	const struct ear_ladder_row *ok;          /* its first 2xx */
	const struct ear_ladder_row *provisional; /* its last 1xx above 100 */
	const struct ear_ladder_row *cancel;
	const struct ear_ladder_row *bye;
	unsigned sent;       /* how often the first request went out */
	unsigned challenges; /* 401 and 407 to it */
	unsigned finals;     /* final replies to it, repeats not counted */
	bool sent_to_us;     /* replies reached the first sender */
};

static const struct ear_facts *facts(const struct ear_ladder_row *r)
{
	return &r->from->facts;
}

static uint64_t at(const struct ear_ladder_row *r)
{
	return r->from->msg.at_ns;
}

static bool method_is(const struct ear_ladder_row *r, const char *name)
{
	return ear_slice_eq(facts(r)->method, ear_slice_str(name));
}

static const struct ear_ladder_row *first_request(const struct ear_ladder *l)
{
	const struct ear_ladder_row *any = NULL;

	for (size_t i = 0; i < l->row_count; i++) {
		const struct ear_ladder_row *r = &l->rows[i];

		if (r->class != EAR_LADDER_REQUEST)
			continue;
		if (!any)
			any = r;
		/* one that begins something says more than one inside it */
		if (!facts(r)->to_tag.n && !method_is(r, "ACK") &&
			!method_is(r, "CANCEL"))
			return r;
	}
	return any;
}

/* Belongs to the same undertaking: the same method in the same leg, and not
 * a later request within the dialog (a re-INVITE). */
static bool belongs(const struct story *s, const struct ear_ladder_row *r)
{
	return ear_slice_eq(facts(r)->method, facts(s->first)->method) &&
	       ear_slice_eq(facts(r)->call_id, facts(s->first)->call_id) &&
	       ear_slice_eq(facts(r)->from_tag, facts(s->first)->from_tag);
}

static void take_request(struct story *s, const struct ear_ladder_row *r)
{
	if (belongs(s, r) && r->from_party == s->first->from_party &&
		facts(r)->cseq == facts(s->first)->cseq)
		s->sent++;
	if (method_is(r, "CANCEL") && !s->cancel)
		s->cancel = r;
	if (method_is(r, "BYE") && !s->bye)
		s->bye = r;
}

static void take_reply(struct story *s, const struct ear_ladder_row *r)
{
	unsigned status = facts(r)->status;

	if (!belongs(s, r) || r->retransmission_of != EAR_LADDER_NONE ||
		(s->sent_to_us && r->to_party != s->first->from_party))
		return;
	if (status < 200) {
		if (status > 100)
			s->provisional = r;
		return;
	}
	/* behind the answer come only those to further requests inside */
	if (s->ok && method_is(s->first, "INVITE"))
		return;
	s->finals++;
	s->final = r;
	if (status == 401 || status == 407)
		s->challenges++;
	if (status < 300 && !s->ok)
		s->ok = r;
}

static void collect(struct story *s)
{
	const struct ear_ladder *l = s->ladder;

	for (size_t i = 0; i < l->row_count && !s->sent_to_us; i++)
		s->sent_to_us = facts(&l->rows[i])->status &&
				belongs(s, &l->rows[i]) &&
				l->rows[i].to_party == s->first->from_party;
	for (size_t i = 0; i < l->row_count; i++) {
		const struct ear_ladder_row *r = &l->rows[i];

		if (r->class == EAR_LADDER_REQUEST)
			take_request(s, r);
		else if (r->class != EAR_LADDER_OTHER)
			take_reply(s, r);
	}
}

static void word(struct ear_buf *out, struct ear_slice s)
{
	ear_buf_slice(out, ear_slice_sub(s, 0, WORD_MAX));
}

/* A user's name, else the host, else words that say there is neither. */
static void who(
	struct ear_buf *out, struct ear_slice user, struct ear_slice host)
{
	if (user.n)
		word(out, user);
	else if (host.n)
		word(out, host);
	else
		ear_buf_str(out, "somebody");
}

static void length(struct ear_buf *out, const struct ear_ladder_row *from,
	const struct ear_ladder_row *to)
{
	char text[EAR_TIME_TEXT];
	uint64_t ns = at(to) > at(from) ? at(to) - at(from) : 0;

	ear_buf_add(out, text, ear_duration_text(ns, text));
}

static void times(struct ear_buf *out, unsigned n)
{
	static const char *const small[] = {
		"", "once", "twice", "three times", "four times", "five times"};

	if (n < sizeof(small) / sizeof(small[0]))
		ear_buf_str(out, small[n]);
	else
		ear_buf_printf(out, "%u times", n);
}

static void status(struct ear_buf *out, const struct ear_ladder_row *r)
{
	ear_buf_printf(out, "%u", facts(r)->status);
	if (facts(r)->reason.n)
		ear_buf_byte(out, ' ');
	word(out, facts(r)->reason);
}

static void head(const struct story *s, struct ear_buf *out)
{
	const struct ear_facts *f = facts(s->first);

	word(out, f->method);
	if (method_is(s->first, "REGISTER")) {
		ear_buf_str(out, " of ");
		who(out, f->to_user, f->to_host);
		return;
	}
	ear_buf_str(out, " from ");
	who(out, f->from_user, f->from_host);
	ear_buf_str(out, " to ");
	who(out, f->to_user.n ? f->to_user : f->ruri_user, f->to_host);
}

static void unanswered(const struct story *s, struct ear_buf *out)
{
	if (s->cancel) {
		ear_buf_str(out, " was cancelled after ");
		length(out, s->first, s->cancel);
		return;
	}
	if (s->provisional) {
		ear_buf_str(out, " got no final answer, last ");
		status(out, s->provisional);
		return;
	}
	ear_buf_str(out, " got no answer");
	if (s->sent > 1) {
		ear_buf_str(out, ", sent ");
		times(out, s->sent);
	}
}

static void failed(const struct story *s, struct ear_buf *out)
{
	ear_buf_str(out, " failed: ");
	status(out, s->final);
	if (s->challenges > 1 && s->challenges == s->finals) {
		ear_buf_byte(out, ' ');
		times(out, s->challenges);
		return;
	}
	ear_buf_str(out, " after ");
	length(out, s->first, s->final);
}

static bool has_ack_to(const struct story *s, uint32_t party)
{
	for (size_t i = 0; i < s->ladder->row_count; i++) {
		const struct ear_ladder_row *r = &s->ladder->rows[i];

		if (r->to_party == party && at(r) >= at(s->ok) &&
			r->class == EAR_LADDER_REQUEST && method_is(r, "ACK"))
			return true;
	}
	return false;
}

/* Whoever repeats a 2xx waits for its ACK; that none is seen says nothing. */
static bool lost_ack(const struct story *s)
{
	for (size_t i = 0; i < s->ladder->row_count; i++) {
		const struct ear_ladder_row *r = &s->ladder->rows[i];

		if (r->class == EAR_LADDER_2XX && method_is(r, "INVITE") &&
			r->retransmission_of != EAR_LADDER_NONE &&
			!has_ack_to(s, r->from_party))
			return true;
	}
	return false;
}

static void call_end(const struct story *s, struct ear_buf *out)
{
	ear_buf_str(out, " was answered after ");
	length(out, s->first, s->ok);
	if (lost_ack(s))
		ear_buf_str(out, ", the answer never acknowledged");
	if (!s->bye || at(s->bye) < at(s->ok)) {
		ear_buf_str(out, "; its end was not seen");
		return;
	}
	ear_buf_str(out,
		lost_ack(s) ? ", and ended by the " : " and ended by the ");
	ear_buf_str(out,
		ear_slice_eq(facts(s->bye)->from_tag, facts(s->first)->from_tag)
			? "caller"
			: "callee");
	ear_buf_str(out, " after ");
	length(out, s->ok, s->bye);
}

static void succeeded(const struct story *s, struct ear_buf *out)
{
	if (method_is(s->first, "INVITE")) {
		call_end(s, out);
		return;
	}
	ear_buf_str(out, method_is(s->first, "REGISTER") ? " was accepted ("
							 : " was answered (");
	status(out, s->ok);
	ear_buf_str(out, ") after ");
	length(out, s->first, s->ok);
}

static void without_request(const struct ear_ladder *l, struct ear_buf *out)
{
	size_t events = 0;

	for (size_t i = l->row_count; i; i--) {
		const struct ear_ladder_row *r = &l->rows[i - 1];

		if (r->class == EAR_LADDER_OTHER)
			continue;
		ear_buf_str(out, "Only replies were seen, last ");
		status(out, r);
		ear_buf_str(out, " to ");
		word(out, facts(r)->method);
		return;
	}
	for (size_t i = 0; i < l->row_count; i++)
		events += l->rows[i].from->facts.kind == EAR_KIND_EVENT;
	if (events == l->row_count) {
		ear_buf_printf(
			out, "%zu log event%s", events, events == 1 ? "" : "s");
		return;
	}
	ear_buf_printf(out, "%zu message%s that %s no SIP", l->row_count,
		l->row_count == 1 ? "" : "s", l->row_count == 1 ? "is" : "are");
}

void ear_ladder_summary(const struct ear_ladder *ladder, struct ear_buf *out)
{
	struct story s = {.ladder = ladder, .first = first_request(ladder)};

	if (!ladder->row_count) {
		ear_buf_str(out, "No messages");
		return;
	}
	if (!s.first) {
		without_request(ladder, out);
		return;
	}
	collect(&s);
	head(&s, out);
	if (s.ok)
		succeeded(&s, out);
	else if (s.cancel && s.final && facts(s.final)->status == 487)
		unanswered(&s, out);
	else if (s.final)
		failed(&s, out);
	else
		unanswered(&s, out);
}
