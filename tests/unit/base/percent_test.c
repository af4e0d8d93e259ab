/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/percent.h"

static const struct {
	const char *name;
	struct ear_slice in, want;
} rows[] = {
	{"empty", EAR_S_INIT(""), EAR_S_INIT("")},
	{"plain", EAR_S_INIT("a b"), EAR_S_INIT("a b")},
	{"both cases", EAR_S_INIT("a%3bb%3Bc"), EAR_S_INIT("a;b;c")},
	{"NUL and high", EAR_S_INIT("%00%ff"), EAR_S_INIT("\0\xff")},
	{"no digits", EAR_S_INIT("50%, %zz%3g"), EAR_S_INIT("50%, %zz%3g")},
	{"cut", EAR_S_INIT("a%3"), EAR_S_INIT("a%3")},
	{"cut sooner", EAR_S_INIT("a%"), EAR_S_INIT("a%")},
	{"at the end", EAR_S_INIT("%41"), EAR_S_INIT("A")},
	{"once", EAR_S_INIT("%2541"), EAR_S_INIT("%41")},
};

static void test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		char out[64];
		size_t n = ear_percent_decode(rows[i].in, out);

		assert_slice(rows[i].name, ear_slice(out, n), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
