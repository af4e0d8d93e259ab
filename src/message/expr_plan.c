/* SPDX-License-Identifier: Apache-2.0 */
/* What a store may know of an expression before it looks at messages. */
#include <stdio.h>

#include "base/time.h"
#include "message/expr_priv.h"

static const struct node *at(const struct ear_expr *e, uint32_t n)
{
	return &e->nodes[n];
}

enum ear_expr_needs ear_expr_needs(const struct ear_expr *e)
{
	if (!e->root)
		return EAR_NEEDS_NOTHING;
	return at(e, e->root)->meta ? EAR_NEEDS_META : EAR_NEEDS_RAW;
}

/* Kinds of keys from the one with the fewest messages behind it on. */
static unsigned rank(enum ear_key key)
{
	switch (key) {
	case EAR_KEY_CALLID: return 1;
	case EAR_KEY_USER: return 2;
	case EAR_KEY_ADDR: return 3;
	case EAR_KEY_STATUS: return 4;
	case EAR_KEY_METHOD: return 5;
	case EAR_KEY_NONE: break;
	}
	return 6;
}

/* A choice of keys of which every match has one. */
struct choice {
	size_t n;      /* keys; 0: nothing narrows */
	unsigned rank; /* of the worst kind in it */
};

static bool better(struct choice a, struct choice b)
{
	if (!b.n || !a.n)
		return a.n != 0;
	return a.rank != b.rank ? a.rank < b.rank : a.n < b.n;
}

static enum ear_key node_key(const struct ear_expr *e, const struct node *n)
{
	if (n->field == EXPR_HEADER || n->op != OP_EQ)
		return EAR_KEY_NONE;
	return node_info(e, n)->key;
}

/* The text by which the index knows a value; empty: it does not. */
static struct ear_slice indexed(
	enum ear_key key, const struct value *v, char space[EAR_ADDR_TEXT])
{
	switch (key) {
	case EAR_KEY_ADDR:
		if (v->net.bits != (v->net.addr.family == 4 ? 32 : 128))
			return (struct ear_slice){0};
		return ear_slice(space, ear_addr_ip_text(&v->net.addr, space));
	case EAR_KEY_STATUS:
		if (!v->num || v->unit)
			return (struct ear_slice){0};
		return ear_slice(space, (size_t)snprintf(space, EAR_ADDR_TEXT,
						"%u", (unsigned)v->num));
	default: return v->text;
	}
}

static struct choice test_choice(
	const struct ear_expr *e, const struct node *n, size_t max)
{
	enum ear_key key = node_key(e, n);
	char space[EAR_ADDR_TEXT];

	if (key == EAR_KEY_NONE || n->values > max)
		return (struct choice){0};
	for (uint32_t i = 0; i < n->values; i++) {
		if (!indexed(key, &e->values[n->value + i], space).n)
			return (struct choice){0};
	}
	return (struct choice){n->values, rank(key)};
}

static struct choice choice_of(
	const struct ear_expr *e, uint32_t n, size_t max);

/* Every branch must narrow; together they do. */
static struct choice or_choice(
	const struct ear_expr *e, const struct node *n, size_t max)
{
	struct choice all = {0};

	for (uint32_t c = n->first; c; c = at(e, c)->next) {
		struct choice one = choice_of(e, c, max - all.n);

		if (!one.n)
			return (struct choice){0};
		all.n += one.n;
		if (one.rank > all.rank)
			all.rank = one.rank;
	}
	return all;
}

/* The term that narrows best. */
static struct choice and_choice(const struct ear_expr *e, const struct node *n,
	size_t max, uint32_t *which)
{
	struct choice best = {0};

	*which = 0;
	for (uint32_t c = n->first; c; c = at(e, c)->next) {
		struct choice one = choice_of(e, c, max);

		if (better(one, best)) {
			best = one;
			*which = c;
		}
	}
	return best;
}

static struct choice choice_of(const struct ear_expr *e, uint32_t n, size_t max)
{
	const struct node *node = at(e, n);
	uint32_t which;

	switch (node->kind) {
	case NODE_AND: return and_choice(e, node, max, &which);
	case NODE_OR: return or_choice(e, node, max);
	case NODE_TEST: return test_choice(e, node, max);
	default: return (struct choice){0};
	}
}

/* Writes what choice_of() counted; room is there. @return how many */
static size_t write_keys(const struct ear_expr *e, uint32_t n,
	struct ear_key_value *keys, size_t max)
{
	const struct node *node = at(e, n);
	enum ear_key key = node_key(e, node);
	char space[EAR_ADDR_TEXT];
	size_t done = 0;
	uint32_t which;

	switch (node->kind) {
	case NODE_AND:
		and_choice(e, node, max, &which);
		return write_keys(e, which, keys, max);
	case NODE_OR:
		for (uint32_t c = node->first; c; c = at(e, c)->next)
			done += write_keys(e, c, keys + done, max - done);
		return done;
	default:
		for (; done < node->values; done++)
			keys[done] = (struct ear_key_value){key,
				ear_key_hash(key,
					indexed(key,
						&e->values[node->value + done],
						space))};
		return done;
	}
}

size_t ear_expr_keys(
	const struct ear_expr *e, struct ear_key_value *keys, size_t max)
{
	if (!e->root || !choice_of(e, e->root, max).n)
		return 0;
	return write_keys(e, e->root, keys, max);
}

struct span {
	uint64_t from, to;
};

static struct span time_span(const struct ear_expr *e, const struct node *n)
{
	struct span s = {0, UINT64_MAX};
	uint64_t first = UINT64_MAX, last = 0;

	for (uint32_t i = 0; i < n->values; i++) {
		uint64_t us = e->values[n->value + i].num / EAR_US_NS;

		first = us < first ? us : first;
		last = us > last ? us : last;
	}
	if (!n->values)
		return s;
	first *= EAR_US_NS;
	if (n->op == OP_GT)
		first = first > UINT64_MAX - EAR_US_NS ? first
						       : first + EAR_US_NS;
	if (n->op == OP_EQ || n->op == OP_GE || n->op == OP_GT)
		s.from = first;
	if (n->op == OP_EQ || n->op == OP_LE)
		s.to = last * EAR_US_NS + (EAR_US_NS - 1);
	if (n->op == OP_LT) {
		/* before the beginning: an empty span */
		s.to = last ? last * EAR_US_NS - 1 : 0;
		s.from = last ? 0 : 1;
	}
	return s;
}

static struct span span_of(const struct ear_expr *e, uint32_t n)
{
	const struct node *node = at(e, n);
	struct span s = {0, UINT64_MAX};

	if (node->kind == NODE_TEST && node->field == e->set->time_field)
		return time_span(e, node);
	if (node->kind != NODE_AND && node->kind != NODE_OR)
		return s;
	s = span_of(e, node->first);
	for (uint32_t c = at(e, node->first)->next; c; c = at(e, c)->next) {
		struct span one = span_of(e, c);
		bool both = node->kind == NODE_AND;

		if (one.from > s.from ? both : !both && one.from < s.from)
			s.from = one.from;
		if (one.to < s.to ? both : !both && one.to > s.to)
			s.to = one.to;
	}
	return s;
}

void ear_expr_span(const struct ear_expr *e, uint64_t *from_ns, uint64_t *to_ns)
{
	struct span s = {0, UINT64_MAX};

	if (e->root)
		s = span_of(e, e->root);
	*from_ns = s.from;
	*to_ns = s.to;
}
