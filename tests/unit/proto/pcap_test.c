/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "base/time.h"
#include "proto/ip_sum.h"
#include "proto/ip_walk.h"
#include "proto/pcap.h"
#include "proto/pcap_write.h"
#include "proto/sctp.h"

static void le32(struct ear_buf *b, uint32_t v)
{
	ear_buf_add(b, &v, 4); /* these tests run on little-endian machines */
}

static void block(struct ear_buf *b, uint32_t type, struct ear_slice body)
{
	uint32_t n = 12 + (((uint32_t)body.n + 3) & ~3u);

	le32(b, type);
	le32(b, n);
	ear_buf_slice(b, body);
	ear_buf_add(b, "\0\0\0", -body.n & 3);
	le32(b, n);
}

#define SHB                                                  \
	"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0" \
	"\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
#define IDB(resolution)                                             \
	"\1\0\0\0\x1c\0\0\0\x65\0\0\0\0\0\0\0\x09\0\1\0" resolution \
	"\0\0\0\x1c\0\0\0"
#define EPB(face, high, low)                                           \
	"\6\0\0\0\x24\0\0\0" face "\0\0\0" high low "\2\0\0\0\5\0\0\0" \
	"ab\0\0\x24\0\0\0"
#define CLASSIC "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\x65\0\0\0"
#define RECORD                             \
	"\1\0\0\0\2\0\0\0\2\0\0\0\5\0\0\0" \
	"ab"

/* What a reader gives, as text: "time:bytes/wire@offset;" and an error. */
static void read_all(struct ear_slice file, size_t step, struct ear_buf *out)
{
	struct ear_pcap p = {0};
	struct ear_fault fault = {0};
	size_t from = 0, to = 0;
	enum ear_err err = EAR_OK;

	while (!err || err == EAR_MORE) {
		struct ear_pcap_packet k;
		struct ear_slice in;
		char *copy;
		size_t used;

		if (err == EAR_MORE && to == file.n) {
			err = ear_pcap_end(&p, to - from, &fault);
			break;
		}
		if (err == EAR_MORE)
			to = to + step < file.n ? to + step : file.n;
		/* An exact copy, so that ASan sees a read past the window. */
		in = ear_slice_sub(file, from, to);
		copy = malloc(in.n ? in.n : 1);
		memcpy(copy, in.p, in.n);
		err = ear_pcap_next(
			&p, ear_slice(copy, in.n), &used, &k, &fault);
		from += used;
		if (!err)
			ear_buf_printf(out, "%llu:%.*s/%u@%llu;",
				(unsigned long long)k.at_ns, EAR_FMT(k.data),
				k.wire_bytes, (unsigned long long)k.offset);
		free(copy);
	}
	if (err)
		ear_buf_printf(out, "%s@%zu", ear_err_name(err), fault.offset);
	ear_pcap_fini(&p);
}

