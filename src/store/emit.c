/* SPDX-License-Identifier: Apache-2.0 */
/* Handing out what a page found, in order, opening each block once a chunk. */
#include <stdlib.h>

#include "store/search.h"

/* Most messages of a chunk. */
#define CHUNK_ROWS 4096

/* A message of the chunk. */
struct out {
	struct ear_msg msg;
	struct ear_facts known; /* as stored; method points into the copy */
	bool there;
};

struct chunk {
	struct out *out;
	const struct ear_hit **by_block; /* the chunk's hits, by block */
	char **copies;                   /* one allocation for each block */
	size_t copy_n;
};

static int by_block(const void *a, const void *b)
{
	const struct ear_hit *x = *(const struct ear_hit *const *)a;
	const struct ear_hit *y = *(const struct ear_hit *const *)b;

	if (x->seg != y->seg)
		return x->seg < y->seg ? -1 : 1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static char *copy(char *to, struct ear_slice *s)
{
	if (s->n)
		memcpy(to, s->p, s->n);
	s->p = to;
	return to + s->n;
}

static size_t bytes_of(const struct out *o)
{
	return o->msg.raw.n + o->msg.correlation.n + o->msg.extra.n +
	       o->msg.note.n + o->msg.tap.n + o->msg.node.n + o->known.method.n;
}

/* Copy the rows that n hits of one block ask for. */
static enum ear_err copy_rows(struct ear_search *s, struct chunk *c,
	const struct ear_hit **hit, size_t n, const struct ear_hit *first)
{
	const struct ear_block *b = &s->scanner[0].block;
	size_t bytes = 1;
	char *to;

	for (size_t i = 0; i < n; i++) {
		struct out *o = &c->out[hit[i] - first];

		if (hit[i]->row >= b->rows)
			return EAR_BAD;
		ear_block_msg(b, hit[i]->row, &o->msg);
		ear_block_facts(b, hit[i]->row, &o->known);
		o->msg.id = hit[i]->id;
		bytes += bytes_of(o);
	}
	to = malloc(bytes);
	if (!to)
		return EAR_NOMEM;
	c->copies[c->copy_n++] = to;
	for (size_t i = 0; i < n; i++) {
		struct out *o = &c->out[hit[i] - first];

		to = copy(to, &o->msg.raw);
		to = copy(to, &o->msg.correlation);
		to = copy(to, &o->msg.extra);
		to = copy(to, &o->msg.note);
		to = copy(to, &o->msg.tap);
		to = copy(to, &o->msg.node);
		to = copy(to, &o->known.method);
		o->there = true;
	}
	return EAR_OK;
}

/* Copy a chunk's messages out of their blocks. */
static enum ear_err fill(struct ear_search *s, struct chunk *c,
	const struct ear_hit *first, size_t n, struct ear_fault *fault)
{
	size_t end;

	for (size_t i = 0; i < n; i++)
		c->by_block[i] = &first[i];
	qsort(c->by_block, n, sizeof(*c->by_block), by_block);
	for (size_t i = 0; i < n; i = end) {
		const struct ear_hit *h = c->by_block[i];
		enum ear_err err;

		end = i + 1;
		while (end < n && c->by_block[end]->seg == h->seg &&
			c->by_block[end]->block == h->block)
			end++;
		s->seg = h->seg;
		err = ear_scanner_open(&s->scanner[0], h->block, true, fault);
		if (!err)
			err = copy_rows(s, c, c->by_block + i, end - i, first);
		if (err == EAR_NOMEM)
			return ear_fail(fault, err, 0, "out of memory");
		if (err == EAR_BAD)
			ear_shelf_hurt(s->shelf, s->segs[h->seg].item.number,
				fault->text);
		if (err)
			ear_search_missing(s, fault->text);
	}
	return EAR_OK;
}

/* @return how many hits are done with; less than n: fn wants no more */
static size_t hand_out(
	struct chunk *c, size_t n, ear_match_fn fn, void *arg, uint64_t *given)
{
	for (size_t i = 0; i < n; i++) {
		struct out *o = &c->out[i];
		struct ear_facts facts;

		if (!o->there)
			continue;
		ear_block_refind(&o->known, &o->msg, &facts);
		(*given)++;
		if (!fn(&o->msg, &facts, arg))
			return i + 1;
	}
	return n;
}

/* How many hits make up the next chunk. */
static size_t chunk_of(const struct ear_hit *hits, size_t n)
{
	uint64_t bytes = 0;
	size_t i = 0;

	do
		bytes += hits[i++].bytes;
	while (i < n && i < CHUNK_ROWS &&
		bytes + hits[i].bytes <= EAR_CHUNK_BYTES);
	return i;
}

enum ear_err ear_search_emit(struct ear_search *s, size_t n, ear_match_fn fn,
	void *arg, uint64_t *given, size_t *upto, struct ear_fault *fault)
{
	size_t most = n < CHUNK_ROWS ? n : CHUNK_ROWS, done = 0;
	struct chunk c = {.out = malloc((most + 1) * sizeof(*c.out)),
		.by_block = malloc((most + 1) * sizeof(*c.by_block)),
		.copies = malloc((most + 1) * sizeof(*c.copies))};
	enum ear_err err = EAR_OK;
	size_t taken = 0, k = 0;

	*given = *upto = 0;
	if (!c.out || !c.by_block || !c.copies)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	while (!err && taken == k && done < n) {
		k = chunk_of(s->hits + done, n - done);
		for (size_t i = 0; i < k; i++)
			c.out[i].there = false;
		err = fill(s, &c, s->hits + done, k, fault);
		done += k;
		/* a slow reader must not hold what a writer wants to seal */
		if (done == n)
			ear_search_release(s);
		if (!err) {
			taken = hand_out(&c, k, fn, arg, given);
			*upto += taken;
		}
		while (c.copy_n)
			free(c.copies[--c.copy_n]);
	}
	free(c.out);
	free(c.by_block);
	free(c.copies);
	return err;
}
