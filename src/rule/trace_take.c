/* SPDX-License-Identifier: Apache-2.0 */
/* One message after another: who takes it. */
#include "base/time.h"
#include "rule/trace_priv.h"

/* Between two sweeps of what is followed, by the clock of arrival. */
#define SWEEP_NS (10 * EAR_MS_NS)

static struct ear_scope_want want_of(const struct trace *trace)
{
	return (struct ear_scope_want){
		.ack = trace->spec.dialog_ack,
		.spiral = trace->spec.dialog_spiral,
	};
}

/* --- the verdict ---------------------------------------------------------- */

static void empty(struct ear_mark_list *list)
{
	list->n = list->left_out = 0;
}

/* Not the items, which nobody reads beyond n. */
static void clear(struct ear_trace_verdict *verdict)
{
	empty(&verdict->marks.users);
	empty(&verdict->marks.traces);
	empty(&verdict->marks.tables);
	empty(&verdict->mirrors);
	verdict->correlation = (struct ear_slice){0};
	verdict->traced = verdict->mirrors_any = false;
	verdict->before_ns = 0;
}

static void begin_verdict(
	struct ear_traces *t, struct ear_trace_verdict *verdict)
{
	clear(verdict);
	if (t->earlier.traced)
		clear(&t->earlier);
	t->arena_n = 0;
	memset(&t->taken, 0, sizeof(t->taken));
}

/* A copy that lives until the next message; traces may go before. */
static struct ear_slice keep(struct ear_traces *t, struct ear_slice text)
{
	char *to = t->arena + t->arena_n;

	text = ear_slice_sub(text, 0, EAR_MARK_TEXT);
	if (text.n > sizeof(t->arena) - t->arena_n)
		return (struct ear_slice){0};
	if (text.n)
		memcpy(to, text.p, text.n);
	t->arena_n += text.n;
	return ear_slice(to, text.n);
}

static void mark(
	struct ear_traces *t, struct ear_mark_list *list, struct ear_slice text)
{
	size_t n = list->n;

	ear_mark_add(list, text);
	if (list->n > n)
		list->item[n] = keep(t, list->item[n]);
}

/* The next of the texts of trace_texts(). */
static bool next_text(struct ear_slice *texts, struct ear_slice *text)
{
	size_t n;

	if (!texts->n)
		return false;
	n = (unsigned char)texts->p[0];
	*text = ear_slice_sub(*texts, 1, 1 + n);
	*texts = ear_slice_sub(*texts, 1 + n, texts->n);
	return true;
}

static void mark_texts(struct ear_traces *t, struct ear_slice texts,
	struct ear_trace_verdict *verdict)
{
	struct ear_slice text;

	if (next_text(&texts, &text) && text.n && !verdict->correlation.n)
		verdict->correlation = keep(t, text);
	while (next_text(&texts, &text)) {
		if (text.n)
			mark(t, &verdict->marks.users, text);
	}
}

static void mark_mirrors(struct ear_traces *t, const struct trace *trace,
	struct ear_trace_verdict *verdict)
{
	const struct ear_texts *mirrors = &trace->spec.mirrors;

	if (!mirrors->n)
		verdict->mirrors_any = true;
	for (size_t i = 0; i < mirrors->n; i++)
		mark(t, &verdict->mirrors, ear_slice_str(mirrors->item[i]));
}

/* --- one trace takes one message ------------------------------------------ */

static void count(
	struct ear_traces *t, struct trace *trace, const struct ear_msg *msg)
{
	trace->messages++;
	trace->bytes += msg->raw.n;
	if (!trace->first_ns)
		trace->first_ns = msg->at_ns;
	trace->last_ns = msg->at_ns;
	t->count_dirty = true;
}

/* Whether it has all it wanted; then it ends. */
static void end_if_full(
	struct ear_traces *t, struct trace *trace, uint64_t now_ns)
{
	const struct ear_trace_spec *s = &trace->spec;

