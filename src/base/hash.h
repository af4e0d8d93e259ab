/* SPDX-License-Identifier: Apache-2.0 */
/** One 64-bit hash for keys and checksums: XXH3 of the xxHash library. */
#ifndef EAR_BASE_HASH_H
#define EAR_BASE_HASH_H

#include "base/slice.h"

/** Stable across builds and machines; it is written to disk. */
uint64_t ear_hash(struct ear_slice s);

/** As ear_hash() of ASCII-lowercased bytes. */
uint64_t ear_hash_lower(struct ear_slice s);

/** As ear_hash() with a seed that keeps kinds of keys apart. */
uint64_t ear_hash_seed(struct ear_slice s, uint64_t seed);

/**
 * A number of this process that nobody outside knows, odd.
 *
 * Tables over what others send need it: hashes without it can be computed in
 * advance, and texts found that all fall into one place, so that looking for
 * one of n takes n steps. As a seed of ear_hash_seed() it parts texts that
 * were made to have the same hash.
 */
uint64_t ear_hash_secret(void);

/** Where a stable hash stands in a table: as good as random to others. */
static inline size_t ear_hash_place(uint64_t hash, uint64_t secret)
{
	return (size_t)((hash ^ hash >> 32) * secret >> 32);
}

#endif
