/* SPDX-License-Identifier: Apache-2.0 */
/**
 * 16 bytes compared at once, in the compilers' own vectors: what gcc and
 * clang turn into SSE2, NEON or plain code as the machine has it.
 */
#ifndef EAR_PROTO_VEC_H
#define EAR_PROTO_VEC_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

#define VEC_BYTES 16

typedef uint8_t vec __attribute__((vector_size(VEC_BYTES)));
/** What comparing vectors gives: 0 or -1 in each byte. */
typedef int8_t vec_mask __attribute__((vector_size(VEC_BYTES)));

static inline vec vec_load(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool vec_any(vec_mask m)
{
	uint64_t half[2];

	memcpy(half, &m, sizeof(half));
	return half[0] | half[1];
}

/** Index of the first byte that is set; VEC_BYTES when none is. */
static inline unsigned vec_first(vec_mask m)
{
	uint64_t half[2];

	memcpy(half, &m, sizeof(half));
	if (half[0])
		return (unsigned)__builtin_ctzll(le64toh(half[0])) / 8;
	if (half[1])
		return 8 + (unsigned)__builtin_ctzll(le64toh(half[1])) / 8;
	return VEC_BYTES;
}

#endif
