/* SPDX-License-Identifier: Apache-2.0 */
/* URIs, addresses, Via, CSeq, parameters, credentials. */
#include "unit/table.h"

#include "proto/sip.h"
#include "proto/sip_auth.h"

static struct ear_slice s(const char *text)
{
	return ear_slice_str(text);
}

static void test_uri(void **state)
{
	static const struct {
		const char *in, *scheme, *user, *password, *host;
		int port;
		const char *params, *headers;
		enum ear_err err;
	} rows[] = {
		{"sip:bob@biloxi.com", "sip", "bob", "", "biloxi.com", 0, "",
			"", EAR_OK},
		{"SIPS:bob@biloxi.com:5061;transport=tcp;lr", "SIPS", "bob", "",
			"biloxi.com", 5061, "transport=tcp;lr", "", EAR_OK},
		{"sip:alice:secret@h?Subject=x&Priority=", "sip", "alice",
			"secret", "h", 0, "", "Subject=x&Priority=", EAR_OK},
		{"sip:10.1.2.3:5060;lr", "sip", "", "", "10.1.2.3", 5060, "lr",
			"", EAR_OK},
		{"sip:[2001:db8::1]:5070;lr", "sip", "", "", "[2001:db8::1]",
			5070, "lr", "", EAR_OK},
		{"sip:a@[::ffff:192.0.2.1]", "sip", "a", "",
			"[::ffff:192.0.2.1]", 0, "", "", EAR_OK},
		{"sip:+1-212-555-1212:1234@gw.com;user=phone", "sip",
			"+1-212-555-1212", "1234", "gw.com", 0, "user=phone",
			"", EAR_OK},
		{"sip:alice;day=tuesday@atlanta.com", "sip",
			"alice;day=tuesday", "", "atlanta.com", 0, "", "",
			EAR_OK},
		{"sip:a%40b%20c@h", "sip", "a%40b%20c", "", "h", 0, "", "",
			EAR_OK},
		{"sip:pbx_1.local", "sip", "", "", "pbx_1.local", 0, "", "",
			EAR_OK},
		{"tel:+1-201-555-0123;ext=4", "tel", "+1-201-555-0123", "", "",
			0, "ext=4", "", EAR_OK},
		{"im:fred@example.com", "im", "fred", "", "example.com", 0, "",
			"", EAR_OK},
		{"http://www.example.com/a?b#", "http", "", "", "", 0, "", "",
			EAR_BAD},
		{"http://www.example.com/a?b=c", "http", "", "", "", 0, "", "",
			EAR_OK},
		{"urn:service:sos", "urn", "", "", "", 0, "", "", EAR_OK},
		{"sip:a@h:65536", "sip", "a", "", "h", 0, "", "", EAR_BAD},
		{"sip:a@h:", "sip", "a", "", "h", 0, "", "", EAR_BAD},
		{"sip:@h", "sip", "", "", "h", 0, "", "", EAR_BAD},
		{"sip:a@", "sip", "a", "", "", 0, "", "", EAR_BAD},
		{"sip:", "sip", "", "", "", 0, "", "", EAR_BAD},
		{"sip:a@h;", "sip", "a", "", "h", 0, "", "", EAR_BAD},
		{"sip:a@h;x=", "sip", "a", "", "h", 0, "x=", "", EAR_BAD},
		{"sip:a@h?x", "sip", "a", "", "h", 0, "", "x", EAR_BAD},
		{"sip:a%4@h", "sip", "a%4", "", "h", 0, "", "", EAR_BAD},
		{"sip:a%zz@h", "sip", "a%zz", "", "h", 0, "", "", EAR_BAD},
		{"sip:a b@h", "sip", "a b", "", "h", 0, "", "", EAR_BAD},
		{"sip:2001:db8::10", "sip", "", "", "2001:db8::10", 0, "", "",
			EAR_BAD},
		{"sip:[2001:db8::1", "sip", "", "", "[2001:db8::1", 0, "", "",
			EAR_BAD},
		{"sip:[1.2.3.4]", "sip", "", "", "[1.2.3.4]", 0, "", "",
			EAR_BAD},
		{"bob@biloxi.com", "", "", "", "", 0, "", "", EAR_BAD},
		{"", "", "", "", "", 0, "", "", EAR_BAD},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_sip_uri u;
		enum ear_err err = ear_sip_uri_parse(s(rows[i].in), &u);

		if (err != rows[i].err || u.port != rows[i].port)
			fail_msg("'%s': %d, port %d", rows[i].in, err, u.port);
		assert_slice(rows[i].in, u.scheme, s(rows[i].scheme));
		assert_slice(rows[i].in, u.user, s(rows[i].user));
		assert_slice(rows[i].in, u.password, s(rows[i].password));
		assert_slice(rows[i].in, u.host, s(rows[i].host));
		assert_slice(rows[i].in, u.params, s(rows[i].params));
		assert_slice(rows[i].in, u.headers, s(rows[i].headers));
	}
	(void)state;
}

