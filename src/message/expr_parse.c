/* SPDX-License-Identifier: Apache-2.0 */
/* From text to nodes: recursive descent, one byte of look-ahead. */
#include <stdlib.h>

#include "message/expr_lex.h"

struct parser {
	struct ear_expr *expr;
	struct ear_lex lex;
	unsigned depth;
	struct ear_fault *fault;
	enum ear_err err; /* first error; everything then returns 0 */
};

#define FAIL(p, offset, ...)                                             \
	((p)->err = (p)->err ? (p)->err                                  \
			     : ear_fail((p)->fault, EAR_USAGE, (offset), \
				       __VA_ARGS__),                     \
		0)

static uint32_t parse_or(struct parser *p);

static uint32_t add_node(struct parser *p, enum node_kind kind)
{
	struct ear_expr *e = p->expr;

	if (e->node_count >= EXPR_NODES_MAX)
		return FAIL(p, p->lex.at, "more than %d terms", EXPR_NODES_MAX);
	if (e->node_count == e->node_cap) {
		uint32_t cap = e->node_cap ? e->node_cap * 2 : 16;
		struct node *more = realloc(e->nodes, cap * sizeof(*more));

		if (!more) {
			p->err = ear_fail(p->fault, EAR_NOMEM, p->lex.at,
				"out of memory");
			return 0;
		}
		if (!e->node_cap)
			e->node_count = 1; /* index 0 is no node */
		e->nodes = more;
		e->node_cap = cap;
	}
	e->nodes[e->node_count] = (struct node){.kind = (uint8_t)kind};
	return e->node_count++;
}

static struct value *add_value(struct parser *p)
{
	struct ear_expr *e = p->expr;

	if (e->value_count == e->value_cap) {
		uint32_t cap = e->value_cap ? e->value_cap * 2 : 8;
		struct value *more = realloc(e->values, cap * sizeof(*more));

		if (!more) {
			p->err = ear_fail(p->fault, EAR_NOMEM, p->lex.at,
				"out of memory");
			return NULL;
		}
		e->values = more;
		e->value_cap = cap;
	}
	e->values[e->value_count] = (struct value){0};
	return &e->values[e->value_count++];
}

/* As a value these are more likely the next term's; quoted they are text. */
static bool is_keyword(struct ear_slice s)
{
	return ear_slice_ieq(s, EAR_S("and")) || ear_slice_ieq(s, EAR_S("or"));
}

static bool one_value(struct parser *p, uint32_t n)
{
	struct value *v;
	size_t start;

	ear_lex_blanks(&p->lex);
	start = p->lex.at;
	v = add_value(p);
	if (!v)
		return false;
	if (ear_lex_is_quote(ear_lex_peek(&p->lex, 0))) {
		if (!ear_lex_quoted(&p->lex, &v->text))
			return FAIL(p, start, "this quote is never closed");
	} else {
		v->text = ear_lex_bare(&p->lex);
		if (!v->text.n || is_keyword(v->text))
			return FAIL(p, start, "a value is missing here");
	}
	p->expr->nodes[n].values++;
	p->err =
		ear_expr_value(p->expr, &p->expr->nodes[n], v, start, p->fault);
	return !p->err;
}

static bool value_list(struct parser *p, uint32_t n)
{
	size_t start = p->lex.at;

	if (!ear_lex_take(&p->lex, "("))
		return one_value(p, n);
	do {
		if (!one_value(p, n))
			return false;
		ear_lex_blanks(&p->lex);
	} while (ear_lex_take(&p->lex, ","));
	if (!ear_lex_take(&p->lex, ")"))
		return FAIL(p, p->lex.at < p->lex.in.n ? p->lex.at : start,
			p->lex.at < p->lex.in.n ? "a ',' or ')' is wanted here"
						: "this '(' is never closed");
	return true;
}

static bool op_fits(enum ear_field_type type, enum op op)
{
	switch (op) {
	case OP_THERE:
	case OP_EQ: return true;
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		return type == EAR_TYPE_INT || type == EAR_TYPE_TIME ||
		       type == EAR_TYPE_PORT;
	case OP_MATCH:
	case OP_HAS:
		return type == EAR_TYPE_STR || type == EAR_TYPE_TEXT ||
		       type == EAR_TYPE_ADDR || type == EAR_TYPE_IP;
	}
	return false;
}

static enum ear_field_type node_type(
	const struct parser *p, const struct node *n)
{
	return n->field == EXPR_HEADER ? EAR_TYPE_STR
				       : node_info(p->expr, n)->type;
}

static bool compile_regex(struct parser *p, uint32_t n, size_t offset)
{
	struct node *node = &p->expr->nodes[n];

	if (p->expr->regexes++ >= EXPR_REGEX_MAX)
		return FAIL(p, offset, "more than %d regular expressions",
			EXPR_REGEX_MAX);
	p->err = ear_regex_new(p->expr->values[node->value].text, offset,
		&node->regex, p->fault);
	return !p->err;
}

