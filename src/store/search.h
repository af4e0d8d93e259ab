/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Searching the embedded store.
 *
 * A search goes in pages. A page is the next so many matches in order of
 * capture time, over all segments: a heap keeps the best; segments, and blocks
 * in them, are taken in the order of the best they can have, and when the heap
 * is full and that is worse than its worst, the page is complete. So the order
 * is exact whatever the clocks of the sources did, memory is bounded, and
 * where time and arrival go together few blocks are opened.
 *
 *     segments ─▶ blocks that a key or the time leave ─▶ facts ─▶ raw ─▶ heap
 *     (totals)    (heads)                                 threads      │
 *                                  handed out by blocks, in order  ◀───┘
 *
 * To have one order for both directions, everything is compared by rank: what
 * is handed out first has the lowest.
 */
#ifndef EAR_STORE_SEARCH_H
#define EAR_STORE_SEARCH_H

#include <pthread.h>

#include "store/shelf.h"

/** Matches found before they are handed out: bounds the memory. */
#define EAR_PAGE_HITS 32768
/** Bytes of messages copied out of blocks at once, before handing out. */
#define EAR_CHUNK_BYTES (16u << 20)
/** Most threads of a search, and keys that narrow it. */
#define EAR_SCANNERS_MAX 16
#define EAR_SEARCH_KEYS 64

/** A place in the order. */
struct ear_rank {
	uint64_t at;
	uint64_t id;
};

/** A match that was not handed out yet. */
struct ear_hit {
	struct ear_rank rank;
	uint64_t block;
	uint64_t id;
	uint32_t seg; /**< index into segs */
	uint32_t row;
	uint32_t bytes;
};

/** A segment of a page. */
struct ear_search_seg {
	struct ear_shelf_item item;
	struct ear_view *view; /**< open while needed */
	uint64_t best;         /**< lowest rank.at that it can have */
};

/** A block that may have matches. */
struct ear_cand {
	uint64_t best;
	struct ear_block_head head;
};

/** What each scanning thread has of its own. */
struct ear_scanner {
	struct ear_search *search;
	struct ear_expr *expr; /**< owned but for the first's */
	struct ear_block block;
	uint64_t block_id; /**< which it holds; 0 none; and of which segment */
	uint32_t block_seg;
	struct ear_buf bytes; /**< compressed, copied out of the view */
	uint64_t scanned;
	uint64_t gave_up;
	uint64_t (*counts)[EAR_CLASSES];
	pthread_t thread;
	bool running;
};

struct ear_search {
	struct ear_shelf *shelf;
	const struct ear_query *query;
	unsigned *busy; /**< threads that scan, over all searches; atomic */
	unsigned cores;

	/* what is asked */
	uint64_t from, to;
	bool newest, nothing; /**< nothing: no message can match */
	enum ear_expr_needs needs;
	uint64_t keys[EAR_SEARCH_KEYS];
	size_t key_n;
	bool one_conv; /**< the only key is a Call-ID */
	uint32_t conv;
	struct ear_histogram *histogram;
	struct ear_rank after; /**< only what comes behind it */
	bool has_after;

	/* the page */
	struct ear_search_seg *segs;
	size_t seg_n;
	struct ear_hit *hits; /**< a heap, the worst on top */
	size_t hit_n, hit_max;
	uint64_t worst; /**< rank.at of the top when full; atomic */

	/* the segment being scanned */
	uint32_t seg;
	struct ear_cand *cands;
	size_t cand_n, cand_cap, next_cand;
	bool partial; /**< its list of blocks has gaps */

	pthread_mutex_t lock; /**< over hits, next_cand, the view, missing */
	struct ear_scanner scanner[EAR_SCANNERS_MAX];
	size_t scanner_n;
	bool stopped;      /**< by deadline or the asker */
	uint64_t frontier; /**< then: what is before it was all seen */
	bool incomplete;
	char why[320];
};

/** Prepare; fini in any case. */
EAR_MUST_USE enum ear_err ear_search_init(struct ear_search *s,
	struct ear_shelf *shelf, const struct ear_query *query, unsigned *busy,
	struct ear_fault *fault);
void ear_search_fini(struct ear_search *s);

/** Find the next page: hits, sorted. At most max. */
EAR_MUST_USE enum ear_err ear_search_page(
	struct ear_search *s, size_t max, struct ear_fault *fault);

/** Give the page's views back. */
void ear_search_release(struct ear_search *s);

/** Scan the candidates of the segment at s->seg. */
void ear_search_scan(struct ear_search *s);

/** Say why the answer is not whole; the first reasons are kept. */
void ear_search_missing(struct ear_search *s, const char *why);

/** Open a block's facts, and bytes, in a scanner; its lock is taken. */
EAR_MUST_USE enum ear_err ear_scanner_open(
	struct ear_scanner *sc, uint64_t id, bool raw, struct ear_fault *fault);

/**
 * Hand out n hits of the page in order.
 *
 * @param[out] given how many were: not those in damaged blocks
 * @param[out] upto  how many hits are done with; less than n: fn wanted no more
 */
EAR_MUST_USE enum ear_err ear_search_emit(struct ear_search *s, size_t n,
	ear_match_fn fn, void *arg, uint64_t *given, size_t *upto,
	struct ear_fault *fault);

static inline bool ear_rank_before(struct ear_rank a, struct ear_rank b)
{
	return a.at != b.at ? a.at < b.at : a.id < b.id;
}

#endif
