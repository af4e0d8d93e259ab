/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/hook_pattern.h"

enum op {
	OP_BYTE,     /* a */
	OP_ANY,      /* . */
	OP_SET,      /* set a */
	OP_OPEN,     /* capture a begins */
	OP_PLACE,    /* capture a is the place */
	OP_CLOSE,    /* capture a ends */
	OP_BALANCE,  /* %bab */
	OP_FRONTIER, /* %f, set a */
	OP_BACK,     /* what capture a matched */
	OP_END,      /* $ */
};

/* --- compiling ------------------------------------------------------------ */

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

static bool has(const uint8_t set[32], uint8_t c)
{
	return set[c >> 3] & (1u << (c & 7));
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

static const char *add(struct compile *c, enum op op, uint8_t a, uint8_t b)
{
	if (c->p->items == EAR_PATTERN_ITEMS)
		return "pattern is too long";
	c->p->item[c->p->items++] =
		(struct ear_pattern_item){.op = (uint8_t)op, .a = a, .b = b};
	return NULL;
}

/* What may be repeated: the sign behind it is taken too. */
static const char *add_single(struct compile *c, enum op op, uint8_t a)
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
		return add(c, OP_PLACE, index, 0);
	}
	c->open[c->depth++] = index;
	return add(c, OP_OPEN, index, 0);
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
	return add(c, OP_BACK, index, 0);
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
		return add(
			c, OP_BALANCE, (uint8_t)c->at[-2], (uint8_t)c->at[-1]);
	}
	if (ch == 'f') {
		if (c->at == c->end || *c->at++ != '[')
			return "pattern lacks a '[' behind '%f'";
		why = brackets(c, &index);
		return why ? why : add(c, OP_FRONTIER, index, 0);
	}
	if (between((uint8_t)ch, '0', '9'))
		return back_reference(c, ch);
	if (!is_class(ch))
		return add_single(c, OP_BYTE, (uint8_t)ch);
	why = new_set(c, &index);
	if (why)
		return why;
	put_class(c->p->set[index], ch);
	return add_single(c, OP_SET, index);
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
		return add(c, OP_CLOSE, c->open[--c->depth], 0);
	case '%': return percent(c);
	case '.': return add_single(c, OP_ANY, 0);
	case '[':
		why = brackets(c, &index);
		return why ? why : add_single(c, OP_SET, index);
	case '$':
		if (c->at == c->end)
			return add(c, OP_END, 0, 0);
		return add_single(c, OP_BYTE, '$');
	default: return add_single(c, OP_BYTE, (uint8_t)ch);
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

/* --- matching ------------------------------------------------------------- */

struct match {
	const struct ear_pattern *p;
	const char *begin, *end;
	int64_t *steps;
	struct ear_pattern_hit *hit;
};

static bool single(
	const struct match *m, const struct ear_pattern_item *i, const char *s)
{
	if (s >= m->end)
		return false;
	if (i->op == OP_BYTE)
		return (uint8_t)*s == i->a;
	return i->op == OP_ANY || has(m->p->set[i->a], (uint8_t)*s);
}

/* Behind the bracket that closes the one at s, or NULL. */
static const char *balance(
	const struct match *m, const struct ear_pattern_item *i, const char *s)
{
	size_t depth = 1;

	if (s >= m->end || (uint8_t)*s != i->a)
		return NULL;
	while (++s < m->end) {
		*m->steps -= 1;
		if ((uint8_t)*s == i->b) {
			if (--depth == 0)
				return s + 1;
		} else if ((uint8_t)*s == i->a) {
			depth++;
		}
	}
	return NULL;
}

static bool frontier(
	const struct match *m, const struct ear_pattern_item *i, const char *s)
{
	uint8_t before = s > m->begin ? (uint8_t)s[-1] : 0;
	uint8_t after = s < m->end ? (uint8_t)*s : 0;

	return !has(m->p->set[i->a], before) && has(m->p->set[i->a], after);
}

