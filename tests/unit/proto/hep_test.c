/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include <stdlib.h>

#include "proto/hep.h"
#include "proto/hep_write.h"

/* 2026-11-22 12:00:00 UTC */
#define NOW_S 1795348800u
#define NOW (NOW_S * 1000000000ULL)

/* The example of the HEP3 Network Protocol Specification rev. 37. */
static const char vector[] = "HEP3\x00\x71"
			     "\x00\x00\x00\x01\x00\x07\x02"
			     "\x00\x00\x00\x02\x00\x07\x11"
			     "\x00\x00\x00\x03\x00\x0a\xd4\xca\x00\x01"
			     "\x00\x00\x00\x04\x00\x0a\x52\x74\x00\xd3"
			     "\x00\x00\x00\x07\x00\x08\x2e\xea"
			     "\x00\x00\x00\x08\x00\x08\x13\xc4"
			     "\x00\x00\x00\x09\x00\x0a\x4e\x49\x82\xcb"
			     "\x00\x00\x00\x0a\x00\x0a\x00\x01\xd4\xc0"
			     "\x00\x00\x00\x0b\x00\x07\x01"
			     "\x00\x00\x00\x0c\x00\x0a\x00\x00\x00\xe4"
			     "\x00\x00\x00\x0f\x00\x14INVITE sip:bob";
#define VECTOR EAR_S(vector)

static struct ear_addr at(const char *text)
{
	struct ear_addr a;

	assert_int_equal(ear_addr_parse(ear_slice_str(text), &a), EAR_OK);
	return a;
}

static bool addr_is(const struct ear_addr *a, const char *want)
{
	char text[EAR_ADDR_TEXT];

	ear_addr_text(a, text);
	return !strcmp(text, want);
}

static bool has_note(const struct ear_hep *hep, enum ear_hep_rule rule)
{
	for (int i = 0; i < hep->notes; i++) {
		if (hep->note[i].rule == rule)
			return true;
	}
	return false;
}

static void put(struct ear_buf *b, uint16_t vendor, uint16_t type,
	const void *p, size_t n)
{
	ear_buf_be16(b, vendor);
	ear_buf_be16(b, type);
	ear_buf_be16(b, (uint16_t)(n + 6));
	ear_buf_add(b, p, n);
}

static void begin(struct ear_buf *b)
{
	ear_buf_reset(b);
	ear_buf_add(b, "HEP3\0", 6);
}

static struct ear_slice end(struct ear_buf *b)
{
	b->p[4] = (char)(b->n >> 8);
	b->p[5] = (char)b->n;
	return ear_buf_view(b);
}

static void test_vector(void **state)
{
	struct ear_hep hep;

	assert_int_equal(VECTOR.n, 113);
	assert_int_equal(ear_hep_version(VECTOR), 3);
	assert_int_equal(ear_hep_read(VECTOR, 0, &hep), EAR_OK);
	assert_int_equal(hep.version, 3);
	assert_int_equal(hep.family, 2);
	assert_int_equal(hep.ip_proto, 17);
	assert_true(addr_is(&hep.src, "212.202.0.1:12010"));
	assert_true(addr_is(&hep.dst, "82.116.0.211:5060"));
	assert_true(hep.at_ns == 1313440459120000000ULL);
	assert_int_equal(hep.payload_type, EAR_HEP_TYPE_SIP);
	assert_int_equal(hep.capture_id, 228);
	assert_slice("payload", hep.payload, EAR_S("INVITE sip:bob"));
	assert_int_equal(hep.notes, 0);
	assert_int_equal(hep.flags, EAR_HEP_HAS_PAYLOAD);
	assert_int_equal(hep.packet.n, 113);
	(void)state;
}

static void test_eep(void **state)
{
	char other[sizeof(vector)];
	struct ear_hep hep;

	memcpy(other, vector, sizeof(vector));
	other[0] = 'E';
	assert_int_equal(ear_hep_read(ear_slice(other, 113), 0, &hep), EAR_OK);
	assert_int_equal(hep.flags, EAR_HEP_HAS_PAYLOAD | EAR_HEP_EEP);
	assert_slice("payload", hep.payload, EAR_S("INVITE sip:bob"));
	(void)state;
}

