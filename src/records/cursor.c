/* SPDX-License-Identifier: Apache-2.0 */
#include "records/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

uint32_t ear_cursor_check(const struct ear_rows_query *q)
{
	uint64_t h = ear_hash_seed(
		q->filter, (uint64_t)q->list * 8 + q->failures * 4U +
				   q->ascending * 2U + (q->at_ns != 0));

	return (uint32_t)ear_hash_seed(
		ear_slice_str(q->sort ? q->sort : "at"), h);
}

void ear_cursor_write(uint32_t check, uint64_t at, uint64_t id,
	const struct ear_sort_value *value, char out[160])
{
	int n = snprintf(out, 160, "%" PRIx32 ".%" PRIx64 ".%" PRIx64 ".",
		check, at, id);

	if (!value)
		snprintf(out + n, (size_t)(160 - n), "t");
	else if (value->number)
		snprintf(out + n, (size_t)(160 - n), "n%" PRId64, value->i);
	else if (value->text.n > EAR_CURSOR_VALUE)
		snprintf(out + n, (size_t)(160 - n), "l");
	else {
		out[n++] = 'x';
		for (size_t i = 0; i < value->text.n; i++)
			n += snprintf(out + n, (size_t)(160 - n), "%02x",
				(unsigned char)value->text.p[i]);
		out[n] = '\0';
	}
}

static int digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* Lower-case hexadecimal digits, at least one. */
static bool read_hex(const char **p, uint64_t most, uint64_t *v)
{
	const char *from = *p;

	for (*v = 0; digit(**p) >= 0 && *p - from < 16; (*p)++)
		*v = *v << 4 | (uint64_t)digit(**p);
	return *p > from && *v <= most;
}

static bool read_text(const char *p, struct ear_cursor *c)
{
	size_t n = 0;

	for (; p[0] && n < sizeof(c->room); p += 2) {
		if (digit(p[0]) < 0 || digit(p[1]) < 0)
			return false;
		c->room[n++] = (char)(digit(p[0]) << 4 | digit(p[1]));
	}
	c->value.text = ear_slice(c->room, n);
	return !p[0];
}

static bool read_value(const char *p, struct ear_cursor *c)
{
	char *end;

	switch (p[0]) {
	case 't': return !p[1];
	case 'l': c->look_up = true; return !p[1];
	case 'n':
		c->value.number = true;
		c->value.i = strtoll(p + 1, &end, 10);
		return end > p + 1 && !*end;
	case 'x': return read_text(p + 1, c);
	default: return false;
	}
}

enum ear_err ear_cursor_read(const char *text, uint32_t check,
	struct ear_cursor *c, struct ear_fault *fault)
{
	const char *p = text;
	uint64_t have;

	*c = (struct ear_cursor){.there = true};
	if (read_hex(&p, UINT32_MAX, &have) && *p++ == '.' &&
		read_hex(&p, INT64_MAX, &c->at) && *p++ == '.' &&
		read_hex(&p, INT64_MAX, &c->id) && *p++ == '.' &&
		read_value(p, c) && have == check)
		return EAR_OK;
	return ear_fail(fault, EAR_USAGE, 0,
		"this cursor is of another query; ask without one");
}

int ear_sort_value_cmp(
	const struct ear_sort_value *a, const struct ear_sort_value *b)
{
	if (a->number != b->number)
		return a->number ? -1 : 1;
	if (a->number)
		return (a->i > b->i) - (a->i < b->i);
	return ear_slice_cmp(a->text, b->text);
}
