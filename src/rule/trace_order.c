/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of orders, traces.json: the global switch, what runs and what has
 * ended. It is what ear_traces_json() shows, so that people can read it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "rule/trace_priv.h"

#define VERSION 1

/* --- writing -------------------------------------------------------------- */

void traces_write_orders(struct ear_traces *t, struct ear_buf *out)
{
	struct ear_json j = ear_json(out);

	ear_json_open(&j, '{');
	ear_json_ku64(&j, "version", VERSION);
	if (t->switched)
		ear_json_kbool(&j, "on", atomic_load(&t->on));
	ear_json_ku64(&j, "next", t->next_name);
	ear_json_key(&j, "traces");
	ear_json_open(&j, '[');
	for (size_t i = 0; i < t->n_ended; i++)
		trace_json(t->ended[i], &j);
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		if (t->running[i] && !t->running[i]->standing)
			trace_json(t->running[i], &j);
	}
	ear_json_close(&j, ']');
	ear_json_close(&j, '}');
	ear_buf_byte(out, '\n');
}

/* --- reading -------------------------------------------------------------- */

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static uint64_t num(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (uint64_t)v : 0;
}

static bool yes(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* null and what is no time are 0. */
static uint64_t when(const json_t *o, const char *key)
{
	const char *s = str(o, key);
	uint64_t at_ns;

	if (!s[0] || ear_time_parse(ear_slice_str(s), 0, &at_ns, NULL))
		return 0;
	return at_ns;
}

static struct ear_texts list(
	const json_t *o, const char *key, const char *space[EAR_MARKS_MAX])
{
	const json_t *array = json_object_get(o, key);
	struct ear_texts texts = {.item = space};
	size_t i;
	json_t *one;

	json_array_foreach(array, i, one)
	{
		if (json_is_string(one) && texts.n < EAR_MARKS_MAX)
			space[texts.n++] = json_string_value(one);
	}
	return texts;
}

static enum ear_trace_end end_of(const char *name)
{
	for (int i = 0; i <= EAR_TRACE_GONE; i++) {
		if (!strcmp(name, ear_trace_end_name((enum ear_trace_end)i)))
			return (enum ear_trace_end)i;
	}
	return EAR_TRACE_RUNS;
}

static void read_done(const json_t *o, struct trace *t)
{
	t->standing = yes(o, "standing");
	t->script = yes(o, "script");
	t->since_ns = when(o, "since");
	t->ended_ns = when(o, "ended");
	t->end = end_of(str(o, "end"));
	snprintf(t->ended_by, sizeof(t->ended_by), "%s", str(o, "ended_by"));
	t->messages = num(o, "messages");
	t->bytes = num(o, "bytes");
	t->conversations = num(o, "conversations");
	t->recalled = num(o, "recalled");
	t->first_ns = when(o, "first");
	t->last_ns = when(o, "last");
	t->forgotten = num(o, "forgotten");
}

static enum ear_err read_trace(
	const json_t *o, struct trace **trace, struct ear_fault *fault)
{
	const char *users[EAR_MARKS_MAX], *mirrors[EAR_MARKS_MAX];
	struct ear_trace_spec spec = {
		.name = str(o, "name"),
		.rule = str(o, "rule"),
		.users = list(o, "traced_user", users),
		.table = str(o, "table"),
		.mirrors = list(o, "mirrors", mirrors),
		.correlation = str(o, "correlation"),
		.keep_before_ns = num(o, "keep_before_ns"),
		.until_ns = when(o, "until"),
		.max_messages = num(o, "max_messages"),
		.max_bytes = num(o, "max_bytes"),
		.dialog_ack = yes(o, "dialog_ack"),
		.dialog_spiral = yes(o, "dialog_spiral"),
		.off = !yes(o, "on"),
		.by = str(o, "by"),
		.why = str(o, "why"),
	};
	enum ear_err err;

	/* a rule that is gone would be one that takes everything */
	if (!json_is_string(json_object_get(o, "rule")))
		return ear_fail(fault, EAR_USAGE, 0, "it has no rule");
	if (!ear_scope_of(ear_slice_str(str(o, "scope")), &spec.scope))
		return ear_fail(fault, EAR_USAGE, 0,
			"scope is message, transaction or dialog");
	/* with time 0 none has ended already: the clock ends it, and says so */
	err = trace_new(&spec, 0, trace, fault);
	if (!err)
		read_done(o, *trace);
	return err;
}

static void take_in(struct ear_traces *t, struct trace *trace)
{
	struct ear_fault fault = {0};

	trace->earlier = true;
	if (trace->end != EAR_TRACE_RUNS) {
		if (t->n_ended < TRACES_ENDED)
			t->ended[t->n_ended++] = trace;
		else
			trace_free(&trace);
		return;
	}
	trace->standing = false;
	if (traces_running(t, ear_slice_str(trace->spec.name)))
		ear_fail(&fault, EAR_USAGE, 0, "its name is there twice");
	else if (traces_add(t, trace, &fault) == EAR_OK)
		return;
	traces_tell(t, "trace.damaged",
		"the order '%s' of an earlier run is left out: %s",
		trace->spec.name, fault.text);
	trace_free(&trace);
}

static void read_all(struct ear_traces *t, const json_t *traces)
{
	size_t i;
	json_t *one;

	json_array_foreach(traces, i, one)
	{
		struct ear_fault fault = {0};
		struct trace *trace;

		if (read_trace(one, &trace, &fault))
			traces_tell(t, "trace.damaged",
				"an order of an earlier run is left out, "
				"number %zu, '%.*s': %s",
				i + 1, EAR_TRACE_NAME, str(one, "name"),
				fault.text);
		else
			take_in(t, trace);
	}
}

void traces_read_orders(struct ear_traces *t, struct ear_slice text)
{
	json_error_t error = {0};
	json_t *o = json_loadb(text.n ? text.p : "", text.n, 0, &error);

	if (!json_is_object(o) ||
		!json_is_array(json_object_get(o, "traces"))) {
		traces_tell(t, "trace.damaged",
			"%s/" TRACES_FILE " cannot be read, line %d: %s; the "
			"orders of an earlier run are lost, the file stays "
			"as " TRACES_FILE ".damaged",
			t->dir ? t->dir : "", error.line,
			error.text[0] ? error.text : "no list of traces");
		t->damaged = true;
		json_decref(o);
		return;
	}
	if (json_is_boolean(json_object_get(o, "on"))) {
		atomic_store(&t->on, yes(o, "on"));
		t->switched = true;
	}
	if (num(o, "next"))
		t->next_name = num(o, "next");
	read_all(t, json_object_get(o, "traces"));
	json_decref(o);
}
