/* SPDX-License-Identifier: Apache-2.0 */
/* From the text of a pattern to its items. */
#include "rule/hook_pattern.h"

struct compile {
	struct ear_pattern *p;
	const char *at, *end;
	uint8_t open[EAR_PATTERN_CAPTURES]; /* captures not closed yet */
	unsigned depth;
};

static void put(uint8_t set[32], uint8_t c)
{
	set[c >> 3] |= (uint8_t)(1u << (c & 7));
}

static bool between(uint8_t c, uint8_t a, uint8_t b)
{
	return c >= a && c <= b;
}

/* Whether c is of the class that a lower case letter names. */
static bool in_class(uint8_t c, char class)
{
	bool upper = between(c, 'A', 'Z'), lower = between(c, 'a', 'z');
	bool digit = between(c, '0', '9');

	switch (class) {
	case 'a': return upper || lower;
	case 'c': return c < 32 || c == 127;
	case 'd': return digit;
	case 'g': return between(c, 33, 126);
	case 'l': return lower;
	case 'p': return between(c, 33, 126) && !upper && !lower && !digit;
	case 's': return c == ' ' || between(c, 9, 13);
	case 'u': return upper;
	case 'w': return upper || lower || digit;
	case 'z': return c == 0; /* of Lua 5.1, still taken */
	default: return digit || between(c, 'a', 'f') || between(c, 'A', 'F');
	}
}

static bool is_class(char c)
{
	return memchr("acdglpsuwxz", ear_lower(c), 11) != NULL;
}

static void put_class(uint8_t set[32], char class)
{
	bool not = class >= 'A' && class <= 'Z';

	for (unsigned c = 0; c < 256; c++) {
		if (in_class((uint8_t)c, ear_lower(class)) != not )
			put(set, (uint8_t)c);
	}
}

static const char *new_set(struct compile *c, uint8_t *index)
{
	if (c->p->sets == EAR_PATTERN_SETS)
		return "pattern has too many sets";
	*index = (uint8_t)c->p->sets++;
	memset(c->p->set[*index], 0, 32);
	return NULL;
}

/* The ']' of a set, where at is behind its '[' and '^'; NULL: none. The first
 * character is never it, nor one behind a '%'. */
static const char *set_end(const char *at, const char *end)
{
	do {
		if (at == end)
			return NULL;
		if (*at++ == '%') {
			if (at == end)
				return NULL;
			at++;
		}
	} while (at < end && *at != ']');
	return at < end ? at : NULL;
}

/* What stands in [at, end), read as Lua does: "m-%" is a range, also where the
 * '%' has kept a ']' from being the end. */
static void put_members(uint8_t set[32], const char *at, const char *end)
{
	for (; at < end; at++) {
		if (*at == '%') {
			at++;
			if (is_class(*at))
				put_class(set, *at);
			else
				put(set, (uint8_t)*at);
		} else if (end - at > 2 && at[1] == '-') {
			/* from the greater to the lesser: none at all */
			for (unsigned b = (uint8_t)at[0]; b <= (uint8_t)at[2];
				b++)
				put(set, (uint8_t)b);
			at += 2;
		} else {
			put(set, (uint8_t)*at);
		}
	}
}

/* Behind the '[': up to and with the ']'. */
static const char *brackets(struct compile *c, uint8_t *index)
{
	const char *why = new_set(c, index), *end;
	bool not = false;
	uint8_t *set;

	if (why)
		return why;
	set = c->p->set[*index];
	if (c->at < c->end && *c->at == '^') {
		not = true;
		c->at++;
	}
	end = set_end(c->at, c->end);
	if (!end)
		return "pattern lacks a ']'";
	put_members(set, c->at, end);
	c->at = end + 1;
	for (unsigned i = 0; not &&i < 32; i++)
		set[i] = (uint8_t)~set[i];
	return NULL;
}

static const char *add(
	struct compile *c, enum ear_pattern_op op, uint8_t a, uint8_t b)
{
	if (c->p->items == EAR_PATTERN_ITEMS)
		return "pattern is too long";
	c->p->item[c->p->items++] =
		(struct ear_pattern_item){.op = (uint8_t)op, .a = a, .b = b};
	return NULL;
}

