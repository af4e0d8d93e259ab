/* SPDX-License-Identifier: Apache-2.0 */
/** Private to diagnose*.c. */
#ifndef EAR_TRACK_DIAGNOSE_PRIV_H
#define EAR_TRACK_DIAGNOSE_PRIV_H

#include "track/diagnose.h"

/** How an account could be reached at a time. */
enum reach {
	REACH_NONE, /**< no binding held */
	REACH_DEAD, /**< one held, and its connection was gone */
	REACH_LIVE,
};
enum reach reach_at(const struct ear_story *story, uint64_t at_ns);

/** Whether a call to the account was not answered though it may not have
 *  reached it at all. */
bool missed_dead(
	const struct ear_story *story, const struct ear_call_row *call);

/** Most of its CONNECT rows within an hour, and when that hour began. */
uint32_t most_connects(const struct ear_story *story, uint64_t *from_ns);

#endif
