/* SPDX-License-Identifier: Apache-2.0 */
#include "track/index.h"

#include <stdlib.h>

struct ear_index_slot {
	uint32_t part;  /* of the hash */
	uint32_t entry; /* + 1; 0: free */
};

enum ear_err ear_index_init(struct ear_index *x, size_t entries)
{
	size_t slots = 16;

	if (entries > (size_t)1 << 30)
		return EAR_LIMIT;
	while (slots < entries * 2)
		slots *= 2;
	x->slot = calloc(slots, sizeof(*x->slot));
	x->mask = (uint32_t)(slots - 1);
	return x->slot ? EAR_OK : EAR_NOMEM;
}

void ear_index_fini(struct ear_index *x)
{
	free(x->slot);
	x->slot = NULL;
}

uint32_t ear_index_put(struct ear_index *x, uint64_t hash, uint32_t fresh,
	const void *key, ear_index_same_fn same, void *arg)
{
	uint32_t part = (uint32_t)(hash >> 32);
	uint32_t at = (uint32_t)hash & x->mask;

	for (; x->slot[at].entry; at = (at + 1) & x->mask) {
		uint32_t entry = x->slot[at].entry - 1;

		if (x->slot[at].part == part && same(entry, key, arg))
			return entry;
	}
	x->slot[at].part = part;
	x->slot[at].entry = fresh + 1;
	return fresh;
}
