/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_lex.h"

#include "base/addr.h"

#define DIGIT(c) ((c) >= '0' && (c) <= '9')
#define ALPHA(c) (((c) | 32) >= 'a' && ((c) | 32) <= 'z' && (c) < 128)
#define HEX(c) (DIGIT(c) || (((c) | 32) >= 'a' && ((c) | 32) <= 'f'))
#define ALNUM(c) (DIGIT(c) || ALPHA(c))
#define MARK(c)                                                                \
	((c) == '-' || (c) == '_' || (c) == '.' || (c) == '!' || (c) == '~' || \
		(c) == '*' || (c) == '\'' || (c) == '(' || (c) == ')')
#define UNRESERVED(c) (ALNUM(c) || MARK(c))
#define LWS(c) ((c) == ' ' || (c) == '\t' || (c) == '\r' || (c) == '\n')
#define TOKEN(c)                                                             \
	(ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '!' || (c) == '%' || \
		(c) == '*' || (c) == '_' || (c) == '+' || (c) == '`' ||      \
		(c) == '\'' || (c) == '~')
#define WORD(c)                                                              \
	(TOKEN(c) || (c) == '(' || (c) == ')' || (c) == '<' || (c) == '>' || \
		(c) == ':' || (c) == '\\' || (c) == '"' || (c) == '/' ||     \
		(c) == '[' || (c) == ']' || (c) == '?' || (c) == '{' ||      \
		(c) == '}' || (c) == '@')
#define PASS(c)                                                     \
	(UNRESERVED(c) || (c) == '&' || (c) == '=' || (c) == '+' || \
		(c) == '$' || (c) == ',')
#define USER(c) (PASS(c) || (c) == ';' || (c) == '?' || (c) == '/')
#define HOST(c) (ALNUM(c) || (c) == '-' || (c) == '.' || (c) == '_')
#define BRACKET(c) ((c) == '[' || (c) == ']')
#define PARAM(c)                                                    \
	(UNRESERVED(c) || BRACKET(c) || (c) == '/' || (c) == ':' || \
		(c) == '&' || (c) == '+' || (c) == '$')
#define HNV(c)                                                      \
	(UNRESERVED(c) || BRACKET(c) || (c) == '/' || (c) == '?' || \
		(c) == ':' || (c) == '+' || (c) == '$')
#define URIC(c) (USER(c) || BRACKET(c) || (c) == '@' || (c) == ':')
#define VALUE(c) (TOKEN(c) || BRACKET(c) || (c) == ':')
#define SCHEME(c) (ALNUM(c) || (c) == '+' || (c) == '-' || (c) == '.')
#define PHONE(c)                                                           \
	(HEX(c) || (c) == '*' || (c) == '#' || (c) == '+' || (c) == '-' || \
		(c) == '.' || (c) == '(' || (c) == ')')

#define C1(c)                                                           \
	((LWS(c) ? C_LWS : 0) | (DIGIT(c) ? C_DIGIT : 0) |              \
		(HEX(c) ? C_HEX : 0) | (TOKEN(c) ? C_TOKEN : 0) |       \
		(WORD(c) ? C_WORD : 0) | (USER(c) ? C_USER : 0) |       \
		(HOST(c) ? C_HOST : 0) | (PARAM(c) ? C_PARAM : 0) |     \
		(HNV(c) ? C_HNV : 0) | (URIC(c) ? C_URIC : 0) |         \
		(VALUE(c) ? C_VALUE : 0) | (SCHEME(c) ? C_SCHEME : 0) | \
		(PHONE(c) ? C_PHONE : 0) | (PASS(c) ? C_PASS : 0) |     \
		((c) == ':' ? C_COLON : 0))
#define C4(c) C1(c), C1((c) + 1), C1((c) + 2), C1((c) + 3)
#define C16(c) C4(c), C4((c) + 4), C4((c) + 8), C4((c) + 12)
#define C64(c) C16(c), C16((c) + 16), C16((c) + 32), C16((c) + 48)

const uint16_t ear_sip_class[256] = {C64(0), C64(64), C64(128), C64(192)};