/* What may be repeated: the sign behind it is taken too. */
static const char *add_single(
	struct compile *c, enum ear_pattern_op op, uint8_t a)
{
	const char *why = add(c, op, a, 0);

	if (!why && c->at < c->end && memchr("*+-?", *c->at, 4))
		c->p->item[c->p->items - 1].count = *c->at++;
	return why;
}

static const char *open_capture(struct compile *c)
{
	uint8_t index = (uint8_t)c->p->captures;

	if (index == EAR_PATTERN_CAPTURES)
		return "pattern has too many captures";
	c->p->captures++;
	if (c->at < c->end && *c->at == ')') {
		c->at++;
		return add(c, EAR_PATTERN_OP_PLACE, index, 0);
	}
	c->open[c->depth++] = index;
	return add(c, EAR_PATTERN_OP_OPEN, index, 0);
}

static const char *back_reference(struct compile *c, char digit)
{
	uint8_t index = (uint8_t)(digit - '1');

	if (digit == '0' || index >= c->p->captures)
		return "pattern refers to a capture that is not there";
	for (unsigned i = 0; i < c->depth; i++) {
		if (c->open[i] == index)
			return "pattern refers to a capture within itself";
	}
	return add(c, EAR_PATTERN_OP_BACK, index, 0);
}

static const char *percent(struct compile *c)
{
	const char *why;
	uint8_t index;
	char ch;

	if (c->at == c->end)
		return "pattern ends with '%'";
	ch = *c->at++;
	if (ch == 'b') {
		if (c->end - c->at < 2)
			return "pattern lacks the two characters of '%b'";
		c->at += 2;
		return add(c, EAR_PATTERN_OP_BALANCE, (uint8_t)c->at[-2],
			(uint8_t)c->at[-1]);
	}
	if (ch == 'f') {
		if (c->at == c->end || *c->at++ != '[')
			return "pattern lacks a '[' behind '%f'";
		why = brackets(c, &index);
		return why ? why : add(c, EAR_PATTERN_OP_FRONTIER, index, 0);
	}
	if (between((uint8_t)ch, '0', '9'))
		return back_reference(c, ch);
	if (!is_class(ch))
		return add_single(c, EAR_PATTERN_OP_BYTE, (uint8_t)ch);
	why = new_set(c, &index);
	if (why)
		return why;
	put_class(c->p->set[index], ch);
	return add_single(c, EAR_PATTERN_OP_SET, index);
}

static const char *item(struct compile *c)
{
	const char *why;
	uint8_t index;
	char ch = *c->at++;

	switch (ch) {
	case '(': return open_capture(c);
	case ')':
		if (!c->depth)
			return "pattern has a ')' without its '('";
		return add(c, EAR_PATTERN_OP_CLOSE, c->open[--c->depth], 0);
	case '%': return percent(c);
	case '.': return add_single(c, EAR_PATTERN_OP_ANY, 0);
	case '[':
		why = brackets(c, &index);
		return why ? why : add_single(c, EAR_PATTERN_OP_SET, index);
	case '$':
		if (c->at == c->end)
			return add(c, EAR_PATTERN_OP_END, 0, 0);
		return add_single(c, EAR_PATTERN_OP_BYTE, '$');
	default: return add_single(c, EAR_PATTERN_OP_BYTE, (uint8_t)ch);
	}
}

const char *ear_pattern_compile(
	struct ear_pattern *p, struct ear_slice text, bool anchor)
{
	struct compile c = {.p = p, .at = text.p};
	const char *why = NULL;

	p->items = p->sets = p->captures = 0;
	p->anchored = false;
	if (text.n == 0)
		return NULL;
	c.end = text.p + text.n;
	if (anchor && *c.at == '^') {
		p->anchored = true;
		c.at++;
	}
	while (c.at < c.end && !why)
		why = item(&c);
	if (!why && c.depth)
		return "pattern lacks a ')'";
	return why;
}

bool ear_pattern_plain(struct ear_slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (memchr("^$*+?.([%-", text.p[i], 10))
			return false;
	}
	return true;
}
