/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pages of a key run: a sorted list of (key, blocks that have it), cut into
 * pieces of about 4 KiB, one row of the segment's table "key" each.
 *
 *     +-----------+-------------+------------------------------------------+
 *     | le32 sum  | varint next | entries: varint step to the key, varint  |
 *     | of it all |             | count, varint steps to the block numbers |
 *     +-----------+-------------+------------------------------------------+
 *
 * A page holds every key from `first` (the row's column, in the sum as well) up
 * to, not with, `next`; the first page of a run begins at 0, the last ends at
 * EAR_KEY_END. So a lookup that meets a damaged page, or is led to the wrong
 * one, knows it, and never takes it for "there is none".
 */
#ifndef EAR_STORE_PAGES_H
#define EAR_STORE_PAGES_H

#include "base/buf.h"
#include "store/key.h"

#define EAR_PAGE_BYTES 4000

/** Numbers of blocks: grows, sorted when asked. */
struct ear_ids {
	uint64_t *v; /**< owned */
	size_t n, cap;
};

EAR_MUST_USE enum ear_err ear_ids_add(struct ear_ids *ids, uint64_t id);
/** Ascending, each once. */
void ear_ids_sort(struct ear_ids *ids);
void ear_ids_fini(struct ear_ids *ids);

/** Takes a finished page. */
typedef enum ear_err (*ear_page_fn)(
	uint64_t first, struct ear_slice page, void *arg);

struct ear_page_writer {
	struct ear_buf entries;
	struct ear_buf page;
	uint64_t first;  /**< of the page under construction */
	uint64_t before; /**< key of the last entry */
	ear_page_fn emit;
	void *arg;
};

/** Add a key, above all before it, with its sorted blocks. */
EAR_MUST_USE enum ear_err ear_pages_add(struct ear_page_writer *w, uint64_t key,
	const uint64_t *blocks, size_t n);
/** Emit what is left; a run has at least one page. Frees what w holds. */
EAR_MUST_USE enum ear_err ear_pages_end(struct ear_page_writer *w);

/** Walks through a page. */
struct ear_page {
	const uint8_t *p, *end;
	uint64_t first, next; /**< keys it covers */
	uint64_t key;         /**< of the entry it stands at */
};

/** @return EAR_OK; EAR_BAD when it is damaged */
EAR_MUST_USE enum ear_err ear_page_open(
	struct ear_page *page, uint64_t first, struct ear_slice bytes);

/**
 * The next entry: page->key, its blocks appended to ids (NULL: skipped).
 *
 * @return EAR_OK; EAR_GONE at the end; EAR_BAD; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_page_next(
	struct ear_page *page, struct ear_ids *ids);

#endif
