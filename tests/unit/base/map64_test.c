/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/map64.h"
#include "base/set64.h"

/* Few low bits, so that entries stand in each other's way; value 0 counts. */
static uint64_t hash_of(uint32_t i)
{
	return (uint64_t)i << 32 | (i % 23) * 3;
}

static void test_against_a_table(void **state)
{
	enum { KEYS = 300, STEPS = 20000 };
	uint32_t want[KEYS], seed = 1;
	struct ear_map64 map = {0};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < KEYS; i++)
		want[i] = EAR_MAP64_NONE;
	assert_false(ear_map64_remove(&map, 5));
	for (int step = 0; step < STEPS; step++) {
		uint32_t key = (seed = seed * 1664525 + 1013904223) >> 8;
		bool there;

		key %= KEYS;
		there = want[key] != EAR_MAP64_NONE;
		if (seed & 0x80) {
			assert_true(ear_map64_put(
				&map, hash_of(key), (uint32_t)step));
			n += !there;
			want[key] = (uint32_t)step;
		} else {
			assert_int_equal(
				ear_map64_remove(&map, hash_of(key)), there);
			n -= there;
			want[key] = EAR_MAP64_NONE;
		}
		assert_int_equal(map.n, n);
		for (uint32_t i = 0; i < KEYS && step % 50 == 0; i++)
			assert_int_equal(
				ear_map64_get(&map, hash_of(i)), want[i]);
	}
	ear_map64_fini(&map);
	assert_int_equal(ear_map64_get(&map, 5), EAR_MAP64_NONE);
}

/* Hashes made so that a mask sees all in one place: each would have to be
 * looked for among all the others, and this test never end. */
static void test_made_hashes(void **state)
{
	struct ear_map64 map = {0};
	struct ear_set64 set = {.max = 200000};

	(void)state;
	for (uint32_t i = 1; i <= 200000; i++) {
		assert_true(ear_map64_put(&map, (uint64_t)i << 40, i));
		assert_true(ear_set64_add(&set, (uint64_t)i << 40));
	}
	for (uint32_t i = 1; i <= 200000; i++) {
		assert_int_equal(ear_map64_get(&map, (uint64_t)i << 40), i);
		assert_true(ear_set64_has(&set, (uint64_t)i << 40));
	}
	ear_map64_fini(&map);
	ear_set64_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_table),
		cmocka_unit_test(test_made_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
