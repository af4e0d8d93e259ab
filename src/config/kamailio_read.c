/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Kamailio configuration says of tracing: modules, parameters, sockets,
 * and in routes the calls of tracing functions with the conditions around
 * them. The rest of the language is skipped over, not judged: only what
 * Kamailio itself would not read at all is a fault.
 */
#include <stdio.h>
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

static enum ear_err next(struct ear_kamailio *k)
{
	return ear_kamailio_next(k);
}

static bool is(const struct ear_kamailio *k, const char *text)
{
	return (k->token.type == EAR_KT_ID || k->token.type == EAR_KT_PUNCT) &&
	       ear_slice_eq(k->token.text, ear_slice_str(text));
}

static bool at_end(const struct ear_kamailio *k)
{
	return k->token.type == EAR_KT_END;
}

static enum ear_err unexpected(struct ear_kamailio *k, const char *want)
{
	if (at_end(k))
		return ear_kamailio_wrong(k, &k->token.pos, EAR_BAD,
			"%s must stand here, but the file ends", want);
	return ear_kamailio_wrong(k, &k->token.pos, EAR_BAD,
		"%s must stand here, not '%.*s'", want,
		(int)(k->token.text.n > 60 ? 60 : k->token.text.n),
		k->token.text.n ? k->token.text.p : "");
}

static enum ear_err expect(struct ear_kamailio *k, const char *text)
{
	char want[16];

	if (is(k, text))
		return next(k);
	snprintf(want, sizeof(want), "'%s'", text);
	return unexpected(k, want);
}

bool ear_kamailio_number(const struct ear_kamailio_token *token, int64_t *v)
{
	static const struct {
		const char *word;
		int64_t v;
	} words[] = {{"yes", 1}, {"true", 1}, {"on", 1}, {"enable", 1},
		{"no", 0}, {"false", 0}, {"off", 0}, {"disable", 0}};
	char text[32];
	char *end;
	int base = 10;

	if (token->text.n >= sizeof(text) || !token->text.n)
		return false;
	memcpy(text, token->text.p, token->text.n);
	text[token->text.n] = '\0';
	for (size_t i = 0; token->type == EAR_KT_ID &&
			   i < sizeof(words) / sizeof(words[0]);
		i++) {
		*v = words[i].v;
		if (ear_slice_ieq(token->text, ear_slice_str(words[i].word)))
			return true;
	}
	if (token->type != EAR_KT_NUMBER)
		return false;
	if (text[0] == '0' && ear_lower(text[1]) == 'x')
		base = 16;
	else if (text[0] == '0' && ear_lower(text[1]) == 'b')
		base = 2;
	else if (text[0] == '0' && text[1])
		base = 8;
	*v = strtoll(text + (base == 2 || base == 16 ? 2 : 0), &end, base);
	return end != text && !*end;
}

/* --- modules and parameters ------------------------------------------------
 */

/* "tm.so", "modules/tm/tm.so": the name alone. */
static struct ear_slice module_name(struct ear_slice path)
{
	for (size_t i = path.n; i; i--) {
		if (path.p[i - 1] == '/') {
			path = ear_slice_sub(path, i, path.n);
			break;
		}
	}
	return ear_slice_sub(path, 0, ear_slice_find(path, EAR_S(".so")));
}

static enum ear_err load_module(struct ear_kamailio *k)
{
	char text[80];
	struct ear_slice name;
	enum ear_err err = next(k);
	bool call = false;

	if (!err && is(k, "(")) {
		call = true;
		err = next(k);
	}
	if (err)
		return err;
	if (k->token.type != EAR_KT_STRING && k->token.type != EAR_KT_ID)
		return unexpected(k, "the name of a module");
	name = module_name(k->token.text);
	if (ear_slice_eq(name, EAR_S("siptrace")))
		k->has_siptrace = true;
	if (ear_slice_eq(name, EAR_S("sipcapture")))
		k->has_sipcapture = true;
	if (name.n < 60) {
		snprintf(text, sizeof(text), "MOD_%.*s", EAR_FMT(name));
		err = ear_kamailio_set_define(
			k, ear_slice_str(text), EAR_S(""), false);
	}
	if (!err)
		err = next(k);
	while (!err && call && !at_end(k) && !is(k, ")"))
		err = next(k);
	return !err && call ? expect(k, ")") : err;
}