	if (s->max_messages && trace->messages >= s->max_messages)
		traces_end(t, trace, EAR_TRACE_COUNT, "", now_ns);
	else if (s->max_bytes && trace->bytes >= s->max_bytes)
		traces_end(t, trace, EAR_TRACE_SIZE, "", now_ns);
}

/*
 * What siptrace does while it is switched off: nothing, but rows of traced
 * users are written.
 */
static bool may_take(const struct ear_traces *t, const struct trace *trace,
	struct ear_slice texts)
{
	struct ear_slice text;
	bool on = atomic_load_explicit(&t->on, memory_order_relaxed);

	if (!trace->on || trace->held)
		return false;
	if (on)
		return true;
	(void)next_text(&texts, &text); /* the correlation id */
	while (next_text(&texts, &text)) {
		if (text.n)
			return true;
	}
	return false;
}

static void mark_all(struct ear_traces *t, const struct trace *trace,
	struct ear_slice texts, struct ear_trace_verdict *verdict)
{
	if (!atomic_load_explicit(&t->on, memory_order_relaxed))
		mark(t, &verdict->marks.traces, EAR_S(EAR_MARK_OFF));
	mark(t, &verdict->marks.traces, ear_slice_str(trace->spec.name));
	mark(t, &verdict->marks.tables, ear_slice_str(trace->spec.table));
	mark_texts(t, texts, verdict);
	mark_mirrors(t, trace, verdict);
	verdict->traced = true;
}

/* @return whether it did; the trace may have ended by it */
static bool give(struct ear_traces *t, struct trace *trace,
	struct ear_slice texts, const struct ear_msg *msg,
	struct ear_trace_verdict *verdict)
{
	if (!may_take(t, trace, texts))
		return false;
	mark_all(t, trace, texts, verdict);
	count(t, trace, msg);
	end_if_full(t, trace, msg->seen_ns);
	return true;
}

/* --- what is followed already --------------------------------------------- */

static struct ear_slice texts_of(const struct trace_unit *unit)
{
	if (unit->texts)
		return ear_slice(unit->texts, unit->texts_n);
	return ear_buf_view(&unit->trace->texts);
}

static void follow(struct ear_traces *t, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_trace_verdict *verdict)
{
	struct trace_conv *conv = trace_open_find(t->open, facts->call_id);
	struct trace *takers[TRACE_OPEN_UNITS];
	struct ear_slice texts[TRACE_OPEN_UNITS];
	size_t n = 0;

	if (!conv || !trace_open_tidy(t->open, conv, msg))
		return;
	for (struct trace_unit *u = conv->first; u; u = u->next) {
		struct ear_scope_want want = want_of(u->trace);
		enum ear_scope_part part =
			ear_scope_take(&u->scope, &want, msg, facts);

		if (part == EAR_SCOPE_NOT)
			continue;
		t->open_dirty = true;
		if (part == EAR_SCOPE_IN &&
			!trace_set_has(&t->taken, u->trace->slot)) {
			texts[n] = texts_of(u);
			takers[n++] = u->trace;
		}
		trace_set_add(&t->taken, u->trace->slot);
	}
	trace_open_touch(t->open, conv);
	/* a trace that ends by it takes its units, not those of others */
	while (n--)
		(void)give(t, takers[n], texts[n], msg, verdict);
}

/* --- what begins ------------------------------------------------------- */

/* Others that take the message have not asked for what was before it. */
static void want_before(struct ear_traces *t, const struct trace *trace,
	struct ear_slice texts, const struct ear_msg *msg,
	struct ear_trace_verdict *verdict)
{
	uint64_t back = trace->spec.keep_before_ns, from;

	if (!back)
		return;
	from = msg->at_ns > back ? msg->at_ns - back : 1;
	if (!verdict->before_ns || from < verdict->before_ns)
		verdict->before_ns = from;
	t->earlier.before_ns = verdict->before_ns;
	mark_all(t, trace, texts, &t->earlier);
}

