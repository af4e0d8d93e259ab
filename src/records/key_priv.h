/* SPDX-License-Identifier: Apache-2.0 */
/** What the files that write indexes share. */
#ifndef EAR_RECORDS_KEY_PRIV_H
#define EAR_RECORDS_KEY_PRIV_H

#include "records/keys.h"

/** An entry that is not written yet. */
struct pending {
	uint64_t prefix; /* of the key: most are told apart by it */
	uint64_t at, id;
	uint32_t key; /* where it stands in bytes: ever further on */
	uint8_t size;
	bool gone;
};
/* qsort() moves these themselves and not pointers to them */
_Static_assert(sizeof(struct pending) <= 32, "small enough to be sorted");

/** Those of one index. */
struct key_pile {
	struct pending *v; /* owned */
	size_t n, cap;
	struct ear_buf bytes;
	bool nomem;
};

/** Statements. */
enum {
	KEY_RUN,
	KEY_PAGE,
	KEY_NEXT,
	KEY_RUNS,
	KEY_DROP_PAGES,
	KEY_DROP,
	KEY_OLD,
	KEY_STATEMENTS
};

struct ear_keys {
	sqlite3 *db;
	const char *path; /* borrowed */
	sqlite3_stmt *st[KEY_STATEMENTS];
	struct key_pile pile[EAR_KEYS];
	unsigned turn; /* the index that is looked at first for a merge */
};

/** Run a statement of theirs. */
EAR_MUST_USE enum ear_err key_finish(
	struct ear_keys *k, unsigned i, struct ear_fault *fault);

/** A run that is written, page after page: key_run.c. */
struct key_run {
	struct ear_keys *keys;
	struct ear_fault *fault;
	uint64_t run, n, low_at, high_at;
	uint64_t pages;
	struct ear_buf page, fences;
	struct ear_key_entry last;
	uint8_t last_key[EAR_KEY_MAX];
	enum ear_err err;
};

void key_run_begin(
	struct ear_keys *k, struct key_run *r, struct ear_fault *fault);
/** In their order; what fails is told at the end. */
void key_run_add(struct key_run *r, const struct ear_key_entry *e);
/** @return also what failed before */
EAR_MUST_USE enum ear_err key_run_end(struct key_run *r, enum ear_key_of of);

#endif
