/* SPDX-License-Identifier: Apache-2.0 */
/* What presence is made of: tables of handles, timers, shared texts. */
#include "unit/table.h"

#include <stdlib.h>

#include "base/hash.h"
#include "track/names.h"
#include "track/table.h"
#include "track/wheel.h"

struct thing {
	struct ear_cell cell;
	uint32_t value;
};

static struct thing *thing(const struct ear_table *t, uint32_t h)
{
	return ear_table_at(t, h);
}

/* Handles stay what they are while others come and go. */
static void test_table(void **state)
{
	struct ear_table t = {.bytes = sizeof(struct thing)};
	static uint32_t handle[20000];
	uint32_t n = 0;

	assert_int_equal(ear_table_first(&t, 7), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		handle[i] = ear_table_add(&t, i / 2 * 0x9e3779b97f4a7c15ULL);
		thing(&t, handle[i])->value = i;
	}
	for (uint32_t i = 0; i < 20000; i += 3) {
		ear_table_del(&t, handle[i]);
		assert_false(ear_table_has(&t, handle[i]));
	}
	for (uint32_t i = 0; i < 20000; i++) {
		uint64_t hash = i / 2 * 0x9e3779b97f4a7c15ULL;
		bool found = false;

		for (uint32_t h = ear_table_first(&t, hash); h;
			h = ear_table_next(&t, h))
			found = found || thing(&t, h)->value == i;
		assert_int_equal(found, i % 3 != 0);
		n += found;
	}
	assert_int_equal(t.n, n);
	assert_int_equal(ear_table_add(&t, 5) <= 20000, true);
	ear_table_fini(&t);
	(void)state;
}

/* Each fires once, not before its time and with the first look after it. */
static void test_wheel(void **state)
{
	static const uint64_t looks[] = {1000, 1001, 1002, 1500, 9000, 9001,
		9193, 30000, 30001, 90000000, 4000000000ULL};
	struct ear_wheel *w = calloc(1, sizeof(*w));
	uint64_t due[401] = {0}, before = 0;
	uint32_t random = 1, h, fired = 0;

	assert_non_null(w);
	assert_int_equal(ear_wheel_pop(w, 900), 0);
	for (h = 1; h <= 400; h++) {
		random = random * 1103515245 + 12345;
		due[h] = 900 + (random >> 8) % (h % 2 ? 300 : 40000);
		assert_true(ear_wheel_set(w, h, due[h] + h % 5 * 100));
		assert_true(ear_wheel_set(w, h, due[h]));
		assert_true(ear_wheel_set(w, h, due[h] + 5));
	}
	ear_wheel_clear(w, 400);
	ear_wheel_clear(w, 400);
	ear_wheel_clear(w, 40000);
	for (size_t i = 0; i < ROWS(looks); i++) {
		while ((h = ear_wheel_pop(w, looks[i]))) {
			assert_in_range(due[h], before, looks[i] - 1);
			due[h] = UINT64_MAX;
			fired++;
		}
		before = looks[i];
	}
	assert_int_equal(fired, 399);
	ear_wheel_fini(w);
	free(w);
	(void)state;
}

/*
 * Texts that are made to have one hash: where 8 bytes of XXH3's own secret
 * stand in them, the 8 that follow do not count. Each would be looked for among
 * all the others, and this test never end.
 */
static void test_made_names(void **state)
{
	struct ear_names names;
	char text[33];

	ear_names_init(&names);
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(text, sizeof(text),
			"\xb8\xfe\x6c\x39\x23\xa4\x4b\xbe%08u"
			"0123456789abcdef",
			i);
		assert_int_equal(
			ear_names_take(&names, ear_slice_str(text)), i + 1);
		if (i == 1)
			assert_int_equal(
				ear_hash(EAR_S("\xb8\xfe\x6c\x39\x23\xa4"
					       "\x4b\xbe"
					       "00000000"
					       "0123456789abcdef")),
				ear_hash(ear_slice_str(text)));
	}
	ear_names_fini(&names);
	(void)state;
}

/* Hashes that only differ where a mask of the table would not look. */
static void test_made_hashes(void **state)
{
	struct ear_table t = {.bytes = sizeof(struct thing)};

	for (uint64_t i = 1; i <= 200000; i++) {
		assert_int_equal(ear_table_first(&t, i << 40), 0);
		assert_int_equal(ear_table_add(&t, i << 40), i);
	}
	ear_table_fini(&t);
	(void)state;
}

static void test_names(void **state)
{
	struct ear_names names;
	uint32_t a, b;

	ear_names_init(&names);
	assert_int_equal(ear_names_take(&names, EAR_S("")), 0);
	ear_names_drop(&names, 0);
	a = ear_names_take(&names, EAR_S("snom320"));
	b = ear_names_take(&names, EAR_S("snom320"));
	assert_int_equal(a, b);
	assert_int_not_equal(ear_names_take(&names, EAR_S("snom300")), a);
	ear_names_drop(&names, a);
	assert_slice("one left", ear_names_text(&names, b), EAR_S("snom320"));
	ear_names_drop(&names, b);
	assert_int_equal(names.table.n, 1);
	assert_int_equal(names.text_bytes, 7);
	ear_names_fini(&names);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_wheel),
		cmocka_unit_test(test_made_names),
		cmocka_unit_test(test_made_hashes),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
