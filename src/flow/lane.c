/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/lane.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"

_Static_assert((int)EAR_UNIT_DATAGRAM == (int)EAR_RECORD_DATAGRAM &&
		       (int)EAR_UNIT_HEP_STREAM == (int)EAR_RECORD_HEP_STREAM &&
		       (int)EAR_UNIT_REMNANT == (int)EAR_RECORD_REMNANT &&
		       (int)EAR_UNIT_TRUNCATED == (int)EAR_RECORD_TRUNCATED,
	"units are written to the journal as records");

/*
 * A frame is one write. 512 KiB is past the point where the write's own cost
 * shows, and small enough to stay in the second-level cache.
 */
#define FRAME_BYTES (512u << 10)

/* Senders seen lately; a hit saves the ledger's lock-free but longer walk. */
#define SOURCES 64

/* Units of one source in the frame under construction. */
struct run {
	struct ear_tally *tally;
	uint64_t units;
	uint64_t bytes;
};

#define RUNS 128

/*
 * Longest that the sender of a stream waits for room in the journal, until it
 * takes something again.
 */
#define STREAM_WAIT_NS EAR_SECOND_NS

struct ear_flow_lane {
	struct ear_intake intake; /* first: the tap's handle */
	_Atomic(struct ear_lane *) lane;
	_Atomic(struct ear_lane *) next; /* to be used from now on; or NULL */
	struct ear_ledger *ledger;
	char tap[48];
	struct {
		struct ear_addr addr;
		struct ear_tally *tally;
	} source[SOURCES];
	struct run run[RUNS];
	size_t runs;
	struct ear_log_gate gate;
	bool stream; /* the last record came by a stream */
	bool waited; /* in vain: the journal has taken nothing since */
	uint32_t records;
	uint64_t seen_ns; /* of the last record */
	size_t n;         /* bytes in frame */
	char frame[EAR_FRAME_MAX];
};

_Static_assert(
	FRAME_BYTES + sizeof(struct ear_record) + (2u << 20) < EAR_FRAME_MAX,
	"one more record always fits behind a frame that is not full");

static struct ear_tally *tally_of(
	struct ear_flow_lane *l, const struct ear_addr *from)
{
	struct ear_slice ip = ear_slice(from->ip, sizeof(from->ip));
	size_t i = ear_hash(ip) % SOURCES;

	if (!l->source[i].tally || l->source[i].addr.family != from->family ||
		memcmp(l->source[i].addr.ip, from->ip, sizeof(from->ip)) != 0) {
		l->source[i].addr = *from;
		l->source[i].tally = ear_ledger_line_addr(
			l->ledger, ear_slice_str(l->tap), from);
	}
	return l->source[i].tally;
}

static uint64_t count(struct ear_flow_lane *l, enum ear_count what)
{
	uint64_t units = 0;

	for (size_t i = 0; i < l->runs; i++) {
		ear_tally_add(
			l->run[i].tally, what, l->run[i].units, l->seen_ns);
		units += l->run[i].units;
	}
	return units;
}

/*
 * A stream's sender can be made to wait, so a full journal lets it, for a
 * while: no longer, since the sender is a SIP server with better things to do.
 * Once in vain, the disk is full rather than the pump behind: then each frame
 * has one try. Datagrams that are not taken now are lost either way.
 */
static enum ear_err append(struct ear_flow_lane *l, struct ear_fault *fault)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	bool wait = l->stream && !l->waited;
	uint64_t until = wait ? ear_mono_ns() + STREAM_WAIT_NS : 0;
	struct ear_lane *lane = atomic_load(&l->lane);
	enum ear_err err;

	while ((err = ear_lane_append(
			lane, l->frame, l->n, l->records, fault)) == EAR_FULL &&
		wait && ear_mono_ns() < until)
		nanosleep(&nap, NULL);
	if (!err)
		l->waited = false;
	else if (wait)
		l->waited = true;
	return err;
}

/*
 * RECEIVED is counted together with its outcome and not before, so that a
 * reader of the ledger never sees a unit that is neither here nor there.
 */
