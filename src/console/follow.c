/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET follow: new messages as they come, as server-sent events.
 *
 * One thread asks the store for all followers in turn, a few times a second,
 * and writes what is new into the follower's bounded buffer; the loop sends
 * it when the client has taken what was sent before. Who is too slow is told
 * how much was left out.
 *
 * New is what has a higher number than the last one seen: stores number
 * messages as they come (the low half of msg->id), in runs (the high half), of
 * which several may grow at once. Their capture times may lie back (a sender's
 * clock, an import), so each question looks back over a span: as long as the
 * store answers quickly, an hour; under load less, down to seconds.
 */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "console/priv.h"
#include "message/msg_json.h"

#define POLL_MS 250
#define COMMENT_NS (15 * EAR_SECOND_NS)
/* Events that a client has not taken; then they are left out. */
#define PENDING_MAX (256u << 10)
/* Messages given at once; nobody reads faster. */
#define BURST 500
/* The span to look back over, and what a question may take. */
#define BACK_MOST (3600 * EAR_SECOND_NS)
#define BACK_LEAST (5 * EAR_SECOND_NS)
#define SLOW_NS (50 * EAR_MS_NS)
#define QUICK_NS (10 * EAR_MS_NS)
#define QUESTION_NS (500 * EAR_MS_NS)
/* How much later than it was received a message may be found, at most. */
#define COMMIT_NS (30 * EAR_SECOND_NS)
/* Runs of numbers that grow at once: of the server, of imports beside it. */
#define RUNS 16

struct follower {
	struct ear_follow *follow;
	struct follower *next; /* of all */
	unsigned refs;         /* list, thread, post; under the lock */
	bool left;             /* under the lock */

	/* the thread's */
	struct ear_buf q;
	uint64_t began_ns;
	uint64_t last_id[RUNS]; /* highest seen of each run; 0: free place */
	uint64_t back_ns;
	uint64_t quiet_since; /* monotonic */

	/* between thread and loop, under the lock */
	struct ear_buf pending;
	uint64_t skipped;
	bool posted;
	struct ear_post post;

	/* the loop's */
	struct ear_call *call;
	bool sending;
};

struct ear_follow {
	struct ear_console *console;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct follower *first;
	unsigned n;
	bool stop;
	struct ear_buf events; /* the thread's, of the follower in turn */
};

/* With the lock held. */
static void unref(struct follower *f)
{
	if (--f->refs > 0)
		return;
	ear_buf_fini(&f->q);
	ear_buf_fini(&f->pending);
	free(f);
}

/* --- on the loop -------------------------------------------------------- */

static void flush(struct follower *f);

static void drained(struct evhttp_connection *conn, void *arg)
{
	struct follower *f = arg;

	f->sending = false;
	flush(f);
}

static void send_events(struct follower *f, struct ear_slice events)
{
	struct evbuffer *chunk = evbuffer_new();

	if (chunk && evbuffer_add(chunk, events.p, events.n) == 0) {
		f->sending = true;
		evhttp_send_reply_chunk_with_cb(
			f->call->http, chunk, drained, f);
	}
	if (chunk)
		evbuffer_free(chunk);
}

static void flush(struct follower *f)
{
	struct ear_buf events = {0};
	uint64_t skipped;

	if (f->sending || !f->call)
		return;
	pthread_mutex_lock(&f->follow->lock);
	events = f->pending;
	f->pending = (struct ear_buf){.max = PENDING_MAX};
	skipped = f->skipped;
	f->skipped = 0;
	pthread_mutex_unlock(&f->follow->lock);
	events.max = 0;
	if (skipped)
		ear_buf_printf(&events,
			"event: lag\ndata: {\"skipped\":%llu}\n\n",
			(unsigned long long)skipped);
	if (events.n > 0)
		send_events(f, ear_buf_view(&events));
	ear_buf_fini(&events);
}

static void flush_posted(struct ear_post *post)
{
	struct follower *f =
		(struct follower *)((char *)post -
				    offsetof(struct follower, post));
	struct ear_follow *follow = f->follow;

	pthread_mutex_lock(&follow->lock);
	f->posted = false;
	pthread_mutex_unlock(&follow->lock);
	flush(f);
	pthread_mutex_lock(&follow->lock);
	unref(f);
	pthread_mutex_unlock(&follow->lock);
}