/* Every cut gives what came before it and says that something is missing. */
static void test_cut(void **state)
{
	for (size_t n = 0; n < VECTOR.n; n++) {
		char *copy = malloc(n + 1);
		struct ear_hep hep;
		enum ear_err err;

		memcpy(copy, vector, n);
		err = ear_hep_read(ear_slice(copy, n), 0, &hep);
		if (err != (n < 4 ? EAR_BAD : n < 6 ? EAR_MORE : EAR_OK))
			fail_msg("cut at %zu: %d", n, err);
		if (!err && !(hep.flags & EAR_HEP_TRUNCATED))
			fail_msg("cut at %zu: not said", n);
		if (!err && n >= 99 && hep.payload.n != n - 99)
			fail_msg("cut at %zu: payload %zu", n, hep.payload.n);
		if (!err && n > 34 && hep.chunk[EAR_HEP_SRC_IP4].at != 26)
			fail_msg("cut at %zu: source lost", n);
		free(copy);
	}
	(void)state;
}

static void test_chunks(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t size; /* 0: any */
		const char *key;
	} rows[] = {
		{0x01, 1, "family"},
		{0x02, 1, "ip_proto"},
		{0x03, 4, "src_ip4"},
		{0x04, 4, "dst_ip4"},
		{0x05, 16, "src_ip6"},
		{0x06, 16, "dst_ip6"},
		{0x07, 2, "src_port"},
		{0x08, 2, "dst_port"},
		{0x09, 4, "seconds"},
		{0x0a, 4, "micros"},
		{0x0b, 1, "payload_type"},
		{0x0c, 4, "capture_id"},
		{0x0d, 2, "keepalive"},
		{0x0e, 0, "key"},
		{0x0f, 0, "payload"},
		{0x10, 0, "packed"},
		{0x11, 0, "correlation"},
		{0x12, 2, "vlan"},
		{0x13, 0, "node"},
		{0x14, 8, "src_mac"},
		{0x15, 8, "dst_mac"},
		{0x16, 2, "ethertype"},
		{0x17, 1, "tcp_flags"},
		{0x18, 1, "tos"},
		{0x20, 2, "mos"},
		{0x21, 2, "r_factor"},
		{0x22, 0, "geo"},
		{0x23, 4, "jitter"},
		{0x24, 0, "transaction"},
		{0x25, 0, "json_keys"},
		{0x26, 0, "tags"},
		{0x27, 2, "tag_type"},
		{0x28, 2, "event_type"},
		{0x29, 0, "group"},
		{0x65, 0, "opensips"},
	};
	static const char value[32] = "\x11\x22\x33\x44\x55\x66\x77\x88"
				      "\x99\xaa\xbb\xcc\xdd\xee\xff\x10";
	struct ear_buf b = {0};

	for (size_t i = 0; i < ROWS(rows); i++) {
		enum ear_hep_chunk c = ear_hep_chunk_of(0, rows[i].type);
		size_t right = rows[i].size ? rows[i].size : 16;
		struct ear_hep hep;

		assert_string_equal(ear_hep_chunk_key(c), rows[i].key);
		for (size_t n = 0; n <= 32; n++) {
			bool fits = !rows[i].size || n == right;

			begin(&b);
			put(&b, 0, rows[i].type, value, n);
			assert_int_equal(ear_hep_read(end(&b), 0, &hep), 0);
			if (fits != (hep.chunk[c].at != 0))
				fail_msg("%s: %zu bytes", rows[i].key, n);
			if (fits == has_note(&hep, EAR_HEP_RULE_CHUNK_SIZE))
				fail_msg("%s: %zu bytes: note", rows[i].key, n);
			if (fits)
				assert_slice(rows[i].key,
					ear_hep_value(&hep, c),
					ear_slice(value, n));
		}
	}
	ear_buf_fini(&b);
	(void)state;
}

