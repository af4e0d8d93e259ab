/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "net/uri.h"

static void test_good(void **state)
{
	static const struct {
		const char *in, *host;
		uint16_t port;
		enum ear_carrier carrier;
		bool sip;
	} rows[] = {
		{"hep:192.0.2.1", "192.0.2.1", 9060, EAR_CARRY_UDP, false},
		{"hep:192.0.2.1:9061;transport=tls", "192.0.2.1", 9061,
			EAR_CARRY_TLS, false},
		{"hep:a.example.net;transport=TLS", "a.example.net", 9061,
			EAR_CARRY_TLS, false},
		{"heps:a.example.net", "a.example.net", 9061, EAR_CARRY_TLS,
			false},
		{"HEP://a_b-c:1;transport=tcp", "a_b-c", 1, EAR_CARRY_TCP,
			false},
		{"sip:10.0.0.1", "10.0.0.1", 5060, EAR_CARRY_UDP, true},
		{"sips:10.0.0.1", "10.0.0.1", 5061, EAR_CARRY_TLS, true},
		{"sips:10.0.0.1;transport=tcp", "10.0.0.1", 5061, EAR_CARRY_TLS,
			true},
		{"heps:10.0.0.1;transport=tls", "10.0.0.1", 9061, EAR_CARRY_TLS,
			false},
		{"sip:[2001:db8::1]", "2001:db8::1", 5060, EAR_CARRY_UDP, true},
		{"hep:[::1]:65535;transport=udp", "::1", 65535, EAR_CARRY_UDP,
			false},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		struct ear_net_uri uri;

		if (ear_net_uri_parse(ear_slice_str(rows[i].in), &uri, &fault))
			fail_msg("%s: %s", rows[i].in, fault.text);
		assert_true(ear_net_uri_is(ear_slice_str(rows[i].in)));
		assert_string_equal(uri.host, rows[i].host);
		assert_int_equal(uri.port, rows[i].port);
		assert_int_equal(uri.carrier, rows[i].carrier);
		assert_int_equal(uri.sip, rows[i].sip);
	}
	(void)state;
}

static void test_bad(void **state)
{
	static const struct {
		const char *in;
		size_t offset;
	} rows[] = {
		{"", 0},
		{"http:a", 0},
		{"hep", 0},
		{"hep:", 4},
		{"hep:;transport=tcp", 4},
		{"hep:a b", 4},
		{"hep:[::1", 4},
		{"hep:[a]", 4},
		{"hep:[]", 4},
		{"hep:[::1]9060", 4},
		{"hep:2001:db8::1", 4},
		{"hep:a:", 6},
		{"hep:a:0", 6},
		{"hep:a:65536", 6},
		{"hep:a:9060x", 6},
		{"hep:a;", 6},
		{"hep:a;transport=", 16},
		{"hep:a;transport=sctp", 16},
		{"heps:a;transport=udp", 17},
		{"hep:a;maddr=b", 6},
		{"hep:a;transport=tcp;x", 20},
	};
	char name[300];

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		struct ear_net_uri uri;

		if (ear_net_uri_parse(ear_slice_str(rows[i].in), &uri,
			    &fault) != EAR_USAGE)
			fail_msg("%s: taken", rows[i].in);
		if (fault.offset != rows[i].offset || !fault.text[0])
			fail_msg("%s: offset %zu: %s", rows[i].in, fault.offset,
				fault.text);
	}
	memset(name, 'a', sizeof(name));
	memcpy(name, "hep:", 4);
	for (size_t n = 4; n < sizeof(name); n++) {
		struct ear_net_uri uri;
		bool good = n > 4 && n - 4 < EAR_HOST_TEXT;

		assert_int_equal(
			ear_net_uri_parse(ear_slice(name, n), &uri, NULL),
			good ? EAR_OK : EAR_USAGE);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
