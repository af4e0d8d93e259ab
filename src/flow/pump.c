/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pump.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/stop.h"
#include "base/thread.h"
#include "base/time.h"
#include "flow/flow.h"
#include "tap/capture.h"
#include "tap/decode.h"

/* Lanes that one journal may have: receive threads of all listeners. */
#define LANES 256

/* Frames of one lane before the next lane gets its turn. */
#define TURN 8

/*
 * A store's mark has three numbers. The third holds the frame and how many
 * messages of it are done; what these have beyond 20 bits stands above the
 * file's number, which has 32, in the first.
 */
#define SKIP_BITS 20
#define FILE_BITS 32

/* How far the last run had come with a lane. */
struct come {
	struct ear_lane_pos pos; /* all frames before it are done */
	uint64_t messages;       /* and so many of the one that begins there */
};

/* All of a frame's. */
#define ALL UINT64_MAX

struct lane {
	char name[32];
	struct ear_lane *lane;
	struct ear_terms terms;
	struct ear_lane_pos start; /* of the frame in work */
	struct come stored;        /* by the store */
	struct come tracked;       /* by the trackers */
	uint64_t skip;             /* messages of the frame in work stored */
	uint64_t known;            /* and those that the trackers know */
	uint64_t done_at; /* what the journal was last told, to skip calls */
	bool writing;     /* has a tap; otherwise left over from before */
	char tap[80];     /* its name, when it has one */
	uint64_t units;   /* appended since open and read again, or lost */
	bool empty;       /* the last read found nothing */
	bool taken;       /* a frame of it, since it was opened */
	bool retired;     /* its writer leaves it, or has left it */
	const struct ear_flow_lane *writer; /* of a retired one, or NULL */
};

/* Something to be called by the thread between two frames. */
struct errand {
	void (*fn)(void *arg);
	void *arg;
	bool done;
};

struct ear_pump {
	struct ear_pump_options options;
	struct ear_path *path;
	struct ear_decoder *decoder;
	struct lane lane[LANES];
	size_t lanes;
	pthread_t thread;
	bool running;
	atomic_bool finish;   /* empty the lanes, then end */
	bool give_up;         /* end at once; relaxed atomic */
	bool hurry;           /* do not wait for a full store; the same */
	uint64_t marks_at_ns; /* monotonic; when marks are looked at next */

	pthread_mutex_t errand_lock; /* of the two below */
	pthread_cond_t errand_moved;
	_Atomic(struct errand *) errand;
	bool ended; /* the thread runs no errands any more */

	/* Where a frame that was counted by the last run is counted. */
	struct ear_ledger *aside;

	/* The unit in work, for the decoder's callback. */
	struct lane *at;
	struct ear_tally *tally;
	uint64_t message; /* messages of the frame so far */
	bool replay;
	bool again; /* all of the frame is in the store */
	enum ear_err err;
};

static void mark_of(const struct lane *lane, const struct ear_lane_pos *pos,
	uint64_t messages, struct ear_store_mark *mark)
{
	*mark = (struct ear_store_mark){
		.v = {pos->file | messages >> SKIP_BITS << FILE_BITS,
			pos->offset,
			pos->frame << SKIP_BITS |
				(messages & ((1u << SKIP_BITS) - 1))}};
	memcpy(mark->name, lane->name, sizeof(mark->name));
}

/* @return messages of the frame at pos that are done */
static uint64_t pos_of(
	const struct ear_store_mark *mark, struct ear_lane_pos *pos)
{
	*pos = (struct ear_lane_pos){
		.file = mark->v[0] & (((uint64_t)1 << FILE_BITS) - 1),
		.offset = mark->v[1],
		.frame = mark->v[2] >> SKIP_BITS,
	};
	return mark->v[0] >> FILE_BITS << SKIP_BITS |
	       (mark->v[2] & ((1u << SKIP_BITS) - 1));
}

