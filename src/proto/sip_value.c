/* SPDX-License-Identifier: Apache-2.0 */
/* Small values: parameters and CSeq. */
#include "proto/sip_lex.h"

bool ear_sip_param_next(struct ear_slice *params, struct ear_slice *name,
	struct ear_slice *value)
{
	struct ear_sip_flaw flaw = {0};
	const char *p = params->p, *end, *from;

	*value = *name = (struct ear_slice){0};
	if (params->n == 0)
		return false;
	end = p + params->n;
	while (p < end && (*p == ';' || is(*p, C_LWS)))
		p++;
	from = p;
	while (p < end && *p != ';' && *p != '=')
		p++;
	*name = ear_slice_trim(span(from, p));
	if (p < end && *p == '=') {
		from = p = skip(p + 1, end, C_LWS);
		if (p < end && *p == '"')
			p = ear_sip_quoted(p, end, value, &flaw);
		while (p < end && *p != ';')
			p++;
		if (!value->p)
			*value = ear_slice_trim(span(from, p));
	}
	*params = span(p, end);
	return name->n || value->n || p < end;
}

struct ear_slice ear_sip_param_of(
	struct ear_slice params, struct ear_slice name)
{
	struct ear_slice n, value;

	while (ear_sip_param_next(&params, &n, &value)) {
		if (ear_slice_ieq(n, name))
			return value;
	}
	return (struct ear_slice){0};
}

const char *ear_sip_number(const char *p, const char *end, uint64_t *number)
{
	uint64_t v = 0;

	/* Above 48 bits it only matters that it is large. */
	for (; p < end && is(*p, C_DIGIT); p++) {
		if (v < 1ULL << 48)
			v = v * 10 + (uint64_t)(*p - '0');
	}
	*number = v;
	return p;
}

/* CSeq = 1*DIGIT LWS Method */
void ear_sip_cseq_scan(struct ear_slice value, uint32_t *number,
	struct ear_slice *method, struct ear_sip_flaw *flaw)
{
	const char *p = value.p, *end = p + value.n, *from = p;
	uint64_t v;

	p = ear_sip_number(p, end, &v);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_CSEQ);
	else if (v > INT32_MAX)
		flaw_at(flaw, from, EAR_SIP_RULE_CSEQ_NUMBER);
	*number = v > UINT32_MAX ? 0 : (uint32_t)v;
	from = p;
	p = skip(p, end, C_LWS);
	if (p == from)
		flaw_at(flaw, p, EAR_SIP_RULE_CSEQ);
	from = p;
	p = skip(p, end, C_TOKEN);
	*method = span(from, p);
	if (p == from || p != end)
		flaw_at(flaw, p, EAR_SIP_RULE_CSEQ);
}

enum ear_err ear_sip_cseq(
	struct ear_slice value, uint32_t *number, struct ear_slice *method)
{
	struct ear_sip_flaw flaw = {0};

	if (!value.p)
		value = EAR_S("");
	ear_sip_cseq_scan(value, number, method, &flaw);
	return flaw.rule ? EAR_BAD : EAR_OK;
}
