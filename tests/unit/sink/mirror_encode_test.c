/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves, byte by byte, as Kamailio's readers want it. */
#include "unit/table.h"

#include "message/msg_hep.h"
#include "proto/siptrace.h"
#include "sink/mirror.h"

#define T 1313440459120000000ULL
#define HEAD                                     \
	"INVITE sip:bob@example.net SIP/2.0\r\n" \
	"Call-ID: c1\r\nCSeq: 1 INVITE\r\n"
#define SIP HEAD "Content-Length: 4\r\n\r\nbody"
#define X_HEADS                                     \
	"X-Siptrace-Fromip: udp:192.0.2.1:5060\r\n" \
	"X-Siptrace-Toip: udp:192.0.2.2:5061\r\n"   \
	"X-Siptrace-Time: 1313440459 120000\r\n"    \
	"X-Siptrace-Method: INVITE\r\nX-Siptrace-Dir: in\r\n"

static struct ear_addr addr(const char *text)
{
	struct ear_addr a;

	assert_int_equal(ear_addr_parse(ear_slice_str(text), &a), EAR_OK);
	return a;
}

static struct ear_msg message(void)
{
	return (struct ear_msg){
		.at_ns = T,
		.src = addr("192.0.2.1:5060"),
		.dst = addr("192.0.2.2:5061"),
		.transport = EAR_TR_UDP,
		.direction = EAR_DIR_IN,
		.proto = EAR_PROTO_SIP,
		.raw = EAR_S(SIP),
	};
}

static struct ear_mirror_options options(const char *to)
{
	return (struct ear_mirror_options){.to = to,
		.version = 3,
		.auth_key = "",
		.node = "",
		.correlation = "",
		.from = "",
		.local_address = "",
		.xheaders = true,
		.max_hops = 8,
		.ca = "",
		.certificate = "",
		.private_key = ""};
}

static enum ear_err encode(const struct ear_mirror_options *o,
	const struct ear_msg *msg, struct ear_buf *out)
{
	struct ear_fault fault = {0};
	struct ear_facts facts;
	struct ear_sink *sink;
	enum ear_err err;

	if (ear_mirror_new(o, &sink, &fault))
		fail_msg("%s", fault.text);
	ear_msg_facts(msg, &facts);
	ear_buf_reset(out);
	err = sink->ops->encode(sink, msg, &facts, NULL, out);
	if (err && err != EAR_LIMIT)
		assert_int_equal(out->n, 0);
	sink->ops->close(&sink);
	assert_null(sink);
	return err;
}