static bool gave_up(const struct ear_pump *pump)
{
	return __atomic_load_n(&pump->give_up, __ATOMIC_RELAXED);
}

/* Run what somebody waits for. */
static void run_errand(void *arg)
{
	struct ear_pump *pump = arg;
	struct errand *e;

	if (!atomic_load_explicit(&pump->errand, memory_order_relaxed))
		return;
	pthread_mutex_lock(&pump->errand_lock);
	e = atomic_load(&pump->errand);
	if (e) {
		e->fn(e->arg);
		e->done = true;
		atomic_store(&pump->errand, NULL);
		pthread_cond_broadcast(&pump->errand_moved);
	}
	pthread_mutex_unlock(&pump->errand_lock);
}

void ear_pump_run(struct ear_pump *pump, void (*fn)(void *arg), void *arg)
{
	struct errand e = {.fn = fn, .arg = arg};

	pthread_mutex_lock(&pump->errand_lock);
	while (atomic_load(&pump->errand))
		pthread_cond_wait(&pump->errand_moved, &pump->errand_lock);
	if (!pump->running || pump->ended) {
		fn(arg);
		pthread_mutex_unlock(&pump->errand_lock);
		return;
	}
	atomic_store(&pump->errand, &e);
	ear_journal_wake(pump->options.journal);
	while (!e.done)
		pthread_cond_wait(&pump->errand_moved, &pump->errand_lock);
	pthread_mutex_unlock(&pump->errand_lock);
}

/* What is not stored stays in the journal, as do all frames after it. */
static void give_up(struct ear_pump *pump)
{
	__atomic_store_n(&pump->hurry, true, __ATOMIC_RELAXED);
	__atomic_store_n(&pump->give_up, true, __ATOMIC_RELAXED);
}

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
		give_up(pump);
		return;
	}
	mark_of(lane, &lane->start, pump->message, &mark);
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
	mark_of(lane, &frame->next, 0, &mark);
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

/* A few frames of one lane; EAR_MORE when it is empty. */
static enum ear_err turn(struct ear_pump *pump, struct lane *lane)
{
	struct ear_fault fault = {0};
	struct ear_frame frame;
	enum ear_err err = EAR_OK;

	for (int i = 0; i < TURN && !err && !gave_up(pump); i++) {
		uint64_t appended = ear_lane_units(lane->lane);

		run_errand(pump);
		err = ear_lane_read(lane->lane, &frame, &fault);
		if (!err)
			err = take_frame(pump, lane, &frame);
		else if (err == EAR_MORE)
			count_lost(pump, lane, appended);
	}
	if (err == EAR_SYS) {
		static struct ear_log_gate gate;
		uint64_t skipped;

		if (ear_log_every(&gate, &skipped))
			ear_log(EAR_ERROR, "journal.read", "lane",
				EAR_LS(lane->name), "reason",
				EAR_LS(fault.text), NULL);
	}
	lane->empty = err == EAR_MORE;
	return err;
}

static bool is_before(
	const struct ear_lane_pos *a, const struct ear_lane_pos *b)
{
	return a->file != b->file ? a->file < b->file : a->offset < b->offset;
}

/*
 * What is committed of a lane, by the store and by the trackers.
 *
 * @return false while nothing is
 */
static bool committed(const struct ear_pump *pump, const struct lane *lane,
	struct ear_lane_pos *pos)
{
	struct ear_store *store = pump->options.store;
	struct ear_tracking *tracking = pump->options.tracking;
	struct ear_lane_pos tracked;
	struct ear_store_mark mark;

	if (store->ops->marked(store, lane->name, &mark))
		return false;
	pos_of(&mark, pos);
	if (!tracking)
		return true;
	if (ear_tracking_marked(tracking, lane->name, &mark))
		return false;
	pos_of(&mark, &tracked);
	if (is_before(&tracked, pos))
		*pos = tracked;
	return true;
}

