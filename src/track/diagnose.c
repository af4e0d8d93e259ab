/* SPDX-License-Identifier: Apache-2.0 */
#include "track/diagnose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "track/diagnose_priv.h"

/* More connects within an hour than that are a phone that comes and goes. */
#define CONNECTS_MANY 6
/* A refresh that leaves less than this has no time for a second try: timer F
 * is 32 s (RFC 3261 s17.1.2.2). */
#define MARGIN_S 32

struct ear_slice ear_severity_name(enum ear_severity severity)
{
	switch (severity) {
	case EAR_NOTE: return EAR_S("note");
	case EAR_WARNING: return EAR_S("warning");
	case EAR_PROBLEM: return EAR_S("problem");
	}
	return EAR_S("");
}

/** Where findings go. */
struct findings {
	const struct ear_story *story;
	struct ear_diagnosis *v;
	size_t n, max;
};

static void say(struct findings *f, const char *rule,
	enum ear_severity severity, uint64_t at_ns, const char *format, ...)
	EAR_PRINTF(5, 6);

static void say(struct findings *f, const char *rule,
	enum ear_severity severity, uint64_t at_ns, const char *format, ...)
{
	struct ear_diagnosis *d;
	va_list args;

	if (f->n == f->max)
		return;
	d = &f->v[f->n++];
	d->rule = rule;
	d->severity = (uint8_t)severity;
	d->at_ns = at_ns;
	va_start(args, format);
	vsnprintf(d->text, sizeof(d->text), format, args);
	va_end(args);
}

/** "10:38:02", or with the date where that is not today's. */
struct when {
	char text[EAR_TIME_TEXT];
};

static struct when when(const struct findings *f, uint64_t at_ns)
{
	struct when at, now;

	ear_time_human(at_ns, false, at.text);
	ear_time_human(f->story->now_ns, false, now.text);
	at.text[19] = '\0';
	if (!strncmp(at.text, now.text, 10))
		memmove(at.text, at.text + 11, 9);
	return at;
}

/* "once", "twice", "5 times" */
static struct when times(uint32_t n)
{
	struct when text;

	if (n == 1)
		snprintf(text.text, sizeof(text.text), "once");
	else if (n == 2)
		snprintf(text.text, sizeof(text.text), "twice");
	else
		snprintf(text.text, sizeof(text.text), "%u times", n);
	return text;
}

/* --- whether it can be reached ------------------------------------------ */

static const char *cause_words(uint8_t cause)
{
	switch (cause) {
	case EAR_CAUSE_NORMAL: return "was closed";
	case EAR_CAUSE_NETWORK_ERROR: return "was reset or the network failed";
	case EAR_CAUSE_TIMEOUT: return "was silent for too long";
	case EAR_CAUSE_TLS_ERROR: return "broke with a TLS alert";
	case EAR_CAUSE_SERVER_STOP: return "ended as the server stopped";
	default: return "gave way to another at the same address";
	}
}

static void unreachable(struct findings *f)
{
	const struct ear_story *story = f->story;
	bool dead = reach_at(story, story->now_ns) == REACH_DEAD;

	for (size_t i = 0; i < story->n_bindings; i++) {
		const struct ear_binding_row *b = &story->bindings[i];

		if (b->ended_ns || !b->lost_ns ||
			b->expires_ns <= story->now_ns)
			continue;
		say(f,
			dead ? "account.unreachable"
			     : "account.contact-unreachable",
			dead ? EAR_PROBLEM : EAR_NOTE, b->lost_ns,
			"on line but unreachable%s since %s: its connection "
			"%s, and the registration holds until %s",
			dead ? "" : " by one of its contacts",
			when(f, b->lost_ns).text, cause_words(b->lost_cause),
			when(f, b->expires_ns).text);
	}
}

static void calls_lost(struct findings *f)
{
	uint64_t last_ns = 0;
	uint32_t n = 0;

	for (size_t i = 0; i < f->story->n_calls; i++) {
		const struct ear_call_row *call = &f->story->calls[i];

		if (!missed_dead(f->story, call))
			continue;
		n++;
		if (call->at_ns > last_ns)
			last_ns = call->at_ns;
	}
	if (n)
		say(f, "account.unreachable-calls", EAR_PROBLEM, last_ns,
			"called %s while its connection was gone, last at %s: "
			"unreachable, not unanswered",
			times(n).text, when(f, last_ns).text);
}

static void off_line(struct findings *f)
{
	const struct ear_story *story = f->story;
	const struct ear_binding_row *last = NULL;

	for (size_t i = 0; i < story->n_bindings; i++) {
		if (!last ||
			story->bindings[i].refreshed_ns > last->refreshed_ns)
			last = &story->bindings[i];
	}
	if (!last || reach_at(story, story->now_ns) != REACH_NONE)
		return;
	if (last->end == EAR_BINDING_REMOVED)
		say(f, "account.off-line", EAR_NOTE, last->ended_ns,
			"off line since %s: it unregistered",
			when(f, last->ended_ns).text);
	else if (last->end == EAR_BINDING_DROPPED)
		say(f, "account.dropped", EAR_WARNING, last->ended_ns,
			"off line since %s: its registrar lists it no more, "
			"and it was not asked to",
			when(f, last->ended_ns).text);
	else
		say(f, "account.expired", EAR_WARNING, last->expires_ns,
			"off line since %s: its registration was not "
			"refreshed in time",
			when(f, last->expires_ns).text);
}

/* --- how it registers --------------------------------------------------- */

