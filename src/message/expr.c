/* SPDX-License-Identifier: Apache-2.0 */
#include "message/expr.h"

#include <stdlib.h>

#include "message/expr_priv.h"

static enum ear_err alloc(const struct ear_field_set *set,
	struct ear_slice text, uint64_t now_ns, struct ear_expr **expr,
	struct ear_fault *fault)
{
	struct ear_expr *e = calloc(1, sizeof(*e));

	*expr = e;
	if (!e)
		goto nomem;
	e->text = malloc(text.n + 1);
	e->unescaped = malloc(text.n + 1);
	if (!e->text || !e->unescaped)
		goto nomem;
	if (text.n)
		memcpy(e->text, text.p, text.n);
	e->text[text.n] = '\0';
	e->n = text.n;
	e->set = set;
	e->now_ns = now_ns;
	return EAR_OK;
nomem:
	ear_expr_free(expr);
	return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
}

enum ear_err ear_expr_new(struct ear_slice text, uint64_t now_ns,
	struct ear_expr **expr, struct ear_fault *fault)
{
	return ear_expr_new_over(
		ear_message_fields(), text, now_ns, expr, fault);
}

enum ear_err ear_expr_new_over(const struct ear_field_set *set,
	struct ear_slice text, uint64_t now_ns, struct ear_expr **expr,
	struct ear_fault *fault)
{
	enum ear_err err;

	*expr = NULL;
	if (text.n > EXPR_TEXT_MAX)
		return ear_fail(fault, EAR_USAGE, EXPR_TEXT_MAX,
			"an expression is at most %u bytes long",
			EXPR_TEXT_MAX);
	err = alloc(set, text, now_ns, expr, fault);
	if (err)
		return err;
	err = ear_expr_parse(*expr, fault);
	if (err)
		ear_expr_free(expr);
	return err;
}

void ear_expr_free(struct ear_expr **expr)
{
	struct ear_expr *e = *expr;

	if (!e)
		return;
	for (uint32_t i = 1; i < e->node_count; i++)
		ear_regex_free(&e->nodes[i].regex);
	ear_buf_fini(&e->scratch);
	free(e->nodes);
	free(e->values);
	free(e->unescaped);
	free(e->text);
	free(e);
	*expr = NULL;
}

enum ear_err ear_expr_clone(
	const struct ear_expr *expr, struct ear_expr **clone)
{
	return ear_expr_new_over(
		expr->set, ear_expr_text(expr), expr->now_ns, clone, NULL);
}

struct ear_slice ear_expr_text(const struct ear_expr *expr)
{
	return ear_slice(expr->text, expr->n);
}

uint64_t ear_expr_gave_up(const struct ear_expr *expr)
{
	return expr->gave_up;
}

void ear_expr_quote(struct ear_slice value, struct ear_buf *out)
{
	ear_buf_byte(out, '"');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '"' || value.p[i] == '\\')
			ear_buf_byte(out, '\\');
		ear_buf_byte(out, (uint8_t)value.p[i]);
	}
	ear_buf_byte(out, '"');
}

/* Most columns shown of an expression: a terminal's usual width. */
#define EXPLAIN_WIDTH 78

/* Start of the window of text that shows the byte at offset. */
static size_t window(size_t n, size_t offset)
{
	if (n <= EXPLAIN_WIDTH || offset < EXPLAIN_WIDTH / 2)
		return 0;
	return offset - EXPLAIN_WIDTH / 2;
}

void ear_expr_explain(struct ear_slice text, const struct ear_fault *fault,
	struct ear_buf *out)
{
	size_t offset = fault->offset < text.n ? fault->offset : text.n;
	size_t from = window(text.n, offset);
	struct ear_slice shown =
		ear_slice_sub(text, from, from + EXPLAIN_WIDTH);

	for (size_t i = 0; i < shown.n; i++) {
		unsigned char c = (unsigned char)shown.p[i];

		ear_buf_byte(out, c < 0x20 || c == 0x7f ? ' ' : c);
	}
	ear_buf_byte(out, '\n');
	for (size_t i = from; i < offset; i++) {
		/* a UTF-8 sequence is one column */
		if (((unsigned char)text.p[i] & 0xc0) != 0x80)
			ear_buf_byte(out, ' ');
	}
	ear_buf_str(out, "^\n");
	ear_buf_str(out, fault->text);
	ear_buf_byte(out, '\n');
}
