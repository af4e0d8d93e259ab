/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_check_priv.h"

typedef uint8_t vec __attribute__((vector_size(16)));
typedef int8_t mask __attribute__((vector_size(16)));

static vec load(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool any(mask m)
{
	uint64_t half[2];

	memcpy(half, &m, sizeof(half));
	return half[0] | half[1];
}

/* Of the byte at p, with the one before it; CR and LF must come as a pair. */
static enum ear_sip_rule byte_rule(const char *p)
{
	unsigned char c = (unsigned char)*p;

	if (c == '\n' && p[-1] != '\r')
		return EAR_SIP_RULE_LINE_LF;
	if (c != '\n' && p[-1] == '\r')
		return EAR_SIP_RULE_LINE_CR;
	if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 127)
		return p[-1] == '\\' ? EAR_SIP_RULE_NONE
				     : EAR_SIP_RULE_LINE_CONTROL;
	return EAR_SIP_RULE_NONE;
}

static void look(const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	for (; p < end && !flaw->rule; p++) {
		enum ear_sip_rule rule = byte_rule(p);

		if (rule)
			flaw_at(flaw, p, rule);
	}
}

void ear_sip_check_bytes(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	if (p == end)
		return;
	for (p++; end - p >= 16 && !flaw->rule; p += 16) {
		vec v = load(p), before = load(p - 1);
		mask lf = v == '\n', paired = before == '\r';
		mask odd = (v < ' ') & (v != '\t') & (v != '\r') & ~lf;

		if (any((lf ^ paired) | odd | (mask)(v == 127)))
			look(p, p + 16, flaw);
	}
	look(p, end, flaw);
}
