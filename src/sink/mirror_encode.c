/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message as it leaves: the same times and addresses that it came with,
 * but for those that the options replace.
 */
#include <stdio.h>

#include "message/msg_hep.h"
#include "proto/sip_frame.h"
#include "proto/siptrace.h"
#include "sink/mirror_priv.h"

/* --- addresses -------------------------------------------------------- */

static void swap(const struct mirror *m, struct ear_addr *a)
{
	for (size_t i = 0; i < m->swaps; i++) {
		const struct mirror_swap *s = &m->swap[i];
		uint16_t port = a->port;

		if (!ear_addr_ip_eq(a, &s->from) ||
			(s->from.port && s->from.port != port))
			continue;
		*a = s->to;
		if (!a->port)
			a->port = port;
		return;
	}
}

/* The local side is the source of what went out, else the destination. */
static void replace(const struct mirror *m, uint8_t direction,
	struct ear_addr *src, struct ear_addr *dst)
{
	for (size_t i = 0; m->swaps && i < 2; i++)
		swap(m, i ? dst : src);
	if (!m->local.family)
		return;
	if (direction == EAR_DIR_OUT)
		*src = m->local;
	else if (direction == EAR_DIR_IN)
		*dst = m->local;
}

/* --- loops ------------------------------------------------------------ */

/* How many Earshots it has come through. */
static uint32_t hops_of(struct ear_slice extra)
{
	struct ear_hep_walk walk = {extra, 0};
	struct ear_hep_piece piece;
	uint32_t hops = 0;

	while (ear_hep_next(&walk, &piece)) {
		if (ear_hep_chunk_of(piece.vendor, piece.type) ==
				EAR_HEP_HOPS &&
			piece.value.n == 1)
			hops = (uint8_t)piece.value.p[0];
	}
	return hops;
}

/* Whether it would go back to the very socket that it came from. */
static bool goes_back(struct mirror *m, const struct ear_msg *msg)
{
	bool back;

	if (!msg->via.family || msg->via.port != m->uri.port)
		return false;
	pthread_mutex_lock(&m->lock);
	back = ear_addr_eq(&m->peer, &msg->via);
	pthread_mutex_unlock(&m->lock);
	return back;
}

static bool loops(struct mirror *m, const struct ear_msg *msg, uint32_t hops)
{
	/* Nothing in a duplicate without headers tells how often it went. */
	if (m->uri.sip && !m->xheaders && (msg->flags & EAR_MSG_RELAY))
		return true;
	if (hops >= m->max_hops || hops >= 255 || goes_back(m, msg))
		return true;
	return m->guard && mirror_guard_again(m->guard, msg, m->version == 2);
}

/* --- HEP -------------------------------------------------------------- */

/* What does not go on: our rows' tables, and what is written anew. */
static bool is_left_out(const struct ear_hep_piece *piece, bool marks)
{
	switch (ear_hep_chunk_of(piece->vendor, piece->type)) {
	case EAR_HEP_TABLE:
	case EAR_HEP_HOPS:
	case EAR_HEP_MAPPED:
	case EAR_HEP_KEEPALIVE: return true;
	case EAR_HEP_TRACE:
	case EAR_HEP_TRACED_USER: return marks;
	default: return false;
	}
}

static struct ear_slice extra_of(struct mirror *m, struct ear_slice extra,
	const struct ear_marks *marks, uint32_t hops)
{
	struct ear_hep_walk walk = {extra, 0};
	struct ear_hep_piece piece;
	const char hop = (char)hops;

	ear_buf_reset(&m->extra);
	while (ear_hep_next(&walk, &piece)) {
		if (!is_left_out(&piece, marks != NULL))
			ear_buf_slice(&m->extra, piece.whole);
	}
	if (marks && (marks->users.n || marks->traces.n)) {
		struct ear_marks go = {
			.users = marks->users, .traces = marks->traces};

		ear_marks_write(&go, &m->extra);
	}
	ear_hep_write_chunk(&m->extra, EAR_HEP_HOPS, ear_slice(&hop, 1));
	return ear_buf_view(&m->extra);
}

static struct ear_slice correlation_of(struct mirror *m,
	const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_slice otherwise)
{
	if (!m->correlation)
		return otherwise;
	ear_buf_reset(&m->text);
	ear_template_fill(m->correlation, msg, facts, &m->text);
	return m->text.n ? ear_slice_sub(ear_buf_view(&m->text), 0, 1024)
			 : otherwise;
}

static uint8_t legacy(const struct mirror *m, const struct ear_hep_out *hep,
	uint8_t transport)
{
	bool secure = transport == EAR_TR_TLS || transport == EAR_TR_WS ||
		      transport == EAR_TR_WSS;

	return m->legacy_tls && secure ? 22 : hep->ip_proto;
}

