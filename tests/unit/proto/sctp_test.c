/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "base/buf.h"
#include "proto/sctp.h"

#define BEGIN 2
#define END 1

struct part {
	uint8_t flags;
	uint32_t tsn;
	const char *bytes; /* NULL ends */
	uint16_t stream;
	bool idata;
	uint32_t mid, fsn;
};

static void put_chunk(const struct part *p, struct ear_buf *b)
{
	size_t n = strlen(p->bytes);

	ear_buf_byte(b, p->idata ? 64 : 0);
	ear_buf_byte(b, p->flags);
	ear_buf_be16(b, (uint16_t)((p->idata ? 20 : 16) + n));
	ear_buf_be32(b, p->tsn);
	ear_buf_be16(b, p->stream);
	ear_buf_be16(b, 0);
	ear_buf_be32(b, p->idata ? p->mid : 0);
	if (p->idata)
		ear_buf_be32(b, p->fsn);
	ear_buf_add(b, p->bytes, n);
	ear_buf_add(b, "\0\0\0", -n & 3);
}

static void on_message(const struct ear_ip_unit *u,
	const struct ear_sctp_message *m, void *arg)
{
	ear_buf_printf(arg, "[%.*s]", EAR_FMT(m->bytes));
	if (m->missing)
		ear_buf_printf(arg, "<%u>", m->missing);
	(void)u;
}

static size_t feed(
	struct ear_sctp *s, struct ear_slice chunks, uint32_t missing)
{
	struct ear_ip_unit u = {.proto = EAR_IP_SCTP,
		.src = ear_addr_v4("\1\1\1\1", 5060),
		.dst = ear_addr_v4("\2\2\2\2", 5060),
		.missing = missing,
		.payload = chunks};

	return ear_sctp_packet(s, &u);
}

static void test_messages(void **state)
{
	static const struct {
		const char *name;
		struct part parts[6];
		const char *want;
	} rows[] = {
		{"whole", {{3, 1, "a"}, {3, 2, "bcd"}}, "[a][bcd]"},
		{"in order", {{BEGIN, 1, "a"}, {0, 2, "b"}, {END, 3, "c"}},
			"[abc]"},
		{"reversed", {{END, 3, "c"}, {0, 2, "b"}, {BEGIN, 1, "a"}},
			"[abc]"},
		{"sent again",
			{{BEGIN, 1, "a"}, {0, 2, "b"}, {0, 2, "b"},
				{BEGIN, 1, "a"}, {END, 3, "c"}},
			"[abc]"},
		{"two at once, numbers near",
			{{BEGIN, 1, "a"}, {BEGIN, 3, "c"}, {END, 4, "d"},
				{END, 2, "b"}},
			"[cd][ab]"},
		{"two streams",
			{{BEGIN, 1, "a", 1}, {BEGIN, 2, "c", 2},
				{END, 3, "b", 1}, {END, 4, "d", 2}},
			""},
		{"numbers wrap", {{BEGIN, 0xffffffff, "a"}, {END, 0, "b"}},
			"[ab]"},
		{"no end", {{BEGIN, 1, "a"}, {0, 2, "b"}}, ""},
		{"I-DATA",
			{{BEGIN, 1, "a", 1, true, 7}, {3, 2, "x", 2},
				{END, 3, "b", 1, true, 7, 1}},
			"[x][ab]"},
		{"I-DATA, two messages interleaved",
			{{BEGIN, 1, "a", 1, true, 7},
				{BEGIN, 2, "c", 1, true, 8},
				{END, 3, "b", 1, true, 7, 1},
				{END, 4, "d", 1, true, 8, 1}},
			"[ab][cd]"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf got = {0}, packet = {0};
		struct ear_sctp *s;

		assert_int_equal(ear_sctp_new(on_message, &got, &s), EAR_OK);
		for (const struct part *p = rows[i].parts; p->bytes; p++) {
			ear_buf_reset(&packet);
			put_chunk(p, &packet);
			assert_int_equal(feed(s, ear_buf_view(&packet), 0), 1);
		}
		assert_slice(rows[i].name, ear_buf_view(&got),
			ear_slice_str(rows[i].want));
		ear_sctp_free(&s);
		ear_buf_fini(&got);
		ear_buf_fini(&packet);
	}
	(void)state;
}

static void test_odd(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		uint32_t missing;
		const char *want;
	} rows[] = {
		{"control alone", EAR_S_INIT("\3\0\0\4"), 0, ""},
		{"control, then data",
			EAR_S_INIT("\3\0\0\4\0\3\0\x11\0\0\0\1\0\0\0\0\0\0\0\0"
				   "a\0\0"),
			0, "[a]"},
		{"length 0", EAR_S_INIT("\0\3\0\0aaaaaaaaaaaaaaaa"), 0, ""},
		{"shorter than its head",
			EAR_S_INIT("\0\3\0\x0f"
				   "aaaaaaaaaaaa"),
			0, ""},
		{"cut by the snap length",
			EAR_S_INIT("\0\3\0\x14\0\0\0\1\0\0\0\0\0\0\0\0"
				   "ab"),
			2, "[ab]<2>"},
		{"head cut", EAR_S_INIT("\0\3\0\x14\0\0"), 0, ""},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf got = {0};
		struct ear_sctp *s;

		assert_int_equal(ear_sctp_new(on_message, &got, &s), EAR_OK);
		feed(s, rows[i].in, rows[i].missing);
		assert_slice(rows[i].name, ear_buf_view(&got),
			ear_slice_str(rows[i].want));
		ear_sctp_free(&s);
		ear_buf_fini(&got);
	}
	(void)state;
}

/* Beginnings without an end push one another out. */
static void test_flood(void **state)
{
	struct ear_buf got = {0}, packet = {0};
	struct ear_sctp *s;

	assert_int_equal(ear_sctp_new(on_message, &got, &s), EAR_OK);
	for (uint32_t i = 0; i < 100000; i++) {
		struct part p = {BEGIN, i * 7, "x", (uint16_t)i};

		ear_buf_reset(&packet);
		put_chunk(&p, &packet);
		feed(s, ear_buf_view(&packet), 0);
	}
	assert_int_equal(got.n, 0);
	ear_sctp_free(&s);
	ear_buf_fini(&got);
	ear_buf_fini(&packet);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_odd),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests_name("proto/sctp", tests, NULL, NULL);
}
