/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "flow/rules_priv.h"

/* How long outlets that are not configured any more may take to empty. */
#define LEAVE_NS (2 * EAR_SECOND_NS)

/* How long to wait for a message in work, which a full store can hold up. */
#define IN_WORK_NS (2 * EAR_SECOND_NS)

/* --- a set ------------------------------------------------------------- */

/* What the set in use has as well stays. */
static void free_set(struct ear_rules_set **setp,
	const struct ear_rules_set *in_use, uint32_t wait_ms)
{
	struct ear_rules_set *set = *setp;

	if (!set)
		return;
	ear_outlets_close(&set->outlets, wait_ms);
	if (!in_use || set->recorder != in_use->recorder)
		ear_recorder_free(&set->recorder);
	ear_hook_free(&set->hook);
	ear_expr_free(&set->expr);
	free(set);
	*setp = NULL;
}

static enum ear_err make_keep(struct ear_rules_set *set,
	const struct ear_rules_spec *spec, struct ear_fault *fault)
{
	struct ear_fault why = {0};

	if (!spec->keep || !strcmp(spec->keep, "all"))
		return EAR_OK;
	set->keep = EAR_KEEP_TRACED;
	if (!strcmp(spec->keep, "traced"))
		return EAR_OK;
	set->keep = EAR_KEEP_EXPR;
	if (ear_expr_new(
		    ear_slice_str(spec->keep), ear_now_ns(), &set->expr, &why))
		return ear_fail(fault, EAR_USAGE, why.offset,
			"store: keep: all, traced or an expression: %.240s",
			why.text);
	return EAR_OK;
}

/* What a script's sip_trace() calls an address. */
static const char *mirror_of(const char *text, void *arg)
{
	const struct ear_rules_set *set = arg;

	return ear_outlets_name_of(&set->outlets, text);
}

static enum ear_err make_hook(struct ear_rules *rules,
	struct ear_rules_set *set, const struct ear_rules_spec *spec,
	struct ear_fault *fault)
{
	const struct ear_hook_options options = {
		.file = spec->script,
		.max_instructions = spec->script_instructions,
		.max_bytes = spec->script_bytes,
		.notice = rules->options.notice,
		.notice_arg = rules->options.notice_arg,
		.mirror_of = mirror_of,
		.mirror_arg = set,
	};
	struct ear_fault why = {0};
	enum ear_err err;

	if (!spec->script || !spec->script[0])
		return EAR_OK;
	err = ear_hook_new(&options, &set->hook, &why);
	return err ? ear_fail(fault, err, why.offset, "hook: script: %.280s",
			     why.text)
		   : EAR_OK;
}

/* The ring goes on where its limits are the same: it is full of minutes. */
static enum ear_err make_recorder(struct ear_rules *rules,
	struct ear_rules_set *set, const struct ear_rules_spec *spec,
	struct ear_fault *fault)
{
	const struct ear_rules_set *was = rules->set;

	set->recorder_bytes = spec->recorder_bytes;
	set->recorder_ns = spec->recorder_ns;
	if (was && was->recorder_bytes == set->recorder_bytes &&
		was->recorder_ns == set->recorder_ns) {
		set->recorder = was->recorder;
		return EAR_OK;
	}
	if (!spec->recorder_bytes)
		return EAR_OK;
	if (ear_recorder_new(
		    spec->recorder_bytes, spec->recorder_ns, &set->recorder))
		return ear_fail(fault, EAR_USAGE, 0,
			"recorder: size: no memory for %" PRIu64 " bytes, or "
			"less than 1M",
			spec->recorder_bytes);
	return EAR_OK;
}

/*
 * Whether the traces will be taken on: tried on a stand-in, as they take the
 * place of those in use at once.
 */
static enum ear_err try_traces(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_fault *fault)
{
	struct ear_traces *traces = NULL;
	struct ear_trace_info *info;
	size_t n;
	enum ear_err err = ear_traces_new(
		&(struct ear_traces_options){.on = true}, &traces, fault);

