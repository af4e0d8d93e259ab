/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/pump_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/stop.h"
#include "base/thread.h"
#include "base/time.h"

/* How far one lane may be ahead of another. */
#define APART_NS (20 * EAR_MS_NS)

bool pump_gave_up(const struct ear_pump *pump)
{
	return __atomic_load_n(&pump->give_up, __ATOMIC_RELAXED);
}

/* Run what somebody waits for. */
void pump_run_errand(void *arg)
{
	struct ear_pump *pump = arg;
	struct errand *e;

	if (!atomic_load_explicit(&pump->errand, memory_order_relaxed))
		return;
	pthread_mutex_lock(&pump->errand_lock);
	e = atomic_load(&pump->errand);
	if (e) {
		e->fn(e->arg);
		e->done = true;
		atomic_store(&pump->errand, NULL);
		pthread_cond_broadcast(&pump->errand_moved);
	}
	pthread_mutex_unlock(&pump->errand_lock);
}

void ear_pump_run(struct ear_pump *pump, void (*fn)(void *arg), void *arg)
{
	struct errand e = {.fn = fn, .arg = arg};

	pthread_mutex_lock(&pump->errand_lock);
	while (atomic_load(&pump->errand))
		pthread_cond_wait(&pump->errand_moved, &pump->errand_lock);
	if (!pump->running || pump->ended) {
		fn(arg);
		pthread_mutex_unlock(&pump->errand_lock);
		return;
	}
	atomic_store(&pump->errand, &e);
	ear_journal_wake(pump->options.journal);
	while (!e.done)
		pthread_cond_wait(&pump->errand_moved, &pump->errand_lock);
	pthread_mutex_unlock(&pump->errand_lock);
}

/* What is not stored stays in the journal, as do all frames after it. */
void pump_give_up(struct ear_pump *pump)
{
	__atomic_store_n(&pump->hurry, true, __ATOMIC_RELAXED);
	__atomic_store_n(&pump->give_up, true, __ATOMIC_RELAXED);
}

/* What outlets got is on its way to the disk with what it came from. */
static void flush_outlets(struct ear_pump *pump)
{
	if (pump->options.rules)
		ear_rules_flush(pump->options.rules);
}

static enum ear_err flush_rows(struct ear_pump *pump, struct ear_fault *fault)
{
	if (!pump->options.tracking)
		return EAR_OK;
	pump_mark_rows(pump);
	return ear_tracking_flush(pump->options.tracking, fault);
}

/*
 * Records that cannot be written are waited for only when they would take too
 * much memory, and whoever has an errand is not kept waiting.
 */
static void track_on(struct ear_pump *pump, uint64_t now)
{
	struct ear_tracking *tracking = pump->options.tracking;
	const struct timespec nap = {.tv_nsec = 20000000};

	if (!tracking || !ear_tracking_due(tracking, now))
		return;
	while (ear_tracking_crowded(tracking) &&
		!ear_tracking_ready(tracking) && !ear_stopped(&pump->hurry)) {
		pump_run_errand(pump);
		nanosleep(&nap, NULL);
	}
	if (!ear_tracking_ready(tracking))
		return;
	pump_mark_rows(pump);
	ear_tracking_commit(tracking, now, true, &pump->hurry);
}

/*
 * Lanes go on side by side in time: where they are behind, as after a restart,
 * one with little in it would else be hours ahead of one with much, and what
 * trackers wait for in this would seem never to have come.
 */
static uint64_t until(struct ear_pump *pump)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < pump->lanes; i++) {
		struct lane *lane = &pump->lane[i];

		if (pump_peek(pump, lane) == EAR_OK && lane->first_ns < least)
			least = lane->first_ns;
	}
	return pump->stepped || least > UINT64_MAX - APART_NS
		       ? UINT64_MAX
		       : least + APART_NS;
}

/* One round over the lanes; false when all were empty. */
static bool round_of_lanes(struct ear_pump *pump)
{
	struct ear_store *store = pump->options.store;
	uint64_t now = ear_mono_ns(), until_ns = until(pump);
	bool any = false;

	for (size_t i = 0; i < pump->lanes && !pump_gave_up(pump); i++) {
		struct lane *lane = &pump->lane[i];

		if (lane->holds && pump_turn(pump, lane, until_ns) == EAR_OK)
			any = true;
	}
	if (!any)
		pump->stepped = false;
	flush_outlets(pump);
	store->ops->tick(store, now);
	track_on(pump, now);
	if (now >= pump->marks_at_ns) {
		pump_release(pump);
		pump_close_retired(pump);
		pump->marks_at_ns = now + 200 * EAR_MS_NS;
	}
	return any;
}

