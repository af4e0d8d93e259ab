/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header names to ids by a small hash table. Names are read 8 bytes at once,
 * what lies behind them masked away, and compared with 0x20 set in each byte:
 * of the characters in known names, this joins letters with their other case
 * and nothing else but "-" with CR, which the check of line ends finds.
 */
#include <endian.h>

#include "proto/sip_lex.h"

#define SLOTS 256 /* over three times the names, so that most probes hit */
#define NAME_BYTES_MAX 32

struct row {
	uint64_t word[NAME_BYTES_MAX / 8]; /* 0x20 set, zero filled */
	const char *name;
	uint8_t n;
	bool once;
};

#define ONE true
#define LIST false
static struct row rows[EAR_SIP_ID_COUNT] = {
	[EAR_SIP_OTHER] = {.name = ""},
#define X(id, text, compact, many, grammar) \
	[EAR_SIP_##id] = {.name = text, .n = sizeof(text) - 1, .once = many},
#include "proto/sip_header.def"
#undef X
};

#define X(id, text, compact, many, grammar) \
	_Static_assert(sizeof(text) - 1 <= NAME_BYTES_MAX, text);
#include "proto/sip_header.def"
#undef X

static uint8_t slots[SLOTS];

/* At most the first n bytes at p, of which 8 are readable. */
static uint64_t word_of(const char *p, size_t n)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	v = le64toh(v) | 0x2020202020202020u;
	return n >= 8 ? v : v & ((1ULL << 8 * n) - 1);
}

static unsigned slot_of(uint64_t first, uint64_t second)
{
	uint64_t h = first ^ (second * 0xc2b2ae3d27d4eb4fULL);

	return (unsigned)((h * 0x9e3779b97f4a7c15ULL) >> 56) % SLOTS;
}

/* Bytes 16 to n; p has NAME_BYTES_MAX readable bytes */
static bool same_tail(const char *p, size_t n, const struct row *row)
{
	uint64_t third = word_of(p + 16, n - 16);
	uint64_t fourth = n > 24 ? word_of(p + 24, n - 24) : 0;

	return third == row->word[2] && fourth == row->word[3];
}

/* p has NAME_BYTES_MAX readable bytes; n is 2 to NAME_BYTES_MAX */
static enum ear_sip_id look_up(const char *p, size_t n)
{
	uint64_t first = word_of(p, n);
	uint64_t second = n > 8 ? word_of(p + 8, n - 8) : 0;
	unsigned at = slot_of(first, second);

	for (; slots[at]; at = (at + 1) % SLOTS) {
		const struct row *row = &rows[slots[at]];

		if (row->word[0] == first && row->word[1] == second &&
			row->n == n && (n <= 16 || same_tail(p, n, row)))
			return slots[at];
	}
	return EAR_SIP_OTHER;
}

/* Before main, so that no thread meets a half-filled table. */
__attribute__((constructor)) static void fill(void)
{
	for (unsigned id = 1; id < EAR_SIP_ID_COUNT; id++) {
		struct row *row = &rows[id];
		char padded[NAME_BYTES_MAX] = {0};
		unsigned at;

		memcpy(padded, row->name, row->n);
		for (unsigned i = 0; i * 8 < row->n; i++)
			row->word[i] = word_of(padded + i * 8, row->n - i * 8);
		at = slot_of(row->word[0], row->word[1]);
		while (slots[at])
			at = (at + 1) % SLOTS;
		slots[at] = (uint8_t)id;
	}
}

/* Rows without a compact name get a label that no character has. */
static enum ear_sip_id compact_id(char c)
{
	switch ((int)ear_lower(c)) {
#define X(id, text, compact, many, grammar) \
	case compact ? compact:             \
		-1 - (int)EAR_SIP_##id - 128 : return EAR_SIP_##id;
#include "proto/sip_header.def"
#undef X
	default: return EAR_SIP_OTHER;
	}
}

enum ear_sip_id ear_sip_id_at(const char *p, size_t n, const char *end)
{
	char padded[NAME_BYTES_MAX] = {0};

	if (n == 1)
		return compact_id(*p);
	if (n < 2 || n > NAME_BYTES_MAX)
		return EAR_SIP_OTHER;
	if (end - p >= NAME_BYTES_MAX)
		return look_up(p, n);
	memcpy(padded, p, n);
	return look_up(padded, n);
}

enum ear_sip_id ear_sip_id_of(struct ear_slice name)
{
	return name.n ? ear_sip_id_at(name.p, name.n, name.p + name.n)
		      : EAR_SIP_OTHER;
}

struct ear_slice ear_sip_id_name(enum ear_sip_id id)
{
	return ear_slice(rows[id].name, rows[id].n);
}

bool ear_sip_id_once(enum ear_sip_id id)
{
	return rows[id].once;
}
