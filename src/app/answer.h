/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rows of an SQL query on standard output: a table on a terminal, columns
 * with tabs between them in a pipe, CSV, or one JSON object a line.
 */
#ifndef EAR_APP_ANSWER_H
#define EAR_APP_ANSWER_H

#include "app/term.h"
#include "flow/sql.h"

enum ear_answer_form { EAR_ANSWER_TABLE, EAR_ANSWER_CSV, EAR_ANSWER_JSON };

/** How a column of a table gives way where the terminal is too narrow. */
struct ear_answer_fit {
	unsigned rank; /**< 1 is never left out; the highest goes first */
	bool text;     /**< may be cut */
};

struct ear_answer {
	enum ear_answer_form form;
	const struct ear_answer_fit *fit; /**< of each column; NULL: lines are
					       as long as they are */
	struct ear_term term;
	struct ear_buf out;  /**< owned; being built */
	struct ear_buf held; /**< owned; first rows of a table, whose widths
				  are not yet known */
	size_t held_rows;
	unsigned *width; /**< of each column; owned */
	size_t columns;
	size_t left_out; /**< columns that did not fit */
	bool flowing;    /**< widths are settled, rows go out at once */
	bool failed;     /**< nobody reads any more, or no memory */
};

/** An ear_sql_row_fn; arg is a struct ear_answer. */
bool ear_answer_row(const struct ear_sql_row *row, void *arg);

/** Print what is held back, and free. */
void ear_answer_end(struct ear_answer *a);

#endif
