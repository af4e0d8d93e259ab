/* SPDX-License-Identifier: Apache-2.0 */
#include "base/set64.h"

#include <stdlib.h>

#include "base/hash.h"

/* Where v stands, or the empty slot where it would. */
static uint64_t *probe(
	uint64_t *slot, size_t slots, uint64_t secret, uint64_t v)
{
	size_t i = ear_hash_place(v, secret) & (slots - 1);

	while (slot[i] && slot[i] != v)
		i = (i + 1) & (slots - 1);
	return &slot[i];
}

static bool grow(struct ear_set64 *set)
{
	size_t slots = set->slots ? set->slots * 2 : 1024;
	uint64_t *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return false;
	set->secret = ear_hash_secret();
	for (size_t i = 0; i < set->slots; i++) {
		if (set->slot[i])
			*probe(slot, slots, set->secret, set->slot[i]) =
				set->slot[i];
	}
	free(set->slot);
	set->slot = slot;
	set->slots = slots;
	return true;
}

bool ear_set64_add(struct ear_set64 *set, uint64_t v)
{
	uint64_t *at;

	if (!v)
		v = 1;
	at = set->slots ? probe(set->slot, set->slots, set->secret, v) : NULL;
	if (at && *at)
		return false;
	if (set->n >= set->max ||
		((set->n + 1) * 2 > set->slots && !grow(set))) {
		set->over = true;
		return false;
	}
	*probe(set->slot, set->slots, set->secret, v) = v;
	set->n++;
	return true;
}

bool ear_set64_has(const struct ear_set64 *set, uint64_t v)
{
	return set->slots &&
	       *probe(set->slot, set->slots, set->secret, v ? v : 1);
}

void ear_set64_fini(struct ear_set64 *set)
{
	free(set->slot);
	*set = (struct ear_set64){0};
}
