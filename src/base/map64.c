/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map64.h"

#include <stdlib.h>

#include "base/hash.h"

#define LEAST 64

static size_t home(const struct ear_map64 *map, uint64_t hash)
{
	return ear_hash_place(hash, map->secret) & (map->slots - 1);
}

/* Linear steps, at most three quarters full. */
static size_t probe(const struct ear_map64 *map, uint64_t hash)
{
	size_t i = home(map, hash);

	while (map->slot[i].value != EAR_MAP64_NONE &&
		map->slot[i].hash != hash)
		i = (i + 1) & (map->slots - 1);
	return i;
}

uint32_t ear_map64_get(const struct ear_map64 *map, uint64_t hash)
{
	return map->slots ? map->slot[probe(map, hash)].value : EAR_MAP64_NONE;
}

static bool grow(struct ear_map64 *map)
{
	struct ear_map64 next = {.slots = map->slots ? map->slots * 2 : LEAST,
		.secret = ear_hash_secret()};

	next.slot = malloc(next.slots * sizeof(*next.slot));
	if (!next.slot)
		return false;
	for (size_t i = 0; i < next.slots; i++)
		next.slot[i].value = EAR_MAP64_NONE;
	for (size_t i = 0; i < map->slots; i++) {
		if (map->slot[i].value != EAR_MAP64_NONE)
			next.slot[probe(&next, map->slot[i].hash)] =
				map->slot[i];
	}
	next.n = map->n;
	free(map->slot);
	*map = next;
	return true;
}

bool ear_map64_put(struct ear_map64 *map, uint64_t hash, uint32_t value)
{
	struct ear_map64_slot *slot;

	if (4 * (map->n + 1) > 3 * map->slots && !grow(map))
		return false;
	slot = &map->slot[probe(map, hash)];
	map->n += slot->value == EAR_MAP64_NONE;
	*slot = (struct ear_map64_slot){hash, value};
	return true;
}

/* Those behind move up, so that no gap parts them from where they belong. */
bool ear_map64_remove(struct ear_map64 *map, uint64_t hash)
{
	size_t mask = map->slots - 1, hole, i;

	if (!map->slots)
		return false;
	i = hole = probe(map, hash);
	if (map->slot[hole].value == EAR_MAP64_NONE)
		return false;
	for (;;) {
		i = (i + 1) & mask;
		if (map->slot[i].value == EAR_MAP64_NONE)
			break;
		if (((i - home(map, map->slot[i].hash)) & mask) >=
			((i - hole) & mask)) {
			map->slot[hole] = map->slot[i];
			hole = i;
		}
	}
	map->slot[hole].value = EAR_MAP64_NONE;
	map->n--;
	return true;
}

void ear_map64_fini(struct ear_map64 *map)
{
	free(map->slot);
	*map = (struct ear_map64){0};
}