static void margins(struct findings *f)
{
	const struct ear_binding_row *least = NULL;

	for (size_t i = 0; i < f->story->n_bindings; i++) {
		const struct ear_binding_row *b = &f->story->bindings[i];

		if (b->refreshes && (!least || b->margin_s < least->margin_s))
			least = b;
	}
	if (!least || least->margin_s >= MARGIN_S)
		return;
	if (least->margin_s < 0)
		say(f, "account.refresh-late", EAR_PROBLEM, least->refreshed_ns,
			"refreshed %d s after its registration had expired",
			-least->margin_s);
	else
		say(f, "account.refresh-margin", EAR_WARNING,
			least->refreshed_ns,
			"refreshes %d s before expiry: too late for a second "
			"try",
			least->margin_s);
}

/* What a person would look at first for a status. */
static const char *refused_hint(uint16_t code)
{
	switch (code) {
	case 401:
	case 407: return "; its credentials were not accepted";
	case 403: return "; password, account or rights";
	case 404: return "; the server does not know the account";
	case 408: return "; the server is away, or replies get lost";
	case 423: return "; it asks for a shorter time than is allowed";
	default: return "";
	}
}

static bool told_before(const struct ear_story *story, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (story->sessions[j].failed &&
			story->sessions[j].code == story->sessions[i].code)
			return true;
	}
	return false;
}

/* What was refused and went well later is past: a note. */
static bool registered_since(const struct ear_story *story, uint64_t at_ns)
{
	for (size_t i = 0; i < story->n_sessions; i++) {
		const struct ear_session_row *row = &story->sessions[i];

		if (row->event == EAR_SESSION_REGISTER && !row->failed &&
			row->at_ns > at_ns)
			return true;
	}
	return false;
}

static void refused(struct findings *f)
{
	const struct ear_story *story = f->story;

	for (size_t i = 0; i < story->n_sessions && f->n < f->max; i++) {
		const struct ear_session_row *row = &story->sessions[i];
		struct ear_slice words = ear_slice_sub(row->details, 0, 80);
		uint64_t last_ns = 0;
		uint32_t n = 0;
		bool past;

		if (!row->failed || told_before(story, i))
			continue;
		for (size_t j = i; j < story->n_sessions; j++) {
			const struct ear_session_row *other =
				&story->sessions[j];

			if (!other->failed || other->code != row->code)
				continue;
			n++;
			if (other->at_ns > last_ns)
				last_ns = other->at_ns;
		}
		past = registered_since(story, last_ns);
		say(f, "account.refused",
			past    ? EAR_NOTE
			: n > 2 ? EAR_PROBLEM
				: EAR_WARNING,
			last_ns, "refused %s: %.*s, last at %s%s",
			times(n).text, EAR_FMT(words), when(f, last_ns).text,
			past ? "; it registered since"
			     : refused_hint(row->code));
	}
}

static void agent_changed(struct findings *f)
{
	const struct ear_session_row *last = NULL, *before = NULL;

	for (size_t i = 0; i < f->story->n_sessions; i++) {
		const struct ear_session_row *row = &f->story->sessions[i];

		if (row->event != EAR_SESSION_REGISTER || row->failed ||
			!row->user_agent.n)
			continue;
		if (!last || row->at_ns > last->at_ns)
			last = row;
	}
	for (size_t i = 0; last && i < f->story->n_sessions; i++) {
		const struct ear_session_row *row = &f->story->sessions[i];

		if (row->event != EAR_SESSION_REGISTER || row->failed ||
			!row->user_agent.n ||
			ear_slice_eq(row->user_agent, last->user_agent))
			continue;
		if (!before || row->at_ns > before->at_ns)
			before = row;
	}
	if (before)
		say(f, "account.user-agent", EAR_NOTE, last->at_ns,
			"user agent was %.*s until %s, and is %.*s",
			EAR_FMT(ear_slice_sub(before->user_agent, 0, 90)),
			when(f, before->at_ns).text,
			EAR_FMT(ear_slice_sub(last->user_agent, 0, 90)));
}

/* --- its connections ---------------------------------------------------- */

static void reconnects(struct findings *f)
{
	uint64_t from_ns;
	uint32_t n = most_connects(f->story, &from_ns);

	if (n >= CONNECTS_MANY)
		say(f, "account.reconnects", EAR_WARNING, from_ns,
			"reconnects %u times an hour (from %s on): the "
			"network drops its connections, or it gives them up",
			n, when(f, from_ns).text);
}

static void no_login(struct findings *f)
{
	uint64_t last_ns = 0;
	uint32_t n = 0;
	bool tls = false;

	for (size_t i = 0; i < f->story->n_sessions; i++) {
		const struct ear_session_row *row = &f->story->sessions[i];

		if (row->event != EAR_SESSION_DISCONNECT || row->reconciled)
			continue;
		n++;
		tls = tls || row->tls_version;
		if (row->at_ns > last_ns)
			last_ns = row->at_ns;
	}
	if (n)
		say(f, "connection.no-login", EAR_WARNING, last_ns,
			"%s from its address, but no login came: %s, last at "
			"%s",
			tls ? "TLS accepted" : "connected", times(n).text,
			when(f, last_ns).text);
}

/* --- all ---------------------------------------------------------------- */

static int worst_first(const void *a, const void *b)
{
	const struct ear_diagnosis *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->at_ns != y->at_ns)
		return x->at_ns > y->at_ns ? -1 : 1;
	return strcmp(x->rule, y->rule);
}

size_t ear_diagnose(
	const struct ear_story *story, struct ear_diagnosis *found, size_t max)
{
	struct findings f = {.story = story, .v = found, .max = max};

	unreachable(&f);
	calls_lost(&f);
	off_line(&f);
	margins(&f);
	refused(&f);
	reconnects(&f);
	no_login(&f);
	agent_changed(&f);
	qsort(found, f.n, sizeof(*found), worst_first);
	return f.n;
}
