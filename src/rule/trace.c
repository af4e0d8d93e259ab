/* SPDX-License-Identifier: Apache-2.0 */
/* The set of traces: made, found, ended, told of. */
#include "rule/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "base/time.h"
#include "rule/trace_priv.h"

#define OPEN_DEFAULT 100000
/* Most bytes of a notice. */
#define NOTICE_TEXT 1024

static const char *const ends[] = {
	[EAR_TRACE_RUNS] = "runs",
	[EAR_TRACE_STOPPED] = "stopped",
	[EAR_TRACE_TIME] = "time",
	[EAR_TRACE_COUNT] = "count",
	[EAR_TRACE_SIZE] = "size",
	[EAR_TRACE_GONE] = "gone",
};

const char *ear_trace_end_name(enum ear_trace_end end)
{
	return ends[end];
}

/* --- lock and notices ----------------------------------------------------- */

void traces_lock(struct ear_traces *t)
{
	pthread_mutex_lock(&t->lock);
}

void traces_unlock(struct ear_traces *t)
{
	struct trace_notice *n = t->first_notice, *next;

	t->first_notice = NULL;
	t->last_notice = &t->first_notice;
	pthread_mutex_unlock(&t->lock);
	for (; n; n = next) {
		next = n->next;
		t->options.notice(n->event, ear_slice(n->text, n->n),
			t->options.notice_arg);
		free(n);
	}
}

void traces_tell(
	struct ear_traces *t, const char *event, const char *format, ...)
{
	struct trace_notice *n;
	va_list args;
	int length;

	if (!t->options.notice)
		return;
	n = malloc(sizeof(*n) + NOTICE_TEXT);
	if (!n)
		return;
	va_start(args, format);
	length = vsnprintf(n->text, NOTICE_TEXT, format, args);
	va_end(args);
	n->n = length < NOTICE_TEXT ? (size_t)length : NOTICE_TEXT - 1;
	snprintf(n->event, sizeof(n->event), "%s", event);
	n->next = NULL;
	*t->last_notice = n;
	t->last_notice = &n->next;
}

/* --- the set -------------------------------------------------------------- */

struct trace *traces_running(struct ear_traces *t, struct ear_slice name)
{
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		struct trace *trace = t->running[i];

		if (trace &&
			ear_slice_eq(ear_slice_str(trace->spec.name), name))
			return trace;
	}
	return NULL;
}

struct trace *traces_find(struct ear_traces *t, struct ear_slice name)
{
	struct trace *trace = traces_running(t, name);

	for (size_t i = t->n_ended; !trace && i-- > 0;) {
		if (ear_slice_eq(ear_slice_str(t->ended[i]->spec.name), name))
			trace = t->ended[i];
	}
	return trace;
}

void traces_changed(struct ear_traces *t)
{
	unsigned busy = 0, before = 0;

	trace_index_reset(&t->index);
	t->until_ns = UINT64_MAX;
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		const struct trace *trace = t->running[i];

		if (!trace)
			continue;
		busy++;
		before += trace->spec.keep_before_ns != 0;
		if (trace->spec.until_ns && trace->spec.until_ns < t->until_ns)
			t->until_ns = trace->spec.until_ns;
		if (trace->on && !trace->held && !trace->script)
			trace_index_add(&t->index, trace->expr, i);
	}
	trace_index_sort(&t->index);
	atomic_store(&t->busy, busy);
	atomic_store(&t->before, before);
	t->state_dirty = true;
	if (t->has_keeper)
		pthread_cond_signal(&t->wake);
}

/* What scripts ask for may change with each message and has no rule: nothing
 * is compiled, and the disk can wait. */
static void came_or_went(
	struct ear_traces *t, const struct trace *trace, bool came)
{
	unsigned one = came ? 1 : (unsigned)-1;

	if (!trace->script) {
		traces_changed(t);
		return;
	}
	atomic_fetch_add(&t->busy, one);
	if (trace->spec.keep_before_ns)
		atomic_fetch_add(&t->before, one);
	t->count_dirty = true;
}

/* What scripts asked for and nothing is followed of any more makes room. */
static void drop_idle_script(struct ear_traces *t)
{
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		struct trace *trace = t->running[i];

		if (trace && trace->script && !trace->open) {
			traces_remove(t, trace);
			trace_free(&trace);
			return;
		}
	}
}

static unsigned free_slot(const struct ear_traces *t)
{
	unsigned i = 0;

	while (i < EAR_TRACES_MAX && t->running[i])
		i++;
	return i;
}

enum ear_err traces_add(
	struct ear_traces *t, struct trace *trace, struct ear_fault *fault)
{
	unsigned i = free_slot(t);

	if (i == EAR_TRACES_MAX) {
		drop_idle_script(t);
		i = free_slot(t);
	}
	if (i == EAR_TRACES_MAX)
		return ear_fail(fault, EAR_LIMIT, 0,
			"there are %d traces already; stop some first",
			EAR_TRACES_MAX);
	trace->slot = i;
	t->running[i] = trace;
	came_or_went(t, trace, true);
	return EAR_OK;
}

void traces_remove(struct ear_traces *t, struct trace *trace)
{
	trace_open_forget(t->open, trace);
	t->running[trace->slot] = NULL;
	came_or_went(t, trace, false);
}

