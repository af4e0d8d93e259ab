/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "proto/tls_keys.h"
#include "proto/tls_suite.h"

#define R1 "1111111111111111111111111111111111111111111111111111111111111111"
#define S32 "22222222222222222222222222222222222222222222222222222222222222AB"
#define S48 S32 "33333333333333333333333333333333"

static void test_lines(void **state)
{
	static const struct {
		const char *name, *text;
		enum ear_tls_secret which;
		int want; /* bytes */
	} rows[] = {
		{"master", "CLIENT_RANDOM " R1 " " S48 "\n", EAR_TLS_MASTER,
			48},
		{"CR LF", "CLIENT_RANDOM " R1 " " S48 "\r\n", EAR_TLS_MASTER,
			48},
		{"handshake",
			"CLIENT_HANDSHAKE_TRAFFIC_SECRET " R1 " " S32 "\n",
			EAR_TLS_CLIENT_HANDSHAKE, 32},
		{"data", "SERVER_TRAFFIC_SECRET_0 " R1 "  " S48 "\n",
			EAR_TLS_SERVER_DATA, 48},
		{"behind others",
			"# a comment\n\nEXPORTER_SECRET " R1 " " S32
			"\nRSA 1234 5678\nCLIENT_RANDOM " R1 " " S48 "\n",
			EAR_TLS_MASTER, 48},
		{"behind a long line",
			"x " S48 S48 S48 S48 S48 "\nCLIENT_RANDOM " R1 " " S48
			"\n",
			EAR_TLS_MASTER, 48},
		{"not ended", "CLIENT_RANDOM " R1 " " S48, EAR_TLS_MASTER, 0},
		{"cut short", "CLIENT_RANDOM " R1 " 2222\n", EAR_TLS_MASTER, 0},
		{"not hex", "CLIENT_RANDOM " R1 " zz" S48 "\n", EAR_TLS_MASTER,
			0},
		{"random too short", "CLIENT_RANDOM 1111 " S48 "\n",
			EAR_TLS_MASTER, 0},
		{"another label", "CLIENT_RANDOMS " R1 " " S48 "\n",
			EAR_TLS_MASTER, 0},
	};
	uint8_t random[EAR_TLS_RANDOM];

	memset(random, 0x11, sizeof(random));
	for (size_t i = 0; i < ROWS(rows); i++)
		for (size_t step = 1; step < 300; step += 7) {
			struct ear_slice in = ear_slice_str(rows[i].text);
			const struct ear_tls_key *key;
			struct ear_tls_keys *keys;

			assert_int_equal(ear_tls_keys_new(0, &keys), EAR_OK);
			for (size_t at = 0; at < in.n; at += step)
				assert_int_equal(ear_tls_keys_feed(keys,
							 ear_slice_sub(in, at,
								 at + step)),
					EAR_OK);
			key = ear_tls_keys_find(keys, random);
			if ((key ? key->bytes[rows[i].which] : 0) !=
				rows[i].want)
				fail_msg("%s", rows[i].name);
			ear_tls_keys_free(&keys);
		}
	(void)state;
}

static void feed(struct ear_tls_keys *keys, unsigned n)
{
	char line[256];

	snprintf(line, sizeof(line),
		"CLIENT_RANDOM "
		"%08x000000000000000000000000000000000000000000000000%08x " S48
		"\n",
		n, n * 2654435761u);
	assert_int_equal(ear_tls_keys_feed(keys, ear_slice_str(line)), EAR_OK);
}

static bool has(const struct ear_tls_keys *keys, unsigned n)
{
	uint8_t random[EAR_TLS_RANDOM] = {0};
	uint32_t mixed = n * 2654435761u;

	for (int i = 0; i < 4; i++) {
		random[i] = (uint8_t)(n >> (24 - 8 * i));
		random[28 + i] = (uint8_t)(mixed >> (24 - 8 * i));
	}
	return ear_tls_keys_find(keys, random) != NULL;
}

static void test_bound(void **state)
{
	static const size_t mosts[] = {1, 2, 100, 1000};

	for (size_t i = 0; i < ROWS(mosts); i++) {
		struct ear_tls_keys *keys;
		unsigned most = (unsigned)mosts[i], all = most * 3 + 1;

		assert_int_equal(ear_tls_keys_new(most, &keys), EAR_OK);
		for (unsigned n = 0; n < all; n++)
			feed(keys, n);
		assert_int_equal(ear_tls_keys_count(keys), most);
		for (unsigned n = 0; n < all; n++)
			assert_int_equal(has(keys, n), n >= all - most);
		assert_int_equal(ear_tls_keys_serial(keys), all);
		feed(keys, all - 1); /* known */
		assert_int_equal(ear_tls_keys_serial(keys), all);
		ear_tls_keys_free(&keys);
	}
	(void)state;
}

/* The table of suites is searched by halves. */
static void test_suites(void **state)
{
	static const uint16_t codes[] = {
#define X(code, name, cipher, key, mac, prf) code,
#include "proto/tls_suite.def"
#undef X
	};

	for (size_t i = 0; i < ROWS(codes); i++) {
		const struct ear_tls_suite *s = ear_tls_suite(codes[i]);

		assert_true(!i || codes[i] > codes[i - 1]);
		assert_non_null(s);
		assert_int_equal(s->code, codes[i]);
		if (s->cipher)
			assert_true(s->prf &&
				    (s->key_bytes == 16 || s->key_bytes == 32));
		assert_int_equal(s->cipher == EAR_TLS_CBC, s->mac != 0);
	}
	assert_null(ear_tls_suite(0));
	assert_null(ear_tls_suite(0xffff));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_suites),
	};

	return cmocka_run_group_tests_name("proto/tls_keys", tests, NULL, NULL);
}
