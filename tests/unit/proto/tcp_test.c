/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/time.h"
#include "proto/tcp_stream.h"

/*
 * The reader under test uses up whole lines and writes what it saw:
 * "line\n" as it is, "<n>" for a gap of n bytes, "." for an end; a rest that
 * is given up stands in braces.
 */
static size_t on_data(struct ear_tcp_half *h, struct ear_slice bytes, void *arg)
{
	const char *lf = memrchr(bytes.p, '\n', bytes.n);
	size_t n = lf ? (size_t)(lf + 1 - bytes.p) : 0;

	ear_buf_add(arg, bytes.p, n);
	(void)h;
	return n;
}

static void on_gap(struct ear_tcp_half *h, struct ear_slice rest,
	uint64_t missing, void *arg)
{
	if (rest.n)
		ear_buf_printf(arg, "{%.*s}", EAR_FMT(rest));
	ear_buf_printf(arg, "<%llu>", (unsigned long long)missing);
	(void)h;
}

static void on_end(struct ear_tcp_half *h, struct ear_slice rest, void *arg)
{
	if (rest.n)
		ear_buf_printf(arg, "{%.*s}", EAR_FMT(rest));
	ear_buf_byte(arg, '.');
	(void)h;
}

static const struct ear_tcp_events events = {
	.data = on_data, .gap = on_gap, .end = on_end};

struct step {
	int dir; /* 0 or 1; -1 ends the list */
	uint32_t seq;
	uint8_t flags;
	const char *bytes;
	uint32_t missing;
	uint32_t at_ms;
	uint32_t ack;
};

#define F EAR_TCP_FIN
#define S EAR_TCP_SYN
#define R EAR_TCP_RST
#define A EAR_TCP_ACK
#define STOP              \
	{                 \
		.dir = -1 \
	}

static void run(struct ear_tcp *tcp, const struct step *s)
{
	struct ear_ip_unit u = {.proto = EAR_IP_TCP};
	struct ear_addr end[2] = {
		ear_addr_v4("\1\1\1\1", 1000), ear_addr_v4("\2\2\2\2", 2000)};

	u.src = end[s->dir];
	u.dst = end[!s->dir];
	u.seq = s->seq;
	u.ack = s->ack;
	u.tcp_flags = s->flags;
	u.payload = ear_slice_str(s->bytes);
	u.missing = s->missing;
	u.at_ns = EAR_SECOND_NS * 1000 + s->at_ms * EAR_MS_NS;
	ear_tcp_segment(tcp, &u);
}

