/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A hash table from 64-bit hashes to 32-bit numbers, with removal: what finds
 * an entry of a table by its key. One entry a hash; the caller chains those
 * that share one.
 *
 *     struct ear_map64 map = {0};
 *     if (!ear_map64_put(&map, hash, 7))
 *             … out of memory …
 *     uint32_t at = ear_map64_get(&map, hash);    7, else EAR_MAP64_NONE
 *     ear_map64_remove(&map, hash);
 *     ear_map64_fini(&map);
 */
#ifndef EAR_BASE_MAP64_H
#define EAR_BASE_MAP64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EAR_MAP64_NONE UINT32_MAX

struct ear_map64_slot {
	uint64_t hash;
	uint32_t value; /**< EAR_MAP64_NONE: empty */
};

struct ear_map64 {
	struct ear_map64_slot *slot; /**< owned */
	size_t slots;                /**< a power of two */
	size_t n;                    /**< entries */
	uint64_t secret;             /**< ear_hash_secret() */
};

/** @return EAR_MAP64_NONE when there is none */
uint32_t ear_map64_get(const struct ear_map64 *map, uint64_t hash);

/**
 * Add it, or replace what stands there.
 *
 * @param value not EAR_MAP64_NONE
 * @return false when memory is short: nothing is changed
 */
bool ear_map64_put(struct ear_map64 *map, uint64_t hash, uint32_t value);

/** @return false when there was none */
bool ear_map64_remove(struct ear_map64 *map, uint64_t hash);

/** Bytes of memory it takes. */
static inline size_t ear_map64_bytes(const struct ear_map64 *map)
{
	return map->slots * sizeof(struct ear_map64_slot);
}

void ear_map64_fini(struct ear_map64 *map);

#endif
