/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Kamailio configuration says of tracing outside its routes: modules,
 * parameters, sockets. The rest of the language is skipped over, not judged:
 * only what Kamailio itself would not read at all is a fault.
 */
#include <stdio.h>
#include <stdlib.h>

#include "config/kamailio_priv.h"

enum ear_err ear_kamailio_unexpected(struct ear_kamailio *k, const char *want)
{
	if (ear_kamailio_at_end(k))
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

	if (ear_kamailio_is(k, text))
		return ear_kamailio_next(k);
	snprintf(want, sizeof(want), "'%s'", text);
	return ear_kamailio_unexpected(k, want);
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

/* --- modules and parameters -------------------------------------------- */

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
	enum ear_err err = ear_kamailio_next(k);
	bool call = false;

	if (!err && ear_kamailio_is(k, "(")) {
		call = true;
		err = ear_kamailio_next(k);
	}
	if (err)
		return err;
	if (k->token.type != EAR_KT_STRING && k->token.type != EAR_KT_ID)
		return ear_kamailio_unexpected(k, "the name of a module");
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
		err = ear_kamailio_next(k);
	while (!err && call && !ear_kamailio_at_end(k) &&
		!ear_kamailio_is(k, ")"))
		err = ear_kamailio_next(k);
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
	enum ear_err err = ear_kamailio_next(k);

	if (!err)
		err = expect(k, "(");
	for (size_t i = 0; i < 2 && !err; i++) {
		word[i] = k->token;
		if (word[i].type != EAR_KT_STRING)
			return ear_kamailio_unexpected(k, "a text in quotes");
		err = ear_kamailio_next(k);
		if (!err)
			err = expect(k, ",");
	}
	if (!err && ear_kamailio_is(k, "-")) {
		negative = true;
		err = ear_kamailio_next(k);
	}
	if (err)
		return err;
	value = k->token;
	if (ear_kamailio_at_end(k) || value.type == EAR_KT_PUNCT ||
		value.type == EAR_KT_PV)
		return ear_kamailio_unexpected(
			k, "a number or a text in quotes");
	err = ear_kamailio_next(k);
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

/* --- sockets ----------------------------------------------------------- */

/* Tokens without blanks between them, or one in quotes: "udp:10.0.0.1:5060". */
static enum ear_err glued_text(struct ear_kamailio *k, struct ear_slice *text)
{
	struct ear_buf out = {.max = 512};
	enum ear_err err = EAR_OK;
	bool first = true;

	while (!err && !ear_kamailio_at_end(k) && (first || k->token.glued) &&
		!ear_kamailio_is(k, ";") && !ear_kamailio_is(k, "}") &&
		!ear_kamailio_is(k, ",")) {
		ear_buf_slice(&out, k->token.text);
		first = false;
		err = ear_kamailio_next(k);
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
	enum ear_err err = ear_kamailio_next(k);

	if (!err)
		err = expect(k, "=");
	if (!err)
		err = glued_text(k, &text);
	if (err)
		return err;
	split_address(text, &listen.proto, &listen.host, &listen.port);
	while (!err && (ear_kamailio_is(k, "advertise") ||
			       ear_kamailio_is(k, "name") ||
			       ear_kamailio_is(k, "virtual"))) {
		bool name = ear_kamailio_is(k, "name"),
		     virtual = ear_kamailio_is(k, "virtual");

		err = ear_kamailio_next(k);
		if (err || virtual)
			continue;
		if (name) {
			listen.name = k->token.text;
			err = ear_kamailio_next(k);
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
	enum ear_err err = ear_kamailio_next(k);

	if (!err && ear_kamailio_is(k, "="))
		err = ear_kamailio_next(k);
	if (err || !ear_kamailio_is(k, "{"))
		return err;
	err = ear_kamailio_next(k);
	while (!err && !ear_kamailio_at_end(k) && !ear_kamailio_is(k, "}")) {
		bool bind = ear_kamailio_is(k, "bind"),
		     adv = ear_kamailio_is(k, "advertise");
		bool name = ear_kamailio_is(k, "name");
		struct ear_slice text;

		err = ear_kamailio_next(k);
		if (err || !ear_kamailio_is(k, "="))
			continue;
		err = ear_kamailio_next(k);
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
	enum ear_err err = ear_kamailio_next(k);

	if (err || !ear_kamailio_is(k, "="))
		return err;
	err = ear_kamailio_next(k);
	return err ? err : glued_text(k, to);
}

static enum ear_err top(struct ear_kamailio *k)
{
	enum ear_err err;

	if (ear_kamailio_is(k, "loadmodule") ||
		ear_kamailio_is(k, "loadmodulex"))
		return load_module(k);
	if (ear_kamailio_is(k, "modparam") || ear_kamailio_is(k, "modparamx"))
		return mod_param(k);
	if (ear_kamailio_is(k, "listen"))
		return listen_line(k);
	if (ear_kamailio_is(k, "socket"))
		return socket_block(k);
	if (ear_kamailio_is(k, "port"))
		return global(k, &k->port);
	if (ear_kamailio_is(k, "advertised_address"))
		return global(k, &k->advertised_address);
	if (ear_kamailio_is(k, "advertised_port"))
		return global(k, &k->advertised_port);
	if (ear_kamailio_is(k, "cfgengine")) {
		k->has_kemi = true;
		k->kemi = k->token.pos;
		return ear_kamailio_next(k);
	}
	if (ear_kamailio_read_route(k, &err))
		return err;
	return ear_kamailio_next(k);
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
		err = ear_kamailio_next(k);
	while (!err && !ear_kamailio_at_end(k))
		err = top(k);
	if (!err)
		err = k->err;
	k->fault = NULL;
	if (err)
		ear_kamailio_free(&k);
	*out = k;
	return err;
}
