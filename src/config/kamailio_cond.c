/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of Kamailio's routes as expressions, and texts with
 * pseudo-variables as texts with fields in braces; as far as what they ask can
 * be seen in a message. Flags, script variables, what is registered and what
 * earlier statements did cannot.
 */
#include "config/kamailio_priv.h"

/* What is asked of a message: Kamailio's names, ours. */
static const struct {
	const char *name;
	const char *field;
	bool text; /**< may be put into a text in braces */
} names[] = {
	{"$rm", "method", true},
	{"method", "method", true},
	{"$fU", "from.user", true},
	{"$fd", "from.host", true},
	{"$fu", "from", true},
	{"$fn", "from.name", true},
	{"$ft", "from.tag", true},
	{"from_uri", "from", true},
	{"$tU", "to.user", true},
	{"$td", "to.host", true},
	{"$tu", "to", true},
	{"$tn", "to.name", true},
	{"$tt", "to.tag", true},
	{"to_uri", "to", true},
	{"$rU", "ruri.user", true},
	{"$ru", "ruri", true},
	{"uri", "ruri", true},
	{"$si", "src.ip", true},
	{"src_ip", "src.ip", true},
	{"$sp", "src.port", true},
	{"src_port", "src.port", true},
	{"$Ri", "dst.ip", true},
	{"dst_ip", "dst.ip", true},
	{"$Rp", "dst.port", true},
	{"dst_port", "dst.port", true},
	{"$ci", "call_id", true},
	{"$ua", "user_agent", true},
	{"$rs", "status", true},
	{"status", "status", true},
	{"$rr", "reason", true},
	{"$ct", "contact", true},
	{"$cT", "content_type", true},
	{"$au", "auth.user", true},
	{"$aU", "auth.user", true},
	{"$pr", "transport", true},
	{"$proto", "transport", true},
	{"proto", "transport", true},
	{"$ml", "size", true},
	{"msg:len", "size", true},
	{"$rb", "body", false},
	{"$mb", "text", false},
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* $hdr(X-Name), $hdrc is not it: the header's first value. */
static bool header_of(struct ear_slice pv, struct ear_slice *header)
{
	struct ear_slice head = EAR_S("$hdr(");

	if (!ear_slice_starts(pv, head) || pv.p[pv.n - 1] != ')')
		return false;
	*header = ear_slice_sub(pv, head.n, pv.n - 1);
	for (size_t i = 0; i < header->n; i++) {
		char c = ear_lower(header->p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    c == '-'))
			return false;
	}
	return header->n > 0;
}

/* The field of a name, into out. */
static bool field_of(struct ear_slice name, bool text, struct ear_buf *out)
{
	struct ear_slice header;

	for (size_t i = 0; i < NAMES; i++) {
		if (ear_slice_eq(name, ear_slice_str(names[i].name))) {
			ear_buf_str(out, names[i].field);
			return !text || names[i].text;
		}
	}
	if (!header_of(name, &header))
		return false;
	ear_buf_printf(out, "header.%.*s", EAR_FMT(header));
	return true;
}

/* One variable at the front of text: "$ci", "$hdr(X)", "$(ci)". */
static size_t variable_length(struct ear_slice text)
{
	size_t n = 1, depth = 0;

	while (n < text.n &&
		(ear_lower(text.p[n]) >= 'a' && ear_lower(text.p[n]) <= 'z'))
		n++;
	if (n < text.n && text.p[n] == '(') {
		for (; n < text.n; n++) {
			depth += text.p[n] == '(';
			depth -= text.p[n] == ')';
			if (!depth)
				return n + 1;
		}
	}
	return n;
}

bool ear_kamailio_template(struct ear_slice text, struct ear_buf *out)
{
	struct ear_buf plain = {0};
	bool good = true;

	for (size_t i = 0; i < text.n && good;) {
		struct ear_slice pv;

		if (text.p[i] == '{' || text.p[i] == '}')
			good = false; /* would be a field here */
		if (text.p[i] != '$') {
			ear_buf_byte(out, (uint8_t)text.p[i++]);
			continue;
		}
		pv = ear_slice_sub(text, i, text.n);
		pv = ear_slice_sub(pv, 0, variable_length(pv));
		i += pv.n;
		if (ear_slice_eq(pv, EAR_S("$")) && i < text.n &&
			text.p[i] == '$') {
			ear_buf_byte(out, '$');
			i++;
			continue;
		}
		if (pv.n > 3 && pv.p[1] == '(') { /* $(name) is $name */
			ear_buf_reset(&plain);
			ear_buf_byte(&plain, '$');
			ear_buf_slice(&plain, ear_slice_sub(pv, 2, pv.n - 1));
			pv = ear_buf_view(&plain);
		}
		ear_buf_byte(out, '{');
		good = good && field_of(pv, true, out);
		ear_buf_byte(out, '}');
	}
	good = good && !plain.err && !out->err;
	ear_buf_fini(&plain);
	return good;
}

