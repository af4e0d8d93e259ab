/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/decode.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/log.h"
#include "message/conn.h"
#include "message/msg_hep.h"
#include "proto/hep_write.h"
#include "proto/hep_zip.h"
#include "tap/siptrace.h"
#include "tap/sort.h"

/*
 * Most bytes that something compressed may open into: a HEP packet has at most
 * 64 KiB, a compressed payload may hold more than one could.
 */
#define ROOM (256u << 10)

/*
 * SIP text shrinks to a tenth. Beyond this, of all that one unit holds,
 * somebody wants to fill disks: what is compressed then stays so.
 */
#define BOMB_RATIO 64
#define BOMB_FREE (1u << 20)

/* A note is one line of about 100 bytes, and a packet has 8. */
#define NOTES_ROOM 4096

struct ear_decoder {
	struct ear_hep_zip *zip;
	char *packet;         /* ROOM bytes: what a gzip member held */
	char *payload;        /* ROOM bytes: what chunk 0x10 held */
	struct ear_buf extra; /* gathered chunks of one message */
	struct ear_buf notes; /* notes of one message */
};

/* One call of ear_decode(). */
struct job {
	struct ear_decoder *d;
	const struct ear_unit *unit;
	struct ear_slice tap;
	struct ear_slice key;
	struct ear_tally *tally;
	ear_msg_fn fn;
	void *arg;
	uint32_t ended;  /* units that have come to their end */
	uint64_t opened; /* bytes that compressed ones may still open into */
};

enum ear_err ear_decoder_new(struct ear_decoder **out)
{
	struct ear_decoder *d = calloc(1, sizeof(*d));

	*out = NULL;
	if (!d)
		return EAR_NOMEM;
	d->packet = malloc(ROOM);
	d->payload = malloc(ROOM);
	d->extra.max = 2 * ROOM;
	d->notes.max = NOTES_ROOM;
	if (!d->packet || !d->payload || ear_hep_zip_new(&d->zip)) {
		ear_decoder_free(&d);
		return EAR_NOMEM;
	}
	*out = d;
	return EAR_OK;
}

void ear_decoder_free(struct ear_decoder **decoder)
{
	struct ear_decoder *d = *decoder;

	if (!d)
		return;
	ear_hep_zip_free(&d->zip);
	ear_buf_fini(&d->extra);
	ear_buf_fini(&d->notes);
	free(d->packet);
	free(d->payload);
	free(d);
	*decoder = NULL;
}

/*
 * One more unit comes to its end. RECEIVED goes first, so that no reader of
 * the ledger sees more ends than beginnings.
 */
static void one_more(struct job *job)
{
	if (job->ended == job->unit->units)
		ear_tally_add(
			job->tally, EAR_N_RECEIVED, 1, job->unit->seen_ns);
	else
		job->ended++;
}

static void count(struct job *job, enum ear_count what)
{
	one_more(job);
	ear_tally_add(job->tally, what, 1, job->unit->seen_ns);
}

static void emit(struct job *job, struct ear_msg *msg)
{
	if (!msg->at_ns) {
		msg->at_ns = job->unit->seen_ns;
		msg->flags |= EAR_MSG_ARRIVAL;
	}
	if (job->unit->flags & EAR_UNIT_TRUNCATED)
		msg->flags |= EAR_MSG_TRUNCATED;
	if (!job->d->notes.err)
		msg->note = ear_buf_view(&job->d->notes);
	one_more(job);
	job->fn(msg, job->arg);
}

static void say(struct job *job, struct ear_log_gate *gate, const char *event,
	const char *why)
{
	char from[EAR_ADDR_TEXT];
	uint64_t skipped;

	if (!ear_log_every(gate, &skipped))
		return;
	ear_addr_text(&job->unit->from, from);
	ear_log(EAR_NOTICE, event, "tap", EAR_LB(job->tap), "source",
		EAR_LS(from), "reason", EAR_LS(why), "skipped", EAR_LU(skipped),
		NULL);
}

static void junk(struct job *job, const char *why)
{
	static struct ear_log_gate gate;

	say(job, &gate, "tap.junk", why);
	count(job, EAR_N_JUNK);
}

static void refuse_protobuf(struct job *job)
{
	static struct ear_log_gate gate;

	say(job, &gate, "tap.refused",
		"a protobuf frame; let the agent send HEP 3 instead");
	count(job, EAR_N_REFUSED);
}

/* Exactly the key that is asked for, in a time that tells nothing of it. */
static bool key_fits(struct job *job, struct ear_slice key)
{
	static struct ear_log_gate gate;

	if (!job->key.n)
		return true;
	if (key.n == job->key.n && !sodium_memcmp(key.p, job->key.p, key.n))
		return true;
	say(job, &gate, "tap.badkey",
		key.n ? "the HEP authentication key is wrong"
		      : "no HEP authentication key");
	count(job, EAR_N_BADKEY);
	return false;
}

static struct ear_msg begin(struct job *job)
{
	ear_buf_reset(&job->d->extra);
	ear_buf_reset(&job->d->notes);
	return (struct ear_msg){
		.seen_ns = job->unit->seen_ns,
		.via = job->unit->from,
		.tap = job->tap,
	};
}

