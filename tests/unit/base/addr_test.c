/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/addr.h"

static void test_parse_and_print(void **state)
{
	static const struct {
		const char *in;
		const char *want; /* NULL: refused */
	} rows[] = {
		{"192.0.2.1", "192.0.2.1:0"},
		{"192.0.2.1:5060", "192.0.2.1:5060"},
		{"2001:db8::1", "[2001:db8::1]:0"},
		{"[2001:db8::1]", "[2001:db8::1]:0"},
		{"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
		{"::", "[::]:0"},
		{"", NULL},
		{"0.0.0.0", "0.0.0.0:0"},
		{"255.255.255.255:1", "255.255.255.255:1"},
		{"192.0.2", NULL},
		{"192.0.2.", NULL},
		{"192.0.2.256", NULL},
		{"192.0.2.01", NULL},
		{"192.0.2.0001", NULL},
		{"192.0..1", NULL},
		{"192.0.2.1.", NULL},
		{"192.0.2.1 ", NULL},
		{"192.0.2.1.5", NULL},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1:5a", NULL},
		{"[2001:db8::1", NULL},
		{"[2001:db8::1]5060", NULL},
		{"localhost", NULL},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL},
		{"::ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:"
		 "ffff",
			NULL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		char text[EAR_ADDR_TEXT];
		struct ear_addr a;
		enum ear_err err =
			ear_addr_parse(ear_slice_str(rows[i].in), &a);

		if (!rows[i].want != (err == EAR_BAD))
			fail_msg("%s: %s", rows[i].in, ear_err_name(err));
		if (rows[i].want)
			assert_slice(rows[i].in,
				ear_slice(text, ear_addr_text(&a, text)),
				ear_slice_str(rows[i].want));
	}
	(void)state;
}

static void test_networks(void **state)
{
	static const struct {
		const char *net, *addr;
		int want; /* -1: the network is refused */
	} rows[] = {
		{"10.0.0.0/8", "10.255.0.1", 1},
		{"10.0.0.0/8", "11.0.0.1", 0},
		{"192.0.2.128/25", "192.0.2.129", 1},
		{"192.0.2.128/25", "192.0.2.127", 0},
		{"192.0.2.1", "192.0.2.1", 1},
		{"192.0.2.1", "192.0.2.2", 0},
		{"0.0.0.0/0", "203.0.113.9", 1},
		{"0.0.0.0/0", "2001:db8::1", 0},
		{"2001:db8::/33", "2001:db8:7fff::1", 1},
		{"2001:db8::/33", "2001:db8:8000::1", 0},
		{"::/0", "2001:db8::1", 1},
		{"10.0.0.0/33", "10.0.0.1", -1},
		{"10.0.0.0/", "10.0.0.1", -1},
		{"10.0.0.0/x", "10.0.0.1", -1},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_net net;
		struct ear_addr a;
		enum ear_err err =
			ear_net_parse(ear_slice_str(rows[i].net), &net);

		assert_int_equal(
			ear_addr_parse(ear_slice_str(rows[i].addr), &a),
			EAR_OK);
		if (rows[i].want < 0 ? err != EAR_BAD
				     : err || ear_net_has(&net, &a) !=
						       (bool)rows[i].want)
			fail_msg("%s has %s", rows[i].net, rows[i].addr);
	}
	(void)state;
}

static void test_kernel_form(void **state)
{
	struct sockaddr_storage ss;
	struct ear_addr a, back;
	struct sockaddr_in6 mapped = {
		.sin6_family = AF_INET6, .sin6_port = htons(5060)};

	assert_int_equal(
		ear_addr_parse(EAR_S("[2001:db8::9]:5061"), &a), EAR_OK);
	assert_int_equal(
		ear_addr_to_sockaddr(&a, &ss), sizeof(struct sockaddr_in6));
	back = ear_addr_from_sockaddr((struct sockaddr *)&ss);
	assert_true(ear_addr_eq(&a, &back));
	mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
	mapped.sin6_addr.s6_addr[15] = 1;
	back = ear_addr_from_sockaddr((struct sockaddr *)&mapped);
	assert_int_equal(back.family, 4);
	assert_true(ear_addr_is_loopback(
		&(struct ear_addr){.family = 4, .ip = {127, 0, 0, 2}}));
	assert_false(ear_addr_is_loopback(&back));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_print),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_kernel_form),
	};

	return cmocka_run_group_tests_name("base/addr", tests, NULL, NULL);
}
