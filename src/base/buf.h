/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A growing buffer that keeps its first error and then goes quiet, so a run
 * of writes is checked once at the end.
 *
 *     struct ear_buf b = {0};
 *     ear_buf_slice(&b, EAR_S("hello "));
 *     ear_buf_printf(&b, "%d", 42);
 *     if (b.err) …
 *     ear_buf_fini(&b);
 */
#ifndef EAR_BASE_BUF_H
#define EAR_BASE_BUF_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct ear_buf {
	char *p;          /**< owned */
	size_t n;         /**< bytes used */
	size_t cap;       /**< bytes allocated */
	size_t max;       /**< most bytes it may hold; 0 is no limit */
	enum ear_err err; /**< first error: EAR_NOMEM or EAR_LIMIT */
};

void ear_buf_fini(struct ear_buf *b);

/** What ear_buf_reserve() does when there is no room, or an error. */
char *ear_buf_grow(struct ear_buf *b, size_t n);

/** Make room for n more bytes. @return where they go, NULL on error */
static inline char *ear_buf_reserve(struct ear_buf *b, size_t n)
{
	if (b->err || !b->p || n > b->cap - b->n)
		return ear_buf_grow(b, n);
	return b->p + b->n;
}

void ear_buf_add(struct ear_buf *b, const void *p, size_t n);
void ear_buf_printf(struct ear_buf *b, const char *format, ...)
	EAR_PRINTF(2, 3);

static inline void ear_buf_slice(struct ear_buf *b, struct ear_slice s)
{
	ear_buf_add(b, s.p, s.n);
}

static inline void ear_buf_str(struct ear_buf *b, const char *s)
{
	ear_buf_add(b, s, strlen(s));
}

static inline void ear_buf_byte(struct ear_buf *b, uint8_t v)
{
	ear_buf_add(b, &v, 1);
}

/** Unsigned LEB128: seven bits a byte, low ones first; 1 to 10 bytes. */
void ear_buf_varint(struct ear_buf *b, uint64_t v);

/** Big-endian numbers, as on the wire. */
void ear_buf_be16(struct ear_buf *b, uint16_t v);
void ear_buf_be32(struct ear_buf *b, uint32_t v);

/** Empty it, keep its memory, forget its error. */
static inline void ear_buf_reset(struct ear_buf *b)
{
	b->n = 0;
	b->err = EAR_OK;
}

static inline struct ear_slice ear_buf_view(const struct ear_buf *b)
{
	return (struct ear_slice){b->p, b->n};
}

#endif
