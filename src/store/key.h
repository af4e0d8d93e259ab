/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How the index of a segment knows a value: the kind of key and 40 bits of its
 * hash in one number, so that kinds lie apart and one order serves all.
 *
 * 40 bits are enough: in a segment of two million distinct values one lookup
 * in half a million opens a block that it need not have opened, and the
 * differences between neighbours take three bytes, not six.
 */
#ifndef EAR_STORE_KEY_H
#define EAR_STORE_KEY_H

#include "message/expr.h"

/** Above every key. */
#define EAR_KEY_END (UINT64_C(1) << 48)

static inline uint64_t ear_key_of(struct ear_key_value v)
{
	return (uint64_t)v.key << 40 | v.hash >> 24;
}

/** What a block keeps of a conversation's hash. */
static inline uint32_t ear_conv_short(uint64_t conv)
{
	return (uint32_t)(conv >> 32);
}

#endif