const char *ear_sip_run_on(const char *p, const char *end, unsigned class,
	struct ear_sip_flaw *flaw)
{
	for (;;) {
		p = skip(p, end, class);
		if (p == end || *p != '%')
			return p;
		if (end - p < 3 || !is(p[1], C_HEX) || !is(p[2], C_HEX)) {
			flaw_at(flaw, p, EAR_SIP_RULE_URI_ESCAPE);
			p++;
			continue;
		}
		p += 3;
	}
}

const char *ear_sip_quoted(const char *p, const char *end,
	struct ear_slice *text, struct ear_sip_flaw *flaw)
{
	const char *from = p + 1;

	for (p = from; p < end; p++) {
		if (*p == '"') {
			*text = span(from, p);
			flaw->secret |= memchr(from, '@', text->n) != NULL;
			return p + 1;
		}
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	flaw_at(flaw, from - 1, EAR_SIP_RULE_QUOTE);
	*text = span(from, end);
	return end;
}

/*
 * generic-param = token [ EQUAL gen-value ]
 * gen-value     = token / host / quoted-string
 */
const char *ear_sip_param(const char *p, const char *end,
	struct ear_slice *name, struct ear_slice *value,
	struct ear_sip_flaw *flaw)
{
	const char *from;

	from = p = skip(p + 1, end, C_LWS);
	p = skip(p, end, C_TOKEN);
	*name = span(from, p);
	*value = span(p, p); /* a place to point at when it should be there */
	if (p == from) {
		flaw_at(flaw, p,
			p == end || *p == ';' || *p == ','
				? EAR_SIP_RULE_SEPARATOR
				: EAR_SIP_RULE_PARAM);
		return p;
	}
	p = skip(p, end, C_LWS);
	if (p == end || *p != '=')
		return p;
	from = p = skip(p + 1, end, C_LWS);
	if (p < end && *p == '"') {
		p = ear_sip_quoted(p, end, value, flaw);
	} else {
		p = skip(p, end, C_VALUE);
		*value = span(from, p);
		if (p == from)
			flaw_at(flaw, p, EAR_SIP_RULE_PARAM_VALUE);
	}
	return skip(p, end, C_LWS);
}

/*
 * The grammar of RFC 3261 lets three colons stand before an embedded IPv4
 * address; RFC 5118 s4.10 asks to tolerate it.
 */
static bool is_ipv6(struct ear_slice text)
{
	size_t bug = ear_slice_find(text, EAR_S(":::"));
	char fixed[EAR_ADDR_TEXT];
	struct ear_addr addr;

	if (!memchr(text.p, ':', text.n))
		return false;
	if (bug < text.n && text.n < sizeof(fixed)) {
		memcpy(fixed, text.p, bug);
		memcpy(fixed + bug, text.p + bug + 1, text.n - bug - 1);
		text = ear_slice(fixed, text.n - 1);
	}
	return ear_addr_parse(text, &addr) == EAR_OK && addr.port == 0;
}

static const char *host_ipv6(const char *p, const char *end,
	struct ear_slice *host, struct ear_sip_flaw *flaw)
{
	const char *close = memchr(p, ']', (size_t)(end - p));

	if (!close) {
		flaw_at(flaw, p, EAR_SIP_RULE_HOST_IPV6);
		*host = span(p, end);
		return end;
	}
	*host = span(p, close + 1);
	if (!is_ipv6(*host))
		flaw_at(flaw, p, EAR_SIP_RULE_HOST_IPV6);
	return close + 1;
}

const char *ear_sip_host_odd(const char *p, const char *end,
	struct ear_slice *host, struct ear_sip_flaw *flaw)
{
	if (p < end && *p == '[')
		return host_ipv6(p, end, host, flaw);
	flaw_at(flaw, p, EAR_SIP_RULE_HOST);
	*host = span(p, p);
	return p;
}

const char *ear_sip_port(const char *p, const char *end, uint16_t *port,
	struct ear_sip_flaw *flaw)
{
	const char *from = p;
	uint32_t v = 0;

	for (; p < end && is(*p, C_DIGIT); p++) {
		if (v <= UINT16_MAX)
			v = v * 10 + (uint32_t)(*p - '0');
	}
	if (p == from || v > UINT16_MAX) {
		flaw_at(flaw, from, EAR_SIP_RULE_PORT);
		v = 0;
	}
	*port = (uint16_t)v;
	return p;
}
