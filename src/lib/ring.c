/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ring.h"

#include <assert.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define LINE ((size_t)64)

/* Before each record. */
struct head {
	_Atomic uint64_t word; /* 0 until published; then lines and bytes */
	uint64_t claimed;      /* what the word will be */
};

#define HEAD sizeof(struct head)

/* A record without bytes fills the end: what follows begins at the start. */
#define WORD(lines, n) ((uint64_t)(lines) << 32 | (uint64_t)(n))
#define WORD_LINES(w) ((size_t)((w) >> 32))
#define WORD_BYTES(w) ((size_t)((w)&UINT32_MAX))

struct ear_ring {
	char *room;   /* owned */
	char *at;     /* in it, on a line */
	size_t bytes; /* a power of two */
	/* Positions only grow. Apart from each other in memory: many threads
	 * write the first, one writes the second. */
	_Alignas(64) _Atomic uint64_t claimed; /* up to here */
	_Alignas(64) _Atomic uint64_t done;    /* and free again up to here */
	_Alignas(64) atomic_bool sleeps;       /* the reader */
	sem_t wake;
};

enum ear_err ear_ring_new(size_t bytes, struct ear_ring **out)
{
	size_t size = EAR_RING_LEAST;
	struct ear_ring *ring;

	*out = NULL;
	if (bytes > EAR_RING_MOST)
		return EAR_LIMIT;
	while (size < bytes)
		size *= 2;
	ring = aligned_alloc(64, sizeof(*ring));
	if (!ring)
		return EAR_NOMEM;
	memset(ring, 0, sizeof(*ring));
	/* zero, and taken from the kernel only as it comes into use */
	ring->room = calloc(1, size + LINE);
	if (!ring->room) {
		free(ring);
		return EAR_NOMEM;
	}
	ring->at = ring->room + LINE - (uintptr_t)ring->room % LINE;
	ring->bytes = size;
	sem_init(&ring->wake, 0, 0);
	*out = ring;
	return EAR_OK;
}

void ear_ring_free(struct ear_ring **ring)
{
	if (!*ring)
		return;
	sem_destroy(&(*ring)->wake);
	free((*ring)->room);
	free(*ring);
	*ring = NULL;
}

size_t ear_ring_longest(const struct ear_ring *ring)
{
	return ring->bytes / 4 - HEAD;
}

size_t ear_ring_bytes(const struct ear_ring *ring)
{
	return ring->bytes;
}

size_t ear_ring_used(struct ear_ring *ring)
{
	uint64_t done = atomic_load(&ring->done);

	return (size_t)(atomic_load(&ring->claimed) - done);
}

uint64_t ear_ring_claimed(struct ear_ring *ring)
{
	return atomic_load(&ring->claimed);
}

uint64_t ear_ring_read(struct ear_ring *ring)
{
	return atomic_load(&ring->done);
}

static struct head *head_at(struct ear_ring *ring, uint64_t pos)
{
	return (struct head *)(ring->at + (pos & (ring->bytes - 1)));
}

void *ear_ring_claim(struct ear_ring *ring, size_t n)
{
	size_t need = (HEAD + n + LINE - 1) / LINE * LINE, skip;
	uint64_t pos =
		atomic_load_explicit(&ring->claimed, memory_order_relaxed);
	uint64_t done;
	struct head *h;

	assert(n && n <= ear_ring_longest(ring));
	do {
		size_t left = ring->bytes - (pos & (ring->bytes - 1));

		skip = left < need ? left : 0;
		/* what lies before it was wiped by the reader */
		done = atomic_load_explicit(&ring->done, memory_order_acquire);
		/* below 0 as done may be newer than pos: then pos is stale */
		if ((int64_t)(pos - done) >= 0 &&
			pos - done + skip + need > ring->bytes)
			return NULL;
	} while (!atomic_compare_exchange_weak_explicit(&ring->claimed, &pos,
		pos + skip + need, memory_order_relaxed, memory_order_relaxed));
	if (skip) {
		h = head_at(ring, pos);
		atomic_store_explicit(
			&h->word, WORD(skip / LINE, 0), memory_order_release);
	}
	h = head_at(ring, pos + skip);
	h->claimed = WORD(need / LINE, n);
	return h + 1;
}

void ear_ring_publish(struct ear_ring *ring, void *claimed)
{
	struct head *h = (struct head *)claimed - 1;

	/* With the order in ear_ring_wait(): either the reader sees the word,
	 * or we see that it sleeps. */
	atomic_store(&h->word, h->claimed);
	if (atomic_load(&ring->sleeps))
		ear_ring_wake(ring);
}

/* Let writers have the room of the record at the read position. */
static void release(struct ear_ring *ring, uint64_t done, size_t lines)
{
	/* any line may carry the next head that comes to lie here */
	for (size_t i = 0; i < lines; i++)
		atomic_store_explicit(&head_at(ring, done + i * LINE)->word, 0,
			memory_order_relaxed);
	atomic_store_explicit(
		&ring->done, done + lines * LINE, memory_order_release);
}

struct ear_slice ear_ring_next(struct ear_ring *ring)
{
	for (;;) {
		uint64_t done =
			atomic_load_explicit(&ring->done, memory_order_relaxed);
		struct head *h = head_at(ring, done);
		uint64_t word = atomic_load(&h->word);

		if (!word || WORD_BYTES(word))
			return ear_slice(h + 1, WORD_BYTES(word));
		release(ring, done, WORD_LINES(word));
	}
}

void ear_ring_done(struct ear_ring *ring)
{
	uint64_t done = atomic_load_explicit(&ring->done, memory_order_relaxed);

	release(ring, done,
		WORD_LINES(atomic_load(&head_at(ring, done)->word)));
}

void ear_ring_wait(struct ear_ring *ring, unsigned wait_ms)
{
	struct timespec until;

	atomic_store(&ring->sleeps, true);
	if (!ear_ring_next(ring).n) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += wait_ms / 1000;
		until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		sem_clockwait(&ring->wake, CLOCK_MONOTONIC, &until);
	}
	atomic_store(&ring->sleeps, false);
}

void ear_ring_wake(struct ear_ring *ring)
{
	/* one post a sleep, whoever comes first */
	if (atomic_exchange(&ring->sleeps, false))
		sem_post(&ring->wake);
}
