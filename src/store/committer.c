/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The committer: the thread that owns the segment under construction. It takes
 * batches off the line when they are in, and tries again when they are not.
 */
#include <stdio.h>

#include "base/thread.h"
#include "base/time.h"
#include "store/writer_priv.h"

/* Between tries when the disk is full or fails. */
#define RETRY_MS 500
/* A segment that fails so often in a row is left, another begun. */
#define FAILURES_MAX 4

static void tell(struct ear_writer *w, const char *event, const char *text)
{
	if (w->notice)
		w->notice(event, ear_slice_str(text), w->notice_arg);
}

/* Remember the marks that are committed; lock held. @return false: no room */
static bool publish(struct ear_writer *w, const struct ear_batch *b)
{
	bool room = true;

	for (size_t i = 0; i < b->mark_n; i++) {
		struct known_mark *known =
			writer_mark_place(w, b->marks[i].name);

		if (!known) {
			room = false;
			continue;
		}
		known->generation = writer_generation(w, &b->marks[i]) + 1;
		known->mark = b->marks[i];
		known->used = true;
	}
	return room;
}

static void tell_marks(struct ear_writer *w)
{
	if (w->told_marks)
		return;
	w->told_marks = true;
	tell(w, "store.marks",
		"more inputs than the store keeps positions of: what came by "
		"the others is stored again after a restart");
}

/* Committed: take n batches off the line. */
static void take_off(struct ear_writer *w, size_t n)
{
	struct ear_batch *gone[LINE_MAX_BATCHES];
	uint64_t messages = 0;
	bool room = true;

	memcpy(gone, w->line, n * sizeof(*gone));
	for (size_t i = 0; i < n; i++) {
		writer_waits(w, gone[i]);
		messages += gone[i]->n;
	}
	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < n; i++)
		room = publish(w, gone[i]) && room;
	w->line_n -= n;
	memmove(w->line, w->line + n, w->line_n * sizeof(*w->line));
	for (size_t i = 0; i < n; i++) {
		ear_batch_reset(gone[i]);
		w->spare[w->spare_n++] = gone[i];
	}
	__atomic_fetch_sub(&w->pending, messages, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&w->moved);
	pthread_mutex_unlock(&w->lock);
	if (!room)
		tell_marks(w);
}

static void set_full(struct ear_writer *w, bool full)
{
	pthread_mutex_lock(&w->lock);
	__atomic_store_n(&w->full, full, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&w->moved);
	pthread_mutex_unlock(&w->lock);
}

static void commit_or_complain(struct ear_writer *w, size_t n)
{
	struct ear_fault fault = {0};
	struct ear_batch *b[LINE_MAX_BATCHES];
	enum ear_err err;

	memcpy(b, w->line, n * sizeof(*b));
	err = writer_commit(w, b, n, &fault);
	if (!err) {
		w->failures = 0;
		if (w->full) {
			tell(w, "store.writes", "the store can write again");
			set_full(w, false);
		}
		take_off(w, n);
		writer_keep_house(w);
		return;
	}
	if (!w->full)
		tell(w, err == EAR_FULL ? "store.full" : "store.failed",
			fault.text);
	/* a damaged file stays so: what is in it is left to readers */
	if (err != EAR_FULL && ++w->failures >= FAILURES_MAX && w->seg) {
		ear_shelf_own(w->shelf, w->seg->number, false);
		ear_segment_close(&w->seg);
		w->failures = 0;
	}
	set_full(w, true);
}

/*
 * How many batches of the line can be committed now; lock held. One that was
 * cut between marks waits for the next, so that no mark stands without its
 * messages nor messages without their mark: a replay would bring them twice.
 */
static size_t ready(const struct ear_writer *w)
{
	size_t n = 0;

	while (n < w->line_n && w->line[n]->state == BATCH_DONE) {
		n++;
		if (w->line[n - 1]->clean)
			return n;
	}
	return n == LINE_MAX_BATCHES || (n == w->line_n && w->flushing) ? n : 0;
}

static void wait_ms(struct ear_writer *w, unsigned ms)
{
	ear_cond_wait(&w->done, &w->lock, ear_mono_ns() + ms * EAR_MS_NS);
}

/* The end: what could not be committed is told, the segment sealed. */
static void leave(struct ear_writer *w)
{
	uint64_t lost = __atomic_load_n(&w->pending, __ATOMIC_RELAXED);
	char text[120];

	if (lost) {
		snprintf(text, sizeof(text),
			"closed with %llu messages that could not be written",
			(unsigned long long)lost);
		tell(w, "store.lost", text);
	}
	writer_close_segments(w);
}

void *writer_commit_loop(void *arg)
{
	struct ear_writer *w = arg;
	uint64_t house_ns = ear_mono_ns();

	ear_thread_self("store-commit", EAR_WEIGHT_WORK);
	writer_adopt(w);
	pthread_mutex_lock(&w->lock);
	while (!w->quit) {
		size_t n = ready(w);
		bool idle = ear_mono_ns() - house_ns > EAR_SECOND_NS;

		if (w->full && n) {
			wait_ms(w, RETRY_MS);
			n = ready(w);
		} else if (!n && !idle && !w->seal) {
			wait_ms(w, 1000);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		if (n)
			commit_or_complain(w, n);
		else
			writer_keep_house(w);
		house_ns = ear_mono_ns();
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	leave(w);
	return NULL;
}
