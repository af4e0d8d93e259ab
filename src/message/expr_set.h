/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The expression language over other things than messages: whoever has rows
 * with columns names these in a set, and hands out the cells of a row when
 * one is asked for.
 *
 *     ear_expr_new_over(&columns, EAR_S("code >= 500"), now, &expr, &fault);
 *     … ear_expr_match_cells(expr, get, &row) …
 */
#ifndef EAR_MESSAGE_EXPR_SET_H
#define EAR_MESSAGE_EXPR_SET_H

#include "message/field.h"

/** What an expression may ask for. Static: expressions borrow it. */
struct ear_field_set {
	const char *what;                    /**< "field", "column" */
	const char *things;                  /**< "messages", "calls" */
	const struct ear_field_info *fields; /**< n of them; their column is
						  another name, or NULL */
	const bool *meta; /**< told without the bytes; NULL: none is */
	uint16_t n;
	uint16_t time_field;   /**< whose terms ear_expr_span() knows */
	uint16_t text_field;   /**< a quoted word alone: this has it */
	uint16_t status_field; /**< takes 4xx; n: none does */
	uint16_t no_field;     /**< cannot be asked for; n: all can */
	uint64_t int_max;      /**< of numbers */
	bool headers;          /**< header.NAME is a field too */
	/** The i-th word of an enumeration, from 0; empty at the end. */
	struct ear_slice (*value)(unsigned f, unsigned i);
	/** A field by another tool's name; or NULL. */
	struct ear_slice (*alias)(struct ear_slice name);
};

/** The fields of messages: message/field.def. */
const struct ear_field_set *ear_message_fields(void);

/** By its name, of any case. @return false: no such field */
bool ear_field_set_find(
	const struct ear_field_set *set, struct ear_slice name, unsigned *f);
/** The field whose name looks most like this; empty when none does. */
struct ear_slice ear_field_set_nearest(
	const struct ear_field_set *set, struct ear_slice name);

/** As ear_expr_new(), over the fields of a set. */
EAR_MUST_USE enum ear_err ear_expr_new_over(const struct ear_field_set *set,
	struct ear_slice text, uint64_t now_ns, struct ear_expr **expr,
	struct ear_fault *fault);

/** What a row has in a field. */
struct ear_expr_cell {
	bool there;            /**< a number: it is one, 0 or not */
	uint64_t num;          /**< INT, TIME, BOOL; ENUM: word, from 1 */
	struct ear_slice text; /**< STR, TEXT; ADDR, IP: when asked for */
	struct ear_addr addr;  /**< ADDR, IP */
	bool list; /**< STR: text is several values with commas between, and
			any of them may match */
};

/**
 * Fill one cell.
 *
 * @param as_text an address is wanted as text
 */
typedef void (*ear_expr_get_fn)(
	unsigned field, bool as_text, struct ear_expr_cell *cell, void *arg);

/** Whether a row matches. Threads: one compiled expression per thread. */
bool ear_expr_match_cells(
	struct ear_expr *expr, ear_expr_get_fn get, void *arg);

/** Set used[f] for every field that the expression asks for. */
void ear_expr_uses(const struct ear_expr *expr, bool *used);

/** A value that a field must have. */
struct ear_expr_want {
	struct ear_slice text; /**< lives as long as the expression */
	uint64_t num;
	struct ear_net net;
};

/**
 * The values of which a field must have one, or nothing matches: from "=="
 * and "in" at the top of the expression.
 *
 * @return how many; 0 when the expression does not say, or more than max
 */
size_t ear_expr_wants(const struct ear_expr *expr, unsigned field,
	struct ear_expr_want *want, size_t max);

#endif
