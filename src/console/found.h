/* SPDX-License-Identifier: Apache-2.0 */
/** What the answers of several handlers have in common: docs/api.md F. */
#ifndef EAR_CONSOLE_FOUND_H
#define EAR_CONSOLE_FOUND_H

#include "console/call.h"

/** What is asked of the store: q, from, to, cursor, order of a request. */
struct ear_asked {
	struct ear_query query;
	struct ear_expr *expr; /**< owned */
	char cursor[96];
	uint64_t now_ns;   /**< when it was asked */
	uint64_t begun_ns; /**< monotonic */
};

/** Read them. @return false, and the answer is an error */
bool ear_asked_init(struct ear_asked *asked, struct ear_call *call);
/** The same, but with this expression instead of q. */
bool ear_asked_init_text(
	struct ear_asked *asked, struct ear_call *call, struct ear_slice expr);
void ear_asked_fini(struct ear_asked *asked);

/** After a search: what was lost in its span makes it incomplete. */
void ear_found_tell(struct ear_call *call, const struct ear_asked *asked,
	struct ear_found *found);

/** The least length of time that people count in and that is not below. */
uint64_t ear_step_round(uint64_t step_ms);

/** How the search went, as an object. */
void ear_found_json(struct ear_json *j, const struct ear_found *found,
	const struct ear_asked *asked);

#endif
