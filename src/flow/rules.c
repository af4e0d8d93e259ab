/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a server: begun and ended, and what others ask of them.
 * rules_set.c makes a set of them, rules_change.c exchanges it.
 */
#include "flow/rules.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "flow/rules_priv.h"

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
	ear_rules_set_free(&rules->stale, rules->set, 0);
	ear_outlets_close(&rules->leaving, 0);
	ear_rules_set_free(&rules->set, NULL, wait_ms);
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
