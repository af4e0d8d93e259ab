/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/utf8.h"

static void test_valid(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		size_t want;
	} rows[] = {
		{"empty", EAR_S_INIT(""), 0},
		{"plain, shorter than a word", EAR_S_INIT("abc"), 3},
		{"plain, longer", EAR_S_INIT("0123456789abcdef0"), 17},
		{"NUL in a word",
			EAR_S_INIT("01234\0"
				   "6789abcdef"),
			5},
		{"NUL at the end", EAR_S_INIT("012345678\0"), 9},
		{"two bytes", EAR_S_INIT("J\xc3\xb6rg J\xc3\xb6rg"), 11},
		{"four bytes", EAR_S_INIT("\xf0\x9f\x93\x9e"), 4},
		{"cut", EAR_S_INIT("a\xf0\x9f\x93"), 1},
		{"Latin 1", EAR_S_INIT("J\xf6rg J\xf6rg J"), 1},
		{"overlong", EAR_S_INIT("\xc0\x80"), 0},
		{"overlong of three", EAR_S_INIT("\xe0\x80\x80"), 0},
		{"surrogate", EAR_S_INIT("x\xed\xa0\x80"), 1},
		{"beyond", EAR_S_INIT("\xf4\x90\x80\x80"), 0},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		if (ear_utf8_valid(rows[i].in) != rows[i].want)
			fail_msg("%s: %zu", rows[i].name,
				ear_utf8_valid(rows[i].in));
	}
}

static void test_cut(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		size_t characters;
		struct ear_slice want;
	} rows[] = {
		{"shorter", EAR_S_INIT("ab"), 3, EAR_S_INIT("ab")},
		{"as long", EAR_S_INIT("abc"), 3, EAR_S_INIT("abc")},
		{"longer", EAR_S_INIT("abcd"), 3, EAR_S_INIT("abc")},
		{"none", EAR_S_INIT("abcd"), 0, EAR_S_INIT("")},
		{"as long in characters", EAR_S_INIT("\xc3\xb6\xc3\xb6"), 2,
			EAR_S_INIT("\xc3\xb6\xc3\xb6")},
		{"whole characters", EAR_S_INIT("\xc3\xb6\xe2\x82\xacx"), 2,
			EAR_S_INIT("\xc3\xb6\xe2\x82\xac")},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++)
		assert_slice(rows[i].name,
			ear_utf8_cut(rows[i].in, rows[i].characters),
			rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
