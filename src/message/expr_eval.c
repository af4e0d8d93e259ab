/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a message matches. */
#include <assert.h>

#include "base/time.h"
#include "message/expr_priv.h"
#include "proto/sip.h"

struct eval {
	struct ear_expr *expr;
	ear_expr_get_fn get; /* of rows; NULL: it is a message */
	void *arg;
	const struct ear_msg *msg;
	const struct ear_facts *facts; /* NULL: not yet asked for */
	struct ear_facts own;
	bool parsed; /* sip is filled */
	struct ear_sip sip;
};

static const struct ear_facts *facts_of(struct eval *v)
{
	if (!v->facts) {
		ear_msg_facts(v->msg, &v->own);
		v->facts = &v->own;
	}
	return v->facts;
}

static const struct ear_sip *sip_of(struct eval *v)
{
	if (!v->parsed) {
		/* of a broken message the good headers still count */
		(void)ear_sip_parse(v->msg->raw, &v->sip);
		v->parsed = true;
	}
	return &v->sip;
}

static const struct value *first_value(
	const struct eval *v, const struct node *n)
{
	return n->values ? &v->expr->values[n->value] : NULL;
}

static bool test_text(
	struct eval *v, const struct node *n, struct ear_slice s, bool fold)
{
	const struct value *want = first_value(v, n);

	switch (n->op) {
	case OP_THERE: return s.n != 0;
	case OP_MATCH: return ear_regex_match(n->regex, s, &v->expr->gave_up);
	case OP_HAS: return ear_slice_ifind(s, want->text) < s.n;
	default: break;
	}
	for (uint32_t i = 0; i < n->values; i++, want++) {
		if (fold ? ear_slice_ieq(s, want->text)
			 : ear_slice_eq(s, want->text))
			return true;
	}
	return false;
}

/* @param none 0 means that there is no number: never less or greater */
static bool compare(struct eval *v, const struct node *n, uint64_t have,
	bool none, uint64_t unit)
{
	const struct value *want = first_value(v, n);

	if (n->op == OP_EQ) {
		for (uint32_t i = 0; i < n->values; i++, want++) {
			uint64_t same = want->unit ? want->unit : unit;

			if (have / same == want->num / same)
				return true;
		}
		return false;
	}
	if (none)
		return false;
	switch (n->op) {
	case OP_LT: return have / unit < want->num / unit;
	case OP_LE: return have / unit <= want->num / unit;
	case OP_GT: return have / unit > want->num / unit;
	default: return have / unit >= want->num / unit;
	}
}

static bool test_number(struct eval *v, const struct node *n, enum ear_field f)
{
	enum ear_field_type type = ear_field_info(f)->type;
	const struct ear_facts *facts = NULL;
	uint64_t have;

	if (f == EAR_F_KIND || f == EAR_F_STATUS || f == EAR_F_SDP ||
		f == EAR_F_MALFORMED)
		facts = facts_of(v);
	have = ear_field_number(f, v->msg, facts);
	if (n->op == OP_THERE)
		return have != 0;
	return compare(v, n, have, !have && f != EAR_F_SIZE,
		type == EAR_TYPE_TIME ? EAR_US_NS : 1);
}

static bool in_nets(
	struct eval *v, const struct node *n, const struct ear_addr *a)
{
	const struct value *want = first_value(v, n);

	for (uint32_t i = 0; i < n->values; i++, want++) {
		uint16_t port = want->net.addr.port;

		if (ear_net_has(&want->net, a) && (!port || port == a->port))
			return true;
	}
	return false;
}

static bool test_addr(struct eval *v, const struct node *n, enum ear_field f)
{
	const struct ear_addr *a = ear_field_addr(f, v->msg);

	if (n->op == OP_THERE)
		return a->family != 0;
	if (n->op != OP_EQ)
		return test_text(v, n,
			ear_field_text(f, v->msg, NULL, &v->expr->scratch),
			false);
	return in_nets(v, n, a);
}

static bool test_one(struct eval *v, const struct node *n, enum ear_field f)
{
	switch (ear_field_info(f)->type) {
	case EAR_TYPE_TEXT:
		if (f == EAR_F_TEXT)
			return test_text(v, n, v->msg->raw, false);
		/* fall through */
	case EAR_TYPE_STR:
		return test_text(v, n,
			ear_field_text(
				f, v->msg, facts_of(v), &v->expr->scratch),
			f == EAR_F_METHOD);
	case EAR_TYPE_ADDR:
	case EAR_TYPE_IP: return test_addr(v, n, f);
	default: return test_number(v, n, f);
	}
}

/* header.NAME: any header field of that name, compact or not. */
static bool test_header(struct eval *v, const struct node *n)
{
	const struct ear_sip *sip = sip_of(v);
	enum ear_sip_id id = ear_sip_id_of(n->header);
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header h;

	while (ear_sip_next(sip, &cursor, &h)) {
		if (h.id != id || (id == EAR_SIP_OTHER &&
					  !ear_slice_ieq(h.name, n->header)))
			continue;
		if (n->op == OP_THERE || test_text(v, n, h.value, false))
			return true;
	}
	return false;
}

