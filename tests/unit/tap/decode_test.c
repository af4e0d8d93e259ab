/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/pack.h"

#include <stdlib.h>

#include "base/log.h"
#include "proto/hep_write.h"
#include "tap/decode.h"
#include "tap/siptrace.h"
#include "tap/sort.h"

/* 2026-11-22 12:00:00 UTC */
#define NOW (1795348800ULL * 1000000000ULL)
#define SIP "OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"

/* What came out, the bytes copied where a test looks at them. */
struct heard {
	size_t messages;
	struct ear_msg last;
	char raw[256 << 10];
	char note[4096];
	char extra[70000];
};

static struct ear_slice copy(char *room, struct ear_slice s)
{
	if (s.n)
		memcpy(room, s.p, s.n);
	return ear_slice(room, s.n);
}

static void on_message(const struct ear_msg *msg, void *arg)
{
	struct heard *h = arg;

	h->messages++;
	h->last = *msg;
	h->last.raw = copy(h->raw, msg->raw);
	h->last.note = copy(h->note, msg->note);
	h->last.extra = copy(h->extra, msg->extra);
}

struct world {
	struct ear_ledger *ledger;
	struct ear_tally *tally;
	struct ear_decoder *decoder;
	struct heard heard;
	struct ear_unit unit;
	struct ear_slice key;
	struct ear_buf b;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || ear_ledger_new(16, &w->ledger) ||
		ear_decoder_new(&w->decoder))
		return -1;
	w->tally = ear_ledger_line(w->ledger, EAR_S("hep"), EAR_S("s"));
	w->unit = (struct ear_unit){
		.kind = EAR_UNIT_DATAGRAM,
		.transport = EAR_TR_UDP,
		.units = 1,
		.seen_ns = NOW,
	};
	(void)!ear_addr_parse(EAR_S("198.51.100.7:4000"), &w->unit.from);
	(void)!ear_addr_parse(EAR_S("127.0.0.1:9060"), &w->unit.to);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	ear_decoder_free(&w->decoder);
	ear_ledger_free(&w->ledger);
	ear_buf_fini(&w->b);
	free(w);
	return 0;
}

/*
 * Decode an exact-size copy; gives how many messages came. Whatever the bytes
 * are, the sums must meet.
 */
static size_t decode(struct world *w, struct ear_slice bytes)
{
	uint64_t before[EAR_N_COUNT], after[EAR_N_COUNT];
	char *p = malloc(bytes.n + 1);
	int64_t open;

	assert_non_null(p);
	if (bytes.n)
		memcpy(p, bytes.p, bytes.n);
	ear_ledger_sum(w->ledger, before);
	w->heard.messages = 0;
	ear_tally_add(w->tally, EAR_N_RECEIVED, w->unit.units, NOW);
	ear_decode(w->decoder, &w->unit, ear_slice(p, bytes.n), EAR_S("tap"),
		w->key, w->tally, on_message, &w->heard);
	ear_tally_add(w->tally, EAR_N_STORED, w->heard.messages, NOW);
	ear_ledger_sum(w->ledger, after);
	open = ear_ledger_open(after) - ear_ledger_open(before);
	if (open)
		fail_msg("sums do not meet by %ld", (long)open);
	free(p);
	return w->heard.messages;
}

static uint64_t counted(struct world *w, enum ear_count c)
{
	uint64_t n[EAR_N_COUNT];

	ear_ledger_sum(w->ledger, n);
	return n[c];
}

static struct ear_hep_out packet(uint8_t version, struct ear_slice payload)
{
	struct ear_hep_out out = {
		.version = version,
		.ip_proto = 6,
		.payload_type = EAR_HEP_TYPE_SIP,
		.capture_id = 42,
		.at_ns = NOW - 5000000000ULL,
		.payload = payload,
	};

	(void)!ear_addr_parse(EAR_S("192.0.2.1:5060"), &out.src);
	(void)!ear_addr_parse(EAR_S("192.0.2.2:5070"), &out.dst);
	return out;
}

static struct ear_slice wire(struct world *w, const struct ear_hep_out *out)
{
	ear_buf_reset(&w->b);
	assert_int_equal(ear_hep_write(out, &w->b), EAR_OK);
	return ear_buf_view(&w->b);
}

/* A HEP3 packet of single chunks: for what the writer would not write. */
static void chunk(struct world *w, uint16_t type, const void *p, size_t n)
{
	ear_buf_be16(&w->b, 0);
	ear_buf_be16(&w->b, type);
	ear_buf_be16(&w->b, (uint16_t)(n + 6));
	ear_buf_add(&w->b, p, n);
}

