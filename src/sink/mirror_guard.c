/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop guard of HEP 1 and 2, which have no room for hops: what was sent
 * on a short while ago is known again. HEP 2 carries the time of capture, so
 * only a copy is the same as another. HEP 1 does not: what is sent again by
 * the timers of SIP looks alike and has to pass.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "sink/mirror_priv.h"

#define BUCKETS ((size_t)1 << 14)
#define WAYS 4
/* How long one is known, in seconds: a round may take some. */
#define KNOWN_S 300
/* How often the same is sent: by HEP 2; by HEP 1, where Timer E of RFC 3261
 * s17.1.2.2 makes eleven of one request. */
#define MOST_TIMED 2
#define MOST 12

struct mirror_guard {
	struct {
		uint64_t key;
		uint32_t since_s; /* of its first */
		uint32_t times;
	} known[BUCKETS][WAYS];
};

struct mirror_guard *mirror_guard_new(void)
{
	return calloc(1, sizeof(struct mirror_guard));
}

void mirror_guard_free(struct mirror_guard **guard)
{
	free(*guard);
	*guard = NULL;
}

static uint64_t hash_addr(const struct ear_addr *a, uint64_t seed)
{
	char ip[EAR_ADDR_TEXT];

	ear_addr_text(a, ip);
	return ear_hash_seed(ear_slice_str(ip), seed);
}

static uint64_t key_of(const struct ear_msg *msg, bool timed)
{
	uint64_t at_us = timed ? msg->at_ns / 1000 : 0;
	uint64_t key = ear_hash_seed(msg->raw, at_us);

	return hash_addr(&msg->dst, hash_addr(&msg->src, key)) | 1;
}

bool mirror_guard_again(
	struct mirror_guard *guard, const struct ear_msg *msg, bool timed)
{
	uint64_t key = key_of(msg, timed);
	uint32_t now_s = (uint32_t)(msg->seen_ns / EAR_SECOND_NS);
	size_t bucket = (key >> 1) % BUCKETS, at = 0;

	for (size_t i = 0; i < WAYS; i++) {
		if (guard->known[bucket][i].key == key) {
			at = i;
			break;
		}
		if (guard->known[bucket][i].since_s <
			guard->known[bucket][at].since_s)
			at = i;
	}
	if (guard->known[bucket][at].key != key ||
		now_s - guard->known[bucket][at].since_s > KNOWN_S) {
		guard->known[bucket][at].key = key;
		guard->known[bucket][at].since_s = now_s;
		guard->known[bucket][at].times = 0;
	}
	return ++guard->known[bucket][at].times > (timed ? MOST_TIMED : MOST);
}
