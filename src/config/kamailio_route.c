/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes of a Kamailio configuration: the calls of tracing functions, with the
 * conditions around them as far as blocks, if and else say them.
 */
#include <stdlib.h>

#include "config/kamailio_priv.h"

/* Conditions around the place that is read, outermost first. */
struct around {
	struct ear_kamailio_token token[EAR_KM_COND];
	size_t n;
	bool lost; /* more stood there than is kept */
};

/* The route that is read. */
struct place {
	enum ear_kamailio_route route;
	struct ear_slice name;
	bool event; /* event_route[siptrace:msg] */
	struct around around;
	size_t depth;
};

static const char *const functions[] = {"sip_trace", "sip_trace_mode",
	"sip_trace_msg", "hlog", "sip_capture", "report_capture",
	"sip_capture_forward"};

static bool is_function(const struct ear_kamailio *k)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (ear_kamailio_is(k, functions[i]))
			return true;
	}
	return false;
}

/* Tokens as one would write them, with a blank where there was one. */
static struct ear_slice written(struct ear_kamailio *k,
	const struct ear_kamailio_token *token, size_t n)
{
	struct ear_buf out = {0};
	struct ear_slice text;

	for (size_t i = 0; i < n; i++) {
		bool quote = token[i].type == EAR_KT_STRING;

		if (i && !token[i].glued)
			ear_buf_byte(&out, ' ');
		ear_buf_str(&out, quote ? "\"" : "");
		ear_buf_slice(&out, token[i].text);
		ear_buf_str(&out, quote ? "\"" : "");
	}
	text = ear_kamailio_copy(k, ear_buf_view(&out));
	ear_buf_fini(&out);
	return text;
}

static void push(struct around *a, const struct ear_kamailio_token *token)
{
	if (a->n == EAR_KM_COND)
		a->lost = true;
	else
		a->token[a->n++] = *token;
}

static void push_punct(struct around *a, const char *text, bool glued)
{
	struct ear_kamailio_token token = {.type = EAR_KT_PUNCT,
		.text = ear_slice_str(text),
		.glued = glued};

	push(a, &token);
}

/* What the conditions around here say, as written and as an expression. */
static void conditions(struct ear_kamailio *k, const struct around *a,
	struct ear_slice *cond, struct ear_slice *expr, bool *known)
{
	struct ear_buf out = {.max = 4096};

	*cond = written(k, a->token, a->n);
	*expr = (struct ear_slice){0};
	*known = !a->lost;
	if (a->n && *known)
		*known = ear_kamailio_condition(a->token, a->n, &out) &&
			 !out.err;
	if (a->n && *known)
		*expr = ear_kamailio_copy(k, ear_buf_view(&out));
	ear_buf_fini(&out);
}

/* f(a, b): each argument as text; the token behind ")" is next. */
static enum ear_err arguments(
	struct ear_kamailio *k, struct ear_kamailio_call *call)
{
	struct ear_kamailio_token part[64];
	size_t n = 0, depth = 1;
	enum ear_err err = ear_kamailio_next(k); /* over "(" */

	while (!err && depth) {
		bool end = false;

		if (ear_kamailio_at_end(k))
			return ear_kamailio_unexpected(k, "')'");
		if (ear_kamailio_is(k, "("))
			depth++;
		else if (ear_kamailio_is(k, ")"))
			end = --depth == 0;
		else if (depth == 1 && ear_kamailio_is(k, ","))
			end = true;
		if (end && call->args < EAR_KM_ARGS &&
			(n || call->args || depth))
			call->arg[call->args++] =
				n == 1 ? part[0].text : written(k, part, n);
		if (end)
			n = 0;
		else if (n < sizeof(part) / sizeof(part[0]))
			part[n++] = k->token;
		err = ear_kamailio_next(k);
	}
	return err;
}

/* At the name of a function of ours, "(" not read yet. */
static enum ear_err take_call(struct ear_kamailio *k, struct place *at)
{
	struct ear_kamailio_call *call = &k->call[k->calls];
	struct ear_kamailio_token name = k->token;
	enum ear_err err = ear_kamailio_next(k);

	if (err || !ear_kamailio_is(k, "("))
		return err;
	if (k->calls == EAR_KM_CALLS)
		return ear_kamailio_wrong(k, &name.pos, EAR_LIMIT,
			"more than %d calls of tracing functions",
			EAR_KM_CALLS);
	*call = (struct ear_kamailio_call){.name = name.text,
		.route = at->route,
		.route_name = at->name,
		.pos = name.pos};
	conditions(k, &at->around, &call->cond, &call->expr, &call->known);
	k->calls++;
	return arguments(k, call);
}

/* setflag(22): which flags are set at all */
static enum ear_err take_flag(struct ear_kamailio *k)
{
	int64_t v;
	enum ear_err err = ear_kamailio_next(k);