	if (!err)
		err = ear_traces_standing(
			traces, spec->traces, spec->n_traces, fault);
	ear_traces_free(&traces);
	if (err || !spec->n_traces || !rules->traces)
		return err;
	info = calloc(2 * EAR_TRACES_MAX, sizeof(*info));
	if (!info)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	n = ear_traces_list(rules->traces, info, 2 * EAR_TRACES_MAX);
	for (size_t i = 0; !err && i < n && i < 2 * EAR_TRACES_MAX; i++) {
		for (size_t k = 0; !err && k < spec->n_traces; k++) {
			if (info[i].standing || info[i].end ||
				strcmp(info[i].name, spec->traces[k].name) != 0)
				continue;
			err = ear_fail(fault, EAR_USAGE, 0,
				"trace \"%s\": an order of this name runs; "
				"stop it or take another name",
				info[i].name);
		}
	}
	free(info);
	return err;
}

static enum ear_err make_set(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_rules_set **out,
	struct ear_fault *fault)
{
	struct ear_rules_set *set = calloc(1, sizeof(*set));
	enum ear_err err;

	*out = set;
	if (!set)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = make_keep(set, spec, fault);
	if (!err)
		err = try_traces(rules, spec, fault);
	if (!err)
		err = make_recorder(rules, set, spec, fault);
	if (!err)
		err = make_hook(rules, set, spec, fault);
	if (!err)
		err = ear_outlets_open(rules, spec,
			rules->set ? &rules->set->outlets : NULL, &set->outlets,
			fault);
	return err;
}

static void tell_nobody(const char *event, struct ear_slice text, void *arg)
{
	(void)event;
	(void)text;
	(void)arg;
}

enum ear_err ear_rules_check(
	const struct ear_rules_spec *spec, struct ear_fault *fault)
{
	struct ear_rules rules = {.options = {.notice = tell_nobody}};
	struct ear_rules_set *set = calloc(1, sizeof(*set));
	enum ear_err err;

	if (!set)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = make_keep(set, spec, fault);
	if (!err)
		err = try_traces(&rules, spec, fault);
	if (!err)
		err = make_hook(&rules, set, spec, fault);
	if (!err)
		err = ear_outlets_check(&rules, spec, fault);
	free_set(&set, NULL, 0);
	return err;
}

/* --- beginning and end ------------------------------------------------- */

enum ear_err ear_rules_new(const struct ear_rules_options *options,
	const struct ear_rules_spec *spec, struct ear_rules **out,
	struct ear_fault *fault)
{
	struct ear_rules *rules = calloc(1, sizeof(*rules));
	struct ear_rules_next *first = NULL;
	enum ear_err err;

	*out = NULL;
	if (!rules)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	rules->options = *options;
	snprintf(rules->dir, sizeof(rules->dir), "%s", options->dir);
	pthread_mutex_init(&rules->lock, NULL);
	err = ear_traces_new(&(struct ear_traces_options){.dir = rules->dir,
				     .on = spec->on,
				     .max_open = spec->max_open,
				     .notice = options->notice,
				     .notice_arg = options->notice_arg},
		&rules->traces, fault);
	if (!err)
		err = ear_rules_prepare(rules, spec, &first, fault);
	if (err) {
		ear_rules_free(&rules, 0);
		return err;
	}
	ear_rules_change(rules, first);
	ear_rules_done(&first);
	ear_outlets_tell_unused(rules, &rules->set->outlets);
	*out = rules;
	return EAR_OK;
}

void ear_rules_free(struct ear_rules **rulesp, uint32_t wait_ms)
{
	struct ear_rules *rules = *rulesp;

	if (!rules)
		return;
	free_set(&rules->stale, rules->set, 0);
	ear_outlets_close(&rules->leaving, 0);
	free_set(&rules->set, NULL, wait_ms);
	ear_traces_free(&rules->traces);
	pthread_mutex_destroy(&rules->lock);
	free(rules);
	*rulesp = NULL;
}

enum ear_err ear_rules_start(struct ear_rules *rules, struct ear_fault *fault)
{
	rules->started = true;
	return ear_outlets_start(&rules->set->outlets, fault);
}

/* --- changing ---------------------------------------------------------- */

