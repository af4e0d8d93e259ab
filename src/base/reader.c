/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"

/* n bytes as a number, most significant first, or last when little. */
static uint64_t number(struct ear_reader *r, size_t n, bool little)
{
	struct ear_slice s = ear_read(r, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (uint8_t)s.p[little ? s.n - 1 - i : i];
	return v;
}

uint8_t ear_read_u8(struct ear_reader *r)
{
	return (uint8_t)number(r, 1, false);
}

uint16_t ear_read_be16(struct ear_reader *r)
{
	return (uint16_t)number(r, 2, false);
}

uint32_t ear_read_be32(struct ear_reader *r)
{
	return (uint32_t)number(r, 4, false);
}

uint64_t ear_read_be64(struct ear_reader *r)
{
	return number(r, 8, false);
}

uint16_t ear_read_le16(struct ear_reader *r)
{
	return (uint16_t)number(r, 2, true);
}

uint32_t ear_read_le32(struct ear_reader *r)
{
	return (uint32_t)number(r, 4, true);
}

uint64_t ear_read_varint(struct ear_reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t b = ear_read_u8(r);

		if (r->err)
			return 0;
		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	r->err = EAR_BAD;
	return 0;
}
