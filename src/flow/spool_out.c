/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The side of a spool that delivers: reads frames that the store has committed
 * behind, hands their records to the sink, and moves the position on with
 * what is safe on the far side.
 *
 *     done        handed over, not yet safe       v     committed   written
 *      ├──────── flight ──────┼──── flight ────┼─at─┼──────┤─ ─ ─ ─ ┤
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "base/time.h"
#include "flow/spool_priv.h"

#define WAIT_FIRST (250 * EAR_MS_NS)
#define WAIT_MOST (30 * EAR_SECOND_NS)
/*
 * A session that stood for this long is one: a datagram to a dead collector
 * goes out well, and the refusal comes later.
 */
#define STANDS_NS (3 * EAR_SECOND_NS)

/* --- reading ----------------------------------------------------------- */

static struct ear_lane_pos start_of(const struct ear_frame *f)
{
	return (struct ear_lane_pos){
		.file = f->next.file,
		.offset = f->next.offset - f->n - EAR_FRAME_HEAD,
		.frame = f->next.frame - 1,
	};
}

static bool same(const struct ear_lane_pos *a, const struct ear_lane_pos *b)
{
	return a->file == b->file && a->offset == b->offset &&
	       a->frame == b->frame;
}

/* Whether what it holds is put again by this run. */
static bool comes_again(const struct ear_spool *s, const struct ear_frame *f)
{
	return f->next.file < ear_lane_first_file(s->lane) &&
	       spool_before(&s->replayed, &f->next);
}

static bool is_committed(struct ear_spool *s, const struct ear_frame *f)
{
	bool yes;

	pthread_mutex_lock(&s->lock);
	yes = !spool_before(&s->committed, &f->next);
	pthread_mutex_unlock(&s->lock);
	return yes;
}

static void add_record(struct spool_out *o, const struct ear_record *record,
	struct ear_slice bytes)
{
	if (o->n == o->room) {
		size_t room = o->room ? 2 * o->room : 1024;
		struct ear_sink_record *v = realloc(o->v, room * sizeof(*o->v));

		if (!v)
			return; /* the frame is read again later */
		o->v = v;
		o->room = room;
	}
	o->v[o->n++] = (struct ear_sink_record){
		.bytes = bytes, .seen_ns = record->seen_ns};
}

/* The place behind record i of the frame. */
static struct ear_sink_pos place_of(const struct ear_spool *s,
	const struct ear_lane_pos *at, uint32_t records)
{
	return (struct ear_sink_pos){
		{s->id << 32 | at->file, at->offset, at->frame, records}};
}

/*
 * How many wait from earlier runs was written down, but not to the last
 * message: when all of them were read, it is known.
 */
static void count_earlier(
	struct ear_spool *s, const struct ear_frame *f, size_t n)
{
	struct spool_out *o = &s->out;

	if (o->past_earlier)
		return;
	if (f && f->next.file < ear_lane_first_file(s->lane)) {
		if (!spool_before(&o->counted, &f->next))
			return;
		o->counted = f->next;
		o->seen_earlier += n;
	} else {
		o->past_earlier = true;
	}
	pthread_mutex_lock(&s->lock);
	if (o->past_earlier || s->earlier < o->seen_earlier)
		s->earlier = o->seen_earlier;
	if (!s->oldest_ns && n)
		s->oldest_ns = o->v[o->at].seen_ns;
	pthread_mutex_unlock(&s->lock);
}

/* The frame that was read becomes the one in work. */
static bool take_frame(struct ear_spool *s)
{
	struct spool_out *o = &s->out;
	struct ear_lane_pos start = start_of(&o->frame);
	struct ear_record record;
	struct ear_slice bytes;
	struct flight *flight;
	size_t at = 0;

	o->n = 0;
	while (ear_frame_next(&o->frame, &at, &record, &bytes))
		add_record(o, &record, bytes);
	if (o->n < o->frame.records)
		return false;
	for (size_t i = 0; i < o->n; i++)
		o->v[i].next = i + 1 < o->n
				       ? place_of(s, &start, (uint32_t)i + 1)
				       : place_of(s, &o->frame.next, 0);
	o->at = same(&start, &o->done) ? o->done_records : 0;
	if (o->at > o->n)
		o->at = o->n;
	o->read = false;
	count_earlier(s, &o->frame, o->n - o->at);
	if (o->at == o->n)
		return true;
	flight = &o->flight[(o->first + o->flights++) % WINDOW];
	o->handed += o->n - o->at;
	*flight = (struct flight){
		.end = o->handed,
		.records = (uint32_t)o->n,
		.seen_ns = o->v[o->at].seen_ns,
		.start = start,
		.next = o->frame.next,
	};
	return true;
}

