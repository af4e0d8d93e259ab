/* SPDX-License-Identifier: Apache-2.0 */
#include "console/call_words.h"

/* What a final status says to people. Source: RFC 3261 s21, RFC 8197. */
static const struct status {
	unsigned from, to;
	const char *rule;
	const char *words;
} statuses[] = {
	{300, 399, "redirect", "was sent elsewhere, and nobody followed"},
	{401, 401, "authentication",
		"was not let in: the caller did not "
		"authenticate"},
	{407, 407, "authentication",
		"was not let in: the caller did not "
		"authenticate"},
	{403, 403, "forbidden", "was forbidden"},
	{404, 404, "unknown", "went to nobody that is known there"},
	{410, 410, "unknown", "went to somebody who is gone from there"},
	{415, 416, "format", "was of a form that the far side does not take"},
	{420, 421, "extension", "asked for, or lacked, an extension"},
	{484, 484, "incomplete", "went to an incomplete number"},
	{485, 485, "ambiguous", "went to an ambiguous number"},
	{488, 488, "media", "found no media that both sides take"},
	{500, 599, "server", "failed in a server"},
	{604, 604, "unknown", "went to nobody that exists anywhere"},
	{606, 606, "media", "found no media that both sides take"},
	{608, 608, "rejected", "was rejected on the way"},
};

static bool is(struct ear_slice s, const char *word)
{
	return ear_slice_eq(s, ear_slice_str(word));
}

static void add_status(const struct ear_call_facts *f, struct ear_buf *out)
{
	if (f->code)
		ear_buf_printf(out, " (%u%s%.*s)", f->code,
			f->reason.n ? " " : "", EAR_FMT(f->reason));
}

static const char *answered(const struct ear_call_facts *f, struct ear_buf *out)
{
	ear_buf_printf(out, "%.*s answered", EAR_FMT(f->dst));
	if (f->rang)
		ear_buf_printf(out, " after %llu s of ringing",
			(unsigned long long)f->ring_s);
	ear_buf_printf(
		out, "; they talked for %llu s", (unsigned long long)f->talk_s);
	if (f->ended_by.n)
		ear_buf_printf(
			out, ", until the %.*s hung up", EAR_FMT(f->ended_by));
	if (f->branches > 1)
		ear_buf_printf(out, "; %u phones were called", f->branches);
	return f->estimated ? "end-estimated" : "answered";
}

static const char *not_answered(
	const struct ear_call_facts *f, struct ear_buf *out)
{
	if (f->bindings && f->dead == f->bindings) {
		ear_buf_printf(out,
			"%.*s was unreachable, not unwilling: it was still "
			"registered, but its connection was gone",
			EAR_FMT(f->dst));
		add_status(f, out);
		return "unreachable";
	}
	if (!f->rang)
		ear_buf_printf(out, "%.*s was not there", EAR_FMT(f->dst));
	else
		ear_buf_printf(out, "%.*s let it ring for %llu s",
			EAR_FMT(f->dst), (unsigned long long)f->ring_s);
	if (f->code == 487)
		ear_buf_str(out, "; the caller gave up");
	add_status(f, out);
	return f->code == 487 ? "caller-gave-up" : "no-answer";
}

static const char *failed(const struct ear_call_facts *f, struct ear_buf *out)
{
	if (f->bindings && f->dead == f->bindings)
		return not_answered(f, out);
	if (f->code == 0 || f->code == 408) {
		ear_buf_printf(out,
			"Nobody was reached: the call to %.*s had "
			"no answer at all",
			EAR_FMT(f->dst));
		add_status(f, out);
		return "no-reply";
	}
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (f->code < statuses[i].from || f->code > statuses[i].to)
			continue;
		ear_buf_printf(out, "The call to %.*s %s", EAR_FMT(f->dst),
			statuses[i].words);
		add_status(f, out);
		return statuses[i].rule;
	}
	ear_buf_printf(out, "The call to %.*s failed", EAR_FMT(f->dst));
	add_status(f, out);
	return "failed";
}

static const char *outcome(const struct ear_call_facts *f, struct ear_buf *out)
{
	if (is(f->disposition, "ANSWERED"))
		return answered(f, out);
	if (is(f->disposition, "NO_ANSWER"))
		return not_answered(f, out);
	if (is(f->disposition, "BUSY")) {
		ear_buf_printf(out, "%.*s refused the call", EAR_FMT(f->dst));
		add_status(f, out);
		return "refused";
	}
	if (is(f->disposition, "FAILED"))
		return failed(f, out);
	ear_buf_str(out, "The call goes on");
	return "in-progress";
}

const char *ear_call_words(const struct ear_call_facts *f, struct ear_buf *out)
{
	const char *rule = outcome(f, out);

	ear_buf_str(out, ".");
	if (f->q850)
		ear_buf_printf(
			out, " The far network's cause is Q.850 %u.", f->q850);
	if (f->note.n)
		ear_buf_printf(out, " Note: %.*s.", EAR_FMT(f->note));
	return rule;
}
