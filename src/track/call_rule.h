/* SPDX-License-Identifier: Apache-2.0 */
/** What a final status comes to: the table of docs/calls.md. */
#ifndef EAR_TRACK_CALL_RULE_H
#define EAR_TRACK_CALL_RULE_H

#include "track/call.h"

/** What else counts beside the status. */
struct call_facts {
	bool rang;    /**< a provisional above 100 came */
	bool hung_up; /**< the caller sent BYE before any answer */
};

/**
 * @param status 300..699, or 0: no final reply came
 * @return NO_ANSWER, BUSY or FAILED
 */
enum ear_disposition ear_call_disposition(
	const struct ear_disposition_rule *rules, size_t n, unsigned status,
	struct call_facts facts);

#endif
