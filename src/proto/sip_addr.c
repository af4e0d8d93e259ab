/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name-addr    = [ display-name ] LAQUOT addr-spec RAQUOT
 * display-name = *( token LWS ) / quoted-string
 * from-spec    = ( name-addr / addr-spec ) *( SEMI generic-param )
 *
 * Without brackets a URI ends at the first comma, semicolon or question mark
 * (RFC 3261 s20.10).
 */
#include "proto/sip_lex.h"

/* When the URI does not end at its bracket: say why, and read what is there. */
static const char *read_odd_bracket(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	const char *close = memchr(p, '>', (size_t)(end - p));
	const char *from = p + 1, *to = close ? close : end;

	if (!close)
		flaw_at(flaw, p, EAR_SIP_RULE_ADDR_OPEN);
	addr->spec = ear_slice_trim(span(from, to));
	if (addr->spec.n != (size_t)(to - from))
		flaw_at(flaw, is(*from, C_LWS) ? from : to - 1,
			EAR_SIP_RULE_ADDR_SPACE);
	ear_sip_uri(
		addr->spec.p, addr->spec.p + addr->spec.n, &addr->uri, flaw);
	return close ? close + 1 : end;
}

static const char *read_bracket(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	struct ear_sip_flaw mine = {0};
	const char *stop = ear_sip_uri_to(p + 1, end, &addr->uri, &mine);

	addr->bracket = true;
	if (mine.rule || stop == end || *stop != '>')
		return read_odd_bracket(p, end, addr, flaw);
	flaw->secret |= mine.secret;
	addr->spec = span(p + 1, stop);
	return stop + 1;
}

static const char *read_bare(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	const char *from = p;

	while (p < end && *p != ';' && *p != ',' && !is(*p, C_LWS))
		p++;
	addr->spec = span(from, p);
	if (p == from) {
		flaw_at(flaw, p, EAR_SIP_RULE_ADDR);
		return p;
	}
	ear_sip_uri(from, p, &addr->uri, flaw);
	if (addr->uri.headers.p)
		flaw_at(flaw, addr->uri.headers.p - 1,
			EAR_SIP_RULE_ADDR_BRACKET);
	return p;
}

/* Display name without quotes: tokens. *p is not LWS. */
static const char *read_tokens(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	const char *from = p, *open, *tail;

	do {
		tail = skip(p, end, C_TOKEN);
		p = skip(tail, end, C_LWS);
	} while (p < end && tail != p && is(*p, C_TOKEN));
	if (p < end && *p == '<') {
		addr->name = span(from, tail);
		return read_bracket(p, end, addr, flaw);
	}
	open = memchr(p, '<', (size_t)(end - p));
	/* A URI comes where the first token ends in a colon. */
	tail = skip(from, end, C_TOKEN);
	if (!open || (tail > from && tail < end && *tail == ':'))
		return read_bare(from, end, addr, flaw);
	flaw_at(flaw, p, EAR_SIP_RULE_NAME);
	addr->name = ear_slice_trim(span(from, open));
	return read_bracket(open, end, addr, flaw);
}

static const char *read_quoted(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	const char *open, *from = p;

	p = skip(ear_sip_quoted(p, end, &addr->name, flaw), end, C_LWS);
	if (p < end && *p == '<')
		return read_bracket(p, end, addr, flaw);
	/* The quote may be what is wrong: look for the URI from its start. */
	open = memchr(p, '<', (size_t)(end - p));
	if (!open && p == end)
		open = memchr(from, '<', (size_t)(end - from));
	if (!open) {
		flaw_at(flaw, p, EAR_SIP_RULE_ADDR);
		return p;
	}
	flaw_at(flaw, p, EAR_SIP_RULE_NAME);
	if (addr->name.p + addr->name.n > open)
		addr->name = ear_slice_trim(span(from + 1, open));
	return read_bracket(open, end, addr, flaw);
}

static const char *read_addr_params(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	struct ear_slice name, value;
	const char *from = p + 1;

	while (p < end && *p == ';') {
		p = ear_sip_param(p, end, &name, &value, flaw);
		if (NAME_IS(name, "tag"))
			addr->tag = addr->tag.p ? addr->tag : value;
		else if (NAME_IS(name, "expires"))
			addr->expires = value;
	}
	addr->params = span(from, p);
	return p;
}

const char *ear_sip_addr(const char *p, const char *end,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	clear(addr, sizeof(*addr));
	p = skip(p, end, C_LWS);
	if (p == end || *p == ',' || *p == ';')
		flaw_at(flaw, p, EAR_SIP_RULE_ADDR);
	else if (*p == '"')
		p = read_quoted(p, end, addr, flaw);
	else if (*p == '<')
		p = read_bracket(p, end, addr, flaw);
	else
		p = read_tokens(p, end, addr, flaw);
	p = skip(p, end, C_LWS);
	if (p < end && *p == ';')
		p = read_addr_params(p, end, addr, flaw);
	if (p < end && *p != ',') {
		flaw_at(flaw, p, EAR_SIP_RULE_AFTER);
		while (p < end && *p != ',')
			p++;
	}
	return p;
}

bool ear_sip_addr_next(struct ear_slice *list, struct ear_sip_addr *addr)
{
	struct ear_sip_flaw flaw = {0};
	const char *end, *p;

	if (list->n == 0)
		return false;
	end = list->p + list->n;
	p = skip(list->p, end, C_LWS);
	if (p < end && *p == '*' && skip(p + 1, end, C_LWS) == end) {
		clear(addr, sizeof(*addr));
		addr->star = true;
		p = end;
	} else {
		p = ear_sip_addr(p, end, addr, &flaw);
	}
	*list = p < end ? span(p + 1, end) : span(end, end);
	return true;
}
