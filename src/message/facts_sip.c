/* SPDX-License-Identifier: Apache-2.0 */
#include "message/facts_sip.h"

#include "proto/sip_auth.h"
#include "proto/sip_body.h"

static void first_line(const struct ear_sip *sip,
	const struct ear_sip_core *core, struct ear_facts *facts)
{
	if (sip->request) {
		facts->kind = EAR_KIND_REQUEST;
		facts->method = sip->method;
		facts->ruri = sip->ruri;
		facts->ruri_user = core->ruri.user;
	} else if (sip->reply) {
		facts->kind = EAR_KIND_REPLY;
		facts->method = core->cseq_method;
		facts->status = sip->status;
		facts->reason = sip->reason;
	}
}

static void parties(const struct ear_sip_core *core, struct ear_facts *facts)
{
	facts->from_user = core->from.uri.user;
	facts->from_host = core->from.uri.host;
	facts->from_name = core->from.name;
	facts->from_tag = core->from.tag;
	facts->from_uri = core->from.spec;
	facts->to_user = core->to.uri.user;
	facts->to_host = core->to.uri.host;
	facts->to_name = core->to.name;
	facts->to_tag = core->to.tag;
	facts->to_uri = core->to.spec;
}

/* The proxy's credentials are asked for only when there are no others. */
static struct ear_slice auth_user(const struct ear_sip *sip)
{
	struct ear_slice user = ear_sip_auth_param(
		ear_sip_value(sip, EAR_SIP_AUTHORIZATION), EAR_S("username"));

	if (user.n)
		return user;
	return ear_sip_auth_param(
		ear_sip_value(sip, EAR_SIP_PROXY_AUTHORIZATION),
		EAR_S("username"));
}

static struct ear_slice first_contact(const struct ear_sip *sip)
{
	struct ear_slice list = ear_sip_value(sip, EAR_SIP_CONTACT),
			 rest = list;
	struct ear_sip_addr addr;

	if (list.n == 0 || !memchr(list.p, ',', list.n))
		return list;
	ear_sip_addr_next(&rest, &addr);
	if (rest.n == 0)
		return list;
	return ear_slice(list.p, (size_t)(rest.p - 1 - list.p));
}

static struct ear_span span_of(
	const struct ear_sip *sip, struct ear_slice value)
{
	return (struct ear_span){
		(uint32_t)(value.p - sip->raw.p), (uint32_t)value.n};
}

static void add_contacts(const struct ear_sip *sip, struct ear_slice value,
	struct ear_facts_register *reg)
{
	if (reg->contacts.n)
		reg->more = true;
	else
		reg->contacts = span_of(sip, value);
}

static void registration(
	const struct ear_sip *sip, struct ear_facts_register *reg)
{
	reg->more = sip->more != NULL;
	reg->ended = sip->ended;
	for (uint32_t i = 0; i < sip->count; i++) {
		struct ear_slice value = sip->header[i].value;

		switch (sip->header[i].id) {
		case EAR_SIP_VIA:
			reg->via = span_of(sip, value);
			reg->vias = (uint8_t)(reg->vias + (reg->vias < 255));
			reg->more |= memchr(value.p, ',', value.n) != NULL;
			break;
		case EAR_SIP_CONTACT: add_contacts(sip, value, reg); break;
		case EAR_SIP_EXPIRES: reg->expires = span_of(sip, value); break;
		case EAR_SIP_PATH: reg->more = true; break;
		default: break;
		}
	}
}

void ear_facts_sip(const struct ear_sip *sip, const struct ear_sip_core *core,
	struct ear_facts *facts)
{
	first_line(sip, core, facts);
	parties(core, facts);
	facts->call_id = core->call_id;
	facts->cseq = core->cseq;
	facts->cseq_method = core->cseq_method;
	facts->branch = core->via.branch;
	if (ear_slice_eq(core->cseq_method, EAR_S("REGISTER")))
		registration(sip, &facts->reg);
	facts->auth_user = auth_user(sip);
	facts->contact = first_contact(sip);
	facts->user_agent = ear_sip_value(sip, EAR_SIP_USER_AGENT);
	if (!facts->user_agent.n)
		facts->user_agent = ear_sip_value(sip, EAR_SIP_SERVER);
	facts->body = sip->body;
	facts->content_type = ear_sip_value(sip, EAR_SIP_CONTENT_TYPE);
	if (facts->body.n)
		facts->sdp = ear_sip_find_body(facts->content_type, facts->body,
				     EAR_S("application/sdp"))
				     .n > 0;
}

/*
 * WebSocket frames carry whole messages, which need no Content-Length
 * (RFC 7118 s5); of "secure" it is not known which it was.
 */
unsigned ear_facts_sip_how(const struct ear_msg *msg)
{
	return msg->transport == EAR_TR_TCP || msg->transport == EAR_TR_TLS
		       ? EAR_SIP_STREAM
		       : EAR_SIP_DATAGRAM;
}
