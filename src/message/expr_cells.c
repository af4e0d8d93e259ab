/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression over a set says of itself. */
#include "message/expr_priv.h"

void ear_expr_uses(const struct ear_expr *e, bool *used)
{
	for (uint32_t i = 1; i < e->node_count; i++) {
		const struct node *n = &e->nodes[i];

		if (n->kind == NODE_TEST && n->field != EXPR_HEADER)
			used[n->field] = true;
	}
}

static size_t wants_of(const struct ear_expr *e, const struct node *n,
	unsigned field, struct ear_expr_want *want, size_t max)
{
	if (n->kind != NODE_TEST || n->op != OP_EQ || n->field != field ||
		n->values > max)
		return 0;
	for (uint32_t i = 0; i < n->values; i++) {
		const struct value *v = &e->values[n->value + i];

		if (v->unit)
			return 0;
		want[i] = (struct ear_expr_want){v->text, v->num, v->net};
	}
	return n->values;
}

size_t ear_expr_wants(const struct ear_expr *e, unsigned field,
	struct ear_expr_want *want, size_t max)
{
	const struct node *root = e->root ? &e->nodes[e->root] : NULL;

	if (!root)
		return 0;
	if (root->kind != NODE_AND)
		return wants_of(e, root, field, want, max);
	for (uint32_t c = root->first; c; c = e->nodes[c].next) {
		size_t n = wants_of(e, &e->nodes[c], field, want, max);

		if (n)
			return n;
	}
	return 0;
}