/* --- conditions -------------------------------------------------------- */

struct parse {
	const struct ear_kamailio_token *at, *end;
	struct ear_buf *out;
	size_t depth;
};

static bool is(const struct parse *p, const char *text)
{
	return p->at < p->end && p->at->type != EAR_KT_STRING &&
	       ear_slice_eq(p->at->text, ear_slice_str(text));
}

static bool take(struct parse *p, const char *text)
{
	if (!is(p, text))
		return false;
	p->at++;
	return true;
}

/* A text in quotes as expressions have it: \" and \\ alone are special, and
 * so are backslashes before r, n and t. */
static bool put_quoted(struct parse *p, const char *head, struct ear_slice s)
{
	if (memchr(s.n ? s.p : "", '\0', s.n))
		return false;
	ear_buf_printf(p->out, "\"%s", head);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			ear_buf_byte(p->out, '\\');
		ear_buf_byte(p->out, (uint8_t)s.p[i]);
	}
	ear_buf_byte(p->out, '"');
	return true;
}

/* is_method("INVITE|BYE") */
static bool is_method(struct parse *p, struct ear_slice methods)
{
	size_t count = 0;

	ear_buf_byte(p->out, '(');
	while (methods.n) {
		size_t n = ear_slice_find(methods, EAR_S("|"));

		ear_buf_str(p->out, count++ ? " or method == " : "method == ");
		if (!put_quoted(p, "", ear_slice_sub(methods, 0, n)))
			return false;
		methods = ear_slice_sub(methods, n + 1, methods.n);
	}
	ear_buf_byte(p->out, ')');
	return count > 0;
}

static bool plain_text(struct ear_slice s)
{
	return !memchr(s.n ? s.p : "", '$', s.n);
}

static bool call(struct parse *p)
{
	struct ear_slice name = p->at[0].text, arg = {0};
	bool text = false;

	p->at += 2;
	if (p->at < p->end && p->at->type == EAR_KT_STRING) {
		arg = p->at->text;
		text = true;
		p->at++;
	}
	if (!take(p, ")") || !plain_text(arg))
		return false;
	if (ear_slice_eq(name, EAR_S("is_method")) && text)
		return is_method(p, arg);
	if (ear_slice_eq(name, EAR_S("has_totag")) && !text) {
		ear_buf_str(p->out, "to.tag");
		return true;
	}
	if (ear_slice_eq(name, EAR_S("is_request")) && !text) {
		ear_buf_str(p->out, "kind == request");
		return true;
	}
	if (ear_slice_eq(name, EAR_S("is_reply")) && !text) {
		ear_buf_str(p->out, "kind == reply");
		return true;
	}
	if ((ear_slice_eq(name, EAR_S("has_body")) && !text) ||
		(ear_slice_eq(name, EAR_S("sdp_content")) && !text)) {
		ear_buf_str(p->out, name.p[0] == 's' ? "sdp" : "body");
		return true;
	}
	if (ear_slice_eq(name, EAR_S("is_present_hf")) && text) {
		struct ear_buf pv = {0};
		struct ear_slice header;
		bool good;

		ear_buf_printf(&pv, "$hdr(%.*s)", EAR_FMT(arg));
		good = !pv.err && header_of(ear_buf_view(&pv), &header);
		if (good)
			ear_buf_printf(p->out, "header.%.*s", EAR_FMT(header));
		ear_buf_fini(&pv);
		return good;
	}
	if (ear_slice_eq(name, EAR_S("search")) && text) {
		ear_buf_str(p->out, "text ~ ");
		return put_quoted(p, "(?i)", arg);
	}
	return false;
}

/* 10.0.0.1 and 10.0.0.0/8 come as many tokens without blanks. */
static bool address(struct parse *p, struct ear_buf *text)
{
	bool first = true;

	while (p->at < p->end && (first || p->at->glued) && !is(p, ")") &&
		!is(p, "&&") && !is(p, "||")) {
		ear_buf_slice(text, p->at->text);
		first = false;
		p->at++;
	}
	return !first && !text->err;
}

