/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes of the journal: opened, followed, released, closed. */
#include "flow/pump_priv.h"

#include <stdio.h>

/*
 * A store's mark has three numbers. The third holds the frame and how many
 * messages of it are done; what these have beyond 20 bits stands above the
 * file's number, which has 32, in the first.
 */
#define SKIP_BITS 20
#define FILE_BITS 32

void pump_mark(const struct lane *lane, const struct ear_lane_pos *pos,
	uint64_t messages, struct ear_store_mark *mark)
{
	*mark = (struct ear_store_mark){
		.v = {pos->file | messages >> SKIP_BITS << FILE_BITS,
			pos->offset,
			pos->frame << SKIP_BITS |
				(messages & ((1u << SKIP_BITS) - 1))}};
	memcpy(mark->name, lane->name, sizeof(mark->name));
}

/* @return messages of the frame at pos that are done */
static uint64_t pos_of(
	const struct ear_store_mark *mark, struct ear_lane_pos *pos)
{
	*pos = (struct ear_lane_pos){
		.file = mark->v[0] & (((uint64_t)1 << FILE_BITS) - 1),
		.offset = mark->v[1],
		.frame = mark->v[2] >> SKIP_BITS,
	};
	return mark->v[0] >> FILE_BITS << SKIP_BITS |
	       (mark->v[2] & ((1u << SKIP_BITS) - 1));
}

static bool is_before(
	const struct ear_lane_pos *a, const struct ear_lane_pos *b)
{
	return a->file != b->file ? a->file < b->file : a->offset < b->offset;
}

/*
 * What is committed of a lane, by the store and by the trackers.
 *
 * @return false while nothing is
 */
static bool committed(const struct ear_pump *pump, const struct lane *lane,
	struct ear_lane_pos *pos)
{
	struct ear_store *store = pump->options.store;
	struct ear_tracking *tracking = pump->options.tracking;
	struct ear_lane_pos tracked;
	struct ear_store_mark mark;

	if (store->ops->marked(store, lane->name, &mark))
		return false;
	pos_of(&mark, pos);
	if (!tracking)
		return true;
	if (ear_tracking_marked(tracking, lane->name, &mark))
		return false;
	pos_of(&mark, &tracked);
	if (is_before(&tracked, pos))
		*pos = tracked;
	return true;
}

/* Tell the journal what is committed. */
void pump_release(struct ear_pump *pump)
{
	for (size_t i = 0; i < pump->lanes; i++) {
		struct lane *lane = &pump->lane[i];
		struct ear_lane_pos pos;

		if (!committed(pump, lane, &pos))
			continue;
		if (lane->done_at == (pos.offset ^ pos.file << 40))
			continue;
		lane->done_at = pos.offset ^ pos.file << 40;
		ear_lane_done(lane->lane, &pos);
	}
	if (pump->options.rules)
		ear_rules_committed(pump->options.rules);
}

/* Whether all is committed of a lane that gets no more. */
static bool is_over(struct ear_pump *pump, struct lane *lane)
{
	struct ear_lane_pos pos;

	if (!lane->retired || !lane->empty)
		return false;
	if (lane->writer) {
		/* it may have come with a last frame since the last read */
		lane->empty = false;
		if (!ear_flow_lane_uses(lane->writer, lane->lane))
			lane->writer = NULL;
		return false;
	}
	if (!lane->taken)
		return true;
	return committed(pump, lane, &pos) && pos.file == lane->start.file &&
	       pos.offset == lane->start.offset;
}

/* Between two rounds, when nobody has a lane in hand. */
void pump_close_retired(struct ear_pump *pump)
{
	struct ear_lane_pos behind;

	for (size_t i = 0; i < pump->lanes;) {
		struct lane *lane = &pump->lane[i];

		if (!is_over(pump, lane)) {
			i++;
			continue;
		}
		/* its last file goes too */
		behind = ear_lane_end(lane->lane);
		behind.file++;
		behind.offset = 0;
		ear_lane_done(lane->lane, &behind);
		ear_lane_close(&lane->lane);
		*lane = pump->lane[--pump->lanes];
	}
}

