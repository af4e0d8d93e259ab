/* SPDX-License-Identifier: Apache-2.0 */
/* HEP packets: the envelope opened, what is no message counted by kind. */
#include "message/conn.h"
#include "message/msg_hep.h"
#include "proto/hep_write.h"
#include "tap/decode_priv.h"
#include "tap/sort.h"

/* The payload, opened where it is compressed. */
static struct ear_slice open_payload(
	struct decode_job *job, struct ear_hep *hep)
{
	struct ear_slice in = hep->packed;
	size_t at = (size_t)(in.p - hep->packet.p);
	size_t used, n;
	enum ear_err err;

	if (!in.n)
		return hep->payload;
	err = decode_unzip(job, in, job->d->payload, &used, &n);
	if (err == EAR_LIMIT)
		ear_hep_note(hep, EAR_HEP_RULE_PACKED_LIMIT, at, n, 0);
	else if (err && !n)
		ear_hep_note(hep, EAR_HEP_RULE_PACKED_BAD, at, 0, 0);
	else if (err)
		ear_hep_note(hep, EAR_HEP_RULE_PACKED_CUT, at, n, 0);
	else if (used < in.n)
		ear_hep_note(hep, EAR_HEP_RULE_PACKED_TRAILING, at + used,
			in.n - used, 0);
	return n ? ear_slice(job->d->payload, n) : in;
}

/* Chunks without a field of their own, and what followed the packet. */
static struct ear_slice extra_of(
	struct decode_job *job, struct ear_hep *hep, struct ear_slice trailing)
{
	struct ear_buf *room = &job->d->extra;
	struct ear_slice extra = ear_hep_extra(hep, room);

	if (!trailing.n)
		return extra;
	ear_hep_note(hep, EAR_HEP_RULE_TRAILING, hep->packet.n, trailing.n, 0);
	if (!room->n)
		ear_buf_slice(room, extra);
	ear_hep_write_chunk(room, EAR_HEP_TRAILING,
		ear_slice_sub(trailing, 0, EAR_HEP_MAX - EAR_HEP_CHUNK_HEAD));
	return room->err ? (struct ear_slice){0} : ear_buf_view(room);
}

/* Findings of a capture: lines of text that stay lines of text. */
static void copy_notes(struct decode_job *job, struct ear_slice notes)
{
	struct ear_buf *out = &job->d->notes;

	notes = ear_slice_trim(ear_slice_sub(notes, 0, DECODE_NOTES / 2));
	for (size_t i = 0; i < notes.n; i++) {
		uint8_t c = (uint8_t)notes.p[i];

		ear_buf_byte(
			out, (c < 0x20 && c != '\n') || c == 0x7f ? '?' : c);
	}
	if (notes.n)
		ear_buf_byte(out, '\n');
}

/* Offsets of notes are into raw, which has no place for an envelope: 0. */
static void write_notes(struct decode_job *job, const struct ear_hep *hep)
{
	copy_notes(job, ear_hep_value(hep, EAR_HEP_NOTE));
	for (int i = 0; i < hep->notes; i++) {
		ear_buf_printf(&job->d->notes, "0 %s ",
			ear_hep_rule_id(hep->note[i].rule));
		ear_hep_note_words(&hep->note[i], &job->d->notes);
		ear_buf_byte(&job->d->notes, '\n');
	}
}

/*
 * HEP has no direction. Where the agent is one of the two ends, it sent or
 * received: so says its address.
 */
static uint8_t direction_by_agent(const struct ear_msg *msg)
{
	bool from = ear_addr_ip_eq(&msg->src, &msg->via);
	bool to = ear_addr_ip_eq(&msg->dst, &msg->via);

	if (msg->direction || from == to)
		return msg->direction;
	return from ? EAR_DIR_OUT : EAR_DIR_IN;
}

static void emit_hep(
	struct decode_job *job, struct ear_hep *hep, struct ear_msg *msg)
{
	struct ear_slice raw = msg->raw, extra = msg->extra;

	ear_msg_from_hep(hep, msg);
	msg->direction = direction_by_agent(msg);
	/* opened and gathered, where the packet has them in no one piece */
	msg->raw = raw;
	msg->extra = extra;
	write_notes(job, hep);
	decode_emit(job, msg);
}

