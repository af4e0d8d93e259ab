/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/time.h"
#include "proto/ip_frag.h"
#include "proto/ip_sum.h"
#include "proto/link.h"
#include "proto/pcap.h"

#define IP4 "\x45\0\0\x1c\0\1\0\0\x40\x11\0\0\1\1\1\1\2\2\2\2"
#define P(bytes) EAR_S_INIT(bytes)

static void test_link(void **state)
{
#define MACS "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc"
	static const struct {
		const char *name;
		uint32_t link;
		struct ear_slice in;
		enum ear_err want;
		uint32_t ether;
		size_t at; /* where the packet begins */
	} rows[] = {
		{"ethernet", 1,
			P(MACS "\x08\0"
			       "E"),
			EAR_OK, 0x800, 14},
		{"ethernet, v6", 1,
			P(MACS "\x86\xdd"
			       "`"),
			EAR_OK, 0x86dd, 14},
		{"ethernet, arp", 1,
			P(MACS "\x08\x06"
			       "x"),
			EAR_OK, 0x806, 14},
		{"vlan", 1,
			P(MACS "\x81\0\0\5\x08\0"
			       "E"),
			EAR_OK, 0x800, 18},
		{"qinq", 1,
			P(MACS "\x88\xa8\0\5\x81\0\0\6\x08\0"
			       "E"),
			EAR_OK, 0x800, 22},
		{"nine tags", 1,
			P(MACS "\x81\0\0\0\x81\0\0\0\x81\0\0\0\x81\0\0\0\x81\0"
			       "\0\0\x81\0\0\0\x81\0\0\0\x81\0\0\0\x81\0\0\0"
			       "\x08\0"
			       "E"),
			EAR_BAD, 0, 0},
		{"vlan, cut", 1, P(MACS "\x81\0\0"), EAR_BAD, 0, 0},
		{"llc snap", 1,
			P(MACS "\0\x20\xaa\xaa\x03\0\0\0\x08\0"
			       "E"),
			EAR_OK, 0x800, 22},
		{"mpls, two labels", 1,
			P(MACS "\x88\x47\0\0\0\0\0\0\1\0"
			       "E"),
			EAR_OK, 0x800, 22},
		{"mpls, never ends", 1, P(MACS "\x88\x47\0\0\0\0\0\0\0\0"),
			EAR_BAD, 0, 0},
		{"pppoe", 1,
			P(MACS "\x88\x64\x11\0\0\1\0\3\0\x21"
			       "E"),
			EAR_OK, 0x800, 22},
		{"ethernet, cut", 1, P("\1\2\3"), EAR_BAD, 0, 0},
		{"ppp", 9,
			P("\xff\x03\0\x57"
			  "`"),
			EAR_OK, 0x86dd, 4},
		{"ppp, short form", 9,
			P("\x21"
			  "E"),
			EAR_OK, 0x800, 1},
		{"raw 12", 12, P("E"), EAR_OK, 0x800, 0},
		{"raw 14", 14, P("`"), EAR_OK, 0x86dd, 0},
		{"raw 101", 101, P("E"), EAR_OK, 0x800, 0},
		{"raw, empty", 101, P(""), EAR_BAD, 0, 0},
		{"raw, neither", 101, P("\x10"), EAR_OK, 0, 0},
		{"ipv4", 228, P("E"), EAR_OK, 0x800, 0},
		{"ipv6", 229, P("`"), EAR_OK, 0x86dd, 0},
		{"null, little", 0,
			P("\2\0\0\0"
			  "E"),
			EAR_OK, 0x800, 4},
		{"null, big", 0,
			P("\0\0\0\2"
			  "E"),
			EAR_OK, 0x800, 4},
		{"null, macOS v6", 0,
			P("\x1e\0\0\0"
			  "`"),
			EAR_OK, 0x86dd, 4},
		{"null, FreeBSD v6", 0,
			P("\x1c\0\0\0"
			  "`"),
			EAR_OK, 0x86dd, 4},
		{"loop", 108,
			P("\0\0\0\x18"
			  "`"),
			EAR_OK, 0x86dd, 4},
		{"loop, cut", 108, P("\0\0\0"), EAR_BAD, 0, 0},
		{"sll", 113,
			P("\0\0\0\1\0\6\1\2\3\4\5\6\0\0\x08\0"
			  "E"),
			EAR_OK, 0x800, 16},
		{"sll2", 276,
			P("\x86\xdd\0\0\0\0\0\1\0\1\0\6\1\2\3\4\5\6\0\0"
			  "`"),
			EAR_OK, 0x86dd, 20},
		{"usb", 189, P("x"), EAR_UNSUPPORTED, 0, 0},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice in = rows[i].in, packet;
		uint32_t ether = 0;
		enum ear_err err =
			ear_link_open(rows[i].link, in, &ether, &packet);

		if (err != rows[i].want ||
			(!err && (ether != rows[i].ether ||
					 packet.p != in.p + rows[i].at)))
			fail_msg("%s: %d, ether %x", rows[i].name, err, ether);
	}
	(void)state;
}

