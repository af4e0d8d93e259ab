/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"
#include "tap/hep_stream.h"

#define SIP "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"
#define REPLY "SIP/2.0 200 OK\r\nl: 0\r\n\r\n"
#define A                                      \
	"HEP3\x00\x0f\x00\x00\x00\x0f\x00\x09" \
	"abc"
#define B                                      \
	"EEP3\x00\x0d\x00\x00\x00\x0f\x00\x07" \
	"b"
#define C "HEP3\x00\x06"
#define LONG 40000

/* One line for each thing that the stream finds. */
struct heard {
	struct ear_buf said;
	struct ear_hep_stream stream;
};

static void put(enum ear_unit_kind kind, struct ear_slice bytes, uint32_t units,
	void *arg)
{
	static const char *const name[] = {"?", "sip", "hep", "rest"};
	struct heard *h = arg;

	/* Packets of one stream are the same, cut into runs or not. */
	if (kind == EAR_UNIT_HEP_STREAM)
		while (units--) {
			size_t n = (size_t)((uint8_t)bytes.p[4] << 8 |
					    (uint8_t)bytes.p[5]);

			ear_buf_printf(&h->said, "hep %zu\n", n);
			assert_true(n <= bytes.n);
			bytes = ear_slice_sub(bytes, n, bytes.n);
		}
	else
		ear_buf_printf(&h->said, "%s %zu\n", name[kind], bytes.n);
}

static void count(enum ear_count what, void *arg)
{
	struct heard *h = arg;

	ear_buf_printf(&h->said, "%s\n", ear_count_key(what));
}

static void skipped(uint64_t bytes, void *arg)
{
	struct heard *h = arg;

	ear_buf_printf(&h->said, "skipped %u\n", (unsigned)bytes);
}

static const struct ear_hep_stream_ops ops = {put, count, skipped};

/* Feed in pieces of n bytes, each an exact-size copy. */
static enum ear_err feed(struct heard *h, struct ear_slice in, size_t n)
{
	enum ear_err err = EAR_OK;

	memset(h, 0, sizeof(*h));
	h->stream.ops = &ops;
	h->stream.arg = h;
	h->stream.max_garbage = 1000;
	for (size_t i = 0; i < in.n && !err; i += n) {
		struct ear_slice part = ear_slice_sub(in, i, i + n);
		char *copy = malloc(part.n);

		assert_non_null(copy);
		memcpy(copy, part.p, part.n);
		err = ear_hep_stream_feed(&h->stream, ear_slice(copy, part.n));
		free(copy);
	}
	ear_hep_stream_end(&h->stream);
	return err;
}

