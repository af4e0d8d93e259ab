/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/time.h"
#include "base/utf8.h"

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
		size_t n = plain ? ear_utf8_length(p + i, s.n - i) : 0;
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
