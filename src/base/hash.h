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

#endif
