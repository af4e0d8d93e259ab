/* SPDX-License-Identifier: Apache-2.0 */
/* Marks among the further HEP chunks of a message. */
#include "unit/table.h"

#include "message/marks.h"
#include "proto/hep_write.h"

/* Two traced users, a trace, a table, and a VLAN that is no mark. */
static void fill(struct ear_buf *extra)
{
	ear_hep_write_chunk(extra, EAR_HEP_TRACED_USER, EAR_S("alice"));
	ear_hep_write_chunk(extra, EAR_HEP_VLAN, EAR_S("\x01\x02"));
	ear_hep_write_chunk(extra, EAR_HEP_TABLE, EAR_S("sip_trace_a"));
	ear_hep_write_chunk(extra, EAR_HEP_TRACED_USER, EAR_S("bob"));
	ear_hep_write_chunk(extra, EAR_HEP_TRACE, EAR_S("t1"));
}

static void test_read(void **state)
{
	struct ear_buf extra = {0};
	struct ear_marks marks;

	fill(&extra);
	ear_marks_read(ear_buf_view(&extra), &marks);
	assert_int_equal(marks.users.n, 2);
	assert_slice("first", marks.users.item[0], EAR_S("alice"));
	assert_slice("second", marks.users.item[1], EAR_S("bob"));
	assert_int_equal(marks.traces.n, 1);
	assert_slice("trace", marks.traces.item[0], EAR_S("t1"));
	assert_int_equal(marks.tables.n, 1);
	assert_slice("table", marks.tables.item[0], EAR_S("sip_trace_a"));
	ear_marks_read((struct ear_slice){0}, &marks);
	assert_int_equal(marks.users.n + marks.traces.n + marks.tables.n, 0);
	ear_buf_fini(&extra);
	(void)state;
}

/* However an extra is cut, what is left of it stays, and no more. */
static void test_cut(void **state)
{
	struct ear_buf extra = {0}, out = {0};
	struct ear_marks marks;

	fill(&extra);
	for (size_t n = 0; n <= extra.n; n++) {
		struct ear_slice cut = ear_slice(extra.p, n);

		ear_marks_read(cut, &marks);
		assert_true(marks.users.n <= 2);
		ear_buf_reset(&out);
		ear_marks_strip(cut, false, &out);
		assert_true(out.n <= n);
	}
	ear_buf_fini(&extra);
	ear_buf_fini(&out);
	(void)state;
}

static void test_strip(void **state)
{
	struct ear_buf extra = {0}, out = {0}, vlan = {0};
	struct ear_marks marks;

	fill(&extra);
	ear_marks_strip(ear_buf_view(&extra), false, &out);
	ear_marks_read(ear_buf_view(&out), &marks);
	assert_int_equal(marks.users.n, 2);
	assert_int_equal(marks.traces.n, 1);
	assert_int_equal(marks.tables.n, 0);
	ear_buf_reset(&out);
	ear_marks_strip(ear_buf_view(&extra), true, &out);
	ear_hep_write_chunk(&vlan, EAR_HEP_VLAN, EAR_S("\x01\x02"));
	assert_slice("all", ear_buf_view(&out), ear_buf_view(&vlan));
	ear_buf_fini(&extra);
	ear_buf_fini(&out);
	ear_buf_fini(&vlan);
	(void)state;
}

static void test_write(void **state)
{
	struct ear_marks marks = {0}, read;
	struct ear_buf out = {0};
	char text[2][EAR_MARK_TEXT + 10];

	memset(text, 'x', sizeof(text));
	ear_mark_add(&marks.users, ear_slice(text[0], sizeof(text[0])));
	/* the same once it is cut */
	ear_mark_add(&marks.users, ear_slice(text[1], sizeof(text[1]) - 1));
	assert_int_equal(marks.users.n, 1);
	assert_int_equal(marks.users.item[0].n, EAR_MARK_TEXT);
	for (int i = 0; i < EAR_MARKS_MAX + 3; i++) {
		static char name[EAR_MARKS_MAX + 3][8];

		snprintf(name[i], sizeof(name[i]), "t%d", i);
		ear_mark_add(&marks.traces, ear_slice_str(name[i]));
	}
	assert_int_equal(marks.traces.n, EAR_MARKS_MAX);
	assert_int_equal(marks.traces.left_out, 3);
	ear_mark_add(&marks.tables, EAR_S(""));
	ear_marks_write(&marks, &out);
	ear_marks_read(ear_buf_view(&out), &read);
	assert_int_equal(read.users.n, 1);
	assert_int_equal(read.traces.n, EAR_MARKS_MAX);
	assert_slice("last", read.traces.item[EAR_MARKS_MAX - 1], EAR_S("t15"));
	assert_int_equal(read.tables.n, 1);
	assert_slice("empty", read.tables.item[0], EAR_S(""));
	ear_buf_fini(&out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests_name("message/marks", tests, NULL, NULL);
}
