/* SPDX-License-Identifier: Apache-2.0 */
#include "message/msg_hep.h"

#include "proto/siptrace.h"

/* --- out -------------------------------------------------------------- */

/* What HEP calls "tls" (22) is kept where nobody knows better. */
static uint8_t ip_proto_of(const struct ear_msg *msg)
{
	switch (msg->transport) {
	case EAR_TR_UDP: return IPPROTO_UDP;
	case EAR_TR_TCP:
	case EAR_TR_TLS:
	case EAR_TR_WS:
	case EAR_TR_WSS: return IPPROTO_TCP;
	case EAR_TR_SCTP: return IPPROTO_SCTP;
	case EAR_TR_SECURE: return 22;
	default: return msg->ip_proto;
	}
}

/* The IP protocol says the others; 22 is read back as "secure". */
static struct ear_slice transport_word(const struct ear_msg *msg)
{
	switch (msg->transport) {
	case EAR_TR_TLS:
	case EAR_TR_WS:
	case EAR_TR_WSS: return ear_transport_name(msg->transport);
	default: return (struct ear_slice){0};
	}
}

void ear_msg_to_hep(const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_hep_out *out)
{
	*out = (struct ear_hep_out){
		.version = 3,
		.ip_proto = ip_proto_of(msg),
		.payload_type = msg->proto == EAR_PROTO_LOG ? EAR_HEP_TYPE_LOG
							    : EAR_HEP_TYPE_SIP,
		.capture_id = msg->capture_id,
		.at_ns = msg->at_ns,
		.src = msg->src,
		.dst = msg->dst,
		.payload = msg->raw,
		.correlation =
			msg->correlation.n ? msg->correlation : facts->call_id,
		.node = msg->node,
		.transport = transport_word(msg),
		.direction = msg->direction ? ear_direction_name(msg->direction)
					    : (struct ear_slice){0},
		.extra = msg->extra,
	};
}

struct ear_slice ear_msg_bare(const struct ear_msg *msg, struct ear_buf *room)
{
	if (!(msg->flags & EAR_MSG_XHEADERS))
		return msg->raw;
	ear_buf_reset(room);
	if (ear_siptrace_write(msg->raw, NULL, room))
		return msg->raw;
	return ear_buf_view(room);
}

/* --- in --------------------------------------------------------------- */

/* Kamailio sends tls, ws and wss all as 22; others send the real one. */
static uint8_t transport_of(const struct ear_hep *hep)
{
	enum ear_transport ours =
		ear_transport_of(ear_hep_value(hep, EAR_HEP_TRANSPORT));

	if (ours != EAR_TR_UNKNOWN)
		return (uint8_t)ours;
	switch (hep->ip_proto) {
	case IPPROTO_UDP: return EAR_TR_UDP;
	case IPPROTO_TCP: return EAR_TR_TCP;
	case IPPROTO_SCTP: return EAR_TR_SCTP;
	case 22: return EAR_TR_SECURE;
	default: return EAR_TR_UNKNOWN;
	}
}

static uint8_t direction_of(const struct ear_hep *hep)
{
	struct ear_slice d = ear_hep_value(hep, EAR_HEP_DIRECTION);

	if (ear_slice_eq(d, EAR_S("in")))
		return EAR_DIR_IN;
	return ear_slice_eq(d, EAR_S("out")) ? EAR_DIR_OUT : EAR_DIR_UNKNOWN;
}

static uint8_t proto_of(const struct ear_hep *hep)
{
	switch (hep->payload_type) {
	case 0: /* not given */
	case EAR_HEP_TYPE_SIP: return EAR_PROTO_SIP;
	case EAR_HEP_TYPE_LOG: return EAR_PROTO_LOG;
	default: return EAR_PROTO_UNKNOWN;
	}
}

void ear_msg_from_hep(const struct ear_hep *hep, struct ear_msg *msg)
{
	msg->src = hep->src;
	msg->dst = hep->dst;
	msg->at_ns = hep->at_ns;
	msg->capture_id = hep->capture_id;
	msg->ip_proto = hep->ip_proto;
	msg->proto = proto_of(hep);
	msg->transport = transport_of(hep);
	msg->direction = direction_of(hep);
	msg->node = ear_hep_value(hep, EAR_HEP_NODE);
	msg->correlation = ear_hep_value(hep, EAR_HEP_CORRELATION);
	if (hep->payload.n)
		msg->raw = hep->payload;
	if (hep->extra.n == hep->extra_bytes)
		msg->extra = hep->extra;
	if (hep->notes)
		msg->flags |= EAR_MSG_ENVELOPE;
	if (hep->flags & EAR_HEP_MALFORMED)
		msg->flags |= EAR_MSG_MALFORMED;
	if (hep->flags & EAR_HEP_TRUNCATED)
		msg->flags |= EAR_MSG_TRUNCATED;
}
