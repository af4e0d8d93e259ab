/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/hook_pattern.h"

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
	if (i->op == EAR_PATTERN_OP_BYTE)
		return (uint8_t)*s == i->a;
	return i->op == EAR_PATTERN_OP_ANY ||
	       ear_pattern_has(m->p->set[i->a], (uint8_t)*s);
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

	return !ear_pattern_has(m->p->set[i->a], before) &&
	       ear_pattern_has(m->p->set[i->a], after);
}

static const char *back(
	const struct match *m, const struct ear_pattern_item *i, const char *s)
{
	size_t at = m->hit->capture[i->a].at, n = m->hit->capture[i->a].n;

	if (n == EAR_PATTERN_PLACE || n > (size_t)(m->end - s))
		return NULL;
	*m->steps -= (int64_t)(n / 8);
	return n == 0 || memcmp(m->begin + at, s, n) == 0 ? s + n : NULL;
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
		switch ((enum ear_pattern_op)i->op) {
		case EAR_PATTERN_OP_OPEN:
			m->hit->capture[i->a].at = here;
			break;
		case EAR_PATTERN_OP_PLACE:
			m->hit->capture[i->a].at = here;
			m->hit->capture[i->a].n = EAR_PATTERN_PLACE;
			break;
		case EAR_PATTERN_OP_CLOSE:
			m->hit->capture[i->a].n =
				here - m->hit->capture[i->a].at;
			break;
		case EAR_PATTERN_OP_BALANCE: s = balance(m, i, s); break;
		case EAR_PATTERN_OP_FRONTIER:
			if (!frontier(m, i, s))
				return NULL;
			break;
		case EAR_PATTERN_OP_BACK: s = back(m, i, s); break;
		case EAR_PATTERN_OP_END:
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

	if (m->p->anchored || !m->p->items || i->op != EAR_PATTERN_OP_BYTE ||
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
