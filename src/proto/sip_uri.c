/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP-URI  = "sip:" [ userinfo ] hostport uri-parameters [ headers ]
 * userinfo = ( user / telephone-subscriber ) [ ":" password ] "@"
 *
 * A user may hold ";", "?" and "/", but nothing behind it an "@": the first
 * "@" ends the userinfo (RFC 4475 s3.1.1.9).
 */
#include "base/addr.h"
#include "proto/sip_lex.h"

static void split_user(const char *p, const char *colon, const char *at,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw)
{
	const char *stop;

	uri->user = span(p, colon ? colon : at);
	if (uri->user.n == 0)
		flaw_at(flaw, p, EAR_SIP_RULE_URI_USER);
	if (!colon)
		return;
	uri->password = span(colon + 1, at);
	flaw->secret = true;
	stop = run(colon + 1, at, C_PASS, flaw);
	if (stop != at)
		flaw_at(flaw, stop, EAR_SIP_RULE_URI_USER);
}

/* @return where the host begins */
static const char *read_user(const char *p, const char *end,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw)
{
	struct ear_sip_flaw mine = {0};
	const char *at = run(p, end, C_USER, &mine), *colon = NULL, *stop;

	if (at < end && *at == ':') {
		colon = at;
		at = run(at, end, C_USER | C_COLON, &mine);
	}
	if (at == end || *at == '>')
		return p;
	if (*at != '@') {
		stop = at;
		at = memchr(stop, '@', (size_t)(end - stop));
		if (!at || memchr(stop, '>', (size_t)(at - stop)))
			return p;
		flaw_at(&mine, stop, EAR_SIP_RULE_URI_USER);
		colon = memchr(p, ':', (size_t)(at - p));
	}
	if (mine.rule)
		flaw_at(flaw, mine.at, mine.rule);
	split_user(p, colon, at, uri, flaw);
	return at + 1;
}

/*
 * A port that is no number is often the rest of an IPv6 address that lacks
 * its brackets.
 */
static const char *read_port(const char *host, const char *p, const char *end,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw)
{
	const char *stop = skip(p + 1, end, C_DIGIT);
	struct ear_addr addr;

	if (stop == end || !(is(*stop, C_HEX) || *stop == ':'))
		return ear_sip_port(p + 1, end, &uri->port, flaw);
	while (stop < end && (is(*stop, C_HEX) || *stop == ':' || *stop == '.'))
		stop++;
	if (ear_addr_parse(span(host, stop), &addr) == EAR_OK &&
		addr.family == 6) {
		flaw_at(flaw, host, EAR_SIP_RULE_HOST_BARE);
		uri->host = span(host, stop);
		return stop;
	}
	return ear_sip_port(p + 1, end, &uri->port, flaw);
}

static const char *read_params(const char *p, const char *end,
	struct ear_slice *params, struct ear_sip_flaw *flaw)
{
	const char *from = p + 1, *start;

	while (p < end && *p == ';') {
		start = p + 1;
		p = run(start, end, C_PARAM, flaw);
		if (p == start)
			flaw_at(flaw, p, EAR_SIP_RULE_SEPARATOR);
		if (p == end || *p != '=')
			continue;
		start = p + 1;
		p = run(start, end, C_PARAM, flaw);
		if (p == start)
			flaw_at(flaw, p, EAR_SIP_RULE_PARAM_VALUE);
	}
	*params = span(from, p);
	return p;
}

static const char *read_uri_headers(const char *p, const char *end,
	struct ear_slice *headers, struct ear_sip_flaw *flaw)
{
	const char *from = p + 1, *start;

	do {
		start = p + 1;
		p = run(start, end, C_HNV, flaw);
		if (p == start || p == end || *p != '=') {
			flaw_at(flaw, p, EAR_SIP_RULE_URI);
			break;
		}
		p = run(p + 1, end, C_HNV, flaw);
	} while (p < end && *p == '&');
	*headers = span(from, p);
	return p;
}

static const char *read_sip(const char *p, const char *end,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw)
{
	const char *host = p = read_user(p, end, uri, flaw);

	p = host_or_ipv6(p, end, &uri->host, flaw);
	if (p < end && *p == ':')
		p = read_port(host, p, end, uri, flaw);
	if (p < end && *p == ';')
		p = read_params(p, end, &uri->params, flaw);
	if (p < end && *p == '?')
		p = read_uri_headers(p, end, &uri->headers, flaw);
	return p;
}

static const char *read_tel(const char *p, const char *end,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw)
{
	const char *from = p;

	p = skip(p, end, C_PHONE);
	uri->user = span(from, p);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_URI_USER);
	if (p < end && *p == ';')
		p = read_params(p, end, &uri->params, flaw);
	return p;
}

/* Any other scheme: opaque but for user@host, as im, pres and mailto have. */
static const char *read_other(const char *p, const char *end,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw)
{
	const char *from = p, *at, *stop;

	p = run(p, end, C_URIC, flaw);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_URI);
	at = memchr(from, '@', (size_t)(p - from));
	flaw->secret |= at != NULL;
	if (at && *from != '/') {
		stop = skip(at + 1, p, C_HOST);
		uri->user = span(from, at);
		uri->host = span(at + 1, stop);
	}
	return p;
}

static bool starts_sip(const char *p, const char *end)
{
	return end - p >= 4 && (p[0] | 32) == 's' && (p[1] | 32) == 'i' &&
	       (p[2] | 32) == 'p' && p[3] == ':';
}

const char *ear_sip_uri_to(const char *p, const char *end,
	struct ear_sip_uri *uri, struct ear_sip_flaw *flaw)
{
	const char *from = p;

	clear(uri, sizeof(*uri));
	if (starts_sip(p, end)) {
		uri->scheme = span(p, p + 3);
		return read_sip(p + 4, end, uri, flaw);
	}
	p = skip(p, end, C_SCHEME);
	if (p == from || p == end || *p != ':') {
		flaw_at(flaw, from, EAR_SIP_RULE_URI_SCHEME);
		return end;
	}
	uri->scheme = span(from, p);
	p++;
	if (NAME_IS(uri->scheme, "sips"))
		return read_sip(p, end, uri, flaw);
	if (NAME_IS(uri->scheme, "tel"))
		return read_tel(p, end, uri, flaw);
	return read_other(p, end, uri, flaw);
}

void ear_sip_uri(const char *p, const char *end, struct ear_sip_uri *uri,
	struct ear_sip_flaw *flaw)
{
	p = ear_sip_uri_to(p, end, uri, flaw);
	if (p != end)
		flaw_at(flaw, p, EAR_SIP_RULE_URI);
}

enum ear_err ear_sip_uri_parse(struct ear_slice text, struct ear_sip_uri *uri)
{
	struct ear_sip_flaw flaw = {0};

	if (!text.p)
		text = EAR_S("");
	ear_sip_uri(text.p, text.p + text.n, uri, &flaw);
	return flaw.rule ? EAR_BAD : EAR_OK;
}