/* --- a SIP message as it is ------------------------------------------- */

/*
 * How often it was handed on goes with it, as with HEP. That several hops wrote
 * is told: a sender of SIP could have written the first fields itself.
 */
static void take_hops(
	struct job *job, const struct ear_siptrace *trace, struct ear_msg *msg)
{
	const char hops = (char)trace->hops;
	char last[EAR_ADDR_TEXT];

	ear_hep_write_chunk(&job->d->extra, EAR_HEP_HOPS, ear_slice(&hops, 1));
	if (!job->d->extra.err)
		msg->extra = ear_buf_view(&job->d->extra);
	if (!trace->last_src.family)
		return;
	ear_addr_text(&trace->last_src, last);
	ear_buf_printf(&job->d->notes,
		"%zu siptrace.hops several servers wrote X-Siptrace fields, "
		"the last of what came from %s; the first ones count\n",
		trace->at, last);
}

static void take_sip(struct job *job, struct ear_slice sip)
{
	struct ear_siptrace trace;
	struct ear_msg msg;

	if (!key_fits(job, (struct ear_slice){0}))
		return;
	msg = begin(job);
	msg.proto = EAR_PROTO_SIP;
	msg.raw = sip;
	msg.transport = job->unit->transport;
	if (ear_siptrace_read(sip, &trace)) {
		msg.flags |= EAR_MSG_XHEADERS;
		msg.src = trace.src;
		msg.dst = trace.dst;
		msg.at_ns = trace.at_ns;
		msg.transport = trace.transport;
		msg.direction = trace.direction;
		if (trace.bad) {
			ear_buf_printf(&job->d->notes,
				"%zu siptrace.header %s cannot be read\n",
				trace.at, trace.bad);
			msg.flags |= EAR_MSG_ENVELOPE;
		}
		take_hops(job, &trace, &msg);
	} else {
		msg.src = job->unit->from;
		msg.flags |= EAR_MSG_RELAY;
	}
	emit(job, &msg);
}

/* --- HEP -------------------------------------------------------------- */

/* Decompress into ROOM bytes at out, as far as the unit may open. */
static enum ear_err unzip(struct job *job, struct ear_slice in, char *out,
	size_t *used, size_t *n)
{
	size_t room = job->opened < ROOM ? (size_t)job->opened : ROOM;
	enum ear_err err;

	*used = *n = 0;
	if (!room)
		return EAR_LIMIT;
	err = ear_hep_unzip(job->d->zip, in, out, room, used, n);
	job->opened -= *n;
	return err;
}

/* The payload, opened where it is compressed. */
static struct ear_slice open_payload(struct job *job, struct ear_hep *hep)
{
	struct ear_slice in = hep->packed;
	size_t at = (size_t)(in.p - hep->packet.p);
	size_t used, n;
	enum ear_err err;

	if (!in.n)
		return hep->payload;
	err = unzip(job, in, job->d->payload, &used, &n);
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
	struct job *job, struct ear_hep *hep, struct ear_slice trailing)
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
static void copy_notes(struct job *job, struct ear_slice notes)
{
	struct ear_buf *out = &job->d->notes;

	notes = ear_slice_trim(ear_slice_sub(notes, 0, NOTES_ROOM / 2));
	for (size_t i = 0; i < notes.n; i++) {
		uint8_t c = (uint8_t)notes.p[i];

		ear_buf_byte(
			out, (c < 0x20 && c != '\n') || c == 0x7f ? '?' : c);
	}
	if (notes.n)
		ear_buf_byte(out, '\n');
}

/* Offsets of notes are into raw, which has no place for an envelope: 0. */
static void write_notes(struct job *job, const struct ear_hep *hep)
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

static void emit_hep(struct job *job, struct ear_hep *hep, struct ear_msg *msg)
{
	struct ear_slice raw = msg->raw, extra = msg->extra;

	ear_msg_from_hep(hep, msg);
	msg->direction = direction_by_agent(msg);
	/* opened and gathered, where the packet has them in no one piece */
	msg->raw = raw;
	msg->extra = extra;
	write_notes(job, hep);
	emit(job, msg);
}

/* False when it was counted as no message. */
static bool is_sip(struct job *job, struct ear_hep *hep, struct ear_slice raw)
{
	switch (ear_sort(raw)) {
	case EAR_SORT_SIP: return true;
	case EAR_SORT_KEEPALIVE: count(job, EAR_N_KEEPALIVE); return false;
	case EAR_SORT_RTP: count(job, EAR_N_RTP); return false;
	default:
		/* Said to be SIP: kept, it may be what people look for. */
		if (hep->payload_type == EAR_HEP_TYPE_SIP) {
			ear_hep_note(hep, EAR_HEP_RULE_NOT_SIP, 0, 0, 0);
			return true;
		}
		count(job, EAR_N_OTHER);
		return false;
	}
}

static void take_payload(
	struct job *job, struct ear_hep *hep, struct ear_slice trailing)
{
	struct ear_msg msg = begin(job);