/* What was cut is told in the same conversation. */
static enum ear_err tell_cut(const struct ear_hep_out *hep, struct ear_buf *out)
{
	struct ear_hep_out log = *hep;
	char text[120];
	enum ear_err err;

	snprintf(text, sizeof(text),
		"a message of %zu bytes was cut: HEP takes no more than %zu "
		"with its envelope",
		hep->payload.n, hep->max);
	log.payload_type = EAR_HEP_TYPE_LOG;
	log.payload = ear_slice_str(text);
	err = ear_hep_write(&log, out);
	return err ? err : EAR_LIMIT;
}

static enum ear_err encode_hep(struct mirror *m, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks,
	uint32_t hops, struct ear_buf *out)
{
	struct ear_hep_out hep;
	struct ear_msg local;
	size_t from = out->n;
	enum ear_err err;

	if (m->version < 3 && msg->proto == EAR_PROTO_LOG)
		return EAR_UNSUPPORTED;
	if (m->local_transport && msg->direction == EAR_DIR_OUT) {
		local = *msg;
		local.transport = m->local_transport;
		msg = &local;
	}
	ear_msg_to_hep(msg, facts, &hep);
	hep.payload = ear_msg_bare(msg, &m->bare);
	hep.version = m->version;
	replace(m, msg->direction, &hep.src, &hep.dst);
	hep.ip_proto = legacy(m, &hep, msg->transport);
	hep.capture_id = m->capture_id     ? m->capture_id
			 : msg->capture_id ? msg->capture_id
					   : 1;
	if (m->version == 3) {
		hep.max = m->uri.carrier == EAR_CARRY_UDP ? EAR_WIRE_DATAGRAM
							  : EAR_HEP_MAX;
		hep.key = ear_slice_str(m->key);
		if (*m->node)
			hep.node = ear_slice_str(m->node);
		hep.correlation =
			correlation_of(m, msg, facts, hep.correlation);
		hep.extra = extra_of(m, msg->extra, marks, hops + 1);
	}
	err = ear_hep_write(&hep, out);
	if (err == EAR_LIMIT)
		err = tell_cut(&hep, out);
	if (m->version < 3 && out->n - from > EAR_WIRE_DATAGRAM)
		err = EAR_USAGE;
	if (err && err != EAR_LIMIT)
		out->n = from;
	return err;
}

/* --- SIP -------------------------------------------------------------- */

/* On a stream the message's own Content-Length must tell its end. */
static bool goes(const struct mirror *m, struct ear_slice sip)
{
	struct ear_sip_frame frame = {0};

	if (m->uri.carrier == EAR_CARRY_UDP)
		return sip.n <= EAR_WIRE_DATAGRAM;
	return sip.n <= MIRROR_RECORD_MAX &&
	       ear_sip_frame(sip, &frame) == EAR_OK &&
	       frame.idle + frame.n == sip.n;
}

static struct ear_slice transport_word(const struct mirror *m,
	const struct ear_msg *msg, enum ear_direction side)
{
	if (m->local.family && m->local_transport && msg->direction == side)
		return ear_transport_name(m->local_transport);
	/* 22 says tls, ws or wss; Kamailio knows no word for that */
	if (msg->transport == EAR_TR_SECURE)
		return EAR_S("tls");
	return ear_transport_name(msg->transport);
}

static enum ear_err encode_sip(struct mirror *m, const struct ear_msg *msg,
	const struct ear_facts *facts, uint32_t hops, struct ear_buf *out)
{
	struct ear_siptrace_out fields = {
		.transport_from = transport_word(m, msg, EAR_DIR_OUT),
		.transport_to = transport_word(m, msg, EAR_DIR_IN),
		.src = msg->src,
		.dst = msg->dst,
		.at_ns = msg->at_ns,
		.method = facts->method,
		.direction = ear_direction_name(msg->direction),
		.hops = hops + 1,
	};
	size_t from = out->n;
	enum ear_err err;

	if (msg->proto != EAR_PROTO_SIP)
		return EAR_UNSUPPORTED;
	replace(m, msg->direction, &fields.src, &fields.dst);
	err = ear_siptrace_write(msg->raw, m->xheaders ? &fields : NULL, out);
	if (err == EAR_BAD)
		err = EAR_USAGE;
	if (!err && !goes(m, ear_slice(out->p + from, out->n - from)))
		err = EAR_USAGE;
	if (err)
		out->n = from;
	return err;
}

enum ear_err mirror_encode(struct ear_sink *sink, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks,
	struct ear_buf *out)
{
	struct mirror *m = (struct mirror *)sink;
	uint32_t hops = hops_of(msg->extra);

	if (loops(m, msg, hops))
		return EAR_USAGE;
	return m->uri.sip ? encode_sip(m, msg, facts, hops, out)
			  : encode_hep(m, msg, facts, marks, hops, out);
}