static void test_streams(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		enum ear_err err;
		const char *want;
	} rows[] = {
		{"nothing", EAR_S_INIT(""), EAR_OK, ""},
		{"one", EAR_S_INIT(A), EAR_OK, "hep 15\n"},
		{"some", EAR_S_INIT(A B C A), EAR_OK,
			"hep 15\nhep 13\nhep 6\nhep 15\n"},
		{"partial at the end",
			EAR_S_INIT(A "HEP3\x00\x20"
				     "abc"),
			EAR_OK, "hep 15\nrest 9\n"},
		{"partial head", EAR_S_INIT(A "HE"), EAR_OK,
			"hep 15\nrest 2\n"},
		{"garbage between", EAR_S_INIT(A "abc" B), EAR_OK,
			"hep 15\njunk\nskipped 3\nhep 13\n"},
		{"garbage like a head", EAR_S_INIT("HEP3\x00\x05" A), EAR_OK,
			"junk\nskipped 6\nhep 15\n"},
		{"garbage, unlikely chunk",
			EAR_S_INIT("xxHEP3\x00\x20\0\0\0\x0f\xff\xff" A),
			EAR_OK, "junk\nskipped 14\nhep 15\n"},
		{"garbage only", EAR_S_INIT("xyz"), EAR_OK,
			"junk\nskipped 0\n"},
		{"magic at the end of garbage",
			EAR_S_INIT("xyzHEHEHEP"
				   "EEP3"),
			EAR_OK, NULL},
		{"hep 1",
			EAR_S_INIT("\x01\x10\x02\x11"
				   "abcdefghijkl" SIP),
			EAR_UNSUPPORTED, "refused\n"},
		{"hep 2 after hep 3",
			EAR_S_INIT(A "\x02\x10\x02\x11"
				     "abcdefghijkl" SIP),
			EAR_UNSUPPORTED, "hep 15\nrefused\n"},
		{"binary like hep 1",
			EAR_S_INIT("\x01\x99\x99\x99"
				   "abcd" A),
			EAR_OK, "junk\nskipped 8\nhep 15\n"},
		{"sip", EAR_S_INIT(SIP REPLY SIP), EAR_OK,
			"sip 48\nsip 24\nsip 48\n"},
		{"sip and hep", EAR_S_INIT(SIP A REPLY A), EAR_OK,
			"sip 48\nhep 15\nsip 24\nhep 15\n"},
		{"sip cut",
			EAR_S_INIT("OPTIONS sip:a SIP/2.0\r\nl: 9\r\n\r\nx"),
			EAR_OK, "rest 32\n"},
		{"sip header cut",
			EAR_S_INIT(REPLY "OPTIONS sip:a SIP/2.0\r\n"), EAR_OK,
			"sip 24\nrest 23\n"},
		{"http", EAR_S_INIT("GET / HTTP/1.1\r\n\r\n" A), EAR_OK,
			"junk\nskipped 18\nhep 15\n"},
		{"tls on a plain port", EAR_S_INIT("\x16\x03\x01\x02\x00" A),
			EAR_OK, "junk\nskipped 5\nhep 15\n"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		for (size_t n = 1; n <= rows[i].in.n + 1; n++) {
			struct heard h;
			enum ear_err err = feed(&h, rows[i].in, n);
			struct ear_slice got = ear_buf_view(&h.said);
			/* How a tail of garbage is counted depends on the
			   pieces; all else must not. */
			bool tail = strstr(rows[i].name, "garbage only") ||
				    !rows[i].want;

			if (err != rows[i].err)
				fail_msg("%s by %zu: %d", rows[i].name, n, err);
			if (!tail)
				assert_slice(rows[i].name, got,
					ear_slice_str(rows[i].want));
			else
				assert_true(ear_slice_starts(
					got, EAR_S("junk\nskipped ")));
			ear_buf_fini(&h.said);
		}
	}
	(void)state;
}

static void test_keepalives(void **state)
{
	const struct ear_slice in = EAR_S("\r\n\r\n" A "\r\n" A "\0\0");
	struct heard h;

	assert_int_equal(feed(&h, in, in.n), EAR_OK);
	assert_slice("whole", ear_buf_view(&h.said),
		EAR_S("keepalive\nhep 15\nkeepalive\nhep 15\nkeepalive\n"));
	ear_buf_fini(&h.said);
	(void)state;
}

static void test_long(void **state)
{
	char *in = calloc(2, LONG);
	struct heard h;

	assert_non_null(in);
	for (int i = 0; i < 2; i++) {
		memcpy(in + i * LONG, "HEP3", 4);
		in[i * LONG + 4] = (char)(LONG >> 8);
		in[i * LONG + 5] = (char)LONG;
	}
	for (size_t n = 1; n < 2 * LONG; n = n * 3 + 1) {
		assert_int_equal(feed(&h, ear_slice(in, 2 * LONG), n), EAR_OK);
		assert_slice("long", ear_buf_view(&h.said),
			EAR_S("hep 40000\nhep 40000\n"));
		ear_buf_fini(&h.said);
	}
	free(in);
	(void)state;
}