	switch (hep->payload_type) {
	case 0: /* not given */
	case EAR_HEP_TYPE_SIP:
		msg.raw = open_payload(job, hep);
		if (!is_sip(job, hep, msg.raw))
			return;
		break;
	case EAR_HEP_TYPE_LOG: msg.raw = open_payload(job, hep); break;
	default: count(job, EAR_N_OTHER); return;
	}
	msg.extra = extra_of(job, hep, trailing);
	emit_hep(job, hep, &msg);
}

/*
 * What a capture saw of a connection. A capture of ours counts it in no unit;
 * in a unit of somebody else's it is something beside messages.
 */
static void take_connection(struct job *job, const struct ear_hep *hep)
{
	struct ear_slice event = ear_hep_value(hep, EAR_HEP_CONNECTION);
	struct ear_conn_event read;
	struct ear_msg msg;

	if (ear_conn_read(event, &read)) {
		junk(job, "a connection event that cannot be read");
		return;
	}
	msg = begin(job);
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
		count(job, EAR_N_OTHER);
	job->fn(&msg, job->arg);
}

static void take_no_payload(struct job *job, const struct ear_hep *hep)
{
	if (hep->packet.n == EAR_HEP_HEAD || hep->chunk[EAR_HEP_KEEPALIVE].at)
		count(job, EAR_N_KEEPALIVE);
	else
		junk(job, "a HEP packet without payload");
}

/*
 * One packet; what follows it is given back. A following packet is not
 * trailing; HEP 1 and 2 have no end but that of their datagram.
 */
static struct ear_slice take_hep(struct job *job, struct ear_slice bytes)
{
	struct ear_slice rest = {0}, trailing = {0};
	struct ear_hep hep;

	if (ear_hep_read(bytes, job->unit->seen_ns, &hep)) {
		junk(job, "a HEP header that is cut short");
		return rest;
	}
	rest = ear_slice_sub(bytes, hep.packet.n, bytes.n);
	if (ear_hep_version(rest) != 3) {
		trailing = rest;
		rest = (struct ear_slice){0};
	}
	if (!key_fits(job, ear_hep_value(&hep, EAR_HEP_KEY)))
		return rest;
	if (hep.chunk[EAR_HEP_CONNECTION].at)
		take_connection(job, &hep);
	else if (hep.flags & EAR_HEP_HAS_PAYLOAD)
		take_payload(job, &hep, trailing);
	else
		take_no_payload(job, &hep);
	return rest;
}

static void take_all_hep(struct job *job, struct ear_slice bytes)
{
	while (bytes.n)
		bytes = take_hep(job, bytes);
}

/* --- what came in one piece ------------------------------------------- */

/* A member of heplify's; what follows it is given back. */
static struct ear_slice take_gzip(struct job *job, struct ear_slice bytes)
{
	size_t used = 0, n = 0;
	enum ear_err err = unzip(job, bytes, job->d->packet, &used, &n);
	struct ear_slice in = ear_slice(job->d->packet, n);

	if (ear_hep_version(in) == 3)
		take_all_hep(job, in);
	else
		junk(job, "a gzip member that holds no HEP");
	/* Where a damaged member ends is not known. */
	return err ? (struct ear_slice){0}
		   : ear_slice_sub(bytes, used, bytes.n);
}

static void take_datagram(struct job *job, struct ear_slice bytes)
{
	do {
		switch (ear_sort(bytes)) {
		case EAR_SORT_HEP: take_all_hep(job, bytes); return;
		case EAR_SORT_GZIP: bytes = take_gzip(job, bytes); break;
		case EAR_SORT_SIP: take_sip(job, bytes); return;
		case EAR_SORT_KEEPALIVE: count(job, EAR_N_KEEPALIVE); return;
		case EAR_SORT_RTP: count(job, EAR_N_RTP); return;
		case EAR_SORT_PROTOBUF: refuse_protobuf(job); return;
		case EAR_SORT_JUNK: junk(job, "neither HEP nor SIP"); return;
		}
	} while (bytes.n);
}

void ear_decode(struct ear_decoder *decoder, const struct ear_unit *unit,
	struct ear_slice bytes, struct ear_slice tap, struct ear_slice key,
	struct ear_tally *tally, ear_msg_fn fn, void *arg)
{
	struct ear_unit cut = *unit;
	struct job job = {
		.d = decoder,
		.unit = unit,
		.tap = tap,
		.key = key,
		.tally = tally,
		.fn = fn,
		.arg = arg,
		.opened = BOMB_FREE + (uint64_t)BOMB_RATIO * bytes.n,
	};

	switch (unit->kind) {
	case EAR_UNIT_DATAGRAM: take_datagram(&job, bytes); break;
	case EAR_UNIT_HEP_STREAM: take_all_hep(&job, bytes); break;
	case EAR_UNIT_REMNANT:
		cut.flags |= EAR_UNIT_TRUNCATED;
		job.unit = &cut;
		take_datagram(&job, bytes);
		break;
	default: break;
	}
	if (job.ended < unit->units)
		ear_tally_add(tally, EAR_N_CORRUPT, unit->units - job.ended,
			unit->seen_ns);
}