static void test_read(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		const char *want;
	} rows[] = {
		{"micro", EAR_S_INIT(CLASSIC RECORD RECORD),
			"1000002000:ab/5@24;1000002000:ab/5@42;"},
		{"nano",
			EAR_S_INIT("\x4d\x3c\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0"
				   "\0\0\4\0\x65\0\0\0" RECORD),
			"1000000002:ab/5@24;"},
		{"micro, swapped",
			EAR_S_INIT("\xa1\xb2\xc3\xd4\0\2\0\4\0\0\0\0\0\0\0\0"
				   "\0\4\0\0\0\0\0\x65"
				   "\0\0\0\1\0\0\0\2\0\0\0\2\0\0\0\5"
				   "ab"),
			"1000002000:ab/5@24;"},
		{"nano, swapped",
			EAR_S_INIT("\xa1\xb2\x3c\x4d\0\2\0\4\0\0\0\0\0\0\0\0"
				   "\0\4\0\0\0\0\0\x65"
				   "\0\0\0\1\0\0\0\2\0\0\0\2\0\0\0\5"
				   "ab"),
			"1000000002:ab/5@24;"},
		{"longer records",
			EAR_S_INIT("\x34\xcd\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0"
				   "\0\0\4\0\x65\0\0\0"
				   "\1\0\0\0\2\0\0\0\2\0\0\0\5\0\0\0"
				   "xxxxyyyyab"),
			"1000002000:ab/5@24;"},
		{"no packets", EAR_S_INIT(CLASSIC), ""},
		{"too long",
			EAR_S_INIT(CLASSIC RECORD
				"\1\0\0\0\2\0\0\0\1\0\x10\0\5\0\0\0"),
			"1000002000:ab/5@24;bad@42"},
		{"cut record", EAR_S_INIT(CLASSIC RECORD "\1\0\0"),
			"1000002000:ab/5@24;bad@42"},
		{"no capture", EAR_S_INIT("PK\3\4 some zip file"), "bad@0"},
		{"empty", EAR_S_INIT(""), "bad@0"},
		{"ng, micro",
			EAR_S_INIT(SHB IDB("\6")
					EPB("\0", "\0\0\0\0", "\1\0\0\0")),
			"1000:ab/5@56;"},
		{"ng, nano",
			EAR_S_INIT(SHB IDB("\x9")
					EPB("\0", "\1\0\0\0", "\1\0\0\0")),
			"4294967297:ab/5@56;"},
		{"ng, 2^-20 s",
			EAR_S_INIT(SHB IDB("\x94")
					EPB("\0", "\0\0\0\0", "\0\0\x10\0")),
			"1000000000:ab/5@56;"},
		{"ng, 10^-12 s",
			EAR_S_INIT(SHB IDB("\xc")
					EPB("\0", "\0\0\0\0", "\xd0\7\0\0")),
			"2:ab/5@56;"},
		{"ng, seconds beyond 64 bits of ns",
			EAR_S_INIT(SHB IDB("\0") EPB(
				"\0", "\xff\xff\xff\xff", "\0\0\0\0")),
			"0:ab/5@56;"},
		{"ng, 10^-127 s",
			EAR_S_INIT(SHB IDB("\x7f") EPB(
				"\0", "\xff\xff\xff\xff", "\0\0\0\0")),
			"0:ab/5@56;"},
		{"ng, unknown interface",
			EAR_S_INIT(SHB IDB("\6")
					EPB("\1", "\0\0\0\0", "\1\0\0\0")),
			"bad@56"},
		{"ng, interfaces end with their section",
			EAR_S_INIT(SHB IDB("\6")
					SHB EPB("\0", "\0\0\0\0", "\1\0\0\0")),
			"bad@84"},
		{"ng, unknown block",
			EAR_S_INIT(SHB "\x0d\xf0\xad\x0b\x10\0\0\0zzzz\x10\0\0"
				       "\0" IDB("\6") EPB(
					       "\0", "\0\0\0\0", "\1\0\0\0")),
			"1000:ab/5@72;"},
		{"ng, simple packet",
			EAR_S_INIT(SHB IDB("\6") "\3\0\0\0\x14\0\0\0\2\0\0\0"
						 "ab\0\0\x14\0\0\0"),
			"0:ab/2@56;"},
		{"ng, old packet",
			EAR_S_INIT(SHB IDB(
				"\6") "\2\0\0\0\x24\0\0\0\0\0\0\0\0\0\0\0\1\0"
				      "\0\0\2\0\0\0\5\0\0\0ab\0\0\x24\0\0\0"),
			"1000:ab/5@56;"},
		{"ng, packet longer than its block",
			EAR_S_INIT(SHB IDB(
				"\6") "\6\0\0\0\x24\0\0\0\0\0\0\0\0\0\0\0\1\0"
				      "\0\0\5\0\0\0\5\0\0\0ab\0\0\x24\0\0\0"),
			"bad@56"},
		{"ng, lengths differ",
			EAR_S_INIT(SHB IDB("\6") "\3\0\0\0\x14\0\0\0\2\0\0\0"
						 "ab\0\0\x18\0\0\0"),
			"bad@56"},
		{"ng, block of 8", EAR_S_INIT(SHB "\5\0\0\0\x8\0\0\0zzzz"),
			"bad@28"},
		{"ng, packet block of 4 GiB",
			EAR_S_INIT(SHB IDB("\6") "\6\0\0\0\xfc\xff\xff\xff"
						 "zzzz"),
			"bad@56"},
		{"ng, cut in an unknown block",
			EAR_S_INIT(SHB "\5\0\0\0\0\1\0\0zzzz"), "bad@40"},
		{"ng, no byte order",
			EAR_S_INIT("\x0a\x0d\x0d\x0a\x1c\0\0\0\1\2\3\4\1\0\0\0"
				   "\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0"
				   "\0"),
			"bad@0"},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		for (size_t step = 1; step <= 64; step *= 2) {
			struct ear_buf got = {0};

			read_all(rows[i].in, step, &got);
			assert_slice(rows[i].name, ear_buf_view(&got),
				ear_slice_str(rows[i].want));
			ear_buf_fini(&got);
		}
	}
	(void)state;
}

/* Every file, cut anywhere, ends in an error or between two packets. */
static void test_cut(void **state)
{
	static const char file[] = SHB IDB("\6") EPB(
		"\0", "\0\0\0\0", "\1\0\0\0") EPB("\0", "\0\0\0\0", "\1\0\0\0");

	for (size_t n = 0; n < sizeof(file); n++) {
		bool whole = n == 28 || n == 56 || n == 92 || n == 128;
		struct ear_buf got = {0};

		read_all(ear_slice(file, n), 16, &got);
		if (whole == (strstr(got.p ? got.p : "", "bad") != NULL))
			fail_msg("cut at %zu: %.*s", n, (int)got.n, got.p);
		ear_buf_fini(&got);
	}
	(void)state;
}

