/* SPDX-License-Identifier: Apache-2.0 */
#include "message/msg.h"

#include "message/facts_sip.h"
#include "proto/text_secret.h"

static const struct ear_slice transports[] = {
	[EAR_TR_UNKNOWN] = EAR_S_INIT(""),
	[EAR_TR_UDP] = EAR_S_INIT("udp"),
	[EAR_TR_TCP] = EAR_S_INIT("tcp"),
	[EAR_TR_TLS] = EAR_S_INIT("tls"),
	[EAR_TR_SCTP] = EAR_S_INIT("sctp"),
	[EAR_TR_WS] = EAR_S_INIT("ws"),
	[EAR_TR_WSS] = EAR_S_INIT("wss"),
	[EAR_TR_SECURE] = EAR_S_INIT("secure"),
};
#define TRANSPORTS (sizeof(transports) / sizeof(transports[0]))

static const struct ear_slice protos[] = {
	[EAR_PROTO_UNKNOWN] = EAR_S_INIT(""),
	[EAR_PROTO_SIP] = EAR_S_INIT("sip"),
	[EAR_PROTO_LOG] = EAR_S_INIT("log"),
	[EAR_PROTO_CONN] = EAR_S_INIT("conn"),
};

static const struct ear_slice kinds[] = {
	[EAR_KIND_UNKNOWN] = EAR_S_INIT(""),
	[EAR_KIND_REQUEST] = EAR_S_INIT("request"),
	[EAR_KIND_REPLY] = EAR_S_INIT("reply"),
	[EAR_KIND_DATA] = EAR_S_INIT("data"),
	[EAR_KIND_EVENT] = EAR_S_INIT("event"),
};

static const struct ear_slice directions[] = {
	[EAR_DIR_UNKNOWN] = EAR_S_INIT(""),
	[EAR_DIR_IN] = EAR_S_INIT("in"),
	[EAR_DIR_OUT] = EAR_S_INIT("out"),
};

/* Numbers come from disk too, so that an unknown one has no name. */
static struct ear_slice name_of(
	const struct ear_slice *names, size_t count, unsigned value)
{
	return value < count ? names[value] : EAR_S("");
}

#define NAME_OF(names, value) \
	name_of(names, sizeof(names) / sizeof(names[0]), (unsigned)(value))

struct ear_slice ear_transport_name(enum ear_transport t)
{
	return NAME_OF(transports, t);
}

enum ear_transport ear_transport_of(struct ear_slice name)
{
	for (unsigned t = 1; t < TRANSPORTS; t++) {
		if (ear_slice_ieq(name, transports[t]))
			return (enum ear_transport)t;
	}
	return EAR_TR_UNKNOWN;
}

struct ear_slice ear_proto_name(enum ear_proto p)
{
	return NAME_OF(protos, p);
}

struct ear_slice ear_kind_name(enum ear_kind k)
{
	return NAME_OF(kinds, k);
}

struct ear_slice ear_direction_name(enum ear_direction d)
{
	return NAME_OF(directions, d);
}

static void look_sip(
	const struct ear_msg *msg, bool judge, struct ear_facts *facts)
{
	struct ear_sip_verdict verdict;
	struct ear_sip_core core;
	struct ear_sip sip;

	/* What is no SIP at all still has its first line and header lines. */
	ear_sip_parse(msg->raw, &sip);
	ear_sip_core(&sip, &core);
	ear_facts_sip(&sip, &core, facts);
	if (!judge)
		return;
	verdict = ear_sip_judge(&sip, &core, ear_facts_sip_how(msg));
	facts->secrets = verdict.secrets;
	facts->malformed |= verdict.malformed;
}

static void examine(
	const struct ear_msg *msg, bool judge, struct ear_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->malformed = (msg->flags & EAR_MSG_MALFORMED) != 0;
	switch (msg->proto) {
	case EAR_PROTO_SIP: look_sip(msg, judge, facts); break;
	case EAR_PROTO_LOG:
		facts->kind = EAR_KIND_EVENT;
		facts->call_id = msg->correlation;
		facts->body = msg->raw;
		facts->secrets =
			judge && ear_text_secrets(msg->raw, NULL, NULL) > 0;
		break;
	default: facts->body = msg->raw;
	}
}

void ear_msg_facts(const struct ear_msg *msg, struct ear_facts *facts)
{
	examine(msg, false, facts);
}

void ear_msg_examine(const struct ear_msg *msg, struct ear_facts *facts)
{
	examine(msg, true, facts);
}
