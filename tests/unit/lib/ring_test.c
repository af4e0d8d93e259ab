/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "lib/ring.h"

static struct ear_ring *ring_of(size_t bytes)
{
	struct ear_ring *ring;

	assert_int_equal(ear_ring_new(bytes, &ring), EAR_OK);
	return ring;
}

static bool put(struct ear_ring *ring, const void *p, size_t n)
{
	void *to = ear_ring_claim(ring, n);

	if (!to)
		return false;
	memcpy(to, p, n);
	ear_ring_publish(ring, to);
	return true;
}

static void sizes(void **state)
{
	static const struct {
		const char *name;
		size_t ask, get;
		enum ear_err err;
	} rows[] = {
		{"none", 0, 65536, EAR_OK},
		{"least", 65536, 65536, EAR_OK},
		{"rounded", 65537, 131072, EAR_OK},
		{"too much", EAR_RING_MOST + 1, 0, EAR_LIMIT},
	};
	struct ear_ring *ring;

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		if (ear_ring_new(rows[i].ask, &ring) != rows[i].err)
			fail_msg("%s", rows[i].name);
		if (ring && ear_ring_bytes(ring) != rows[i].get)
			fail_msg("%s: %zu", rows[i].name, ear_ring_bytes(ring));
		ear_ring_free(&ring);
	}
}

static void in_order(void **state)
{
	struct ear_ring *ring = ring_of(0);

	(void)state;
	assert_int_equal(ear_ring_next(ring).n, 0);
	assert_true(put(ring, "one", 3));
	assert_true(put(ring, "three", 5));
	assert_slice("first", ear_ring_next(ring), EAR_S("one"));
	assert_slice("again", ear_ring_next(ring), EAR_S("one"));
	ear_ring_done(ring);
	assert_slice("second", ear_ring_next(ring), EAR_S("three"));
	ear_ring_done(ring);
	assert_int_equal(ear_ring_next(ring).n, 0);
	assert_int_equal(ear_ring_used(ring), 0);
	ear_ring_free(&ring);
}

/* What is claimed and not published holds back what comes after it. */
static void unpublished(void **state)
{
	struct ear_ring *ring = ring_of(0);
	char *first = ear_ring_claim(ring, 1);

	(void)state;
	assert_true(put(ring, "b", 1));
	assert_int_equal(ear_ring_next(ring).n, 0);
	*first = 'a';
	ear_ring_publish(ring, first);
	assert_slice("first", ear_ring_next(ring), EAR_S("a"));
	ear_ring_free(&ring);
}

/* Never more than it has, and all of it again, at every offset of its end. */
static void full(void **state)
{
	struct ear_ring *ring = ring_of(0);
	size_t longest = ear_ring_longest(ring);
	char *bytes = malloc(longest);

	(void)state;
	/* as what a sender could write to look like a head */
	memset(bytes, 0xff, longest);
	for (size_t n = 1; n <= longest; n += 977) {
		size_t in = 0, out = 0;

		while (put(ring, bytes, n))
			in++;
		assert_true(in >= 3);
		assert_true(ear_ring_used(ring) <= ear_ring_bytes(ring));
		for (struct ear_slice s; (s = ear_ring_next(ring)).n; out++) {
			assert_int_equal(s.n, n);
			assert_memory_equal(s.p, bytes, n);
			ear_ring_done(ring);
		}
		assert_int_equal(in, out);
		assert_int_equal(ear_ring_used(ring), 0);
	}
	free(bytes);
	ear_ring_free(&ring);
}

/* --- many writers --------------------------------------------------------- */

#define WRITERS 8
#define EACH 20000

struct writer {
	struct ear_ring *ring;
	uint32_t who;
	uint64_t refused;
};

struct record {
	uint32_t who, number, n;
	uint8_t fill[1500];
};

static void *write_all(void *arg)
{
	struct writer *w = arg;
	struct record r = {.who = w->who};

	for (r.number = 0; r.number < EACH; r.number++) {
		r.n = (r.number * 7919 + w->who * 31) % sizeof(r.fill);
		memset(r.fill, (int)(r.number + w->who), r.n);
		while (!put(w->ring, &r, offsetof(struct record, fill) + r.n)) {
			w->refused++;
			sched_yield();
		}
	}
	return NULL;
}

static void check(struct ear_slice s, uint32_t next[WRITERS])
{
	const struct record *r = (const struct record *)s.p;

	assert_true(r->who < WRITERS);
	assert_int_equal(r->number, next[r->who]);
	next[r->who]++;
	assert_int_equal(s.n, offsetof(struct record, fill) + r->n);
	for (uint32_t i = 0; i < r->n; i++) {
		if (r->fill[i] != (uint8_t)(r->number + r->who))
			fail_msg("record %u of %u: byte %u", r->number, r->who,
				i);
	}
}

static void writers(void **state)
{
	struct ear_ring *ring = ring_of(0);
	struct writer w[WRITERS];
	pthread_t thread[WRITERS];
	uint32_t next[WRITERS] = {0};
	uint64_t seen = 0, refused = 0;

	(void)state;
	for (uint32_t i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){.ring = ring, .who = i};
		assert_int_equal(
			pthread_create(&thread[i], NULL, write_all, &w[i]), 0);
	}
	while (seen < (uint64_t)WRITERS * EACH) {
		struct ear_slice s = ear_ring_next(ring);

		if (!s.n) {
			ear_ring_wait(ring, 1000);
			continue;
		}
		check(s, next);
		ear_ring_done(ring);
		seen++;
	}
	for (size_t i = 0; i < WRITERS; i++) {
		pthread_join(thread[i], NULL);
		refused += w[i].refused;
	}
	assert_int_equal(ear_ring_next(ring).n, 0);
	/* else the test has not seen a full ring */
	assert_true(refused > 0);
	ear_ring_free(&ring);
}

/* --- sleep ------------------------------------------------------------- */

static void *publish_later(void *arg)
{
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	put(arg, "x", 1);
	return NULL;
}

static void sleeper(void **state)
{
	struct ear_ring *ring = ring_of(0);
	uint64_t began = ear_mono_ns();
	pthread_t thread;

	(void)state;
	ear_ring_wait(ring, 30);
	assert_true(ear_mono_ns() - began >= 29 * EAR_MS_NS);
	assert_int_equal(pthread_create(&thread, NULL, publish_later, ring), 0);
	ear_ring_wait(ring, 20000);
	assert_slice("woken", ear_ring_next(ring), EAR_S("x"));
	assert_true(ear_mono_ns() - began < 10 * EAR_SECOND_NS);
	pthread_join(thread, NULL);
	/* with something there it does not sleep at all */
	ear_ring_wait(ring, 20000);
	assert_true(ear_mono_ns() - began < 10 * EAR_SECOND_NS);
	ear_ring_free(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(in_order),
		cmocka_unit_test(unpublished),
		cmocka_unit_test(full),
		cmocka_unit_test(writers),
		cmocka_unit_test(sleeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
