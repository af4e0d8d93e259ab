/* SPDX-License-Identifier: Apache-2.0 */
#include "console/stream.h"

#include <event2/buffer.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/time.h"
#include "console/priv.h"

#define HOLD (1u << 20)
#define PIECE (256u << 10)
/* A reader that takes nothing for so long gives way where others wait. */
#define STALLED_NS (10 * EAR_SECOND_NS)

void ear_stream_init(struct ear_stream *x, struct ear_call *call,
	const struct ear_stream_ops *ops)
{
	x->ops = ops;
	x->call = call;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->taken, NULL);
}

void ear_stream_fini(struct ear_stream *x)
{
	ear_buf_fini(&x->piece);
	ear_buf_fini(&x->ready);
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->taken);
}

/* --- on the loop -------------------------------------------------------- */

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

static void send_whole(struct ear_stream *x)
{
	struct ear_call *call = x->call;

	if (x->err) {
		ear_call_fault(call, x->err, &x->fault);
	} else {
		x->ops->headers(x, true);
		call->out = x->piece;
		x->piece = (struct ear_buf){0};
	}
	ear_call_send(call);
}

static void end(struct ear_stream *x)
{
	struct ear_call *call = x->call;

	if (!x->started) {
		send_whole(x);
	} else {
		if (x->err || !x->ops->whole(x))
			cut_off(call);
		ear_call_ended(call);
		evhttp_send_reply_end(call->http);
		ear_call_free(call);
	}
	x->ops->free(x);
}

static void flush(struct ear_stream *x);

static void drained(struct evhttp_connection *conn, void *arg)
{
	struct ear_stream *x = arg;

	x->sending = false;
	flush(x);
}

static struct ear_buf take_ready(struct ear_stream *x)
{
	struct ear_buf ready;

	pthread_mutex_lock(&x->lock);
	ready = x->ready;
	x->ready = (struct ear_buf){0};
	pthread_cond_signal(&x->taken);
	pthread_mutex_unlock(&x->lock);
	return ready;
}

static void send_piece(struct ear_stream *x, struct ear_slice piece)
{
	struct evbuffer *chunk = evbuffer_new();

	if (!x->started) {
		x->started = true;
		x->ops->headers(x, false);
		ear_call_headers(x->call);
		evhttp_send_reply_start(
			x->call->http, 200, ear_http_reason(200));
	}
	if (chunk && evbuffer_add(chunk, piece.p, piece.n) == 0) {
		x->sending = true;
		x->sent_ns = ear_mono_ns();
		evhttp_send_reply_chunk_with_cb(
			x->call->http, chunk, drained, x);
	} else {
		x->err = EAR_NOMEM;
		ear_call_stop(x->call);
	}
	if (chunk)
		evbuffer_free(chunk);
}

static void flush(struct ear_stream *x)
{
	struct ear_buf ready;

	if (x->sending)
		return;
	ready = take_ready(x);
	if (ready.n > 0)
		send_piece(x, ear_buf_view(&ready));
	else if (x->finished && x->started && x->piece.n > 0) {
		/* what was left when the thread ended */
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
	struct ear_stream *x =
		(struct ear_stream *)((char *)post -
				      offsetof(struct ear_stream, post));

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
	struct ear_stream *x = call->stream;

	x->finished = true;
	if (x->gone)
		end(x);
	else
		flush(x);
}

static void leave(struct ear_call *call)
{
	struct ear_stream *x = call->stream;

	ear_call_stop(call);
	pthread_mutex_lock(&x->lock);
	x->gone = true;
	pthread_cond_signal(&x->taken);
	pthread_mutex_unlock(&x->lock);
	if (x->finished)
		end(x);
}

/* --- on the thread ------------------------------------------------------ */

static bool hand_over(struct ear_stream *x)
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

bool ear_stream_room(struct ear_stream *x)
{
	if (x->piece.err && !x->err)
		x->err = x->piece.err;
	if (x->err)
		return false;
	return x->piece.n < (x->streaming ? PIECE : HOLD) || hand_over(x);
}

static void run(struct ear_job *job)
{
	struct ear_stream *x = ((struct ear_call *)job)->stream;

	x->ops->run(x);
	if (x->piece.err && !x->err)
		x->err = x->piece.err;
}

/* --- where it begins ---------------------------------------------------- */

static struct ear_stream *stream_of(const struct ear_call *call)
{
	return call->gone == leave ? call->stream : NULL;
}

static unsigned streams_of(const struct ear_console *c, const char *user)
{
	unsigned n = 0;

	for (const struct ear_call *call = c->calls; call; call = call->next)
		n += stream_of(call) && strcmp(call->user.name, user) == 0;
	return n;
}

void ear_streams_sweep(struct ear_console *c)
{
	uint64_t now = ear_mono_ns();
	struct ear_stream *longest = NULL;
	unsigned held = 0;

	for (struct ear_call *call = c->calls; call; call = call->next) {
		struct ear_stream *x = stream_of(call);

		if (!x || x->finished || x->gone)
			continue;
		held++;
		if (x->sending && now - x->sent_ns >= STALLED_NS &&
			(!longest || x->sent_ns < longest->sent_ns))
			longest = x;
	}
	if (held <= c->o.exports || !longest)
		return;
	ear_log(EAR_NOTICE, "console.stalled", "user",
		EAR_LS(longest->call->user.name), NULL);
	cut_off(longest->call);
	leave(longest->call);
}

/* @return false, and the answer is an error */
static bool find_place(struct ear_call *call)
{
	if (streams_of(call->console, call->user.name) >=
		EAR_STREAMS_PER_USER) {
		call->retry_after_s = 5;
		ear_call_fail(call, 503,
			"one user may download %d files at once: wait for one "
			"of yours to end",
			EAR_STREAMS_PER_USER);
		return false;
	}
	return true;
}

static void refuse(struct ear_stream *x)
{
	struct ear_call *call = x->call;

	x->ops->free(x);
	call->stream = NULL;
	ear_call_send(call);
}

void ear_stream_start(struct ear_stream *x)
{
	struct ear_call *call = x->call;

	if (!find_place(call)) {
		refuse(x);
		return;
	}
	x->post.fn = flush_posted;
	call->stream = x;
	call->task.job.run = run;
	call->task.post.fn = finished;
	if (!ear_pool_put(call->console->exports, &call->task.job)) {
		call->gone = leave;
		return;
	}
	call->retry_after_s = 5;
	ear_call_fail(call, 503, "too many downloads at once");
	refuse(x);
}