static void test_numbers(void **state)
{
	struct ear_buf b = {0};
	struct ear_hep hep;

	begin(&b);
	put(&b, 0, 0x12, "\x00\x65", 2);
	put(&b, 0, 0x14, "\x00\x00\x02\x03\x04\x05\x06\x07", 8);
	put(&b, 0, 0x20, "\x01\xb3", 2);
	put(&b, 0, 0x23, "\x00\x01\x02\x03", 4);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_int_equal(ear_hep_number(&hep, EAR_HEP_VLAN), 101);
	assert_true(ear_hep_number(&hep, EAR_HEP_SRC_MAC) == 0x020304050607);
	assert_int_equal(ear_hep_number(&hep, EAR_HEP_MOS), 435);
	assert_int_equal(ear_hep_number(&hep, EAR_HEP_JITTER), 0x10203);
	assert_int_equal(ear_hep_number(&hep, EAR_HEP_R_FACTOR), 0);
	ear_buf_fini(&b);
	(void)state;
}

static void test_payload_types(void **state)
{
	static const struct {
		uint8_t code;
		const char *name;
	} rows[] = {
		{1, "sip"},
		{2, "xmpp"},
		{3, "sdp"},
		{4, "rtp"},
		{5, "rtcp"},
		{6, "mgcp"},
		{7, "megaco"},
		{8, "m2ua"},
		{9, "m3ua"},
		{10, "iax"},
		{11, "h322"},
		{12, "h321"},
		{13, "m2pa"},
		{34, "mos-full"},
		{35, "mos-short"},
		{38, "horaclifix"},
		{50, "sip-json"},
		{53, "dns"},
		{54, "isup"},
		{55, "rtsp"},
		{56, "diameter"},
		{57, "gsm-map"},
		{58, "rtcp-pion"},
		{60, "cdr"},
		{61, "verto"},
		{0x57, "mi"},
		{0x58, "rest"},
		{0x59, "net"},
		{0x60, "control"},
		{99, "report"},
		{100, "log"},
		{0, NULL},
		{14, NULL},
		{255, NULL},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		const char *name = ear_hep_payload_name(rows[i].code);

		if (!name != !rows[i].name ||
			(name && strcmp(name, rows[i].name)))
			fail_msg("type %u is %s", rows[i].code,
				name ? name : "none");
	}
	(void)state;
}

/* --- versions 1 and 2 --------------------------------------------------- */

#define V4 "\x13\xc4\x13\xc5\xc0\x00\x02\x01\xc0\x00\x02\x02"
#define V6                                      \
	"\x13\xc4\x13\xc5"                      \
	" \x01\r\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" \
	" \x01\r\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define T_LE "\x40\xd9\x02\x6b\x40\xe2\x01\x00" /* NOW_S, 123456 */
#define T_BE "\x6b\x02\xd9\x40\x00\x01\xe2\x40"
#define TEXT "OPTIONS sip:a SIP/2.0\r\n"