static void keep_ended(struct ear_traces *t, struct trace *trace)
{
	if (t->n_ended == TRACES_ENDED) {
		trace_free(&t->ended[0]);
		memmove(t->ended, t->ended + 1,
			--t->n_ended * sizeof(t->ended[0]));
	}
	t->ended[t->n_ended++] = trace;
}

static void tell_end(struct ear_traces *t, const struct trace *trace)
{
	static const char *const why[] = {
		[EAR_TRACE_STOPPED] = "was stopped",
		[EAR_TRACE_TIME] = "ended by time",
		[EAR_TRACE_COUNT] = "ended by its number of messages",
		[EAR_TRACE_SIZE] = "ended by its size",
		[EAR_TRACE_GONE] = "is not in the configuration any more",
	};

	traces_tell(t,
		trace->end == EAR_TRACE_STOPPED ? "trace.stopped"
						: "trace.ended",
		"trace %s %s%s%s: %llu messages, %llu bytes; started by %s",
		trace->spec.name, why[trace->end],
		trace->ended_by[0] ? " by " : "", trace->ended_by,
		(unsigned long long)trace->messages,
		(unsigned long long)trace->bytes, trace->spec.by);
}

void traces_end(struct ear_traces *t, struct trace *trace,
	enum ear_trace_end why, const char *by, uint64_t now_ns)
{
	traces_remove(t, trace);
	trace->end = why;
	trace->ended_ns = now_ns;
	snprintf(trace->ended_by, sizeof(trace->ended_by), "%s", by);
	tell_end(t, trace);
	keep_ended(t, trace);
}

void traces_end_by_clock(struct ear_traces *t, uint64_t now_ns)
{
	if (now_ns < t->until_ns)
		return;
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		struct trace *trace = t->running[i];

		if (trace && trace->spec.until_ns &&
			trace->spec.until_ns <= now_ns)
			traces_end(t, trace, EAR_TRACE_TIME, "",
				trace->spec.until_ns);
	}
}

/* --- opening -------------------------------------------------------------- */

static enum ear_err init(struct ear_traces *t)
{
	size_t most = t->options.max_open ? t->options.max_open : OPEN_DEFAULT;

	pthread_mutex_init(&t->lock, NULL);
	pthread_mutex_init(&t->file_lock, NULL);
	ear_cond_init(&t->wake);
	t->last_notice = &t->first_notice;
	t->until_ns = UINT64_MAX;
	t->next_name = 1;
	t->next_script = 2;
	atomic_store(&t->on, t->options.on);
	if (t->options.dir) {
		t->dir = strdup(t->options.dir);
		if (!t->dir)
			return EAR_NOMEM;
	}
	return trace_open_new(most, &t->open);
}

enum ear_err ear_traces_new(const struct ear_traces_options *options,
	struct ear_traces **traces, struct ear_fault *fault)
{
	struct ear_traces *t = calloc(1, sizeof(*t));
	enum ear_err err;

	*traces = t;
	if (!t)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	t->options = *options;
	err = init(t);
	if (err)
		ear_fail(fault, err, 0, "out of memory");
	if (!err && t->dir) {
		traces_load(t);
		err = traces_keeper_start(t, fault);
	}
	if (err)
		ear_traces_free(traces);
	return err;
}

void ear_traces_free(struct ear_traces **traces)
{
	struct ear_traces *t = *traces;

	if (!t)
		return;
	traces_keeper_stop(t);
	trace_open_free(&t->open);
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++)
		trace_free(&t->running[i]);
	for (size_t i = 0; i < t->n_ended; i++)
		trace_free(&t->ended[i]);
	trace_index_fini(&t->index);
	ear_buf_fini(&t->unclaimed);
	ear_buf_fini(&t->scratch);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->file_lock);
	pthread_mutex_destroy(&t->lock);
	free(t->dir);
	free(t);
	*traces = NULL;
}

/* --- looking -------------------------------------------------------------- */

static void show(const struct trace *trace, struct ear_trace_info *out)
{
	*out = (struct ear_trace_info){
		.standing = trace->standing,
		.on = trace->on,
		.scope = trace->spec.scope,
		.end = trace->end,
		.since_ns = trace->since_ns,
		.ended_ns = trace->ended_ns,
		.messages = trace->messages,
		.bytes = trace->bytes,
		.conversations = trace->conversations,
		.recalled = trace->recalled,
		.first_ns = trace->first_ns,
		.last_ns = trace->last_ns,
		.open = trace->open,
		.forgotten = trace->forgotten,
	};
	snprintf(out->name, sizeof(out->name), "%s", trace->spec.name);
	snprintf(out->by, sizeof(out->by), "%s", trace->spec.by);
	snprintf(out->ended_by, sizeof(out->ended_by), "%s", trace->ended_by);
}

size_t ear_traces_list(
	struct ear_traces *traces, struct ear_trace_info *out, size_t max)
{
	size_t n = 0;

	traces_lock(traces);
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		if (!traces->running[i] || traces->running[i]->held)
			continue;
		if (n < max)
			show(traces->running[i], &out[n]);
		n++;
	}
	for (size_t i = traces->n_ended; i-- > 0; n++) {
		if (n < max)
			show(traces->ended[i], &out[n]);
	}
	traces_unlock(traces);
	return n;
}

bool ear_traces_on(struct ear_traces *traces)
{
	return atomic_load_explicit(&traces->on, memory_order_relaxed);
}

bool ear_traces_want_before(struct ear_traces *traces)
{
	return atomic_load_explicit(&traces->before, memory_order_relaxed) != 0;
}