/* Modules of a modparam stand as "a|b", which is a regular expression: what
 * is not a plain name in it might mean anything. */
static void whose(struct ear_kamailio *k, struct ear_slice modules,
	const struct ear_kamailio_pos *pos, bool mine[2])
{
	bool plain = true;

	while (modules.n) {
		size_t n = ear_slice_find(modules, EAR_S("|"));
		struct ear_slice one = ear_slice_sub(modules, 0, n);

		mine[0] |= ear_slice_eq(one, EAR_S("siptrace"));
		mine[1] |= ear_slice_eq(one, EAR_S("sipcapture"));
		for (size_t i = 0; i < one.n; i++)
			plain &= !strchr(".*+?[](){}^$\\", one.p[i]);
		modules = ear_slice_sub(modules, n + 1, modules.n);
	}
	if (!plain && !mine[0] && !mine[1])
		ear_kamailio_doubt(k, pos,
			"this modparam names its modules by a regular "
			"expression; it is not read");
}

static enum ear_err add_param(struct ear_kamailio *k, bool capture,
	struct ear_slice name, const struct ear_kamailio_token *value,
	bool negative, const struct ear_kamailio_pos *pos)
{
	struct ear_kamailio_param p = {.capture = capture,
		.name = name,
		.value = value->text,
		.number = value->type != EAR_KT_STRING,
		.pos = *pos};
	char text[24];

	if (k->params == EAR_KM_PARAMS)
		return ear_kamailio_wrong(k, pos, EAR_LIMIT,
			"more than %d parameters", EAR_KM_PARAMS);
	if (p.number) {
		if (!ear_kamailio_number(value, &p.i))
			return ear_kamailio_wrong(k, &value->pos, EAR_BAD,
				"a number or a text in quotes must stand here");
		if (negative)
			p.i = -p.i;
		snprintf(text, sizeof(text), "%lld", (long long)p.i);
		p.value = ear_kamailio_copy(k, ear_slice_str(text));
	} else if (!ear_slice_u64(p.value, INT64_MAX, (uint64_t *)&p.i)) {
		p.i = 0; /* Kamailio takes "1" for a number too */
	}
	k->param[k->params++] = p;
	return k->err;
}

static enum ear_err mod_param(struct ear_kamailio *k)
{
	struct ear_kamailio_pos pos = k->token.pos;
	struct ear_kamailio_token word[2], value;
	bool negative = false, mine[2] = {false, false};
	enum ear_err err = next(k);

	if (!err)
		err = expect(k, "(");
	for (size_t i = 0; i < 2 && !err; i++) {
		word[i] = k->token;
		if (word[i].type != EAR_KT_STRING)
			return unexpected(k, "a text in quotes");
		err = next(k);
		if (!err)
			err = expect(k, ",");
	}
	if (!err && is(k, "-")) {
		negative = true;
		err = next(k);
	}
	if (err)
		return err;
	value = k->token;
	if (at_end(k) || value.type == EAR_KT_PUNCT || value.type == EAR_KT_PV)
		return unexpected(k, "a number or a text in quotes");
	err = next(k);
	if (!err)
		err = expect(k, ")");
	if (err)
		return err;
	whose(k, word[0].text, &pos, mine);
	for (size_t i = 0; i < 2 && !err; i++) {
		if (mine[i])
			err = add_param(k, i == 1, word[1].text, &value,
				negative, &pos);
	}
	return err;
}

/* --- sockets ---------------------------------------------------------------
 */

/* Tokens without blanks between them, or one in quotes: "udp:10.0.0.1:5060". */
static enum ear_err glued_text(struct ear_kamailio *k, struct ear_slice *text)
{
	struct ear_buf out = {.max = 512};
	enum ear_err err = EAR_OK;
	bool first = true;

