/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/tracking.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/time.h"
#include "flow/status.h"

/* Rows are found by lists about so long after what they tell of. */
#define COMMIT_NS EAR_SECOND_NS
/* Or when so many wait. */
#define COMMIT_ROWS 50000
/* And so many are as much as memory is for: some 60 MB, and as much again in
 * the batch that is being written. */
#define MOST_ROWS 100000

/* How far files were read, beside the marks of the journal's lanes. */
#define FILES "files"

struct ear_tracking {
	struct ear_track *track;
	struct ear_track_options options;
	struct ear_track_out rows;
	struct ear_records *records;
	bool files;            /* its input is files */
	bool first;            /* the next message is a file's first */
	uint64_t at_ns;        /* latest time of a message */
	uint64_t mono_ns;      /* when the last one was taken, about */
	uint64_t committed_ns; /* monotonic */
	bool taken;            /* something, since the last commit */
	pthread_mutex_t lock;  /* of stats */
	struct ear_track_stats stats;
};

struct ear_tracking_spec ear_tracking_defaults(void)
{
	return (struct ear_tracking_spec){
		.keep = true,
		.track.calls.join_legs = true,
		.max_age_ns = 400 * 86400 * EAR_SECOND_NS,
	};
}

static void restore(
	uint8_t part, uint64_t key, struct ear_slice state, void *arg)
{
	struct ear_tracking *t = arg;

	ear_track_restore(t->track, part, key, state);
}

static void see_stats(struct ear_tracking *t)
{
	struct ear_track_stats stats = {0};

	ear_track_stats(t->track, &stats);
	pthread_mutex_lock(&t->lock);
	t->stats = stats;
	pthread_mutex_unlock(&t->lock);
}

enum ear_err ear_tracking_new(const struct ear_tracking_options *options,
	struct ear_tracking **out, struct ear_fault *fault)
{
	struct ear_tracking *t = calloc(1, sizeof(*t));
	enum ear_err err;

	*out = NULL;
	if (!t)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	pthread_mutex_init(&t->lock, NULL);
	t->options = options->track;
	err = ear_records_open(&options->records, &t->records, fault);
	if (!err) {
		ear_records_out(t->records, &t->rows);
		err = ear_track_new(&t->options, &t->rows, &t->track);
		if (err)
			ear_fail(fault, err, 0, "out of memory");
	}
	if (!err)
		err = ear_records_states(t->records, restore, t, fault);
	if (err)
		ear_tracking_free(&t);
	else
		see_stats(t);
	*out = t;
	return err;
}

void ear_tracking_free(struct ear_tracking **tp)
{
	struct ear_tracking *t = *tp;

	if (!t)
		return;
	if (t->track && t->records)
		ear_track_save(t->track);
	ear_records_close(&t->records);
	ear_track_free(&t->track);
	pthread_mutex_destroy(&t->lock);
	free(t);
	*tp = NULL;
}

static void forget(
	uint8_t part, uint64_t key, struct ear_slice state, void *arg)
{
	struct ear_tracking *t = arg;

	(void)state;
	t->rows.state(part, key, EAR_S(""), t->rows.arg);
}

/* Rows stay; what lasted is not carried on. */
static void start_over(struct ear_tracking *t)
{
	struct ear_track *track = NULL;
	struct ear_fault fault = {0};

	ear_track_save(t->track);
	if (ear_records_flush(t->records, &fault) ||
		ear_track_new(&t->options, &t->rows, &track))
		return;
	if (ear_records_states(t->records, forget, t, &fault)) {
		ear_track_free(&track);
		return;
	}
	ear_track_free(&t->track);
	t->track = track;
	t->at_ns = 0;
}

void ear_tracking_begin(struct ear_tracking *t)
{
	struct ear_records_mark mark;

	if (!t->files && !ear_records_marked(t->records, FILES, &mark))
		t->at_ns = mark.v[0];
	t->files = true;
	t->first = true;
}

/* A clock that is ahead of ours is its agent's alone: by its time all that
 * the others have would expire. */
static uint64_t time_of(const struct ear_msg *msg)
{
	return msg->seen_ns && msg->at_ns > msg->seen_ns ? msg->seen_ns
							 : msg->at_ns;
}

void ear_tracking_take(struct ear_tracking *t, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct ear_msg own;
	uint64_t at_ns;

	/* a file has one clock, which may be ahead of this machine's */
	if (t->files && msg->at_ns > msg->seen_ns) {
		own = *msg;
		own.seen_ns = 0;
		msg = &own;
	}
	at_ns = time_of(msg);
	if (t->first && t->at_ns >= at_ns)
		start_over(t);
	/* or goes on, maybe days later: its time is believed at once */
	else if (t->first && t->at_ns)
		ear_track_tick(t->track, at_ns);
	t->first = false;
	if (at_ns > t->at_ns)
		t->at_ns = at_ns;
	t->taken = true;
	ear_track_take(t->track, msg, facts);
}