/* What one test costs, roughly in tens of nanoseconds. */
static uint8_t test_cost(const struct parser *p, const struct node *n)
{
	bool text = node_type(p, n) == EAR_TYPE_TEXT;

	if (n->meta)
		return n->op == OP_MATCH ? 6 : 1;
	if (n->op == OP_MATCH)
		return text ? 40 : 10;
	if (n->field == EXPR_HEADER)
		return 8;
	return text ? 20 : 2;
}

static uint32_t negated(struct parser *p, uint32_t child)
{
	uint32_t n = child ? add_node(p, NODE_NOT) : 0;

	if (!n)
		return 0;
	p->expr->nodes[n].first = child;
	p->expr->nodes[n].cost = p->expr->nodes[child].cost;
	p->expr->nodes[n].meta = p->expr->nodes[child].meta;
	return n;
}

static uint32_t finish_test(struct parser *p, uint32_t n, bool negate)
{
	struct node *node = &p->expr->nodes[n];

	node->meta = node->field != EXPR_HEADER && p->expr->set->meta &&
		     p->expr->set->meta[node->field];
	node->cost = test_cost(p, node);
	return negate ? negated(p, n) : n;
}

static struct ear_slice node_name(const struct parser *p, const struct node *n)
{
	return n->field == EXPR_HEADER ? EAR_S("a header")
				       : node_info(p->expr, n)->name;
}

/* [op value] behind a field */
static uint32_t test_rest(struct parser *p, uint32_t n)
{
	struct node *node = &p->expr->nodes[n];
	struct ear_lex_sign sign;
	size_t start;

	if (!ear_lex_take_operator(&p->lex, &sign))
		return finish_test(p, n, false);
	start = p->lex.at - strlen(sign.text);
	node->op = (uint8_t)sign.op;
	if (!op_fits(node_type(p, node), sign.op))
		return FAIL(p, start, "'%s' does not go with %.*s, which is %s",
			sign.text, EAR_FMT(node_name(p, node)),
			ear_field_type_name(node_type(p, node)));
	node->value = p->expr->value_count;
	ear_lex_blanks(&p->lex);
	start = p->lex.at;
	if (sign.list ? !value_list(p, n) : !one_value(p, n))
		return 0;
	if (sign.op == OP_MATCH &&
		!compile_regex(
			p, n, start + ear_lex_is_quote(p->lex.in.p[start])))
		return 0;
	return finish_test(p, n, sign.negate);
}

/* The field that has this word as a value, as disposition has FAILED. */
static struct ear_slice field_of_value(
	const struct ear_field_set *set, struct ear_slice *word)
{
	for (unsigned f = 0; f < set->n; f++) {
		struct ear_slice value;

		for (unsigned i = 0; set->fields[f].type == EAR_TYPE_ENUM &&
				     (value = set->value(f, i)).n;
			i++) {
			if (!ear_slice_ieq(value, *word))
				continue;
			*word = value;
			return set->fields[f].name;
		}
	}
	return ear_slice(NULL, 0);
}

static uint32_t unknown_field(
	struct parser *p, struct ear_slice name, size_t start)
{
	const struct ear_field_set *set = p->expr->set;
	struct ear_slice near = ear_field_set_nearest(set, name), value = name;
	struct ear_slice of = field_of_value(set, &value);

	if (of.n)
		return FAIL(p, start,
			"there is no %s '%.*s'; did you mean %.*s == %.*s?",
			set->what, EAR_FMT(ear_slice_sub(name, 0, 64)),
			EAR_FMT(of), EAR_FMT(value));
	if (near.n)
		return FAIL(p, start,
			"there is no %s '%.*s'; did you mean %.*s?", set->what,
			EAR_FMT(ear_slice_sub(name, 0, 64)), EAR_FMT(near));
	return FAIL(p, start,
		"there is no %s '%.*s'; to find %s with this text in "
		"them put it in double quotes",
		set->what, EAR_FMT(ear_slice_sub(name, 0, 64)), set->things);
}

/* header.NAME, where there are headers. */
static bool is_header(const struct parser *p, struct ear_slice *name)
{
	struct ear_slice head = EAR_S("header.");

	if (!p->expr->set->headers || name->n <= head.n ||
		!ear_slice_ieq(ear_slice_sub(*name, 0, head.n), head))
		return false;
	*name = ear_slice_sub(*name, head.n, name->n);
	return true;
}

static uint32_t parse_field(struct parser *p)
{
	const struct ear_field_set *set = p->expr->set;
	struct ear_slice name = ear_lex_word(&p->lex);
	size_t start = p->lex.at, end = start + name.n;
	unsigned f = EXPR_HEADER;
	uint32_t n;

	if (!name.n)
		return FAIL(p, start, "a %s or a \"word\" is %s here",
			set->what, start >= p->lex.in.n ? "missing" : "wanted");
	if (!is_header(p, &name) && !ear_field_set_find(set, name, &f))
		return unknown_field(p, name, start);
	if (f == set->no_field)
		return FAIL(p, start,
			"id names one message of one store; it cannot be "
			"searched for");
	n = add_node(p, NODE_TEST);
	if (!n)
		return 0;
	p->expr->nodes[n].field = (uint16_t)f;
	p->expr->nodes[n].header = name;
	p->lex.at = end;
	return test_rest(p, n);
}

