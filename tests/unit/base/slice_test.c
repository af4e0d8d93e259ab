/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/addr.h"

/* Byte by byte, as it is meant. */
static size_t plain_ifind(struct ear_slice s, struct ear_slice needle)
{
	for (size_t i = 0; i + needle.n <= s.n; i++) {
		if (ear_slice_ieq(ear_slice(s.p + i, needle.n), needle))
			return i;
	}
	return s.n;
}

/*
 * Every needle at every place of subjects of every length; few different
 * bytes, so that almost-hits abound. The subject ends where its memory does.
 */
static void test_ifind(void **state)
{
	static const char *const needles[] = {"a", "A", "ab", "aB", "aab", "[",
		"{a", "a{", "@A", "`", "aaaaaaaaaaaaaaaaaaab", "\xe4", "\x01"};
	static const char bytes[] = "aAbB[{@`\xe4\xc4\x01!";
	uint32_t random = 1;

	for (size_t n = 0; n < 70; n++) {
		for (size_t round = 0; round < 200; round++) {
			char *p = malloc(n ? n : 1);
			struct ear_slice s = {p, n}, needle;

			assert_non_null(p);
			for (size_t i = 0; i < n; i++) {
				random = random * 1103515245 + 12345;
				p[i] = bytes[(random >> 24) % (round % 12 + 1)];
			}
			needle = ear_slice_str(needles[round % ROWS(needles)]);
			if (ear_slice_ifind(s, needle) !=
				plain_ifind(s, needle))
				fail_msg("'%.*s' in '%.*s'", EAR_FMT(needle),
					EAR_FMT(s));
			free(p);
		}
	}
	assert_int_equal(ear_slice_ifind(EAR_S("abc"), EAR_S("")), 0);
	assert_int_equal(ear_slice_ifind((struct ear_slice){0}, EAR_S("a")), 0);
	(void)state;
}

static void test_ip_text(void **state)
{
	static const char *const rows[] = {"0.0.0.0", "1.20.255.100",
		"255.255.255.255", "10.0.9.99", "2001:db8::1", "::"};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char text[EAR_ADDR_TEXT];
		struct ear_addr a;

		assert_int_equal(
			ear_addr_parse(ear_slice_str(rows[i]), &a), EAR_OK);
		assert_int_equal(ear_addr_ip_text(&a, text), strlen(rows[i]));
		assert_string_equal(text, rows[i]);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ifind),
		cmocka_unit_test(test_ip_text),
	};

	return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
