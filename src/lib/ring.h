/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A queue of records in bounded memory, from any number of threads to one.
 * Writers take no lock and wait for nobody: they claim bytes by one
 * compare-and-swap, fill them in, and publish them.
 *
 *     writer:  void *p = ear_ring_claim(ring, n);
 *              if (!p) … full …
 *              memcpy(p, …, n);
 *              ear_ring_publish(ring, p);
 *
 *     reader:  struct ear_slice s = ear_ring_next(ring);
 *              if (s.n) { …; ear_ring_done(ring); }
 *              else ear_ring_wait(ring, 20);
 *
 * Records lie on lines of 64 bytes, and each begins with a word that is 0
 * until it is published:
 *
 *     | word | bytes … | bytes … | word | bytes … | word: skip … |  end
 *     ^ read position                ^ claimed, not published
 *
 * The reader waits at a record that is claimed and not published yet; so a
 * writer's thread must not end in between.
 */
#ifndef EAR_LIB_RING_H
#define EAR_LIB_RING_H

#include "base/err.h"
#include "base/slice.h"

struct ear_ring;

/** Least and most bytes of a ring. */
#define EAR_RING_LEAST ((size_t)64 << 10)
#define EAR_RING_MOST ((size_t)1 << 30)

/**
 * @param bytes rounded up to a power of two and to EAR_RING_LEAST
 * @return EAR_OK; EAR_LIMIT above EAR_RING_MOST; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_ring_new(size_t bytes, struct ear_ring **ring);
void ear_ring_free(struct ear_ring **ring);

/** Longest record that it takes: a quarter of it. */
size_t ear_ring_longest(const struct ear_ring *ring);
size_t ear_ring_bytes(const struct ear_ring *ring);
/** Bytes in use; any thread. */
size_t ear_ring_used(struct ear_ring *ring);

/** Positions, which only grow: up to where was claimed, and up to where the
    reader is done. Any thread. */
uint64_t ear_ring_claimed(struct ear_ring *ring);
uint64_t ear_ring_read(struct ear_ring *ring);

/**
 * Claim room. Any thread, any number at once.
 *
 * @param n 1..ear_ring_longest()
 * @return where n bytes go, aligned to 8; NULL when it is full
 */
void *ear_ring_claim(struct ear_ring *ring, size_t n);
/** Hand what was claimed to the reader, and wake it when it sleeps. */
void ear_ring_publish(struct ear_ring *ring, void *claimed);

/** The oldest record; empty when there is none. It stays until done(). */
struct ear_slice ear_ring_next(struct ear_ring *ring);
/** Give the room of the record of ear_ring_next() back. */
void ear_ring_done(struct ear_ring *ring);

/** The reader sleeps until something is published, at most wait_ms. */
void ear_ring_wait(struct ear_ring *ring, unsigned wait_ms);
/** Wake the reader without a record. Any thread. */
void ear_ring_wake(struct ear_ring *ring);

#endif