static void begin(struct world *w)
{
	ear_buf_reset(&w->b);
	ear_buf_add(&w->b, "HEP3\0", 6);
}

static struct ear_slice end(struct world *w)
{
	w->b.p[4] = (char)(w->b.n >> 8);
	w->b.p[5] = (char)w->b.n;
	return ear_buf_view(&w->b);
}

static bool noted(const struct world *w, const char *rule)
{
	struct ear_slice note = w->heard.last.note;

	return ear_slice_find(note, ear_slice_str(rule)) < note.n;
}

static void test_sort(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		enum ear_sort want;
	} rows[] = {
		{"empty", EAR_S_INIT(""), EAR_SORT_KEEPALIVE},
		{"crlf", EAR_S_INIT("\r\n\r\n"), EAR_SORT_KEEPALIVE},
		{"nul", EAR_S_INIT("\0\0\0\0"), EAR_SORT_KEEPALIVE},
		{"stun",
			EAR_S_INIT("\0\x01\0\0\x21\x12\xa4\x42"
				   "abcdefghijkl"),
			EAR_SORT_KEEPALIVE},
		{"stun 3489",
			EAR_S_INIT("\x01\x01\0\x04"
				   "abcdefghijklmnopqrst"),
			EAR_SORT_KEEPALIVE},
		{"stun cut",
			EAR_S_INIT("\0\x01\0\0\x21\x12\xa4\x42"
				   "abcdefghijk"),
			EAR_SORT_JUNK},
		{"request", EAR_S_INIT(SIP), EAR_SORT_SIP},
		{"reply", EAR_S_INIT("SIP/2.0 200 OK\r\n\r\n"), EAR_SORT_SIP},
		{"after crlf", EAR_S_INIT("\r\n\r\n" SIP), EAR_SORT_SIP},
		{"http", EAR_S_INIT("GET / HTTP/1.1\r\n\r\n"), EAR_SORT_JUNK},
		{"hep3", EAR_S_INIT("HEP3\0\x06"), EAR_SORT_HEP},
		{"eep3", EAR_S_INIT("EEP3\0\x06"), EAR_SORT_HEP},
		{"hep1",
			EAR_S_INIT("\x01\x10\x02\x11"
				   "abcdefghijklm"),
			EAR_SORT_HEP},
		{"gzip", EAR_S_INIT("\x1f\x8b\x08"), EAR_SORT_GZIP},
		{"rtp",
			EAR_S_INIT("\x80\x08"
				   "abcdefghijkl"),
			EAR_SORT_RTP},
		{"rtcp",
			EAR_S_INIT("\x81\xc8\0\x01"
				   "abcd"),
			EAR_SORT_RTP},
		{"not rtp",
			EAR_S_INIT("\x80\x08"
				   "abcd"),
			EAR_SORT_JUNK},
		{"protobuf",
			EAR_S_INIT("\x08\x02\x10\x11\x1a\x09"
				   "192.0.2.1"
				   "\x22\x09"
				   "192.0.2.2"),
			EAR_SORT_PROTOBUF},
		{"text", EAR_S_INIT("hello"), EAR_SORT_JUNK},
		{"tls", EAR_S_INIT("\x16\x03\x01\x02\x00\x01\x00\x01"),
			EAR_SORT_JUNK},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		if (ear_sort(rows[i].in) != rows[i].want)
			fail_msg("%s: %d", rows[i].name, ear_sort(rows[i].in));
	}
	(void)state;
}

static void test_hep3(void **state)
{
	struct world *w = *state;
	struct ear_hep_out out = packet(3, EAR_S(SIP));
	struct ear_msg *m = &w->heard.last;

	out.node = EAR_S("edge1");
	out.correlation = EAR_S("corr");
	out.direction = EAR_S("out");
	assert_int_equal(decode(w, wire(w, &out)), 1);
	assert_slice("raw", m->raw, EAR_S(SIP));
	assert_true(ear_addr_eq(&m->src, &out.src));
	assert_true(ear_addr_eq(&m->dst, &out.dst));
	assert_true(ear_addr_eq(&m->via, &w->unit.from));
	assert_true(m->at_ns == out.at_ns && m->seen_ns == NOW);
	assert_int_equal(m->capture_id, 42);
	assert_int_equal(m->transport, EAR_TR_TCP);
	assert_int_equal(m->ip_proto, 6);
	assert_int_equal(m->proto, EAR_PROTO_SIP);
	assert_int_equal(m->direction, EAR_DIR_OUT);
	assert_int_equal(m->flags, 0);
	assert_int_equal(m->note.n, 0);
	assert_slice("tap", m->tap, EAR_S("tap"));
}

