/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tap received, sorted by what it is; a SIP message as it is. HEP is
 * opened by decode_hep.c.
 */
#include "tap/decode_priv.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/log.h"
#include "proto/hep_write.h"
#include "tap/siptrace.h"
#include "tap/sort.h"

/*
 * SIP text shrinks to a tenth. Beyond this, of all that one unit holds,
 * somebody wants to fill disks: what is compressed then stays so.
 */
#define BOMB_RATIO 64
#define BOMB_FREE (1u << 20)

enum ear_err ear_decoder_new(struct ear_decoder **out)
{
	struct ear_decoder *d = calloc(1, sizeof(*d));

	*out = NULL;
	if (!d)
		return EAR_NOMEM;
	d->packet = malloc(DECODE_ROOM);
	d->payload = malloc(DECODE_ROOM);
	d->extra.max = 2 * DECODE_ROOM;
	d->notes.max = DECODE_NOTES;
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
static void one_more(struct decode_job *job)
{
	if (job->ended == job->unit->units)
		ear_tally_add(
			job->tally, EAR_N_RECEIVED, 1, job->unit->seen_ns);
	else
		job->ended++;
}

void decode_count(struct decode_job *job, enum ear_count what)
{
	one_more(job);
	ear_tally_add(job->tally, what, 1, job->unit->seen_ns);
}

void decode_emit(struct decode_job *job, struct ear_msg *msg)
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

static void say(struct decode_job *job, struct ear_log_gate *gate,
	const char *event, const char *why)
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

void decode_junk(struct decode_job *job, const char *why)
{
	static struct ear_log_gate gate;

	say(job, &gate, "tap.junk", why);
	decode_count(job, EAR_N_JUNK);
}

static void refuse_protobuf(struct decode_job *job)
{
	static struct ear_log_gate gate;

	say(job, &gate, "tap.refused",
		"a protobuf frame; let the agent send HEP 3 instead");
	decode_count(job, EAR_N_REFUSED);
}

bool decode_key_fits(struct decode_job *job, struct ear_slice key)
{
	static struct ear_log_gate gate;

	if (!job->key.n)
		return true;
	if (key.n == job->key.n && !sodium_memcmp(key.p, job->key.p, key.n))
		return true;
	say(job, &gate, "tap.badkey",
		key.n ? "the HEP authentication key is wrong"
		      : "no HEP authentication key");
	decode_count(job, EAR_N_BADKEY);
	return false;
}

struct ear_msg decode_begin(struct decode_job *job)
{
	ear_buf_reset(&job->d->extra);
	ear_buf_reset(&job->d->notes);
	return (struct ear_msg){
		.seen_ns = job->unit->seen_ns,
		.via = job->unit->from,
		.tap = job->tap,
	};
}

enum ear_err decode_unzip(struct decode_job *job, struct ear_slice in,
	char *out, size_t *used, size_t *n)
{
	size_t room =
		job->opened < DECODE_ROOM ? (size_t)job->opened : DECODE_ROOM;
	enum ear_err err;

	*used = *n = 0;
	if (!room)
		return EAR_LIMIT;
	err = ear_hep_unzip(job->d->zip, in, out, room, used, n);
	job->opened -= *n;
	return err;
}

/* --- a SIP message as it is ------------------------------------------- */

/*
 * How often it was handed on goes with it, as with HEP. That several hops wrote
 * is told: a sender of SIP could have written the first fields itself.
 */
static void take_hops(struct decode_job *job, const struct ear_siptrace *trace,
	struct ear_msg *msg)
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

static void take_sip(struct decode_job *job, struct ear_slice sip)
{
	struct ear_siptrace trace;
	struct ear_msg msg;

	if (!decode_key_fits(job, (struct ear_slice){0}))
		return;
	msg = decode_begin(job);
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
	decode_emit(job, &msg);
}

/* --- what came in one piece ------------------------------------------- */

/* A member of heplify's; what follows it is given back. */
static struct ear_slice take_gzip(
	struct decode_job *job, struct ear_slice bytes)
{
	size_t used = 0, n = 0;
	enum ear_err err = decode_unzip(job, bytes, job->d->packet, &used, &n);
	struct ear_slice in = ear_slice(job->d->packet, n);

	if (ear_hep_version(in) == 3)
		decode_hep(job, in);
	else
		decode_junk(job, "a gzip member that holds no HEP");
	/* Where a damaged member ends is not known. */
	return err ? (struct ear_slice){0}
		   : ear_slice_sub(bytes, used, bytes.n);
}

static void take_datagram(struct decode_job *job, struct ear_slice bytes)
{
	do {
		switch (ear_sort(bytes)) {
		case EAR_SORT_HEP: decode_hep(job, bytes); return;
		case EAR_SORT_GZIP: bytes = take_gzip(job, bytes); break;
		case EAR_SORT_SIP: take_sip(job, bytes); return;
		case EAR_SORT_KEEPALIVE:
			decode_count(job, EAR_N_KEEPALIVE);
			return;
		case EAR_SORT_RTP: decode_count(job, EAR_N_RTP); return;
		case EAR_SORT_PROTOBUF: refuse_protobuf(job); return;
		case EAR_SORT_JUNK:
			decode_junk(job, "neither HEP nor SIP");
			return;
		}
	} while (bytes.n);
}

void ear_decode(struct ear_decoder *decoder, const struct ear_unit *unit,
	struct ear_slice bytes, struct ear_slice tap, struct ear_slice key,
	struct ear_tally *tally, ear_msg_fn fn, void *arg)
{
	struct ear_unit cut = *unit;
	struct decode_job job = {
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
	case EAR_UNIT_HEP_STREAM: decode_hep(&job, bytes); break;
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
