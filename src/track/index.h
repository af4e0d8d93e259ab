/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A hash table from keys to small numbers, for things that are added and
 * never removed. Keys live elsewhere: the table keeps their hashes and asks
 * back whether a number has the key that is looked for.
 */
#ifndef EAR_TRACK_INDEX_H
#define EAR_TRACK_INDEX_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Whether entry has the key. */
typedef bool (*ear_index_same_fn)(uint32_t entry, const void *key, void *arg);

struct ear_index {
	struct ear_index_slot *slot; /**< owned */
	uint32_t mask;               /**< slots - 1 */
};

/** Room for so many entries; at most 1 << 30. */
EAR_MUST_USE enum ear_err ear_index_init(struct ear_index *x, size_t entries);
void ear_index_fini(struct ear_index *x);

/**
 * The entry with that key, or fresh, which then has it.
 *
 * @param fresh below UINT32_MAX; at most as many as there is room for
 */
uint32_t ear_index_put(struct ear_index *x, uint64_t hash, uint32_t fresh,
	const void *key, ear_index_same_fn same, void *arg);

#endif