/* HEP has none: an agent that is one of the two ends tells it by that. */
static void test_direction(void **state)
{
	static const struct {
		const char *src, *dst, *agent, *said;
		uint8_t is;
	} rows[] = {
		{"192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.1:40000", "",
			EAR_DIR_OUT},
		{"192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.2:40000", "",
			EAR_DIR_IN},
		{"192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.1:40000", "in",
			EAR_DIR_IN},
		{"192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:40000", "",
			EAR_DIR_UNKNOWN},
		{"192.0.2.1:5060", "192.0.2.1:5080", "192.0.2.1:40000", "",
			EAR_DIR_UNKNOWN},
	};
	struct world *w = *state;
	struct ear_addr from = w->unit.from;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_hep_out out = packet(3, EAR_S(SIP));

		assert_int_equal(
			ear_addr_parse(ear_slice_str(rows[i].src), &out.src),
			EAR_OK);
		assert_int_equal(
			ear_addr_parse(ear_slice_str(rows[i].dst), &out.dst),
			EAR_OK);
		assert_int_equal(ear_addr_parse(ear_slice_str(rows[i].agent),
					 &w->unit.from),
			EAR_OK);
		out.direction = ear_slice_str(rows[i].said);
		assert_int_equal(decode(w, wire(w, &out)), 1);
		if (w->heard.last.direction != rows[i].is)
			fail_msg("row %zu: %d", i, w->heard.last.direction);
	}
	w->unit.from = from;
}

static void test_transports(void **state)
{
	static const struct {
		uint8_t ip_proto;
		const char *ours;
		uint8_t want;
	} rows[] = {
		{17, "", EAR_TR_UDP},
		{6, "", EAR_TR_TCP},
		{132, "", EAR_TR_SCTP},
		{22, "", EAR_TR_SECURE},
		{6, "wss", EAR_TR_WSS},
		{200, "", EAR_TR_UNKNOWN},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_hep_out out = packet(3, EAR_S(SIP));

		out.ip_proto = rows[i].ip_proto;
		out.transport = ear_slice_str(rows[i].ours);
		assert_int_equal(decode(w, wire(w, &out)), 1);
		assert_int_equal(w->heard.last.transport, rows[i].want);
		assert_int_equal(w->heard.last.ip_proto, rows[i].ip_proto);
	}
}

static void test_old(void **state)
{
	struct world *w = *state;
	struct ear_hep_out out = packet(1, EAR_S(SIP));

	assert_int_equal(decode(w, wire(w, &out)), 1);
	assert_true(w->heard.last.at_ns == NOW);
	assert_int_equal(w->heard.last.flags, EAR_MSG_ARRIVAL);
	out.version = 2;
	assert_int_equal(decode(w, wire(w, &out)), 1);
	assert_true(w->heard.last.at_ns == out.at_ns);
	assert_int_equal(w->heard.last.capture_id, 42);
	assert_int_equal(w->heard.last.flags, 0);
}

/* What each payload type and content becomes. */
static void test_payloads(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		struct ear_slice payload;
		int count; /* -1: a message */
		uint8_t proto;
		uint16_t flags;
	} rows[] = {
		{"sip", 1, EAR_S_INIT(SIP), -1, EAR_PROTO_SIP, 0},
		{"sip, type not given", 0, EAR_S_INIT(SIP), -1, EAR_PROTO_SIP,
			0},
		{"log", 100, EAR_S_INIT("some words"), -1, EAR_PROTO_LOG, 0},
		{"log, empty", 100, EAR_S_INIT(""), -1, EAR_PROTO_LOG, 0},
		{"not sip", 1, EAR_S_INIT("hello\0\xff"), -1, EAR_PROTO_SIP,
			EAR_MSG_MALFORMED | EAR_MSG_ENVELOPE},
		{"keep-alive", 1, EAR_S_INIT("\r\n\r\n"), EAR_N_KEEPALIVE, 0,
			0},
		{"empty", 1, EAR_S_INIT(""), EAR_N_KEEPALIVE, 0, 0},
		{"rtp", 1,
			EAR_S_INIT("\x80\x08"
				   "abcdefghijkl"),
			EAR_N_RTP, 0, 0},
		{"unknown, type not given", 0, EAR_S_INIT("hello"), EAR_N_OTHER,
			0, 0},
		{"rtcp json", 5, EAR_S_INIT("{}"), EAR_N_OTHER, 0, 0},
		{"sip json", 50, EAR_S_INIT("{}"), EAR_N_OTHER, 0, 0},
		{"not registered", 200, EAR_S_INIT(SIP), EAR_N_OTHER, 0, 0},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_hep_out out = packet(3, rows[i].payload);
		bool message = rows[i].count < 0;
		uint64_t before =
			message ? 0 : counted(w, (enum ear_count)rows[i].count);

		out.payload_type = rows[i].type;
		if (decode(w, wire(w, &out)) != message)
			fail_msg("%s: message or not", rows[i].name);
		if (!message)
			assert_int_equal(
				counted(w, (enum ear_count)rows[i].count),
				before + 1);
		if (message && (w->heard.last.proto != rows[i].proto ||
				       w->heard.last.flags != rows[i].flags))
			fail_msg("%s: flags %x", rows[i].name,
				w->heard.last.flags);
		if (message)
			assert_slice(rows[i].name, w->heard.last.raw,
				rows[i].payload);
	}
	assert_int_equal(counted(w, EAR_N_OTHER), 4);
}

