/* SPDX-License-Identifier: Apache-2.0 */
/* The side of the writer that puts, and the workers. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"
#include "base/time.h"
#include "store/writer_priv.h"

#define RELAXED __ATOMIC_RELAXED

/* --- workers ----------------------------------------------------------- */

/* Lock held, and given up while working. @return false: nothing to do */
static bool work_on(
	struct ear_writer *w, struct ear_batch *b, struct ear_packer *packer)
{
	enum ear_err err;
	uint32_t piece;

	if (b->state == BATCH_NEW) {
		b->state = BATCH_ARRANGING;
		pthread_mutex_unlock(&w->lock);
		err = ear_batch_arrange(b);
		pthread_mutex_lock(&w->lock);
		b->err = err;
		b->state = err || !b->pieces ? BATCH_DONE : BATCH_ARRANGED;
		pthread_cond_broadcast(&w->work);
		pthread_cond_signal(&w->done);
		return true;
	}
	if (b->state != BATCH_ARRANGED || b->next == b->pieces)
		return false;
	piece = b->next++;
	pthread_mutex_unlock(&w->lock);
	err = ear_batch_pack(b, piece, packer);
	pthread_mutex_lock(&w->lock);
	if (err)
		b->err = err;
	if (++b->done == b->pieces) {
		b->state = BATCH_DONE;
		pthread_cond_signal(&w->done);
	}
	return true;
}

