/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "track/gather.h"

static struct ear_msg message(uint64_t at_ns, const char *raw)
{
	return (struct ear_msg){.at_ns = at_ns,
		.proto = EAR_PROTO_SIP,
		.tap = EAR_S("t"),
		.node = EAR_S("n"),
		.raw = ear_slice_str(raw)};
}

/* Copies outlive what they were made from. */
static void test_copy(void **state)
{
	char raw[] = "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: x\r\n\r\n";
	struct ear_gather g = {0};
	struct ear_msg m = message(1, raw);

	assert_int_equal(ear_gather_add(&g, &m, "id-1"), EAR_OK);
	memset(raw, '!', sizeof(raw));
	assert_slice("call_id", g.v[0].facts.call_id, EAR_S("x"));
	assert_slice("node", g.v[0].msg.node, EAR_S("n"));
	assert_string_equal(g.v[0].id, "id-1");
	ear_gather_fini(&g);
	(void)state;
}

static void test_bounds(void **state)
{
	struct ear_gather g = {.max = 2, .max_bytes = 12};
	struct ear_msg m = message(1, "12345");

	assert_int_equal(ear_gather_add(&g, &m, NULL), EAR_OK);
	assert_int_equal(ear_gather_add(&g, &m, NULL), EAR_LIMIT);
	m.raw.n = 3;
	assert_int_equal(ear_gather_add(&g, &m, NULL), EAR_OK);
	m.raw.n = 0;
	assert_int_equal(ear_gather_add(&g, &m, NULL), EAR_LIMIT);
	assert_int_equal(g.n, 2);
	ear_gather_fini(&g);
	(void)state;
}

/* By time, and what came first stays first: for any number and any order. */
static void test_sort(void **state)
{
	for (size_t n = 0; n < 70; n++) {
		struct ear_gather g = {0};
		uint32_t random = (uint32_t)n + 1;
		char id[16];

		for (size_t i = 0; i < n; i++) {
			struct ear_msg m = message(0, "x");

			random = random * 1103515245 + 12345;
			m.at_ns = random >> 28;
			snprintf(id, sizeof(id), "%08zu", i);
			assert_int_equal(ear_gather_add(&g, &m, id), EAR_OK);
		}
		ear_gather_sort(&g);
		for (size_t i = 1; i < n; i++) {
			struct ear_gathered *a = &g.v[i - 1], *b = &g.v[i];

			if (a->msg.at_ns > b->msg.at_ns ||
				(a->msg.at_ns == b->msg.at_ns &&
					strcmp(a->id, b->id) >= 0))
				fail_msg("%zu of %zu", i, n);
		}
		ear_gather_fini(&g);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests_name("track/gather", tests, NULL, NULL);
}
