/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What time retention goes by. A wall clock that jumps ahead, by a wrong time
 * server or a dead battery, must not make everything look old: removing cannot
 * be undone, waiting costs a little room.
 */
#ifndef EAR_STORE_CLOCK_H
#define EAR_STORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/** Zeroed it is a fresh one. */
struct ear_store_clock {
	uint64_t wall_ns; /**< the last time believed; 0: none yet */
	uint64_t mono_ns; /**< when that was, monotonic */
	bool ahead;       /**< the wall clock shows more than is believed */
	uint64_t ahead_wall_ns; /**< what it showed first */
	uint64_t ahead_mono_ns; /**< when that was */
};

/**
 * The first time is believed: there is nothing to compare it with. Later one
 * that ran more than an hour ahead of the monotonic clock is believed after it
 * has stood for ten minutes, which leaves time for the jump to be mended and
 * is short for a machine that slept and really woke up later. A clock that goes
 * back is believed at once: it removes less.
 *
 * @return the time to go by, ns since 1970 UTC
 */
uint64_t ear_store_clock(
	struct ear_store_clock *clock, uint64_t wall_ns, uint64_t mono_ns);

#endif