static void test_old(void **state)
{
	static const struct {
		const char *name;
		struct ear_slice in;
		uint8_t version;
		uint8_t six;
		uint8_t proto;
		uint16_t id;
		bool timed;
		int note; /* -1: none */
	} rows[] = {
		{"v1", EAR_S_INIT("\x01\x10\x02\x11" V4 TEXT), 1, 0, 17, 0, 0,
			-1},
		{"v1 ipv6", EAR_S_INIT("\x01\x28\x0a\x06" V6 TEXT), 1, 1, 6, 0,
			0, -1},
		{"v1 freebsd", EAR_S_INIT("\x01\x28\x1c\x11" V6 TEXT), 1, 1, 17,
			0, 0, -1},
		{"v1 macos", EAR_S_INIT("\x01\x28\x1e\x11" V6 TEXT), 1, 1, 17,
			0, 0, -1},
		{"v1 windows", EAR_S_INIT("\x01\x28\x17\x11" V6 TEXT), 1, 1, 17,
			0, 0, -1},
		{"v1 solaris", EAR_S_INIT("\x01\x28\x1a\x84" V6 TEXT), 1, 1,
			132, 0, 0, -1},
		{"v1 openbsd", EAR_S_INIT("\x01\x28\x18\x16" V6 TEXT), 1, 1, 22,
			0, 0, -1},
		{"v1 unknown family, by length",
			EAR_S_INIT("\x01\x28\x63\x11" V6 TEXT), 1, 1, 17, 0, 0,
			-1},
		{"v1 strange length", EAR_S_INIT("\x01\x63\x02\x11" V4 TEXT), 1,
			0, 17, 0, 0, EAR_HEP_RULE_HEADER_LENGTH},
		{"v2",
			EAR_S_INIT(
				"\x02\x10\x02\x11" V4 T_LE "\x2a\x01\0\0" TEXT),
			2, 0, 17, 298, 1, -1},
		{"v2 garbage in the padding",
			EAR_S_INIT(
				"\x02\x10\x02\x11" V4 T_LE "\x2a\x01XY" TEXT),
			2, 0, 17, 298, 1, -1},
		{"v2 freeswitch",
			EAR_S_INIT(
				"\x02\x1c\x02\x11" V4 T_LE "\xc8\x00\0\0" TEXT),
			2, 0, 17, 200, 1, -1},
		{"v2 ipv6",
			EAR_S_INIT(
				"\x02\x28\x0a\x11" V6 T_LE "\x01\x00\0\0" TEXT),
			2, 1, 17, 1, 1, -1},
		{"v2 ipv6 freeswitch",
			EAR_S_INIT(
				"\x02\x34\x0a\x11" V6 T_LE "\x01\x00\0\0" TEXT),
			2, 1, 17, 1, 1, -1},
		{"v2 of 10 bytes",
			EAR_S_INIT("\x02\x10\x02\x11" V4 T_LE "\x2a\x01" TEXT),
			2, 0, 17, 298, 1, EAR_HEP_RULE_TEN_BYTES},
		{"v2 big-endian time",
			EAR_S_INIT(
				"\x02\x10\x02\x11" V4 T_BE "\x2a\x01\0\0" TEXT),
			2, 0, 17, 298, 1, EAR_HEP_RULE_TIME_SWAPPED},
		{"v2 without time",
			EAR_S_INIT("\x02\x10\x02\x11" V4 "\0\0\0\0\0\0\0\0"
				   "\x2a\x01\0\0" TEXT),
			2, 0, 17, 298, 0, EAR_HEP_RULE_TIME_NONE},
	};

	for (size_t i = 0; i < ROWS(rows); i++) {
		struct ear_hep hep;

		if (ear_hep_read(rows[i].in, NOW, &hep) ||
			hep.version != rows[i].version)
			fail_msg("%s: not read", rows[i].name);
		if (!addr_is(&hep.src, rows[i].six ? "[2001:db8::1]:5060"
						   : "192.0.2.1:5060") ||
			!addr_is(&hep.dst, rows[i].six ? "[2001:db8::2]:5061"
						       : "192.0.2.2:5061"))
			fail_msg("%s: addresses", rows[i].name);
		if (hep.ip_proto != rows[i].proto ||
			hep.capture_id != rows[i].id || hep.payload_type != 1)
			fail_msg("%s: numbers", rows[i].name);
		if (hep.at_ns != (rows[i].timed ? NOW + 123456000 : 0))
			fail_msg("%s: time", rows[i].name);
		if (hep.notes != (rows[i].note >= 0) ||
			(hep.notes && hep.note[0].rule != rows[i].note))
			fail_msg("%s: notes", rows[i].name);
		assert_slice(rows[i].name, hep.payload, EAR_S(TEXT));
	}
	(void)state;
}

/* The family alone tells: each system has its own number for IPv6. */
static void test_families(void **state)
{
	static const uint8_t sixes[] = {10, 23, 24, 26, 28, 30};
	char in[] = "\x01\x00\x0a\x11" V6 TEXT;
	struct ear_hep hep;

	for (size_t i = 0; i < ROWS(sixes); i++) {
		in[2] = (char)sixes[i];
		if (ear_hep_read(ear_slice(in, sizeof(in) - 1), NOW, &hep) ||
			!addr_is(&hep.dst, "[2001:db8::2]:5061"))
			fail_msg("family %u", sixes[i]);
		assert_true(has_note(&hep, EAR_HEP_RULE_HEADER_LENGTH));
	}
	(void)state;
}

