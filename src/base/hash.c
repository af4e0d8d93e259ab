/* SPDX-License-Identifier: Apache-2.0 */
#define XXH_INLINE_ALL
#include "base/hash.h"

#include <pthread.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/time.h"

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

static uint64_t secret;

/* Before the kernel has random numbers, at boot, the time must do. */
static void make_secret(void)
{
	if (getrandom(&secret, sizeof(secret), GRND_NONBLOCK) !=
		sizeof(secret)) {
		uint64_t v[3] = {
			ear_now_ns(), ear_mono_ns(), (uint64_t)(uintptr_t)&v};

		secret = ear_hash(ear_slice(v, sizeof(v)));
	}
	secret |= 1;
}

uint64_t ear_hash_secret(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_secret);
	return secret;
}
