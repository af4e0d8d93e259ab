/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip_check.h"
#include "proto/sip_lex.h"

/* What breaks a URI often has a better name when it is the Request-URI. */
static void read_ruri(struct ear_slice ruri, struct ear_sip_core *core)
{
	struct ear_sip_flaw *flaw = &core->ruri_flaw;
	const char *p = ruri.p, *end = p + ruri.n;

	if (*p == '<') {
		flaw_at(flaw, p, EAR_SIP_RULE_RURI_BRACKET);
		p++;
		if (end > p && end[-1] == '>')
			end--;
	}
	ear_sip_uri(p, end, &core->ruri, flaw);
	if (flaw->rule && flaw->at < end && is(*flaw->at, C_LWS))
		flaw->rule = EAR_SIP_RULE_RURI_SPACE;
	if (core->ruri.headers.p)
		flaw_at(flaw, core->ruri.headers.p - 1,
			EAR_SIP_RULE_RURI_HEADERS);
}

static void read_addr(const struct ear_sip *sip, enum ear_sip_id id,
	struct ear_sip_addr *addr, struct ear_sip_flaw *flaw)
{
	struct ear_slice value = ear_sip_value(sip, id);
	const char *end, *p;

	if (!value.p)
		return;
	end = value.p + value.n;
	p = ear_sip_addr(value.p, end, addr, flaw);
	if (p != end)
		flaw_at(flaw, p, EAR_SIP_RULE_AFTER);
}

void ear_sip_core(const struct ear_sip *sip, struct ear_sip_core *core)
{
	struct ear_slice value;

	clear(core, sizeof(*core));
	if (sip->ruri.n)
		read_ruri(sip->ruri, core);
	read_addr(sip, EAR_SIP_FROM, &core->from, &core->from_flaw);
	read_addr(sip, EAR_SIP_TO, &core->to, &core->to_flaw);
	value = ear_sip_value(sip, EAR_SIP_VIA);
	if (value.p)
		core->via_end = ear_sip_via(value.p, value.p + value.n,
			&core->via, &core->via_flaw);
	value = ear_sip_value(sip, EAR_SIP_CSEQ);
	if (value.p)
		ear_sip_cseq_scan(value, &core->cseq, &core->cseq_method,
			&core->cseq_flaw);
	core->call_id = ear_sip_value(sip, EAR_SIP_CALL_ID);
}
