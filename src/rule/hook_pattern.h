/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The patterns of Lua 5.4 (reference manual s6.4.1), matched under a budget:
 * those of its own library cannot be stopped, and four ".-" in a row over a
 * body of 60 kB never end.
 *
 *     struct ear_pattern p;
 *     const char *why = ear_pattern_compile(&p, EAR_S("^(%a+):"), true);
 *     struct ear_pattern_hit hit;
 *     int64_t steps = 100000;
 *     if (!why && ear_pattern_find(&p, subject, 0, &steps, &hit)) …
 *
 * Bytes are classed as in the C locale. Threads: pure.
 */
#ifndef EAR_RULE_HOOK_PATTERN_H
#define EAR_RULE_HOOK_PATTERN_H

#include "base/slice.h"

/** Most items in a pattern, and so the depth of the recursion. */
#define EAR_PATTERN_ITEMS 200
/** Most sets in brackets. */
#define EAR_PATTERN_SETS 32
/** Most captures, as in Lua. */
#define EAR_PATTERN_CAPTURES 32

/** A capture "()" has no bytes but a place. */
#define EAR_PATTERN_PLACE SIZE_MAX

/** What an item is. */
enum ear_pattern_op {
	EAR_PATTERN_OP_BYTE,     /* a */
	EAR_PATTERN_OP_ANY,      /* . */
	EAR_PATTERN_OP_SET,      /* set a */
	EAR_PATTERN_OP_OPEN,     /* capture a begins */
	EAR_PATTERN_OP_PLACE,    /* capture a is the place */
	EAR_PATTERN_OP_CLOSE,    /* capture a ends */
	EAR_PATTERN_OP_BALANCE,  /* %bab */
	EAR_PATTERN_OP_FRONTIER, /* %f, set a */
	EAR_PATTERN_OP_BACK,     /* what capture a matched */
	EAR_PATTERN_OP_END,      /* $ */
};

struct ear_pattern_item {
	uint8_t op;   /**< enum ear_pattern_op */
	char count;   /**< '*', '+', '-', '?' or 0 */
	uint8_t a, b; /**< a byte, a class, a set, a capture; %b's other */
};

struct ear_pattern {
	struct ear_pattern_item item[EAR_PATTERN_ITEMS];
	uint8_t set[EAR_PATTERN_SETS][32]; /**< a bit for each byte */
	unsigned items, sets, captures;
	bool anchored; /**< begins with '^' */
};

/** Whether a set has a byte. */
static inline bool ear_pattern_has(const uint8_t set[32], uint8_t c)
{
	return set[c >> 3] & (1u << (c & 7));
}

struct ear_pattern_hit {
	size_t from, to; /**< of the whole match: [from, to) */
	struct {
		size_t at, n; /**< n: bytes, or EAR_PATTERN_PLACE */
	} capture[EAR_PATTERN_CAPTURES];
	unsigned captures;
};

/**
 * @param anchor whether '^' at the beginning means the beginning
 * @return NULL, or what is wrong with it
 */
const char *ear_pattern_compile(
	struct ear_pattern *p, struct ear_slice text, bool anchor);

/**
 * Find the first match at from or behind it.
 *
 * @param[in,out] steps what may be spent; below 0: it was not enough, and
 *                      nothing is known of the match
 */
bool ear_pattern_find(const struct ear_pattern *p, struct ear_slice subject,
	size_t from, int64_t *steps, struct ear_pattern_hit *hit);

/** Whether a text has no characters of meaning in patterns. */
bool ear_pattern_plain(struct ear_slice text);

#endif
