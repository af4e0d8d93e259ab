/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A batch: what was put between two commits, copied into one arena, then laid
 * by conversation and cut into blocks.
 *
 * A batch is filled by one thread, arranged by one, packed by several (each
 * its own pieces) and written by one; whoever hands it on locks.
 */
#ifndef EAR_STORE_BATCH_H
#define EAR_STORE_BATCH_H

#include "store/block.h"
#include "store/store.h"

/** Bytes of an arena. Room for hundreds of dialogs in full. */
#define EAR_BATCH_BYTES (16u << 20)
/**
 * When so much is taken, the batch is closed at the next mark: a frame of the
 * journal, at most 4 MiB, then lies in one batch, and so in one transaction
 * with its mark.
 */
#define EAR_BATCH_SOFT (11u << 20)
/** Most messages: bounds what they cost beside their bytes. */
#define EAR_BATCH_ROWS 32768u
#define EAR_BATCH_ROWS_SOFT 24576u
/** Most marks with one batch: lanes of a journal, and spools. */
#define EAR_BATCH_MARKS 320

/** One message in the arena. */
struct ear_entry;

struct ear_batch {
	char *arena;
	size_t used;
	struct ear_entry *entries;
	uint32_t n;
	uint64_t raw_bytes;
	uint64_t began_mono_ns; /**< when its first message came */
	struct ear_store_mark marks[EAR_BATCH_MARKS];
	size_t mark_n;
	bool clean; /**< the last thing that came was a mark */
	uint32_t level;

	uint32_t *order; /**< entries by conversation */
	uint32_t *cuts; /**< piece i is order[cuts[i]] up to order[cuts[i+1]] */
	uint32_t pieces;
	struct ear_packed *packed; /**< of each piece */
	enum ear_err err;          /**< first error of arranging or packing */

	/* of whoever hands it around */
	uint32_t state, next, done;
};

/** @return NULL: no memory */
EAR_MUST_USE struct ear_batch *ear_batch_new(void);
void ear_batch_free(struct ear_batch **batch);

/** Empty it, keep its memory. */
void ear_batch_reset(struct ear_batch *batch);

/**
 * Copy a message in.
 *
 * @param seq its number: counted from the batch's first, since the segment is
 *        not known yet; when blocks are rewritten, its number in the segment
 * @return EAR_OK; EAR_FULL: no room left in this batch; EAR_LIMIT: larger than
 *         any batch
 */
EAR_MUST_USE enum ear_err ear_batch_add(struct ear_batch *batch,
	const struct ear_msg *msg, const struct ear_facts *facts, uint32_t seq);

/** Keep a mark with it, in the place of one of the same name. */
EAR_MUST_USE enum ear_err ear_batch_mark(
	struct ear_batch *batch, const struct ear_store_mark *mark);

/** Lay it by conversation and cut it into pieces. */
EAR_MUST_USE enum ear_err ear_batch_arrange(struct ear_batch *batch);

/** Pack piece i. Several threads may, each other pieces. */
EAR_MUST_USE enum ear_err ear_batch_pack(
	struct ear_batch *batch, uint32_t i, struct ear_packer *packer);

#endif