static void test_parse(void **state)
{
#define A6 "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define V6(len, next) "\x60\0\0\0\0" len next "\x40" A6 A6
	static const struct {
		const char *name;
		struct ear_slice in;
		enum ear_err want;
		uint8_t proto;
		const char *payload;
		uint32_t missing;
		bool fragment;
	} rows[] = {
		{"v4", P(IP4 "12345678"), EAR_OK, 17, "12345678"},
		{"v4, padding", P(IP4 "12345678pad"), EAR_OK, 17, "12345678"},
		{"v4, cut", P(IP4 "123"), EAR_OK, 17, "123", 5},
		{"v4, options",
			P("\x46\0\0\x1a\0\1\0\0\x40\x11\0\0\1\1\1\1\2\2\2\2"
			  "\1\1\1\1"
			  "ab"),
			EAR_OK, 17, "ab"},
		{"v4, total 0",
			P("\x45\0\0\0\0\1\0\0\x40\x11\0\0\1\1\1\1"
			  "\2\2\2\2"
			  "ab"),
			EAR_OK, 17, "ab"},
		{"v4, fragment",
			P("\x45\0\0\x1c\0\1\x20\0\x40\x11\0\0\1\1\1\1"
			  "\2\2\2\2"
			  "12345678"),
			EAR_OK, 17, "12345678", 0, true},
		{"v4, AH",
			P("\x45\0\0\x22\0\1\0\0\x40\x33\0\0\1\1\1\1\2\2\2\2"
			  "\x11\1\0\0SPI_SEQN"
			  "ab"),
			EAR_OK, 17, "ab"},
		{"v4, header too short",
			P("\x44\0\0\x14\0\1\0\0\x40\x11\0\0\1\1\1\1\2\2\2\2"),
			EAR_BAD},
		{"v4, total below header",
			P("\x45\0\0\x13\0\1\0\0\x40\x11\0\0\1\1\1\1\2\2\2\2"),
			EAR_BAD},
		{"v4, cut header", P("\x45\0\0\x1c\0\1\0\0\x40\x11"), EAR_BAD},
		{"v6", P(V6("\2", "\x11") "ab"), EAR_OK, 17, "ab"},
		{"v6, cut", P(V6("\5", "\x11") "ab"), EAR_OK, 17, "ab", 3},
		{"v6, hop by hop",
			P(V6("\xa", "\0") "\x11\0\1\4\0\0\0\0"
					  "ab"),
			EAR_OK, 17, "ab"},
		{"v6, three in a row",
			P(V6("\x1a", "\0") "\x3c\0\1\4\0\0\0\0"
					   "\x2b\0\1\4\0\0\0\0"
					   "\x11\0\0\0\0\0\0\0"
					   "ab"),
			EAR_OK, 17, "ab"},
		{"v6, first fragment",
			P(V6("\xa", "\x2c") "\x11\0\0\1\0\0\0\7"
					    "ab"),
			EAR_OK, 17, "ab", 0, true},
		{"v6, atomic fragment",
			P(V6("\xa", "\x2c") "\x11\0\0\0\0\0\0\7"
					    "ab"),
			EAR_OK, 17, "ab", 0, false},
		{"v6, extension too long",
			P(V6("\xa", "\0") "\x11\5\1\4\0\0\0\0"
					  "ab"),
			EAR_BAD},
		{"v6, extension cut", P(V6("\1", "\0") "\x11"), EAR_BAD},
		{"v7", P("\x70xxx"), EAR_BAD},
		{"empty", P(""), EAR_BAD},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_ip ip;
		enum ear_err err = ear_ip_parse(rows[i].in, &ip);

		if (err != rows[i].want)
			fail_msg("%s: %d", rows[i].name, err);
		if (err)
			continue;
		assert_slice(rows[i].name, ip.payload,
			ear_slice_str(rows[i].payload));
		if (ip.proto != rows[i].proto ||
			ip.missing != rows[i].missing ||
			ip.fragment != rows[i].fragment)
			fail_msg("%s: proto %u missing %u", rows[i].name,
				ip.proto, ip.missing);
	}
	(void)state;
}

struct piece {
	uint32_t at;
	const char *bytes; /* NULL ends */
	bool more;
	uint32_t missing;
	uint64_t s;
};

static void on_lost(const struct ear_ip *ip, uint64_t at_ns, void *arg)
{
	ear_buf_printf(arg, "lost %.*s/%u;", EAR_FMT(ip->payload), ip->missing);
	(void)at_ns;
}

static void add(struct ear_ip_frag *f, const struct piece *p, uint32_t id,
	struct ear_buf *out)
{
	struct ear_ip ip = {.version = 4,
		.src = ear_addr_v4("\1\1\1\1", 0),
		.dst = ear_addr_v4("\2\2\2\2", 0),
		.proto = 17,
		.fragment = true,
		.more = p->more,
		.id = id,
		.fragment_at = p->at,
		.missing = p->missing};
	char *copy = strdup(p->bytes);

