/* SPDX-License-Identifier: Apache-2.0 */
/* Slices, buffers, readers, sizes and sets. */
#include "unit/table.h"

#include "base/buf.h"
#include "base/reader.h"
#include "base/set64.h"
#include "base/size.h"

static void test_slices(void **state)
{
	struct ear_slice s = EAR_S(" \tCall-ID: x\r\n");
	uint64_t v = 7;

	assert_slice("trim", ear_slice_trim(s), EAR_S("Call-ID: x"));
	assert_int_equal(ear_slice_find(s, EAR_S("ID")), 7);
	assert_int_equal(ear_slice_ifind(s, EAR_S("id")), 7);
	assert_int_equal(ear_slice_find(s, EAR_S("zz")), s.n);
	assert_int_equal(ear_slice_ifind(EAR_S("i"), EAR_S("id")), 1);
	assert_true(ear_slice_ieq(EAR_S("VIA"), EAR_S("via")));
	assert_true(ear_slice_cmp(EAR_S("a"), EAR_S("ab")) < 0);
	assert_slice("sub", ear_slice_sub(EAR_S("abc"), 2, 99), EAR_S("c"));
	assert_slice("sub past", ear_slice_sub(EAR_S("abc"), 9, 4), EAR_S(""));
	assert_true(ear_slice_u64(EAR_S("65535"), 65535, &v) && v == 65535);
	assert_false(ear_slice_u64(EAR_S("65536"), 65535, &v));
	assert_false(ear_slice_u64(EAR_S(""), 9, &v));
	assert_false(ear_slice_u64(EAR_S("1 "), 9, &v));
	assert_false(
		ear_slice_u64(EAR_S("18446744073709551616"), UINT64_MAX, &v));
	assert_true(
		ear_slice_u64(EAR_S("18446744073709551615"), UINT64_MAX, &v));
	(void)state;
}

static void test_varints(void **state)
{
	static const uint64_t rows[] = {
		0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf b = {0};
		struct ear_reader r;

		ear_buf_varint(&b, rows[i]);
		r = ear_reader(ear_buf_view(&b));
		assert_true(ear_read_varint(&r) == rows[i] && !r.err);
		for (size_t cut = 0; cut < b.n; cut++) {
			r = ear_reader(ear_slice(b.p, cut));
			(void)ear_read_varint(&r);
			assert_int_equal(r.err, EAR_MORE);
		}
		ear_buf_fini(&b);
	}
	{
		struct ear_reader r = ear_reader(
			EAR_S("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));

		(void)ear_read_varint(&r);
		assert_int_equal(r.err, EAR_BAD);
	}
	(void)state;
}

static void test_reader_sticks(void **state)
{
	struct ear_reader r = ear_reader(EAR_S("\x01\x02\x03\x04\x05"));

	assert_int_equal(ear_read_be16(&r), 0x0102);
	assert_int_equal(ear_read_le16(&r), 0x0403);
	assert_int_equal(ear_read_be32(&r), 0);
	assert_int_equal(r.err, EAR_MORE);
	assert_int_equal(ear_read_u8(&r), 0);
	assert_int_equal(ear_reader_left(&r), 0);
	(void)state;
}

static void test_buffer_limit(void **state)
{
	struct ear_buf b = {.max = 300};

	for (int i = 0; i < 40; i++)
		ear_buf_printf(&b, "%d bytes ", i);
	assert_int_equal(b.err, EAR_LIMIT);
	assert_true(b.n <= 300);
	ear_buf_fini(&b);
	(void)state;
}

static void test_sizes(void **state)
{
	static const struct {
		const char *in;
		uint64_t want; /* UINT64_MAX: refused */
	} rows[] = {
		{"0", 0},
		{"1500", 1500},
		{"64k", 65536},
		{"64 KiB", 65536},
		{"20GB", 20000000000ULL},
		{"1.5G", 1610612736},
		{"2T", 2ULL << 40},
		{"", UINT64_MAX},
		{"G", UINT64_MAX},
		{"5 bananas", UINT64_MAX},
		{"1.5", UINT64_MAX},
		{"99999999999T", UINT64_MAX},
	};
	char out[EAR_SIZE_TEXT];

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t v = 1;
		enum ear_err err =
			ear_size_parse(ear_slice_str(rows[i].in), &v, NULL);

		if (rows[i].want == UINT64_MAX ? err != EAR_USAGE
					       : err || v != rows[i].want)
			fail_msg("%s: %llu", rows[i].in, (unsigned long long)v);
	}
	assert_slice("bytes", ear_slice(out, ear_size_text(1023, out)),
		EAR_S("1023 B"));
	assert_slice("gib", ear_slice(out, ear_size_text(1288490189ULL, out)),
		EAR_S("1.2 GiB"));
	(void)state;
}

static void test_set(void **state)
{
	struct ear_set64 set = {.max = 5000};

	for (uint64_t v = 0; v < 6000; v++)
		(void)ear_set64_add(&set, v * 0x9e3779b97f4a7c15ULL);
	assert_int_equal(set.n, 5000);
	assert_true(set.over);
	assert_false(ear_set64_add(&set, 0x9e3779b97f4a7c15ULL));
	ear_set64_fini(&set);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_varints),
		cmocka_unit_test(test_reader_sticks),
		cmocka_unit_test(test_buffer_limit),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
