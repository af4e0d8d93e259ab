/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A hash table of entries of one size that come and go by the million. An
 * entry is told by a handle, which stays what it is while the table grows: 4
 * bytes where a pointer takes 8. Entries lie in chunks, so growing moves
 * none, and those that are freed are used again.
 *
 *     struct thing { struct ear_cell cell; … };
 *     struct ear_table t = {.bytes = sizeof(struct thing)};
 *     uint32_t h = ear_table_add(&t, hash);
 *     for (h = ear_table_first(&t, hash); h; h = ear_table_next(&t, h))
 *             …
 */
#ifndef EAR_TRACK_TABLE_H
#define EAR_TRACK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What every entry begins with. */
struct ear_cell {
	uint64_t hash;
	uint32_t next; /**< in its chain, or of those that are free */
	bool used;
};

struct ear_table {
	size_t bytes;    /**< of an entry; set by the caller before use */
	uint8_t **chunk; /**< owned */
	uint32_t *head;  /**< owned; chains of handles */
	uint32_t heads;  /**< a power of two; 0 before the first entry */
	uint32_t chunks;
	uint32_t last; /**< highest handle ever given */
	uint32_t free; /**< first of those that are free */
	uint32_t n;
	uint64_t secret; /**< ear_hash_secret() */
};

#define EAR_TABLE_CHUNK 1024u

/** The entry of a handle that was given and is not freed. */
static inline void *ear_table_at(const struct ear_table *t, uint32_t h)
{
	return t->chunk[(h - 1) / EAR_TABLE_CHUNK] +
	       (h - 1) % EAR_TABLE_CHUNK * t->bytes;
}

/** Whether h is the handle of an entry: for walks over 1..t->last. */
static inline bool ear_table_has(const struct ear_table *t, uint32_t h)
{
	return h && h <= t->last &&
	       ((const struct ear_cell *)ear_table_at(t, h))->used;
}

/** A new entry, zero but for its cell. @return 0: no memory */
uint32_t ear_table_add(struct ear_table *t, uint64_t hash);
void ear_table_del(struct ear_table *t, uint32_t h);

/** The first entry of a hash, the next of the same hash; 0: no more. */
uint32_t ear_table_first(const struct ear_table *t, uint64_t hash);
uint32_t ear_table_next(const struct ear_table *t, uint32_t h);

/** Memory that it takes. */
size_t ear_table_bytes(const struct ear_table *t);
void ear_table_fini(struct ear_table *t);

#endif
