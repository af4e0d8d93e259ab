/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The shelf: which segments there are, and open views of the latest used.
 *
 * The directory is the truth; other processes add to it and take away. What
 * the shelf remembers of a sealed segment never changes.
 */
#ifndef EAR_STORE_SHELF_H
#define EAR_STORE_SHELF_H

#include "store/segment.h"

/** Most views that are kept open while nobody uses them. */
#define EAR_SHELF_VIEWS 64

/** What is known of a segment; handed out as a copy. */
struct ear_shelf_item {
	uint64_t number;
	bool sealed;     /**< one file that nobody writes */
	bool own;        /**< this process writes it: views are kept */
	bool unreadable; /**< nothing in it can be read; why says so */
	bool hurt;       /**< something in it could not be read */
	bool loaded;     /**< total is known, and final when sealed */
	uint64_t bytes;  /**< on disk */
	struct ear_total total;
	char why[160];
};

struct ear_shelf;

/** @param dir where segments lie; need not exist */
EAR_MUST_USE enum ear_err ear_shelf_new(const char *dir, ear_notice_fn notice,
	void *arg, struct ear_shelf **shelf, struct ear_fault *fault);
void ear_shelf_free(struct ear_shelf **shelf);

/**
 * All segments there are now, by number. Threads: any.
 *
 * @param[out] items the caller frees it
 */
EAR_MUST_USE enum ear_err ear_shelf_list(struct ear_shelf *shelf,
	struct ear_shelf_item **items, size_t *n, struct ear_fault *fault);

/**
 * A view of a segment in which ear_view_begin() succeeded. Threads: any.
 *
 * @return EAR_GONE: it is no more, or nothing was committed to it yet; what
 *         the others are is remembered and told when it is for good
 */
EAR_MUST_USE enum ear_err ear_shelf_view(struct ear_shelf *shelf,
	const struct ear_shelf_item *item, struct ear_view **view,
	struct ear_fault *fault);
/** Give it back. */
void ear_shelf_return(
	struct ear_shelf *shelf, uint64_t number, struct ear_view **view);

/** Something in a segment could not be read: told once. */
void ear_shelf_hurt(struct ear_shelf *shelf, uint64_t number, const char *why);

/**
 * Whether this process writes a segment. Views of one that another writes are
 * not kept, nor of one that is being sealed: they would be in its way.
 */
void ear_shelf_own(struct ear_shelf *shelf, uint64_t number, bool own);

/** Size on disk, with what stands beside it. */
uint64_t ear_shelf_bytes(const struct ear_shelf *shelf, uint64_t number);

/** Remove the files of a sealed segment. @return EAR_SYS when they resist */
EAR_MUST_USE enum ear_err ear_shelf_remove(
	struct ear_shelf *shelf, uint64_t number, struct ear_fault *fault);

const char *ear_shelf_dir(const struct ear_shelf *shelf);

#endif
