/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/whole.h"

static char dir[] = "/tmp/ear-whole-XXXXXX";
static char path[64], part[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/file", dir);
	snprintf(part, sizeof(part), "%s/file.new", dir);
	return 0;
}

static int drop_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void test_write_and_read(void **state)
{
	static char large[200000];
	const struct ear_slice rows[] = {EAR_S("one"), EAR_S(""),
		ear_slice(large, sizeof(large)), EAR_S("shorter")};
	struct ear_fault fault = {0};
	struct stat st;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf out = {0};

		assert_int_equal(
			ear_whole_write(path, rows[i], &fault), EAR_OK);
		assert_int_equal(
			ear_whole_read(path, sizeof(large), &out, &fault),
			EAR_OK);
		assert_slice("bytes", ear_buf_view(&out), rows[i]);
		ear_buf_fini(&out);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_not_equal(stat(part, &st), 0);
	(void)state;
}

static void test_faults(void **state)
{
	struct ear_fault fault = {0};
	struct ear_buf out = {0};

	assert_int_equal(
		ear_whole_read("/nowhere/x", 10, &out, &fault), EAR_GONE);
	assert_int_equal(
		ear_whole_write(path, EAR_S("0123456789"), &fault), EAR_OK);
	assert_int_equal(ear_whole_read(path, 9, &out, &fault), EAR_LIMIT);
	assert_non_null(strstr(fault.text, "larger than 9 bytes"));
	assert_int_equal(
		ear_whole_write("/nowhere/x", EAR_S("a"), &fault), EAR_SYS);
	assert_non_null(strstr(fault.text, "/nowhere/x"));
	/* where the new one cannot be put, the old one stays */
	assert_int_equal(mkdir(part, 0700), 0);
	assert_int_equal(ear_whole_write(path, EAR_S("b"), &fault), EAR_SYS);
	assert_int_equal(rmdir(part), 0);
	ear_buf_reset(&out);
	assert_int_equal(ear_whole_read(path, 10, &out, &fault), EAR_OK);
	assert_slice("old", ear_buf_view(&out), EAR_S("0123456789"));
	ear_buf_fini(&out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests_name("whole", tests, make_dir, drop_dir);
}
