/* SPDX-License-Identifier: Apache-2.0 */
/** The first so many of many rows by their value: what a page of a sorted
 *  list is made of. */
#ifndef EAR_RECORDS_PILE_H
#define EAR_RECORDS_PILE_H

#include "records/cursor.h"

struct ear_pile_row {
	uint64_t at, id;
	struct ear_sort_value value; /* text owned */
};

struct ear_pile {
	struct ear_pile_row *v; /* owned */
	size_t n, cap;
	size_t most;    /* so many are wanted */
	bool ascending; /* else the largest come first */
	bool cut;       /* v is sorted, and has most of them */
};

/**
 * @return EAR_OK; EAR_LIMIT: it is behind the last that is wanted, and so is
 *         all that comes after it in this order; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_pile_add(struct ear_pile *pile, uint64_t at,
	uint64_t id, const struct ear_sort_value *value);
/** In order, no more than wanted. */
void ear_pile_sort(struct ear_pile *pile);
void ear_pile_fini(struct ear_pile *pile);

#endif
