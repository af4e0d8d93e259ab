/* SPDX-License-Identifier: Apache-2.0 */
/* How the value of each header field is checked, by its grammar. */
#include "proto/sip_check_priv.h"
#include "proto/sip_secret.h"

typedef void (*check_fn)(
	const char *p, const char *end, struct ear_sip_flaw *flaw);

/* Nothing can be wrong that matters, but a URI may stand in it. */
static void check_TEXT(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	flaw->secret |= ear_sip_has_password(span(p, end));
}

static void check_VIA(const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_sip_via via;

	for (;; p++) {
		p = ear_sip_via(p, end, &via, flaw);
		if (p == end)
			return;
	}
}

static void check_ADDR(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_sip_addr addr;

	p = ear_sip_addr(p, end, &addr, flaw);
	if (p != end)
		flaw_at(flaw, p, EAR_SIP_RULE_AFTER);
}

static void check_ADDRS(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_sip_addr addr;

	for (;; p++) {
		p = ear_sip_addr(p, end, &addr, flaw);
		if (p == end)
			return;
	}
}

static void check_ROUTE(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_sip_addr addr;

	for (;; p++) {
		p = ear_sip_addr(p, end, &addr, flaw);
		if (!addr.bracket && addr.spec.p)
			flaw_at(flaw, addr.spec.p, EAR_SIP_RULE_ADDR_BRACKET);
		if (p == end)
			return;
	}
}

static void check_expires(struct ear_slice value, struct ear_sip_flaw *flaw)
{
	uint64_t v;
	if (ear_sip_number(value.p, value.p + value.n, &v) !=
			value.p + value.n ||
		!value.n)
		flaw_at(flaw, value.p, EAR_SIP_RULE_NUMBER);
	else if (v > UINT32_MAX)
		flaw_at(flaw, value.p, EAR_SIP_RULE_NUMBER_LARGE);
}

/* Contact = ( STAR / (contact-param *(COMMA contact-param)) ) */
static void check_CONTACT(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_sip_addr addr;

	if (p < end && *p == '*' && skip(p + 1, end, C_LWS) == end)
		return;
	for (;; p++) {
		p = skip(p, end, C_LWS);
		if (p < end && *p == '*')
			flaw_at(flaw, p, EAR_SIP_RULE_CONTACT_STAR);
		p = ear_sip_addr(p, end, &addr, flaw);
		if (addr.expires.p)
			check_expires(addr.expires, flaw);
		if (p == end)
			return;
	}
}

static void check_CSEQ(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_slice method;
	uint32_t number;

	ear_sip_cseq_scan(span(p, end), &number, &method, flaw);
}

/* callid = word [ "@" word ] */
static void check_CALLID(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	if (p == end) {
		flaw_at(flaw, p, EAR_SIP_RULE_HEADER_EMPTY);
		return;
	}
	p = skip(p, end, C_WORD);
	if (p != end)
		flaw_at(flaw, p, EAR_SIP_RULE_CALL_ID);
}

static void check_number(const char *p, const char *end, uint64_t most,
	struct ear_sip_flaw *flaw)
{
	const char *from = p;
	uint64_t v;

	p = ear_sip_number(p, end, &v);
	if (p == from || p != end)
		flaw_at(flaw, p, EAR_SIP_RULE_NUMBER);
	else if (v > most)
		flaw_at(flaw, from, EAR_SIP_RULE_NUMBER_LARGE);
}

static void check_U32(const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	check_number(p, end, UINT32_MAX, flaw);
}

static void check_U8(const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	check_number(p, end, UINT8_MAX, flaw);
	if (flaw->rule)
		flaw->rule = EAR_SIP_RULE_FORWARDS;
}

static void check_LENGTH(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	check_number(p, end, UINT32_MAX, flaw);
	if (flaw->rule)
		flaw->rule = EAR_SIP_RULE_LENGTH;
}

static bool one_of(const char *p, const char *set)
{
	for (; *set; set += 3) {
		if (memcmp(p, set, 3) == 0)
			return true;
	}
	return false;
}

/* SIP-date = wkday "," SP 2DIGIT SP month SP 4DIGIT SP time SP "GMT" */
static void check_DATE(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	static const char form[] = "   , ## ??? #### ##:##:## GMT";
	size_t n = (size_t)(end - p), i;

	for (i = 0; i < n && i < sizeof(form) - 1; i++) {
		if (i < 3 || form[i] == '?')
			continue;
		if (form[i] == '#' ? !is(p[i], C_DIGIT) : p[i] != form[i])
			break;
	}
	if (i < sizeof(form) - 1 || n != sizeof(form) - 1)
		flaw_at(flaw, p + i, EAR_SIP_RULE_DATE);
	else if (!one_of(p, "MonTueWedThuFriSatSun"))
		flaw_at(flaw, p, EAR_SIP_RULE_DATE);
	else if (!one_of(p + 8, "JanFebMarAprMayJunJulAugSepOctNovDec"))
		flaw_at(flaw, p + 8, EAR_SIP_RULE_DATE);
}

