/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows commits: small batches gathered, runs merged, a segment that is
 * old or large enough sealed; and what writers before us left open.
 */
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "store/writer_priv.h"

/* Runs of one tier that are merged into one of the next. */
#define FAN 16
/* Batches of a low level before they are gathered, however small. */
#define GATHER_RUNS 64
/* Sequence numbers have 32 bits; far from there another segment begins. */
#define MESSAGES_MAX (UINT64_C(1) << 31)

void writer_waits(struct ear_writer *w, const struct ear_batch *b)
{
	struct waiting *wait;

	if (b->level >= EAR_SETTLED || !b->n)
		return;
	wait = &w->waiting[b->level];
	wait->bytes += b->raw_bytes;
	wait->rows += b->n;
	wait->runs++;
}

static bool due(const struct waiting *wait, unsigned part)
{
	return wait->bytes >= EAR_BATCH_SOFT / part ||
	       wait->rows >= EAR_BATCH_ROWS_SOFT / part ||
	       wait->runs >= GATHER_RUNS;
}

static enum ear_err gather(
	struct ear_writer *w, uint32_t level, struct ear_fault *fault)
{
	struct waiting all = {0};
	enum ear_err err = ear_segment_begin(w->seg, fault);

	if (err)
		return err;
	err = writer_gather(w->seg, w->packer, level, fault);
	if (!err)
		err = ear_segment_commit(w->seg, fault);
	else
		ear_segment_rollback(w->seg);
	if (err)
		return err;
	for (uint32_t i = 0; i <= level; i++) {
		all.bytes += w->waiting[i].bytes;
		all.rows += w->waiting[i].rows;
		w->waiting[i] = (struct waiting){0};
	}
	if (level + 1 < EAR_SETTLED) {
		w->waiting[level + 1].bytes += all.bytes;
		w->waiting[level + 1].rows += all.rows;
		w->waiting[level + 1].runs++;
	}
	return EAR_OK;
}

/* Merge runs of settled blocks tier by tier, like digits that carry over. */
static enum ear_err merge(struct ear_writer *w, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	size_t n = FAN;

	for (uint32_t tier = 0; !err && n >= FAN; tier++) {
		struct ear_ids runs = {0};

		err = ear_segment_runs(w->seg, EAR_SETTLED, tier, &runs, fault);
		n = runs.n;
		if (!err && n >= FAN) {
			err = ear_segment_begin(w->seg, fault);
			if (!err) {
				err = ear_segment_merge(w->seg, &runs,
					EAR_SETTLED, tier + 1, fault);
				if (!err)
					err = ear_segment_commit(w->seg, fault);
				else
					ear_segment_rollback(w->seg);
			}
		}
		ear_ids_fini(&runs);
	}
	return err;
}

/* Make a sealed segment one file, now or as soon as nobody reads it. */
static void finish(struct ear_writer *w, struct ear_segment *s)
{
	struct ear_fault fault = {0};

	ear_shelf_own(w->shelf, s->number, false);
	if (ear_segment_finish(&s, &fault) == EAR_OK)
		return;
	if (w->leaving_n < LEAVING_MAX)
		w->leaving[w->leaving_n++] = s;
	else
		ear_segment_close(&s); /* the next writer takes it over */
}

static void finish_leaving(struct ear_writer *w)
{
	size_t n = w->leaving_n;

	w->leaving_n = 0;
	for (size_t i = 0; i < n; i++)
		finish(w, w->leaving[i]);
}

static enum ear_err seal(struct ear_writer *w, struct ear_fault *fault)
{
	struct ear_segment *s = w->seg;
	enum ear_err err;

	if (!s->total.messages && !w->mark_n) {
		ear_shelf_own(w->shelf, s->number, false);
		ear_segment_remove(&w->seg);
		return EAR_OK;
	}
	err = writer_settle(s, w->packer, fault);
	if (err)
		return err;
	w->seg = NULL;
	finish(w, s);
	return EAR_OK;
}

static bool seal_due(struct ear_writer *w)
{
	const struct ear_segment *s = w->seg;
	bool asked;

	pthread_mutex_lock(&w->lock);
	asked = w->seal;
	w->seal = false;
	pthread_mutex_unlock(&w->lock);
	if (!s || !s->total.messages)
		return false;
	return asked || s->total.raw_bytes >= w->opt.segment_bytes ||
	       s->total.messages >= MESSAGES_MAX ||
	       ear_mono_ns() >= w->seg_mono_ns + w->opt.segment_ns;
}

void writer_keep_house(struct ear_writer *w)
{
	struct ear_fault fault = {0};
	bool last = seal_due(w);
	enum ear_err err = EAR_OK;

	if (w->leaving_n)
		finish_leaving(w);
	if (!w->seg)
		return;
	if (due(&w->waiting[EAR_FRESH], 16))
		err = gather(w, EAR_FRESH, &fault);
	if (!err && due(&w->waiting[EAR_GATHERED], 1))
		err = gather(w, EAR_GATHERED, &fault);
	if (!err)
		err = merge(w, &fault);
	if (!err && last)
		err = seal(w, &fault);
	if (err == EAR_BAD) {
		/* what is in it can still be read; do not add to it */
		ear_shelf_hurt(w->shelf, w->seg->number, fault.text);
		ear_shelf_own(w->shelf, w->seg->number, false);
		ear_segment_close(&w->seg);
	}
}

void writer_close_segments(struct ear_writer *w)
{
	struct ear_fault fault = {0};

	if (w->seg && seal(w, &fault)) {
		ear_shelf_own(w->shelf, w->seg->number, false);
		ear_segment_close(&w->seg);
	}
	for (unsigned i = 0; w->leaving_n && i < 20; i++) {
		struct timespec nap = {.tv_nsec = 50000000};

		nanosleep(&nap, NULL);
		finish_leaving(w);
	}
	while (w->leaving_n)
		ear_segment_close(&w->leaving[--w->leaving_n]);
}

void writer_adopt(struct ear_writer *w)
{
	struct ear_shelf_item *items;
	struct ear_fault fault = {0};
	size_t n;

	if (ear_shelf_list(w->shelf, &items, &n, NULL))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		struct ear_segment *s;
		enum ear_err err;

		if (items[i].sealed)
			continue;
		err = ear_segment_adopt(
			ear_shelf_dir(w->shelf), items[i].number, &s, &fault);
		if (!err && !s->total.sealed)
			err = writer_settle(s, w->packer, &fault);
		if (err == EAR_BAD)
			ear_shelf_hurt(w->shelf, items[i].number, fault.text);
		if (err)
			ear_segment_close(&s);
		else if (!s->total.messages && !w->mark_n)
			ear_segment_remove(&s);
		else
			finish(w, s);
	}
	free(items);
}