	while (!err && !at_end(k) && (first || k->token.glued) && !is(k, ";") &&
		!is(k, "}") && !is(k, ",")) {
		ear_buf_slice(&out, k->token.text);
		first = false;
		err = next(k);
	}
	if (!err && out.err)
		err = ear_kamailio_wrong(k, &k->token.pos, EAR_LIMIT,
			"this address is too long");
	if (!err)
		*text = ear_kamailio_copy(k, ear_buf_view(&out));
	ear_buf_fini(&out);
	return err ? err : k->err;
}

bool ear_kamailio_is_proto(struct ear_slice s)
{
	static const char *const protos[] = {
		"udp", "tcp", "tls", "sctp", "ws", "wss"};

	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (ear_slice_ieq(s, ear_slice_str(protos[i])))
			return true;
	}
	return false;
}

/* "udp:[::1]:5060": what stands there of the three. */
static void split_address(struct ear_slice text, struct ear_slice *proto,
	struct ear_slice *host, struct ear_slice *port)
{
	size_t n = ear_slice_find(text, EAR_S(":")), behind;

	*proto = *port = (struct ear_slice){0};
	if (n < text.n && ear_kamailio_is_proto(ear_slice_sub(text, 0, n))) {
		*proto = ear_slice_sub(text, 0, n);
		text = ear_slice_sub(text, n + 1, text.n);
	}
	behind = text.n && text.p[0] == '[' ? ear_slice_find(text, EAR_S("]"))
					    : 0;
	n = behind +
	    ear_slice_find(ear_slice_sub(text, behind, text.n), EAR_S(":"));
	*host = ear_slice_sub(text, 0, n);
	*port = ear_slice_sub(text, n + 1, text.n);
}

static enum ear_err add_listen(
	struct ear_kamailio *k, const struct ear_kamailio_listen *listen)
{
	if (!listen->host.n)
		return EAR_OK;
	if (k->listens == EAR_KM_LISTENS)
		return ear_kamailio_wrong(k, &listen->pos, EAR_LIMIT,
			"more than %d sockets", EAR_KM_LISTENS);
	k->listen[k->listens++] = *listen;
	return EAR_OK;
}

static enum ear_err advertise(
	struct ear_kamailio *k, struct ear_kamailio_listen *listen)
{
	struct ear_slice text, proto;
	enum ear_err err = glued_text(k, &text);

	if (!err)
		split_address(
			text, &proto, &listen->adv_host, &listen->adv_port);
	return err;
}

/* listen = ADDRESS [advertise ADDRESS] [name "NAME"] … */
static enum ear_err listen_line(struct ear_kamailio *k)
{
	struct ear_kamailio_listen listen = {.pos = k->token.pos};
	struct ear_slice text;
	enum ear_err err = next(k);

	if (!err)
		err = expect(k, "=");
	if (!err)
		err = glued_text(k, &text);
	if (err)
		return err;
	split_address(text, &listen.proto, &listen.host, &listen.port);
	while (!err &&
		(is(k, "advertise") || is(k, "name") || is(k, "virtual"))) {
		bool name = is(k, "name"), virtual = is(k, "virtual");

		err = next(k);
		if (err || virtual)
			continue;
		if (name) {
			listen.name = k->token.text;
			err = next(k);
		} else {
			err = advertise(k, &listen);
		}
	}
	return err ? err : add_listen(k, &listen);
}

/* socket = { bind = …; advertise = …; name = "…"; } */
static enum ear_err socket_block(struct ear_kamailio *k)
{
	struct ear_kamailio_listen listen = {.pos = k->token.pos};
	enum ear_err err = next(k);

	if (!err && is(k, "="))
		err = next(k);
	if (err || !is(k, "{"))
		return err;
	err = next(k);
	while (!err && !at_end(k) && !is(k, "}")) {
		bool bind = is(k, "bind"), adv = is(k, "advertise");
		bool name = is(k, "name");
		struct ear_slice text;

		err = next(k);
		if (err || !is(k, "="))
			continue;
		err = next(k);
		if (!err && bind) {
			err = glued_text(k, &text);
			if (!err)
				split_address(text, &listen.proto, &listen.host,
					&listen.port);
		} else if (!err && adv) {
			err = advertise(k, &listen);
		} else if (!err && name) {
			listen.name = k->token.text;
		}
	}
	return err ? err : add_listen(k, &listen);
}