/* Retry-After = delta-seconds [ comment ] *( SEMI retry-param ) */
static void check_RETRY(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	const char *from = p;
	uint64_t v;

	p = ear_sip_number(p, end, &v);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_NUMBER);
	else if (v > UINT32_MAX)
		flaw_at(flaw, from, EAR_SIP_RULE_NUMBER_LARGE);
	p = skip(p, end, C_LWS);
	flaw->secret |= ear_sip_has_password(span(p, end));
	if (p < end && *p != '(' && *p != ';')
		flaw_at(flaw, p, EAR_SIP_RULE_AFTER);
}

/* warning-value = 3DIGIT SP warn-agent SP quoted-string */
static void check_WARNING(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_slice text;
	const char *from;

	flaw->secret |= ear_sip_has_password(span(p, end));
	for (;; p++) {
		from = p = skip(p, end, C_LWS);
		p = skip(p, end, C_DIGIT);
		if (p - from != 3)
			flaw_at(flaw, from, EAR_SIP_RULE_WARNING);
		from = p = skip(p, end, C_LWS);
		while (p < end && !is(*p, C_LWS))
			p++;
		if (p == from)
			flaw_at(flaw, p, EAR_SIP_RULE_WARNING);
		p = skip(p, end, C_LWS);
		if (p == end || *p != '"') {
			flaw_at(flaw, p, EAR_SIP_RULE_WARNING);
			return;
		}
		p = skip(ear_sip_quoted(p, end, &text, flaw), end, C_LWS);
		if (p == end)
			return;
		if (*p != ',') {
			flaw_at(flaw, p, EAR_SIP_RULE_AFTER);
			return;
		}
	}
}

/* media-type = m-type SLASH m-subtype *(SEMI m-parameter) */
static void check_TYPE(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_slice name, value;
	const char *from = p;

	p = skip(p, end, C_TOKEN);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_TYPE);
	p = skip(p, end, C_LWS);
	if (p == end || *p != '/') {
		flaw_at(flaw, p, EAR_SIP_RULE_TYPE);
		return;
	}
	from = p = skip(p + 1, end, C_LWS);
	p = skip(p, end, C_TOKEN);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_TYPE);
	p = skip(p, end, C_LWS);
	while (p < end && *p == ';')
		p = ear_sip_param(p, end, &name, &value, flaw);
	if (p != end)
		flaw_at(flaw, p, EAR_SIP_RULE_AFTER);
}

/* [ token *( COMMA token ) ] */
static void check_TOKENS(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	const char *from;

	if (p == end)
		return;
	for (;; p++) {
		from = p = skip(p, end, C_LWS);
		p = skip(p, end, C_TOKEN);
		if (p == from)
			flaw_at(flaw, p,
				p == end || *p == ',' ? EAR_SIP_RULE_SEPARATOR
						      : EAR_SIP_RULE_TOKEN);
		p = skip(p, end, C_LWS);
		if (p == end)
			return;
		if (*p != ',') {
			flaw_at(flaw, p, EAR_SIP_RULE_TOKEN);
			return;
		}
	}
}

/* auth-param = token EQUAL ( token / quoted-string ), more chars tolerated */
static const char *auth_param(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	struct ear_slice value;
	const char *from = p;

	p = skip(p, end, C_TOKEN);
	if (p == from)
		flaw_at(flaw, p,
			p == end || *p == ',' ? EAR_SIP_RULE_SEPARATOR
					      : EAR_SIP_RULE_CREDENTIALS);
	p = skip(p, end, C_LWS);
	if (p == end || *p != '=') {
		flaw_at(flaw, p, EAR_SIP_RULE_CREDENTIALS);
		return p;
	}
	p = skip(p + 1, end, C_LWS);
	if (p < end && *p == '"') {
		p = ear_sip_quoted(p, end, &value, flaw);
	} else {
		while (p < end && *p != ',' && *p != '"' && !is(*p, C_LWS))
			p++;
	}
	return skip(p, end, C_LWS);
}

/* credentials = scheme LWS auth-param *(COMMA auth-param); token68 of Basic,
 * Bearer and their like is anything without a space */
static void check_CREDENTIALS(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	const char *from = p;
	struct ear_slice scheme;

	p = skip(p, end, C_TOKEN);
	scheme = span(from, p);
	p = skip(p, end, C_LWS);
	if (scheme.n == 0 || p == end || p == from + scheme.n) {
		flaw_at(flaw, p, EAR_SIP_RULE_CREDENTIALS);
		return;
	}
	if (!ear_slice_ieq(scheme, EAR_S("Digest")))
		return;
	for (;; p++) {
		p = auth_param(skip(p, end, C_LWS), end, flaw);
		if (p == end)
			return;
		if (*p != ',') {
			flaw_at(flaw, p, EAR_SIP_RULE_CREDENTIALS);
			return;
		}
	}
}

/* A challenge has the same form, but NTLM and Kerberos ask without any. */
static void check_CHALLENGE(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	if (p < end && skip(p, end, C_TOKEN) == end)
		return;
	check_CREDENTIALS(p, end, flaw);
}

void ear_sip_check_value(
	const struct ear_sip_header *header, struct ear_sip_flaw *flaw)
{
	static const check_fn by_id[EAR_SIP_ID_COUNT] = {
		[EAR_SIP_OTHER] = check_TEXT,
#define X(id, name, compact, many, grammar) [EAR_SIP_##id] = check_##grammar,
#include "proto/sip_header.def"
#undef X
	};
	const char *p = header->value.p;

	by_id[header->id](p, p + header->value.n, flaw);
}