static bool right_side(struct parse *p, bool ip, const char *head)
{
	struct ear_buf text = {.max = 256};
	bool good = false;

	if (p->at == p->end || is(p, "myself") || p->at->type == EAR_KT_PV)
		return false;
	if (p->at->type == EAR_KT_STRING) {
		good = plain_text(p->at->text) &&
		       put_quoted(p, head, p->at->text);
		p->at++;
		return good;
	}
	if (ip) {
		good = address(p, &text);
		if (good)
			ear_buf_slice(p->out, ear_buf_view(&text));
	} else if (p->at->type == EAR_KT_ID || p->at->type == EAR_KT_NUMBER) {
		good = put_quoted(p, head, p->at->text);
		p->at++;
	}
	ear_buf_fini(&text);
	return good;
}

/* Length of "[0-9]", "." or nothing more at the end: any digit. */
static size_t any_digit(struct ear_slice s)
{
	static const char *const any[] = {"[0-9]", ".", "\\d"};

	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		if (ear_slice_starts(s, ear_slice_str(any[i])))
			return strlen(any[i]);
	}
	return 0;
}

/* status =~ "[45][0-9][0-9]" asks for classes, which are numbers here. */
static bool status_class(struct parse *p, struct ear_slice s)
{
	struct ear_slice digits;
	size_t n;

	if (ear_slice_starts(s, EAR_S("^")))
		s = ear_slice_sub(s, 1, s.n);
	n = s.n && s.p[0] == '[' ? ear_slice_find(s, EAR_S("]")) : 0;
	digits = n ? ear_slice_sub(s, 1, n) : ear_slice_sub(s, 0, 1);
	s = ear_slice_sub(s, n + 1, s.n);
	for (size_t i = 0; i < 2 && s.n; i++) {
		n = any_digit(s);
		if (!n)
			return false;
		s = ear_slice_sub(s, n, s.n);
	}
	if (!digits.n || (s.n && !ear_slice_eq(s, EAR_S("$"))))
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '1' || digits.p[i] > '6')
			return false;
		ear_buf_printf(p->out, "%sstatus == %cxx", i ? " or " : "(",
			digits.p[i]);
	}
	ear_buf_byte(p->out, ')');
	return true;
}

static bool comparison(struct parse *p)
{
	static const char *const ops[][2] = {{"==", "=="}, {"!=", "!="},
		{"=~", "~"}, {"!~", "!~"}, {"<", "<"}, {">", ">"}, {"<=", "<="},
		{">=", ">="}};
	struct ear_buf field = {0};
	bool good = p->at < p->end && p->at->type != EAR_KT_STRING &&
		    field_of(p->at->text, false, &field) && !field.err;
	size_t op = 0;
	bool ip;

	p->at++;
	while (good && op < 8 && !is(p, ops[op][0]))
		op++;
	good = good && op < 8;
	if (good && op == 2 && p->end - p->at > 1 &&
		ear_slice_eq(ear_buf_view(&field), EAR_S("status"))) {
		p->at += 2;
		good = status_class(p, p->at[-1].text);
	} else if (good) {
		ip = ear_slice_find(ear_buf_view(&field), EAR_S(".ip")) <
		     field.n;
		p->at++;
		ear_buf_printf(p->out, "%.*s %s ",
			EAR_FMT(ear_buf_view(&field)), ops[op][1]);
		good = right_side(p, ip, op == 2 || op == 3 ? "(?i)" : "");
	}
	ear_buf_fini(&field);
	return good;
}

static bool either(struct parse *p);

static bool primary(struct parse *p)
{
	bool good;

	if (p->at == p->end || p->depth > EAR_KM_NEST)
		return false;
	if (take(p, "!") || take(p, "not")) {
		ear_buf_str(p->out, "not ");
		p->depth++;
		good = primary(p);
		p->depth--;
		return good;
	}
	if (take(p, "(")) {
		ear_buf_byte(p->out, '(');
		p->depth++;
		good = either(p) && take(p, ")");
		p->depth--;
		ear_buf_byte(p->out, ')');
		return good;
	}
	if (p->at->type == EAR_KT_ID && p->end - p->at > 1 &&
		p->at[1].type == EAR_KT_PUNCT &&
		ear_slice_eq(p->at[1].text, EAR_S("(")))
		return call(p);
	return comparison(p);
}

static bool both(struct parse *p)
{
	if (!primary(p))
		return false;
	while (take(p, "&&") || take(p, "and")) {
		ear_buf_str(p->out, " and ");
		if (!primary(p))
			return false;
	}
	return true;
}

static bool either(struct parse *p)
{
	if (!both(p))
		return false;
	while (take(p, "||") || take(p, "or")) {
		ear_buf_str(p->out, " or ");
		if (!both(p))
			return false;
	}
	return true;
}

bool ear_kamailio_condition(
	const struct ear_kamailio_token *tokens, size_t n, struct ear_buf *out)
{
	struct parse p = {.at = tokens, .end = tokens + n, .out = out};

	return either(&p) && p.at == p.end;
}
