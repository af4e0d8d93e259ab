/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Keeps messages beyond the call that handed them out: a bounded bag of
 * copies, with their facts and ids, as the ladder takes it.
 *
 *     struct ear_gather bag = {.max = 5000, .max_bytes = 64 << 20};
 *     … ear_gather_add(&bag, msg, id) from the store's ear_match_fn …
 *     ear_gather_sort(&bag);
 *     ear_gather_fini(&bag);
 */
#ifndef EAR_TRACK_GATHER_H
#define EAR_TRACK_GATHER_H

#include "base/err.h"
#include "message/msg.h"

struct ear_gathered {
	struct ear_msg msg;     /**< slices into space */
	struct ear_facts facts; /**< slices into space */
	char id[40];            /**< as the store's id_text() gave it */
	char *space;            /**< owned */
};

struct ear_gather {
	struct ear_gathered *v; /**< owned */
	size_t n;
	size_t cap;
	size_t bytes;     /**< of all space */
	size_t max;       /**< most messages; 0: no limit */
	size_t max_bytes; /**< most bytes; 0: no limit */
};

/**
 * Copy one more message in.
 *
 * @param id may be NULL
 * @return EAR_OK; EAR_LIMIT when the bag is full, nothing taken; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_gather_add(
	struct ear_gather *g, const struct ear_msg *msg, const char *id);

/** By capture time; those of one time stay in the order they came. */
void ear_gather_sort(struct ear_gather *g);

void ear_gather_fini(struct ear_gather *g);

#endif
