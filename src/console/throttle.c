/* SPDX-License-Identifier: Apache-2.0 */
#include "console/throttle.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"

#define LINES 4096
/* Pairs of name and address that logged in. */
#define KNOWN 1024

struct line {
	uint64_t key;   /* 0: empty */
	uint64_t last;  /* when the last attempt was */
	uint64_t until; /* nothing is tried before */
	uint32_t failures;
};

struct ear_throttle {
	pthread_mutex_t lock;
	struct line at[LINES];
	uint64_t known[KNOWN]; /* the oldest goes; 0: empty */
	size_t next;           /* of known */
};

enum ear_err ear_throttle_new(struct ear_throttle **throttle)
{
	*throttle = calloc(1, sizeof(**throttle));
	if (!*throttle)
		return EAR_NOMEM;
	pthread_mutex_init(&(*throttle)->lock, NULL);
	return EAR_OK;
}

void ear_throttle_free(struct ear_throttle **throttle)
{
	if (!*throttle)
		return;
	pthread_mutex_destroy(&(*throttle)->lock);
	free(*throttle);
	*throttle = NULL;
}

static uint64_t key_of_name(struct ear_slice name)
{
	return ear_hash_seed(name, 1) | 1;
}

/* One household has a whole IPv6 /64, so that counts as one address. */
static uint64_t key_of_addr(const struct ear_addr *from)
{
	size_t n = from->family == 6 ? 8 : 4;

	return ear_hash_seed(ear_slice(from->ip, n), 2) | 1;
}

static uint64_t key_of_pair(struct ear_slice name, const struct ear_addr *from)
{
	return ear_hash_seed(name, key_of_addr(from)) | 1;
}

static bool is_known(const struct ear_throttle *t, uint64_t pair)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (t->known[i] == pair)
			return true;
	return false;
}

static void know(struct ear_throttle *t, uint64_t pair)
{
	if (is_known(t, pair))
		return;
	t->known[t->next] = pair;
	t->next = (t->next + 1) % KNOWN;
}

static struct line *find(struct ear_throttle *t, uint64_t key)
{
	for (size_t i = 0; i < LINES; i++)
		if (t->at[i].key == key)
			return &t->at[i];
	return NULL;
}

static struct line *find_or_make(
	struct ear_throttle *t, uint64_t key, uint64_t now)
{
	struct line *line = find(t, key), *least = &t->at[0];

	if (line && now - line->last < EAR_FORGET_S * EAR_SECOND_NS)
		return line;
	for (size_t i = 0; !line && i < LINES; i++) {
		if (t->at[i].key == 0)
			line = &t->at[i];
		else if (t->at[i].until < least->until)
			least = &t->at[i];
	}
	if (!line)
		line = least;
	*line = (struct line){.key = key, .last = now};
	return line;
}

static void count(
	struct line *line, uint32_t free_ones, uint64_t most_s, uint64_t now)
{
	uint64_t wait_s = 0;
	uint32_t over;

	line->last = now;
	line->failures++;
	if (line->failures >= free_ones) {
		over = line->failures - free_ones;
		wait_s = over < 16 ? 1ULL << over : most_s;
		if (wait_s > most_s)
			wait_s = most_s;
	}
	line->until = now + wait_s * EAR_SECOND_NS;
}

static uint64_t seconds_left(const struct line *line, uint64_t now)
{
	if (!line || line->until <= now)
		return 0;
	return (line->until - now + EAR_SECOND_NS - 1) / EAR_SECOND_NS;
}

uint64_t ear_throttle_try(struct ear_throttle *t, struct ear_slice name,
	const struct ear_addr *from, uint64_t now)
{
	uint64_t key = key_of_name(name), pair = key_of_pair(name, from);
	uint64_t by_name, by_addr, wait;

	pthread_mutex_lock(&t->lock);
	if (is_known(t, pair))
		key = pair;
	by_name = name.n ? seconds_left(find(t, key), now) : 0;
	by_addr = seconds_left(find(t, key_of_addr(from)), now);
	wait = by_name > by_addr ? by_name : by_addr;
	if (wait == 0) {
		if (name.n)
			count(find_or_make(t, key, now), EAR_FREE_BY_NAME,
				EAR_DELAY_NAME_S, now);
		count(find_or_make(t, key_of_addr(from), now), EAR_FREE_BY_ADDR,
			EAR_DELAY_ADDR_S, now);
	}
	pthread_mutex_unlock(&t->lock);
	return wait;
}

void ear_throttle_good(struct ear_throttle *t, struct ear_slice name,
	const struct ear_addr *from)
{
	uint64_t pair = key_of_pair(name, from);
	uint64_t keys[3] = {key_of_name(name), key_of_addr(from), pair};

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < 3; i++) {
		struct line *line = find(t, keys[i]);

		if (line)
			*line = (struct line){0};
	}
	if (name.n)
		know(t, pair);
	pthread_mutex_unlock(&t->lock);
}