/* Both directions write into one text; the last ends come from ear_tcp_end */
static const struct {
	const char *name;
	struct step steps[12];
	const char *want;
} rows[] = {
	{"in order",
		{{0, 10, S, ""}, {0, 11, A, "a\n"}, {0, 13, A, "b\n"}, STOP},
		"a\nb\n."},
	{"many in one", {{0, 10, 0, "a\nb\nc\n"}, STOP}, "a\nb\nc\n."},
	{"one in many",
		{{0, 10, 0, "a"}, {0, 11, 0, "b"}, {0, 12, 0, "c\nd"}, STOP},
		"abc\n{d}."},
	{"out of order",
		{{0, 10, 0, "a\n"}, {0, 14, 0, "c\n"}, {0, 16, 0, "d\n"},
			{0, 12, 0, "b\n"}, STOP},
		"a\nb\nc\nd\n."},
	{"out of order from the SYN on",
		{{0, 9, S, ""}, {0, 12, 0, "b\n"}, {0, 10, 0, "a\n"}, STOP},
		"a\nb\n."},
	{"repeated",
		{{0, 10, 0, "a\n"}, {0, 10, 0, "a\n"}, {0, 12, 0, "b\n"},
			{0, 10, 0, "a\nb\n"}, STOP},
		"a\nb\n."},
	{"what came first stands",
		{{0, 10, 0, "ab"}, {0, 10, 0, "XXcd\n"}, STOP}, "abcd\n."},
	{"overlap among those that wait",
		{{0, 10, 0, "ab"}, {0, 14, 0, "ef\n"}, {0, 13, 0, "dEF\n"},
			{0, 12, 0, "c"}, STOP},
		"abcdEF\n."},
	{"a copy of one that waits",
		{{0, 10, 0, "a\n"}, {0, 13, 0, "c\n"}, {0, 13, 0, "C\n"},
			{0, 12, 0, "b"}, STOP},
		"a\nbc\n."},
	{"a longer one at the same place",
		{{0, 10, 0, "a\n"}, {0, 13, 0, "c"}, {0, 13, 0, "cd\n"},
			{0, 12, 0, "b"}, STOP},
		"a\nbcd\n."},
	{"numbers wrap",
		{{0, 0xfffffffe, 0, "a\n"}, {0, 2, 0, "c\n"}, {0, 0, 0, "b\n"},
			STOP},
		"a\nb\nc\n."},
	{"keep-alive probe", {{0, 10, 0, "a\n"}, {0, 11, 0, "\n"}, STOP},
		"a\n."},
	{"lost, then the end", {{0, 10, 0, "a\nx"}, {0, 16, 0, "z\n"}, STOP},
		"a\n{x}<3>z\n."},
	{"lost, 10 s on",
		{{0, 10, 0, "a"}, {0, 12, 0, "c\n"},
			{0, 14, 0, "d\n", .at_ms = 11000}, STOP},
		"{a}<1>c\nd\n."},
	{"late but in time",
		{{0, 10, 0, "a"}, {0, 12, 0, "c\n"},
			{0, 11, 0, "b", .at_ms = 9000}, STOP},
		"abc\n."},
	{"lost and acknowledged",
		{{0, 10, 0, "a"}, {0, 12, 0, "c\n"}, {1, 5, A, "", .ack = 14},
			{1, 5, A, "r\n", .ack = 14, .at_ms = 101}, STOP},
		"{a}<1>c\nr\n.."},
	{"acknowledged, captured in a wrong order",
		{{0, 10, 0, "a"}, {0, 12, 0, "c\n"}, {1, 5, A, "", .ack = 14},
			{0, 11, 0, "b"}, STOP},
		"abc\n."},
	{"snap length",
		{{0, 10, 0, "ab", .missing = 3}, {0, 15, 0, "c\n"}, STOP},
		"{ab}<3>c\n."},
	{"snap length, sent again",
		{{0, 10, 0, "ab", .missing = 3}, {0, 10, 0, "ab", .missing = 3},
			{0, 15, 0, "c\n"}, STOP},
		"{ab}<3>c\n."},
	{"FIN",
		{{0, 10, 0, "a\nb"}, {0, 13, F | A, ""}, {1, 5, A, "r\n"},
			{0, 13, A, "never\n"}, STOP},
		"a\n{b}.r\n."},
	{"FIN before its turn",
		{{0, 10, 0, "a\n"}, {0, 14, F, "c\n"}, {0, 12, 0, "b\n"}, STOP},
		"a\nb\nc\n."},
	{"RST ends both",
		{{0, 10, 0, "a"}, {1, 50, 0, "r"}, {0, 11, R, ""},
			{1, 51, 0, "s\n"}, STOP},
		"{a}.{r}."},
	{"the ports again",
		{{0, 10, S, ""}, {0, 11, 0, "a\n"}, {0, 5000, S, ""},
			{0, 5001, 0, "b\n"}, STOP},
		"a\n.b\n."},
	{"SYN sent again",
		{{0, 10, S, ""}, {0, 11, 0, "a\n"}, {0, 10, S, ""},
			{0, 13, 0, "b\n"}, STOP},
		"a\nb\n."},
	{"the ports again, SYN not captured",
		{{0, 10, 0, "a\nx"}, {0, 90000000, 0, "b\n"}, STOP},
		"a\n{x}<0>.b\n."},
	{"after FIN, the ports again, SYN not captured",
		{{0, 10, F, "a\n"}, {0, 90000000, 0, "b\n"}, STOP}, "a\n.b\n."},
	{"SYN with bytes", {{0, 10, S, "a\n"}, {0, 13, 0, "b\n"}, STOP},
		"a\nb\n."},
	{"both ends",
		{{0, 10, S, ""}, {1, 90, S | A, "", .ack = 11},
			{0, 11, A, "a\n"}, {1, 91, A, "r\n"}, STOP},
		"a\nr\n.."},
	{"idle for 15 min",
		{{0, 10, 0, "a"}, {0, 11, 0, "b\n", .at_ms = 901000}, STOP},
		"{a}.b\n."},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ROWS(rows); i++) {
		static const struct ear_tcp_options options = {0};
		struct ear_buf got = {0};
		struct ear_slice want = ear_slice_str(rows[i].want);
		struct ear_tcp *tcp;

		assert_int_equal(
			ear_tcp_new(&options, &events, &got, &tcp), EAR_OK);
		for (const struct step *s = rows[i].steps; s->dir >= 0; s++)
			run(tcp, s);
		ear_tcp_end(tcp);
		assert_slice(rows[i].name, ear_buf_view(&got), want);
		ear_tcp_free(&tcp);
		ear_buf_fini(&got);
	}
	(void)state;
}