/* All chunks, in an order that every receiver takes. */
static void test_hep3(void **state)
{
	/* the first ten and the last as Kamailio has them; the rest is free */
	static const uint16_t first[] = {1, 2, 3, 4, 7, 8, 9, 0xa, 0xb, 0xc};
	static const uint16_t rest[] = {0x11, 0xe, 0x13, 0x4505, 0x4509, 0xf};
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message(), back = {0};
	struct ear_hep_walk walk;
	struct ear_hep_piece piece;
	struct ear_buf out = {0};
	struct ear_hep hep;
	unsigned seen = 0;
	uint16_t last = 0;
	size_t i = 0;

	o.auth_key = "secret";
	o.node = "edge";
	o.capture_id = 7;
	assert_int_equal(encode(&o, &m, &out), EAR_OK);
	walk = (struct ear_hep_walk){ear_buf_view(&out), EAR_HEP_HEAD};
	while (ear_hep_next(&walk, &piece)) {
		if (i < ROWS(first))
			assert_int_equal(piece.type, first[i]);
		for (size_t k = 0; k < ROWS(rest); k++)
			seen |= (unsigned)(piece.type == rest[k]) << k;
		last = piece.type;
		i++;
	}
	assert_int_equal(i, ROWS(first) + ROWS(rest));
	assert_int_equal(seen, (1u << ROWS(rest)) - 1);
	assert_int_equal(last, 0xf);
	assert_int_equal(ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
	assert_int_equal(hep.notes, 0);
	assert_int_equal(hep.packet.n, out.n);
	ear_msg_from_hep(&hep, &back);
	assert_true(back.at_ns == T);
	assert_true(ear_addr_eq(&back.src, &m.src));
	assert_true(ear_addr_eq(&back.dst, &m.dst));
	assert_int_equal(back.transport, EAR_TR_UDP);
	assert_int_equal(back.direction, EAR_DIR_IN);
	assert_int_equal(back.capture_id, 7);
	assert_slice("raw", back.raw, m.raw);
	assert_slice("node", back.node, EAR_S("edge"));
	assert_slice("correlation", back.correlation, EAR_S("c1"));
	assert_slice("key", ear_hep_value(&hep, EAR_HEP_KEY), EAR_S("secret"));
	ear_buf_fini(&out);
	(void)state;
}

static void test_transports(void **state)
{
	static const struct {
		uint8_t transport, ip_proto, legacy;
	} rows[] = {
		{EAR_TR_UDP, 17, 17},
		{EAR_TR_TCP, 6, 6},
		{EAR_TR_TLS, 6, 22},
		{EAR_TR_WS, 6, 22},
		{EAR_TR_WSS, 6, 22},
		{EAR_TR_SCTP, 132, 132},
		{EAR_TR_SECURE, 22, 22},
		{EAR_TR_UNKNOWN, 0, 0},
	};
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0};

	for (size_t i = 0; i < 2 * ROWS(rows); i++) {
		bool legacy = i % 2;
		struct ear_msg back = {0};
		struct ear_hep hep;

		m.transport = rows[i / 2].transport;
		o.legacy_tls = legacy;
		assert_int_equal(encode(&o, &m, &out), EAR_OK);
		assert_int_equal(
			ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
		assert_int_equal(hep.ip_proto,
			legacy ? rows[i / 2].legacy : rows[i / 2].ip_proto);
		ear_msg_from_hep(&hep, &back);
		assert_int_equal(back.transport, m.transport);
	}
	ear_buf_fini(&out);
	(void)state;
}

static void test_families(void **state)
{
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message(), back = {0};
	struct ear_buf out = {0};
	struct ear_hep hep;

	m.dst = addr("[2001:db8::2]:5061");
	for (int i = 0; i < 2; i++) { /* and again, as a relay does */
		assert_int_equal(encode(&o, &m, &out), EAR_OK);
		assert_int_equal(
			ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
		assert_int_equal(hep.notes, 0);
		assert_int_equal(hep.family, 10);
		assert_int_equal(ear_hep_number(&hep, EAR_HEP_MAPPED), 1);
		assert_int_equal(ear_hep_number(&hep, EAR_HEP_HOPS), 1);
		ear_msg_from_hep(&hep, &back);
		assert_true(ear_addr_eq(&back.src, &m.src));
		assert_true(ear_addr_eq(&back.dst, &m.dst));
	}
	ear_buf_fini(&out);
	(void)state;
}

static void test_addresses(void **state)
{
	static const char *const swaps[] = {
		"192.0.2.1:5060=198.51.100.1:6060", "192.0.2.2=198.51.100.2"};
	static const struct {
		const char *local;
		bool swap;
		uint8_t direction;
		const char *src, *dst;
		uint8_t transport;
	} rows[] = {
		{"", false, EAR_DIR_IN, "192.0.2.1:5060", "192.0.2.2:5061",
			EAR_TR_UDP},
		{"tcp:10.0.0.9:5070", false, EAR_DIR_IN, "192.0.2.1:5060",
			"10.0.0.9:5070", EAR_TR_UDP},
		{"tcp:10.0.0.9:5070", false, EAR_DIR_OUT, "10.0.0.9:5070",
			"192.0.2.2:5061", EAR_TR_TCP},
		{"10.0.0.9:5070", false, EAR_DIR_OUT, "10.0.0.9:5070",
			"192.0.2.2:5061", EAR_TR_UDP},
		{"tls:[::9]:5070", false, EAR_DIR_UNKNOWN, "192.0.2.1:5060",
			"192.0.2.2:5061", EAR_TR_UDP},
		{"", true, EAR_DIR_IN, "198.51.100.1:6060", "198.51.100.2:5061",
			EAR_TR_UDP},
		{"10.0.0.9:5070", true, EAR_DIR_IN, "198.51.100.1:6060",
			"10.0.0.9:5070", EAR_TR_UDP},
	};
	struct ear_buf out = {0};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_mirror_options o = options("hep:127.0.0.1");
		struct ear_msg m = message(), back = {0};
		struct ear_addr src = addr(rows[i].src),
				dst = addr(rows[i].dst);
		struct ear_hep hep;

		o.local_address = rows[i].local;
		o.advertise = swaps;
		o.n_advertise = rows[i].swap ? ROWS(swaps) : 0;
		m.direction = rows[i].direction;
		assert_int_equal(encode(&o, &m, &out), EAR_OK);
		assert_int_equal(
			ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
		ear_msg_from_hep(&hep, &back);
		if (!ear_addr_eq(&back.src, &src) ||
			!ear_addr_eq(&back.dst, &dst) ||
			back.transport != rows[i].transport)
			fail_msg("row %zu", i);
	}
	ear_buf_fini(&out);
	(void)state;
}

static void test_old(void **state)
{
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0};
	struct ear_hep hep;

	m.capture_id = 0x12345;
	for (uint32_t v = 1; v <= 2; v++) {
		o.version = v;
		o.auth_key = "secret";
		assert_int_equal(encode(&o, &m, &out), EAR_OK);
		assert_int_equal(
			ear_hep_read(ear_buf_view(&out), T, &hep), EAR_OK);
		assert_int_equal(hep.version, v);
		assert_slice("payload", hep.payload, m.raw);
		assert_true(hep.at_ns == (v == 2 ? T : 0));
		assert_int_equal(hep.capture_id, v == 2 ? 0x2345 : 0);
		assert_true(ear_addr_eq(&hep.src, &m.src));
	}
	m.proto = EAR_PROTO_LOG;
	assert_int_equal(encode(&o, &m, &out), EAR_UNSUPPORTED);
	ear_buf_fini(&out);
	(void)state;
}

static void test_log(void **state)
{
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0};
	struct ear_hep hep;

	m.proto = EAR_PROTO_LOG;
	m.correlation = EAR_S("k7");
	m.raw = EAR_S("call set up");
	assert_int_equal(encode(&o, &m, &out), EAR_OK);
	assert_int_equal(ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
	assert_int_equal(hep.payload_type, 100);
	assert_slice("text", hep.payload, m.raw);
	assert_slice(
		"id", ear_hep_value(&hep, EAR_HEP_CORRELATION), EAR_S("k7"));
	o.to = "sip:127.0.0.1";
	assert_int_equal(encode(&o, &m, &out), EAR_UNSUPPORTED);
	ear_buf_fini(&out);
	(void)state;
}

static void test_correlation(void **state)
{
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0};
	struct ear_hep hep;

	o.correlation = "{method}-{src.ip}";
	assert_int_equal(encode(&o, &m, &out), EAR_OK);
	assert_int_equal(ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
	assert_slice("template", ear_hep_value(&hep, EAR_HEP_CORRELATION),
		EAR_S("INVITE-192.0.2.1"));
	ear_buf_fini(&out);
	(void)state;
}

/* What is too long is cut, says so, and is told in a log frame behind. */
static void test_cut(void **state)
{
	static char raw[70000];
	struct ear_msg m = message();
	struct ear_buf out = {0};

	memset(raw, 'x', sizeof(raw));
	memcpy(raw, SIP, sizeof(SIP) - 1);
	m.raw = ear_slice(raw, sizeof(raw));
	for (int tcp = 0; tcp < 2; tcp++) {
		struct ear_mirror_options o = options(
			tcp ? "hep:127.0.0.1;transport=tcp" : "hep:127.0.0.1");
		struct ear_hep first, second;
		struct ear_slice all;

		assert_int_equal(encode(&o, &m, &out), EAR_LIMIT);
		all = ear_buf_view(&out);
		assert_int_equal(ear_hep_read(all, 0, &first), EAR_OK);
		assert_int_equal(first.packet.n, tcp ? 65535 : 65507);
		assert_int_equal(
			ear_hep_number(&first, EAR_HEP_WAS_BYTES), 70000);
		assert_int_equal(
			ear_hep_read(ear_slice_sub(all, first.packet.n, all.n),
				0, &second),
			EAR_OK);
		assert_int_equal(first.packet.n + second.packet.n, all.n);
		assert_int_equal(second.payload_type, 100);
		assert_slice("same",
			ear_hep_value(&second, EAR_HEP_CORRELATION),
			ear_hep_value(&first, EAR_HEP_CORRELATION));
	}
	ear_buf_fini(&out);
	(void)state;
}

static void test_sip(void **state)
{
	static const struct {
		const char *name;
		const char *in, *want;
	} rows[] = {
		{"added", SIP, HEAD "Content-Length: 4\r\n" X_HEADS "\r\nbody"},
		{"replaced",
			HEAD "Content-Length: 4\r\n"
			     "x-siptrace-fromip : tcp:1.1.1.1:1\r\n"
			     "X-Siptrace-Toip: tcp:1.1.1.1:1\r\n"
			     "X-Siptrace-Time: 1\r\n 1\r\n"
			     "X-Siptrace-Method: BYE\r\n"
			     "X-Siptrace-Dir: out\r\n"
			     "X-Earshot-Hops: 3\r\n\r\nbody",
			HEAD "Content-Length: 4\r\n" X_HEADS "\r\nbody"},
		{"others stay", HEAD "X-Siptrace-Other: 1\r\nXy: 2\r\n\r\n",
			HEAD "X-Siptrace-Other: 1\r\nXy: 2\r\n" X_HEADS "\r\n"},
	};
	struct ear_mirror_options o = options("sip:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0};

	for (size_t i = 0; i < ROWS(rows); i++) {
		m.raw = ear_slice_str(rows[i].in);
		o.xheaders = true;
		assert_int_equal(encode(&o, &m, &out), EAR_OK);
		assert_slice(rows[i].name, ear_buf_view(&out),
			ear_slice_str(rows[i].want));
	}
	m.raw = ear_slice_str(rows[1].in);
	o.xheaders = false;
	assert_int_equal(encode(&o, &m, &out), EAR_OK);
	assert_slice("taken away", ear_buf_view(&out), EAR_S(SIP));
	m.flags = EAR_MSG_RELAY;
	assert_int_equal(encode(&o, &m, &out), EAR_USAGE);
	m.flags = 0;
	m.raw = EAR_S(HEAD);
	assert_int_equal(encode(&o, &m, &out), EAR_USAGE);
	ear_buf_fini(&out);
	(void)state;
}

/* Fields of one envelope do not travel in another; a sender's own do. */
static void test_bare(void **state)
{
	const struct ear_slice with =
		EAR_S(HEAD "Content-Length: 4\r\n" X_HEADS "\r\nbody");
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0};
	struct ear_hep hep;

	(void)state;
	m.raw = with;
	assert_int_equal(encode(&o, &m, &out), EAR_OK);
	assert_int_equal(ear_hep_read(ear_buf_view(&out), T, &hep), EAR_OK);
	assert_slice("a sender's own", hep.payload, with);
	m.flags = EAR_MSG_XHEADERS;
	assert_int_equal(encode(&o, &m, &out), EAR_OK);
	assert_int_equal(ear_hep_read(ear_buf_view(&out), T, &hep), EAR_OK);
	assert_slice("an envelope's", hep.payload, EAR_S(SIP));
	ear_buf_fini(&out);
}

/* Kamailio's limits: 50 characters a value, 511 bytes all told. */
static void test_limits(void **state)
{
	struct ear_siptrace_out f = {
		.transport_from = EAR_S("sctp"),
		.src = addr("[2001:1db8:1111:2222:3333:4444:5555:6666]:65535"),
		.at_ns = UINT32_MAX * 1000000000ULL + 999999999,
		.method = EAR_S("ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEF"
				"GHIJKL"),
		.direction = EAR_S("outer"),
		.hops = 255,
	};
	struct ear_buf out = {0};

	f.dst = f.src;
	f.dst.port = 5060; /* just 50 characters, in brackets */
	assert_int_equal(
		ear_siptrace_write(EAR_S("A\r\n\r\n"), &f, &out), EAR_OK);
	assert_slice("longest", ear_buf_view(&out),
		EAR_S("A\r\n"
		      "X-Siptrace-Fromip: "
		      "sctp:2001:1db8:1111:2222:3333:4444:5555:6666:65535\r\n"
		      "X-Siptrace-Toip: "
		      "any:[2001:1db8:1111:2222:3333:4444:5555:6666]:5060\r\n"
		      "X-Siptrace-Time: 4294967295 999999\r\n"
		      "X-Siptrace-Method: ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFG"
		      "HIJABCDEFGHIJ\r\n"
		      "X-Siptrace-Dir: out\r\n"
		      "X-Earshot-Hops: 255\r\n\r\n"));
	assert_true(out.n < EAR_SIPTRACE_MAX);
	ear_buf_reset(&out);
	f = (struct ear_siptrace_out){.method = EAR_S("\x01 x")};
	assert_int_equal(
		ear_siptrace_write(EAR_S("A\r\n\r\n"), &f, &out), EAR_OK);
	assert_slice("nothing known", ear_buf_view(&out),
		EAR_S("A\r\n"
		      "X-Siptrace-Fromip: any:255.255.255.255:5060\r\n"
		      "X-Siptrace-Toip: any:255.255.255.255:5060\r\n"
		      "X-Siptrace-Time: 0 0\r\nX-Siptrace-Method: -\r\n"
		      "X-Siptrace-Dir: any\r\n\r\n"));
	ear_buf_fini(&out);
	(void)state;
}

static void test_stream_sip(void **state)
{
	static const struct {
		const char *in;
		enum ear_err want;
	} rows[] = {
		{SIP, EAR_OK},
		{HEAD "\r\n", EAR_OK},
		{HEAD "Content-Length: 3\r\n\r\nbody", EAR_USAGE},
		{HEAD "Content-Length: 5\r\n\r\nbody", EAR_USAGE},
		{HEAD "Content-Length: x\r\n\r\nbody", EAR_USAGE},
		{HEAD "\r\nbody", EAR_USAGE},
	};
	struct ear_mirror_options o = options("sip:127.0.0.1;transport=tcp");
	struct ear_msg m = message();
	struct ear_buf out = {0};

	for (size_t i = 0; i < ROWS(rows); i++) {
		m.raw = ear_slice_str(rows[i].in);
		if (encode(&o, &m, &out) != rows[i].want)
			fail_msg("row %zu", i);
	}
	ear_buf_fini(&out);
	(void)state;
}

/* A message goes round and round until the guard stops it. */
static void test_loop(void **state)
{
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0}, kept = {0};
	uint32_t times = 0;

	o.max_hops = 3;
	while (encode(&o, &m, &out) == EAR_OK && times < 10) {
		struct ear_hep hep;

		times++;
		assert_int_equal(
			ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
		assert_int_equal(ear_hep_number(&hep, EAR_HEP_HOPS), times);
		ear_buf_reset(&kept);
		ear_buf_slice(&kept, hep.extra);
		m.extra = ear_buf_view(&kept);
	}
	assert_int_equal(times, 3);
	o.to = "sip:127.0.0.1";
	assert_int_equal(encode(&o, &m, &out), EAR_USAGE);
	ear_buf_fini(&out);
	ear_buf_fini(&kept);
	(void)state;
}

/* A sender's traced users go on, its tables do not. */
/* HEP 1 and 2 have no hops: the same again and again is a loop. */
static void test_ring(void **state)
{
	static const struct {
		uint32_t version;
		uint64_t step_ns; /* between two captures, where carried */
		int most;
	} rows[] = {{2, 0, 2}, {1, 1000000000, 12}};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_mirror_options o = options("hep:127.0.0.1");
		struct ear_msg m = message(), other = message();
		struct ear_buf out = {0};
		struct ear_fault fault = {0};
		struct ear_facts facts;
		struct ear_sink *sink;

		o.version = rows[i].version;
		assert_int_equal(ear_mirror_new(&o, &sink, &fault), EAR_OK);
		ear_msg_facts(&m, &facts);
		m.seen_ns = other.seen_ns = T;
		for (int k = 0; k <= rows[i].most; k++) {
			assert_int_equal(
				sink->ops->encode(sink, &m, &facts, NULL, &out),
				k < rows[i].most ? EAR_OK : EAR_USAGE);
			m.at_ns += rows[i].step_ns;
			m.seen_ns += 1000000000;
		}
		/* between other addresses, or captured a moment later */
		other.dst = addr("192.0.2.9:5060");
		assert_int_equal(
			sink->ops->encode(sink, &other, &facts, NULL, &out),
			EAR_OK);
		other = m;
		other.at_ns += 1000;
		assert_int_equal(
			sink->ops->encode(sink, &other, &facts, NULL, &out),
			rows[i].version == 2 ? EAR_OK : EAR_USAGE);
		/* and not for ever */
		m.seen_ns += 301000000000;
		assert_int_equal(
			sink->ops->encode(sink, &m, &facts, NULL, &out),
			EAR_OK);
		sink->ops->close(&sink);
		ear_buf_fini(&out);
	}
	(void)state;
}

