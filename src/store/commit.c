/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction: batches and their marks into the open segment. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/time.h"
#include "store/writer_priv.h"

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

uint64_t writer_generation(
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
			writer_generation(w, &b->marks[i]) + 1, fault);
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

enum ear_err writer_commit(struct ear_writer *w, struct ear_batch **b, size_t n,
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
