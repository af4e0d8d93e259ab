/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces that a script asks for message by message, as sip_trace() does. What
 * it asks differs in users and correlation id from message to message, so
 * these belong to what is followed; all else makes a trace, which is there
 * once for all who ask the same.
 */
#include <stdio.h>

#include "base/log.h"
#include "rule/trace_priv.h"

#define SCRIPT "script"

/* The trace for all who ask the same under this name, made when it is new. */
static struct trace *make(struct ear_traces *t,
	const struct ear_trace_spec *spec, uint64_t now_ns,
	struct ear_fault *fault)
{
	struct trace *trace, *there;

	if (trace_new(spec, now_ns, &trace, fault))
		return NULL;
	there = traces_running(t, ear_slice_str(spec->name));
	if (there && there->script && trace_same(there, trace)) {
		trace_free(&trace);
		return there;
	}
	if (there) {
		ear_fail(fault, EAR_USAGE, 0,
			"there is another trace '%s' already", spec->name);
		trace_free(&trace);
		return NULL;
	}
	trace->script = true;
	if (traces_add(t, trace, fault))
		trace_free(&trace);
	return trace;
}

/* Compares without making: nearly every message asks what others asked. */
static bool asks_for(
	const struct trace *trace, const struct ear_trace_spec *spec)
{
	const struct ear_trace_spec *s = &trace->spec;

	if (!trace->script || s->scope != spec->scope ||
		strcmp(s->table, spec->table) != 0 ||
		s->mirrors.n != spec->mirrors.n ||
		s->keep_before_ns != spec->keep_before_ns ||
		s->dialog_ack != spec->dialog_ack ||
		s->dialog_spiral != spec->dialog_spiral)
		return false;
	for (size_t i = 0; i < s->mirrors.n; i++) {
		if (strcmp(s->mirrors.item[i], spec->mirrors.item[i]) != 0)
			return false;
	}
	return true;
}

static struct trace *known(struct ear_traces *t,
	const struct ear_trace_spec *spec, const char *name)
{
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		struct trace *trace = t->running[i];

		if (trace && asks_for(trace, spec) &&
			(!name || !strcmp(trace->spec.name, name)))
			return trace;
	}
	return NULL;
}

static struct trace *trace_for(struct ear_traces *t,
	const struct ear_trace_spec *spec, uint64_t now_ns,
	struct ear_fault *fault)
{
	const char *wanted = spec->name && spec->name[0] ? spec->name : NULL;
	struct ear_trace_spec plain = *spec;
	struct trace *trace;
	char name[24] = SCRIPT;

	plain.rule = "";
	plain.users = (struct ear_texts){0};
	plain.correlation = "";
	plain.table = spec->table ? spec->table : "";
	plain.by = SCRIPT;
	plain.why = "";
	trace = known(t, &plain, wanted);
	if (trace)
		return trace;
	plain.name = wanted ? wanted : name;
	while (!wanted && traces_running(t, ear_slice_str(name)))
		snprintf(name, sizeof(name), SCRIPT "-%u", t->next_script++);
	return make(t, &plain, now_ns, fault);
}

/* As trace_texts() does; what is no template is a text. */
static void put(struct ear_buf *out, const char *text,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	struct ear_template *template;
	size_t at = out->n;

	ear_buf_byte(out, 0);
	if (text && ear_template_new(ear_slice_str(text), &template, NULL))
		ear_buf_str(out, text);
	else if (text)
		ear_template_fill(template, msg, facts, out);
	if (text)
		ear_template_free(&template);
	if (out->err)
		return;
	if (out->n - at - 1 > EAR_MARK_TEXT)
		out->n = at + 1 + EAR_MARK_TEXT;
	out->p[at] = (char)(out->n - at - 1);
}

static void texts_of(struct ear_traces *t, const struct ear_trace_spec *spec,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	ear_buf_reset(&t->scratch);
	put(&t->scratch, spec->correlation, msg, facts);
	for (size_t i = 0; i < spec->users.n; i++)
		put(&t->scratch, spec->users.item[i], msg, facts);
	if (t->scratch.err)
		ear_buf_reset(&t->scratch);
}

/* Others took it for the default table. */
static void unsettle(struct ear_trace_verdict *verdict)
{
	if (verdict->traced && !verdict->marks.tables.n)
		ear_mark_add(&verdict->marks.tables, EAR_S(""));
}

void ear_traces_ask(struct ear_traces *traces, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_trace_spec *spec,
	struct ear_trace_verdict *verdict)
{
	static struct ear_log_gate gate;
	struct ear_fault fault = {0};
	struct ear_slice texts;
	struct trace *trace;
	uint64_t skipped;

	traces_lock(traces);
	trace = trace_for(traces, spec, msg->seen_ns, &fault);
	if (!trace && ear_log_every(&gate, &skipped))
		ear_log(EAR_WARN, "trace.refused", "why", EAR_LS(fault.text),
			"skipped", EAR_LU(skipped), NULL);
	if (trace && !trace_set_has(&traces->taken, trace->slot)) {
		texts_of(traces, spec, msg, facts);
		texts = ear_buf_view(&traces->scratch);
		unsettle(verdict);
		unsettle(&traces->earlier);
		traces_begin(traces, trace, &texts, msg, facts, verdict);
		traces_settle(traces, verdict);
	}
	traces_unlock(traces);
}
