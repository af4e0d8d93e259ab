/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include "base/utf8.h"

/* Signs of full width begin formulas, too, where people write Japanese. */
static const struct ear_slice wide[] = {EAR_S_INIT("\xef\xbc\x9d"),
	EAR_S_INIT("\xef\xbc\x8b"), EAR_S_INIT("\xef\xbc\x8d"),
	EAR_S_INIT("\xef\xbc\xa0")};

/* What stands before it may be passed over: blanks, no-break spaces, byte
 * order marks, and what becomes a blank here. */
static struct ear_slice after_blanks(struct ear_slice s)
{
	static const struct ear_slice blanks[] = {EAR_S_INIT(" "),
		EAR_S_INIT("\xc2\xa0"), EAR_S_INIT("\xef\xbb\xbf"),
		EAR_S_INIT("\xa0")};
	size_t i = 0;

	while (s.n && i < sizeof(blanks) / sizeof(blanks[0])) {
		if (!s.p[0] || ear_slice_starts(s, blanks[i])) {
			s = ear_slice_sub(s, s.p[0] ? blanks[i].n : 1, s.n);
			i = 0;
		} else {
			i++;
		}
	}
	return s;
}

static bool is_formula(struct ear_slice s)
{
	struct ear_slice seen = after_blanks(s);
	bool blanks = seen.n != s.n;
	char c = seen.n ? seen.p[0] : '\0';

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		if (ear_slice_starts(seen, wide[i]))
			return true;
	}
	if (blanks)
		return memchr("=+-@\t\r\n", c, 7) != NULL;

	if (c == '+' || c == '-') {
		for (size_t i = 1; i < s.n; i++) {
			if (s.p[i] < '0' || s.p[i] > '9')
				return true;
		}
		return s.n < 2;
	}
	return c == '=' || c == '@' || c == '\t' || c == '\r' || c == '\n';
}

/* A text that is read as a number loses its + or its zeros: +4930, 0800. In
 * quotes it can be told from one. */
static bool is_number(struct ear_slice s)
{
	size_t i = s.n && (s.p[0] == '+' || s.p[0] == '-');

	if (i == s.n || s.p[i] < '0' || s.p[i] > '9')
		return false;
	while (i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == 'e' ||
				  s.p[i] == 'E'))
		i++;
	return i == s.n;
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

/* A terminal would obey them: those of ASCII, and of Latin-1 as UTF-8 and as
 * bytes that are none. */
static bool is_control(struct ear_slice s, size_t n)
{
	unsigned char c = (unsigned char)s.p[0];

	if (n == 2 && c == 0xc2)
		return (unsigned char)s.p[1] < 0xa0;
	return (c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f ||
	       (!n && c >= 0x80 && c < 0xa0);
}

static size_t character(struct ear_buf *out, struct ear_slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = ear_utf8_length((const unsigned char *)s.p, s.n);

	if (c == '"')
		ear_buf_str(out, "\"\"");
	else if (is_control(s, n))
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
	bool formula = is_formula(s),
	     quotes = formula || is_number(s) || wants_quotes(s);

	if (quotes)
		ear_buf_byte(out, '"');
	if (formula)
		ear_buf_byte(out, '\'');
	for (size_t i = 0; i < s.n;)
		i += character(out, ear_slice_sub(s, i, s.n));
	if (quotes)
		ear_buf_byte(out, '"');
}
