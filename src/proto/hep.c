/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hep.h"

#include "proto/hep_priv.h"

enum place { ENVELOPE, EXTRA };
/* Value sizes; IP4 and U32 differ only in what they mean. */
enum kind { OCTETS = 0, U8 = 1, U16 = 2, U32 = 4, IP4 = 4, U64 = 8, IP6 = 16 };

static const struct {
	uint16_t vendor;
	uint16_t type;
	uint8_t size; /* 0: any */
	uint8_t place;
	const char *key;
} chunks[EAR_HEP_CHUNKS] = {
#define X(name, vendor, type, kind, place, key, help) \
	[EAR_HEP_##name] = {vendor, type, kind, place, key},
#include "proto/hep_chunk.def"
#undef X
};

#define REMARK 0
#define MALFORMED EAR_HEP_MALFORMED
#define TRUNCATED EAR_HEP_TRUNCATED
static const struct {
	const char *id;
	uint8_t flags;
	const char *words;
} rules[EAR_HEP_RULES] = {
#define X(name, id, severity, words) {id, severity, words},
#include "proto/hep_rule.def"
#undef X
};

const char *ear_hep_rule_id(enum ear_hep_rule rule)
{
	return rules[rule].id;
}

const char *ear_hep_chunk_key(enum ear_hep_chunk chunk)
{
	return chunk == EAR_HEP_NONE ? "" : chunks[chunk].key;
}

const char *ear_hep_payload_name(uint8_t type)
{
	switch (type) {
#define X(name, code, key, help) \
	case code:               \
		return key;
#include "proto/hep_payload.def"
#undef X
	default: return NULL;
	}
}

void ear_hep_note(struct ear_hep *hep, enum ear_hep_rule rule, size_t at,
	size_t a, size_t b)
{
	hep->flags |= rules[rule].flags;
	if (hep->notes == EAR_HEP_NOTES) {
		hep->note[EAR_HEP_NOTES - 1] = (struct ear_hep_note){
			.rule = EAR_HEP_RULE_MORE, .at = (uint32_t)at};
		return;
	}
	hep->note[hep->notes++] = (struct ear_hep_note){
		.rule = (uint8_t)rule,
		.at = (uint32_t)at,
		.a = (uint32_t)a,
		.b = (uint32_t)b,
	};
}

void ear_hep_note_words(const struct ear_hep_note *note, struct ear_buf *out)
{
	ear_buf_printf(out, rules[note->rule].words, note->a, note->b);
	ear_buf_printf(out, " (HEP byte %u)", note->at);
}

enum ear_hep_chunk ear_hep_chunk_of(uint16_t vendor, uint16_t type)
{
	switch ((uint32_t)vendor << 16 | type) {
#define X(name, vendor, type, kind, place, key, help) \
	case (uint32_t)(vendor) << 16 | (type):       \
		return EAR_HEP_##name;
#include "proto/hep_chunk.def"
#undef X
	default: return EAR_HEP_NONE;
	}
}

bool hep_family_is_6(uint8_t family)
{
	switch (family) {
	case 10: /* Linux */
	case 23: /* Windows */
	case 24: /* NetBSD, OpenBSD */
	case 26: /* Solaris */
	case 28: /* FreeBSD */
	case 30: /* macOS */ return true;
	default: return false;
	}
}

static bool family_known(uint8_t family)
{
	return family == 2 || hep_family_is_6(family);
}

int ear_hep_version(struct ear_slice in)
{
	const uint8_t *b = (const uint8_t *)in.p;

	if (in.n >= 4 && (!memcmp(b, "HEP3", 4) || !memcmp(b, "EEP3", 4)))
		return 3;
	if (in.n < 8 || (b[0] != 1 && b[0] != 2))
		return 0;
	if (family_known(b[2]) || b[1] == 16 || b[1] == 40)
		return b[0];
	return b[0] == 2 && (b[1] == 28 || b[1] == 52) ? 2 : 0;
}

struct ear_addr hep_addr(const char *ip, bool six, uint16_t port)
{
	static const char zero[16];
	static const char mapped[12] = {[10] = '\xff', [11] = '\xff'};

	if (port == 0 && !memcmp(ip, zero, six ? 16 : 4))
		return (struct ear_addr){0};
	if (six && !memcmp(ip, mapped, sizeof(mapped)))
		return ear_addr_v4(ip + sizeof(mapped), port);
	return six ? ear_addr_v6(ip, port) : ear_addr_v4(ip, port);
}

uint64_t hep_time(struct ear_hep *hep, uint32_t s, uint32_t us, size_t at)
{
	if (us >= 1000000)
		ear_hep_note(hep, EAR_HEP_RULE_TIME_MICROS, at, us, 0);
	if (s == 0) {
		ear_hep_note(hep, EAR_HEP_RULE_TIME_NONE, at, 0, 0);
		return 0;
	}
	return s * 1000000000ULL + us * 1000ULL;
}

uint64_t ear_hep_number(const struct ear_hep *hep, enum ear_hep_chunk chunk)
{
	struct ear_slice v = ear_hep_value(hep, chunk);

	return v.n <= 8 ? hep_be(v.p, v.n) : 0;
}

bool ear_hep_next(struct ear_hep_walk *walk, struct ear_hep_piece *piece)
{
	const char *p = walk->in.p + walk->at;
	size_t left = walk->in.n - walk->at;
	uint16_t length;

	if (walk->at > walk->in.n || left < EAR_HEP_CHUNK_HEAD)
		return false;
	length = (uint16_t)hep_be(p + 4, 2);
	if (length < EAR_HEP_CHUNK_HEAD || length > left)
		return false;
	piece->vendor = (uint16_t)hep_be(p, 2);
	piece->type = (uint16_t)hep_be(p + 2, 2);
	piece->whole = ear_slice(p, length);
	piece->value = ear_slice_sub(piece->whole, EAR_HEP_CHUNK_HEAD, length);
	walk->at += length;
	return true;
}

/* Remember a chunk that has no field, in or outside the table. */
static void keep_extra(struct ear_hep *hep, struct ear_slice whole)
{
	if (!hep->extra_bytes)
		hep->extra = whole;
	hep->extra.n = (size_t)(whole.p + whole.n - hep->extra.p);
	hep->extra_bytes += whole.n;
}

/* True when the chunk has its place in hep's fields. */
static bool take(struct ear_hep *hep, const struct ear_hep_piece *piece)
{
	enum ear_hep_chunk c = ear_hep_chunk_of(piece->vendor, piece->type);
	size_t at = (size_t)(piece->whole.p - hep->packet.p);

	if (c == EAR_HEP_NONE) {
		if (!piece->vendor && !piece->type)
			ear_hep_note(hep, EAR_HEP_RULE_CHUNK_ZERO, at, 0, 0);
		return false;
	}
	if (chunks[c].size && chunks[c].size != piece->value.n) {
		ear_hep_note(hep, EAR_HEP_RULE_CHUNK_SIZE, at, piece->type,
			piece->value.n);
		return false;
	}
	if (hep->chunk[c].at)
		ear_hep_note(hep, EAR_HEP_RULE_CHUNK_AGAIN, at, piece->type, 0);
	hep->chunk[c].at = (uint16_t)(at + EAR_HEP_CHUNK_HEAD);
	hep->chunk[c].n = (uint16_t)piece->value.n;
	return chunks[c].place == ENVELOPE;
}

/*
 * The walk stopped before the end. A payload that goes on past the end is
 * taken as far as it goes: FreeSWITCH cuts long messages that way.
 */
static void take_rest(struct ear_hep *hep, size_t at)
{
	size_t left = hep->packet.n - at;
	const char *p = hep->packet.p + at;
	struct ear_hep_piece piece;
	size_t length;

	if (left < EAR_HEP_CHUNK_HEAD) {
		ear_hep_note(hep, EAR_HEP_RULE_CHUNK_STUB, at, left, 0);
		return;
	}
	length = hep_be(p + 4, 2);
	piece.vendor = (uint16_t)hep_be(p, 2);
	piece.type = (uint16_t)hep_be(p + 2, 2);
	if (length < EAR_HEP_CHUNK_HEAD) {
		ear_hep_note(
			hep, EAR_HEP_RULE_CHUNK_LENGTH, at, piece.type, length);
		return;
	}
	ear_hep_note(hep, EAR_HEP_RULE_CHUNK_CUT, at, piece.type, length);
	piece.whole = ear_slice(p, left);
	piece.value = ear_slice_sub(piece.whole, EAR_HEP_CHUNK_HEAD, left);
	if (!piece.vendor && (piece.type == 0x0f || piece.type == 0x10))
		take(hep, &piece);
}

static void chunks_read(struct ear_hep *hep)
{
	struct ear_hep_walk walk = {hep->packet, EAR_HEP_HEAD};
	struct ear_hep_piece piece;

	while (ear_hep_next(&walk, &piece)) {
		if (!take(hep, &piece))
			keep_extra(hep, piece.whole);
	}
	if (walk.at < hep->packet.n)
		take_rest(hep, walk.at);
}

static struct ear_addr address(const struct ear_hep *hep, bool six,
	enum ear_hep_chunk ip4, enum ear_hep_chunk ip6,
	enum ear_hep_chunk port_chunk)
{
	struct ear_slice v4 = ear_hep_value(hep, ip4);
	struct ear_slice v6 = ear_hep_value(hep, ip6);
	uint16_t port = (uint16_t)ear_hep_number(hep, port_chunk);

	if (v6.n && (six || !v4.n))
		return hep_addr(v6.p, true, port);
	if (v4.n)
		return hep_addr(v4.p, false, port);
	return (struct ear_addr){0};
}

/* The family chunk only decides when both kinds of addresses are there. */
static void addresses(struct ear_hep *hep)
{
	bool six = hep_family_is_6(hep->family);
	bool fits;

	hep->src = address(
		hep, six, EAR_HEP_SRC_IP4, EAR_HEP_SRC_IP6, EAR_HEP_SRC_PORT);
	hep->dst = address(
		hep, six, EAR_HEP_DST_IP4, EAR_HEP_DST_IP6, EAR_HEP_DST_PORT);
	fits = six ? hep->chunk[EAR_HEP_SRC_IP6].at &&
			       hep->chunk[EAR_HEP_DST_IP6].at
		   : hep->family == 2 && hep->chunk[EAR_HEP_SRC_IP4].at &&
			       hep->chunk[EAR_HEP_DST_IP4].at;
	if (!hep->src.family || !hep->dst.family) {
		/* a log event was never on a wire */
		if (hep->payload_type != EAR_HEP_TYPE_LOG)
			ear_hep_note(hep, EAR_HEP_RULE_ADDRESS, 0, 0, 0);
	} else if (!fits) {
		ear_hep_note(hep, EAR_HEP_RULE_FAMILY, 0, hep->family, 0);
	}
}

static void envelope(struct ear_hep *hep)
{
	hep->family = (uint8_t)ear_hep_number(hep, EAR_HEP_FAMILY);
	hep->ip_proto = (uint8_t)ear_hep_number(hep, EAR_HEP_IP_PROTO);
	hep->payload_type = (uint8_t)ear_hep_number(hep, EAR_HEP_PAYLOAD_TYPE);
	hep->capture_id = (uint32_t)ear_hep_number(hep, EAR_HEP_CAPTURE_ID);
	addresses(hep);
	hep->at_ns =
		hep_time(hep, (uint32_t)ear_hep_number(hep, EAR_HEP_SECONDS),
			(uint32_t)ear_hep_number(hep, EAR_HEP_MICROS),
			hep->chunk[EAR_HEP_SECONDS].at);
	if (hep->at_ns)
		hep->at_ns += ear_hep_number(hep, EAR_HEP_NANOS) % 1000;
	hep->payload = ear_hep_value(hep, EAR_HEP_PAYLOAD);
	if (!hep->payload.n)
		hep->packed = ear_hep_value(hep, EAR_HEP_PACKED);
	if (hep->chunk[EAR_HEP_PAYLOAD].at || hep->chunk[EAR_HEP_PACKED].at)
		hep->flags |= EAR_HEP_HAS_PAYLOAD;
	else
		ear_hep_note(hep, EAR_HEP_RULE_PAYLOAD_NONE, 0, 0, 0);
	if (hep->chunk[EAR_HEP_WAS_BYTES].at)
		ear_hep_note(hep, EAR_HEP_RULE_PAYLOAD_WAS,
			hep->chunk[EAR_HEP_WAS_BYTES].at,
			ear_hep_number(hep, EAR_HEP_WAS_BYTES), 0);
}

static enum ear_err read_3(struct ear_slice in, struct ear_hep *hep)
{
	size_t total;

	if (in.n < EAR_HEP_HEAD)
		return EAR_MORE;
	total = hep_be(in.p + 4, 2);
	hep->packet = ear_slice_sub(in, 0, total);
	if (in.p[0] == 'E')
		hep->flags |= EAR_HEP_EEP;
	if (total < EAR_HEP_HEAD) {
		/* No border can be trusted: take all that there is. */
		ear_hep_note(hep, EAR_HEP_RULE_TOTAL_SHORT, 4, total, 0);
		hep->packet = ear_slice_sub(in, 0, EAR_HEP_MAX);
	} else if (total > in.n) {
		ear_hep_note(hep, EAR_HEP_RULE_CUT, 4, total, in.n);
	}
	chunks_read(hep);
	envelope(hep);
	return EAR_OK;
}

enum ear_err ear_hep_read(
	struct ear_slice in, uint64_t now_ns, struct ear_hep *hep)
{
	int version = ear_hep_version(in);

	memset(hep, 0, sizeof(*hep));
	hep->version = (uint8_t)version;
	if (version == 3)
		return read_3(in, hep);
	return version ? hep_read_old(in, now_ns, hep) : EAR_BAD;
}

struct ear_slice ear_hep_extra(
	const struct ear_hep *hep, struct ear_buf *scratch)
{
	struct ear_hep_walk walk = {hep->packet, EAR_HEP_HEAD};
	struct ear_hep_piece piece;
	size_t from = scratch->n;

	if (hep->extra.n == hep->extra_bytes)
		return hep->extra;
	while (ear_hep_next(&walk, &piece)) {
		enum ear_hep_chunk c =
			ear_hep_chunk_of(piece.vendor, piece.type);

		if (c != EAR_HEP_NONE && chunks[c].place == ENVELOPE &&
			(!chunks[c].size || chunks[c].size == piece.value.n))
			continue;
		ear_buf_slice(scratch, piece.whole);
	}
	return scratch->err ? (struct ear_slice){0}
			    : ear_slice(scratch->p + from, scratch->n - from);
}
