/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_auth.h"

#include "proto/sip_lex.h"

/*
 * credentials = scheme LWS name EQUAL value *(COMMA name EQUAL value)
 * Authentication-Info begins with the first name at once.
 */
struct ear_sip_auth ear_sip_auth_parse(struct ear_slice value)
{
	struct ear_sip_auth auth = {0};
	const char *p, *end, *from;

	if (value.n == 0)
		return auth;
	end = value.p + value.n;
	from = p = skip(value.p, end, C_LWS);
	p = skip(p, end, C_TOKEN);
	if (p > from && (p == end || is(*p, C_LWS)) &&
		!(skip(p, end, C_LWS) < end && *skip(p, end, C_LWS) == '=')) {
		auth.scheme = span(from, p);
		from = skip(p, end, C_LWS);
	}
	auth.rest = span(from, end);
	return auth;
}

bool ear_sip_auth_next(
	struct ear_slice *rest, struct ear_slice *name, struct ear_slice *value)
{
	struct ear_sip_flaw flaw = {0};
	const char *p = rest->p, *end, *from;

	*value = *name = (struct ear_slice){0};
	if (rest->n == 0)
		return false;
	end = p + rest->n;
	while (p < end && (*p == ',' || is(*p, C_LWS)))
		p++;
	from = p;
	while (p < end && *p != '=' && *p != ',')
		p++;
	*name = ear_slice_trim(span(from, p));
	if (p < end && *p == '=') {
		from = p = skip(p + 1, end, C_LWS);
		if (p < end && *p == '"')
			p = ear_sip_quoted(p, end, value, &flaw);
		while (p < end && *p != ',')
			p++;
		if (!value->p)
			*value = ear_slice_trim(span(from, p));
	}
	*rest = span(p, end);
	return name->n || value->n || p < end;
}

struct ear_slice ear_sip_auth_param(
	struct ear_slice value, struct ear_slice name)
{
	struct ear_slice rest, n, v;

	if (value.n == 0)
		return (struct ear_slice){0};
	rest = ear_sip_auth_parse(value).rest;
	while (ear_sip_auth_next(&rest, &n, &v)) {
		if (ear_slice_ieq(n, name))
			return v;
	}
	return (struct ear_slice){0};
}
