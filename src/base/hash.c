/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "base/hash.h"

#include <xxhash.h>

uint64_t ear_hash(struct ear_slice s)
{
	return XXH3_64bits(s.p, s.n);
}

uint64_t ear_hash_seed(struct ear_slice s, uint64_t seed)
{
	return XXH3_64bits_withSeed(s.p, s.n, seed);
}

uint64_t ear_hash_lower(struct ear_slice s)
{
	XXH3_state_t state;
	char part[256];

	if (s.n <= sizeof(part)) {
		for (size_t i = 0; i < s.n; i++)
			part[i] = ear_lower(s.p[i]);
		return XXH3_64bits(part, s.n);
	}
	XXH3_64bits_reset(&state);
	while (s.n) {
		size_t n = s.n < sizeof(part) ? s.n : sizeof(part);

		for (size_t i = 0; i < n; i++)
			part[i] = ear_lower(s.p[i]);
		XXH3_64bits_update(&state, part, n);
		s = ear_slice_sub(s, n, s.n);
	}
	return XXH3_64bits_digest(&state);
}