static const char *back(
	const struct match *m, const struct ear_pattern_item *i, const char *s)
{
	size_t at = m->hit->capture[i->a].at, n = m->hit->capture[i->a].n;

	if (n == EAR_PATTERN_PLACE || n > (size_t)(m->end - s))
		return NULL;
	*m->steps -= (int64_t)(n / 8);
	return n && memcmp(m->begin + at, s, n) ? NULL : s + n;
}

static const char *go(const struct match *m, unsigned at, const char *s);

/* As many as there are, then fewer until the rest fits. */
static const char *most(
	const struct match *m, unsigned at, const char *s, const char *least)
{
	const char *to = s, *end;

	while (single(m, &m->p->item[at], to))
		to++;
	*m->steps -= (to - s) / 4;
	while (to >= least && *m->steps >= 0) {
		end = go(m, at + 1, to);
		if (end)
			return end;
		if (to == s)
			break;
		to--;
	}
	return NULL;
}

static const char *fewest(const struct match *m, unsigned at, const char *s)
{
	while (*m->steps >= 0) {
		const char *end = go(m, at + 1, s);

		if (end)
			return end;
		if (!single(m, &m->p->item[at], s))
			return NULL;
		s++;
	}
	return NULL;
}

/* The bounds of a capture are set on the way in: deeper items and the
 * caller of the whole need them only where all of it fits. */
static const char *go(const struct match *m, unsigned at, const char *s)
{
	for (; s && at < m->p->items; at++) {
		const struct ear_pattern_item *i = &m->p->item[at];
		size_t here = (size_t)(s - m->begin);

		if (--*m->steps < 0)
			return NULL;
		switch ((enum op)i->op) {
		case OP_OPEN: m->hit->capture[i->a].at = here; break;
		case OP_PLACE:
			m->hit->capture[i->a].at = here;
			m->hit->capture[i->a].n = EAR_PATTERN_PLACE;
			break;
		case OP_CLOSE:
			m->hit->capture[i->a].n =
				here - m->hit->capture[i->a].at;
			break;
		case OP_BALANCE: s = balance(m, i, s); break;
		case OP_FRONTIER:
			if (!frontier(m, i, s))
				return NULL;
			break;
		case OP_BACK: s = back(m, i, s); break;
		case OP_END:
			if (s != m->end)
				return NULL;
			break;
		default:
			switch (i->count) {
			case '*': return most(m, at, s, s);
			case '+': return most(m, at, s, s + 1);
			case '-': return fewest(m, at, s);
			case '?':
				if (single(m, i, s)) {
					const char *end = go(m, at + 1, s + 1);

					if (end || *m->steps < 0)
						return end;
				}
				break;
			default: s = single(m, i, s) ? s + 1 : NULL;
			}
		}
	}
	return s;
}

/* The next place where a pattern can begin that begins with a byte. */
static const char *skip(const struct match *m, const char *s)
{
	const struct ear_pattern_item *i = &m->p->item[0];
	const char *hit;

	if (m->p->anchored || !m->p->items || i->op != OP_BYTE ||
		(i->count && i->count != '+'))
		return s;
	hit = s < m->end ? memchr(s, i->a, (size_t)(m->end - s)) : NULL;
	if (hit)
		*m->steps -= (hit - s) / 16;
	return hit;
}

bool ear_pattern_find(const struct ear_pattern *p, struct ear_slice subject,
	size_t from, int64_t *steps, struct ear_pattern_hit *hit)
{
	const char *begin = subject.p ? subject.p : "";
	struct match m = {p, begin, begin + subject.n, steps, hit};
	const char *s = begin + from, *end;

	hit->captures = p->captures;
	while (*steps >= 0) {
		s = skip(&m, s);
		if (!s)
			return false;
		end = go(&m, 0, s);
		if (*steps < 0)
			return false;
		if (end) {
			hit->from = (size_t)(s - begin);
			hit->to = (size_t)(end - begin);
			return true;
		}
		if (p->anchored || s == m.end)
			return false;
		s++;
	}
	return false;
}