	ip.payload = ear_slice_str(copy);
	switch (ear_ip_frag_add(f, &ip, EAR_SECOND_NS * (1000 + p->s))) {
	case EAR_OK: ear_buf_printf(out, "%.*s;", EAR_FMT(ip.payload)); break;
	case EAR_MORE: break;
	default: ear_buf_str(out, "bad;"); break;
	}
	free(copy);
}

static void test_fragments(void **state)
{
	static const struct {
		const char *name;
		struct piece pieces[6];
		const char *want;
	} rows[] = {
		{"in order", {{0, "aaaaaaaa", 1}, {8, "bbb"}}, "aaaaaaaabbb;"},
		{"reversed",
			{{16, "c"}, {8, "bbbbbbbb", 1}, {0, "aaaaaaaa", 1}},
			"aaaaaaaabbbbbbbbc;"},
		{"each twice",
			{{0, "aaaaaaaa", 1}, {0, "aaaaaaaa", 1}, {8, "bbb"},
				{8, "bbb"}},
			"aaaaaaaabbb;"},
		{"the first bytes stand",
			{{0, "aaaaaaaa", 1}, {0, "XXXXXXXXbbbbbbbb", 1},
				{16, "c"}},
			"aaaaaaaabbbbbbbbc;"},
		{"a hole", {{0, "aaaaaaaa", 1}, {16, "c"}}, "lost aaaaaaaa/9;"},
		{"no head", {{8, "bbbbbbbb", 1}, {16, "c"}}, "lost /17;"},
		{"no tail", {{0, "aaaaaaaa", 1}, {8, "bbbbbbbb", 1}},
			"lost aaaaaaaabbbbbbbb/1;"},
		{"two ends",
			{{0, "aaaaaaaa", 1}, {16, "c"}, {8, "bbb"},
				{8, "bbbbbbbb", 1}},
			"bad;aaaaaaaabbbbbbbbc;"},
		{"beyond the end",
			{{0, "aaaaaaaa", 1}, {16, "c"}, {24, "dddddddd", 1},
				{8, "bbbbbbbb", 1}},
			"bad;aaaaaaaabbbbbbbbc;"},
		{"an end before what is there",
			{{16, "cccccccc", 1}, {8, "b"}, {0, "aaaaaaaa", 1}},
			"bad;lost aaaaaaaa/1;"},
		{"no multiple of 8", {{0, "aaaaa", 1}}, "bad;"},
		{"too long", {{65528, "aaaaaaaaaaaaaaaa"}}, "bad;"},
		{"empty", {{8, ""}}, "bad;"},
		{"cut by the snap length",
			{{0, "aaaaaaaaxx", 1, .missing = 6}, {16, "c"}},
			"lost aaaaaaaa/9;"},
		{"after 30 s", {{0, "aaaaaaaa", 1}, {8, "bbb", .s = 31}},
			"lost aaaaaaaa/1;lost /11;"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_buf got = {0};
		struct ear_ip_frag *f;

		assert_int_equal(ear_ip_frag_new(on_lost, &got, &f), EAR_OK);
		for (const struct piece *p = rows[i].pieces; p->bytes; p++)
			add(f, p, 7, &got);
		ear_ip_frag_expire(f, UINT64_MAX);
		/* Which of two is given up first does not matter here. */
		if (!strstr(rows[i].name, "after"))
			assert_slice(rows[i].name, ear_buf_view(&got),
				ear_slice_str(rows[i].want));
		else
			assert_int_equal(got.n, strlen(rows[i].want));
		ear_ip_frag_free(&f);
		ear_buf_fini(&got);
	}
	(void)state;
}

/* 100,000 heads without a tail: the oldest go, none of them is kept twice. */
static void test_flood(void **state)
{
	const struct piece head = {65520, "aaaaaaaa", 1};
	struct ear_buf got = {.max = 64 << 20};
	struct ear_ip_frag *f;
	size_t lost = 0;

	assert_int_equal(ear_ip_frag_new(on_lost, &got, &f), EAR_OK);
	for (uint32_t i = 0; i < 100000; i++)
		add(f, &head, i, &got);
	ear_ip_frag_expire(f, UINT64_MAX);
	for (size_t i = 0; i < got.n; i++)
		lost += got.p[i] == ';';
	assert_int_equal(lost, 100000);
	ear_ip_frag_free(&f);
	ear_buf_fini(&got);
	(void)state;
}

static void test_sums(void **state)
{
	/* RFC 1071 s3; RFC 3720 B.4 for CRC32c */
	static const char bytes[] = "\0\1\xf2\3\xf4\xf5\xf6\xf7";

	assert_int_equal(
		ear_ip_sum_end(ear_ip_sum_add(0, ear_slice(bytes, 8))), 0x220d);
	assert_int_equal(ear_crc32c(EAR_S("123456789")), 0xe3069283);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests_name("proto/ip", tests, NULL, NULL);
}
