/* SPDX-License-Identifier: Apache-2.0 */
#include "base/percent.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ear_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t ear_percent_decode(struct ear_slice s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 &&
			hex(s.p[i + 2]) >= 0) {
			out[n++] =
				(char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	return n;
}