	if (err || !ear_kamailio_is(k, "("))
		return err;
	err = ear_kamailio_next(k);
	if (!err && ear_kamailio_number(&k->token, &v) &&
		k->flags_n < sizeof(k->flags) / sizeof(k->flags[0]))
		k->flags[k->flags_n++] = v;
	return err;
}

/* $avp(s:user) and $avp(user) are the same. */
static struct ear_slice avp_name(struct ear_kamailio *k, struct ear_slice pv)
{
	struct ear_buf out = {0};
	size_t open = ear_slice_find(pv, EAR_S("("));

	if (open + 3 < pv.n &&
		(pv.p[open + 1] == 's' || pv.p[open + 1] == 'i') &&
		pv.p[open + 2] == ':') {
		ear_buf_slice(&out, ear_slice_sub(pv, 0, open + 1));
		ear_buf_slice(&out, ear_slice_sub(pv, open + 3, pv.n));
		pv = ear_kamailio_copy(k, ear_buf_view(&out));
	}
	ear_buf_fini(&out);
	return pv;
}

/* $avp(x) = value; at the variable. */
static enum ear_err take_assign(struct ear_kamailio *k, struct place *at)
{
	struct ear_kamailio_assign *a = &k->assign[k->assigns];
	struct ear_kamailio_token var = k->token;
	enum ear_err err = ear_kamailio_next(k);

	if (err || !ear_kamailio_is(k, "=") ||
		!ear_slice_starts(var.text, EAR_S("$avp(")))
		return err;
	if (k->assigns == EAR_KM_ASSIGNS)
		return EAR_OK; /* more than anybody has for traced users */
	err = ear_kamailio_next(k);
	if (err)
		return err;
	*a = (struct ear_kamailio_assign){.avp = avp_name(k, var.text),
		.value = k->token.text,
		.pos = var.pos,
		.cond = written(k, at->around.token, at->around.n),
		.route_name = at->name,
		.whole = k->token.type == EAR_KT_STRING ||
			 k->token.type == EAR_KT_PV};
	k->assigns++;
	if (ear_kamailio_at_end(k) || ear_kamailio_is(k, ";") ||
		ear_kamailio_is(k, "}"))
		return EAR_OK;
	err = ear_kamailio_next(k);
	if (!err && !ear_kamailio_is(k, ";"))
		a->whole = false;
	return err ? err : k->err;
}

static enum ear_err statement(struct ear_kamailio *k, struct place *at);

static enum ear_err block(struct ear_kamailio *k, struct place *at)
{
	struct ear_kamailio_pos begin = k->token.pos;
	enum ear_err err = ear_kamailio_next(k); /* over "{" */

	while (!err && !ear_kamailio_is(k, "}")) {
		if (ear_kamailio_at_end(k))
			return ear_kamailio_wrong(
				k, &begin, EAR_BAD, "this '{' is never closed");
		err = statement(k, at);
	}
	return err ? err : ear_kamailio_next(k);
}

/* "(…)" onto the conditions; calls in it are calls too. */
static enum ear_err condition(struct ear_kamailio *k, struct place *at)
{
	struct ear_kamailio_pos begin = k->token.pos;
	size_t depth = 0;
	enum ear_err err = EAR_OK;

	do {
		if (ear_kamailio_at_end(k))
			return ear_kamailio_wrong(
				k, &begin, EAR_BAD, "this '(' is never closed");
		if (is_function(k)) {
			at->around.lost =
				true; /* it is part of what is asked */
			err = take_call(k, at);
			continue;
		}
		depth += ear_kamailio_is(k, "(");
		depth -= ear_kamailio_is(k, ")");
		push(&at->around, &k->token);
		err = ear_kamailio_next(k);
	} while (!err && depth);
	return err;
}

/* if (…) … [else …] */
static enum ear_err if_statement(struct ear_kamailio *k, struct place *at)
{
	size_t before = at->around.n, begin;
	bool lost = at->around.lost;
	enum ear_err err = ear_kamailio_next(k);

	if (err || !ear_kamailio_is(k, "("))
		return err;
	if (before)
		push_punct(&at->around, "&&", false);
	begin = at->around.n;
	err = condition(k, at);
	if (!err)
		err = statement(k, at);
	if (!err && ear_kamailio_is(k, "else")) {
		size_t n = at->around.n - begin;

		err = ear_kamailio_next(k);
		/* "not" before what was asked */
		push_punct(&at->around, "!", false);
		if (!at->around.lost && at->around.n == begin + n + 1) {
			struct ear_kamailio_token no =
				at->around.token[begin + n];

			memmove(&at->around.token[begin + 1],
				&at->around.token[begin], n * sizeof(no));
			at->around.token[begin] = no;
		}
		if (!err)
			err = statement(k, at);
	}
	at->around.n = before;
	at->around.lost = lost;
	return err;
}