/* Section 7 of what senders do wrong, seen from outside. */
static void test_malformed(void **state)
{
	struct world *w = *state;
	struct ear_hep_out out = packet(3, EAR_S(SIP));
	struct ear_slice in = wire(w, &out);

	/* Shorter than it says: FreeSWITCH with a long message. */
	assert_int_equal(decode(w, ear_slice_sub(in, 0, in.n - 5)), 1);
	assert_int_equal(
		w->heard.last.flags, EAR_MSG_TRUNCATED | EAR_MSG_ENVELOPE);
	assert_int_equal(w->heard.last.raw.n, strlen(SIP) - 5);
	assert_true(noted(w, "0 hep.length.cut "));

	/* Two packets in one datagram. */
	in = wire(w, &out);
	{
		char two[2048];
		struct ear_slice both;

		memcpy(two, in.p, in.n);
		memcpy(two + in.n, in.p, in.n);
		both = ear_slice(two, in.n * 2);
		assert_int_equal(decode(w, both), 2);
		assert_int_equal(w->heard.last.note.n, 0);

		/* Something else behind it is kept. */
		memcpy(two + in.n, "tail", 4);
		assert_int_equal(decode(w, ear_slice(two, in.n + 4)), 1);
		assert_slice("tail", w->heard.last.extra,
			EAR_S("\x45\x41\x45\x01\x00\x0atail"));
		assert_true(noted(w, "hep.trailing"));
		assert_int_equal(w->heard.last.flags, EAR_MSG_ENVELOPE);
	}

	/* A chunk of length 5 before the payload: no message. */
	begin(w);
	ear_buf_add(&w->b, "\0\0\0\x12\0\x05", 6);
	chunk(w, 0x0f, SIP, strlen(SIP));
	assert_int_equal(decode(w, end(w)), 0);
	assert_int_equal(counted(w, EAR_N_JUNK), 1);

	/* The same behind it: malformed. */
	begin(w);
	chunk(w, 0x0f, SIP, strlen(SIP));
	ear_buf_add(&w->b, "\0\0\0\x12\0\x05", 6);
	assert_int_equal(decode(w, end(w)), 1);
	assert_true(w->heard.last.flags & EAR_MSG_MALFORMED);
	assert_true(w->heard.last.flags & EAR_MSG_ARRIVAL);
	assert_int_equal(w->heard.last.src.family, 0);
	assert_int_equal(w->heard.last.dst.family, 0);
	assert_true(w->heard.last.at_ns == NOW);

	/* No payload: nothing, or a keep-alive when there is no more. */
	begin(w);
	chunk(w, 0x02, "\x11", 1);
	assert_int_equal(decode(w, end(w)), 0);
	assert_int_equal(counted(w, EAR_N_JUNK), 2);
	begin(w);
	assert_int_equal(decode(w, end(w)), 0);
	begin(w);
	chunk(w, 0x0d, "\0\x05", 2);
	assert_int_equal(decode(w, end(w)), 0);
	assert_int_equal(counted(w, EAR_N_KEEPALIVE), 2);
}

