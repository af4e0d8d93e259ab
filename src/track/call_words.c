/* SPDX-License-Identifier: Apache-2.0 */
#include "track/call_words.h"

/* Most bytes of a name or a phrase. */
#define WORD_MAX 60

static void word(struct ear_buf *out, struct ear_slice s)
{
	ear_buf_slice(out, ear_slice_sub(s, 0, WORD_MAX));
}

/* As people say it: tenths of a second only where they are most of it. */
static void length(struct ear_buf *out, uint64_t ms)
{
	uint64_t s = ms / 1000, tenths = ms / 100 % 10;

	if (ms < 100)
		ear_buf_str(out, "less than 0.1 s");
	else if (s < 10 && tenths)
		ear_buf_printf(out, "%u.%u s", (unsigned)s, (unsigned)tenths);
	else if (s < 60)
		ear_buf_printf(out, "%u s", (unsigned)s);
	else if (s < 3600)
		ear_buf_printf(out, "%u min %u s", (unsigned)(s / 60),
			(unsigned)(s % 60));
	else
		ear_buf_printf(out, "%llu h %u min",
			(unsigned long long)(s / 3600),
			(unsigned)(s / 60 % 60));
}

static void who(struct ear_buf *out, const struct ear_call_row *r)
{
	if (r->dst.n)
		word(out, r->dst);
	else
		ear_buf_str(out, "Somebody");
}

static void rang(struct ear_buf *out, const struct ear_call_row *r)
{
	if (!r->ring_ns)
		return;
	ear_buf_str(out, ", rang for ");
	length(out, r->ring_ms);
}

/* "486 Busy Here" */
static void reply(struct ear_buf *out, const struct ear_call_row *r)
{
	ear_buf_printf(out, "%u", r->code);
	if (r->reason.n)
		ear_buf_byte(out, ' ');
	word(out, r->reason);
}

const char *ear_q850_name(unsigned cause)
{
	static const struct {
		uint8_t cause;
		const char *name;
	} names[] = {{1, "unallocated number"}, {2, "no route to network"},
		{3, "no route to destination"}, {6, "channel unacceptable"},
		{16, "normal call clearing"}, {17, "user busy"},
		{18, "no user responding"}, {19, "no answer from user"},
		{20, "subscriber absent"}, {21, "call rejected"},
		{22, "number changed"}, {26, "non-selected user clearing"},
		{27, "destination out of order"}, {28, "invalid number format"},
		{29, "facility rejected"}, {31, "normal, unspecified"},
		{34, "no circuit available"}, {38, "network out of order"},
		{41, "temporary failure"},
		{42, "switching equipment congestion"},
		{44, "requested circuit not available"},
		{47, "resource unavailable"}, {50, "facility not subscribed"},
		{57, "bearer capability not authorized"},
		{58, "bearer capability not available"},
		{63, "service not available"},
		{65, "bearer capability not implemented"},
		{69, "facility not implemented"},
		{79, "service not implemented"},
		{88, "incompatible destination"},
		{102, "recovery on timer expiry"}, {111, "protocol error"},
		{127, "interworking, unspecified"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].cause == cause)
			return names[i].name;
	}
	return "";
}

/* --- calls that go on ----------------------------------------------------- */

static const char *in_progress(
	const struct ear_call_row *r, struct ear_buf *out)
{
	who(out, r);
	if (r->answer_ns) {
		ear_buf_str(out, " was called and answered; the call goes on");
		return "call.open.up";
	}
	if (r->ring_ns) {
		ear_buf_str(out, " was called and rings");
		return "call.open.rings";
	}
	if (r->code == 401 || r->code == 407)
		ear_buf_str(out,
			" was called; the caller was asked to log in and has "
			"not tried again yet");
	else if (r->code >= 300)
		ear_buf_str(out,
			" was called; the caller was sent elsewhere and has "
			"not gone there yet");
	else
		ear_buf_str(out, " was called; there is no answer yet");
	return "call.open.waits";
}

/* --- answered ------------------------------------------------------------- */

static const char *answered(const struct ear_call_row *r, struct ear_buf *out)
{
	bool before = r->joined && r->answer_ns == r->at_ns;

	who(out, r);
	ear_buf_str(out, " was called");
	if (before)
		ear_buf_str(out, " before the capture began");
	rang(out, r);
	ear_buf_str(out, before && !r->talk_ms
				 ? " and answered; how long they talked was "
				   "not seen"
				 : ", answered, and they talked for ");
	if (!before || r->talk_ms) {
		if (r->estimated || before)
			ear_buf_str(out, "at least ");
		length(out, r->talk_ms);
	}
	if (r->estimated) {
		ear_buf_str(out, "; the end was not seen");
		return "call.answered.no-end";
	}
	ear_buf_str(out, r->by == EAR_SIDE_CLIENT
				 ? "; the caller hung up (BYE)"
				 : "; the callee hung up (BYE)");
	return r->by == EAR_SIDE_CLIENT ? "call.answered.caller-ended"
					: "call.answered.callee-ended";
}