/* while, switch: whether and how often what is in it runs is not followed. */
static enum ear_err loop_statement(struct ear_kamailio *k, struct place *at)
{
	size_t before = at->around.n;
	bool lost = at->around.lost;
	enum ear_err err = ear_kamailio_next(k);

	if (err || !ear_kamailio_is(k, "("))
		return err;
	at->around.lost = true;
	err = condition(k, at);
	if (!err)
		err = statement(k, at);
	at->around.n = before;
	at->around.lost = lost;
	return err;
}

/* drop; or drop(); in the event route */
static void take_drop(struct ear_kamailio *k, struct place *at)
{
	struct ear_slice cond, expr, before = k->event.expr;
	struct ear_buf either = {0};
	bool known;

	conditions(k, &at->around, &cond, &expr, &known);
	if (k->event.drops++) {
		known &= k->event.known;
		if (before.n && expr.n) {
			ear_buf_printf(&either, "%.*s or %.*s", EAR_FMT(before),
				EAR_FMT(expr));
			expr = ear_kamailio_copy(k, ear_buf_view(&either));
		} else {
			expr = (struct ear_slice){0};
		}
		ear_buf_fini(&either);
	}
	k->event.expr = expr;
	k->event.known = known;
}

static enum ear_err simple(struct ear_kamailio *k, struct place *at)
{
	if (at->event && ear_kamailio_is(k, "drop"))
		take_drop(k, at);
	else if (at->event &&
		 (k->token.type == EAR_KT_ID || k->token.type == EAR_KT_PV))
		k->event.others++;
	if (is_function(k))
		return take_call(k, at);
	if (ear_kamailio_is(k, "setflag"))
		return take_flag(k);
	if (k->token.type == EAR_KT_PV)
		return take_assign(k, at);
	return ear_kamailio_next(k);
}

static enum ear_err statement(struct ear_kamailio *k, struct place *at)
{
	enum ear_err err;

	if (++at->depth > EAR_KM_NEST)
		return ear_kamailio_wrong(k, &k->token.pos, EAR_LIMIT,
			"more than %d blocks in one another", EAR_KM_NEST);
	if (ear_kamailio_is(k, "{")) {
		err = block(k, at);
	} else if (ear_kamailio_is(k, "if")) {
		err = if_statement(k, at);
	} else if (ear_kamailio_is(k, "while") ||
		   ear_kamailio_is(k, "switch")) {
		k->event.others += at->event;
		err = loop_statement(k, at);
	} else {
		err = simple(k, at);
	}
	at->depth--;
	return err;
}

static const struct {
	const char *word;
	enum ear_kamailio_route route;
} routes[] = {{"request_route", EAR_KR_REQUEST}, {"route", EAR_KR_REQUEST},
	{"failure_route", EAR_KR_REQUEST}, {"branch_route", EAR_KR_REQUEST},
	{"error_route", EAR_KR_REQUEST}, {"onreply_route", EAR_KR_REPLY},
	{"reply_route", EAR_KR_REPLY}, {"onsend_route", EAR_KR_ONSEND},
	{"event_route", EAR_KR_EVENT}, {"startup_route", EAR_KR_OTHER}};

static enum ear_err read_route(struct ear_kamailio *k, size_t i)
{
	struct place *at = calloc(1, sizeof(*at));
	struct ear_buf name = {.max = 512};
	struct ear_kamailio_pos pos = k->token.pos;
	enum ear_err err;

	if (!at)
		return ear_kamailio_wrong(k, &pos, EAR_NOMEM, "out of memory");
	at->route = routes[i].route;
	ear_buf_slice(&name, k->token.text);
	err = ear_kamailio_next(k);
	if (!err && ear_kamailio_is(k, "[") && !strcmp(routes[i].word, "route"))
		at->route = EAR_KR_OTHER;
	while (!err && !ear_kamailio_at_end(k) && !ear_kamailio_is(k, "{")) {
		ear_buf_slice(&name, k->token.text);
		err = ear_kamailio_next(k);
	}
	at->name = ear_kamailio_copy(k, ear_buf_view(&name));
	at->event = ear_slice_eq(at->name, EAR_S("event_route[siptrace:msg]"));
	if (!err && at->event) {
		k->event.there = true;
		k->event.pos = pos;
	}
	if (!err && ear_kamailio_at_end(k))
		err = ear_kamailio_unexpected(k, "'{'");
	if (!err)
		err = block(k, at);
	ear_buf_fini(&name);
	free(at);
	return err;
}

bool ear_kamailio_read_route(struct ear_kamailio *k, enum ear_err *err)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!ear_kamailio_is(k, routes[i].word))
			continue;
		*err = read_route(k, i);
		return true;
	}
	return false;
}
