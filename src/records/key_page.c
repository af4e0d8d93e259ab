/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of entries: a byte with the key's length, or that the key is the one
 * before, and whether the entry says that it is gone; the key; at and id, the
 * highest byte first.
 */
#include "records/keys.h"

#define GONE 0x80
#define SAME 0x7f
#define ROW 16

_Static_assert(EAR_KEY_MAX < SAME, "lengths of keys are told from SAME");

static void put64(uint8_t *to, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		to[i] = (uint8_t)v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

struct ear_slice ear_key_number(uint64_t v, size_t bytes, uint8_t room[8])
{
	uint8_t all[8];

	put64(all, v);
	memcpy(room, all + 8 - bytes, bytes);
	return ear_slice(room, bytes);
}

struct ear_slice ear_key_talk(
	uint64_t disposition, uint64_t talk_ms, uint8_t room[8])
{
	uint64_t ms = talk_ms < UINT32_MAX ? talk_ms : UINT32_MAX;

	return ear_key_number((disposition & 0xff) << 32 | ms, 5, room);
}

int ear_key_cmp(const struct ear_key_entry *a, const struct ear_key_entry *b)
{
	int c = ear_slice_cmp(a->key, b->key);

	if (!c)
		c = (a->at > b->at) - (a->at < b->at);
	return c ? c : (a->id > b->id) - (a->id < b->id);
}

void ear_key_write(struct ear_buf *page, const struct ear_key_entry *e,
	const struct ear_key_entry *before)
{
	bool same = before && ear_slice_eq(before->key, e->key);
	uint8_t gone = e->gone ? GONE : 0, row[ROW];

	ear_buf_byte(page, (uint8_t)(gone | (same ? SAME : e->key.n)));
	if (!same)
		ear_buf_slice(page, e->key);
	put64(row, e->at);
	put64(row + 8, e->id);
	ear_buf_add(page, row, ROW);
}

bool ear_key_page_read(struct ear_key_page *p, struct ear_slice bytes)
{
	size_t at = 0, key = 0, size = 0;

	p->n = 0;
	if (bytes.n > sizeof(p->bytes))
		return false;
	memset(p->gone, 0, sizeof(p->gone));
	if (bytes.n)
		memcpy(p->bytes, bytes.p, bytes.n);
	while (at < bytes.n) {
		uint8_t head = p->bytes[at++];

		if ((head & SAME) != SAME) {
			key = at;
			size = head & SAME;
			at += size;
		} else if (!p->n) {
			return false;
		}
		if (size > EAR_KEY_MAX)
			return false;
		if (at + ROW > bytes.n || p->n == EAR_KEY_PAGE_MAX)
			return false;
		p->key[p->n] = (uint16_t)key;
		p->size[p->n] = (uint8_t)size;
		p->row[p->n] = (uint16_t)at;
		if (head & GONE)
			p->gone[p->n / 8] |= (uint8_t)(1 << p->n % 8);
		p->n++;
		at += ROW;
	}
	return p->n > 0;
}

struct ear_key_entry ear_key_page_at(const struct ear_key_page *p, size_t i)
{
	return (struct ear_key_entry){
		.key = ear_slice(p->bytes + p->key[i], p->size[i]),
		.at = get64(p->bytes + p->row[i]),
		.id = get64(p->bytes + p->row[i] + 8),
		.gone = p->gone[i / 8] >> i % 8 & 1};
}
