/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Big-endian numbers at a place whose bytes were checked to be there; where
 * they were not, struct ear_reader does both.
 */
#ifndef EAR_PROTO_BE_H
#define EAR_PROTO_BE_H

#include <stdint.h>

static inline uint32_t ear_be16(const void *at)
{
	const uint8_t *p = at;

	return (uint32_t)(p[0] << 8 | p[1]);
}

static inline uint32_t ear_be32(const void *at)
{
	const uint8_t *p = at;

	return ear_be16(p) << 16 | ear_be16(p + 2);
}

#endif