static void leave(struct ear_call *call)
{
	struct follower *f = call->stream, **at;
	struct ear_follow *follow = f->follow;

	evhttp_send_reply_end(call->http);
	f->call = NULL;
	ear_call_free(call);
	pthread_mutex_lock(&follow->lock);
	for (at = &follow->first; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	follow->n--;
	f->left = true;
	unref(f);
	pthread_mutex_unlock(&follow->lock);
}

static void join(struct follower *f)
{
	struct ear_follow *follow = f->follow;
	struct ear_call *call = f->call;

	call->stream = f;
	call->gone = leave;
	call->type = "text/event-stream";
	ear_call_headers(call);
	evhttp_send_reply_start(call->http, 200, ear_http_reason(200));
	send_events(f, EAR_S("retry: 3000\n: here\n\n"));
	pthread_mutex_lock(&follow->lock);
	f->next = follow->first;
	follow->first = f;
	follow->n++;
	pthread_cond_signal(&follow->wake);
	pthread_mutex_unlock(&follow->lock);
}

static bool is_full(struct ear_follow *follow)
{
	bool full;

	pthread_mutex_lock(&follow->lock);
	full = follow->n >= follow->console->o.followers;
	pthread_mutex_unlock(&follow->lock);
	return full;
}

void ear_follow_start(struct ear_call *call)
{
	struct ear_follow *follow = call->console->follow;
	struct ear_slice q = ear_call_arg(call, "q");
	struct ear_fault fault = {0};
	struct ear_expr *expr = NULL;
	struct follower *f = NULL;
	enum ear_err err;

	/* only to say what is wrong with it; the thread compiles its own */
	err = ear_expr_new(q, ear_now_ns(), &expr, &fault);
	ear_expr_free(&expr);
	if (err) {
		ear_call_fault(call, err, &fault);
	} else if (is_full(follow)) {
		call->retry_after_s = 5;
		ear_call_fail(call, 503, "too many are following already");
	} else {
		f = calloc(1, sizeof(*f));
		if (f)
			ear_buf_slice(&f->q, q);
		if (!f || f->q.err) {
			free(f);
			f = NULL;
			ear_call_fail(call, 503, "out of memory");
		}
	}
	if (!f) {
		ear_call_send(call);
		return;
	}
	f->follow = follow;
	f->refs = 1;
	f->call = call;
	f->began_ns = ear_now_ns();
	f->back_ns = BACK_MOST;
	f->quiet_since = ear_mono_ns();
	f->pending.max = PENDING_MAX;
	/* noted and counted now: it may go on for days */
	ear_call_audit(call, "follow", true, q, EAR_S(""));
	ear_call_ended(call);
	join(f);
}

/* --- on the thread ------------------------------------------------------ */

struct turn {
	struct follower *f;
	struct ear_store *store;
	struct ear_buf *events;
	size_t ends[BURST]; /* where each event ends: newest first */
	size_t n;
	uint64_t left_out;
	uint64_t last_id[RUNS];
};

/* The place of a run; for a new one that of the oldest. */
static size_t run_of(const uint64_t last_id[RUNS], uint64_t id)
{
	size_t least = 0;

	for (size_t i = 0; i < RUNS; i++) {
		if (last_id[i] >> 32 == id >> 32 && last_id[i])
			return i;
		if (last_id[i] < last_id[least])
			least = i;
	}
	return least;
}

/* Whether it was not there in the last turn; then it counts for the next. */
static bool is_new(struct turn *t, const struct ear_msg *msg)
{
	const uint64_t *seen = t->f->last_id;
	uint64_t last = seen[run_of(seen, msg->id)];
	uint64_t *now = &t->last_id[run_of(t->last_id, msg->id)];

	if (msg->seen_ns < t->f->began_ns ||
		(last >> 32 == msg->id >> 32 && last >= msg->id))
		return false;
	if (*now >> 32 != msg->id >> 32 || *now < msg->id)
		*now = msg->id;
	return true;
}

static bool add_event(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct turn *t = arg;
	struct ear_json j = ear_json(t->events);
	char id[40] = "";

	if (!is_new(t, msg))
		return true;
	if (t->n == BURST || t->events->n >= PENDING_MAX) {
		t->left_out++;
		return true;
	}
	t->store->ops->id_text(t->store, msg, facts, id);
	ear_buf_printf(t->events, "event: message\nid: %s\ndata: ", id);
	ear_msg_json(&j, msg, facts, ear_slice_str(id));
	ear_buf_str(t->events, "\n\n");
	t->ends[t->n++] = t->events->n;
	return true;
}

/* The store gives the newest first, so that a burst keeps the newest; the
 * reader wants them in their order. */
static void hand_over(struct turn *t)
{
	struct follower *f = t->f;
	struct ear_follow *follow = f->follow;

	pthread_mutex_lock(&follow->lock);
	f->skipped += t->left_out;
	for (size_t i = t->n; i-- > 0;) {
		size_t from = i ? t->ends[i - 1] : 0;

		if (f->pending.n + t->ends[i] - from > PENDING_MAX) {
			f->skipped++;
			continue;
		}
		ear_buf_slice(
			&f->pending, ear_slice_sub(ear_buf_view(t->events),
					     from, t->ends[i]));
	}
	if (ear_mono_ns() - f->quiet_since >= COMMENT_NS && f->pending.n == 0)
		ear_buf_str(&f->pending, ": still here\n\n");
	if (f->pending.n > 0 || f->skipped)
		f->quiet_since = ear_mono_ns();
	if ((f->pending.n > 0 || f->skipped) && !f->posted && !f->left) {
		f->posted = true;
		f->refs++;
		f->post.fn = flush_posted;
		ear_console_post(follow->console, &f->post);
	}
	pthread_mutex_unlock(&follow->lock);
}

/* (q) and seen >= "…": what was found before does not count anew. */
static enum ear_err make_expr(
	struct follower *f, uint64_t now_ns, struct ear_expr **expr)
{
	uint64_t since = now_ns - COMMIT_NS;
	char text[EAR_TIME_TEXT];
	struct ear_buf b = {0};
	enum ear_err err;

	ear_time_text(since > f->began_ns ? since : f->began_ns, text);
	if (f->q.n > 0)
		ear_buf_printf(&b, "(%.*s) and ", EAR_FMT(ear_buf_view(&f->q)));
	ear_buf_printf(&b, "seen >= \"%s\"", text);
	err = b.err ? b.err
		    : ear_expr_new(ear_buf_view(&b), now_ns, expr, NULL);
	ear_buf_fini(&b);
	return err;
}

static void adapt(struct follower *f, uint64_t took_ns)
{
	if (took_ns > SLOW_NS)
		f->back_ns /= 2;
	else if (took_ns < QUICK_NS)
		f->back_ns *= 2;
	if (f->back_ns > BACK_MOST)
		f->back_ns = BACK_MOST;
	if (f->back_ns < BACK_LEAST)
		f->back_ns = BACK_LEAST;
}

static void serve(struct ear_follow *follow, struct follower *f)
{
	struct ear_store *store = follow->console->o.store;
	struct turn t = {.f = f, .store = store, .events = &follow->events};
	uint64_t now_ns = ear_now_ns(), began = ear_mono_ns();
	struct ear_query query = {.from_ns = now_ns - f->back_ns,
		.to_ns = UINT64_MAX,
		.limit = 2 * BURST,
		.deadline_ns = began + QUESTION_NS,
		.stop = &follow->stop};
	struct ear_found found = {0};
	struct ear_fault fault = {0};
	struct ear_expr *expr = NULL;

	memcpy(t.last_id, f->last_id, sizeof(t.last_id));
	ear_buf_reset(&follow->events);
	if (make_expr(f, now_ns, &expr))
		return;
	query.expr = expr;
	if (store->ops->find(store, &query, add_event, &t, &found, &fault))
		ear_log(EAR_WARN, "console.follow", "error", EAR_LS(fault.text),
			NULL);
	ear_expr_free(&expr);
	/* all of them new, and more behind: at least so many are missing */
	if (found.more && t.n + t.left_out == found.matched)
		t.left_out++;
	memcpy(f->last_id, t.last_id, sizeof(f->last_id));
	if (!follow->events.err)
		hand_over(&t);
	adapt(f, ear_mono_ns() - began);
}

static void wait_a_little(struct ear_follow *follow)
{
	if (!follow->first)
		pthread_cond_wait(&follow->wake, &follow->lock);
	else
		ear_cond_wait(&follow->wake, &follow->lock,
			ear_mono_ns() + POLL_MS * EAR_MS_NS);
}

static void *work(void *arg)
{
	struct ear_follow *follow = arg;
	struct follower *all[256];
	unsigned n;

	pthread_mutex_lock(&follow->lock);
	while (!follow->stop) {
		n = 0;
		for (struct follower *f = follow->first; f && n < 256;
			f = f->next) {
			f->refs++;
			all[n++] = f;
		}
		pthread_mutex_unlock(&follow->lock);
		for (unsigned i = 0; i < n; i++)
			serve(follow, all[i]);
		pthread_mutex_lock(&follow->lock);
		for (unsigned i = 0; i < n; i++)
			unref(all[i]);
		if (!follow->stop)
			wait_a_little(follow);
	}
	pthread_mutex_unlock(&follow->lock);
	return NULL;
}

enum ear_err ear_follow_new(struct ear_console *c, struct ear_follow **follow)
{
	struct ear_follow *w = calloc(1, sizeof(*w));

	*follow = NULL;
	if (!w)
		return EAR_NOMEM;
	w->console = c;
	pthread_mutex_init(&w->lock, NULL);
	ear_cond_init(&w->wake);
	if (pthread_create(&w->thread, NULL, work, w)) {
		free(w);
		return EAR_SYS;
	}
	pthread_setname_np(w->thread, "console-follow");
	*follow = w;
	return EAR_OK;
}

void ear_follow_stop(struct ear_follow *w)
{
	pthread_mutex_lock(&w->lock);
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
}

void ear_follow_free(struct ear_follow **follow)
{
	struct ear_follow *w = *follow;

	if (!w)
		return;
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	ear_buf_fini(&w->events);
	free(w);
	*follow = NULL;
}