/* Have something in v to hand over. @return false when there is nothing now */
static bool fill(struct ear_spool *s)
{
	struct spool_out *o = &s->out;

	while (o->at == o->n) {
		struct ear_fault fault = {0};

		if (o->flights == WINDOW)
			return false;
		if (!o->read && ear_lane_read(s->lane, &o->frame, &fault)) {
			count_earlier(s, NULL, 0);
			return false;
		}
		o->read = true;
		if (comes_again(s, &o->frame)) {
			o->read = false;
			continue;
		}
		if (!is_committed(s, &o->frame) || !take_frame(s))
			return false;
	}
	return true;
}

/* --- positions --------------------------------------------------------- */

/* Read again from what is safe on. */
static void rewind_to(
	struct ear_spool *s, const struct ear_lane_pos *pos, uint32_t records)
{
	struct spool_out *o = &s->out;

	o->done = *pos;
	o->done_records = records;
	o->read = false;
	o->n = o->at = 0;
	o->first = o->flights = 0;
	o->handed = o->safe = o->refused = 0;
	ear_lane_seek(s->lane, pos);
}

static void publish(struct ear_spool *s, uint64_t delta, uint64_t refused)
{
	struct spool_out *o = &s->out;
	uint64_t now_ns = ear_now_ns();

	ear_tally_add(s->tally, EAR_N_DELIVERED, delta - refused, now_ns);
	if (refused)
		ear_tally_add(s->tally, EAR_N_MIRROR_REFUSED, refused, now_ns);
	pthread_mutex_lock(&s->lock);
	s->done += delta;
	s->delivered += delta - refused;
	s->lost += refused;
	s->oldest_ns = 0;
	if (o->flights)
		s->oldest_ns = o->flight[o->first].seen_ns;
	else if (s->put + s->earlier > s->done)
		s->oldest_ns = o->last_seen_ns; /* the next is younger */
	s->places.done[0] = o->done.file;
	s->places.done[1] = o->done.offset;
	s->places.done[2] = o->done.frame;
	s->places.done[3] = o->done_records;
	spool_places(s);
	pthread_mutex_unlock(&s->lock);
}

/* So many records of the session are safe. */
static void settle(struct ear_spool *s, uint64_t safe)
{
	struct spool_out *o = &s->out;
	uint64_t delta = safe - o->safe;
	uint64_t refused = o->refused < delta ? o->refused : delta;
	bool whole = false;

	if (safe <= o->safe || safe > o->handed)
		return;
	o->safe = safe;
	o->refused -= refused;
	while (o->flights && o->flight[o->first].end <= safe) {
		o->done = o->flight[o->first].next;
		o->done_records = 0;
		o->first = (o->first + 1) % WINDOW;
		o->flights--;
		whole = true;
	}
	if (o->flights) {
		const struct flight *f = &o->flight[o->first];
		uint64_t left = f->end - safe;

		if (left < f->records) {
			o->done = f->start;
			o->done_records = f->records - (uint32_t)left;
		}
	}
	publish(s, delta, refused);
	if (whole)
		ear_lane_done(s->lane, &o->done);
}

/*
 * The far side keeps our place and it is another than ours: it is right, for
 * its rows and its place were committed together. One that another spool wrote
 * says nothing of us.
 */
static void go_where_told(struct ear_spool *s, const struct ear_sink_pos *told)
{
	const struct ear_lane_pos pos = {
		.file = told->v[0] & UINT32_MAX,
		.offset = told->v[1],
		.frame = told->v[2],
	};
	bool ahead;

	pthread_mutex_lock(&s->lock);
	ahead = spool_before(&s->committed, &pos);
	pthread_mutex_unlock(&s->lock);
	if (told->v[0] >> 32 != s->id || ahead) {
		spool_tell(s, "mirror.position",
			"mirror %s: the far side keeps the position of another "
			"spool; what waits here is delivered from here's own",
			s->name);
		return;
	}
	rewind_to(s, &pos, (uint32_t)told->v[3]);
}

/* --- sessions ---------------------------------------------------------- */

static void set_state(struct ear_spool *s, bool connected, const char *trouble)
{
	pthread_mutex_lock(&s->lock);
	if (s->connected != connected || (!connected && !s->trouble[0]))
		s->since_ns = ear_now_ns();
	s->connected = connected;
	snprintf(s->trouble, sizeof(s->trouble), "%s", trouble);
	pthread_mutex_unlock(&s->lock);
}

