/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Joins one receive thread of a tap with one lane of the journal: the intake
 * that the tap puts into, counting what came and what was accepted.
 */
#ifndef EAR_FLOW_LANE_H
#define EAR_FLOW_LANE_H

#include "base/ledger.h"
#include "journal/journal.h"
#include "tap/intake.h"

struct ear_flow_lane;

/**
 * @param lane   borrowed; must outlive the result
 * @param ledger borrowed
 * @param tap    name of the tap for the ledger; copied, cut at 47 bytes
 */
EAR_MUST_USE enum ear_err ear_flow_lane_new(struct ear_lane *lane,
	struct ear_ledger *ledger, struct ear_slice tap,
	struct ear_flow_lane **out);
void ear_flow_lane_free(struct ear_flow_lane **lane);

/**
 * Write to another lane of the journal from the next frame on: what is
 * received then is taken on the terms of that lane. Any thread.
 *
 * @param lane borrowed; that before is used until ear_flow_lane_uses() says
 *             that it is not
 */
void ear_flow_lane_switch(struct ear_flow_lane *l, struct ear_lane *lane);

/** Whether a lane may still be written to. Any thread. */
bool ear_flow_lane_uses(
	const struct ear_flow_lane *l, const struct ear_lane *lane);

/** What the tap's thread is given. */
struct ear_intake *ear_flow_lane_intake(struct ear_flow_lane *lane);

#endif