static void test_old_cut(void **state)
{
	const struct ear_slice in =
		EAR_S("\x02\x10\x02\x11" V4 T_LE "\x2a\x01\0\0" TEXT);

	for (size_t n = 0; n < in.n; n++) {
		char *copy = malloc(n + 1);
		struct ear_hep hep;
		enum ear_err err;

		memcpy(copy, in.p, n);
		err = ear_hep_read(ear_slice(copy, n), NOW, &hep);
		if (err != (n < 8 ? EAR_BAD : n < 26 ? EAR_MORE : EAR_OK))
			fail_msg("cut at %zu: %d", n, err);
		if (!err && n >= 28 && hep.payload.n != n - 28)
			fail_msg("cut at %zu: payload", n);
		free(copy);
	}
	(void)state;
}

static void test_no_hep(void **state)
{
	static const struct ear_slice rows[] = {
		EAR_S_INIT(""),
		EAR_S_INIT("HEP2\x00\x06"),
		EAR_S_INIT("HE"),
		EAR_S_INIT("\x01\x11\x63\x11" V4 TEXT),
		EAR_S_INIT("\x03\x10\x02\x11" V4 TEXT),
		EAR_S_INIT("INVITE sip:a SIP/2.0"),
	};
	struct ear_hep hep;

	for (size_t i = 0; i < ROWS(rows); i++)
		assert_int_equal(ear_hep_read(rows[i], 0, &hep), EAR_BAD);
	(void)state;
}

/* --- what is malformed -------------------------------------------------- */

/* The check vector with n bytes at a place replaced. */
static struct ear_slice patch(
	char out[sizeof(vector)], size_t where, const char *p, size_t n)
{
	memcpy(out, vector, sizeof(vector));
	memcpy(out + where, p, n);
	return ear_slice(out, sizeof(vector) - 1);
}

static void test_lengths(void **state)
{
	char room[sizeof(vector)];
	struct ear_hep hep;

	/* Total above the datagram: parsed, truncated. */
	assert_int_equal(
		ear_hep_read(patch(room, 4, "\x00\xff", 2), 0, &hep), EAR_OK);
	assert_true(hep.flags & EAR_HEP_TRUNCATED);
	assert_true(has_note(&hep, EAR_HEP_RULE_CUT));
	assert_slice("above", hep.payload, EAR_S("INVITE sip:bob"));
	/* Below: the rest is left to the caller. */
	assert_int_equal(
		ear_hep_read(patch(room, 4, "\x00\x5d", 2), 0, &hep), EAR_OK);
	assert_int_equal(hep.packet.n, 93);
	assert_int_equal(hep.payload.n, 0);
	assert_true(has_note(&hep, EAR_HEP_RULE_PAYLOAD_NONE));
	/* Below its own head: all that came is the packet. */
	assert_int_equal(
		ear_hep_read(patch(room, 4, "\x00\x05", 2), 0, &hep), EAR_OK);
	assert_true(has_note(&hep, EAR_HEP_RULE_TOTAL_SHORT));
	assert_true(hep.flags & EAR_HEP_MALFORMED);
	assert_slice("below 6", hep.payload, EAR_S("INVITE sip:bob"));
	/* A chunk below its head: what stood before is kept. */
	assert_int_equal(
		ear_hep_read(patch(room, 97, "\x00\x05", 2), 0, &hep), EAR_OK);
	assert_true(has_note(&hep, EAR_HEP_RULE_CHUNK_LENGTH));
	assert_true(hep.flags & EAR_HEP_MALFORMED);
	assert_int_equal(hep.capture_id, 228);
	/* A payload beyond the end: taken as far as it goes. */
	assert_int_equal(
		ear_hep_read(patch(room, 97, "\x3e\x80", 2), 0, &hep), EAR_OK);
	assert_true(has_note(&hep, EAR_HEP_RULE_CHUNK_CUT));
	assert_slice("beyond", hep.payload, EAR_S("INVITE sip:bob"));
	/* Another chunk beyond the end: not taken. */
	assert_int_equal(
		ear_hep_read(patch(room, 87, "\x00\xff", 2), 0, &hep), EAR_OK);
	assert_int_equal(hep.capture_id, 0);
	assert_int_equal(hep.payload.n, 0);
	(void)state;
}

