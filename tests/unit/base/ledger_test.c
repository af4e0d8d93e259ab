/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <pthread.h>

#include "base/ledger.h"

static void test_sums_meet(void **state)
{
	uint64_t n[EAR_N_COUNT];
	struct ear_ledger *l;
	struct ear_tally *t;

	assert_int_equal(ear_ledger_new(16, &l), EAR_OK);
	t = ear_ledger_line(l, EAR_S("hep"), EAR_S("192.0.2.1"));
	ear_tally_add(t, EAR_N_RECEIVED, 10, 5);
	ear_tally_add(t, EAR_N_STORED, 6, 6);
	ear_tally_add(t, EAR_N_RTP, 1, 7);
	ear_tally_add(t, EAR_N_BADKEY, 1, 7);
	ear_tally_add(t, EAR_N_FILTERED, 1, 7);
	ear_tally_add(t, EAR_N_MALFORMED, 4, 7); /* a note: outside the sum */
	ear_ledger_sum(l, n);
	assert_int_equal(ear_ledger_open(n), 1);
	ear_tally_add(t, EAR_N_STORED, 1, 8);
	ear_ledger_sum(l, n);
	assert_int_equal(ear_ledger_open(n), 0);
	ear_ledger_free(&l);
	(void)state;
}

static void test_many_sources_share_a_line(void **state)
{
	static struct ear_ledger_line lines[64];
	struct ear_ledger *l;
	uint64_t n[EAR_N_COUNT];
	size_t count, others = 0;

	assert_int_equal(ear_ledger_new(16, &l), EAR_OK);
	for (int i = 0; i < 1000; i++) {
		char ip[16];
		struct ear_slice s =
			ear_slice(ip, (size_t)snprintf(ip, sizeof(ip),
					      "10.0.%d.%d", i / 250, i % 250));

		ear_tally_add(ear_ledger_line(l, EAR_S("hep"), s),
			EAR_N_RECEIVED, 1, 1);
	}
	count = ear_ledger_read(l, lines, ROWS(lines));
	assert_true(count <= 18);
	for (size_t i = 0; i < count; i++) {
		if (ear_slice_eq(
			    ear_slice_str(lines[i].source), EAR_S("(others)")))
			others += lines[i].n[EAR_N_RECEIVED];
	}
	assert_int_equal(others, 1000 - 16);
	ear_ledger_sum(l, n);
	assert_int_equal(n[EAR_N_RECEIVED], 1000);
	ear_ledger_free(&l);
	(void)state;
}

static void *add_thousand(void *arg)
{
	for (int i = 0; i < 1000; i++)
		ear_tally_add(ear_ledger_line(arg, EAR_S("hep"),
				      i % 2 ? EAR_S("a") : EAR_S("b")),
			EAR_N_RECEIVED, 1, 1);
	return NULL;
}

static void test_threads(void **state)
{
	uint64_t n[EAR_N_COUNT];
	struct ear_ledger *l;
	pthread_t t[4];

	assert_int_equal(ear_ledger_new(16, &l), EAR_OK);
	for (size_t i = 0; i < ROWS(t); i++)
		pthread_create(&t[i], NULL, add_thousand, l);
	for (size_t i = 0; i < ROWS(t); i++)
		pthread_join(t[i], NULL);
	ear_ledger_sum(l, n);
	assert_int_equal(n[EAR_N_RECEIVED], 4000);
	ear_ledger_free(&l);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_meet),
		cmocka_unit_test(test_many_sources_share_a_line),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("base/ledger", tests, NULL, NULL);
}
