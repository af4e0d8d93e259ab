/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that are read from the marks of a message. */
#include "unit/table.h"

#include "message/field.h"

/* Marks as a text: users, then traces, each with commas between. */
static struct ear_msg marked(
	const char *users, const char *traces, struct ear_buf *extra)
{
	struct ear_marks marks = {.users.n = 0};
	const char *all[] = {users, traces};

	for (int i = 0; i < 2; i++) {
		struct ear_slice rest = ear_slice_str(all[i]);

		while (rest.n) {
			size_t n = ear_slice_find(rest, EAR_S(","));

			ear_mark_add(i ? &marks.traces : &marks.users,
				ear_slice_sub(rest, 0, n));
			rest = ear_slice_sub(rest, n + 1, rest.n);
		}
	}
	ear_marks_write(&marks, extra);
	return (struct ear_msg){.extra = ear_buf_view(extra)};
}

static void test_text(void **state)
{
	static const struct {
		const char *users, *traces;
	} rows[] = {
		{"", ""}, {"alice", "t1"}, {"alice,bob", ""}, {"", "a,b,c"}};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf extra = {0}, scratch = {0};
		struct ear_msg msg =
			marked(rows[i].users, rows[i].traces, &extra);
		struct ear_facts facts = {0};

		assert_slice("users",
			ear_field_text(
				EAR_F_TRACED_USER, &msg, &facts, &scratch),
			ear_slice_str(rows[i].users));
		assert_slice("traces",
			ear_field_text(EAR_F_TRACE, &msg, &facts, &scratch),
			ear_slice_str(rows[i].traces));
		ear_buf_fini(&scratch);
		ear_buf_fini(&extra);
	}
	(void)state;
}

static void test_match(void **state)
{
	static const struct {
		const char *expr;
		bool want;
	} rows[] = {
		{"traced_user == bob", true},
		{"traced_user == alice", true},
		{"traced_user == \"alice,bob\"", false},
		{"traced_user == eve", false},
		{"traced_user != bob", false},
		{"traced_user != eve", true},
		{"traced_user in (eve, bob)", true},
		{"traced_user has LIC", true},
		{"traced_user ~ \"^b\"", true},
		{"traced_user ~ \"^ob\"", false},
		{"traced_user", true},
		{"trace", false},
		{"trace == \"\"", true},
		{"traced_user == \"\"", false},
		{"trace == t1", false},
		{"not trace and traced_user == alice", true},
	};
	struct ear_buf extra = {0};
	struct ear_msg msg = marked("alice,bob", "", &extra);
	struct ear_facts facts = {0};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		struct ear_expr *expr;

		if (ear_expr_new(ear_slice_str(rows[i].expr), 0, &expr, &fault))
			fail_msg("%s: %s", rows[i].expr, fault.text);
		if (ear_expr_match(expr, &msg, &facts) != rows[i].want)
			fail_msg("%s", rows[i].expr);
		assert_int_equal(ear_expr_needs(expr), EAR_NEEDS_RAW);
		ear_expr_free(&expr);
	}
	ear_buf_fini(&extra);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests_name("marks_field", tests, NULL, NULL);
}