static void test_cut(void **state)
{
	struct world *w = *state;
	struct ear_hep_out out = packet(3, EAR_S(SIP));
	struct ear_slice in;

	out.key = EAR_S("secret");
	out.extra = EAR_S("\0\x02\0\x03\0\x07x");
	in = wire(w, &out);
	for (size_t n = 0; n < in.n; n++)
		decode(w, ear_slice_sub(in, 0, n));
	w->unit.kind = EAR_UNIT_REMNANT;
	for (size_t n = 0; n < in.n; n++) {
		size_t got = decode(w, ear_slice_sub(in, 0, n));

		if (got && !(w->heard.last.flags & EAR_MSG_TRUNCATED))
			fail_msg("cut at %zu: not said", n);
	}
	/* A whole message that never became a packet is one all the same. */
	assert_int_equal(decode(w, EAR_S(SIP)), 1);
	assert_int_equal(w->heard.last.flags,
		EAR_MSG_TRUNCATED | EAR_MSG_RELAY | EAR_MSG_ARRIVAL);
}

static void test_key(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice key;
		bool good;
	} rows[] = {
		{"right", EAR_S_INIT("secret"), true},
		{"absent", EAR_S_INIT(""), false},
		{"wrong", EAR_S_INIT("secreT"), false},
		{"shorter", EAR_S_INIT("secre"), false},
		{"longer", EAR_S_INIT("secret1"), false},
		{"terminated", EAR_S_INIT("secret\0"), false},
	};
	struct world *w = *state;
	struct ear_hep_out out = packet(3, EAR_S(SIP));

	w->key = EAR_S("secret");
	for (size_t i = 0; i < ROWS(rows); i++) {
		out.key = rows[i].key;
		if (decode(w, wire(w, &out)) != rows[i].good)
			fail_msg("%s", rows[i].name);
	}
	assert_int_equal(counted(w, EAR_N_BADKEY), 5);
	/* What can carry none cannot show one. */
	out.version = 1;
	assert_int_equal(decode(w, wire(w, &out)), 0);
	assert_int_equal(decode(w, EAR_S(SIP)), 0);
	assert_int_equal(counted(w, EAR_N_BADKEY), 7);
	/* Nobody asks: taken, and never handed on. */
	w->key = EAR_S("");
	out.version = 3;
	out.key = EAR_S("secret");
	assert_int_equal(decode(w, wire(w, &out)), 1);
	assert_int_equal(w->heard.last.extra.n, 0);
}

static void test_packed(void **state)
{
	static const int windows[] = {15, 31, -15};
	struct world *w = *state;
	char room[4096];

	for (size_t i = 0; i < ROWS(windows); i++) {
		struct ear_slice z =
			pack(windows[i], EAR_S(SIP), room, sizeof(room));

		begin(w);
		chunk(w, 0x0b, "\x01", 1);
		chunk(w, 0x10, z.p, z.n);
		assert_int_equal(decode(w, end(w)), 1);
		assert_slice("packed", w->heard.last.raw, EAR_S(SIP));

		/* Stale bytes behind it. */
		begin(w);
		chunk(w, 0x10, z.p, z.n + 9);
		assert_int_equal(decode(w, end(w)), 1);
		assert_slice("stale", w->heard.last.raw, EAR_S(SIP));
		assert_true(noted(w, "hep.packed.trailing"));

		/* Cut. */
		begin(w);
		chunk(w, 0x0b, "\x01", 1);
		chunk(w, 0x10, z.p, z.n - 9);
		assert_int_equal(decode(w, end(w)), 1);
		assert_true(w->heard.last.flags & EAR_MSG_TRUNCATED);
	}
	/* Not compressed at all: kept as it is. */
	begin(w);
	chunk(w, 0x0b, "\x01", 1);
	chunk(w, 0x10, "\xff\xff\xff\xff", 4);
	assert_int_equal(decode(w, end(w)), 1);
	assert_slice("bad", w->heard.last.raw, EAR_S("\xff\xff\xff\xff"));
	assert_true(noted(w, "hep.packed.bad"));
	assert_true(w->heard.last.flags & EAR_MSG_MALFORMED);
}

/* A megabyte of blanks in a kilobyte: opened as far as there is room. */
static void test_bomb(void **state)
{
	struct world *w = *state;
	char *text = malloc(1 << 20), room[8192];
	struct ear_slice z;

	assert_non_null(text);
	memset(text, ' ', 1 << 20);
	z = pack(15, ear_slice(text, 1 << 20), room, sizeof(room));
	begin(w);
	chunk(w, 0x0b, "\x64", 1);
	chunk(w, 0x10, z.p, z.n);
	assert_int_equal(decode(w, end(w)), 1);
	assert_int_equal(w->heard.last.raw.n, 256 << 10);
	assert_true(w->heard.last.flags & EAR_MSG_TRUNCATED);
	assert_true(noted(w, "hep.packed.limit"));
	free(text);
}

