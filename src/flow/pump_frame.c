/* SPDX-License-Identifier: Apache-2.0 */
/* A frame of the journal: its records, and the messages in them. */
#include "flow/pump_priv.h"

#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "tap/capture.h"

/* Frames of one lane before the next lane gets its turn. */
#define TURN 8

/* One message out of the unit in work. */
static void take_message(const struct ear_msg *found, void *arg)
{
	struct ear_pump *pump = arg;
	struct ear_store *store = pump->options.store;
	struct lane *lane = pump->at;
	struct ear_msg msg = *found;
	struct ear_store_mark mark;

	if (pump->err)
		return;
	pump->message++;
	ear_path_tracked(pump->path, pump->message <= lane->known);
	if (pump->message <= lane->skip) {
		/* in the store already; received again, so stored again */
		if (msg.proto != EAR_PROTO_CONN)
			ear_tally_add(
				pump->tally, EAR_N_STORED, 1, msg.seen_ns);
		ear_path_track(pump->path, &msg);
		return;
	}
	pump->err = ear_path_take(pump->path, &msg, pump->tally);
	if (pump->err) {
		pump_give_up(pump);
		return;
	}
	pump_mark(lane, &lane->start, pump->message, &mark);
	store->ops->mark(store, &mark);
}

/* "hep/udp:127.0.0.1:9060": how a listener is named everywhere. What no
   listener received was said by a program of ours. */
static struct ear_slice tap_name(const struct ear_record *r, char out[80])
{
	char addr[EAR_ADDR_TEXT];
	struct ear_slice tr = ear_transport_name(r->transport);
	int n;

	if (!r->to.family)
		return EAR_S(EAR_TAP_CONTROL);
	if (r->to.family == EAR_CAPTURE_FAMILY)
		return ear_capture_name_of(&r->to, out);
	ear_addr_text(&r->to, addr);
	n = snprintf(out, 80, "hep/%.*s:%s", EAR_FMT(tr), addr);
	return ear_slice(out, n > 0 ? (size_t)n : 0);
}

/*
 * What was received before this process began is counted as received by it,
 * so that the sums of the ledger meet after a restart too.
 */
static void count_replay(struct ear_pump *pump, const struct ear_record *r)
{
	static const enum ear_count what[] = {
		EAR_N_RECEIVED, EAR_N_ACCEPTED, EAR_N_REPLAYED};

	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		ear_tally_add(pump->tally, what[i], r->units, r->seen_ns);
	ear_tally_add(pump->tally, EAR_N_BYTES, r->bytes, r->seen_ns);
}

static void take_record(struct ear_pump *pump, const struct ear_record *r,
	struct ear_slice bytes)
{
	char name[80];
	struct ear_slice tap = tap_name(r, name);
	const struct ear_unit unit = {
		.kind = r->kind,
		.flags = r->flags,
		.transport = r->transport,
		.units = r->units,
		.seen_ns = r->seen_ns,
		.from = r->from,
		.to = r->to,
	};

	pump->tally = ear_ledger_line_addr(
		pump->again ? pump->aside : pump->options.ledger, tap,
		&r->from);
	if (pump->replay && !pump->again)
		count_replay(pump, r);
	ear_decode(pump->decoder, &unit, bytes, tap,
		ear_slice_str(pump->at->terms.key), pump->tally, take_message,
		pump);
}

/*
 * How many messages of a frame from before are done. The one at the very
 * place, which may begin the next file, may be gone after a power cut; then
 * another comes in its place, maybe under its number, of which nothing is done.
 */
static uint64_t done_of(const struct come *come, const struct ear_frame *frame)
{
	const struct ear_lane_pos *pos = &come->pos, *next = &frame->next;
	uint64_t offset = next->offset - frame->n - EAR_FRAME_HEAD;
	uint64_t place = next->file == pos->file ? pos->offset : 0;

	if (next->file < pos->file ||
		(next->file == pos->file && offset < pos->offset))
		return ALL;
	return offset == place &&
			       next->frame == (pos->frame ? pos->frame : 1) + 1
		       ? come->messages
		       : 0;
}

static enum ear_err take_frame(
	struct ear_pump *pump, struct lane *lane, const struct ear_frame *frame)
{
	struct ear_store *store = pump->options.store;
	struct ear_store_mark mark;
	struct ear_record record;
	struct ear_slice bytes;
	size_t at = 0;

	pump->at = lane;
	ear_path_mask(pump->path, lane->terms.mask);
	pump->message = 0;
	pump->err = EAR_OK;
	pump->replay = !lane->writing ||
		       frame->next.file < ear_lane_first_file(lane->lane);
	lane->skip = pump->replay ? done_of(&lane->stored, frame) : 0;
	lane->known = pump->replay ? done_of(&lane->tracked, frame) : 0;
	pump->again = lane->skip == ALL;
	while (!pump->err && ear_frame_next(frame, &at, &record, &bytes)) {
		take_record(pump, &record, bytes);
		if (!pump->replay)
			lane->units += record.units;
	}
	if (pump->err)
		return pump->err;
	lane->start = frame->next;
	lane->taken = true;
	if (pump->again)
		return EAR_OK;
	pump_mark(lane, &frame->next, 0, &mark);
	store->ops->mark(store, &mark);
	return EAR_OK;
}

/*
 * At the end of a lane, what was appended before the last look and was not
 * read is lost: the journal told where. Who sent it lay in the lost bytes.
 */
static void count_lost(
	struct ear_pump *pump, struct lane *lane, uint64_t appended)
{
	struct ear_tally *tally;

	/* a frame can be read a moment before its units are counted */
	if (appended <= lane->units)
		return;
	tally = ear_ledger_line(pump->options.ledger, ear_slice_str(lane->tap),
		(struct ear_slice){0});
	ear_tally_add(
		tally, EAR_N_CORRUPT, appended - lane->units, ear_now_ns());
	lane->units = appended;
}

/* A clock that was set back would have this lane wait for all others. */
static void see_time(struct ear_pump *pump, struct lane *lane)
{
	struct ear_record record;
	struct ear_slice bytes;
	size_t at = 0;

	if (!ear_frame_next(&lane->frame, &at, &record, &bytes))
		return;
	if (record.seen_ns < lane->first_ns)
		pump->stepped = true;
	lane->first_ns = record.seen_ns;
}

enum ear_err pump_peek(struct ear_pump *pump, struct lane *lane)
{
	struct ear_fault fault = {0};
	uint64_t appended, skipped;
	enum ear_err err;

	if (lane->holds)
		return EAR_OK;
	appended = ear_lane_units(lane->lane);
	err = ear_lane_read(lane->lane, &lane->frame, &fault);
	lane->holds = !err;
	lane->empty = err == EAR_MORE;
	if (!err)
		see_time(pump, lane);
	else if (err == EAR_MORE)
		count_lost(pump, lane, appended);
	if (err == EAR_SYS) {
		static struct ear_log_gate gate;

		if (ear_log_every(&gate, &skipped))
			ear_log(EAR_ERROR, "journal.read", "lane",
				EAR_LS(lane->name), "reason",
				EAR_LS(fault.text), NULL);
	}
	return err;
}

enum ear_err pump_turn(
	struct ear_pump *pump, struct lane *lane, uint64_t until_ns)
{
	enum ear_err err = EAR_OK;

	for (int i = 0; i < TURN && !err && !pump_gave_up(pump); i++) {
		pump_run_errand(pump);
		err = pump_peek(pump, lane);
		if (err || lane->first_ns > until_ns)
			break;
		lane->holds = false;
		err = take_frame(pump, lane, &lane->frame);
	}
	return err;
}