/* False when it was counted as no message. */
static bool is_sip(
	struct decode_job *job, struct ear_hep *hep, struct ear_slice raw)
{
	switch (ear_sort(raw)) {
	case EAR_SORT_SIP: return true;
	case EAR_SORT_KEEPALIVE:
		decode_count(job, EAR_N_KEEPALIVE);
		return false;
	case EAR_SORT_RTP: decode_count(job, EAR_N_RTP); return false;
	default:
		/* Said to be SIP: kept, it may be what people look for. */
		if (hep->payload_type == EAR_HEP_TYPE_SIP) {
			ear_hep_note(hep, EAR_HEP_RULE_NOT_SIP, 0, 0, 0);
			return true;
		}
		decode_count(job, EAR_N_OTHER);
		return false;
	}
}

static void take_payload(
	struct decode_job *job, struct ear_hep *hep, struct ear_slice trailing)
{
	struct ear_msg msg = decode_begin(job);

	switch (hep->payload_type) {
	case 0: /* not given */
	case EAR_HEP_TYPE_SIP:
		msg.raw = open_payload(job, hep);
		if (!is_sip(job, hep, msg.raw))
			return;
		break;
	case EAR_HEP_TYPE_LOG: msg.raw = open_payload(job, hep); break;
	default: decode_count(job, EAR_N_OTHER); return;
	}
	msg.extra = extra_of(job, hep, trailing);
	emit_hep(job, hep, &msg);
}

/*
 * What a capture saw of a connection. A capture of ours counts it in no unit;
 * in a unit of somebody else's it is something beside messages.
 */
static void take_connection(struct decode_job *job, const struct ear_hep *hep)
{
	struct ear_slice event = ear_hep_value(hep, EAR_HEP_CONNECTION);
	struct ear_conn_event read;
	struct ear_msg msg;

	if (ear_conn_read(event, &read)) {
		decode_junk(job, "a connection event that cannot be read");
		return;
	}
	msg = decode_begin(job);
	ear_msg_from_hep(hep, &msg);
	msg.proto = EAR_PROTO_CONN;
	msg.raw = event;
	copy_notes(job, ear_hep_value(hep, EAR_HEP_NOTE));
	if (!job->d->notes.err)
		msg.note = ear_buf_view(&job->d->notes);
	if (!msg.at_ns) {
		msg.at_ns = job->unit->seen_ns;
		msg.flags |= EAR_MSG_ARRIVAL;
	}
	if (job->unit->units)
		decode_count(job, EAR_N_OTHER);
	job->fn(&msg, job->arg);
}

static void take_no_payload(struct decode_job *job, const struct ear_hep *hep)
{
	if (hep->packet.n == EAR_HEP_HEAD || hep->chunk[EAR_HEP_KEEPALIVE].at)
		decode_count(job, EAR_N_KEEPALIVE);
	else
		decode_junk(job, "a HEP packet without payload");
}

/*
 * One packet; what follows it is given back. A following packet is not
 * trailing; HEP 1 and 2 have no end but that of their datagram.
 */
static struct ear_slice take_hep(struct decode_job *job, struct ear_slice bytes)
{
	struct ear_slice rest = {0}, trailing = {0};
	struct ear_hep hep;

	if (ear_hep_read(bytes, job->unit->seen_ns, &hep)) {
		decode_junk(job, "a HEP header that is cut short");
		return rest;
	}
	rest = ear_slice_sub(bytes, hep.packet.n, bytes.n);
	if (ear_hep_version(rest) != 3) {
		trailing = rest;
		rest = (struct ear_slice){0};
	}
	if (!decode_key_fits(job, ear_hep_value(&hep, EAR_HEP_KEY)))
		return rest;
	if (hep.chunk[EAR_HEP_CONNECTION].at)
		take_connection(job, &hep);
	else if (hep.flags & EAR_HEP_HAS_PAYLOAD)
		take_payload(job, &hep, trailing);
	else
		take_no_payload(job, &hep);
	return rest;
}

void decode_hep(struct decode_job *job, struct ear_slice bytes)
{
	while (bytes.n)
		bytes = take_hep(job, bytes);
}
