/* SPDX-License-Identifier: Apache-2.0 */
/* The committer: the thread that owns the segment under construction. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/thread.h"
#include "base/time.h"
#include "store/writer_priv.h"

/* Runs of one tier that are merged into one of the next. */
#define FAN 16
/* Batches of a low level before they are gathered, however small. */
#define GATHER_RUNS 64
/* Between tries when the disk is full or fails. */
#define RETRY_MS 500
/* A segment that fails so often in a row is left, another begun. */
#define FAILURES_MAX 4
/* Sequence numbers have 32 bits; far from there another segment begins. */
#define MESSAGES_MAX (UINT64_C(1) << 31)

static void tell(struct ear_writer *w, const char *event, const char *text)
{
	if (w->notice)
		w->notice(event, ear_slice_str(text), w->notice_arg);
}

/* --- one transaction --------------------------------------------------- */

/*
 * Into a new segment go the marks in use. Those of inputs that are no more are
 * left behind, and gone with the last segment that has them. A writer whose
 * caller has no inputs cannot know which are: it carries all.
 */
static enum ear_err carry_marks(struct ear_writer *w, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	bool inputs = false;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->mark_n; i++)
		inputs = inputs || w->marks[i].used;
	pthread_mutex_unlock(&w->lock);
	/* only this thread changes them, but for "used" */
	for (size_t i = 0; !err && i < w->mark_n; i++) {
		struct known_mark known;

		pthread_mutex_lock(&w->lock);
		known = w->marks[i];
		pthread_mutex_unlock(&w->lock);
		if (known.used || !inputs)
			err = ear_segment_mark(
				w->seg, &known.mark, known.generation, fault);
	}
	return err;
}

static enum ear_err new_segment(struct ear_writer *w, struct ear_fault *fault)
{
	/* its name, no more; it also must be above all there are */
	uint64_t number = ear_now_ns() / EAR_SECOND_NS;
	struct ear_shelf_item *items;
	enum ear_err err;
	size_t n;

	err = ear_shelf_list(w->shelf, &items, &n, fault);
	if (!err && n && items[n - 1].number >= number)
		number = items[n - 1].number + 1;
	free(items);
	if (!err)
		err = ear_segment_new(
			ear_shelf_dir(w->shelf), number, &w->seg, fault);
	if (err)
		return err;
	w->seg_mono_ns = ear_mono_ns();
	memset(w->waiting, 0, sizeof(w->waiting));
	ear_shelf_own(w->shelf, w->seg->number, true);
	err = ear_segment_begin(w->seg, fault);
	if (!err) {
		err = carry_marks(w, fault);
		if (!err)
			err = ear_segment_commit(w->seg, fault);
		else
			ear_segment_rollback(w->seg);
	}
	if (err)
		ear_segment_remove(&w->seg);
	return err;
}

static uint64_t generation_of(
	const struct ear_writer *w, const struct ear_store_mark *mark)
{
	for (size_t i = 0; i < w->mark_n; i++) {
		if (ear_store_mark_is(&w->marks[i].mark, mark->name))
			return w->marks[i].generation;
	}
	return w->floor;
}

static enum ear_err write_batch(
	struct ear_writer *w, struct ear_batch *b, struct ear_fault *fault)
{
	enum ear_err err =
		writer_add(w->seg, b, (uint32_t)w->seg->total.next_seq, fault);

	w->seg->total.next_seq += b->n;
	for (size_t i = 0; !err && i < b->mark_n; i++)
		err = ear_segment_mark(w->seg, &b->marks[i],
			generation_of(w, &b->marks[i]) + 1, fault);
	return err;
}

/* Whether the disk has what must stay free, beside what comes now. */
static bool has_room(struct ear_writer *w)
{
	struct statvfs fs;
	uint64_t need =
		__atomic_load_n(&w->opt.keep.min_free, __ATOMIC_RELAXED);

	if (!need || statvfs(ear_shelf_dir(w->shelf), &fs))
		return true;
	if ((uint64_t)fs.f_bavail * fs.f_frsize >= need + EAR_BATCH_BYTES)
		return true;
	return w->room && w->room(w->room_arg);
}

static enum ear_err commit(struct ear_writer *w, struct ear_batch **b, size_t n,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (!has_room(w))
		return ear_fail(fault, EAR_FULL, 0,
			"less of the disk is free than shall stay free");
	if (!w->seg)
		err = new_segment(w, fault);
	if (err)
		return err;
	err = ear_segment_begin(w->seg, fault);
	if (err)
		return err;
	for (size_t i = 0; !err && i < n; i++)
		err = write_batch(w, b[i], fault);
	if (!err)
		return ear_segment_commit(w->seg, fault);
	ear_segment_rollback(w->seg);
	return err;
}

/* --- what follows a commit --------------------------------------------- */

static void wait_for_more(struct ear_writer *w, const struct ear_batch *b)
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

/*
 * What is due. It can fail as a commit can, but nothing is lost by that: it is
 * due again after the next commit.
 */
static void keep_house(struct ear_writer *w)
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

/* --- the loop ---------------------------------------------------------- */

/* Seal what writers before us left open, unless they are still at it. */
static void adopt(struct ear_writer *w)
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
		known->generation = generation_of(w, &b->marks[i]) + 1;
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
		wait_for_more(w, gone[i]);
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
	err = commit(w, b, n, &fault);
	if (!err) {
		w->failures = 0;
		if (w->full) {
			tell(w, "store.writes", "the store can write again");
			set_full(w, false);
		}
		take_off(w, n);
		keep_house(w);
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
	struct ear_fault fault = {0};
	uint64_t lost = __atomic_load_n(&w->pending, __ATOMIC_RELAXED);
	char text[120];

	if (lost) {
		snprintf(text, sizeof(text),
			"closed with %llu messages that could not be written",
			(unsigned long long)lost);
		tell(w, "store.lost", text);
	}
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

void *writer_commit_loop(void *arg)
{
	struct ear_writer *w = arg;
	uint64_t house_ns = ear_mono_ns();

	ear_thread_self("store-commit", EAR_WEIGHT_WORK);
	adopt(w);
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
			keep_house(w);
		house_ns = ear_mono_ns();
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	leave(w);
	return NULL;
}
