/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

size_t ear_utf8_length(const unsigned char *p, size_t left)
{
	size_t n;
	uint32_t v;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] < 0xe0) {
		n = 2;
		v = p[0] & 0x1fU;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		v = p[0] & 0x0fU;
	} else if (p[0] >= 0xf0 && p[0] < 0xf5) {
		n = 4;
		v = p[0] & 0x07U;
	} else {
		return 0;
	}
	if (left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3fU);
	}
	/* overlong forms, surrogates, beyond Unicode: RFC 3629 s3 */
	if ((n == 3 && v < 0x800) ||
		(n == 4 && (v < 0x10000 || v > 0x10ffff)) ||
		(v >= 0xd800 && v < 0xe000))
		return 0;
	return n;
}

/* Eight bytes at a time while none is above 127 or NUL. */
static size_t plain(struct ear_slice s, size_t at)
{
	const uint64_t ones = 0x0101010101010101ULL, highs = ones << 7;
	uint64_t v;

	while (s.n - at >= sizeof(v)) {
		memcpy(&v, s.p + at, sizeof(v));
		if ((v & highs) || ((v - ones) & ~v & highs))
			break;
		at += sizeof(v);
	}
	return at;
}

size_t ear_utf8_valid(struct ear_slice s)
{
	size_t at = 0;

	while (at < s.n) {
		size_t n;

		at = plain(s, at);
		if (at == s.n || !s.p[at])
			break;
		n = ear_utf8_length((const unsigned char *)s.p + at, s.n - at);
		if (!n)
			break;
		at += n;
	}
	return at;
}

struct ear_slice ear_utf8_cut(struct ear_slice s, size_t characters)
{
	size_t at = 0;

	if (s.n <= characters)
		return s;
	for (; at < s.n; at++) {
		bool first = ((unsigned char)s.p[at] & 0xc0) != 0x80;

		if (first && characters-- == 0)
			break;
	}
	return ear_slice_sub(s, 0, at);
}

size_t ear_utf8_clean(struct ear_slice s, char *out)
{
	for (size_t at = 0, n; at < s.n; at += n) {
		const unsigned char *p = (const unsigned char *)s.p + at;
		size_t valid = ear_utf8_length(p, s.n - at);

		n = valid ? valid : 1;
		/* C1 controls are two bytes: C2 80 to C2 9F */
		if (!valid || *p < 0x20 || *p == 0x7f ||
			(valid == 2 && p[0] == 0xc2 && p[1] < 0xa0))
			memset(out + at, '?', n);
		else
			memmove(out + at, p, n);
	}
	return s.n;
}
