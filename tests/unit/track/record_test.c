/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "track/record.h"

static void test_names(void **state)
{
	assert_slice("event", ear_session_event_name(EAR_SESSION_UNREGISTER),
		EAR_S("UNREGISTER"));
	assert_slice("source", ear_session_source_name(EAR_SOURCE_TRUNK),
		EAR_S("TRUNK"));
	assert_slice("none", ear_session_event_name((enum ear_session_event)9),
		EAR_S(""));
	for (int i = EAR_CALL_IN_PROGRESS; i <= EAR_CALL_FAILED; i++) {
		enum ear_disposition d = EAR_CALL_FAILED;

		assert_true(ear_disposition_of(
			ear_disposition_name((enum ear_disposition)i), &d));
		assert_int_equal(d, i);
	}
	(void)state;
}

static void test_disposition(void **state)
{
	static const struct {
		const char *name;
		int want; /* -1: none */
	} rows[] = {
		{"NO_ANSWER", EAR_CALL_NO_ANSWER},
		{"NO ANSWER", EAR_CALL_NO_ANSWER},
		{"no_answer", EAR_CALL_NO_ANSWER},
		{"Busy", EAR_CALL_BUSY},
		{"", -1},
		{"ANSWER", -1},
		{"ANSWERED ANSWERED ANSWERED", -1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		enum ear_disposition d;
		bool is = ear_disposition_of(ear_slice_str(rows[i].name), &d);

		if ((is ? (int)d : -1) != rows[i].want)
			fail_msg("%s", rows[i].name);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_disposition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
