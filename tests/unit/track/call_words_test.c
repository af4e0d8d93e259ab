/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/time.h"
#include "track/call_words.h"

#define AT 1767348000000000000ULL
#define CALL(...)                                                           \
	{                                                                   \
		.at_ns = AT, .id = 1, .dst = EAR_S_INIT("600"), __VA_ARGS__ \
	}
#define RANG .ring_ns = AT + 1, .ring_ms = 20000

static const struct {
	struct ear_call_row row;
	const char *rule, *words;
} cases[] = {
	{CALL(.disposition = EAR_CALL_NO_ANSWER, RANG, .code = 487,
		 .by = EAR_SIDE_CLIENT),
		"call.no-answer.cancelled",
		"600 was called, rang for 20 s and nobody picked up: the "
		"caller hung up (CANCEL)."},
	{CALL(.disposition = EAR_CALL_FAILED, .by = EAR_SIDE_CLIENT),
		"call.cancelled-before-ringing",
		"600 was called, but did not ring: the caller hung up "
		"(CANCEL)."},
	{CALL(.disposition = EAR_CALL_BUSY, RANG, .code = 603,
		 .reason = EAR_S_INIT("Decline"), .q850 = 21),
		"call.busy.declined",
		"600 was called, rang for 20 s and the call was declined: 603 "
		"Decline (Q.850 cause 21: call rejected)."},
	{CALL(.disposition = EAR_CALL_NO_ANSWER, RANG, .code = 408,
		 .reason = EAR_S_INIT("Request Timeout")),
		"call.no-answer.rang",
		"600 was called, rang for 20 s and nobody picked up: 408 "
		"Request Timeout."},
	{CALL(.disposition = EAR_CALL_FAILED, .code = 408),
		"call.failed.unreachable",
		"600 was called, but could not be reached: 408."},
	{CALL(.disposition = EAR_CALL_FAILED, .estimated = true),
		"call.failed.no-reply",
		"600 was called, but no reply came: nobody was reached."},
	{CALL(.disposition = EAR_CALL_NO_ANSWER, RANG, .code = 487,
		 .note = EAR_S_INIT("answered elsewhere")),
		"call.no-answer.elsewhere",
		"600 was called, rang for 20 s; the call was answered "
		"elsewhere."},
	{CALL(.disposition = EAR_CALL_NO_ANSWER, RANG, .by = EAR_SIDE_CLIENT,
		 .note = EAR_S_INIT("BYE before an answer; no final reply "
				    "seen")),
		"call.no-answer.cancelled",
		"600 was called, rang for 20 s and nobody picked up: the "
		"caller hung up (BYE)."},
	{CALL(.disposition = EAR_CALL_BUSY, RANG, .code = 486,
		 .reason = EAR_S_INIT("Busy Here")),
		"call.busy.after-ringing",
		"600 was called, rang for 20 s, then the call was declined or "
		"the line was busy: 486 Busy Here."},
	{CALL(.disposition = EAR_CALL_BUSY, .code = 486,
		 .reason = EAR_S_INIT("Busy Here")),
		"call.busy.busy",
		"600 was called and was busy: 486 Busy Here."},
	{CALL(.disposition = EAR_CALL_NO_ANSWER, RANG, .code = 487,
		 .by = EAR_SIDE_SERVER,
		 .reason = EAR_S_INIT("Request Terminated")),
		"call.no-answer.terminated",
		"600 was called, rang for 20 s, and the call was taken back "
		"before anybody answered: 487 Request Terminated."},
	{CALL(.disposition = EAR_CALL_ANSWERED, .answer_ns = AT + 2,
		 .talk_ms = 40, .by = EAR_SIDE_CLIENT,
		 .note = EAR_S_INIT("transferred to 601; no end seen; referred "
				    "by 7")),
		"call.answered.caller-ended",
		"600 was called, answered, and they talked for less than 0.1 "
		"s; the caller hung up (BYE). Noted: transferred to 601; "
		"referred by 7."},
	{CALL(.code = 407), "call.open.waits",
		"600 was called; the caller was asked to log in and has not "
		"tried again yet."},
	{CALL(.disposition = EAR_CALL_ANSWERED, RANG, .code = 200,
		 .answer_ns = AT + 2, .talk_ms = 11000, .q850 = 16,
		 .by = EAR_SIDE_SERVER),
		"call.answered.callee-ended",
		"600 was called, rang for 20 s, answered, and they talked for "
		"11 s; the callee hung up (BYE)."},
	{CALL(.disposition = EAR_CALL_ANSWERED, .answer_ns = AT, .joined = true,
		 .talk_ms = 2000, .estimated = true),
		"call.answered.no-end",
		"600 was called before the capture began, answered, and they "
		"talked for at least 2 s; the end was not seen."},
	{CALL(.disposition = EAR_CALL_ANSWERED, .answer_ns = AT, .joined = true,
		 .talk_ms = 2000, .by = EAR_SIDE_CLIENT),
		"call.answered.caller-ended",
		"600 was called before the capture began, answered, and they "
		"talked for at least 2 s; the caller hung up (BYE)."},
	{CALL(.disposition = EAR_CALL_ANSWERED, .answer_ns = AT, .joined = true,
		 .by = EAR_SIDE_SERVER),
		"call.answered.callee-ended",
		"600 was called before the capture began and answered; how "
		"long they talked was not seen; the callee hung up (BYE)."},
	{CALL(.disposition = EAR_CALL_FAILED, .estimated = true,
		 .note = EAR_S_INIT("no final reply seen")),
		"call.failed.no-reply",
		"600 was called and did not ring; no final reply was seen."},
	{CALL(.ring_ns = AT), "call.open.rings", "600 was called and rings."},
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS(cases); i++) {
		struct ear_buf out = {0};
		const char *rule = ear_call_words(&cases[i].row, NULL, 0, &out);

		assert_string_equal(rule, cases[i].rule);
		assert_slice(cases[i].rule, ear_buf_view(&out),
			ear_slice_str(cases[i].words));
		ear_buf_fini(&out);
	}
}

/* What the caller was told is not what happened behind the B2BUA. */
static void test_other_leg(void **state)
{
	static const struct ear_call_row legs[] = {
		CALL(.disposition = EAR_CALL_FAILED, .code = 500),
		{.id = 2,
			.dst = EAR_S_INIT("601"),
			.code = 404,
			.reason = EAR_S_INIT("Not Found")}};
	struct ear_buf out = {0};

	(void)state;
	ear_call_words(&legs[0], legs, 2, &out);
	assert_slice("leg", ear_buf_view(&out),
		EAR_S("600 was called, but a server failed: 500. Its leg to "
		      "601 ended with 404 Not Found."));
	ear_buf_fini(&out);
}

static void test_every_status(void **state)
{
	(void)state;
	for (unsigned status = 0; status < 1000; status++) {
		const struct ear_call_row row =
			CALL(.disposition = EAR_CALL_FAILED,
				.code = (uint16_t)status);
		struct ear_buf out = {0};

		assert_non_null(ear_call_words(&row, NULL, 0, &out));
		assert_int_equal(out.p[out.n - 1], '.');
		ear_buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_other_leg),
		cmocka_unit_test(test_every_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
