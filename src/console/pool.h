/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A few threads behind a bounded queue, for work that would hold up the event
 * loop: searches, password hashing.
 */
#ifndef EAR_CONSOLE_POOL_H
#define EAR_CONSOLE_POOL_H

#include "base/err.h"

/** Part of the caller's own struct; kept until done was called. */
struct ear_job {
	struct ear_job *next;
	void (*run)(struct ear_job *job); /**< on a thread of the pool */
};

struct ear_pool;

/** Told of each job that has run, on the pool's thread; the job is theirs. */
typedef void (*ear_job_done_fn)(struct ear_job *job, void *arg);

/**
 * @param threads 1..64
 * @param queue   jobs that may wait beside those that run
 */
EAR_MUST_USE enum ear_err ear_pool_new(const char *name, unsigned threads,
	unsigned queue, ear_job_done_fn done, void *arg,
	struct ear_pool **pool);

/** @return EAR_OK: taken; EAR_FULL: too many wait, the caller keeps it */
EAR_MUST_USE enum ear_err ear_pool_put(
	struct ear_pool *pool, struct ear_job *job);

/** Runs what waits, then ends the threads. */
void ear_pool_free(struct ear_pool **pool);

#endif