/* --- final replies -------------------------------------------------------- */

struct meaning {
	uint16_t from, to;
	const char *rule;
	const char *words; /* after "600 was called" */
};

/* The first that has the status in it. */
static const struct meaning meanings[] = {
	{300, 399, "call.failed.redirect",
		" and the caller was sent elsewhere but did not go there"},
	{401, 401, "call.failed.login",
		", but the caller could not prove who it is"},
	{402, 402, "call.failed.payment", ", but payment was asked for"},
	{403, 403, "call.failed.forbidden", ", but that is forbidden"},
	{404, 404, "call.failed.unknown-number",
		", but nobody knows that number"},
	{407, 407, "call.failed.login",
		", but the caller could not prove who it is"},
	{408, 408, "call.failed.unreachable", ", but could not be reached"},
	{410, 410, "call.failed.unknown-number",
		", but that number is no longer in use"},
	{413, 413, "call.failed.too-large", ", but the request was too large"},
	{415, 415, "call.failed.media", ", but cannot take such media"},
	{416, 416, "call.failed.address",
		", but such an address is not understood"},
	{420, 421, "call.failed.extension",
		", but the two sides do not agree on an extension of SIP"},
	{422, 422, "call.failed.session-timer",
		", but wants a longer session timer"},
	{480, 480, "call.no-answer.unavailable", ", but is not available now"},
	{481, 481, "call.failed.dialog",
		", but the other side knew nothing of that call"},
	{482, 483, "call.failed.loop", ", but the request went in a circle"},
	{484, 484, "call.failed.incomplete-number",
		", but that number is not complete"},
	{485, 485, "call.failed.ambiguous-number",
		", but that number is ambiguous"},
	{486, 486, "call.busy.busy", " and was busy"},
	{488, 488, "call.failed.media",
		", but the two sides have no media in common"},
	{489, 499, "call.failed.refused", ", but the call was refused"},
	{500, 500, "call.failed.server", ", but a server failed"},
	{501, 501, "call.failed.server",
		", but a server cannot do what was asked"},
	{502, 502, "call.failed.server", ", but a gateway got a broken reply"},
	{503, 503, "call.failed.overload",
		", but a server or trunk was out of service or overloaded"},
	{504, 504, "call.failed.server",
		", but the next server did not reply in time"},
	{500, 599, "call.failed.server", ", but a server failed"},
	{600, 600, "call.busy.everywhere", " and was busy everywhere"},
	{603, 603, "call.busy.declined", " and the call was declined"},
	{604, 604, "call.failed.unknown-number",
		", but that number is nowhere"},
	{606, 606, "call.failed.media",
		", but the two sides have no media in common"},
	{607, 607, "call.busy.unwanted", " and did not want the call"},
	{608, 608, "call.failed.rejected",
		", but somebody in between rejected the call"},
	{300, 699, "call.failed.refused", ", but the call was refused"},
};

static const struct meaning *meaning_of(unsigned status)
{
	const struct meaning *m = meanings;

	while (status < m->from || status > m->to)
		m++;
	return m;
}

static const char *final_reply(
	const struct ear_call_row *r, struct ear_buf *out)
{
	const struct meaning *m = meaning_of(r->code);
	const char *rule = m->rule, *words = m->words;

	if (r->ring_ns && (r->code == 408 || r->code == 480)) {
		rule = "call.no-answer.rang";
		words = " and nobody picked up";
	} else if (r->ring_ns && r->code == 486) {
		/* mostly who is called pushed a button, or another branch of
		 * a fork was busy */
		rule = "call.busy.after-ringing";
		words = ", then the call was declined or the line was busy";
	}
	who(out, r);
	ear_buf_str(out, " was called");
	rang(out, r);
	ear_buf_str(out, words);
	ear_buf_str(out, ": ");
	reply(out, r);
	return rule;
}

/* --- the caller gave up, or nothing came ---------------------------------- */

static bool noted(const struct ear_call_row *r, struct ear_slice note)
{
	return ear_slice_find(r->note, note) < r->note.n;
}