static void test_interface_limit(void **state)
{
	struct ear_pcap p = {0};
	struct ear_buf file = {0};
	struct ear_pcap_packet k;
	size_t used;

	ear_buf_slice(&file, EAR_S(SHB));
	for (uint32_t i = 0; i <= EAR_PCAP_INTERFACES_MAX; i++)
		block(&file, 1, EAR_S("\1\0\0\0\0\0\0\0"));
	assert_int_equal(
		ear_pcap_next(&p, ear_buf_view(&file), &used, &k, NULL),
		EAR_LIMIT);
	ear_pcap_fini(&p);
	ear_buf_fini(&file);
	(void)state;
}

struct back {
	struct ear_buf payload; /* of all packets, in order */
	size_t packets, messages;
	uint32_t next_seq;
	uint64_t at_ns;
	struct ear_addr src, dst;
	uint8_t proto;
};

static void on_lost(const struct ear_ip_unit *u, void *arg)
{
	fail_msg("a fragment was lost");
	(void)u;
	(void)arg;
}

static void on_sctp(const struct ear_ip_unit *u,
	const struct ear_sctp_message *m, void *arg)
{
	struct back *b = arg;

	ear_buf_slice(&b->payload, m->bytes);
	b->messages++;
	(void)u;
}

/* The transport's checksum over a whole IP packet must come out as zero. */
static void check_sums(struct ear_slice packet, const struct ear_ip *ip)
{
	size_t n = ip->version == 4 ? 4 : 16;
	uint64_t sum = ear_ip_sum_add(0, ear_slice(ip->src.ip, n));

	if (ip->version == 4)
		assert_int_equal(ear_ip_sum_end(ear_ip_sum_add(
					 0, ear_slice_sub(packet, 0, 20))),
			0);
	if (ip->fragment || ip->proto == EAR_IP_SCTP)
		return;
	sum = ear_ip_sum_add(sum, ear_slice(ip->dst.ip, n));
	sum += ip->proto + ip->payload.n;
	assert_int_equal(ear_ip_sum_end(ear_ip_sum_add(sum, ip->payload)), 0);
}

static void read_back(struct ear_slice file, struct back *b)
{
	struct ear_pcap p = {0};
	struct ear_ip_walk *walk;
	struct ear_sctp *sctp;
	struct ear_pcap_packet k;
	size_t used;

	assert_int_equal(ear_ip_walk_new(on_lost, b, &walk), EAR_OK);
	assert_int_equal(ear_sctp_new(on_sctp, b, &sctp), EAR_OK);
	while (!ear_pcap_next(&p, file, &used, &k, NULL)) {
		struct ear_ip_unit u;
		struct ear_ip ip;
		enum ear_err err;

		file = ear_slice_sub(file, used, file.n);
		b->packets++;
		assert_int_equal(ear_ip_parse(k.data, &ip), EAR_OK);
		assert_int_equal(ip.missing, 0);
		check_sums(k.data, &ip);
		err = ear_ip_walk_frame(walk, k.link, k.at_ns, k.data, &u);
		if (err == EAR_MORE)
			continue;
		assert_int_equal(err, EAR_OK);
		b->at_ns = u.at_ns;
		b->src = u.src;
		b->dst = u.dst;
		b->proto = u.proto;
		if (u.proto == EAR_IP_SCTP) {
			ear_sctp_packet(sctp, &u);
			continue;
		}
		if (u.proto == EAR_IP_TCP && b->next_seq)
			assert_int_equal(u.seq, b->next_seq);
		b->next_seq = u.seq + (uint32_t)u.payload.n;
		ear_buf_slice(&b->payload, u.payload);
	}
	assert_int_equal(ear_pcap_end(&p, file.n, NULL), EAR_OK);
	ear_pcap_fini(&p);
	ear_sctp_free(&sctp);
	ear_ip_walk_free(&walk);
}