static void test_limits(void **state)
{
	size_t n = EAR_STREAM_SIP_MAX + 4096;
	char *in = malloc(n);
	struct heard h;

	assert_non_null(in);
	/* Too much garbage. */
	memset(in, 'x', n);
	assert_int_equal(feed(&h, ear_slice(in, 2000), 100), EAR_LIMIT);
	assert_slice("garbage", ear_slice_sub(ear_buf_view(&h.said), 0, 5),
		EAR_S("junk\n"));
	ear_buf_fini(&h.said);
	/* A first line without end is garbage too. */
	memset(in, 'X', n);
	assert_int_equal(feed(&h, ear_slice(in, n), 1000), EAR_LIMIT);
	ear_buf_fini(&h.said);
	/* A SIP header without end. */
	memcpy(in, "OPTIONS sip:a SIP/2.0\r\nX: ", 26);
	assert_int_equal(feed(&h, ear_slice(in, n), 1000), EAR_LIMIT);
	assert_slice("header", ear_buf_view(&h.said), EAR_S("oversize\n"));
	ear_buf_fini(&h.said);
	/* A SIP body that is too long. */
	memcpy(in, "OPTIONS sip:a SIP/2.0\r\nl: 9999999\r\n\r\n", 37);
	assert_int_equal(feed(&h, ear_slice(in, 100), 10), EAR_LIMIT);
	assert_slice("body", ear_buf_view(&h.said), EAR_S("oversize\n"));
	ear_buf_fini(&h.said);
	free(in);
	(void)state;
}

static struct ear_slice gzip(struct ear_slice in, char *out, size_t n)
{
	z_stream z = {.next_in = (Bytef *)in.p,
		.avail_in = (uInt)in.n,
		.next_out = (Bytef *)out,
		.avail_out = (uInt)n};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return ear_slice(out, n - z.avail_out);
}

static void test_gzip(void **state)
{
	char room[1024], in[4096];
	struct ear_slice z = gzip(EAR_S(A B), room, sizeof(room));
	size_t n = 0;

	/* Plain, a member, a member, plain. */
	memcpy(in, A, 15);
	n = 15;
	for (int i = 0; i < 2; i++, n += z.n)
		memcpy(in + n, z.p, z.n);
	memcpy(in + n, C, 6);
	n += 6;
	for (size_t by = 1; by <= n; by++) {
		struct heard h;

		assert_int_equal(feed(&h, ear_slice(in, n), by), EAR_OK);
		assert_slice("members", ear_buf_view(&h.said),
			EAR_S("hep 15\nhep 15\nhep 13\nhep 15\nhep 13\n"
			      "hep 6\n"));
		ear_buf_fini(&h.said);
	}
	(void)state;
}

static void test_gzip_bad(void **state)
{
	static char zeros[8 << 20], room[64 << 10];
	struct ear_slice z;
	struct heard h;

	/* A packet that is not whole at the member's end. */
	z = gzip(EAR_S("HEP3\0\x20"
		       "abc"),
		room, sizeof(room));
	assert_int_equal(feed(&h, z, 7), EAR_OK);
	assert_slice("rest", ear_buf_view(&h.said), EAR_S("rest 9\n"));
	ear_buf_fini(&h.said);
	/* Damaged. */
	room[12] = (char)~room[12];
	memset(room + 14, 0xff, 8);
	assert_int_equal(feed(&h, z, 7), EAR_LIMIT);
	ear_buf_fini(&h.said);
	/* A bomb of keep-alives: nothing but blanks, 8 MiB in 8 KiB. */
	z = gzip(ear_slice(zeros, sizeof(zeros)), room, sizeof(room));
	assert_int_equal(feed(&h, z, 100), EAR_LIMIT);
	ear_buf_fini(&h.said);
	(void)state;
}

/* A busy stream always has something open; it must not look stuck. */
static void test_open(void **state)
{
	struct heard h = {.stream = {.ops = &ops, .max_garbage = 1000}};
	uint64_t pieces;

	h.stream.arg = &h;
	assert_int_equal(ear_hep_stream_feed(&h.stream, EAR_S(A "HEP")), 0);
	assert_true(ear_hep_stream_open(&h.stream));
	pieces = h.stream.pieces;
	assert_int_equal(ear_hep_stream_feed(&h.stream, EAR_S("3\0")), EAR_OK);
	assert_true(h.stream.pieces == pieces);
	assert_int_equal(ear_hep_stream_feed(&h.stream, EAR_S("\x06"
							      "HEP")),
		EAR_OK);
	assert_true(h.stream.pieces > pieces);
	assert_int_equal(ear_hep_stream_feed(&h.stream, EAR_S("3\0\x06")), 0);
	assert_false(ear_hep_stream_open(&h.stream));
	ear_hep_stream_end(&h.stream);
	ear_buf_fini(&h.said);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_keepalives),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_gzip_bad),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests_name("tap/hep_stream", tests, NULL, NULL);
}
