/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The trackers together: every message goes in, rows come out (record.h).
 *
 *     ear_track_new(&options, &out, &track);
 *     ear_track_restore(track, part, key, state);  what was kept last time
 *     ear_track_take(track, &msg, &facts);         in the order of arrival
 *     ear_track_tick(track, now_ns);               now and then
 *     ear_track_save(track);                       before what came out is
 *                                                  committed
 *     ear_track_free(&track);
 *
 * Time is that of the messages: a capture of last year runs by its own clock.
 * Whoever has live traffic ticks with the time of day, so that what goes
 * silent ends too; an import ticks with nothing and ends with
 * ear_track_end(). A clock that steps back is no harm: the tracker's time
 * never does.
 *
 * Bounded: each part has a limit of entries and gives up the one that was
 * silent longest, with a note in its row and a count in the statistics.
 *
 * Threads: one at a time. Pure but for memory.
 */
#ifndef EAR_TRACK_TRACK_H
#define EAR_TRACK_TRACK_H

#include "base/json.h"
#include "track/call.h"
#include "track/presence.h"

struct ear_track;

struct ear_track_options {
	struct ear_calls_options calls;
	struct ear_presence_options presence;
};

EAR_MUST_USE enum ear_err ear_track_new(const struct ear_track_options *options,
	const struct ear_track_out *out, struct ear_track **track);
void ear_track_free(struct ear_track **track);

/** Give back what out->state() said in an earlier life. Before any message. */
void ear_track_restore(struct ear_track *track, uint8_t part, uint64_t key,
	struct ear_slice state);

/**
 * Take one message of any protocol; what is none of ours is passed over.
 *
 * Cost: a hash lookup for INVITE, BYE, REGISTER and their replies; for others
 * over a connection one too, else none.
 */
void ear_track_take(struct ear_track *track, const struct ear_msg *msg,
	const struct ear_facts *facts);

/** It is now at least that late, ns since 1970. */
void ear_track_tick(struct ear_track *track, uint64_t now_ns);

/** Tell the rows and states of all that changed since the last time. */
void ear_track_save(struct ear_track *track);

/** The capture is over: what still lasts is told as it stands, and kept. */
void ear_track_end(struct ear_track *track);

struct ear_track_stats {
	struct ear_calls_stats calls;
	struct ear_presence_stats presence;
};
void ear_track_stats(
	const struct ear_track *track, struct ear_track_stats *stats);

#endif