static void test_gzip(void **state)
{
	struct world *w = *state;
	struct ear_hep_out out = packet(3, EAR_S(SIP));
	struct ear_slice one = wire(w, &out), z;
	char three[4096], room[4096];

	/* heplify's payload_zip. */
	z = pack(31, one, room, sizeof(room));
	assert_int_equal(decode(w, z), 1);
	assert_slice("gzip", w->heard.last.raw, EAR_S(SIP));
	/* Two members behind each other. */
	memcpy(three, z.p, z.n);
	memcpy(three + z.n, z.p, z.n);
	assert_int_equal(decode(w, ear_slice(three, 2 * z.n)), 2);
	/* A damaged and a foreign one. */
	assert_int_equal(decode(w, ear_slice(three, 12)), 0);
	z = pack(31, EAR_S("hello"), room, sizeof(room));
	assert_int_equal(decode(w, z), 0);
	assert_int_equal(counted(w, EAR_N_JUNK), 2);
}

/* Each member opens into little; together they are one bomb. */
static void test_bombs(void **state)
{
	struct world *w = *state;
	struct ear_hep_out out = packet(3, EAR_S(SIP));
	struct ear_slice one = wire(w, &out), z;
	size_t packets = (200 << 10) / one.n, members = 40, found;
	char *text = malloc(packets * one.n), *all, room[8192];

	assert_non_null(text);
	for (size_t i = 0; i < packets; i++)
		memcpy(text + i * one.n, one.p, one.n);
	z = pack(31, ear_slice(text, packets * one.n), room, sizeof(room));
	all = malloc(members * z.n);
	assert_non_null(all);
	for (size_t i = 0; i < members; i++)
		memcpy(all + i * z.n, z.p, z.n);
	assert_int_equal(decode(w, ear_slice(all, z.n)), packets);
	found = decode(w, ear_slice(all, members * z.n));
	assert_in_range(
		found, packets, ((1 << 20) + 256 * members * z.n) / one.n);
	free(all);
	free(text);
}

static void test_stream(void **state)
{
	struct world *w = *state;
	struct ear_hep_out out = packet(3, EAR_S(SIP));
	struct ear_slice one = wire(w, &out);
	char three[4096];

	for (int i = 0; i < 3; i++)
		memcpy(three + (size_t)i * one.n, one.p, one.n);
	w->unit.kind = EAR_UNIT_HEP_STREAM;
	w->unit.units = 3;
	assert_int_equal(decode(w, ear_slice(three, 3 * one.n)), 3);
	/* Fewer than said, more than said, a kind that is none. */
	assert_int_equal(decode(w, ear_slice(three, 2 * one.n)), 2);
	assert_int_equal(counted(w, EAR_N_CORRUPT), 1);
	w->unit.units = 1;
	assert_int_equal(decode(w, ear_slice(three, 3 * one.n)), 3);
	w->unit.kind = 99;
	assert_int_equal(decode(w, one), 0);
	assert_int_equal(counted(w, EAR_N_CORRUPT), 2);
}

static void test_no_message(void **state)
{
	static const struct {
		struct ear_slice in;
		enum ear_count want;
	} rows[] = {
		{EAR_S_INIT(""), EAR_N_KEEPALIVE},
		{EAR_S_INIT("\r\n\r\n"), EAR_N_KEEPALIVE},
		{EAR_S_INIT("\x80\x08"
			    "abcdefghijkl"),
			EAR_N_RTP},
		{EAR_S_INIT("hello"), EAR_N_JUNK},
		{EAR_S_INIT("HEP3\0"), EAR_N_JUNK},
		{EAR_S_INIT("\x01\x10\x02\x11"
			    "abcdefg"),
			EAR_N_JUNK},
		{EAR_S_INIT("\x08\x02\x10\x11\x1a\x09"
			    "192.0.2.1"
			    "\x22\x09"
			    "192.0.2.2"),
			EAR_N_REFUSED},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ROWS(rows); i++) {
		uint64_t before = counted(w, rows[i].want);

		assert_int_equal(decode(w, rows[i].in), 0);
		if (counted(w, rows[i].want) != before + 1)
			fail_msg("row %zu", i);
	}
}