static const char *gave_up(const struct ear_call_row *r, struct ear_buf *out)
{
	who(out, r);
	ear_buf_str(out, " was called");
	rang(out, r);
	ear_buf_str(out,
		r->ring_ns ? " and nobody picked up" : ", but did not ring");
	ear_buf_str(out, noted(r, EAR_S("BYE before an answer"))
				 ? ": the caller hung up (BYE)"
				 : ": the caller hung up (CANCEL)");
	return r->ring_ns ? "call.no-answer.cancelled"
			  : "call.cancelled-before-ringing";
}

static const char *no_reply(const struct ear_call_row *r, struct ear_buf *out)
{
	who(out, r);
	if (r->ring_ns) {
		ear_buf_str(out, " was called");
		rang(out, r);
		ear_buf_str(out, "; no final reply was seen");
		return "call.no-answer.no-final-reply";
	}
	/* a 100 says only that the next hop has it */
	ear_buf_str(out,
		noted(r, EAR_S("no final reply seen"))
			? " was called and did not ring; no final reply was "
			  "seen"
			: " was called, but no reply came: nobody was reached");
	return "call.failed.no-reply";
}

static const char *terminated(const struct ear_call_row *r, struct ear_buf *out)
{
	if (noted(r, EAR_S("answered elsewhere"))) {
		who(out, r);
		ear_buf_str(out, " was called");
		rang(out, r);
		ear_buf_str(out, "; the call was answered elsewhere");
		return "call.no-answer.elsewhere";
	}
	if (r->by == EAR_SIDE_CLIENT)
		return gave_up(r, out);
	who(out, r);
	ear_buf_str(out, " was called");
	rang(out, r);
	ear_buf_str(
		out, ", and the call was taken back before anybody answered: ");
	reply(out, r);
	return "call.no-answer.terminated";
}

static const char *failed(const struct ear_call_row *r, struct ear_buf *out)
{
	if (r->code == 487)
		return terminated(r, out);
	if (r->code >= 300 && r->code <= 699)
		return final_reply(r, out);
	return r->by == EAR_SIDE_CLIENT ? gave_up(r, out) : no_reply(r, out);
}

/* --- further sentences ---------------------------------------------------- */

static void cause(const struct ear_call_row *r, struct ear_buf *out)
{
	const char *name = ear_q850_name(r->q850);

	/* what everybody says of every call tells nothing */
	if (!r->q850 || r->q850 == 16)
		return;
	ear_buf_printf(out, " (Q.850 cause %u%s%s)", r->q850,
		name[0] ? ": " : "", name);
}

/* What the sentence says already. */
static const struct ear_slice said[] = {EAR_S_INIT("answered elsewhere"),
	EAR_S_INIT("no final reply seen"), EAR_S_INIT("no reply at all"),
	EAR_S_INIT("no end seen"), EAR_S_INIT("not followed"),
	EAR_S_INIT("BYE before an answer")};

static bool is_said(struct ear_slice note)
{
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (ear_slice_eq(note, said[i]))
			return true;
	}
	return false;
}

static void notes(const struct ear_call_row *row, struct ear_buf *out)
{
	const struct ear_slice mark = EAR_S("; ");
	struct ear_slice rest = row->note;
	bool any = false;

	while (rest.n) {
		size_t n = ear_slice_find(rest, mark);
		struct ear_slice note = ear_slice_sub(rest, 0, n);

		rest = ear_slice_sub(rest, n + mark.n, rest.n);
		if (is_said(note))
			continue;
		ear_buf_str(out, any ? "; " : " Noted: ");
		ear_buf_slice(out, note);
		any = true;
	}
	if (any)
		ear_buf_byte(out, '.');
}

/* A leg that failed with a status of its own says more than what the first
 * one was told. */
static void other_leg(const struct ear_call_row *row,
	const struct ear_call_row *legs, size_t n, struct ear_buf *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct ear_call_row *leg = &legs[i];

		if (leg->id == row->id || leg->code < 300 || leg->code == 487 ||
			leg->code == row->code)
			continue;
		ear_buf_str(out, " Its leg to ");
		if (leg->dst.n)
			word(out, leg->dst);
		else
			ear_buf_str(out, "the other side");
		ear_buf_str(out, " ended with ");
		reply(out, leg);
		ear_buf_byte(out, '.');
		return;
	}
}

const char *ear_call_words(const struct ear_call_row *row,
	const struct ear_call_row *legs, size_t n, struct ear_buf *out)
{
	const char *rule;

	switch (row->disposition) {
	case EAR_CALL_IN_PROGRESS: rule = in_progress(row, out); break;
	case EAR_CALL_ANSWERED: rule = answered(row, out); break;
	default: rule = failed(row, out); break;
	}
	cause(row, out);
	ear_buf_byte(out, '.');
	notes(row, out);
	other_leg(row, legs, n, out);
	return rule;
}
