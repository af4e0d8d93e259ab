/* SPDX-License-Identifier: Apache-2.0 */
/* Traces are started, stopped, switched, and replaced as a configuration. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "rule/trace_priv.h"

static void tell_start(struct ear_traces *t, const struct trace *trace)
{
	const struct ear_trace_spec *s = &trace->spec;
	char when[EAR_TIME_TEXT] = "";

	if (s->until_ns)
		ear_time_text(s->until_ns, when);
	traces_tell(t, "trace.started",
		"trace %s started by %s: %s, scope %s%s%s%s%s", s->name, s->by,
		s->rule[0] ? s->rule : "all messages", ear_scope_name(s->scope),
		s->until_ns ? ", until " : "", when, s->why[0] ? "; " : "",
		s->why);
}

/* --- orders ------------------------------------------------------------ */

static bool name_taken(struct ear_traces *t, const char *name)
{
	return traces_running(t, ear_slice_str(name)) != NULL;
}

static void make_name(struct ear_traces *t, char name[EAR_TRACE_NAME + 1])
{
	do
		snprintf(name, EAR_TRACE_NAME + 1, "t%llu",
			(unsigned long long)t->next_name++);
	while (traces_find(t, ear_slice_str(name)));
}

static enum ear_err add_order(struct ear_traces *t,
	const struct ear_trace_spec *spec, struct trace **made,
	struct ear_fault *fault)
{
	struct ear_trace_spec named = *spec;
	char name[EAR_TRACE_NAME + 1];
	struct trace *trace;
	enum ear_err err;

	if (!named.name || !named.name[0]) {
		make_name(t, name);
		named.name = name;
	}
	if (name_taken(t, named.name))
		return ear_fail(fault, EAR_USAGE, 0,
			"there is a trace '%s' already", named.name);
	err = trace_new(&named, ear_now_ns(), &trace, fault);
	if (err)
		return err;
	trace->held = t->dir != NULL;
	err = traces_add(t, trace, fault);
	if (err)
		trace_free(&trace);
	*made = trace;
	return err;
}

/* What is written down may begin. */
static void let_go(struct ear_traces *t, struct trace *trace)
{
	trace->held = false;
	traces_changed(t);
	tell_start(t, trace);
}

enum ear_err ear_traces_start(struct ear_traces *traces,
	const struct ear_trace_spec *spec, char *name, struct ear_fault *fault)
{
	struct trace *trace = NULL;
	enum ear_err err;

	pthread_mutex_lock(&traces->file_lock);
	traces_lock(traces);
	err = add_order(traces, spec, &trace, fault);
	if (!err && traces->dir) {
		traces_unlock(traces);
		err = traces_save(traces, fault);
		traces_lock(traces);
	}
	if (!err) {
		let_go(traces, trace);
		if (name)
			snprintf(name, EAR_TRACE_NAME + 1, "%s",
				trace->spec.name);
	} else if (trace) {
		traces_remove(traces, trace);
		trace_free(&trace);
	}
	traces_unlock(traces);
	pthread_mutex_unlock(&traces->file_lock);
	return err;
}

static enum ear_err no_trace(const char *name, struct ear_fault *fault)
{
	return ear_fail(
		fault, EAR_GONE, 0, "there is no running trace '%s'", name);
}

enum ear_err ear_traces_stop(struct ear_traces *traces, const char *name,
	const char *by, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	struct trace *trace;

	pthread_mutex_lock(&traces->file_lock);
	traces_lock(traces);
	trace = traces_running(traces, ear_slice_str(name));
	if (!trace)
		err = no_trace(name, fault);
	else if (trace->standing)
		err = ear_fail(fault, EAR_USAGE, 0,
			"trace '%s' stands in the configuration: take it out "
			"there, or switch it off",
			name);
	else
		traces_end(traces, trace, EAR_TRACE_STOPPED, by, ear_now_ns());
	traces_unlock(traces);
	/* it is over either way; what could not be written comes again */
	if (!err && traces->dir)
		(void)traces_save(traces, NULL);
	pthread_mutex_unlock(&traces->file_lock);
	return err;
}

/* --- switches ---------------------------------------------------------- */

static void switch_all(struct ear_traces *t, bool on, const char *by)
{
	if (atomic_exchange(&t->on, on) == on && t->switched)
		return;
	t->switched = true;
	t->state_dirty = true;
	traces_tell(t, on ? "siptrace.on" : "siptrace.off",
		"tracing was switched %s by %s", on ? "on" : "off", by);
}

static enum ear_err switch_one(struct ear_traces *t, const char *name, bool on,
	const char *by, struct ear_fault *fault)
{
	struct trace *trace = traces_running(t, ear_slice_str(name));

	if (!trace)
		return no_trace(name, fault);
	if (trace->on == on)
		return EAR_OK;
	trace->on = on;
	traces_changed(t);
	traces_tell(t, "trace.switched", "trace %s was switched %s by %s", name,
		on ? "on" : "off", by);
	return EAR_OK;
}

