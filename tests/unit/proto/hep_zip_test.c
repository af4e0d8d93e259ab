/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/pack.h"

#include "proto/hep_zip.h"

#define TEXT "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nVia: b\r\n\r\n"

static void test_kinds(void **state)
{
	static const int windows[] = {15, 31, -15};
	struct ear_hep_zip *zip;
	char packed[512], out[512];
	size_t used, n;

	assert_int_equal(ear_hep_zip_new(&zip), EAR_OK);
	for (size_t i = 0; i < ROWS(windows); i++) {
		struct ear_slice in =
			pack(windows[i], EAR_S(TEXT), packed, sizeof(packed));

		assert_int_equal(ear_hep_is_gzip(in), windows[i] == 31);
		assert_int_equal(
			ear_hep_unzip(zip, in, out, 512, &used, &n), EAR_OK);
		assert_int_equal(used, in.n);
		assert_slice("whole", ear_slice(out, n), EAR_S(TEXT));

		/* Stale bytes behind it, as captagent sends them. */
		memset(packed + in.n, 'x', 20);
		assert_int_equal(ear_hep_unzip(zip, ear_slice(in.p, in.n + 20),
					 out, 512, &used, &n),
			EAR_OK);
		assert_int_equal(used, in.n);
		assert_slice("trailing", ear_slice(out, n), EAR_S(TEXT));

		/* Too little room: what fits. */
		assert_int_equal(
			ear_hep_unzip(zip, in, out, 10, &used, &n), EAR_LIMIT);
		assert_slice("room", ear_slice(out, n), EAR_S("OPTIONS si"));

		/* Cut anywhere: never more than there is, never OK. */
		for (size_t cut = 0; cut < in.n; cut++) {
			enum ear_err err = ear_hep_unzip(
				zip, ear_slice(in.p, cut), out, 512, &used, &n);

			if (err == EAR_OK || n > strlen(TEXT) ||
				memcmp(out, TEXT, n))
				fail_msg("window %d cut at %zu", windows[i],
					cut);
		}
	}
	ear_hep_zip_free(&zip);
	assert_null(zip);
	(void)state;
}

static void test_bad(void **state)
{
	static const struct ear_slice rows[] = {
		EAR_S_INIT("\xff\xff\xff\xff\xff\xff"),
		EAR_S_INIT("\x78\x9c\xff\xff\xff\xff"),
		EAR_S_INIT("\x1f\x8b\x00\x00\x00\x00"),
	};
	struct ear_hep_zip *zip;
	size_t used, n;
	char out[64];

	assert_int_equal(ear_hep_zip_new(&zip), EAR_OK);
	for (size_t i = 0; i < ROWS(rows); i++) {
		assert_int_equal(
			ear_hep_unzip(zip, rows[i], out, 64, &used, &n),
			EAR_BAD);
		assert_int_equal(n, 0);
	}
	assert_int_equal(
		ear_hep_unzip(zip, EAR_S(""), out, 64, &used, &n), EAR_MORE);
	ear_hep_zip_free(&zip);
	(void)state;
}

static void test_pieces(void **state)
{
	struct ear_hep_zip *zip;
	char packed[512], out[512];
	struct ear_slice in = pack(31, EAR_S(TEXT), packed, sizeof(packed));
	enum ear_err err = EAR_MORE;
	size_t have = 0;

	assert_int_equal(ear_hep_zip_new(&zip), EAR_OK);
	ear_hep_gunzip_begin(zip);
	for (size_t i = 0; i < in.n; i++) {
		size_t used, n;

		assert_int_equal(err, EAR_MORE);
		err = ear_hep_gunzip_feed(zip, ear_slice(in.p + i, 1),
			out + have, sizeof(out) - have, &used, &n);
		have += n;
	}
	assert_int_equal(err, EAR_OK);
	assert_slice("pieces", ear_slice(out, have), EAR_S(TEXT));
	ear_hep_zip_free(&zip);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests_name("proto/hep_zip", tests, NULL, NULL);
}