static void *pump_main(void *arg)
{
	struct ear_pump *pump = arg;

	ear_thread_self("pump", EAR_WEIGHT_PUMP);
	while (!pump_gave_up(pump)) {
		/* asked first: what taps left before is read then */
		bool finish = atomic_load(&pump->finish);

		if (round_of_lanes(pump))
			continue;
		if (finish)
			break;
		pump_run_errand(pump);
		ear_journal_wait(pump->options.journal, 20);
	}
	/* whoever came in the meantime is not left waiting */
	pthread_mutex_lock(&pump->errand_lock);
	pump->ended = true;
	pthread_cond_broadcast(&pump->errand_moved);
	pthread_mutex_unlock(&pump->errand_lock);
	pump_run_errand(pump);
	return NULL;
}

enum ear_err ear_pump_new(const struct ear_pump_options *options,
	struct ear_pump **out, struct ear_fault *fault)
{
	struct ear_pump *pump = calloc(1, sizeof(*pump));
	enum ear_err err = EAR_NOMEM;

	*out = NULL;
	if (!pump)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	pump->options = *options;
	pthread_mutex_init(&pump->errand_lock, NULL);
	ear_cond_init(&pump->errand_moved);
	if (ear_decoder_new(&pump->decoder) ||
		ear_ledger_new(1, &pump->aside) ||
		ear_path_new(&(struct ear_path_options){.store = options->store,
				     .ledger = options->ledger,
				     .rules = options->rules,
				     .tracking = options->tracking,
				     .stop = &pump->hurry,
				     .idle = pump_run_errand,
				     .idle_arg = pump},
			&pump->path)) {
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		goto out;
	}
	err = pump_open_left_over(pump, fault);
out:
	if (err)
		ear_pump_free(&pump);
	*out = pump;
	return err;
}

enum ear_err ear_pump_start(struct ear_pump *pump)
{
	errno = pthread_create(&pump->thread, NULL, pump_main, pump);
	if (errno)
		return EAR_SYS;
	pump->running = true;
	return EAR_OK;
}

enum ear_err ear_pump_drain(struct ear_pump *pump, struct ear_fault *fault)
{
	struct ear_store *store = pump->options.store;
	enum ear_err err;

	__atomic_store_n(&pump->hurry, true, __ATOMIC_RELAXED);
	while (!pump_gave_up(pump) && round_of_lanes(pump))
		;
	err = store->ops->flush(store, fault);
	if (!err && !pump_gave_up(pump))
		err = flush_rows(pump, fault);
	if (!err)
		pump_release(pump);
	if (!err && pump_gave_up(pump))
		err = ear_fail(fault, EAR_FULL, 0,
			"the store did not take all: see its notices");
	return err;
}

void ear_pump_stop(struct ear_pump *pump, uint32_t wait_ms)
{
	uint64_t until_ns = ear_mono_ns() + wait_ms * EAR_MS_NS;

	if (!pump->running)
		return;
	atomic_store(&pump->finish, true);
	ear_journal_wake(pump->options.journal);
	pthread_mutex_lock(&pump->errand_lock);
	while (!pump->ended && ear_cond_wait(&pump->errand_moved,
				       &pump->errand_lock, until_ns))
		;
	if (!pump->ended)
		pump_give_up(pump);
	pthread_mutex_unlock(&pump->errand_lock);
	pthread_join(pump->thread, NULL);
	pthread_mutex_lock(&pump->errand_lock);
	pump->running = false;
	pthread_mutex_unlock(&pump->errand_lock);
	if (!pump_gave_up(pump) &&
		!pump->options.store->ops->flush(pump->options.store, NULL) &&
		!flush_rows(pump, NULL))
		pump_release(pump);
}

void ear_pump_free(struct ear_pump **pp)
{
	struct ear_pump *pump = *pp;

	if (!pump)
		return;
	ear_pump_stop(pump, 0);
	for (size_t i = 0; i < pump->lanes; i++)
		ear_lane_close(&pump->lane[i].lane);
	ear_decoder_free(&pump->decoder);
	ear_path_free(&pump->path);
	ear_ledger_free(&pump->aside);
	pthread_mutex_destroy(&pump->errand_lock);
	pthread_cond_destroy(&pump->errand_moved);
	free(pump);
	*pp = NULL;
}