/* Any of them; where there is none, nothing is compared. */
static bool test_marks(struct eval *v, const struct node *n, enum ear_field f)
{
	struct ear_marks marks;
	const struct ear_mark_list *list = ear_field_marks(f, v->msg, &marks);

	for (size_t i = 0; i < list->n; i++) {
		if (test_text(v, n, list->item[i], false))
			return true;
	}
	return !list->n && test_text(v, n, (struct ear_slice){0}, false);
}

/* Text, or any of several with commas between. */
static bool test_texts(
	struct eval *v, const struct node *n, const struct ear_expr_cell *cell)
{
	struct ear_slice left = cell->text;

	if (test_text(v, n, left, false))
		return true;
	while (cell->list && left.n) {
		size_t end = ear_slice_find(left, EAR_S(","));

		if (test_text(v, n, ear_slice_sub(left, 0, end), false))
			return true;
		left = ear_slice_sub(left, end + 1, left.n);
	}
	return false;
}

/* A cell of a row. */
static bool test_cell(struct eval *v, const struct node *n)
{
	enum ear_field_type type = node_info(v->expr, n)->type;
	bool addr = type == EAR_TYPE_ADDR || type == EAR_TYPE_IP;
	struct ear_expr_cell cell = {0};

	v->get(n->field, addr && (n->op == OP_HAS || n->op == OP_MATCH), &cell,
		v->arg);
	switch (type) {
	case EAR_TYPE_STR:
	case EAR_TYPE_TEXT: return test_texts(v, n, &cell);
	case EAR_TYPE_ADDR:
	case EAR_TYPE_IP:
		if (n->op == OP_THERE)
			return cell.addr.family != 0;
		return n->op == OP_EQ ? in_nets(v, n, &cell.addr)
				      : test_text(v, n, cell.text, false);
	default: break;
	}
	if (n->op == OP_THERE)
		return cell.there && (type != EAR_TYPE_BOOL || cell.num);
	return compare(v, n, cell.num, !cell.there,
		type == EAR_TYPE_TIME ? EAR_US_NS : 1);
}

static bool test(struct eval *v, const struct node *n)
{
	if (v->get)
		return test_cell(v, n);
	switch (n->field) {
	case EAR_F_TRACE:
	case EAR_F_TRACED_USER:
		return test_marks(v, n, (enum ear_field)n->field);
	case EXPR_HEADER: return test_header(v, n);
	case EAR_F_IP:
		return test_one(v, n, EAR_F_SRC_IP) ||
		       test_one(v, n, EAR_F_DST_IP);
	case EAR_F_PORT:
		return test_one(v, n, EAR_F_SRC_PORT) ||
		       test_one(v, n, EAR_F_DST_PORT);
	case EAR_F_USER:
		return test_one(v, n, EAR_F_FROM_USER) ||
		       test_one(v, n, EAR_F_TO_USER) ||
		       test_one(v, n, EAR_F_AUTH_USER);
	default: return test_one(v, n, (enum ear_field)n->field);
	}
}

static enum ear_maybe eval(struct eval *v, uint32_t at, bool meta);

/* "and" is settled by the first no, "or" by the first yes. */
static enum ear_maybe eval_list(
	struct eval *v, const struct node *n, bool meta, enum ear_maybe settled)
{
	enum ear_maybe all = settled == EAR_NO ? EAR_YES : EAR_NO;

	for (uint32_t c = n->first; c; c = v->expr->nodes[c].next) {
		enum ear_maybe one = eval(v, c, meta);

		if (one == settled)
			return settled;
		if (one == EAR_MAYBE)
			all = EAR_MAYBE;
	}
	return all;
}

static enum ear_maybe eval(struct eval *v, uint32_t at, bool meta)
{
	const struct node *n = &v->expr->nodes[at];
	enum ear_maybe m;

	switch (n->kind) {
	case NODE_AND: return eval_list(v, n, meta, EAR_NO);
	case NODE_OR: return eval_list(v, n, meta, EAR_YES);
	case NODE_NOT:
		m = eval(v, n->first, meta);
		return m == EAR_MAYBE ? m : m == EAR_YES ? EAR_NO : EAR_YES;
	default:
		if (meta && !n->meta)
			return EAR_MAYBE;
		return test(v, n) ? EAR_YES : EAR_NO;
	}
}

/* The rest is written when it is asked for: it is large. */
static enum ear_maybe eval_message(struct ear_expr *expr,
	const struct ear_msg *msg, const struct ear_facts *facts, bool meta)
{
	struct eval v;

	if (!expr->root)
		return EAR_YES;
	v.expr = expr;
	v.get = NULL;
	v.msg = msg;
	v.facts = facts;
	v.parsed = false;
	return eval(&v, expr->root, meta);
}

bool ear_expr_match(struct ear_expr *expr, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	return eval_message(expr, msg, facts, false) == EAR_YES;
}

enum ear_maybe ear_expr_match_meta(struct ear_expr *expr,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	return eval_message(expr, msg, facts, true);
}

bool ear_expr_match_cells(struct ear_expr *expr, ear_expr_get_fn get, void *arg)
{
	struct eval v;

	assert(get);
	if (!expr->root)
		return true;
	v.expr = expr;
	v.get = get;
	v.arg = arg;
	return eval(&v, expr->root, false) == EAR_YES;
}
