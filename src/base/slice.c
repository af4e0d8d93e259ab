/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

bool ear_slice_ieq(struct ear_slice a, struct ear_slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (ear_lower(a.p[i]) != ear_lower(b.p[i]))
			return false;
	}
	return true;
}

int ear_slice_cmp(struct ear_slice a, struct ear_slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

size_t ear_slice_find(struct ear_slice s, struct ear_slice needle)
{
	const char *hit;

	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return s.n;
	hit = memmem(s.p, s.n, needle.p, needle.n);
	return hit ? (size_t)(hit - s.p) : s.n;
}

/* Sixteen bytes at once; compilers have instructions for it everywhere. */
typedef unsigned char lanes __attribute__((vector_size(16)));

static lanes load(const char *p)
{
	lanes v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* 0x20 for a letter: or-ed in, both its cases are the lower one. Some other
 * bytes then look alike too; what is found is compared again. */
static unsigned char case_bit(unsigned char c)
{
	return c >= 'a' && c <= 'z' ? 0x20 : 0;
}

/*
 * Searching text for words is reading memory and little else: places are
 * looked for where the needle's first and last byte stand, sixteen at once.
 */
static size_t ifind_lanes(struct ear_slice s, struct ear_slice needle)
{
	unsigned char first = (unsigned char)ear_lower(needle.p[0]);
	unsigned char last = (unsigned char)ear_lower(needle.p[needle.n - 1]);
	lanes fold_first = (lanes){} + case_bit(first);
	lanes fold_last = (lanes){} + case_bit(last);
	size_t i = 0;

	for (; i + needle.n + 15 <= s.n; i += 16) {
		lanes a = (lanes)((load(s.p + i) | fold_first) == first);
		lanes b = (lanes)((load(s.p + i + needle.n - 1) | fold_last) ==
				  last);
		uint64_t hit[2];

		a &= b;
		memcpy(hit, &a, sizeof(hit));
		if (!(hit[0] | hit[1]))
			continue;
		for (size_t k = 0; k < 16; k++) {
			if (a[k] &&
				ear_slice_ieq(ear_slice(s.p + i + k, needle.n),
					needle))
				return i + k;
		}
	}
	return i;
}

size_t ear_slice_ifind(struct ear_slice s, struct ear_slice needle)
{
	size_t i;

	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return s.n;
	for (i = ifind_lanes(s, needle); i + needle.n <= s.n; i++) {
		if (ear_lower(s.p[i]) == ear_lower(needle.p[0]) &&
			ear_slice_ieq(ear_slice(s.p + i, needle.n), needle))
			return i;
	}
	return s.n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct ear_slice ear_slice_trim(struct ear_slice s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool ear_slice_u64(struct ear_slice s, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t d = (uint64_t)(unsigned char)s.p[i] - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*value = v;
	return true;
}
