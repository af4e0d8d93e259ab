/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header names to ids by a small hash table over length, first and last four
 * letters. Bytes are compared with 0x20 set in each: of the characters that a
 * name may have, this joins exactly the letters of both cases.
 */
#include "proto/sip_lex.h"

#define SLOTS 256 /* over three times the names, so that most probes hit */
#define NAME_BYTES_MAX 32

struct row {
	const char *name;
	uint8_t n;
	bool once;
};

#define ONE true
#define LIST false
static const struct row rows[EAR_SIP_ID_COUNT] = {
	[EAR_SIP_OTHER] = {"", 0, false},
#define X(id, name, compact, many, grammar) \
	[EAR_SIP_##id] = {name, sizeof(name) - 1, many},
#include "proto/sip_header.def"
#undef X
};

#define X(id, name, compact, many, grammar) \
	_Static_assert(sizeof(name) - 1 <= NAME_BYTES_MAX, name);
#include "proto/sip_header.def"
#undef X

static uint8_t slots[SLOTS];

static uint32_t low4(const char *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v | 0x20202020u;
}

static uint64_t low8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v | 0x2020202020202020u;
}

static uint32_t low23(const char *p, size_t n)
{
	uint32_t v = (uint32_t)(unsigned char)p[0] << 16 |
		     (uint32_t)(unsigned char)p[n / 2] << 8 |
		     (uint32_t)(unsigned char)p[n - 1];

	return v | 0x20202020u;
}

/* 2 to NAME_BYTES_MAX bytes */
static unsigned slot_of(const char *p, size_t n)
{
	uint32_t a = n < 4 ? low23(p, n) : low4(p);
	uint32_t b = n < 4 ? 0 : low4(p + n - 4);

	return (unsigned)((((a ^ n * 0x9e3779b1u) * 0x85ebca6bu) ^
				  b * 0xc2b2ae35u) *
				  0x27d4eb2fu >>
			  24) %
	       SLOTS;
}

static bool same(const char *p, const char *q, size_t n)
{
	if (n < 4)
		return low23(p, n) == low23(q, n);
	if (n < 8)
		return low4(p) == low4(q) && low4(p + n - 4) == low4(q + n - 4);
	for (size_t i = 0; i + 8 < n; i += 8) {
		if (low8(p + i) != low8(q + i))
			return false;
	}
	return low8(p + n - 8) == low8(q + n - 8);
}

/* Before main, so that no thread meets a half-filled table. */
__attribute__((constructor)) static void fill(void)
{
	for (unsigned id = 1; id < EAR_SIP_ID_COUNT; id++) {
		unsigned at = slot_of(rows[id].name, rows[id].n);

		while (slots[at])
			at = (at + 1) % SLOTS;
		slots[at] = (uint8_t)id;
	}
}

/* Rows without a compact name get a label that no character has. */
static enum ear_sip_id compact_id(char c)
{
	switch ((int)ear_lower(c)) {
#define X(id, name, compact, many, grammar) \
	case compact ? compact:             \
		-1 - (int)EAR_SIP_##id - 128 : return EAR_SIP_##id;
#include "proto/sip_header.def"
#undef X
	default: return EAR_SIP_OTHER;
	}
}

enum ear_sip_id ear_sip_id_of(struct ear_slice name)
{
	if (name.n == 1)
		return compact_id(name.p[0]);
	if (name.n < 2 || name.n > NAME_BYTES_MAX)
		return EAR_SIP_OTHER;
	for (unsigned at = slot_of(name.p, name.n);; at = (at + 1) % SLOTS) {
		const struct row *row = &rows[slots[at]];

		if (!slots[at])
			return EAR_SIP_OTHER;
		if (row->n == name.n && same(name.p, row->name, name.n))
			return slots[at];
	}
}

struct ear_slice ear_sip_id_name(enum ear_sip_id id)
{
	return ear_slice(rows[id].name, rows[id].n);
}

bool ear_sip_id_once(enum ear_sip_id id)
{
	return rows[id].once;
}