static void test_write(void **state)
{
	static const struct {
		uint8_t ip_proto;
		bool v6;
		uint16_t mtu;
		size_t bytes;
		uint8_t want;
	} rows[] = {
		{17, false, 0, 0, 17},
		{17, false, 0, 1, 17},
		{17, false, 0, 65507, 17},
		{17, false, 0, 65508, 6},
		{17, true, 0, 3001, 17},
		{17, true, 0, 65507, 17},
		{17, false, 1500, 1472, 17},
		{17, false, 1500, 1473, 17},
		{17, false, 1500, 60001, 17},
		{17, true, 1500, 60001, 17},
		{17, false, 1, 5000, 17},
		{6, false, 0, 500, 6},
		{6, false, 0, 200000, 6},
		{6, true, 1500, 5001, 6},
		{6, false, 0, 0, 6},
		{132, false, 0, 501, 132},
		{132, true, 1500, 5002, 132},
		{132, false, 0, 70000, 132},
		{0, false, 0, 10, 17},
	};
	static char payload[200000];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_pcap_write_options options = {.mtu = rows[i].mtu};
		struct ear_pcap_write m = {.at_ns = 1795348800123456789ULL,
			.ip_proto = rows[i].ip_proto,
			.payload = ear_slice(payload, rows[i].bytes)};
		struct ear_pcap_writer *w;
		struct ear_buf out = {0};
		struct back b = {0};

		m.src = rows[i].v6 ? ear_addr_v6("\x20\1\xd\xb8\0\0\0\0\0\0\0\0"
						 "\0\0\0\1",
					     5060)
				   : ear_addr_v4("\xc0\0\2\1", 5060);
		m.dst = rows[i].v6 ? m.src : ear_addr_v4("\xc0\0\2\2", 5061);
		m.dst.port = 5061;
		assert_int_equal(ear_pcap_writer_new(&options, &w), EAR_OK);
		ear_pcap_writer_begin(w, &out);
		ear_pcap_writer_add(w, &m, &out);
		ear_pcap_writer_add(w, &m, &out);
		assert_int_equal(out.err, EAR_OK);
		read_back(ear_buf_view(&out), &b);
		if (b.proto != rows[i].want || b.at_ns != m.at_ns ||
			!ear_addr_eq(&b.src, &m.src) ||
			!ear_addr_eq(&b.dst, &m.dst))
			fail_msg("row %zu: proto %u", i, b.proto);
		assert_int_equal(b.payload.n, 2 * rows[i].bytes);
		assert_memory_equal(
			b.payload.p ? b.payload.p : "", payload, rows[i].bytes);
		assert_memory_equal(
			(b.payload.p ? b.payload.p : "") + rows[i].bytes,
			payload, rows[i].bytes);
		ear_buf_fini(&b.payload);
		ear_buf_fini(&out);
		ear_pcap_writer_free(&w);
	}
	(void)state;
}

/* Unknown and mixed addresses, microseconds. */
static void test_write_odd(void **state)
{
	struct ear_pcap_write_options options = {.micro = true};
	struct ear_pcap_write m = {.at_ns = 1999, .ip_proto = 17};
	struct ear_pcap_writer *w;
	struct ear_buf out = {0};
	struct back b = {0};

	assert_int_equal(ear_pcap_writer_new(&options, &w), EAR_OK);
	ear_pcap_writer_begin(w, &out);
	ear_pcap_writer_add(w, &m, &out);
	read_back(ear_buf_view(&out), &b);
	assert_int_equal(b.at_ns, 1000);
	assert_int_equal(b.src.family, 4);
	out.n = 24;
	m.src = ear_addr_v4("\1\2\3\4", 1);
	m.dst = ear_addr_v6("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 2);
	ear_pcap_writer_add(w, &m, &out);
	read_back(ear_buf_view(&out), &b);
	assert_int_equal(b.src.family, 6);
	assert_memory_equal(b.src.ip + 10, "\xff\xff\1\2\3\4", 6);
	ear_buf_fini(&out);
	ear_buf_fini(&b.payload);
	ear_pcap_writer_free(&w);
	(void)state;
}

/* A truncated message leaves a hole, so that the next is seen as the next. */
static void test_write_hole(void **state)
{
	static const struct ear_pcap_write_options options = {0};
	struct ear_pcap_write m = {
		.ip_proto = 6, .missing = 1000, .payload = EAR_S_INIT("cut")};
	struct ear_pcap_writer *w;
	struct ear_buf out = {0};
	uint32_t seq[2];

	assert_int_equal(ear_pcap_writer_new(&options, &w), EAR_OK);
	for (int i = 0; i < 2; i++) {
		const uint8_t *tcp;

		ear_buf_reset(&out);
		ear_pcap_writer_add(w, &m, &out);
		tcp = (const uint8_t *)out.p + 16 + 20;
		seq[i] = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 |
			 (uint32_t)tcp[6] << 8 | tcp[7];
	}
	assert_int_equal(seq[1] - seq[0], 1003);
	ear_pcap_writer_free(&w);
	ear_buf_fini(&out);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_interface_limit),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_odd),
		cmocka_unit_test(test_write_hole),
	};

	return cmocka_run_group_tests_name("proto/pcap", tests, NULL, NULL);
}