#define X_FROM "X-Siptrace-Fromip: tls:192.0.2.1:5061\r\n"
#define X_TO "X-Siptrace-Toip: tls:[2001:db8::2]:5062\r\n"
#define X_TIME "X-Siptrace-Time: 1313440459 120000\r\n"
#define X_METHOD "X-Siptrace-Method: OPTIONS\r\n"
#define X_DIR "X-Siptrace-Dir: out\r\n"
#define HEAD "OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\n"
#define T 1313440459120000000ULL

static void test_siptrace(void **state)
{
	static const struct {
		const char *name;
		const char *in;
		bool found;
		const char *src, *dst;
		uint64_t at_ns;
		uint8_t transport, direction;
		const char *bad;
		uint32_t hops; /* 0: as 1 */
	} rows[] = {
		{"two hops",
			HEAD X_FROM X_TO X_TIME X_METHOD X_DIR
			"X-Siptrace-Fromip: udp:10.6.6.6:1\r\n"
			"X-Siptrace-Toip: udp:10.6.6.7:2\r\n"
			"X-Siptrace-Time: 9 9\r\n"
			"X-Siptrace-Dir: in\r\n\r\n",
			true, "192.0.2.1:5061", "[2001:db8::2]:5062", T,
			EAR_TR_TLS, EAR_DIR_OUT, NULL, 2},
		{"hops counted",
			HEAD X_FROM X_TO X_TIME X_METHOD X_DIR
			"X-Earshot-Hops: 5\r\n\r\n",
			true, "192.0.2.1:5061", "[2001:db8::2]:5062", T,
			EAR_TR_TLS, EAR_DIR_OUT, NULL, 5},
		{"hops beyond measure",
			HEAD X_FROM X_TO "X-Earshot-Hops: 256\r\n\r\n", true,
			"192.0.2.1:5061", "[2001:db8::2]:5062", 0, EAR_TR_TLS,
			0, "X-Earshot-Hops"},
		{"direction any",
			HEAD X_FROM X_TO "X-Siptrace-Dir: any\r\n\r\n", true,
			"192.0.2.1:5061", "[2001:db8::2]:5062", 0, EAR_TR_TLS,
			0, NULL},
		{"all", HEAD X_FROM X_TO X_TIME X_METHOD X_DIR "\r\n", true,
			"192.0.2.1:5061", "[2001:db8::2]:5062", T, EAR_TR_TLS,
			EAR_DIR_OUT, NULL},
		{"none", HEAD "\r\n" X_FROM, false, "", "", 0, 0, 0, NULL},
		{"last ones missing", HEAD X_FROM X_TO "\r\n", true,
			"192.0.2.1:5061", "[2001:db8::2]:5062", 0, EAR_TR_TLS,
			0, NULL},
		{"header behind",
			HEAD X_FROM X_TO X_TIME X_METHOD X_DIR
			"X-Later: 1\r\n\r\n",
			true, "192.0.2.1:5061", "[2001:db8::2]:5062", T,
			EAR_TR_TLS, EAR_DIR_OUT, NULL},
		{"no brackets",
			HEAD "X-Siptrace-Fromip: udp:2001:db8::1:5060\r\n\r\n",
			true, "[2001:db8::1]:5060", "", 0, EAR_TR_UDP, 0, NULL},
		{"placeholder",
			HEAD
			"X-Siptrace-Fromip: any:255.255.255.255:5060\r\n" X_TO
			"\r\n",
			true, "", "[2001:db8::2]:5062", 0, 0, 0, NULL},
		{"advertised name",
			HEAD
			"X-Siptrace-Fromip: wss:sip.example.net:443\r\n\r\n",
			true, "", "", 0, EAR_TR_WSS, 0, NULL},
		{"core engine",
			HEAD X_FROM X_TO "X-Siptrace-Time: 0 0\r\n"
					 "X-Siptrace-Method: \r\n" X_DIR "\r\n",
			true, "192.0.2.1:5061", "[2001:db8::2]:5062", 0,
			EAR_TR_TLS, EAR_DIR_OUT, NULL},
		{"forged block first",
			HEAD "X-Siptrace-Fromip: udp:10.6.6.6:1\r\n"
			     "Subject: x\r\n" X_FROM X_TO "\r\n",
			true, "192.0.2.1:5061", "[2001:db8::2]:5062", 0,
			EAR_TR_TLS, 0, NULL},
		{"bad address",
			HEAD "X-Siptrace-Fromip: nonsense\r\n" X_TO "\r\n",
			true, "", "[2001:db8::2]:5062", 0, 0, 0,
			"X-Siptrace-Fromip"},
		{"bad port",
			HEAD "X-Siptrace-Fromip: udp:10.0.0.1:70000\r\n\r\n",
			true, "", "", 0, 0, 0, "X-Siptrace-Fromip"},
		{"bad time",
			HEAD X_FROM X_TO
			"X-Siptrace-Time: noon\r\n" X_METHOD X_DIR "\r\n",
			true, "192.0.2.1:5061", "[2001:db8::2]:5062", 0,
			EAR_TR_TLS, EAR_DIR_OUT, "X-Siptrace-Time"},
		{"bad direction",
			HEAD X_FROM X_TO X_TIME X_METHOD
			"X-Siptrace-Dir: up\r\n\r\n",
			true, "192.0.2.1:5061", "[2001:db8::2]:5062", T,
			EAR_TR_TLS, 0, "X-Siptrace-Dir"},
		{"no end", HEAD X_FROM "X-Siptrace-Toip", true,
			"192.0.2.1:5061", "", 0, EAR_TR_TLS, 0,
			"X-Siptrace-Toip"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_slice in = ear_slice_str(rows[i].in);
		struct ear_siptrace t;
		char src[EAR_ADDR_TEXT], dst[EAR_ADDR_TEXT];

		if (ear_siptrace_read(in, &t) != rows[i].found)
			fail_msg("%s: found or not", rows[i].name);
		ear_addr_text(&t.src, src);
		ear_addr_text(&t.dst, dst);
		if (strcmp(src, rows[i].src) || strcmp(dst, rows[i].dst))
			fail_msg("%s: %s %s", rows[i].name, src, dst);
		if (t.at_ns != rows[i].at_ns ||
			t.transport != rows[i].transport ||
			t.direction != rows[i].direction)
			fail_msg("%s: facts", rows[i].name);
		if (t.hops != (rows[i].hops ? rows[i].hops : rows[i].found))
			fail_msg("%s: %u hops", rows[i].name, t.hops);
		if (!t.bad != !rows[i].bad ||
			(t.bad && strcmp(t.bad, rows[i].bad)))
			fail_msg("%s: %s", rows[i].name, t.bad ? t.bad : "-");
		for (size_t n = 0; n < in.n; n++)
			decode(w, ear_slice_sub(in, 0, n));
	}
}

static void test_plain(void **state)
{
	struct world *w = *state;
	struct ear_msg *m = &w->heard.last;
	const struct ear_slice traced =
		EAR_S(HEAD X_FROM X_TO X_TIME X_METHOD X_DIR "\r\nbody");

	assert_int_equal(decode(w, EAR_S(SIP)), 1);
	assert_true(ear_addr_eq(&m->src, &w->unit.from));
	assert_int_equal(m->dst.family, 0);
	assert_int_equal(m->flags, EAR_MSG_RELAY | EAR_MSG_ARRIVAL);
	assert_int_equal(m->direction, EAR_DIR_UNKNOWN);
	assert_int_equal(m->transport, EAR_TR_UDP);

	assert_int_equal(decode(w, traced), 1);
	assert_int_equal(m->flags, EAR_MSG_XHEADERS);
	assert_int_equal(m->direction, EAR_DIR_OUT);
	assert_int_equal(m->transport, EAR_TR_TLS);
	assert_true(m->at_ns == T);
	assert_slice("evidence", m->raw, traced);
	assert_true(ear_addr_eq(&m->via, &w->unit.from));

	assert_int_equal(
		decode(w, EAR_S(HEAD "X-Siptrace-Fromip: x\r\n\r\n")), 1);
	assert_true(noted(w, "35 siptrace.header X-Siptrace-Fromip"));
	w->unit.flags = EAR_UNIT_TRUNCATED;
	assert_int_equal(decode(w, EAR_S(SIP)), 1);
	assert_true(m->flags & EAR_MSG_TRUNCATED);
}

static void no_log(enum ear_level level, const char *line, void *arg)
{
	(void)level;
	(void)line;
	(void)arg;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test_setup_teardown(test_hep3, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_direction, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_transports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old, setup, teardown),
		cmocka_unit_test_setup_teardown(test_payloads, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_packed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bomb, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gzip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bombs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_no_message, setup, teardown),
		cmocka_unit_test_setup_teardown(test_siptrace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
	};

	ear_log_to(no_log, EAR_DEBUG, NULL);
	return cmocka_run_group_tests_name("tap/decode", tests, NULL, NULL);
}
