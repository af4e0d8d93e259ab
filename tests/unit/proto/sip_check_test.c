/* SPDX-License-Identifier: Apache-2.0 */
/* Findings, header field by header field; the RFCs' own are in sip_rfc. */
#include "unit/table.h"

#include "proto/sip_check.h"

#define HEAD                                                                 \
	"OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:f@h>\r\n" \
	"To: <sip:t@h>\r\nCall-ID: c@h\r\nCSeq: 1 OPTIONS\r\n"

static size_t check(struct ear_slice raw, unsigned how,
	struct ear_sip_finding *found, size_t max)
{
	struct ear_sip_core core;
	struct ear_sip sip;

	ear_sip_parse(raw, &sip);
	ear_sip_core(&sip, &core);
	return ear_sip_check(&sip, &core, how, found, max);
}

static void test_rows(void **state)
{
	static const struct {
		const char *in;   /* behind HEAD */
		const char *rule; /* NULL: nothing is wrong */
		const char *at;
	} rows[] = {
		{"\r\n", NULL, ""},
		{"Contact: *\r\n\r\n", NULL, ""},
		{"Contact: *, <sip:a@b>\r\n\r\n", "sip.contact.star", "*,"},
		{"Contact: <sip:a@b>;q=0.5;expires=60, \"B\" <tel:+1>\r\n\r\n",
			NULL, ""},
		{"Contact: <sip:a@b>;expires=x\r\n\r\n", "sip.number", "x\r\n"},
		{"Contact: <sip:a@b>,\r\n\r\n", "sip.addr", "\r\n\r\n"},
		{"Contact: \r\n\r\n", "sip.addr", " \r\n\r\n"},
		{"Route: sip:a@b\r\n\r\n", "sip.addr.bracket", "sip:a@b"},
		{"Record-Route: <sip:a;lr>,<sip:b;lr>;x=\"y\"\r\n\r\n", NULL,
			""},
		{"P-Asserted-Identity: \"A\" <sip:a@b>, tel:+1\r\n\r\n", NULL,
			""},
		{"Refer-To: <sip:a@b>, <sip:c@d>\r\n\r\n", "sip.after", ", <"},
		{"Refer-To: <sip:a@b\r\n\r\n", "sip.addr.open", "<sip:a@b"},
		{"Refer-To: <a@b>\r\n\r\n", "sip.uri.scheme", "a@b"},
		{"Refer-To: <sip:a@b:99999>\r\n\r\n", "sip.port", "99999"},
		{"Refer-To: <sip:a@b;lr;>\r\n\r\n", "sip.separator", ">"},
		{"Refer-To: <sip:a%4@b>\r\n\r\n", "sip.uri.escape", "%4@"},
		{"Refer-To: <sip:a@[::g]>\r\n\r\n", "sip.host.ipv6", "[::g]"},
		{"Via: SIP/2.0/UDP h;ttl=256\r\n\r\n", "sip.param.value",
			"256"},
		{"Via: SIP/2.0/UDP h;received=x\r\n\r\n", "sip.via.received",
			"x\r\n"},
		{"Via: SIP/2.0/UDP h;received=1.2.3.256\r\n\r\n",
			"sip.via.received", "1.2.3.256"},
		{"Via: SIP/2.0/UDP h,, SIP/2.0/UDP g\r\n\r\n", "sip.via",
			", S"},
		{"Via: SIP/2.0/UDP h x\r\n\r\n", "sip.after", "x\r\n"},
		{"Max-Forwards: 255\r\n\r\n", NULL, ""},
		{"Max-Forwards: 256\r\n\r\n", "sip.max-forwards", "256"},
		{"Max-Forwards:\r\n\r\n", "sip.max-forwards", "\r\n"},
		{"Expires: 4294967295\r\n\r\n", NULL, ""},
		{"Expires: 4294967296\r\n\r\n", "sip.number.large",
			"4294967296"},
		{"Allow: A, B,C\r\nSupported:\r\n\r\n", NULL, ""},
		{"Allow: A,,B\r\n\r\n", "sip.separator", ",B"},
		{"Require: a b\r\n\r\n", "sip.token", "b\r\n"},
		{"Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n\r\n", NULL, ""},
		{"Date: Sam, 13 Nov 2010 23:29:00 GMT\r\n\r\n", "sip.date",
			"Sam"},
		{"Date: Sat, 13 Nov 2010\r\n\r\n", "sip.date", "\r\n"},
		{"Retry-After: 18 (in a meeting);duration=3\r\n\r\n", NULL, ""},
		{"Retry-After: soon\r\n\r\n", "sip.number", "soon"},
		{"Warning: 399 h \"a\", 301 i:5060 \"b\"\r\n\r\n", NULL, ""},
		{"Warning: 399 h a\r\n\r\n", "sip.warning", "a\r\n"},
		{"Content-Type: text/plain;charset=\"utf-8\"\r\n\r\n", NULL,
			""},
		{"Content-Type: text\r\n\r\n", "sip.content-type", "\r\n"},
		{"Authorization: Digest a=\"b\", c=d\r\n\r\n", NULL, ""},
		{"Authorization: Digest a=\"b\" c=d\r\n\r\n", "sip.auth",
			"c=d"},
		{"Authorization: Digest\r\n\r\n", "sip.auth", "\r\n"},
		{"Authorization: Digest a=\"b\r\n\r\n", "sip.quote", "\"b"},
		{"WWW-Authenticate: NTLM\r\n\r\n", NULL, ""},
		{"Call-ID: d\r\n\r\n", "sip.header.twice", "Call-ID: d"},
		{"no colon\r\n\r\n", "sip.header.colon", "no colon"},
		{"Bad name: x\r\n\r\n", "sip.header.name", " name"},
		{": x\r\n\r\n", "sip.header.colon", ": x"},
		{"X: y", "sip.header.end", ""},
		{"l: 3\r\n\r\nab", "sip.content-length.large", "3\r\n"},
		{"l: 2\r\n\r\nab", "sip.missing.content-type", "ab"},
		{"l: 2\r\n\r\n\r\n", NULL, ""},
		{"\r\n\r\n", NULL, ""},
		{"X: y\nZ: z\r\n\r\n", "sip.line.lf", "\nZ"},
		{"X: y\rz\r\n\r\n", "sip.line.cr", "z\r\n"},
		{"Call\rID: z\r\n\r\n", "sip.line.cr", "ID"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_sip_finding found[4];
		struct ear_slice raw, at;
		char text[1024];
		size_t n;

		n = (size_t)snprintf(text, sizeof(text), HEAD "%s", rows[i].in);
		raw = ear_slice(text, n);
		n = check(raw, EAR_SIP_DATAGRAM, found, ROWS(found));
		if (!rows[i].rule) {
			if (n)
				fail_msg("'%s': %.*s", rows[i].in,
					EAR_FMT(ear_sip_rule_name(
						found[0].rule)));
			continue;
		}
		if (!n)
			fail_msg("'%s': nothing found", rows[i].in);
		assert_slice(rows[i].in, ear_sip_rule_name(found[0].rule),
			ear_slice_str(rows[i].rule));
		at = ear_slice_sub(raw, found[0].offset,
			found[0].offset + strlen(rows[i].at));
		assert_slice(rows[i].in, at, ear_slice_str(rows[i].at));
	}
	(void)state;
}

/* Wherever it stands, whatever the vectors' bounds. */
static void test_control(void **state)
{
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD);
	size_t from = n + 9, to;

	n += (size_t)snprintf(
		text + n, sizeof(text) - n, "Subject: %0200d\r\n\r\n", 0);
	to = n - 4;
	for (size_t i = from; i < to; i++) {
		static const char bad[] = {0, 1, 8, 11, 12, 14, 31, 127};
		struct ear_sip_finding found;

		for (size_t k = 0; k < sizeof(bad); k++) {
			text[i] = bad[k];
			assert_int_equal(
				check(ear_slice(text, n), 0, &found, 1), 1);
			assert_int_equal(found.offset, i);
			assert_int_equal(found.rule, EAR_SIP_RULE_LINE_CONTROL);
		}
		text[i] = i & 1 ? '\t' : (char)0xc3;
		assert_int_equal(check(ear_slice(text, n), 0, &found, 1), 0);
	}
	(void)state;
}