static void test_extra(void **state)
{
	struct ear_mirror_options o = options("hep:127.0.0.1");
	struct ear_msg m = message();
	struct ear_buf out = {0}, extra = {0};
	struct ear_hep hep;

	ear_hep_write_chunk(&extra, EAR_HEP_TRACED_USER, EAR_S("sara"));
	ear_hep_write_chunk(&extra, EAR_HEP_TABLE, EAR_S("t"));
	ear_hep_write_chunk(&extra, EAR_HEP_VLAN, EAR_S("\0\7"));
	m.extra = ear_buf_view(&extra);
	assert_int_equal(encode(&o, &m, &out), EAR_OK);
	assert_int_equal(ear_hep_read(ear_buf_view(&out), 0, &hep), EAR_OK);
	assert_slice("user", ear_hep_value(&hep, EAR_HEP_TRACED_USER),
		EAR_S("sara"));
	assert_int_equal(ear_hep_number(&hep, EAR_HEP_VLAN), 7);
	assert_int_equal(hep.chunk[EAR_HEP_TABLE].at, 0);
	ear_buf_fini(&out);
	ear_buf_fini(&extra);
	(void)state;
}

static void test_options(void **state)
{
	static const char *const bad_swap[] = {"10.0.0.1=name"};
	struct {
		const char *name;
		struct ear_mirror_options o;
	} rows[] = {
		{"to", options("http:x")},
		{"version", options("hep:127.0.0.1")},
		{"version", options("hep:127.0.0.1;transport=tcp")},
		{"from", options("hep:127.0.0.1")},
		{"local", options("hep:127.0.0.1")},
		{"advertise", options("hep:127.0.0.1")},
		{"field", options("hep:127.0.0.1")},
		{"key", options("hep:127.0.0.1;transport=tls")},
	};

	rows[1].o.version = 4;
	rows[2].o.version = 2;
	rows[3].o.from = "eth0";
	rows[4].o.local_address = "udp:here";
	rows[5].o.advertise = bad_swap;
	rows[5].o.n_advertise = 1;
	rows[6].o.correlation = "{no.such}";
	rows[7].o.certificate = "/nonexistent";
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_fault fault = {0};
		struct ear_sink *sink;

		if (ear_mirror_new(&rows[i].o, &sink, &fault) != EAR_USAGE)
			fail_msg("row %zu taken", i);
		assert_null(sink);
		if (!strstr(fault.text, rows[i].name) && i)
			fail_msg("row %zu: %s", i, fault.text);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hep3),
		cmocka_unit_test(test_transports),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_correlation),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_sip),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_stream_sip),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_extra),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