/* A quoted word: the text has it. */
static uint32_t parse_word(struct parser *p)
{
	uint32_t n = add_node(p, NODE_TEST);

	if (!n)
		return 0;
	p->expr->nodes[n].field = p->expr->set->text_field;
	p->expr->nodes[n].op = OP_HAS;
	p->expr->nodes[n].value = p->expr->value_count;
	return one_value(p, n) ? finish_test(p, n, false) : 0;
}

static uint32_t parse_prim(struct parser *p)
{
	size_t start = p->lex.at;
	uint32_t n;

	if (ear_lex_is_quote(ear_lex_peek(&p->lex, 0)))
		return parse_word(p);
	if (!ear_lex_take(&p->lex, "("))
		return parse_field(p);
	n = parse_or(p);
	if (!n)
		return 0;
	ear_lex_blanks(&p->lex);
	if (ear_lex_take(&p->lex, ")"))
		return n;
	return p->lex.at < p->lex.in.n
		       ? FAIL(p, p->lex.at, "'and', 'or' or ')' is wanted here")
		       : FAIL(p, start, "this '(' is never closed");
}

static uint32_t parse_not(struct parser *p)
{
	bool negate = false;
	uint32_t n;

	if (p->err)
		return 0;
	if (++p->depth > EXPR_DEPTH_MAX)
		return FAIL(p, p->lex.at, "nested more than %d deep",
			EXPR_DEPTH_MAX);
	ear_lex_blanks(&p->lex);
	while (ear_lex_take_word(&p->lex, "not") ||
		ear_lex_take(&p->lex, "!")) {
		negate = !negate;
		ear_lex_blanks(&p->lex);
	}
	n = parse_prim(p);
	p->depth--;
	return n && negate ? negated(p, n) : n;
}

/*
 * Put a child where its cost says, behind those that cost the same: what is
 * cheap decides first. Evaluating has no side effects, so order is free.
 */
static void adopt(struct ear_expr *e, uint32_t parent, uint32_t child)
{
	uint32_t *at = &e->nodes[parent].first;
	unsigned cost;

	while (*at && e->nodes[*at].cost <= e->nodes[child].cost)
		at = &e->nodes[*at].next;
	e->nodes[child].next = *at;
	*at = child;
	cost = e->nodes[parent].cost + (unsigned)e->nodes[child].cost;
	e->nodes[parent].cost = cost > 255 ? 255 : (uint8_t)cost;
	e->nodes[parent].meta &= e->nodes[child].meta;
}

/* Adds one more term to *n, making it a list of that kind when it is none. */
static bool join(struct parser *p, enum node_kind kind, uint32_t *n,
	uint32_t *list, uint32_t term)
{
	if (!term)
		return false;
	if (!*n) {
		*n = term;
		return true;
	}
	if (!*list) {
		*list = add_node(p, kind);
		if (!*list)
			return false;
		p->expr->nodes[*list].meta = true;
		adopt(p->expr, *list, *n);
		*n = *list;
	}
	adopt(p->expr, *list, term);
	return true;
}

static bool ends_and(struct parser *p)
{
	ear_lex_blanks(&p->lex);
	return p->lex.at >= p->lex.in.n || ear_lex_peek(&p->lex, 0) == ')' ||
	       ear_slice_ieq(ear_lex_word(&p->lex), EAR_S("or")) ||
	       (ear_lex_peek(&p->lex, 0) == '|' &&
		       ear_lex_peek(&p->lex, 1) == '|');
}

static uint32_t parse_and(struct parser *p)
{
	uint32_t n = 0, list = 0;

	do {
		if (!join(p, NODE_AND, &n, &list, parse_not(p)))
			return 0;
		if (ends_and(p))
			return n;
		if (!ear_lex_take_word(&p->lex, "and"))
			ear_lex_take(&p->lex, "&&");
	} while (true);
}

static uint32_t parse_or(struct parser *p)
{
	uint32_t n = 0, list = 0;

	do {
		if (!join(p, NODE_OR, &n, &list, parse_and(p)))
			return 0;
		ear_lex_blanks(&p->lex);
	} while (ear_lex_take_word(&p->lex, "or") ||
		 ear_lex_take(&p->lex, "||"));
	return n;
}

enum ear_err ear_expr_parse(struct ear_expr *expr, struct ear_fault *fault)
{
	struct parser p = {.expr = expr,
		.lex = {.in = ear_slice(expr->text, expr->n),
			.unescaped = expr->unescaped},
		.fault = fault};

	ear_lex_blanks(&p.lex);
	if (p.lex.at == p.lex.in.n)
		return EAR_OK;
	expr->root = parse_or(&p);
	if (!p.err && p.lex.at < p.lex.in.n)
		(void)FAIL(&p, p.lex.at, "'and' or 'or' is wanted here");
	return p.err;
}