static void test_addr(void **state)
{
	static const struct {
		const char *in, *name, *spec, *user, *tag, *rest;
	} rows[] = {
		{"sip:a@b", "", "sip:a@b", "a", "", ""},
		{"sip:a@b;tag=1", "", "sip:a@b", "a", "1", ""},
		{"<sip:a@b;lr>;tag=1;x", "", "sip:a@b;lr", "a", "1", ""},
		{"Bob <sip:a@b>;TAG=\"q\"", "Bob", "sip:a@b", "a", "q", ""},
		{"Bob the  Builder<sip:a@b>", "Bob the  Builder", "sip:a@b",
			"a", "", ""},
		{"\"B, \\\"x\\\" <y>\" <sip:a@b>", "B, \\\"x\\\" <y>",
			"sip:a@b", "a", "", ""},
		{"\"\" <sip:a@b>", "", "sip:a@b", "a", "", ""},
		{"\r\n \"B\"\r\n\t<sip:a@b>\r\n ; tag = 7 ", "B", "sip:a@b",
			"a", "7", ""},
		{"<sip:a@b>, <sip:c@d>", "", "sip:a@b", "a", "", " <sip:c@d>"},
		{"sip:a@b,sip:c@d", "", "sip:a@b", "a", "", "sip:c@d"},
		{"<sip:b>, <sip:c@d>", "", "sip:b", "", "", " <sip:c@d>"},
		{"<tel:+49;phone-context=x>", "", "tel:+49;phone-context=x",
			"+49", "", ""},
		/* broken, but read as far as it goes */
		{"Bell, A. <sip:a@b>;tag=2", "Bell, A.", "sip:a@b", "a", "2",
			""},
		{"< sip:a@b >;tag=2", "", "sip:a@b", "a", "2", ""},
		{"\"Bob <sip:a@b>;tag=2", "Bob", "sip:a@b", "a", "2", ""},
		{"<sip:a@b;tag=2", "", "sip:a@b;tag=2", "a", "", ""},
		{"\xc3\x96 <sip:a@b>", "\xc3\x96", "sip:a@b", "a", "", ""},
		{"a@b", "", "a@b", "", "", ""},
		{"<>", "", "", "", "", ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice list = s(rows[i].in);
		struct ear_sip_addr a;

		assert_true(ear_sip_addr_next(&list, &a));
		assert_slice(rows[i].in, a.name, s(rows[i].name));
		assert_slice(rows[i].in, a.spec, s(rows[i].spec));
		assert_slice(rows[i].in, a.uri.user, s(rows[i].user));
		assert_slice(rows[i].in, a.tag, s(rows[i].tag));
		assert_slice(rows[i].in, list, s(rows[i].rest));
	}
	(void)state;
}

static void test_star(void **state)
{
	struct ear_slice list = EAR_S(" * ");
	struct ear_sip_addr a;

	assert_true(ear_sip_addr_next(&list, &a));
	assert_true(a.star);
	assert_false(ear_sip_addr_next(&list, &a));
	(void)state;
}

static void test_via(void **state)
{
	static const struct {
		const char *in, *transport, *host;
		int port;
		const char *branch, *received;
		int rport; /* -1: not there */
		const char *rest;
	} rows[] = {
		{"SIP/2.0/UDP h;branch=z9hG4bK1", "UDP", "h", 0, "z9hG4bK1", "",
			-1, ""},
		{"SIP/2.0/TLS 10.0.0.1:5061;rport=9;received=10.0.0.2;branch=x",
			"TLS", "10.0.0.1", 5061, "x", "10.0.0.2", 9, ""},
		{"SIP / 2.0 / UDP\r\n h : 5060 ; rport", "UDP", "h", 5060, "",
			"", 0, ""},
		{"SIP/2.0/UDP [2001:db8::9]:6050;received=[::1]", "UDP",
			"[2001:db8::9]", 6050, "", "[::1]", -1, ""},
		{"SIP/2.0/TCP a, SIP/2.0/UDP b", "TCP", "a", 0, "", "", -1,
			" SIP/2.0/UDP b"},
		{"SIP/2.0/UDP", "UDP", "", 0, "", "", -1, ""},
		{"SIP/2.0/UDP h;;branch=y", "UDP", "h", 0, "y", "", -1, ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice list = s(rows[i].in);
		struct ear_sip_via v;

		assert_true(ear_sip_via_next(&list, &v));
		assert_slice(rows[i].in, v.transport, s(rows[i].transport));
		assert_slice(rows[i].in, v.host, s(rows[i].host));
		assert_slice(rows[i].in, v.branch, s(rows[i].branch));
		assert_slice(rows[i].in, v.received, s(rows[i].received));
		assert_slice(rows[i].in, list, s(rows[i].rest));
		if (v.port != rows[i].port ||
			(v.has_rport ? v.rport : -1) != rows[i].rport)
			fail_msg("'%s': %d %d", rows[i].in, v.port, v.rport);
	}
	(void)state;
}

static void test_cseq(void **state)
{
	static const struct {
		const char *in;
		enum ear_err err;
		uint32_t number;
		const char *method;
	} rows[] = {
		{"1 INVITE", EAR_OK, 1, "INVITE"},
		{"0009\r\n  ACK", EAR_OK, 9, "ACK"},
		{"2147483647 X", EAR_OK, 2147483647, "X"},
		{"2147483648 X", EAR_BAD, 2147483648, "X"},
		{"4294967296 X", EAR_BAD, 0, "X"},
		{"99999999999999999999999 X", EAR_BAD, 0, "X"},
		{"1", EAR_BAD, 1, ""},
		{"INVITE", EAR_BAD, 0, "INVITE"},
		{"1 INVITE x", EAR_BAD, 1, "INVITE"},
		{"", EAR_BAD, 0, ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice method;
		uint32_t number;
		enum ear_err err =
			ear_sip_cseq(s(rows[i].in), &number, &method);

		if (err != rows[i].err || number != rows[i].number)
			fail_msg("'%s': %d %u", rows[i].in, err, number);
		assert_slice(rows[i].in, method, s(rows[i].method));
	}
	(void)state;
}

static void test_params(void **state)
{
	struct ear_slice params = EAR_S(
		"lr;q = 0.5 ;+sip.instance=\"<urn:a;b>\";;e=;transport=%74cp");

	assert_slice("lr", ear_sip_param_of(params, EAR_S("LR")), EAR_S(""));
	assert_slice("q", ear_sip_param_of(params, EAR_S("q")), EAR_S("0.5"));
	assert_slice("i", ear_sip_param_of(params, EAR_S("+sip.instance")),
		EAR_S("<urn:a;b>"));
	assert_slice("t", ear_sip_param_of(params, EAR_S("transport")),
		EAR_S("%74cp"));
	assert_slice("no", ear_sip_param_of(params, EAR_S("no")), EAR_S(""));
	(void)state;
}

static void test_auth(void **state)
{
	static const struct {
		const char *in, *scheme, *name, *want;
	} rows[] = {
		{"Digest username=\"bob\", realm=\"a, b\", qop=auth", "Digest",
			"realm", "a, b"},
		{"Digest username=\"b\\\"b\",nc=00000001", "Digest", "username",
			"b\\\"b"},
		{"Digest  response = \"x\" , nc = 1 ", "Digest", "NC", "1"},
		{"nextnonce=\"x\",rspauth=\"y\"", "", "rspauth", "y"},
		{"nextnonce = \"x\"", "", "nextnonce", "x"},
		{"NTLM", "NTLM", "realm", ""},
		{"Digest username=\"open", "Digest", "username", "open"},
		{"", "", "x", ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice in = s(rows[i].in);

		assert_slice(rows[i].in, ear_sip_auth_parse(in).scheme,
			s(rows[i].scheme));
		assert_slice(rows[i].in,
			ear_sip_auth_param(in, s(rows[i].name)),
			s(rows[i].want));
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri),
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_star),
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_cseq),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_auth),
	};

	return cmocka_run_group_tests_name(
		"proto/sip_value", tests, NULL, NULL);
}