/* Tell the journal what is committed. */
static void release(struct ear_pump *pump)
{
	for (size_t i = 0; i < pump->lanes; i++) {
		struct lane *lane = &pump->lane[i];
		struct ear_lane_pos pos;

		if (!committed(pump, lane, &pos))
			continue;
		if (lane->done_at == (pos.offset ^ pos.file << 40))
			continue;
		lane->done_at = pos.offset ^ pos.file << 40;
		ear_lane_done(lane->lane, &pos);
	}
	if (pump->options.rules)
		ear_rules_committed(pump->options.rules);
}

/* What outlets got is on its way to the disk with what it came from. */
static void flush_outlets(struct ear_pump *pump)
{
	if (pump->options.rules)
		ear_rules_flush(pump->options.rules);
}

/* Whether all is committed of a lane that gets no more. */
static bool is_over(struct ear_pump *pump, struct lane *lane)
{
	struct ear_lane_pos pos;

	if (!lane->retired || !lane->empty)
		return false;
	if (lane->writer) {
		/* it may have come with a last frame since the last read */
		lane->empty = false;
		if (!ear_flow_lane_uses(lane->writer, lane->lane))
			lane->writer = NULL;
		return false;
	}
	if (!lane->taken)
		return true;
	return committed(pump, lane, &pos) && pos.file == lane->start.file &&
	       pos.offset == lane->start.offset;
}

/* Between two rounds, when nobody has a lane in hand. */
static void close_retired(struct ear_pump *pump)
{
	struct ear_lane_pos behind;

	for (size_t i = 0; i < pump->lanes;) {
		struct lane *lane = &pump->lane[i];

		if (!is_over(pump, lane)) {
			i++;
			continue;
		}
		/* its last file goes too */
		behind = ear_lane_end(lane->lane);
		behind.file++;
		behind.offset = 0;
		ear_lane_done(lane->lane, &behind);
		ear_lane_close(&lane->lane);
		*lane = pump->lane[--pump->lanes];
	}
}

/*
 * Rows are committed between two frames, with all that was read before. A
 * lane that was opened behind where the trackers had come is marked as they
 * have it, until it gets there.
 */
static void mark_lanes(struct ear_pump *pump)
{
	struct ear_store_mark mark;

	for (size_t i = 0; i < pump->lanes; i++) {
		struct lane *lane = &pump->lane[i];

		if (is_before(&lane->start, &lane->tracked.pos))
			continue;
		mark_of(lane, &lane->start, 0, &mark);
		ear_tracking_mark(pump->options.tracking, &mark);
	}
}

static enum ear_err flush_rows(struct ear_pump *pump, struct ear_fault *fault)
{
	if (!pump->options.tracking)
		return EAR_OK;
	mark_lanes(pump);
	return ear_tracking_flush(pump->options.tracking, fault);
}

/*
 * Records that cannot be written are waited for only when they would take too
 * much memory, and whoever has an errand is not kept waiting.
 */
static void track_on(struct ear_pump *pump, uint64_t now)
{
	struct ear_tracking *tracking = pump->options.tracking;
	const struct timespec nap = {.tv_nsec = 20000000};

	if (!tracking || !ear_tracking_due(tracking, now))
		return;
	while (ear_tracking_crowded(tracking) &&
		!ear_tracking_ready(tracking) && !ear_stopped(&pump->hurry)) {
		run_errand(pump);
		nanosleep(&nap, NULL);
	}
	if (!ear_tracking_ready(tracking))
		return;
	mark_lanes(pump);
	ear_tracking_commit(tracking, now, true, &pump->hurry);
}

/* One round over the lanes; false when all were empty. */
static bool round_of_lanes(struct ear_pump *pump)
{
	struct ear_store *store = pump->options.store;
	uint64_t now = ear_mono_ns();
	bool any = false;

	for (size_t i = 0; i < pump->lanes && !gave_up(pump); i++) {
		if (turn(pump, &pump->lane[i]) == EAR_OK)
			any = true;
	}
	flush_outlets(pump);
	store->ops->tick(store, now);
	track_on(pump, now);
	if (now >= pump->marks_at_ns) {
		release(pump);
		close_retired(pump);
		pump->marks_at_ns = now + 200 * EAR_MS_NS;
	}
	return any;
}

