/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope: first line, header lines, body. */
#include "unit/table.h"

#include "proto/sip.h"

#include <stdlib.h>

#define HEAD                        \
	"OPTIONS sip:a SIP/2.0\r\n" \
	"Via: SIP/2.0/UDP h\r\n"

static void test_first_line(void **state)
{
	static const struct {
		const char *in;
		enum ear_err err;
		const char *method, *ruri, *reason;
		int status;
	} rows[] = {
		{"INVITE sip:b@c SIP/2.0\r\n\r\n", EAR_OK, "INVITE", "sip:b@c",
			"", 0},
		{"\r\n\r\nACK sip:b SIP/2.0\r\n\r\n", EAR_OK, "ACK", "sip:b",
			"", 0},
		{"INVITE  sip:b  SIP/2.0\r\n", EAR_OK, "INVITE", "sip:b", "",
			0},
		{"A a b SIP/2.0\r\n", EAR_OK, "A", "a b", "", 0},
		{"A a sip/2.0  \r\n", EAR_OK, "A", "a", "", 0},
		{"SIP/2.0 200 OK\r\n\r\n", EAR_OK, "", "", "OK", 200},
		{"SIP/2.0 200 \r\n", EAR_OK, "", "", "", 200},
		{"SIP/2.0 200\r\n", EAR_OK, "", "", "", 200},
		{"SIP/2.0 486 Busy here\n", EAR_OK, "", "", "Busy here", 486},
		{"SIP/2.0 65536 x\r\n", EAR_OK, "", "", "x", 0},
		{"SIP/3.0 999 x\r\n", EAR_OK, "", "", "x", 999},
		{"GET / HTTP/1.1\r\n", EAR_BAD, "", "", "", 0},
		{"INVITE sip:b@c\r\n", EAR_BAD, "", "", "", 0},
		{"INVITE SIP/2.0\r\n", EAR_OK, "INVITE", "", "", 0},
		{"SIP/2.0", EAR_OK, "", "", "", 0},
		{" INVITE sip:b SIP/2.0\r\n", EAR_BAD, "", "", "", 0},
		{"", EAR_BAD, "", "", "", 0},
		{"\r\n", EAR_BAD, "", "", "", 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_sip sip;
		enum ear_err err =
			ear_sip_parse(ear_slice_str(rows[i].in), &sip);

		if (err != rows[i].err || sip.status != rows[i].status)
			fail_msg("'%s': %d, %d", rows[i].in, err, sip.status);
		assert_slice(
			rows[i].in, sip.method, ear_slice_str(rows[i].method));
		assert_slice(rows[i].in, sip.ruri, ear_slice_str(rows[i].ruri));
		assert_slice(
			rows[i].in, sip.reason, ear_slice_str(rows[i].reason));
	}
	(void)state;
}

static void test_header_value(void **state)
{
	static const struct {
		const char *lines;
		const char *name;
		const char *want;
	} rows[] = {
		{"Subject: hello\r\n\r\n", "subject", "hello"},
		{"SUBJECT:hello\r\n\r\n", "Subject", "hello"},
		{"s: hello\r\n\r\n", "Subject", "hello"},
		{"s \t :  hello \t \r\n\r\n", "S", "hello"},
		{"Subject: one\r\n two\r\n\r\n", "Subject", "one\r\n two"},
		{"Subject:\r\n one\r\n\r\n", "Subject", "one"},
		{"Subject: lf\nX: y\n\n", "Subject", "lf"},
		{"Subject:\r\n\r\n", "Subject", ""},
		{"Subject: a\r\nSubject: b\r\n\r\n", "Subject", "a"},
		{"X-Any: v\r\n\r\n", "x-aNY", "v"},
		{"no colon\r\nSubject: x\r\n\r\n", "Subject", "x"},
		{"Bad name: x\r\n\r\n", "Bad name", "x"},
		{"Subject: no end", "Subject", "no end"},
		{"X: y\r\n\r\nSubject: in the body\r\n", "Subject", ""},
		{"P-Preferred-Identity: z\r\n\r\n", "p-preferred-identity",
			"z"},
		{"P-Preferred-Identitz: z\r\n\r\n", "P-Preferred-Identity", ""},
		{"Proxy-Authentication-Info: q\r\n\r\n",
			"PROXY-authentication-INFO", "q"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char text[512];
		struct ear_sip sip;

		snprintf(text, sizeof(text), HEAD "%s", rows[i].lines);
		ear_sip_parse(ear_slice_str(text), &sip);
		assert_slice(rows[i].lines,
			ear_sip_value_of(&sip, ear_slice_str(rows[i].name)),
			ear_slice_str(rows[i].want));
	}
	(void)state;
}

/* Every known name finds its own id, in any case and in its compact form. */
static void test_names(void **state)
{
	static const char compact[] = {
#define X(id, name, letter, many, grammar) letter,
#include "proto/sip_header.def"
#undef X
	};
	char text[64];

	for (unsigned id = 1; id < EAR_SIP_ID_COUNT; id++) {
		struct ear_slice name = ear_sip_id_name(id);

		assert_int_equal(ear_sip_id_of(name), id);
		for (size_t i = 0; i < name.n; i++)
			text[i] = (char)(name.p[i] ^ 0x20 * (name.p[i] > '@'));
		assert_int_equal(ear_sip_id_of(ear_slice(text, name.n)), id);
		text[name.n] = 'x';
		assert_int_not_equal(
			ear_sip_id_of(ear_slice(text, name.n + 1)), id);
		if (name.n > 2) /* "T" is To */
			assert_int_not_equal(
				ear_sip_id_of(ear_slice(text, name.n - 1)), id);
		if (compact[id - 1]) {
			text[0] = compact[id - 1];
			assert_int_equal(ear_sip_id_of(ear_slice(text, 1)), id);
			text[0] = (char)(text[0] - 0x20);
			assert_int_equal(ear_sip_id_of(ear_slice(text, 1)), id);
		}
	}
	assert_int_equal(ear_sip_id_of(EAR_S("")), EAR_SIP_OTHER);
	assert_int_equal(ear_sip_id_of(EAR_S("z")), EAR_SIP_OTHER);
	assert_int_equal(
		ear_sip_id_of(EAR_S("X-Nobody-Knows-This-Header-Name-At-"
				    "All")),
		EAR_SIP_OTHER);
	(void)state;
}

static void test_body(void **state)
{
	static const struct {
		const char *rest;
		const char *body;
		uint32_t length;
	} rows[] = {
		{"Content-Length: 3\r\n\r\nabc", "abc", 3},
		{"Content-Length: 3\r\n\r\nabcdef", "abc", 3},
		{"Content-Length: 9\r\n\r\nabc", "abc", 9},
		{"l:0\r\n\r\nabc", "", 0},
		{"\r\nabc", "abc", 0},
		{"Content-Length: -3\r\n\r\nabc", "abc", 0},
		{"Content-Length: 4294967296\r\n\r\nabc", "abc", 0},
		{"Content-Length: 3", "", 3},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char text[512];
		struct ear_sip sip;

		snprintf(text, sizeof(text), HEAD "%s", rows[i].rest);
		ear_sip_parse(ear_slice_str(text), &sip);
		assert_slice(
			rows[i].rest, sip.body, ear_slice_str(rows[i].body));
		assert_int_equal(sip.length, rows[i].length);
	}
	(void)state;
}

/* More header fields than the index holds are found by walking. */
static void test_many(void **state)
{
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD);
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	struct ear_sip sip;
	int routes = 0;

	for (int i = 0; i < EAR_SIP_INDEXED + 36; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"Route: <sip:r%d;lr>\r\n", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n,
		"X-Late: x\r\nCall-ID: late\r\nContent-Length: 2\r\n\r\nabc");
	assert_int_equal(ear_sip_parse(ear_slice(text, n), &sip), EAR_OK);
	assert_slice(
		"late", ear_sip_value(&sip, EAR_SIP_CALL_ID), EAR_S("late"));
	assert_slice(
		"late", ear_sip_value_of(&sip, EAR_S("x-late")), EAR_S("x"));
	assert_slice("body", sip.body, EAR_S("ab"));
	while (ear_sip_next_of(&sip, EAR_SIP_ROUTE, &cursor, &header))
		routes++;
	assert_int_equal(routes, EAR_SIP_INDEXED + 36);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_line),
		cmocka_unit_test(test_header_value),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("proto/sip", tests, NULL, NULL);
}
