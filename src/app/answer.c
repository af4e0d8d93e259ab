/* SPDX-License-Identifier: Apache-2.0 */
#include "app/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/reader.h"

/* Widest column of a table, and rows that are looked at to find widths. */
#define CELL_MOST 60
/* A text is cut down to so much before a column is left out for it. */
#define CELL_LEAST 9
#define BLANKS 2 /* between two columns */
#define ROWS_AHEAD 200

static struct ear_slice text_of(const struct ear_sql_cell *c, char space[40])
{
	int n = 0;

	switch (c->type) {
	case EAR_SQL_NULL: break;
	case EAR_SQL_INT:
		n = snprintf(space, 40, "%lld", (long long)c->i);
		break;
	case EAR_SQL_REAL: n = snprintf(space, 40, "%.15g", c->real); break;
	case EAR_SQL_TEXT: return c->text;
	}
	return ear_slice(space, (size_t)n);
}

static struct ear_slice cell_text(
	const struct ear_sql_row *row, size_t i, char space[40])
{
	return row->cells ? text_of(&row->cells[i], space)
			  : ear_slice_str(row->names[i]);
}

static void json_row(struct ear_answer *a, const struct ear_sql_row *row)
{
	struct ear_json j = ear_json(&a->out);

	if (!row->cells)
		return;
	ear_json_open(&j, '{');
	for (size_t i = 0; i < row->columns; i++) {
		const struct ear_sql_cell *c = &row->cells[i];

		ear_json_key(&j, row->names[i]);
		switch (c->type) {
		case EAR_SQL_NULL: ear_json_null(&j); break;
		case EAR_SQL_INT: ear_json_i64(&j, c->i); break;
		case EAR_SQL_REAL: ear_json_num(&j, c->real); break;
		case EAR_SQL_TEXT: ear_json_str(&j, c->text); break;
		}
	}
	ear_json_close(&j, '}');
	ear_buf_byte(&a->out, '\n');
}

/* A number is none that somebody else wrote; what a text holds is guarded, and
 * on a terminal shown instead of obeyed. */
static void csv_cell(
	struct ear_answer *a, const struct ear_sql_row *row, size_t i)
{
	char space[40];
	struct ear_slice s = cell_text(row, i, space);
	struct ear_buf text = {0};

	if (row->cells && row->cells[i].type != EAR_SQL_TEXT) {
		ear_buf_slice(&a->out, s);
		return;
	}
	if (!a->term.tty) {
		ear_csv_text(&a->out, s);
		return;
	}
	ear_csv_text(&text, s);
	ear_term_text(&a->term, &a->out, ear_buf_view(&text));
	a->failed |= text.err != EAR_OK;
	ear_buf_fini(&text);
}

static void csv_row(struct ear_answer *a, const struct ear_sql_row *row)
{
	for (size_t i = 0; i < row->columns; i++) {
		if (i)
			ear_buf_byte(&a->out, ',');
		csv_cell(a, row, i);
	}
	ear_buf_str(&a->out, "\r\n");
}

static void tab_row(struct ear_answer *a, const struct ear_sql_row *row)
{
	char space[40];

	for (size_t i = 0; i < row->columns; i++) {
		if (i)
			ear_buf_byte(&a->out, '\t');
		ear_term_text(&a->term, &a->out, cell_text(row, i, space));
	}
	ear_buf_byte(&a->out, '\n');
}

static void table_cell(struct ear_answer *a, size_t i, struct ear_slice s)
{
	bool first = true;

	if (!a->width[i])
		return;
	for (size_t k = 0; k < i; k++)
		first = first && !a->width[k];
	if (!first)
		ear_buf_str(&a->out, "  ");
	ear_term_cell(&a->term, &a->out, s, a->width[i]);
}

static void table_row(struct ear_answer *a, const struct ear_sql_row *row)
{
	char space[40];

	for (size_t i = 0; i < row->columns; i++)
		table_cell(a, i, cell_text(row, i, space));
	ear_buf_byte(&a->out, '\n');
}

static bool may_cut(const struct ear_answer *a, size_t i)
{
	return a->fit[i].text && a->width[i] > CELL_LEAST;
}

