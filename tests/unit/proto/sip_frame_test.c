/* SPDX-License-Identifier: Apache-2.0 */
/* Recognising SIP, and cutting a stream into messages. */
#include "unit/table.h"

#include "proto/sip_frame.h"

#include <stdlib.h>

static void test_looks_like(void **state)
{
	static const struct {
		const char *in;
		bool want;
	} rows[] = {
		{"INVITE sip:b SIP/2.0\r\n", true},
		{"\r\n\r\nOPTIONS sip:b SIP/2.0\r\nVia: x", true},
		{"SIP/2.0 200 OK\r\n", true},
		{"SIP/2.0 2", true},
		{"sip/2.0 200", true},
		{"INVITE <sip:b> SIP/2.0 \r\n", true},
		{"X a; b SIP/7.0\n", true},
		{"INVITE sip:b SIP/2.0", false}, /* no line yet */
		{"GET / HTTP/1.1\r\n", false},
		{"OPTIONS rtsp://x RTSP/1.0\r\n", false},
		{"HEP3\x01\x02\r\n", false},
		{"\x80\x00\x12\x34 SIP/2.0\r\n", false},
		{"SIP/2.0\r\n", true},
		{"SIP/x", false},
		{"SIP", false},
		{"\r\n\r\n", false},
		{"", false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		if (ear_sip_looks_like(ear_slice_str(rows[i].in)) !=
			rows[i].want)
			fail_msg("'%s'", rows[i].in);
	}
	(void)state;
}

#define A "MESSAGE sip:a SIP/2.0\r\nX: 1\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
#define B "SIP/2.0 200 OK\r\nl:0\r\n\r\n"
#define C "OPTIONS sip:c SIP/2.0\nVia: x\n\n"

/* However the stream arrives, the same messages come out of it. */
static void test_stream(void **state)
{
	static const char stream[] = "\r\n\r\n" A B "\r\n" C B;
	static const char *const want[] = {A, B, C, B};
	static const size_t idle[] = {4, 0, 2, 0};

	for (size_t step = 1; step < sizeof(stream); step++) {
		struct ear_sip_frame frame = {0};
		size_t from = 0, to = 0, n = 0;

		while (from < sizeof(stream) - 1) {
			/* exact size, so that reading ahead is seen */
			char *copy = malloc(to - from + 1);
			enum ear_err err;

			memcpy(copy + 1, stream + from, to - from);
			err = ear_sip_frame(
				ear_slice(copy + 1, to - from), &frame);
			if (err == EAR_OK) {
				assert_true(n < ROWS(want));
				assert_int_equal(frame.idle, idle[n]);
				assert_slice("message",
					ear_slice(
						copy + 1 + frame.idle, frame.n),
					ear_slice_str(want[n]));
				from += frame.idle + frame.n;
				n++;
				frame = (struct ear_sip_frame){0};
			} else {
				assert_int_equal(err, EAR_MORE);
				assert_true(to < sizeof(stream) - 1);
				to += step;
				if (to > sizeof(stream) - 1)
					to = sizeof(stream) - 1;
			}
			free(copy);
		}
		assert_int_equal(n, ROWS(want));
	}
	(void)state;
}

static void test_bad(void **state)
{
	static const struct {
		const char *in;
		enum ear_err want;
	} rows[] = {
		{"", EAR_MORE},
		{"\r\n\r\n", EAR_MORE},
		{"INVITE sip", EAR_MORE},
		{"INVITE sip:a SIP/2.0\r\nl: 1\r\n\r\n", EAR_MORE},
		{"GET / HTTP/1.1\r\n", EAR_BAD},
		{"\x16\x03\x01", EAR_BAD},
		{"INVITE sip:a SIP/2.0\r\nl: x\r\n\r\n", EAR_BAD},
		{"INVITE sip:a SIP/2.0\r\nl: -1\r\n\r\n", EAR_BAD},
		{"INVITE sip:a SIP/2.0\r\nl: 1048577\r\n\r\n", EAR_LIMIT},
		{"INVITE sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n",
			EAR_LIMIT},
		{"INVITE sip:a SIP/2.0\r\nl: 18446744073709551616\r\n\r\n",
			EAR_BAD},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_sip_frame frame = {0};
		enum ear_err err =
			ear_sip_frame(ear_slice_str(rows[i].in), &frame);

		if (err != rows[i].want)
			fail_msg("'%s': %d", rows[i].in, err);
	}
	(void)state;
}

/* A head without end is given up at the limit, not before. */
static void test_limit(void **state)
{
	static char head[EAR_SIP_HEAD_BYTES_MAX + 2];
	struct ear_sip_frame frame = {0};
	size_t n;

	n = (size_t)snprintf(head, sizeof(head), "INVITE sip:a SIP/2.0\r\nX: ");
	memset(head + n, 'x', sizeof(head) - n);
	assert_int_equal(
		ear_sip_frame(ear_slice(head, EAR_SIP_HEAD_BYTES_MAX), &frame),
		EAR_MORE);
	assert_int_equal(
		ear_sip_frame(
			ear_slice(head, EAR_SIP_HEAD_BYTES_MAX + 1), &frame),
		EAR_LIMIT);
	memcpy(head + EAR_SIP_HEAD_BYTES_MAX - 4, "\r\n\r\n", 4);
	frame = (struct ear_sip_frame){0};
	assert_int_equal(
		ear_sip_frame(ear_slice(head, sizeof(head)), &frame), EAR_OK);
	assert_int_equal(frame.n, EAR_SIP_HEAD_BYTES_MAX);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks_like),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name(
		"proto/sip_frame", tests, NULL, NULL);
}