static void session_over(struct ear_spool *s, const struct ear_fault *fault)
{
	struct spool_out *o = &s->out;

	o->sink->ops->end(o->sink);
	o->session = false;
	rewind_to(s,
		&(struct ear_lane_pos){
			o->done.file, o->done.offset, o->done.frame},
		o->done_records);
	o->wait_ns = o->wait_ns ? 2 * o->wait_ns : WAIT_FIRST;
	if (o->wait_ns > WAIT_MOST)
		o->wait_ns = WAIT_MOST;
	o->retry_at_ns = ear_mono_ns() + o->wait_ns;
	set_state(s, false, fault->text);
	if (!o->told_down)
		spool_tell(s, "mirror.down",
			"mirror %s: %s; messages for it wait on disk", s->name,
			fault->text);
	o->told_down = true;
}

static void begin_session(struct ear_spool *s)
{
	struct spool_out *o = &s->out;
	struct ear_fault fault = {0};
	struct ear_sink_pos ours = place_of(s, &o->done, o->done_records);
	struct ear_sink_pos pos = ours;

	if (o->sink->ops->begin(o->sink, &pos, &fault)) {
		session_over(s, &fault);
		return;
	}
	o->session = true;
	o->up_at_ns = ear_mono_ns();
	/* what was read ahead is this session's */
	rewind_to(s,
		&(struct ear_lane_pos){
			o->done.file, o->done.offset, o->done.frame},
		o->done_records);
	if (memcmp(&pos, &ours, sizeof(pos)) != 0)
		go_where_told(s, &pos);
	set_state(s, true, "");
}

/* It has stood for a while: it is up, and the next trouble is a new one. */
static void session_stands(struct ear_spool *s)
{
	struct spool_out *o = &s->out;
	struct ear_spool_stats stats;

	if ((!o->wait_ns && !o->told_down) ||
		ear_mono_ns() - o->up_at_ns < STANDS_NS)
		return;
	o->wait_ns = 0;
	if (!o->told_down)
		return;
	o->told_down = false;
	ear_spool_stats(s, &stats);
	spool_tell(s, "mirror.up",
		"mirror %s: connected again; %" PRIu64 " messages wait",
		s->name, stats.waiting);
}

/* Another sink was put behind the spool. */
static void change_sink(struct ear_spool *s)
{
	struct spool_out *o = &s->out;
	struct ear_sink *old = o->sink, *next;

	pthread_mutex_lock(&s->lock);
	next = s->next_sink;
	s->next_sink = NULL;
	if (next)
		o->sink = next;
	pthread_mutex_unlock(&s->lock);
	if (!next)
		return;
	old->ops->end(old);
	old->ops->close(&old);
	o->session = false;
	o->wait_ns = o->retry_at_ns = 0;
	rewind_to(s,
		&(struct ear_lane_pos){
			o->done.file, o->done.offset, o->done.frame},
		o->done_records);
}

/* --- the thread -------------------------------------------------------- */

/* @return whether something went on */
static bool turn(struct ear_spool *s)
{
	struct spool_out *o = &s->out;
	struct ear_fault fault = {0};
	uint64_t safe = o->safe;
	size_t handed = 0, refused = 0;
	enum ear_err err = EAR_OK;

	if (fill(s))
		err = o->sink->ops->deliver(o->sink, o->v + o->at, o->n - o->at,
			&handed, &refused, &fault);
	o->at += handed;
	if (handed)
		o->last_seen_ns = o->v[o->at - 1].seen_ns;
	o->refused += refused;
	if (!err)
		err = o->sink->ops->safe(o->sink, &safe, &fault);
	if (!err)
		settle(s, safe);
	if (err)
		session_over(s, &fault);
	return !err && handed;
}

void *spool_main(void *arg)
{
	struct ear_spool *s = arg;
	struct spool_out *o = &s->out;
	char name[16];

	snprintf(name, sizeof(name), "out-%.11s", s->name);
	ear_thread_self(name, EAR_WEIGHT_WORK);
	while (!atomic_load(&s->stop)) {
		change_sink(s);
		if (!o->session && ear_mono_ns() >= o->retry_at_ns)
			begin_session(s);
		if (!o->session) {
			fill(s); /* so that what waits is known */
			ear_journal_wait(s->journal, 100);
			continue;
		}
		session_stands(s);
		if (!turn(s))
			ear_journal_wait(s->journal, o->flights ? 20 : 200);
	}
	o->sink->ops->end(o->sink);
	return NULL;
}
