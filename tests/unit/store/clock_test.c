/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/time.h"
#include "store/clock.h"

#define S EAR_SECOND_NS
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define T0 (20000 * DAY)

/* One look after the other; wall and want since T0. */
static void test_clock(void **state)
{
	static const struct {
		const char *name;
		uint64_t mono, wall, want;
		bool ahead;
	} rows[] = {
		{"first", 5 * S, 0, 0, false},
		{"goes on", 10 * S, 5 * S, 5 * S, false},
		{"a little ahead", 15 * S, 10 * S + HOUR, 10 * S + HOUR, false},
		{"back is believed", 20 * S, 15 * S, 15 * S, false},
		{"a jump", 30 * S, 30 * DAY, 25 * S, true},
		{"stands", 629 * S, 30 * DAY + 599 * S, 624 * S, true},
		{"mended", 630 * S, 625 * S, 625 * S, false},
		{"again", 700 * S, 30 * DAY, 695 * S, true},
		{"and further", 1299 * S, 90 * DAY, 1294 * S, true},
		{"counts anew", 1898 * S, 90 * DAY + 599 * S, 1893 * S, true},
		{"stood", 1899 * S, 90 * DAY + 600 * S, 90 * DAY + 600 * S,
			false},
		{"goes on there", 1904 * S, 90 * DAY + 605 * S,
			90 * DAY + 605 * S, false},
	};
	struct ear_store_clock clock = {0};

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t got = ear_store_clock(
			&clock, T0 + rows[i].wall, rows[i].mono);

		if (got != T0 + rows[i].want || clock.ahead != rows[i].ahead)
			fail_msg("%s: %llu s", rows[i].name,
				(unsigned long long)((got - T0) / S));
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_clock)};

	return cmocka_run_group_tests_name("store/clock", tests, NULL, NULL);
}
