/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs of ours put into the record: a HEP packet on a lane of its
 * own, so that it goes the way of every message.
 */
#include <netinet/in.h>

#include "base/time.h"
#include "flow/server_priv.h"
#include "proto/hep_write.h"

struct change {
	struct ear_server *s;
	struct ear_terms terms;
	struct ear_lane *lane;
	char name[EAR_LANE_NAME];
	struct ear_fault *fault;
	enum ear_err err;
};

static void change_lane(void *arg)
{
	struct change *c = arg;
	struct control_lane *control = &c->s->control;

	ear_terms_lane(&c->terms, "ctl", EAR_TAP_CONTROL, 0, c->name);
	c->err = ear_pump_lane(c->s->pump, c->name, EAR_S(EAR_TAP_CONTROL),
		&c->terms, &c->lane, c->fault);
	if (!c->err && control->lane && control->lane != c->lane)
		ear_pump_retire(c->s->pump, control->lane, NULL);
}

enum ear_err control_change(
	struct ear_server *s, bool mask, struct ear_fault *fault)
{
	struct change c = {.s = s, .terms = {.mask = mask}, .fault = fault};

	/* who writes an event holds it too: nobody writes to the lane before */
	pthread_mutex_lock(&s->control.lock);
	ear_pump_run(s->pump, change_lane, &c);
	if (!c.err) {
		s->control.lane = c.lane;
		s->control.terms = c.terms;
		memcpy(s->control.name, c.name, sizeof(c.name));
	}
	pthread_mutex_unlock(&s->control.lock);
	return c.err;
}

enum ear_err control_open(
	struct ear_server *s, bool mask, struct ear_fault *fault)
{
	return control_change(s, mask, fault);
}

void control_fini(struct ear_server *s)
{
	s->control.lane = NULL;
	ear_buf_fini(&s->control.frame);
}

static uint8_t ip_proto_of(uint8_t transport)
{
	switch (transport) {
	case EAR_TR_TCP: return IPPROTO_TCP;
	case EAR_TR_SCTP: return IPPROTO_SCTP;
	case EAR_TR_TLS:
	case EAR_TR_WS:
	case EAR_TR_WSS: return IPPROTO_TCP;
	default: return IPPROTO_UDP;
	}
}

/* Behind the head of a frame and of its record. */
static enum ear_err write_packet(
	const struct ear_event *event, uint64_t at_ns, struct ear_buf *out)
{
	const struct ear_hep_out packet = {
		.version = 3,
		.ip_proto = ip_proto_of(event->transport),
		.payload_type =
			event->sip ? EAR_HEP_TYPE_SIP : EAR_HEP_TYPE_LOG,
		.at_ns = at_ns,
		.src = event->src,
		.dst = event->dst,
		.payload = event->text,
		.correlation = event->correlation,
		.transport = ear_transport_name(event->transport),
		.direction = ear_direction_name(event->direction),
	};

	return ear_hep_write(&packet, out);
}

static enum ear_err fill_frame(const struct ear_event *event, uint64_t at_ns,
	struct ear_buf *frame, size_t *packet)
{
	static const char zeros[EAR_FRAME_HEAD + sizeof(struct ear_record)];
	struct ear_record record = {
		.units = 1, .seen_ns = at_ns, .kind = EAR_RECORD_HEP_STREAM};
	enum ear_err err;

	ear_buf_reset(frame);
	ear_buf_add(frame, zeros, sizeof(zeros));
	err = write_packet(event, at_ns, frame);
	if (err || frame->err)
		return err ? err : frame->err;
	*packet = frame->n - sizeof(zeros);
	record.bytes = (uint32_t)*packet;
	memcpy(frame->p + EAR_FRAME_HEAD, &record, sizeof(record));
	ear_buf_add(frame, zeros, -frame->n & 7);
	return frame->err;
}

static void count(struct ear_server *s, size_t bytes, uint64_t at_ns)
{
	struct ear_tally *t = ear_ledger_line(
		s->ledger, EAR_S(EAR_TAP_CONTROL), (struct ear_slice){0});

	ear_tally_add(t, EAR_N_RECEIVED, 1, at_ns);
	ear_tally_add(t, EAR_N_ACCEPTED, 1, at_ns);
	ear_tally_add(t, EAR_N_BYTES, bytes, at_ns);
}

enum ear_err ear_server_event(struct ear_server *s,
	const struct ear_event *event, struct ear_fault *fault)
{
	struct control_lane *c = &s->control;
	uint64_t at_ns = ear_now_ns();
	struct ear_fault why = {0};
	enum ear_err err = EAR_GONE;
	size_t bytes = 0;

	if (!event->text.n)
		return ear_fail(fault, EAR_USAGE, 0, "an event without text");
	pthread_mutex_lock(&c->lock);
	if (c->lane)
		err = fill_frame(event, at_ns, &c->frame, &bytes);
	if (!err)
		err = ear_lane_append(c->lane, c->frame.p, c->frame.n, 1, &why);
	if (!err)
		count(s, bytes, at_ns);
	pthread_mutex_unlock(&c->lock);
	switch (err) {
	case EAR_OK: return EAR_OK;
	case EAR_LIMIT:
	case EAR_USAGE:
		return ear_fail(fault, EAR_USAGE, 0,
			"an event has at most 64 KiB; this one has %zu bytes",
			event->text.n);
	case EAR_GONE:
		return ear_fail(fault, err, 0, "the server does not run");
	default:
		return ear_fail(fault, err, 0, "%s",
			why.text[0] ? why.text : "out of memory");
	}
}