enum ear_err ear_traces_switch(struct ear_traces *traces, const char *name,
	bool on, const char *by, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	pthread_mutex_lock(&traces->file_lock);
	traces_lock(traces);
	if (name)
		err = switch_one(traces, name, on, by, fault);
	else
		switch_all(traces, on, by);
	traces_unlock(traces);
	if (!err && traces->dir)
		(void)traces_save(traces, NULL);
	pthread_mutex_unlock(&traces->file_lock);
	return err;
}

/* --- the configuration ------------------------------------------------- */

static void free_all(struct trace **made, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trace_free(&made[i]);
	free(made);
}

static enum ear_err compile_all(const struct ear_trace_spec *specs, size_t n,
	struct trace **made, struct ear_fault *fault)
{
	uint64_t now_ns = ear_now_ns();

	for (size_t i = 0; i < n; i++) {
		enum ear_err err =
			trace_new(&specs[i], now_ns, &made[i], fault);

		if (err)
			return err;
		made[i]->standing = true;
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(made[k]->spec.name, made[i]->spec.name))
				return ear_fail(fault, EAR_USAGE, 0,
					"trace '%s' stands there twice",
					made[i]->spec.name);
		}
	}
	return EAR_OK;
}

/* Whether all of them will find a name and a slot. */
static enum ear_err check_room(struct ear_traces *t, struct trace **made,
	size_t n, struct ear_fault *fault)
{
	size_t others = 0;

	for (unsigned i = 0; i < EAR_TRACES_MAX; i++)
		others += t->running[i] && !t->running[i]->standing &&
			  !(t->running[i]->script && !t->running[i]->open);
	if (others + n > EAR_TRACES_MAX)
		return ear_fail(fault, EAR_USAGE, 0,
			"%zu traces and %zu orders that run are more than %d",
			n, others, EAR_TRACES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct trace *there =
			traces_running(t, ear_slice_str(made[i]->spec.name));

		if (there && !there->standing)
			return ear_fail(fault, EAR_USAGE, 0,
				"trace '%s': an order of this name, by %s, is "
				"running; stop it or name this one otherwise",
				made[i]->spec.name, there->spec.by);
	}
	return EAR_OK;
}

/* One that had all it wanted in this run does not begin again because
 * something else was changed. */
static bool had_enough(const struct ear_traces *t, const struct trace *made)
{
	for (size_t i = t->n_ended; i-- > 0;) {
		const struct trace *old = t->ended[i];

		if (strcmp(old->spec.name, made->spec.name) == 0)
			return old->standing && !old->earlier &&
			       old->end != EAR_TRACE_GONE &&
			       trace_same(old, made);
	}
	return false;
}

/* Those that are not in the new configuration as they were are over. */
static void end_others(struct ear_traces *t, struct trace **made, size_t n)
{
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		if (t->running[i])
			t->running[i]->seen = false;
	}
	for (size_t i = 0; i < n; i++) {
		struct trace *there =
			traces_running(t, ear_slice_str(made[i]->spec.name));

		if (there && trace_same(there, made[i])) {
			there->seen = true;
			trace_free(&made[i]);
		} else if (!there && had_enough(t, made[i])) {
			trace_free(&made[i]);
		}
	}
	for (unsigned i = 0; i < EAR_TRACES_MAX; i++) {
		struct trace *trace = t->running[i];

		if (trace && trace->standing && !trace->seen)
			traces_end(t, trace, EAR_TRACE_GONE, "", ear_now_ns());
	}
}

static void add_new(struct ear_traces *t, struct trace **made, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!made[i] || traces_add(t, made[i], NULL))
			continue;
		tell_start(t, made[i]);
		made[i] = NULL;
	}
}

/* What an earlier run followed for these traces goes on. */
static void claim(struct ear_traces *t)
{
	if (t->unclaimed.n &&
		traces_read_open(t, ear_buf_view(&t->unclaimed), true))
		traces_tell(t, "trace.damaged",
			"%s/" TRACES_OPEN_FILE " is damaged: some dialogs that "
			"an earlier run followed are not followed any more",
			t->dir);
	ear_buf_fini(&t->unclaimed);
	t->unclaimed = (struct ear_buf){0};
}

enum ear_err ear_traces_standing(struct ear_traces *traces,
	const struct ear_trace_spec *specs, size_t n, struct ear_fault *fault)
{
	struct trace **made = calloc(n + 1, sizeof(*made));
	enum ear_err err;

	if (!made)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = compile_all(specs, n, made, fault);
	if (!err) {
		traces_lock(traces);
		err = check_room(traces, made, n, fault);
		if (!err) {
			end_others(traces, made, n);
			add_new(traces, made, n);
			claim(traces);
		}
		traces_unlock(traces);
	}
	free_all(made, n);
	return err;
}
