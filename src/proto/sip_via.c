/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via-parm      = sent-protocol LWS sent-by *( SEMI via-params )
 * sent-protocol = protocol-name SLASH protocol-version SLASH transport
 * sent-by       = host [ COLON port ]
 */
#include "base/addr.h"
#include "proto/sip_lex.h"

/* token, then a slash with white space around it when slash is asked for */
static const char *read_part(const char *p, const char *end, bool slash,
	struct ear_slice *part, struct ear_sip_flaw *flaw)
{
	const char *from = p;

	p = skip(p, end, C_TOKEN);
	*part = span(from, p);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_VIA);
	if (!slash)
		return p;
	p = skip(p, end, C_LWS);
	if (p < end && *p == '/')
		return skip(p + 1, end, C_LWS);
	flaw_at(flaw, p, EAR_SIP_RULE_VIA);
	return p;
}

static const char *read_protocol(const char *p, const char *end,
	struct ear_sip_via *via, struct ear_sip_flaw *flaw)
{
	const char *from;

	if (end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0) {
		via->protocol = span(p, p + 3);
		via->version = span(p + 4, p + 7);
		p += 8;
		if (is(*p, C_LWS))
			p = skip(p, end, C_LWS);
	} else {
		p = read_part(p, end, true, &via->protocol, flaw);
		p = read_part(p, end, true, &via->version, flaw);
	}
	p = read_part(p, end, false, &via->transport, flaw);
	from = p;
	p = skip(p, end, C_LWS);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_VIA);
	return p;
}

static bool is_ipv4(const char *p, const char *end)
{
	for (int part = 0; part < 4; part++) {
		const char *from = p;
		unsigned v = 0;

		for (; p < end && p - from < 3 && is(*p, C_DIGIT); p++)
			v = v * 10 + (unsigned)(*p - '0');
		if (p == from || v > 255)
			return false;
		if (part < 3 && (p == end || *p++ != '.'))
			return false;
	}
	return p == end;
}

/* received should be a bare address; with brackets RFC 5118 s4.5 takes it */
static void check_received(struct ear_slice value, struct ear_sip_flaw *flaw)
{
	struct ear_addr addr;

	if (is_ipv4(value.p, value.p + value.n))
		return;
	if (ear_addr_parse(value, &addr) != EAR_OK || addr.port)
		flaw_at(flaw, value.p, EAR_SIP_RULE_VIA_RECEIVED);
}

static void check_number(struct ear_slice value, uint64_t max, uint64_t *number,
	struct ear_sip_flaw *flaw)
{
	*number = 0;
	if (!ear_slice_u64(value, max, number))
		flaw_at(flaw, value.p, EAR_SIP_RULE_PARAM_VALUE);
}

static void check_branch(struct ear_slice branch, struct ear_sip_flaw *flaw)
{
	if (branch.n == 7 && ear_slice_ieq(branch, EAR_S("z9hG4bK")))
		flaw_at(flaw, branch.p, EAR_SIP_RULE_VIA_BRANCH);
}

static void take_param(struct ear_slice name, struct ear_slice value,
	struct ear_sip_via *via, struct ear_sip_flaw *flaw)
{
	uint64_t v;

	if (NAME_IS(name, "branch")) {
		via->branch = value;
		check_branch(value, flaw);
	} else if (NAME_IS(name, "rport")) {
		via->has_rport = true;
		if (value.n) {
			check_number(value, UINT16_MAX, &v, flaw);
			via->rport = (uint16_t)v;
		}
	} else if (NAME_IS(name, "received")) {
		via->received = value;
		check_received(value, flaw);
	} else if (NAME_IS(name, "maddr")) {
		via->maddr = value;
	} else if (NAME_IS(name, "ttl")) {
		via->ttl = value;
		check_number(value, UINT8_MAX, &v, flaw);
	}
}

const char *ear_sip_via(const char *p, const char *end, struct ear_sip_via *via,
	struct ear_sip_flaw *flaw)
{
	struct ear_slice name, value;
	const char *from;

	clear(via, sizeof(*via));
	p = read_protocol(skip(p, end, C_LWS), end, via, flaw);
	p = host_or_ipv6(p, end, &via->host, flaw);
	p = skip(p, end, C_LWS);
	if (p < end && *p == ':') {
		p = skip(p + 1, end, C_LWS);
		p = skip(ear_sip_port(p, end, &via->port, flaw), end, C_LWS);
	}
	from = p + 1;
	while (p < end && *p == ';') {
		p = ear_sip_param(p, end, &name, &value, flaw);
		take_param(name, value, via, flaw);
	}
	if (p >= from)
		via->params = span(from, p);
	if (p < end && *p != ',') {
		flaw_at(flaw, p, EAR_SIP_RULE_AFTER);
		while (p < end && *p != ',')
			p++;
	}
	return p;
}

bool ear_sip_via_next(struct ear_slice *list, struct ear_sip_via *via)
{
	struct ear_sip_flaw flaw = {0};
	const char *end, *p;

	if (list->n == 0)
		return false;
	end = list->p + list->n;
	p = ear_sip_via(list->p, end, via, &flaw);
	*list = p < end ? span(p + 1, end) : span(end, end);
	return true;
}
