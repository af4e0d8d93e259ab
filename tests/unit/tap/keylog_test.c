/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "tap/keylog.h"

#define S48                                                                \
	"1111111111111111111111111111111111111111111111111111111111111111" \
	"22222222222222222222222222222222"

static char folder[] = "/tmp/keylog-test-XXXXXX";
static char path[64];

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/keys.log", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void put(const char *how, const char *text)
{
	FILE *f = fopen(path, how);

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_key(const char *how, unsigned n)
{
	char line[256];

	snprintf(line, sizeof(line), "CLIENT_RANDOM %064x %s\n", n, S48);
	put(how, line);
}

static bool has(const struct ear_keylog *log, unsigned n)
{
	uint8_t random[EAR_TLS_RANDOM] = {0};

	random[31] = (uint8_t)n;
	return ear_tls_keys_find(ear_keylog_keys(log), random) != NULL;
}

static void test_watch(void **state)
{
	struct ear_keylog_stats stats;
	struct ear_keylog *log;
	uint64_t now = 1;

	assert_int_equal(ear_keylog_new(path, &log), EAR_OK);
	assert_true(ear_keylog_expects(log));
	assert_int_equal(ear_keylog_poll(log, now += EAR_SECOND_NS), EAR_SYS);
	put_key("w", 1);
	put("a", "CLIENT_RANDOM ");
	/* not looked at again so soon */
	assert_int_equal(ear_keylog_poll(log, now + 1), EAR_OK);
	assert_false(has(log, 1));
	assert_int_equal(ear_keylog_poll(log, now += EAR_SECOND_NS), EAR_OK);
	assert_true(has(log, 1));

	/* the rest of a line that was half there */
	{
		char line[256];

		snprintf(line, sizeof(line), "%064x %s\n", 2u, S48);
		put("a", line);
	}
	assert_int_equal(ear_keylog_poll(log, now += EAR_SECOND_NS), EAR_OK);
	assert_true(has(log, 2));

	/* cut short and written anew */
	put_key("w", 3);
	assert_int_equal(ear_keylog_poll(log, now += EAR_SECOND_NS), EAR_OK);
	assert_true(has(log, 3));

	/* another file of that name; the old one half a line behind */
	put("a", "CLIENT_RANDOM 12");
	assert_int_equal(ear_keylog_poll(log, now += EAR_SECOND_NS), EAR_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ear_keylog_poll(log, now += EAR_SECOND_NS), EAR_OK);
	put_key("w", 4);
	assert_int_equal(ear_keylog_poll(log, now += EAR_SECOND_NS), EAR_OK);
	assert_true(has(log, 4));
	assert_true(has(log, 1)); /* what was read stays known */
	ear_keylog_stats(log, &stats);
	assert_int_equal(stats.keys, 4);
	assert_int_equal(stats.again, 2);
	ear_keylog_free(&log);
	(void)state;
}

static void test_read(void **state)
{
	struct ear_fault fault = {0};
	struct ear_keylog *log;

	put("w", "CLIENT_RANDOM ");
	put("a", "0000000000000000000000000000000000000000000000000000000000000"
		 "009 " S48); /* the last line does not end */
	assert_int_equal(ear_keylog_new(path, &log), EAR_OK);
	assert_int_equal(ear_keylog_read(log, &fault), EAR_OK);
	assert_true(has(log, 9));
	ear_keylog_free(&log);

	assert_int_equal(ear_keylog_new("/no/such/keys", &log), EAR_OK);
	assert_int_equal(ear_keylog_read(log, &fault), EAR_SYS);
	assert_non_null(strstr(fault.text, "/no/such/keys"));
	ear_keylog_free(&log);

	assert_int_equal(ear_keylog_new(NULL, &log), EAR_OK);
	assert_false(ear_keylog_expects(log));
	assert_int_equal(ear_keylog_poll(log, 1), EAR_OK);
	ear_keylog_free(&log);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests_name(
		"tap/keylog", tests, set_up, tear_down);
}
