/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another set takes the place of the one in use, between two messages; what
 * only the old one has is ended off the thread that takes messages.
 */
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
	err = ear_rules_set_new(rules, spec, &next->set, fault);
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
		ear_rules_set_free(&rules->stale, rules->set, 0);
		let_leave(rules);
		return;
	}
	/* one message is in work: no other set is */
	ear_rules_set_free(&rules->stale, rules->set, 0);
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
	ear_rules_set_free(&next->set, next->rules->set, 0);
	free(next);
	*ready = NULL;
}
