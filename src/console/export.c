/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET export: everything that matches, as a file, oldest first.
 *
 * A thread of the export pool searches and writes; the loop sends a piece
 * when the client has taken the one before, and the thread waits meanwhile,
 * so that an export of any size costs two pieces of memory. The beginning is
 * held back for a while: a file that fits there is sent whole, with its
 * length and a header that says whether it is complete. A longer one says so
 * at its end, and one that has no place for that is cut off, so that nobody
 * takes the part for the whole.
 */
#include "console/export.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/time.h"
#include "console/found.h"
#include "console/priv.h"

#define HOLD (1u << 20)
#define PIECE (256u << 10)

struct export
{
	struct ear_call *call;
	const struct ear_export_format *format;
	struct ear_asked asked;
	struct ear_found found;
	struct ear_found known; /* of losses, when the search began */
	bool whole;             /* the search itself went to its end */
	struct ear_fault fault;
	enum ear_err err; /* the first */
	char name[96];    /* Content-Disposition */

	/* the thread's */
	struct ear_buf piece;
	void *state; /* of the format */
	bool streaming;

	/* between both, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct ear_buf ready;
	bool gone;
	bool posted;
	struct ear_post post;

	/* the loop's */
	bool started;
	bool sending;
	bool finished; /* the thread is done with it */
};

/* --- on the loop -------------------------------------------------------- */

static void free_export(struct export *x)
{
	ear_asked_fini(&x->asked);
	ear_buf_fini(&x->piece);
	ear_buf_fini(&x->ready);
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->taken);
	free(x);
}

/* So that the client's download fails instead of ending well. */
static void cut_off(struct ear_call *call)
{
	struct evhttp_connection *conn =
		evhttp_request_get_connection(call->http);

	if (conn)
		shutdown(bufferevent_getfd(
				 evhttp_connection_get_bufferevent(conn)),
			SHUT_RDWR);
}

static void add_file_headers(struct export *x)
{
	evhttp_add_header(evhttp_request_get_output_headers(x->call->http),
		"Content-Disposition", x->name);
	x->call->type = x->format->type;
}

static void send_whole(struct export *x)
{
	struct ear_call *call = x->call;
	struct evkeyvalq *h = evhttp_request_get_output_headers(call->http);

	if (x->err) {
		ear_call_fault(call, x->err, &x->fault);
	} else {
		add_file_headers(x);
		evhttp_add_header(h, "X-Earshot-Complete",
			x->found.complete ? "yes" : "no");
		if (!x->found.complete)
			evhttp_add_header(h, "X-Earshot-Why", x->found.why);
		call->out = x->piece;
		x->piece = (struct ear_buf){0};
	}
	ear_call_send(call);
}

static void end(struct export *x)
{
	struct ear_call *call = x->call;

	if (!x->started) {
		send_whole(x);
	} else {
		/* what was lost before is no reason to fail: it would again */
		if (x->err || (!x->whole && !x->format->tells))
			cut_off(call);
		evhttp_send_reply_end(call->http);
		ear_call_free(call);
	}
	free_export(x);
}

static void flush(struct export *x);

static void drained(struct evhttp_connection *conn, void *arg)
{
	struct export *x = arg;

	x->sending = false;
	flush(x);
}

static struct ear_buf take_ready(struct export *x)
{
	struct ear_buf ready;

	pthread_mutex_lock(&x->lock);
	ready = x->ready;
	x->ready = (struct ear_buf){0};
	pthread_cond_signal(&x->taken);
	pthread_mutex_unlock(&x->lock);
	return ready;
}

/* What will be missing, as far as it is known before the search ends. */
static void add_known(struct export *x)
{
	struct evkeyvalq *h = evhttp_request_get_output_headers(x->call->http);

	if (x->known.complete)
		return;
	evhttp_add_header(h, "X-Earshot-Complete", "no");
	evhttp_add_header(h, "X-Earshot-Why", x->known.why);
}

static void send_piece(struct export *x, struct ear_slice piece)
{
	struct evbuffer *chunk = evbuffer_new();

	if (!x->started) {
		x->started = true;
		add_file_headers(x);
		add_known(x);
		ear_call_headers(x->call);
		evhttp_send_reply_start(
			x->call->http, 200, ear_http_reason(200));
	}
	if (chunk && evbuffer_add(chunk, piece.p, piece.n) == 0) {
		x->sending = true;
		evhttp_send_reply_chunk_with_cb(
			x->call->http, chunk, drained, x);
	} else {
		x->err = EAR_NOMEM;
		ear_call_stop(x->call);
	}
	if (chunk)
		evbuffer_free(chunk);
}

