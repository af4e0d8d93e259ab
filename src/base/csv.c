/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include "base/utf8.h"

static bool is_formula(struct ear_slice s)
{
	char c = s.n ? s.p[0] : '\0';

	if (c == '+' || c == '-') {
		for (size_t i = 1; i < s.n; i++) {
			if (s.p[i] < '0' || s.p[i] > '9')
				return true;
		}
		return s.n < 2;
	}
	return c == '=' || c == '@' || c == '\t' || c == '\r' || c == '\n';
}

static bool wants_quotes(struct ear_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		/* a semicolon divides cells where the comma is decimal */
		if (memchr(",;\"\r\n", s.p[i], 5))
			return true;
	}
	return false;
}

static size_t character(struct ear_buf *out, struct ear_slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = ear_utf8_length((const unsigned char *)s.p, s.n);

	if (c == '"')
		ear_buf_str(out, "\"\"");
	else if (!c)
		ear_buf_byte(out, ' ');
	else if (n)
		ear_buf_add(out, s.p, n);
	else {
		ear_buf_byte(out, (uint8_t)(0xc0 | c >> 6));
		ear_buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
	return n ? n : 1;
}

void ear_csv_text(struct ear_buf *out, struct ear_slice s)
{
	bool formula = is_formula(s), quotes = formula || wants_quotes(s);

	if (!quotes && ear_utf8_valid(s) == s.n) {
		ear_buf_slice(out, s);
		return;
	}
	if (quotes)
		ear_buf_byte(out, '"');
	if (formula)
		ear_buf_byte(out, '\'');
	for (size_t i = 0; i < s.n;)
		i += character(out, ear_slice_sub(s, i, s.n));
	if (quotes)
		ear_buf_byte(out, '"');
}
