/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A compiled expression, for the files expr*.c only.
 *
 * Nodes lie in one array and know each other by index; the children of "and"
 * and "or" are a list, so that evaluating recurses no deeper than the text has
 * parentheses. Index 0 is no node.
 */
#ifndef EAR_MESSAGE_EXPR_PRIV_H
#define EAR_MESSAGE_EXPR_PRIV_H

#include "message/expr.h"
#include "message/expr_set.h"
#include "message/field.h"

/** Longest expression: a list of some hundred Call-IDs still fits. */
#define EXPR_TEXT_MAX (64u << 10)
/** Most nested parentheses and nots: bounds the stack. */
#define EXPR_DEPTH_MAX 64
/** Most nodes: siblings are kept in order by walking them. */
#define EXPR_NODES_MAX 4096
/** Most regular expressions: each takes some KiB once compiled. */
#define EXPR_REGEX_MAX 64

/** No field of any set: a header, whose name the node has. */
#define EXPR_HEADER UINT16_MAX

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_TEST };

enum op {
	OP_THERE, /* the field alone: there, not empty, not false */
	OP_EQ,    /* "==" and "in": any of the values */
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_MATCH,
	OP_HAS,
};

/** A value as its field's type reads it. */
struct value {
	struct ear_slice text;
	uint64_t num;       /* INT, TIME, PORT, BOOL, ENUM */
	uint64_t unit;      /* numbers are the same when they are in this many;
			       0: 1, or a microsecond for times */
	struct ear_net net; /* ADDR, IP; its addr.port 0: any port */
};

struct node {
	uint8_t kind;   /* enum node_kind */
	uint8_t op;     /* enum op */
	uint8_t cost;   /* what evaluating costs, for the order of siblings */
	bool meta;      /* can be told without the bytes */
	uint16_t field; /* of the set; EXPR_HEADER: the header named below */
	uint32_t first; /* AND, OR, NOT: first child */
	uint32_t next;  /* next sibling */
	uint32_t value; /* index of the first value */
	uint32_t values;
	struct ear_slice header;
	struct ear_regex *regex; /* owned */
};

struct ear_expr {
	const struct ear_field_set *set; /* borrowed; static */
	char *text; /* own copy; ends with a NUL that is not part of it */
	size_t n;
	uint64_t now_ns;
	uint32_t root; /* 0: matches everything */

	struct node *nodes;
	uint32_t node_count, node_cap;
	struct value *values;
	uint32_t value_count, value_cap;
	unsigned regexes;

	/* values that had escapes in them, and what evaluating composes */
	char *unescaped;
	struct ear_buf scratch;
	uint64_t gave_up;
};

static inline const struct ear_field_info *node_info(
	const struct ear_expr *expr, const struct node *node)
{
	return &expr->set->fields[node->field];
}

/** Fill expr from its text. */
enum ear_err ear_expr_parse(struct ear_expr *expr, struct ear_fault *fault);

/** Read one value as its field's type wants it; text is where it stands. */
enum ear_err ear_expr_value(struct ear_expr *expr, const struct node *node,
	struct value *value, size_t offset, struct ear_fault *fault);

/** Compiled regular expressions, bounded in time by any subject. */
struct ear_regex;

enum ear_err ear_regex_new(struct ear_slice pattern, size_t offset,
	struct ear_regex **regex, struct ear_fault *fault);
void ear_regex_free(struct ear_regex **regex);
/** @param gave_up counts a subject that took too long, which then is no match
 */
bool ear_regex_match(
	struct ear_regex *regex, struct ear_slice subject, uint64_t *gave_up);

#endif