static void flush(struct ear_intake *in)
{
	struct ear_flow_lane *l = (struct ear_flow_lane *)in;
	struct ear_fault fault = {0};
	uint64_t skipped;
	enum ear_err err;

	if (!l->records)
		return;
	err = append(l, &fault);
	count(l, EAR_N_RECEIVED);
	if (err)
		l->intake.refused += count(l, EAR_N_JOURNAL_FULL);
	else
		count(l, EAR_N_ACCEPTED);
	for (size_t i = 0; i < l->runs; i++)
		ear_tally_add(l->run[i].tally, EAR_N_BYTES, l->run[i].bytes,
			l->seen_ns);
	if (err && ear_log_every(&l->gate, &skipped))
		ear_log(EAR_ERROR, "journal.refused", "tap", EAR_LS(l->tap),
			"reason", EAR_LS(fault.text), "units",
			EAR_LU(l->records + skipped), NULL);
	l->runs = 0;
	l->records = 0;
	l->n = EAR_FRAME_HEAD;
}

/* Add to the run of a source; false when there is no room for one more. */
static bool add_run(struct ear_flow_lane *l, struct ear_tally *tally,
	uint64_t units, uint64_t bytes)
{
	struct run *run;

	for (run = l->run; run < l->run + l->runs; run++) {
		if (run->tally == tally)
			break;
	}
	if (run == l->run + RUNS)
		return false;
	if (run == l->run + l->runs) {
		*run = (struct run){.tally = tally};
		l->runs++;
	}
	run->units += units;
	run->bytes += bytes;
	return true;
}

/* Before the first record of a frame: a frame is taken on the same terms. */
static void take_next(struct ear_flow_lane *l)
{
	struct ear_lane *next = atomic_load(&l->next);

	if (!next)
		return;
	/* in this order: at each moment one of them says that it is used */
	atomic_store(&l->lane, next);
	(void)atomic_compare_exchange_strong(&l->next, &next, NULL);
}

void ear_flow_lane_switch(struct ear_flow_lane *l, struct ear_lane *lane)
{
	atomic_store(&l->next, lane);
}

bool ear_flow_lane_uses(
	const struct ear_flow_lane *l, const struct ear_lane *lane)
{
	return atomic_load(&l->next) == lane || atomic_load(&l->lane) == lane;
}

static void put(struct ear_intake *in, const struct ear_unit *unit,
	struct ear_slice bytes)
{
	struct ear_flow_lane *l = (struct ear_flow_lane *)in;
	struct ear_tally *tally = tally_of(l, &unit->from);
	struct ear_record record = {
		.bytes = (uint32_t)bytes.n,
		.units = unit->units,
		.seen_ns = unit->seen_ns,
		.kind = unit->kind,
		.flags = unit->flags,
		.transport = unit->transport,
		.from = unit->from,
		.to = unit->to,
	};
	size_t padded = (bytes.n + 7) & ~(size_t)7;

	if (!l->records && atomic_load_explicit(&l->next, memory_order_relaxed))
		take_next(l);
	if (sizeof(record) + padded > EAR_FRAME_MAX - EAR_FRAME_HEAD) {
		ear_tally_add(
			tally, EAR_N_RECEIVED, unit->units, unit->seen_ns);
		ear_tally_add(
			tally, EAR_N_OVERSIZE, unit->units, unit->seen_ns);
		in->refused += unit->units;
		return;
	}
	if (l->n + sizeof(record) + padded > EAR_FRAME_MAX ||
		!add_run(l, tally, unit->units, bytes.n)) {
		flush(in);
		add_run(l, tally, unit->units, bytes.n);
	}
	memcpy(l->frame + l->n, &record, sizeof(record));
	l->n += sizeof(record);
	memcpy(l->frame + l->n, bytes.p, bytes.n);
	memset(l->frame + l->n + bytes.n, 0, padded - bytes.n);
	l->n += padded;
	l->records++;
	l->stream = unit->kind != EAR_UNIT_DATAGRAM;
	l->seen_ns = unit->seen_ns;
	if (l->n >= FRAME_BYTES)
		flush(in);
}

enum ear_err ear_flow_lane_new(struct ear_lane *lane, struct ear_ledger *ledger,
	struct ear_slice tap, struct ear_flow_lane **out)
{
	struct ear_flow_lane *l = calloc(1, sizeof(*l));

	*out = l;
	if (!l)
		return EAR_NOMEM;
	l->intake = (struct ear_intake){.put = put, .flush = flush};
	atomic_init(&l->lane, lane);
	atomic_init(&l->next, NULL);
	l->ledger = ledger;
	l->n = EAR_FRAME_HEAD;
	snprintf(l->tap, sizeof(l->tap), "%.*s", EAR_FMT(tap));
	return EAR_OK;
}

void ear_flow_lane_free(struct ear_flow_lane **lane)
{
	free(*lane);
	*lane = NULL;
}

struct ear_intake *ear_flow_lane_intake(struct ear_flow_lane *lane)
{
	return &lane->intake;
}
