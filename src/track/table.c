/* SPDX-License-Identifier: Apache-2.0 */
#include "track/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static struct ear_cell *cell_at(const struct ear_table *t, uint32_t h)
{
	return ear_table_at(t, h);
}

static uint32_t *chain_of(const struct ear_table *t, uint64_t hash)
{
	return &t->head[ear_hash_place(hash, t->secret) & (t->heads - 1)];
}

static void chain(struct ear_table *t, uint32_t h)
{
	struct ear_cell *cell = cell_at(t, h);
	uint32_t *head = chain_of(t, cell->hash);

	cell->next = *head;
	*head = h;
}

/* Chains are kept at half an entry each on average: most look-ups of what is
 * not there touch no entry. Without memory for more of them they get longer,
 * and all stays right. */
static bool grow_heads(struct ear_table *t)
{
	uint32_t heads = t->heads ? t->heads * 2 : 256;
	uint32_t *head;

	if (t->n < t->heads / 2 || heads > 1u << 30)
		return true;
	head = calloc(heads, sizeof(*head));
	if (!head)
		return t->heads > 0;
	free(t->head);
	t->head = head;
	t->heads = heads;
	t->secret = ear_hash_secret();
	for (uint32_t h = 1; h <= t->last; h++) {
		if (cell_at(t, h)->used)
			chain(t, h);
	}
	return true;
}

static bool grow_chunks(struct ear_table *t)
{
	uint8_t **chunk;

	if (t->last < t->chunks * EAR_TABLE_CHUNK)
		return true;
	if (t->chunks >= UINT32_MAX / EAR_TABLE_CHUNK / 2)
		return false;
	chunk = realloc(t->chunk, (t->chunks + 1) * sizeof(*chunk));
	if (!chunk)
		return false;
	t->chunk = chunk;
	chunk[t->chunks] = malloc(EAR_TABLE_CHUNK * t->bytes);
	if (!chunk[t->chunks])
		return false;
	t->chunks++;
	return true;
}

uint32_t ear_table_add(struct ear_table *t, uint64_t hash)
{
	uint32_t h = t->free;
	struct ear_cell *cell;

	if (!grow_heads(t))
		return 0;
	if (h) {
		t->free = cell_at(t, h)->next;
	} else {
		if (!grow_chunks(t))
			return 0;
		h = ++t->last;
	}
	cell = cell_at(t, h);
	memset(cell, 0, t->bytes);
	cell->hash = hash;
	cell->used = true;
	chain(t, h);
	t->n++;
	return h;
}

void ear_table_del(struct ear_table *t, uint32_t h)
{
	struct ear_cell *cell = cell_at(t, h);
	uint32_t *at = chain_of(t, cell->hash);

	while (*at != h)
		at = &cell_at(t, *at)->next;
	*at = cell->next;
	cell->used = false;
	cell->next = t->free;
	t->free = h;
	t->n--;
}

static uint32_t same(const struct ear_table *t, uint32_t h, uint64_t hash)
{
	while (h && cell_at(t, h)->hash != hash)
		h = cell_at(t, h)->next;
	return h;
}

uint32_t ear_table_first(const struct ear_table *t, uint64_t hash)
{
	if (!t->heads)
		return 0;
	return same(t, *chain_of(t, hash), hash);
}

uint32_t ear_table_next(const struct ear_table *t, uint32_t h)
{
	const struct ear_cell *cell = cell_at(t, h);

	return same(t, cell->next, cell->hash);
}

size_t ear_table_bytes(const struct ear_table *t)
{
	return (size_t)t->chunks * EAR_TABLE_CHUNK * t->bytes +
	       t->chunks * sizeof(*t->chunk) + t->heads * sizeof(*t->head);
}

void ear_table_fini(struct ear_table *t)
{
	for (uint32_t i = 0; i < t->chunks; i++)
		free(t->chunk[i]);
	free(t->chunk);
	free(t->head);
	*t = (struct ear_table){.bytes = t->bytes};
}