static void *pump_main(void *arg)
{
	struct ear_pump *pump = arg;

	ear_thread_self("pump", EAR_WEIGHT_PUMP);
	while (!gave_up(pump)) {
		if (round_of_lanes(pump))
			continue;
		if (atomic_load(&pump->finish))
			break;
		run_errand(pump);
		ear_journal_wait(pump->options.journal, 20);
	}
	/* whoever came in the meantime is not left waiting */
	pthread_mutex_lock(&pump->errand_lock);
	pump->ended = true;
	pthread_cond_broadcast(&pump->errand_moved);
	pthread_mutex_unlock(&pump->errand_lock);
	run_errand(pump);
	return NULL;
}

static enum ear_err open_lane(struct ear_pump *pump, const char *name,
	struct lane **out, struct ear_fault *fault)
{
	struct ear_store *store = pump->options.store;
	struct lane *lane = &pump->lane[pump->lanes];
	struct ear_store_mark mark;
	enum ear_err err;

	if (pump->lanes == LANES)
		return ear_fail(fault, EAR_LIMIT, 0,
			"more than %d receive threads", LANES);
	*lane = (struct lane){0};
	snprintf(lane->name, sizeof(lane->name), "%s", name);
	ear_terms_read(&lane->terms, pump->options.journal_dir, name);
	err = store->ops->marked(store, lane->name, &mark);
	if (err == EAR_LIMIT)
		return ear_fail(fault, err, 0,
			"the store keeps no position for lane %s: it has those "
			"of too many others",
			lane->name);
	if (!err)
		lane->stored.messages = pos_of(&mark, &lane->stored.pos);
	lane->start = lane->stored.pos;
	/* who begins to track begins with what comes now */
	lane->tracked = lane->stored;
	if (pump->options.tracking &&
		!ear_tracking_marked(
			pump->options.tracking, lane->name, &mark)) {
		lane->tracked.messages = pos_of(&mark, &lane->tracked.pos);
		if (is_before(&lane->tracked.pos, &lane->start))
			lane->start = lane->tracked.pos;
	}
	err = ear_lane_open(pump->options.journal, lane->name, &lane->start,
		&lane->lane, fault);
	if (err)
		return err;
	pump->lanes++;
	*out = lane;
	return EAR_OK;
}

enum ear_err ear_pump_lane(struct ear_pump *pump, const char *name,
	struct ear_slice tap, const struct ear_terms *terms,
	struct ear_lane **out, struct ear_fault *fault)
{
	struct lane *lane = NULL;
	enum ear_err err =
		ear_terms_write(terms, pump->options.journal_dir, name, fault);

	if (err)
		return err;

	for (size_t i = 0; i < pump->lanes && !lane; i++) {
		if (!strcmp(pump->lane[i].name, name))
			lane = &pump->lane[i];
	}
	if (!lane)
		err = open_lane(pump, name, &lane, fault);
	if (err)
		return err;
	lane->terms = *terms;
	lane->writing = true;
	lane->retired = false;
	lane->writer = NULL;
	snprintf(lane->tap, sizeof(lane->tap), "%.*s", EAR_FMT(tap));
	*out = lane->lane;
	return EAR_OK;
}

void ear_pump_retire(struct ear_pump *pump, struct ear_lane *lane,
	const struct ear_flow_lane *writer)
{
	for (size_t i = 0; i < pump->lanes; i++) {
		if (pump->lane[i].lane != lane)
			continue;
		pump->lane[i].retired = true;
		pump->lane[i].empty = false;
		pump->lane[i].writer = writer;
	}
}

void ear_pump_forget(struct ear_pump *pump, const struct ear_flow_lane *writer)
{
	for (size_t i = 0; i < pump->lanes; i++) {
		if (pump->lane[i].writer == writer)
			pump->lane[i].writer = NULL;
	}
}

