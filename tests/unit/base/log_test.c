/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/log.h"

static void count(enum ear_level level, const char *line, void *arg)
{
	++*(unsigned *)arg;
}

static void test_levels(void **state)
{
	unsigned lines = 0;
	enum ear_level level;

	ear_log_to(count, EAR_WARN, &lines);
	assert_int_equal(ear_log_level(), EAR_WARN);
	for (int i = EAR_DEBUG; i <= EAR_ERROR; i++) {
		assert_true(ear_level_of(
			ear_slice_str(ear_level_name((enum ear_level)i)),
			&level));
		assert_int_equal(level, i);
		ear_log(level, "test.level", NULL);
	}
	assert_int_equal(lines, 2);
	ear_log_level_set(EAR_DEBUG);
	ear_log(EAR_DEBUG, "test.level", NULL);
	assert_int_equal(lines, 3);
	assert_false(ear_level_of(EAR_S("loud"), &level));
	assert_false(ear_level_of(EAR_S(""), &level));
	ear_log_to(NULL, EAR_INFO, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
