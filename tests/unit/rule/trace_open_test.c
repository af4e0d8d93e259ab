/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what is followed, against a plain list of what should be in. */
#include "unit/table.h"

#include <stdlib.h>

#include "base/time.h"
#include "rule/trace_priv.h"

#define CALLS 4000
#define S EAR_SECOND_NS

static const char *call_of(unsigned i, char text[32])
{
	snprintf(text, 32, "call-%u@h", i);
	return text;
}

static void add(struct trace_open *open, struct trace *trace, unsigned i,
	const struct ear_msg *msg)
{
	struct ear_scope_unit unit = {.kind = EAR_UNIT_OTHER,
		.at_ns = msg->at_ns,
		.seen_ns = msg->seen_ns,
		.wait_ns = 32 * S,
		.cseq = i};
	char call[32];

	assert_non_null(trace_open_add(open, ear_slice_str(call_of(i, call)),
		trace, &unit, NULL, msg));
}

static void check(
	struct trace_open *open, const bool there[CALLS], unsigned round)
{
	size_t n = 0;
	char call[32];

	for (unsigned i = 0; i < CALLS; i++) {
		struct trace_conv *c =
			trace_open_find(open, ear_slice_str(call_of(i, call)));

		if ((c != NULL) != there[i] || (c && c->first->scope.cseq != i))
			fail_msg("round %u: %s", round, call);
		n += there[i];
	}
	assert_int_equal(trace_open_count(open), n);
}

/* Come and go in no order, so that the table grows and closes its gaps. */
static void test_come_and_go(void **state)
{
	static bool there[CALLS];
	struct trace trace = {.slot = 0};
	struct trace_open *open;

	assert_int_equal(trace_open_new(CALLS, &open), EAR_OK);
	srandom(1);
	for (unsigned round = 0; round < 6; round++) {
		struct ear_msg now = {.at_ns = (1 + round) * 1000 * S,
			.seen_ns = (1 + round) * 1000 * S};

		for (unsigned i = 0; i < CALLS; i++) {
			char call[32];
			struct trace_conv *c = trace_open_find(
				open, ear_slice_str(call_of(i, call)));

			if (!there[i] && random() % 2) {
				add(open, &trace, i, &now);
				there[i] = true;
			} else if (c && random() % 2) {
				assert_false(trace_open_tidy(open, c, &now));
				there[i] = false;
			} else if (c) {
				c->first->scope.at_ns = now.at_ns;
			}
		}
		check(open, there, round);
	}
	assert_int_equal(trace.open, trace_open_count(open));
	trace_open_forget(open, &trace);
	assert_int_equal(trace_open_count(open), 0);
	assert_int_equal(trace.forgotten, 0);
	trace_open_free(&open);
	(void)state;
}

static void test_sweep(void **state)
{
	struct ear_msg now = {.at_ns = 1000 * S, .seen_ns = 1000 * S};
	struct trace trace = {.slot = 0};
	struct trace_open *open;

	assert_int_equal(trace_open_new(CALLS, &open), EAR_OK);
	for (unsigned i = 0; i < CALLS; i++) {
		now.at_ns = now.seen_ns = (i % 2 ? 1000 : 2000) * S;
		add(open, &trace, i, &now);
	}
	now.at_ns = now.seen_ns = 2000 * S;
	for (unsigned i = 0; i < CALLS / 16; i++)
		trace_open_sweep(open, &now);
	assert_int_equal(trace_open_count(open), CALLS / 2);
	trace_open_free(&open);
	(void)state;
}

static void test_refused(void **state)
{
	static char longest[TRACE_OPEN_CALL_ID + 1];
	struct ear_scope_unit unit = {.kind = EAR_UNIT_OTHER};
	struct trace trace = {.slot = 0};
	struct trace_open *open;
	struct ear_msg msg = {.at_ns = 1};

	assert_int_equal(trace_open_new(1, &open), EAR_OK);
	assert_null(trace_open_add(open, EAR_S(""), &trace, &unit, NULL, &msg));
	assert_null(trace_open_add(open, ear_slice(longest, sizeof(longest)),
		&trace, &unit, NULL, &msg));
	assert_non_null(
		trace_open_add(open, ear_slice(longest, sizeof(longest) - 1),
			&trace, &unit, NULL, &msg));
	trace_open_free(&open);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("trace_open", tests, NULL, NULL);
}
