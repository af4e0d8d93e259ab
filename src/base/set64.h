/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A bounded set of 64-bit hashes, to count what is distinct. Past its bound
 * it takes no more and says so, and the count is then "at least".
 */
#ifndef EAR_BASE_SET64_H
#define EAR_BASE_SET64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ear_set64 {
	uint64_t *slot;  /**< owned; 0 is an empty slot */
	size_t slots;    /**< a power of two */
	size_t n;        /**< distinct values */
	size_t max;      /**< most it holds; set by the caller before use */
	uint64_t secret; /**< ear_hash_secret() */
	bool over;       /**< something was not taken */
};

/** @return whether v was new. 0 counts as 1. */
bool ear_set64_add(struct ear_set64 *set, uint64_t v);
/** Whether v was added. */
bool ear_set64_has(const struct ear_set64 *set, uint64_t v);
void ear_set64_fini(struct ear_set64 *set);

#endif