enum ear_err ear_rules_prepare(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_rules_next **ready,
	struct ear_fault *fault)
{
	struct ear_rules_next *next = calloc(1, sizeof(*next));
	enum ear_err err;

	*ready = next;
	if (!next)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	next->rules = rules;
	next->spec = spec;
	err = make_set(rules, spec, &next->set, fault);
	if (!err && rules->started)
		err = ear_outlets_start(&next->set->outlets, fault);
	if (err)
		ear_rules_done(ready);
	return err;
}

/* Spools that nothing is put into any more wait for their last commit. */
static void take_leave(struct ear_rules *rules, struct ear_outlets *from)
{
	struct ear_outlets *to = &rules->leaving;

	for (size_t i = 0; i < from->n; i++) {
		struct ear_outlet *o = &from->v[i];

		if (o->borrowed || to->n == EAR_OUTLETS_MAX)
			continue;
		to->v[to->n] = *o;
		/* the message in work may still ask it */
		to->v[to->n].filter = NULL;
		to->v[to->n].to = NULL;
		to->v[to->n++].made_from = (struct ear_buf){0};
		o->borrowed = true;
	}
	rules->leaving_n = to->n;
}

void ear_rules_change(struct ear_rules *rules, struct ear_rules_next *next)
{
	struct ear_rules_set *was = rules->set;
	struct ear_fault fault = {0};

	pthread_mutex_lock(&rules->lock);
	if (was) {
		ear_outlets_change(&next->set->outlets, &was->outlets);
		take_leave(rules, &was->outlets);
	}
	rules->set = next->set;
	pthread_mutex_unlock(&rules->lock);
	next->set = was;
	next->changed = true;
	/* tried before: only an order of the last moment can be in the way */
	if (ear_traces_standing(rules->traces, next->spec->traces,
		    next->spec->n_traces, &fault))
		rules->options.notice("trace.standing",
			ear_slice_str(fault.text), rules->options.notice_arg);
}

static void tell_left(
	struct ear_rules *rules, const char *name, uint64_t waiting)
{
	char text[200];

	snprintf(text, sizeof(text),
		"%s is not configured any more; %" PRIu64 " messages for it "
		"wait in %.80s/spool/%s until it is again",
		name, waiting, rules->dir, name);
	if (waiting)
		rules->options.notice("mirror.left", ear_slice_str(text),
			rules->options.notice_arg);
}

static bool all_empty(struct ear_outlets *outlets)
{
	struct ear_spool_stats stats;

	for (size_t i = 0; i < outlets->n; i++) {
		ear_spool_stats(outlets->v[i].spool, &stats);
		if (stats.waiting && stats.connected)
			return false;
	}
	return true;
}

/* Off the thread that takes messages, which meanwhile goes on. */
static void let_leave(struct ear_rules *rules)
{
	const struct timespec nap = {.tv_nsec = 10 * (long)EAR_MS_NS};
	uint64_t until = ear_mono_ns() + LEAVE_NS;
	struct ear_outlets *left = &rules->leaving;
	struct ear_spool_stats stats;

	while (rules->started && !all_empty(left) && ear_mono_ns() < until)
		nanosleep(&nap, NULL);
	pthread_mutex_lock(&rules->lock);
	rules->leaving_n = 0;
	pthread_mutex_unlock(&rules->lock);
	for (size_t i = 0; i < left->n; i++) {
		ear_spool_stats(left->v[i].spool, &stats);
		tell_left(rules, left->v[i].name, stats.waiting);
	}
	ear_outlets_close(left, 0);
}

