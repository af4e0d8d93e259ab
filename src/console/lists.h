/* SPDX-License-Identifier: Apache-2.0 */
/** What is asked of a list: docs/api.md, Lists. */
#ifndef EAR_CONSOLE_LISTS_H
#define EAR_CONSOLE_LISTS_H

#include "console/rows.h"

struct ear_list_ask {
	enum ear_rows_of of;
	struct ear_rows_query query;
	char sort[64];
	char cursor[160];
	struct ear_buf filter; /**< of newer, where it is part of one */
	size_t before;         /**< bytes of the filter that stand before q */
	bool newer;            /**< asks for what came since */
	uint64_t now_ns;
};

/**
 * Read what the query string says.
 *
 * @return false, and the answer is an error
 */
bool ear_list_ask_init(struct ear_list_ask *ask, struct ear_call *call);
/** Answer within ms from now, or sooner where the longest search is shorter. */
void ear_list_ask_within(
	struct ear_list_ask *ask, const struct ear_call *call, uint32_t ms);
void ear_list_ask_fini(struct ear_list_ask *ask);

/** The answer to an error of the list: with its offset in q. */
void ear_list_ask_fault(struct ear_list_ask *ask, struct ear_call *call,
	enum ear_err err, struct ear_fault *fault);

/** Note in the audit trail that somebody looked. */
void ear_list_ask_audit(struct ear_list_ask *ask, struct ear_call *call);

/** Members "complete" and "why". */
void ear_list_found_json(
	struct ear_json *j, const struct ear_rows_found *found);

/** The whole list as CSV, in pieces; loop only. */
void ear_list_csv(struct ear_call *call);

/* the stories behind rows */
void ear_story_account(struct ear_call *call);
void ear_story_call(struct ear_call *call);

#endif