/*
 * Rows are committed between two frames, with all that was read before. A
 * lane that was opened behind where the trackers had come is marked as they
 * have it, until it gets there.
 */
void pump_mark_rows(struct ear_pump *pump)
{
	struct ear_store_mark mark;

	for (size_t i = 0; i < pump->lanes; i++) {
		struct lane *lane = &pump->lane[i];

		if (is_before(&lane->start, &lane->tracked.pos))
			continue;
		pump_mark(lane, &lane->start, 0, &mark);
		ear_tracking_mark(pump->options.tracking, &mark);
	}
}

static enum ear_err open_lane(struct ear_pump *pump, const char *name,
	struct lane **out, struct ear_fault *fault)
{
	struct ear_store *store = pump->options.store;
	struct lane *lane = &pump->lane[pump->lanes];
	struct ear_store_mark mark;
	enum ear_err err;

	if (pump->lanes == LANES)
		return ear_fail(fault, EAR_LIMIT, 0,
			"more than %d receive threads", LANES);
	*lane = (struct lane){0};
	snprintf(lane->name, sizeof(lane->name), "%s", name);
	ear_terms_read(&lane->terms, pump->options.journal_dir, name);
	err = store->ops->marked(store, lane->name, &mark);
	if (err == EAR_LIMIT)
		return ear_fail(fault, err, 0,
			"the store keeps no position for lane %s: it has those "
			"of too many others",
			lane->name);
	if (!err)
		lane->stored.messages = pos_of(&mark, &lane->stored.pos);
	lane->start = lane->stored.pos;
	/* who begins to track begins with what comes now */
	lane->tracked = lane->stored;
	if (pump->options.tracking &&
		!ear_tracking_marked(
			pump->options.tracking, lane->name, &mark)) {
		lane->tracked.messages = pos_of(&mark, &lane->tracked.pos);
		if (is_before(&lane->tracked.pos, &lane->start))
			lane->start = lane->tracked.pos;
	}
	err = ear_lane_open(pump->options.journal, lane->name, &lane->start,
		&lane->lane, fault);
	if (err)
		return err;
	pump->lanes++;
	*out = lane;
	return EAR_OK;
}

enum ear_err ear_pump_lane(struct ear_pump *pump, const char *name,
	struct ear_slice tap, const struct ear_terms *terms,
	struct ear_lane **out, struct ear_fault *fault)
{
	struct lane *lane = NULL;
	enum ear_err err =
		ear_terms_write(terms, pump->options.journal_dir, name, fault);

	if (err)
		return err;

	for (size_t i = 0; i < pump->lanes && !lane; i++) {
		if (!strcmp(pump->lane[i].name, name))
			lane = &pump->lane[i];
	}
	if (!lane)
		err = open_lane(pump, name, &lane, fault);
	if (err)
		return err;
	lane->terms = *terms;
	lane->writing = true;
	lane->retired = false;
	lane->writer = NULL;
	snprintf(lane->tap, sizeof(lane->tap), "%.*s", EAR_FMT(tap));
	*out = lane->lane;
	return EAR_OK;
}

void ear_pump_retire(struct ear_pump *pump, struct ear_lane *lane,
	const struct ear_flow_lane *writer)
{
	for (size_t i = 0; i < pump->lanes; i++) {
		if (pump->lane[i].lane != lane)
			continue;
		pump->lane[i].retired = true;
		pump->lane[i].empty = false;
		pump->lane[i].writer = writer;
	}
}

void ear_pump_forget(struct ear_pump *pump, const struct ear_flow_lane *writer)
{
	for (size_t i = 0; i < pump->lanes; i++) {
		if (pump->lane[i].writer == writer)
			pump->lane[i].writer = NULL;
	}
}

enum ear_err pump_open_left_over(struct ear_pump *pump, struct ear_fault *fault)
{
	static char names[LANES][32];
	size_t n = ear_journal_lanes(pump->options.journal, names, LANES);
	struct lane *lane;
	enum ear_err err = EAR_OK;

	for (size_t i = 0; i < n && i < LANES && !err; i++)
		err = open_lane(pump, names[i], &lane, fault);
	return err;
}