/* @return false when a full store holds it up for long */
static bool wait_for_work(struct ear_rules *rules, struct ear_rules_set *set)
{
	const struct timespec nap = {.tv_nsec = (long)EAR_MS_NS};
	uint64_t until = ear_mono_ns() + IN_WORK_NS;

	while (set && atomic_load(&rules->in_work) == set) {
		if (ear_mono_ns() > until)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/*
 * The message in work has the set before in hand, and its outlets: when it
 * takes long they stay until the next change or the end.
 */
static void leave_behind(struct ear_rules_next *next)
{
	struct ear_rules *rules = next->rules;

	if (wait_for_work(rules, next->set)) {
		if (!wait_for_work(rules, rules->stale))
			return;
		free_set(&rules->stale, rules->set, 0);
		let_leave(rules);
		return;
	}
	/* one message is in work: no other set is */
	free_set(&rules->stale, rules->set, 0);
	rules->stale = next->set;
	next->set = NULL;
}

void ear_rules_done(struct ear_rules_next **ready)
{
	struct ear_rules_next *next = *ready;

	if (!next)
		return;
	if (next->changed)
		leave_behind(next);
	free_set(&next->set, next->rules->set, 0);
	free(next);
	*ready = NULL;
}

/* --- the thread that takes messages ------------------------------------ */

struct ear_rules_set *ear_rules_enter(struct ear_rules *rules)
{
	atomic_store_explicit(
		&rules->in_work, rules->set, memory_order_release);
	return rules->set;
}

void ear_rules_leave(struct ear_rules *rules)
{
	atomic_store_explicit(&rules->in_work, NULL, memory_order_release);
}

/* With the outlets in use, and with those that leave while there are some. */
static void for_outlets(struct ear_rules *rules,
	void (*fn)(struct ear_outlets *outlets, struct ear_store *store))
{
	struct ear_store *store = rules->options.store;

	fn(&rules->set->outlets, store);
	if (!rules->leaving_n)
		return;
	pthread_mutex_lock(&rules->lock);
	if (rules->leaving_n)
		fn(&rules->leaving, store);
	pthread_mutex_unlock(&rules->lock);
}

void ear_rules_flush(struct ear_rules *rules)
{
	for_outlets(rules, ear_outlets_flush);
}

void ear_rules_committed(struct ear_rules *rules)
{
	for_outlets(rules, ear_outlets_committed);
}

/* --- any thread -------------------------------------------------------- */

struct ear_traces *ear_rules_traces(struct ear_rules *rules)
{
	return rules->traces;
}

static uint64_t waiting_in(const struct ear_outlets *outlets)
{
	struct ear_spool_stats stats;
	uint64_t n = 0;

	for (size_t i = 0; i < outlets->n; i++) {
		ear_spool_stats(outlets->v[i].spool, &stats);
		n += stats.waiting;
	}
	return n;
}

uint64_t ear_rules_waiting(struct ear_rules *rules)
{
	uint64_t n;

	pthread_mutex_lock(&rules->lock);
	n = waiting_in(&rules->set->outlets);
	if (rules->leaving_n)
		n += waiting_in(&rules->leaving);
	pthread_mutex_unlock(&rules->lock);
	return n;
}

static void recorder_json(struct ear_rules_set *set, struct ear_json *j)
{
	struct ear_recorder_stats stats = {0};

	ear_json_key(j, "recorder");
	if (!set->recorder) {
		ear_json_null(j);
		return;
	}
	ear_recorder_stats(set->recorder, &stats);
	ear_json_open(j, '{');
	ear_json_ku64(j, "messages", stats.messages);
	ear_json_ku64(j, "bytes", stats.bytes);
	ear_json_ku64(j, "max_bytes", stats.max_bytes);
	ear_json_ku64(j, "keep_s", stats.max_ns / EAR_SECOND_NS);
	ear_json_ktime(j, "oldest", stats.oldest_ns);
	ear_json_ku64(j, "evicted", stats.evicted);
	ear_json_close(j, '}');
}

void ear_rules_json(struct ear_rules *rules, struct ear_json *j)
{
	ear_json_kbool(j, "tracing", ear_traces_on(rules->traces));
	ear_json_key(j, "traces");
	ear_traces_json(rules->traces, j);
	pthread_mutex_lock(&rules->lock);
	ear_json_key(j, "outlets");
	ear_outlets_json(&rules->set->outlets, j);
	recorder_json(rules->set, j);
	ear_json_key(j, "hook");
	if (rules->set->hook)
		ear_hook_json(rules->set->hook, j);
	else
		ear_json_null(j);
	pthread_mutex_unlock(&rules->lock);
}