/* port = 5060 and the like */
static enum ear_err global(struct ear_kamailio *k, struct ear_slice *to)
{
	enum ear_err err = next(k);

	if (err || !is(k, "="))
		return err;
	err = next(k);
	return err ? err : glued_text(k, to);
}

/* --- routes ----------------------------------------------------------------
 */

static const char *const functions[] = {"sip_trace", "sip_trace_mode",
	"sip_trace_msg", "hlog", "sip_capture", "report_capture",
	"sip_capture_forward"};

static bool is_function(const struct ear_kamailio *k)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (is(k, functions[i]))
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
	enum ear_err err = next(k); /* over "(" */

	while (!err && depth) {
		bool end = false;

		if (at_end(k))
			return unexpected(k, "')'");
		if (is(k, "("))
			depth++;
		else if (is(k, ")"))
			end = --depth == 0;
		else if (depth == 1 && is(k, ","))
			end = true;
		if (end && call->args < EAR_KM_ARGS &&
			(n || call->args || depth))
			call->arg[call->args++] =
				n == 1 ? part[0].text : written(k, part, n);
		if (end)
			n = 0;
		else if (n < sizeof(part) / sizeof(part[0]))
			part[n++] = k->token;
		err = next(k);
	}
	return err;
}

/* At the name of a function of ours, "(" not read yet. */
static enum ear_err take_call(struct ear_kamailio *k, struct place *at)
{
	struct ear_kamailio_call *call = &k->call[k->calls];
	struct ear_kamailio_token name = k->token;
	enum ear_err err = next(k);

	if (err || !is(k, "("))
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
	enum ear_err err = next(k);

	if (err || !is(k, "("))
		return err;
	err = next(k);
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
	enum ear_err err = next(k);

	if (err || !is(k, "=") || !ear_slice_starts(var.text, EAR_S("$avp(")))
		return err;
	if (k->assigns == EAR_KM_ASSIGNS)
		return EAR_OK; /* more than anybody has for traced users */
	err = next(k);
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
	if (at_end(k) || is(k, ";") || is(k, "}"))
		return EAR_OK;
	err = next(k);
	if (!err && !is(k, ";"))
		a->whole = false;
	return err ? err : k->err;
}

static enum ear_err statement(struct ear_kamailio *k, struct place *at);

static enum ear_err block(struct ear_kamailio *k, struct place *at)
{
	struct ear_kamailio_pos begin = k->token.pos;
	enum ear_err err = next(k); /* over "{" */

	while (!err && !is(k, "}")) {
		if (at_end(k))
			return ear_kamailio_wrong(
				k, &begin, EAR_BAD, "this '{' is never closed");
		err = statement(k, at);
	}
	return err ? err : next(k);
}

/* "(…)" onto the conditions; calls in it are calls too. */
static enum ear_err condition(struct ear_kamailio *k, struct place *at)
{
	struct ear_kamailio_pos begin = k->token.pos;
	size_t depth = 0;
	enum ear_err err = EAR_OK;

	do {
		if (at_end(k))
			return ear_kamailio_wrong(
				k, &begin, EAR_BAD, "this '(' is never closed");
		if (is_function(k)) {
			at->around.lost =
				true; /* it is part of what is asked */
			err = take_call(k, at);
			continue;
		}
		depth += is(k, "(");
		depth -= is(k, ")");
		push(&at->around, &k->token);
		err = next(k);
	} while (!err && depth);
	return err;
}

/* if (…) … [else …] */
static enum ear_err if_statement(struct ear_kamailio *k, struct place *at)
{
	size_t before = at->around.n, begin;
	bool lost = at->around.lost;
	enum ear_err err = next(k);