static void test_envelope(void **state)
{
	struct ear_buf b = {0};
	struct ear_hep hep;

	/* Only a payload: accepted, addresses empty. */
	begin(&b);
	put(&b, 0, 0x0f, "x", 1);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_slice("alone", hep.payload, EAR_S("x"));
	assert_int_equal(hep.src.family + hep.dst.family, 0);
	assert_true(has_note(&hep, EAR_HEP_RULE_ADDRESS));
	assert_true(has_note(&hep, EAR_HEP_RULE_TIME_NONE));
	/* A log event has no addresses to miss. */
	begin(&b);
	put(&b, 0, 0x0b, "\x64", 1);
	put(&b, 0, 0x0f, "x", 1);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_false(has_note(&hep, EAR_HEP_RULE_ADDRESS));
	begin(&b);
	put(&b, 0, 0x0f, "x", 1);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_true(hep.at_ns == 0);
	assert_false(hep.flags & EAR_HEP_MALFORMED);

	/* Microseconds of more than a second; type 0 of vendor 0. */
	begin(&b);
	put(&b, 0, 0x09, "\x00\x00\x00\x10", 4);
	put(&b, 0, 0x0a, "\x00\x1e\x84\x81", 4);
	put(&b, 0, 0x00, "z", 1);
	put(&b, 0, 0x02, "\xfd", 1);
	put(&b, 0, 0x0f, "a", 1);
	put(&b, 0, 0x0f, "b", 1);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_true(hep.at_ns == 18000001000ULL);
	assert_true(has_note(&hep, EAR_HEP_RULE_TIME_MICROS));
	assert_true(has_note(&hep, EAR_HEP_RULE_CHUNK_ZERO));
	assert_true(has_note(&hep, EAR_HEP_RULE_CHUNK_AGAIN));
	assert_int_equal(hep.ip_proto, 0xfd);
	assert_slice("last wins", hep.payload, EAR_S("b"));

	/* Family and addresses that do not belong together. */
	begin(&b);
	put(&b, 0, 0x01, "\x0a", 1);
	put(&b, 0, 0x03, "\x0a\x00\x00\x01", 4);
	put(&b, 0, 0x04, "\x0a\x00\x00\x02", 4);
	put(&b, 0, 0x0f, "a\0\xff", 3);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_true(has_note(&hep, EAR_HEP_RULE_FAMILY));
	assert_true(addr_is(&hep.src, "10.0.0.1:0"));
	assert_slice("any bytes", hep.payload, EAR_S("a\0\xff"));

	/* All-zero addresses are unknown. */
	begin(&b);
	put(&b, 0, 0x03, "\0\0\0\0", 4);
	put(&b, 0, 0x05, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04", 16);
	put(&b, 0, 0x06, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04", 16);
	put(&b, 0, 0x01, "\x0a", 1);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_true(addr_is(&hep.src, "1.2.3.4:0"));
	ear_buf_fini(&b);
	(void)state;
}

static void test_extra(void **state)
{
	struct ear_buf b = {0}, room = {0}, want = {0};
	struct ear_hep hep;

	/* Together: a slice of the packet. */
	begin(&b);
	put(&b, 0, 0x0e, "secret", 6);
	put(&b, 2, 0x03, "abcd", 4);
	put(&b, 0, 0x12, "\0\x01", 2);
	put(&b, 0, 0x0f, "x", 1);
	put(&want, 2, 0x03, "abcd", 4);
	put(&want, 0, 0x12, "\0\x01", 2);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_slice("vendor", ear_hep_extra(&hep, &room), ear_buf_view(&want));
	assert_int_equal(room.n, 0);
	assert_int_equal(hep.src.family, 0);

	/* Apart, and the key between them: gathered without it. */
	put(&b, 0, 0x0e, "secret", 6);
	put(&b, 0, 0x66, "new", 3);
	put(&b, 0, 0x12, "123", 3);
	put(&want, 0, 0x66, "new", 3);
	put(&want, 0, 0x12, "123", 3);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_slice("apart", ear_hep_extra(&hep, &room), ear_buf_view(&want));
	ear_buf_fini(&b);
	ear_buf_fini(&room);
	ear_buf_fini(&want);
	(void)state;
}

static void test_many_notes(void **state)
{
	struct ear_buf b = {0}, words = {0};
	struct ear_hep hep;

	begin(&b);
	for (int i = 0; i < 100; i++)
		put(&b, 0, 0, "", 0);
	assert_int_equal(ear_hep_read(end(&b), 0, &hep), EAR_OK);
	assert_int_equal(hep.notes, EAR_HEP_NOTES);
	assert_int_equal(hep.note[EAR_HEP_NOTES - 1].rule, EAR_HEP_RULE_MORE);
	for (int r = 0; r < EAR_HEP_RULES; r++) {
		const struct ear_hep_note note = {.rule = (uint8_t)r, .at = 7};

		ear_buf_reset(&words);
		ear_hep_note_words(&note, &words);
		assert_true(words.n > 12 && !words.err);
		assert_int_equal(strncmp(ear_hep_rule_id(r), "hep.", 4), 0);
	}
	ear_buf_fini(&b);
	ear_buf_fini(&words);
	(void)state;
}

/* --- writing ------------------------------------------------------------ */

static struct ear_hep_out some(
	uint8_t version, const char *src, const char *dst)
{
	return (struct ear_hep_out){
		.version = version,
		.ip_proto = 6,
		.payload_type = 1,
		.capture_id = 777,
		.at_ns = NOW + 5000,
		.src = at(src),
		.dst = at(dst),
		.payload = EAR_S(TEXT),
	};
}

static void test_write_read(void **state)
{
	static const struct {
		const char *src, *dst;
	} rows[] = {
		{"192.0.2.1:5060", "192.0.2.2:65535"},
		{"[2001:db8::1]:5060", "[2001:db8::2]:1"},
		{"[2001:db8::1]:5060", "192.0.2.2:5060"},
		{"192.0.2.2:5060", "[2001:db8::1]:5060"},
	};
	struct ear_buf b = {0};

	for (size_t i = 0; i < ROWS(rows) * 3; i++) {
		struct ear_hep_out out = some(
			(uint8_t)(i % 3 + 1), rows[i / 3].src, rows[i / 3].dst);
		struct ear_hep hep;

		ear_buf_reset(&b);
		assert_int_equal(ear_hep_write(&out, &b), EAR_OK);
		assert_int_equal(
			ear_hep_read(ear_buf_view(&b), NOW, &hep), EAR_OK);
		assert_int_equal(hep.version, out.version);
		assert_true(addr_is(&hep.src, rows[i / 3].src));
		assert_true(addr_is(&hep.dst, rows[i / 3].dst));
		assert_int_equal(hep.ip_proto, 6);
		assert_int_equal(hep.capture_id, out.version == 1 ? 0 : 777);
		assert_true(hep.at_ns == (out.version == 1 ? 0 : out.at_ns));
		assert_int_equal(hep.notes, 0);
		assert_slice("payload", hep.payload, EAR_S(TEXT));
		if (out.version == 3)
			assert_int_equal(
				hep.chunk[EAR_HEP_MAPPED].at != 0, i / 3 >= 2);
	}
	ear_buf_fini(&b);
	(void)state;
}

/* Receivers in use rely on this order and on vendor 0 before the payload. */
static void test_write_order(void **state)
{
	static const uint16_t want[] = {0x01, 0x02, 0x03, 0x04, 0x07, 0x08,
		0x09, 0x0a, 0x0b, 0x0c, 0x4504, 0x4505, 0x11, 0x0e, 0x13, 0x0f};
	struct ear_hep_out out = some(3, "192.0.2.1:1", "192.0.2.2:2");
	struct ear_hep_walk walk = {.at = EAR_HEP_HEAD};
	struct ear_hep_piece piece;
	struct ear_buf b = {0};
	struct ear_hep hep;
	size_t i = 0;

	out.correlation = EAR_S("call");
	out.key = EAR_S("secret");
	out.node = EAR_S("node1");
	out.transport = EAR_S("wss");
	out.direction = EAR_S("out");
	assert_int_equal(ear_hep_write(&out, &b), EAR_OK);
	walk.in = ear_buf_view(&b);
	for (; ear_hep_next(&walk, &piece); i++)
		assert_int_equal(piece.type, want[i]);
	assert_int_equal(i, ROWS(want));
	assert_int_equal(walk.at, b.n);
	assert_int_equal(ear_hep_read(ear_buf_view(&b), 0, &hep), EAR_OK);
	assert_slice("correlation", ear_hep_value(&hep, EAR_HEP_CORRELATION),
		EAR_S("call"));
	assert_slice("key", ear_hep_value(&hep, EAR_HEP_KEY), EAR_S("secret"));
	assert_slice("node", ear_hep_value(&hep, EAR_HEP_NODE), EAR_S("node1"));
	assert_slice("transport", ear_hep_value(&hep, EAR_HEP_TRANSPORT),
		EAR_S("wss"));
	ear_buf_fini(&b);
	(void)state;
}

static void test_write_vector(void **state)
{
	struct ear_hep_out out = {
		.version = 3,
		.ip_proto = 17,
		.payload_type = 1,
		.capture_id = 228,
		.at_ns = 1313440459120000000ULL,
		.src = at("212.202.0.1:12010"),
		.dst = at("82.116.0.211:5060"),
		.payload = EAR_S("INVITE sip:bob"),
	};
	struct ear_buf b = {0};

	assert_int_equal(ear_hep_write(&out, &b), EAR_OK);
	assert_slice("vector", ear_buf_view(&b), VECTOR);
	ear_buf_fini(&b);
	(void)state;
}

static void test_write_limits(void **state)
{
	struct ear_hep_out out = some(3, "192.0.2.1:1", "192.0.2.2:2");
	char *big = calloc(1, 70000);
	struct ear_buf b = {0};
	struct ear_hep hep;

	out.payload = ear_slice(big, 70000);
	assert_int_equal(ear_hep_write(&out, &b), EAR_LIMIT);
	assert_int_equal(b.n, EAR_HEP_MAX);
	assert_int_equal(ear_hep_read(ear_buf_view(&b), 0, &hep), EAR_OK);
	assert_int_equal(ear_hep_number(&hep, EAR_HEP_WAS_BYTES), 70000);
	assert_true(has_note(&hep, EAR_HEP_RULE_PAYLOAD_WAS));
	assert_true(hep.flags & EAR_HEP_TRUNCATED);
	assert_true(hep.payload.n > 65000);

	/* The most that fits is not cut. */
	ear_buf_reset(&b);
	out.payload.n = hep.payload.n + 10;
	assert_int_equal(ear_hep_write(&out, &b), EAR_OK);
	assert_int_equal(b.n, EAR_HEP_MAX);
	ear_buf_reset(&b);
	out.payload.n++;
	assert_int_equal(ear_hep_write(&out, &b), EAR_LIMIT);

	ear_buf_reset(&b);
	out.correlation = ear_slice(big, 65500);
	assert_int_equal(ear_hep_write(&out, &b), EAR_USAGE);
	out.version = 4;
	assert_int_equal(ear_hep_write(&out, &b), EAR_USAGE);
	assert_int_equal(b.n, 0);

	/* Unknown addresses are written as zeros and read as unknown. */
	out = some(3, "192.0.2.1:1", "192.0.2.2:2");
	out.src = out.dst = (struct ear_addr){0};
	assert_int_equal(ear_hep_write(&out, &b), EAR_OK);
	assert_int_equal(ear_hep_read(ear_buf_view(&b), 0, &hep), EAR_OK);
	assert_int_equal(hep.src.family, 0);
	assert_int_equal(hep.chunk[EAR_HEP_SRC_IP4].n, 4);
	free(big);
	ear_buf_fini(&b);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_eep),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_payload_types),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_old_cut),
		cmocka_unit_test(test_no_hep),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_extra),
		cmocka_unit_test(test_many_notes),
		cmocka_unit_test(test_write_read),
		cmocka_unit_test(test_write_order),
		cmocka_unit_test(test_write_vector),
		cmocka_unit_test(test_write_limits),
	};

	return cmocka_run_group_tests_name("proto/hep", tests, NULL, NULL);
}
