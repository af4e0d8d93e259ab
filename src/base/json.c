/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/time.h"

static void before_value(struct ear_json *j)
{
	if (j->comma)
		ear_buf_byte(j->out, ',');
	j->comma = true;
}

void ear_json_open(struct ear_json *j, char bracket)
{
	before_value(j);
	ear_buf_byte(j->out, (uint8_t)bracket);
	j->comma = false;
}

void ear_json_close(struct ear_json *j, char bracket)
{
	ear_buf_byte(j->out, (uint8_t)bracket);
	j->comma = true;
}

void ear_json_raw(struct ear_json *j, struct ear_slice json)
{
	before_value(j);
	ear_buf_slice(j->out, json);
}

/* Bytes of the valid UTF-8 sequence at p, 0 when there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
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

static void escaped(struct ear_buf *out, unsigned char c)
{
	switch (c) {
	case '"': ear_buf_str(out, "\\\""); break;
	case '\\': ear_buf_str(out, "\\\\"); break;
	case '\n': ear_buf_str(out, "\\n"); break;
	case '\r': ear_buf_str(out, "\\r"); break;
	case '\t': ear_buf_str(out, "\\t"); break;
	default: ear_buf_printf(out, "\\u%04x", c); break;
	}
}

static void quoted(struct ear_buf *out, struct ear_slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t from = 0, i = 0;

	ear_buf_byte(out, '"');
	while (i < s.n) {
		bool plain = p[i] >= 0x20 && p[i] != '"' && p[i] != '\\' &&
			     p[i] != 0x7f;
		size_t n = plain ? utf8_length(p + i, s.n - i) : 0;
		/* U+0080 to U+009F are control characters too: a terminal
		 * that JSON is printed on would obey them */
		bool c1 = n == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0;

		if (n && !c1) {
			i += n;
			continue;
		}
		ear_buf_add(out, s.p + from, i - from);
		i += c1;
		escaped(out, p[i]);
		from = ++i;
	}
	ear_buf_add(out, s.p ? s.p + from : NULL, s.n - from);
	ear_buf_byte(out, '"');
}

void ear_json_key(struct ear_json *j, const char *key)
{
	before_value(j);
	quoted(j->out, ear_slice_str(key));
	ear_buf_byte(j->out, ':');
	j->comma = false;
}

void ear_json_str(struct ear_json *j, struct ear_slice s)
{
	before_value(j);
	quoted(j->out, s);
}

void ear_json_u64(struct ear_json *j, uint64_t v)
{
	before_value(j);
	ear_buf_printf(j->out, "%llu", (unsigned long long)v);
}

void ear_json_i64(struct ear_json *j, int64_t v)
{
	before_value(j);
	ear_buf_printf(j->out, "%lld", (long long)v);
}

void ear_json_num(struct ear_json *j, double v)
{
	before_value(j);
	if (isfinite(v))
		ear_buf_printf(j->out, "%.6g", v);
	else
		ear_buf_str(j->out, "null");
}

void ear_json_bool(struct ear_json *j, bool v)
{
	before_value(j);
	ear_buf_str(j->out, v ? "true" : "false");
}

void ear_json_null(struct ear_json *j)
{
	before_value(j);
	ear_buf_str(j->out, "null");
}

void ear_json_time(struct ear_json *j, uint64_t at_ns)
{
	char text[EAR_TIME_TEXT];

	if (!at_ns) {
		ear_json_null(j);
		return;
	}
	ear_json_str(j, ear_slice(text, ear_time_text(at_ns, text)));
}

void ear_json_kstr(struct ear_json *j, const char *key, struct ear_slice s)
{
	ear_json_key(j, key);
	ear_json_str(j, s);
}

void ear_json_ku64(struct ear_json *j, const char *key, uint64_t v)
{
	ear_json_key(j, key);
	ear_json_u64(j, v);
}

void ear_json_kbool(struct ear_json *j, const char *key, bool v)
{
	ear_json_key(j, key);
	ear_json_bool(j, v);
}

void ear_json_ktime(struct ear_json *j, const char *key, uint64_t at_ns)
{
	ear_json_key(j, key);
	ear_json_time(j, at_ns);
}
