/* SPDX-License-Identifier: Apache-2.0 */
#include "records/pile.h"

#include <stdlib.h>

static int order(const struct ear_pile_row *a, const struct ear_pile_row *b)
{
	int c = ear_sort_value_cmp(&a->value, &b->value);

	if (!c)
		c = (a->at > b->at) - (a->at < b->at);
	return c ? c : (a->id > b->id) - (a->id < b->id);
}

static int up(const void *a, const void *b)
{
	return order(a, b);
}

static int down(const void *a, const void *b)
{
	return order(b, a);
}

static void drop(struct ear_pile_row *row)
{
	free((void *)(uintptr_t)row->value.text.p);
}

void ear_pile_sort(struct ear_pile *p)
{
	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), p->ascending ? up : down);
	while (p->n > p->most)
		drop(&p->v[--p->n]);
	p->cut = p->n == p->most;
}

void ear_pile_fini(struct ear_pile *p)
{
	for (size_t i = 0; i < p->n; i++)
		drop(&p->v[i]);
	free(p->v);
	*p = (struct ear_pile){0};
}

/* Room for twice as many as wanted: then the worse half goes at once. */
static bool room(struct ear_pile *p)
{
	size_t cap = p->cap ? p->cap * 2 : 256;
	struct ear_pile_row *v;

	if (p->n >= p->most * 2)
		ear_pile_sort(p);
	if (p->n < p->cap)
		return true;
	v = realloc(p->v, cap * sizeof(*v));
	if (!v)
		return false;
	p->v = v;
	p->cap = cap;
	return true;
}

enum ear_err ear_pile_add(struct ear_pile *p, uint64_t at, uint64_t id,
	const struct ear_sort_value *value)
{
	struct ear_pile_row row = {at, id, *value};

	/* the last of the best so far, which only get better */
	if (p->cut && p->most) {
		int c = order(&row, &p->v[p->most - 1]);

		if (p->ascending ? c > 0 : c < 0)
			return EAR_LIMIT;
	}
	if (!room(p))
		return EAR_NOMEM;
	row.value.text.p = NULL;
	if (value->text.n) {
		char *copy = malloc(value->text.n);

		if (!copy)
			return EAR_NOMEM;
		memcpy(copy, value->text.p, value->text.n);
		row.value.text.p = copy;
	}
	p->v[p->n++] = row;
	return EAR_OK;
}
