/* SPDX-License-Identifier: Apache-2.0 */
#include "track/gather.h"

#include <stdio.h>
#include <stdlib.h>

static bool grow(struct ear_gather *g)
{
	size_t cap = g->cap ? g->cap * 2 : 64;
	struct ear_gathered *v = realloc(g->v, cap * sizeof(*v));

	if (!v)
		return false;
	g->v = v;
	g->cap = cap;
	return true;
}

static struct ear_slice copy(char **at, struct ear_slice s)
{
	struct ear_slice to = {*at, s.n};

	if (s.n)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return to;
}

enum ear_err ear_gather_add(
	struct ear_gather *g, const struct ear_msg *msg, const char *id)
{
	size_t n = msg->tap.n + msg->node.n + msg->correlation.n +
		   msg->extra.n + msg->note.n + msg->raw.n;
	struct ear_gathered *to;
	char *at;

	if ((g->max && g->n >= g->max) ||
		(g->max_bytes && n > g->max_bytes - g->bytes))
		return EAR_LIMIT;
	if (g->n == g->cap && !grow(g))
		return EAR_NOMEM;
	at = malloc(n + 1);
	if (!at)
		return EAR_NOMEM;
	to = &g->v[g->n++];
	to->msg = *msg;
	to->space = at;
	to->msg.tap = copy(&at, msg->tap);
	to->msg.node = copy(&at, msg->node);
	to->msg.correlation = copy(&at, msg->correlation);
	to->msg.extra = copy(&at, msg->extra);
	to->msg.note = copy(&at, msg->note);
	to->msg.raw = copy(&at, msg->raw);
	g->bytes += n;
	ear_msg_facts(&to->msg, &to->facts);
	snprintf(to->id, sizeof(to->id), "%s", id ? id : "");
	return EAR_OK;
}

/* Stable, and quick on what is nearly sorted already, as answers of a store
 * are: runs are merged from the bottom up. */
static void merge(struct ear_gathered *v, struct ear_gathered *spare,
	size_t from, size_t middle, size_t to)
{
	size_t a = from, b = middle;

	if (v[middle - 1].msg.at_ns <= v[middle].msg.at_ns)
		return;
	memcpy(spare + from, v + from, (to - from) * sizeof(*v));
	for (size_t i = from; i < to; i++) {
		bool left =
			a < middle &&
			(b >= to || spare[a].msg.at_ns <= spare[b].msg.at_ns);

		v[i] = left ? spare[a++] : spare[b++];
	}
}

/* Without memory for merging: in place, and slow only when out of order. */
static void insertion_sort(struct ear_gathered *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct ear_gathered one = v[i];
		size_t k = i;

		for (; k && v[k - 1].msg.at_ns > one.msg.at_ns; k--)
			v[k] = v[k - 1];
		v[k] = one;
	}
}

void ear_gather_sort(struct ear_gather *g)
{
	struct ear_gathered *spare = malloc((g->n + 1) * sizeof(*spare));

	if (!spare) {
		insertion_sort(g->v, g->n);
		return;
	}
	for (size_t run = 1; run < g->n; run *= 2) {
		for (size_t from = 0; from + run < g->n; from += 2 * run) {
			size_t to = from + 2 * run;

			merge(g->v, spare, from, from + run,
				to < g->n ? to : g->n);
		}
	}
	free(spare);
}

void ear_gather_fini(struct ear_gather *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].space);
	free(g->v);
	g->v = NULL;
	g->n = g->cap = g->bytes = 0;
}
