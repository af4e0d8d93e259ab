/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/time.h"

/* 2026-11-22 12:00:00 UTC */
#define NOW (1795348800ULL * EAR_SECOND_NS)

static void test_parse(void **state)
{
	static const struct {
		const char *in;
		uint64_t want; /* 0: refused */
	} rows[] = {
		{"1970-01-01T00:00:01Z", EAR_SECOND_NS},
		{"2026-11-22T12:00:00Z", NOW},
		{"2026-11-22 12:00:00.5", NOW + EAR_SECOND_NS / 2},
		{"2026-11-22T13:00:00+01:00", NOW},
		{"2026-11-22T05:00:00-0700", NOW},
		{"12:00", NOW},
		{"12:00:00.000000001", NOW + 1},
		{"1795348800", NOW},
		{"1795348800.25", NOW + EAR_SECOND_NS / 4},
		{"123456789", 123456789 * EAR_SECOND_NS},
		{"2024-02-29", 1709164800 * EAR_SECOND_NS},
		{"2016-12-31T23:59:60Z", 1483228800 * EAR_SECOND_NS},
		{"now", NOW},
		{"-2h", NOW - 7200 * EAR_SECOND_NS},
		{"15m", NOW - 900 * EAR_SECOND_NS},
		{"1h30m", NOW - 5400 * EAR_SECOND_NS},
		{"1 h 30 m", NOW - 5400 * EAR_SECOND_NS},
		{"1h30", 0},
		{"h", 0},
		{"20000000000w", 0},
		{"", 0},
		{"yesterday", 0},
		{"2026-13-01", 0},
		{"2026-02-29", 0},
		{"2026-11-31T12:00:00", 0},
		{"2026", 0},
		{"10.38", 0},
		{"1038", 0},
		{"12345678", 0},
		{"25:00", 0},
		{"2026-11-22T12:00:00Zx", 0},
		{"-2", 0},
		{"99999999999999999999", 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		uint64_t at = 0;
		enum ear_err err = ear_time_parse(
			ear_slice_str(rows[i].in), NOW, &at, &fault);

		if (rows[i].want ? err != EAR_OK || at != rows[i].want
				 : err != EAR_USAGE || !fault.text[0])
			fail_msg("%s: %d %llu", rows[i].in, err,
				(unsigned long long)at);
	}
	(void)state;
}

static void test_text(void **state)
{
	char out[EAR_TIME_TEXT];

	assert_slice("rfc", ear_slice(out, ear_time_text(NOW + 1500, out)),
		EAR_S("2026-11-22T12:00:00.000001Z"));
	assert_slice("human",
		ear_slice(out, ear_time_human(NOW + 7 * EAR_MS_NS, false, out)),
		EAR_S("2026-11-22 12:00:00.007"));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests_name("base/time", tests, NULL, NULL);
}