static void *worker(void *arg)
{
	struct ear_writer *w = arg;
	struct ear_packer *packer = ear_packer_new();

	ear_thread_self("store-pack", EAR_WEIGHT_WORK);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		bool busy = false;

		for (size_t i = 0; packer && i < w->line_n && !busy; i++)
			busy = work_on(w, w->line[i], packer);
		if (busy)
			continue;
		if (w->quit)
			break;
		pthread_cond_wait(&w->work, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	ear_packer_free(&packer);
	return NULL;
}

/* --- putting ----------------------------------------------------------- */

/* By how much of a batch it is: see writer.h. */
static uint32_t level_of(const struct ear_batch *b)
{
	uint64_t bytes = b->raw_bytes * 64 / EAR_BATCH_SOFT;
	uint64_t rows = (uint64_t)b->n * 64 / EAR_BATCH_ROWS_SOFT;
	uint64_t part = bytes > rows ? bytes : rows;

	return part >= 32 ? EAR_SETTLED : part >= 4 ? EAR_GATHERED : EAR_FRESH;
}

/*
 * What stands behind the messages of a batch and has marks of its own sets
 * them when it is closed: more often would cost a write each. They say nothing
 * of whether this is a place to cut at.
 */
static void last_marks(struct ear_writer *w)
{
	bool clean = w->fill->clean;

	if (!w->opt.closing || w->closing)
		return;
	w->closing = true;
	w->opt.closing(w->opt.closing_arg);
	w->closing = false;
	w->fill->clean = clean;
}

/*
 * Hand the batch over and begin another; wait for room in the line.
 *
 * @return EAR_FULL when the disk is: it still is the caller's to fill
 */
static enum ear_err hand_over(struct ear_writer *w)
{
	struct ear_batch *b = w->fill;

	/* there from ear_writer_new() on, and refilled from the spares */
	assert(b);
	if (!b->n && !b->mark_n)
		return EAR_OK;
	last_marks(w);
	pthread_mutex_lock(&w->lock);
	while (w->line_n == LINE_MAX_BATCHES &&
		!__atomic_load_n(&w->full, RELAXED))
		pthread_cond_wait(&w->moved, &w->lock);
	if (w->line_n == LINE_MAX_BATCHES) {
		pthread_mutex_unlock(&w->lock);
		return EAR_FULL;
	}
	b->level = level_of(b);
	/* without marks every place is as good as another to cut at */
	b->clean = b->clean || !w->marks_used;
	w->line[w->line_n++] = b;
	w->fill = w->spare[--w->spare_n];
	pthread_cond_broadcast(&w->work);
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
	return EAR_OK;
}

enum ear_err ear_writer_put(struct ear_writer *w, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	enum ear_err err;

	if (__atomic_load_n(&w->full, RELAXED))
		return EAR_FULL;
	err = ear_batch_add(w->fill, msg, facts, w->fill->n);
	if (err == EAR_FULL) {
		err = hand_over(w);
		if (!err)
			err = ear_batch_add(w->fill, msg, facts, w->fill->n);
	}
	if (err)
		return err;
	if (w->fill->n == 1)
		w->fill->began_mono_ns = ear_mono_ns();
	__atomic_fetch_add(&w->pending, 1, RELAXED);
	return EAR_OK;
}

void ear_writer_mark(struct ear_writer *w, const struct ear_store_mark *mark)
{
	struct ear_batch *b = w->fill;

	w->marks_used = true;
	if (w->closing) {
		/* it has room for all lanes and spools that can be */
		(void)!ear_batch_mark(b, mark);
		return;
	}
	while (ear_batch_mark(b, mark)) {
		/* more inputs than a batch has room for; then it is closed */
		if (hand_over(w))
			return;
		b = w->fill;
	}
	if (!b->began_mono_ns)
		b->began_mono_ns = ear_mono_ns();
	/* when it cannot, the next put or mark tries again */
	if (b->used >= EAR_BATCH_SOFT || b->n >= EAR_BATCH_ROWS_SOFT)
		(void)!hand_over(w);
}

void ear_writer_tick(struct ear_writer *w, uint64_t mono_ns)
{
	struct ear_batch *b = w->fill;
	bool room;

	if ((!b->n && !b->mark_n) || (w->marks_used && !b->clean) ||
		mono_ns < b->began_mono_ns + w->opt.commit_ms * EAR_MS_NS)
		return;
	pthread_mutex_lock(&w->lock);
	room = w->line_n < LINE_MAX_BATCHES;
	pthread_mutex_unlock(&w->lock);
	/* when the line is full a larger batch is better than waiting here */
	if (room)
		(void)!hand_over(w);
}

enum ear_err ear_writer_flush(struct ear_writer *w, struct ear_fault *fault)
{
	enum ear_err err = hand_over(w);

	pthread_mutex_lock(&w->lock);
	w->flushing = true;
	pthread_cond_signal(&w->done);
	while (w->line_n && !__atomic_load_n(&w->full, RELAXED))
		pthread_cond_wait(&w->moved, &w->lock);
	w->flushing = false;
	if (w->line_n)
		err = EAR_FULL;
	pthread_mutex_unlock(&w->lock);
	return err ? ear_fail(fault, err, 0,
			     "the store cannot write: see its notices")
		   : EAR_OK;
}

void ear_writer_limits(struct ear_writer *w, const struct ear_retention *keep)
{
	__atomic_store_n(&w->opt.keep.min_free, keep->min_free, RELAXED);
}

void ear_writer_seal(struct ear_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->seal = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

static struct known_mark *known_mark(struct ear_writer *w, const char *name)
{
	for (size_t i = 0; i < w->mark_n; i++) {
		if (ear_store_mark_is(&w->marks[i].mark, name))
			return &w->marks[i];
	}
	return NULL;
}

struct known_mark *writer_mark_place(struct ear_writer *w, const char *name)
{
	struct known_mark *known = known_mark(w, name);

	if (known)
		return known;
	if (w->mark_n < MARKS_MAX)
		return &w->marks[w->mark_n++];
	for (size_t i = 0; i < w->mark_n; i++) {
		known = &w->marks[i];
		if (known->used)
			continue;
		if (w->floor < known->generation)
			w->floor = known->generation;
		return known;
	}
	return NULL;
}

/* Whether each place is taken by a mark in use. */
static bool marks_full(const struct ear_writer *w)
{
	size_t used = 0;

	for (size_t i = 0; i < w->mark_n; i++)
		used += w->marks[i].used;
	return used == MARKS_MAX;
}

enum ear_err ear_writer_marked(
	struct ear_writer *w, const char *name, struct ear_store_mark *mark)
{
	struct known_mark *known;
	enum ear_err err = EAR_OK;

	pthread_mutex_lock(&w->lock);
	known = known_mark(w, name);
	if (known) {
		known->used = true;
		*mark = known->mark;
	} else {
		err = marks_full(w) ? EAR_LIMIT : EAR_GONE;
	}
	pthread_mutex_unlock(&w->lock);
	return err;
}

void ear_writer_stats(struct ear_writer *w, struct ear_writer_stats *stats)
{
	stats->pending = __atomic_load_n(&w->pending, RELAXED);
	stats->full = __atomic_load_n(&w->full, RELAXED);
}

/* --- beginning and end ------------------------------------------------- */

/* Keep a mark that a segment has, unless a later one is known. */
static enum ear_err learn_mark(
	const struct ear_store_mark *mark, uint64_t generation, void *arg)
{
	struct ear_writer *w = arg;
	struct known_mark *known = known_mark(w, mark->name);

	if (!known && w->mark_n == MARKS_MAX) {
		/* of an input long gone: those in use are in new segments */
		if (w->floor < generation)
			w->floor = generation;
		return EAR_OK;
	}
	if (!known)
		known = &w->marks[w->mark_n++];
	if (known->generation < generation)
		*known = (struct known_mark){*mark, generation, false};
	return EAR_OK;
}

/*
 * The newest marks of all segments. Where a segment cannot be read its marks
 * are lost, and what follows older ones is taken in twice: better than not.
 */
static enum ear_err load_marks(struct ear_writer *w, struct ear_fault *fault)
{
	struct ear_shelf_item *items;
	size_t n;
	enum ear_err err = ear_shelf_list(w->shelf, &items, &n, fault);

	/* the latest first, which has those in use */
	while (!err && n--) {
		struct ear_view *view;

		if (ear_shelf_view(w->shelf, &items[n], &view, NULL))
			continue;
		(void)!ear_view_marks(view, learn_mark, w, NULL);
		ear_shelf_return(w->shelf, items[n].number, &view);
	}
	free(items);
	return err;
}

static void defaults(struct ear_writer *w)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct ear_store_options *o = &w->opt;

	if (!o->segment_bytes)
		o->segment_bytes = 4ULL << 30;
	/* a store that is kept small goes in steps of about a tenth */
	if (o->keep.max_bytes && o->segment_bytes > o->keep.max_bytes)
		o->segment_bytes = o->keep.max_bytes;
	if (!o->segment_ns)
		o->segment_ns = 24 * 3600 * EAR_SECOND_NS;
	if (!o->commit_ms)
		o->commit_ms = 250;
	o->commit_ms = o->commit_ms < 10     ? 10
		       : o->commit_ms > 5000 ? 5000
					     : o->commit_ms;
	if (!o->threads)
		o->threads = cores > 0 ? (uint32_t)cores : 1;
	if (o->threads > WORKERS_MAX)
		o->threads = WORKERS_MAX;
}

static enum ear_err start(struct ear_writer *w, struct ear_fault *fault)
{
	int rc = pthread_create(&w->committer, NULL, writer_commit_loop, w);

	w->committing = !rc;
	while (!rc && w->worker_n < w->opt.threads) {
		rc = pthread_create(&w->workers[w->worker_n], NULL, worker, w);
		w->worker_n += !rc;
	}
	return rc ? ear_fail(fault, EAR_SYS, 0, "cannot start a thread")
		  : EAR_OK;
}

enum ear_err ear_writer_new(struct ear_shelf *shelf,
	const struct ear_store_options *options, ear_notice_fn notice,
	void *notice_arg, ear_room_fn room, void *room_arg,
	struct ear_writer **writer, struct ear_fault *fault)
{
	struct ear_writer *w = calloc(1, sizeof(*w));
	enum ear_err err;

	*writer = NULL;
	if (!w)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	w->shelf = shelf;
	w->opt = *options;
	w->notice = notice;
	w->notice_arg = notice_arg;
	w->room = room;
	w->room_arg = room_arg;
	defaults(w);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	ear_cond_init(&w->done);
	pthread_cond_init(&w->moved, NULL);
	w->fill = ear_batch_new();
	w->packer = ear_packer_new();
	err = w->fill && w->packer ? EAR_OK : EAR_NOMEM;
	while (!err && w->spare_n < LINE_MAX_BATCHES) {
		w->spare[w->spare_n] = ear_batch_new();
		if (!w->spare[w->spare_n++])
			err = EAR_NOMEM;
	}
	if (err)
		ear_fail(fault, err, 0, "out of memory");
	if (!err)
		err = load_marks(w, fault);
	if (!err)
		err = start(w, fault);
	if (err)
		ear_writer_free(&w);
	*writer = w;
	return err;
}

void ear_writer_free(struct ear_writer **writer)
{
	struct ear_writer *w = *writer;

	if (!w)
		return;
	if (w->committing)
		(void)!ear_writer_flush(w, NULL);
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	pthread_cond_broadcast(&w->work);
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
	if (w->committing)
		pthread_join(w->committer, NULL);
	for (size_t i = 0; i < w->worker_n; i++)
		pthread_join(w->workers[i], NULL);
	for (size_t i = 0; i < w->line_n; i++)
		ear_batch_free(&w->line[i]);
	for (size_t i = 0; i < w->spare_n; i++)
		ear_batch_free(&w->spare[i]);
	ear_batch_free(&w->fill);
	ear_packer_free(&w->packer);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->done);
	pthread_cond_destroy(&w->moved);
	pthread_mutex_destroy(&w->lock);
	free(w);
	*writer = NULL;
}
