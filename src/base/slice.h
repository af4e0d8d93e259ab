/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A borrowed run of bytes: pointer and length, passed by value, never
 * NUL-terminated. What it points to belongs to somebody else and outlives it.
 *
 *     struct ear_slice name = EAR_S("Via");
 *     printf("%.*s\n", EAR_FMT(name));
 */
#ifndef EAR_BASE_SLICE_H
#define EAR_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ear_slice {
	const char *p; /**< may be NULL when n is 0 */
	size_t n;      /**< bytes */
};

/** A slice of a string literal, without its NUL. */
#define EAR_S(lit) ((struct ear_slice){(lit), sizeof(lit) - 1})
/** The same where a constant initialiser is wanted. */
#define EAR_S_INIT(lit)                \
	{                              \
		(lit), sizeof(lit) - 1 \
	}
/** The two arguments of a "%.*s" conversion. */
#define EAR_FMT(s) (int)(s).n, ((s).p ? (s).p : "")

static inline struct ear_slice ear_slice(const void *p, size_t n)
{
	return (struct ear_slice){p, n};
}

/** Slice of a C string; NULL gives the empty slice. */
static inline struct ear_slice ear_slice_str(const char *s)
{
	return (struct ear_slice){s, s ? strlen(s) : 0};
}

/** Bytes [from, to) of s, both cut to its length. */
static inline struct ear_slice ear_slice_sub(
	struct ear_slice s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	/* from is 0 where p is NULL: never a null pointer plus something. */
	return (struct ear_slice){from ? s.p + from : s.p, to - from};
}

static inline bool ear_slice_eq(struct ear_slice a, struct ear_slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool ear_slice_starts(struct ear_slice s, struct ear_slice head)
{
	return s.n >= head.n && (head.n == 0 || !memcmp(s.p, head.p, head.n));
}

/** ASCII lower case of one byte; other bytes as they are. */
static inline char ear_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/** Equal but for the case of ASCII letters (RFC 3261 s7.3.1). */
bool ear_slice_ieq(struct ear_slice a, struct ear_slice b);

/** Order as memcmp does, the shorter first where one begins the other. */
int ear_slice_cmp(struct ear_slice a, struct ear_slice b);

/** Where needle begins in s, or s.n. */
size_t ear_slice_find(struct ear_slice s, struct ear_slice needle);

/** As ear_slice_find(), ASCII letters of any case. */
size_t ear_slice_ifind(struct ear_slice s, struct ear_slice needle);

/** Without the spaces, tabs, CRs and LFs at both ends. */
struct ear_slice ear_slice_trim(struct ear_slice s);

/**
 * An unsigned decimal number that fills the whole slice.
 *
 * @return false when empty, not all digits, or above max
 */
bool ear_slice_u64(struct ear_slice s, uint64_t max, uint64_t *value);

#endif