/* Columns of the terminal that a line takes; with its texts cut as far as they
 * may. */
static unsigned line_width(const struct ear_answer *a, bool cut)
{
	unsigned width = 0;

	for (size_t i = 0; i < a->columns; i++) {
		if (a->width[i])
			width += BLANKS + (cut && may_cut(a, i) ? CELL_LEAST
								: a->width[i]);
	}
	return width ? width - BLANKS : 0;
}

/* The least important goes. @return false when only one is left */
static bool leave_one_out(struct ear_answer *a)
{
	size_t least = a->columns;

	for (size_t i = 0; i < a->columns; i++) {
		if (a->width[i] && a->fit[i].rank > 1 &&
			(least == a->columns ||
				a->fit[i].rank > a->fit[least].rank))
			least = i;
	}
	if (least == a->columns)
		return false;
	a->width[least] = 0;
	a->left_out++;
	return true;
}

/* The widest text loses one. @return false when none may any more */
static bool cut_one(struct ear_answer *a)
{
	size_t widest = a->columns;

	for (size_t i = 0; i < a->columns; i++) {
		if (may_cut(a, i) && (widest == a->columns ||
					     a->width[i] > a->width[widest]))
			widest = i;
	}
	if (widest == a->columns)
		return false;
	a->width[widest]--;
	return true;
}

static void fit_terminal(struct ear_answer *a)
{
	if (!a->fit)
		return;
	while (line_width(a, true) > a->term.width && leave_one_out(a))
		;
	while (line_width(a, false) > a->term.width && cut_one(a))
		;
}

/* Print the rows that were held back; from now on they go out at once. */
static void let_go(struct ear_answer *a)
{
	struct ear_reader r = ear_reader(ear_buf_view(&a->held));

	fit_terminal(a);
	for (size_t row = 0; row < a->held_rows; row++) {
		if (!row)
			ear_term_bold(&a->term, &a->out);
		for (size_t i = 0; i < a->columns; i++) {
			size_t n = (size_t)ear_read_varint(&r);

			table_cell(a, i, ear_read(&r, n));
		}
		if (!row)
			ear_term_plain(&a->term, &a->out);
		ear_buf_byte(&a->out, '\n');
	}
	a->flowing = true;
}

/* Keep only what a cell can show. */
static struct ear_slice shown(struct ear_slice s)
{
	return ear_slice_sub(s, 0, 4 * (size_t)CELL_MOST);
}

static void hold(struct ear_answer *a, const struct ear_sql_row *row)
{
	char space[40];

	if (!a->width) {
		a->columns = row->columns;
		a->width = calloc(row->columns + 1, sizeof(*a->width));
	}
	a->failed = !a->width;
	for (size_t i = 0; i < row->columns && !a->failed; i++) {
		struct ear_slice s = shown(cell_text(row, i, space));
		unsigned width = ear_term_width(&a->term, s, CELL_MOST);

		if (width > CELL_MOST)
			width = CELL_MOST;
		if (width > a->width[i])
			a->width[i] = width;
		ear_buf_varint(&a->held, s.n);
		ear_buf_slice(&a->held, s);
	}
	a->failed |= a->held.err != EAR_OK;
	a->held_rows++;
	if (a->held_rows > ROWS_AHEAD && !a->failed)
		let_go(a);
}

bool ear_answer_row(const struct ear_sql_row *row, void *arg)
{
	struct ear_answer *a = arg;

	if (a->form == EAR_ANSWER_JSON)
		json_row(a, row);
	else if (a->form == EAR_ANSWER_CSV)
		csv_row(a, row);
	else if (!a->term.tty)
		tab_row(a, row);
	else if (a->flowing)
		table_row(a, row);
	else
		hold(a, row);
	if (a->out.n && !ear_term_write(&a->out))
		a->failed = true;
	return !a->failed;
}

void ear_answer_end(struct ear_answer *a)
{
	if (a->width && !a->flowing && !a->failed) {
		let_go(a);
		a->failed = !ear_term_write(&a->out);
	}
	ear_buf_fini(&a->out);
	ear_buf_fini(&a->held);
	free(a->width);
	a->width = NULL;
}