void traces_begin(struct ear_traces *t, struct trace *trace,
	const struct ear_slice *texts, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_trace_verdict *verdict)
{
	struct ear_slice all = texts ? *texts : ear_buf_view(&trace->texts);
	struct ear_scope_unit unit;

	if (!may_take(t, trace, all))
		return;
	if (ear_scope_begin(&unit, trace->spec.scope, msg, facts)) {
		if (trace_open_add(
			    t->open, facts->call_id, trace, &unit, texts, msg))
			trace->conversations++;
		else
			trace->forgotten++;
		t->open_dirty = true;
	}
	want_before(t, trace, all, msg, verdict);
	trace_set_add(&t->taken, trace->slot);
	(void)give(t, trace, all, msg, verdict);
}

static void try_rule(struct ear_traces *t, struct trace *trace,
	const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_trace_verdict *verdict)
{
	struct ear_slice texts;

	if (!ear_expr_match(trace->expr, msg, facts))
		return;
	if (trace->fixed) {
		traces_begin(t, trace, NULL, msg, facts, verdict);
		return;
	}
	ear_buf_reset(&t->scratch);
	trace_texts(trace, msg, facts, &t->scratch);
	if (t->scratch.err)
		ear_buf_reset(&t->scratch);
	texts = ear_buf_view(&t->scratch);
	traces_begin(t, trace, &texts, msg, facts, verdict);
}

static void match(struct ear_traces *t, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_trace_verdict *verdict)
{
	struct trace_set found;

	trace_index_find(&t->index, msg, facts, &found);
	for (unsigned w = 0; w < sizeof(found.bits) / sizeof(found.bits[0]);
		w++) {
		uint64_t bits = found.bits[w] & ~t->taken.bits[w];

		for (; bits; bits &= bits - 1) {
			unsigned slot =
				w * 64 + (unsigned)__builtin_ctzll(bits);

			/* one that was before it may have ended */
			if (t->running[slot])
				try_rule(t, t->running[slot], msg, facts,
					verdict);
		}
	}
}

/* --- the face ---------------------------------------------------------- */

static void keep_time(struct ear_traces *t, const struct ear_msg *msg)
{
	if (msg->seen_ns >= t->until_ns)
		traces_end_by_clock(t, msg->seen_ns);
	if (msg->seen_ns - t->swept_ns > SWEEP_NS) { /* also when set back */
		t->swept_ns = msg->seen_ns;
		trace_open_sweep(t->open, msg);
	}
}

/* The default table alone needs no mark. */
static void settle(struct ear_mark_list *tables)
{
	if (tables->n == 1 && !tables->item[0].n)
		tables->n = 0;
}

void traces_settle(struct ear_traces *t, struct ear_trace_verdict *verdict)
{
	settle(&verdict->marks.tables);
	settle(&t->earlier.marks.tables);
}

void ear_traces_take(struct ear_traces *traces, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_trace_verdict *verdict)
{
	begin_verdict(traces, verdict);
	if (!atomic_load_explicit(&traces->busy, memory_order_relaxed))
		return;
	traces_lock(traces);
	keep_time(traces, msg);
	follow(traces, msg, facts, verdict);
	match(traces, msg, facts, verdict);
	traces_settle(traces, verdict);
	traces_unlock(traces);
}

const struct ear_trace_verdict *ear_traces_before(
	const struct ear_traces *traces)
{
	return &traces->earlier;
}

void ear_traces_recalled(struct ear_traces *traces,
	const struct ear_trace_verdict *verdict, uint64_t messages,
	uint64_t bytes)
{
	traces_lock(traces);
	for (size_t i = 0; i < verdict->marks.traces.n; i++) {
		struct trace *trace =
			traces_find(traces, verdict->marks.traces.item[i]);

		if (!trace)
			continue;
		trace->recalled += messages;
		trace->messages += messages;
		trace->bytes += bytes;
		traces->count_dirty = true;
		if (trace->end == EAR_TRACE_RUNS)
			end_if_full(traces, trace, trace->last_ns);
	}
	traces_unlock(traces);
}