static enum ear_err open_left_over(
	struct ear_pump *pump, struct ear_fault *fault)
{
	static char names[LANES][32];
	size_t n = ear_journal_lanes(pump->options.journal, names, LANES);
	struct lane *lane;
	enum ear_err err = EAR_OK;

	for (size_t i = 0; i < n && i < LANES && !err; i++)
		err = open_lane(pump, names[i], &lane, fault);
	return err;
}

enum ear_err ear_pump_new(const struct ear_pump_options *options,
	struct ear_pump **out, struct ear_fault *fault)
{
	struct ear_pump *pump = calloc(1, sizeof(*pump));
	enum ear_err err = EAR_NOMEM;

	*out = NULL;
	if (!pump)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	pump->options = *options;
	pthread_mutex_init(&pump->errand_lock, NULL);
	ear_cond_init(&pump->errand_moved);
	if (ear_decoder_new(&pump->decoder) ||
		ear_ledger_new(1, &pump->aside) ||
		ear_path_new(&(struct ear_path_options){.store = options->store,
				     .ledger = options->ledger,
				     .rules = options->rules,
				     .tracking = options->tracking,
				     .stop = &pump->hurry,
				     .idle = run_errand,
				     .idle_arg = pump},
			&pump->path)) {
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		goto out;
	}
	err = open_left_over(pump, fault);
out:
	if (err)
		ear_pump_free(&pump);
	*out = pump;
	return err;
}

enum ear_err ear_pump_start(struct ear_pump *pump)
{
	if (pthread_create(&pump->thread, NULL, pump_main, pump))
		return EAR_SYS;
	pump->running = true;
	return EAR_OK;
}

enum ear_err ear_pump_drain(struct ear_pump *pump, struct ear_fault *fault)
{
	struct ear_store *store = pump->options.store;
	enum ear_err err;

	__atomic_store_n(&pump->hurry, true, __ATOMIC_RELAXED);
	while (!gave_up(pump) && round_of_lanes(pump))
		;
	err = store->ops->flush(store, fault);
	if (!err && !gave_up(pump))
		err = flush_rows(pump, fault);
	if (!err)
		release(pump);
	if (!err && gave_up(pump))
		err = ear_fail(fault, EAR_FULL, 0,
			"the store did not take all: see its notices");
	return err;
}

void ear_pump_stop(struct ear_pump *pump, uint32_t wait_ms)
{
	uint64_t until_ns = ear_mono_ns() + wait_ms * EAR_MS_NS;

	if (!pump->running)
		return;
	atomic_store(&pump->finish, true);
	ear_journal_wake(pump->options.journal);
	pthread_mutex_lock(&pump->errand_lock);
	while (!pump->ended && ear_cond_wait(&pump->errand_moved,
				       &pump->errand_lock, until_ns))
		;
	if (!pump->ended)
		give_up(pump);
	pthread_mutex_unlock(&pump->errand_lock);
	pthread_join(pump->thread, NULL);
	pthread_mutex_lock(&pump->errand_lock);
	pump->running = false;
	pthread_mutex_unlock(&pump->errand_lock);
	if (!gave_up(pump) &&
		!pump->options.store->ops->flush(pump->options.store, NULL) &&
		!flush_rows(pump, NULL))
		release(pump);
}

void ear_pump_free(struct ear_pump **pp)
{
	struct ear_pump *pump = *pp;

	if (!pump)
		return;
	ear_pump_stop(pump, 0);
	for (size_t i = 0; i < pump->lanes; i++)
		ear_lane_close(&pump->lane[i].lane);
	ear_decoder_free(&pump->decoder);
	ear_path_free(&pump->path);
	ear_ledger_free(&pump->aside);
	pthread_mutex_destroy(&pump->errand_lock);
	pthread_cond_destroy(&pump->errand_moved);
	free(pump);
	*pp = NULL;
}