/* A single value is counted once however many lines there are. */
static void test_behind_index(void **state)
{
	static char text[8192];
	struct ear_sip_finding found[4];
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD);
	size_t at;

	for (int i = 0; i < EAR_SIP_INDEXED; i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "X-%d: y\r\n", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "Subject: a\r\n");
	at = n;
	n += (size_t)snprintf(text + n, sizeof(text) - n,
		"Subject: b\r\nCSeq: 1 OPTIONS\r\n\r\n");
	assert_int_equal(check(ear_slice(text, n), 0, found, 4), 2);
	assert_int_equal(found[0].offset, at);
	assert_int_equal(found[0].rule, EAR_SIP_RULE_HEADER_TWICE);
	assert_int_equal(found[1].rule, EAR_SIP_RULE_HEADER_TWICE);
	(void)state;
}

static void test_stream(void **state)
{
	struct ear_sip_finding found;

	assert_int_equal(
		check(EAR_S(HEAD "\r\n"), EAR_SIP_STREAM, &found, 1), 1);
	assert_int_equal(found.rule, EAR_SIP_RULE_NO_LENGTH);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_behind_index),
		cmocka_unit_test(test_stream),
	};

	return cmocka_run_group_tests_name(
		"proto/sip_check", tests, NULL, NULL);
}