	if (err || !is(k, "("))
		return err;
	if (before)
		push_punct(&at->around, "&&", false);
	begin = at->around.n;
	err = condition(k, at);
	if (!err)
		err = statement(k, at);
	if (!err && is(k, "else")) {
		size_t n = at->around.n - begin;

		err = next(k);
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
	enum ear_err err = next(k);

	if (err || !is(k, "("))
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
	if (at->event && is(k, "drop"))
		take_drop(k, at);
	else if (at->event &&
		 (k->token.type == EAR_KT_ID || k->token.type == EAR_KT_PV))
		k->event.others++;
	if (is_function(k))
		return take_call(k, at);
	if (is(k, "setflag"))
		return take_flag(k);
	if (k->token.type == EAR_KT_PV)
		return take_assign(k, at);
	return next(k);
}

static enum ear_err statement(struct ear_kamailio *k, struct place *at)
{
	enum ear_err err;

	if (++at->depth > EAR_KM_NEST)
		return ear_kamailio_wrong(k, &k->token.pos, EAR_LIMIT,
			"more than %d blocks in one another", EAR_KM_NEST);
	if (is(k, "{")) {
		err = block(k, at);
	} else if (is(k, "if")) {
		err = if_statement(k, at);
	} else if (is(k, "while") || is(k, "switch")) {
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
	err = next(k);
	if (!err && is(k, "[") && !strcmp(routes[i].word, "route"))
		at->route = EAR_KR_OTHER;
	while (!err && !at_end(k) && !is(k, "{")) {
		ear_buf_slice(&name, k->token.text);
		err = next(k);
	}
	at->name = ear_kamailio_copy(k, ear_buf_view(&name));
	at->event = ear_slice_eq(at->name, EAR_S("event_route[siptrace:msg]"));
	if (!err && at->event) {
		k->event.there = true;
		k->event.pos = pos;
	}
	if (!err && at_end(k))
		err = unexpected(k, "'{'");
	if (!err)
		err = block(k, at);
	ear_buf_fini(&name);
	free(at);
	return err;
}

static enum ear_err top(struct ear_kamailio *k)
{
	if (is(k, "loadmodule") || is(k, "loadmodulex"))
		return load_module(k);
	if (is(k, "modparam") || is(k, "modparamx"))
		return mod_param(k);
	if (is(k, "listen"))
		return listen_line(k);
	if (is(k, "socket"))
		return socket_block(k);
	if (is(k, "port"))
		return global(k, &k->port);
	if (is(k, "advertised_address"))
		return global(k, &k->advertised_address);
	if (is(k, "advertised_port"))
		return global(k, &k->advertised_port);
	if (is(k, "cfgengine")) {
		k->has_kemi = true;
		k->kemi = k->token.pos;
		return next(k);
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (is(k, routes[i].word))
			return read_route(k, i);
	}
	return next(k);
}

/* "A,B=c" as kamailio -A A -A B=c */
static enum ear_err given_defines(struct ear_kamailio *k)
{
	struct ear_slice left = ear_slice_str(k->options.defines);
	enum ear_err err = EAR_OK;

	while (left.n && !err) {
		size_t n = ear_slice_find(left, EAR_S(","));
		struct ear_slice one = ear_slice_sub(left, 0, n);
		size_t eq = ear_slice_find(one, EAR_S("="));

		left = ear_slice_sub(left, n + 1, left.n);
		if (eq)
			err = ear_kamailio_set_define(k,
				ear_slice_sub(one, 0, eq),
				ear_slice_sub(one, eq + 1, one.n), true);
	}
	return err;
}

enum ear_err ear_kamailio_read(const char *path,
	const struct ear_kamailio_options *options, struct ear_kamailio **out,
	struct ear_fault *fault)
{
	struct ear_kamailio *k = calloc(1, sizeof(*k));
	enum ear_err err;

	*out = NULL;
	if (!k)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	k->fault = fault;
	if (options)
		k->options = *options;
	k->token.pos = (struct ear_kamailio_pos){path, 1, 1};
	err = ear_kamailio_begin(k, path);
	if (!err)
		err = given_defines(k);
	if (!err)
		err = next(k);
	while (!err && !at_end(k))
		err = top(k);
	if (!err)
		err = k->err;
	k->fault = NULL;
	if (err)
		ear_kamailio_free(&k);
	*out = k;
	return err;
}