bool ear_tracking_due(const struct ear_tracking *t, uint64_t mono_ns)
{
	return mono_ns - t->committed_ns >= COMMIT_NS ||
	       ear_records_waiting(t->records) >= COMMIT_ROWS;
}

bool ear_tracking_ready(struct ear_tracking *t)
{
	return ear_records_ready(t->records);
}

bool ear_tracking_crowded(const struct ear_tracking *t)
{
	return ear_records_waiting(t->records) >= MOST_ROWS;
}

/* The same position, in the other's words. */
static struct ear_records_mark records_mark(const struct ear_store_mark *mark)
{
	struct ear_records_mark m;

	memcpy(m.name, mark->name, sizeof(m.name));
	memcpy(m.v, mark->v, sizeof(m.v));
	return m;
}

void ear_tracking_mark(
	struct ear_tracking *t, const struct ear_store_mark *mark)
{
	struct ear_records_mark m = records_mark(mark);

	ear_records_mark(t->records, &m);
}

enum ear_err ear_tracking_marked(
	struct ear_tracking *t, const char *name, struct ear_store_mark *mark)
{
	struct ear_records_mark m;
	enum ear_err err = ear_records_marked(t->records, name, &m);

	if (err)
		return err;
	memcpy(mark->name, m.name, sizeof(mark->name));
	memcpy(mark->v, m.v, sizeof(mark->v));
	return EAR_OK;
}

/*
 * Time goes on while nothing comes: from the last message's own time, so that
 * old traffic that is sent again does not end for being old.
 */
static void tick(struct ear_tracking *t, uint64_t mono_ns, bool live)
{
	if (t->taken || !live || !t->mono_ns) {
		t->mono_ns = mono_ns;
		if (t->at_ns)
			ear_track_tick(t->track, t->at_ns);
	} else if (t->at_ns) {
		ear_track_tick(t->track, t->at_ns + (mono_ns - t->mono_ns));
	}
	t->taken = false;
}

/* What goes with the next commit. */
static void save(struct ear_tracking *t)
{
	ear_track_save(t->track);
	if (t->files)
		ear_records_mark(
			t->records, &(struct ear_records_mark){
					    .name = FILES, .v = {t->at_ns}});
}

void ear_tracking_commit(struct ear_tracking *t, uint64_t mono_ns, bool live,
	const volatile bool *stop)
{
	tick(t, mono_ns, live);
	save(t);
	ear_records_commit(t->records, stop);
	t->committed_ns = mono_ns;
	see_stats(t);
}

enum ear_err ear_tracking_flush(struct ear_tracking *t, struct ear_fault *fault)
{
	save(t);
	see_stats(t);
	return ear_records_flush(t->records, fault);
}

void ear_tracking_end(struct ear_tracking *t)
{
	ear_track_end(t->track);
}

struct ear_records *ear_tracking_records(struct ear_tracking *t)
{
	return t->records;
}

static void calls_json(struct ear_json *j, const struct ear_calls_stats *s)
{
	ear_json_key(j, "calls");
	ear_json_open(j, '{');
	ear_json_ku64(j, "open", s->open);
	ear_json_ku64(j, "total", s->total);
	for (int d = EAR_CALL_ANSWERED; d <= EAR_CALL_FAILED; d++) {
		static const char *const key[] = {
			NULL, "answered", "no_answer", "busy", "failed"};

		ear_json_ku64(j, key[d], s->by[d]);
	}
	ear_json_ku64(j, "given_up", s->evicted);
	ear_json_ku64(j, "bytes", s->bytes);
	ear_json_close(j, '}');
}

static void presence_json(
	struct ear_json *j, const struct ear_presence_stats *s)
{
	ear_json_key(j, "sessions");
	ear_json_open(j, '{');
	ear_json_ku64(j, "bindings", s->bindings);
	ear_json_ku64(j, "connections", s->connections);
	ear_json_ku64(j, "pending", s->pending);
	ear_json_ku64(j, "connected", s->connected);
	ear_json_ku64(j, "registered", s->registered);
	ear_json_ku64(j, "unregistered", s->unregistered);
	ear_json_ku64(j, "disconnected", s->disconnected);
	ear_json_ku64(j, "refused", s->refused);
	ear_json_ku64(j, "given_up", s->evicted);
	ear_json_ku64(j, "bytes", s->bytes);
	ear_json_close(j, '}');
}

void ear_tracking_json(struct ear_tracking *t, struct ear_json *j)
{
	struct ear_track_stats stats;

	pthread_mutex_lock(&t->lock);
	stats = t->stats;
	pthread_mutex_unlock(&t->lock);
	ear_json_key(j, "trackers");
	ear_json_open(j, '{');
	calls_json(j, &stats.calls);
	presence_json(j, &stats.presence);
	ear_json_close(j, '}');
	ear_status_records(j, t->records);
}