/* Every order of five segments gives the same stream. */
static void test_orders(void **state)
{
	static const char *part[5] = {"ab", "c\nd", "e", "f\n", "gh\n"};
	static const uint32_t seq[5] = {11, 13, 16, 17, 19};

	for (unsigned n = 0; n < 3125; n++) {
		static const struct ear_tcp_options options = {0};
		struct step s = {.seq = 10, .flags = S, .bytes = ""};
		struct ear_buf got = {0};
		struct ear_tcp *tcp;
		unsigned seen = 0;

		for (unsigned k = 0, v = n; k < 5; k++, v /= 5)
			seen |= 1u << v % 5;
		if (seen != 31)
			continue; /* no order: some segment never comes */
		assert_int_equal(
			ear_tcp_new(&options, &events, &got, &tcp), EAR_OK);
		run(tcp, &s);
		for (unsigned k = 0, v = n; k < 5; k++, v /= 5) {
			s = (struct step){
				.seq = seq[v % 5], .bytes = part[v % 5]};
			run(tcp, &s);
		}
		assert_slice(
			"order", ear_buf_view(&got), EAR_S("abc\ndef\ngh\n"));
		ear_tcp_free(&tcp);
		ear_buf_fini(&got);
	}
	(void)state;
}

/* What waits, or is never used, is given up at hold_bytes. */
static void test_hold(void **state)
{
	static const struct ear_tcp_options options = {.hold_bytes = 8};
	static const struct step unused[] = {{0, 10, 0, "aaaa"},
		{0, 14, 0, "bbbbb"}, {0, 19, 0, "c\n"}, STOP};
	static const struct step waiting[] = {{0, 10, 0, "a\n"},
		{0, 14, 0, "cccc"}, {0, 18, 0, "dddd\n"}, {0, 12, 0, "bb"},
		STOP};
	static const struct {
		const struct step *steps;
		const char *want;
	} cases[] = {
		{unused, "{aaaabbbbb}<0>c\n."}, {waiting, "a\n<2>ccccdddd\n."}};

	for (size_t i = 0; i < ROWS(cases); i++) {
		struct ear_buf got = {0};
		struct ear_tcp *tcp;

		assert_int_equal(
			ear_tcp_new(&options, &events, &got, &tcp), EAR_OK);
		for (const struct step *s = cases[i].steps; s->dir >= 0; s++)
			run(tcp, s);
		ear_tcp_end(tcp);
		assert_slice("hold", ear_buf_view(&got),
			ear_slice_str(cases[i].want));
		ear_tcp_free(&tcp);
		ear_buf_fini(&got);
	}
	(void)state;
}

/* Nobody may make us hold more than the limits say. */
static void check_bounds(size_t total_bytes)
{
	struct ear_tcp_options options = {.connections = 16,
		.hold_bytes = 1000,
		.total_bytes = total_bytes};
	struct ear_buf got = {.max = 1 << 20};
	struct ear_tcp_stats stats;
	struct ear_tcp *tcp;
	char bytes[101];

	memset(bytes, 'x', 100);
	bytes[100] = 0;
	assert_int_equal(ear_tcp_new(&options, &events, &got, &tcp), EAR_OK);
	for (uint32_t i = 0; i < 1000; i++) {
		struct ear_ip_unit u = {.proto = EAR_IP_TCP,
			.src = ear_addr_v4("\1\1\1\1", (uint16_t)(i % 40)),
			.dst = ear_addr_v4("\2\2\2\2", 5060),
			.seq = i * 150, /* each leaves a hole */
			.payload = ear_slice(bytes, 100)};

		ear_tcp_segment(tcp, &u);
		ear_tcp_stats(tcp, &stats);
		assert_in_range(stats.open, 0, 16);
		assert_in_range(stats.held_bytes, 0, total_bytes);
	}
	assert_true(stats.evicted > 0);
	ear_tcp_free(&tcp);
	ear_buf_fini(&got);
}

static void test_bounds(void **state)
{
	check_bounds(4000);
	check_bounds(1 << 20);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("proto/tcp", tests, NULL, NULL);
}