static void flush(struct export *x)
{
	struct ear_buf ready;

	if (x->sending)
		return;
	ready = take_ready(x);
	if (ready.n > 0)
		send_piece(x, ear_buf_view(&ready));
	else if (x->finished && x->started && x->piece.n > 0) {
		/* what was left when the search ended */
		ready = x->piece;
		x->piece = (struct ear_buf){0};
		send_piece(x, ear_buf_view(&ready));
	} else if (x->finished) {
		end(x);
	}
	ear_buf_fini(&ready);
}

static void flush_posted(struct ear_post *post)
{
	struct export *x =
		(struct export *)((char *)post - offsetof(struct export, post));

	pthread_mutex_lock(&x->lock);
	x->posted = false;
	pthread_mutex_unlock(&x->lock);
	flush(x);
}

static void finished(struct ear_post *post)
{
	struct ear_call *call =
		(struct ear_call *)((char *)post -
				    offsetof(struct ear_call, task.post));
	struct export *x = call->stream;

	x->finished = true;
	if (x->gone)
		end(x);
	else
		flush(x);
}

static void leave(struct ear_call *call)
{
	struct export *x = call->stream;

	ear_call_stop(call);
	pthread_mutex_lock(&x->lock);
	x->gone = true;
	pthread_cond_signal(&x->taken);
	pthread_mutex_unlock(&x->lock);
	if (x->finished)
		end(x);
}

/* --- on the thread ------------------------------------------------------ */

/* @return false when there is no sense in going on */
static bool hand_over(struct export *x)
{
	bool gone;

	pthread_mutex_lock(&x->lock);
	while (x->ready.n > 0 && !x->gone)
		pthread_cond_wait(&x->taken, &x->lock);
	gone = x->gone;
	if (!gone) {
		x->ready = x->piece;
		x->piece = (struct ear_buf){0};
		/* the loop may have taken the piece before on its own, and
		 * the word of it still be under way */
		if (!x->posted)
			ear_console_post(x->call->console, &x->post);
		x->posted = true;
	}
	pthread_mutex_unlock(&x->lock);
	x->streaming = true;
	return !gone;
}

static bool add_message(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct export *x = arg;
	struct ear_store *store = x->call->console->o.store;
	char id[40] = "";

	store->ops->id_text(store, msg, facts, id);
	x->err = x->format->message(x->state, msg, facts, id, &x->piece);
	if (x->err)
		return false;
	return x->piece.n < (x->streaming ? PIECE : HOLD) || hand_over(x);
}

static void run(struct ear_job *job)
{
	struct ear_call *call = (struct ear_call *)job;
	struct ear_store *store = call->console->o.store;
	struct export *x = call->stream;
	enum ear_err err = EAR_OK;

	x->known = (struct ear_found){.complete = true,
		.done_from_ns = x->asked.query.from_ns,
		.done_to_ns = x->asked.query.to_ns};
	ear_found_tell(call, &x->asked, &x->known);
	if (x->format->begin)
		x->err = x->format->begin(&x->piece, &x->state);
	if (!x->err)
		err = store->ops->find(store, &x->asked.query, add_message, x,
			&x->found, &x->fault);
	if (!x->err)
		x->err = err;
	x->whole = x->found.complete;
	ear_found_tell(call, &x->asked, &x->found);
	err = x->format->end(x->state, &x->found, &x->asked, &x->piece);
	if (!x->err)
		x->err = err;
}

/* --- where it begins ---------------------------------------------------- */

static void name_file(struct export *x)
{
	time_t at = (time_t)(x->asked.now_ns / EAR_SECOND_NS);
	char text[32];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(x->name, sizeof(x->name),
		"attachment; filename=\"earshot-%s.%s\"", text,
		x->format->suffix);
}

static struct export *new_export(
	struct ear_call *call, const struct ear_export_format *format)
{
	struct export *x = calloc(1, sizeof(*x));

	if (!x) {
		ear_call_fail(call, 503, "out of memory");
		return NULL;
	}
	x->call = call;
	x->format = format;
	x->post.fn = flush_posted;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->taken, NULL);
	if (!ear_asked_init(&x->asked, call)) {
		free_export(x);
		return NULL;
	}
	x->asked.query.oldest_first = true;
	x->asked.query.deadline_ns = 0;
	name_file(x);
	return x;
}

void ear_export_start(struct ear_call *call)
{
	const struct ear_export_format *format =
		ear_export_format(ear_call_arg(call, "format"));
	struct export *x = NULL;

	if (format)
		x = new_export(call, format);
	else
		ear_call_fail(call, 400, "format is pcap, text or json");
	if (!x) {
		ear_call_send(call);
		return;
	}
	call->stream = x;
	call->task.job.run = run;
	call->task.post.fn = finished;
	if (ear_pool_put(call->console->exports, &call->task.job)) {
		free_export(x);
		call->stream = NULL;
		call->retry_after_s = 5;
		ear_call_fail(call, 503, "too many exports at once");
		ear_call_send(call);
		return;
	}
	call->gone = leave;
}
