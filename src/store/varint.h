/* SPDX-License-Identifier: Apache-2.0 */
/**
 * LEB128 numbers through bare pointers: columns and postings are written and
 * read by the hundred million, where the checks of struct ear_buf and struct
 * ear_reader at each number are what one would measure. The caller has made
 * room for, or checks, EAR_VARINT_MAX bytes a number.
 */
#ifndef EAR_STORE_VARINT_H
#define EAR_STORE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EAR_VARINT_MAX 10

static inline uint8_t *ear_varint_put(uint8_t *to, uint64_t v)
{
	while (v >= 0x80) {
		*to++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*to++ = (uint8_t)v;
	return to;
}

/** @return behind the number, or NULL when it is cut short or too long */
static inline const uint8_t *ear_varint_get(
	const uint8_t *from, const uint8_t *end, uint64_t *v)
{
	uint64_t sum = 0;

	for (unsigned shift = 0; from < end && shift < 64; shift += 7) {
		uint8_t b = *from++;

		sum |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80)) {
			*v = sum;
			return from;
		}
	}
	return NULL;
}

static inline uint64_t ear_zigzag(uint64_t difference)
{
	return difference << 1 ^ (0 - (difference >> 63));
}

static inline uint64_t ear_unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

#endif
