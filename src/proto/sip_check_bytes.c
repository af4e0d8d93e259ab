/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_check_priv.h"
#include "proto/vec.h"

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

/* Set where something may be wrong in the 16 bytes at p. */
static inline vec_mask odd(const char *p)
{
	vec v = vec_load(p);
	vec_mask lf = v == '\n', paired = vec_load(p - 1) == '\r';
	vec_mask plain = (v == '\t') | (v == '\r') | lf;

	return (lf ^ paired) | ((vec_mask)(v < ' ') & ~plain) |
	       (vec_mask)(v == 127);
}

#define STEP (4 * VEC_BYTES) /* one branch for four vectors */

void ear_sip_check_bytes(
	const char *p, const char *end, struct ear_sip_flaw *flaw)
{
	if (end - p <= VEC_BYTES) {
		look(p == end ? p : p + 1, end, flaw);
		return;
	}
	for (p++; end - p >= STEP && !flaw->rule; p += STEP) {
		if (vec_any(odd(p) | odd(p + VEC_BYTES) |
			    odd(p + 2 * VEC_BYTES) | odd(p + 3 * VEC_BYTES)))
			look(p, p + STEP, flaw);
	}
	for (; end - p >= VEC_BYTES && !flaw->rule; p += VEC_BYTES) {
		if (vec_any(odd(p)))
			look(p, p + VEC_BYTES, flaw);
	}
	/* The rest is the end of 16 bytes that were half looked at. */
	if (p < end && !flaw->rule && vec_any(odd(end - VEC_BYTES)))
		look(p, end, flaw);
}
