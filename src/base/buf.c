/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void ear_buf_fini(struct ear_buf *b)
{
	free(b->p);
	*b = (struct ear_buf){0};
}

static bool grow(struct ear_buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 256;
	char *p;

	if (b->max && need > b->max) {
		b->err = EAR_LIMIT;
		return false;
	}
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (b->max && cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (!p) {
		b->err = EAR_NOMEM;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

char *ear_buf_grow(struct ear_buf *b, size_t n)
{
	if (b->err)
		return NULL;
	if (n > SIZE_MAX - b->n) {
		b->err = EAR_NOMEM;
		return NULL;
	}
	if (!grow(b, b->n + n))
		return NULL;
	return b->p + b->n;
}

void ear_buf_add(struct ear_buf *b, const void *p, size_t n)
{
	char *to = n ? ear_buf_reserve(b, n) : NULL;

	if (!to)
		return;
	memcpy(to, p, n);
	b->n += n;
}

void ear_buf_printf(struct ear_buf *b, const char *format, ...)
{
	va_list args, again;
	char *to;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n > 0 && (to = ear_buf_reserve(b, (size_t)n + 1))) {
		vsnprintf(to, (size_t)n + 1, format, again);
		b->n += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

void ear_buf_varint(struct ear_buf *b, uint64_t v)
{
	char *to = ear_buf_reserve(b, 10);
	size_t n = 0;

	if (!to)
		return;
	while (v >= 0x80) {
		to[n++] = (char)(uint8_t)(v | 0x80);
		v >>= 7;
	}
	to[n++] = (char)(uint8_t)v;
	b->n += n;
}

void ear_buf_be16(struct ear_buf *b, uint16_t v)
{
	uint8_t w[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	ear_buf_add(b, w, sizeof(w));
}

void ear_buf_be32(struct ear_buf *b, uint32_t v)
{
	uint8_t w[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16),
		(uint8_t)(v >> 8), (uint8_t)v};

	ear_buf_add(b, w, sizeof(w));
}
