/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/map64.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
