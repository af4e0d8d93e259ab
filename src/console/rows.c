/* SPDX-License-Identifier: Apache-2.0 */
#include "console/rows.h"

#include "console/priv.h"

const char *ear_shown_name(enum ear_rows_of of)
{
	if (of == EAR_ROWS_WEB_SESSIONS)
		return "web-sessions";
	if (of == EAR_ROWS_AUDIT)
		return "audit";
	return ear_list_name((enum ear_list_of)of);
}

const struct ear_column *ear_shown_columns(enum ear_rows_of of, size_t *n)
{
	return ear_shown_of_people(of) ? ear_people_columns(of, n)
				       : ear_columns((enum ear_list_of)of, n);
}

size_t ear_shown_column(enum ear_rows_of of, const char *name)
{
	size_t n, i = 0;
	const struct ear_column *columns = ear_shown_columns(of, &n);

	while (i < n && strcmp(columns[i].name, name) != 0)
		i++;
	return i;
}

enum ear_err ear_shown_list(struct ear_call *call, enum ear_rows_of of,
	struct ear_rows_query *query, ear_row_fn fn, void *arg,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	const struct ear_console_options *o = &call->console->o;

	if (ear_shown_of_people(of))
		return ear_people_list(
			o->dir, of, query, fn, arg, found, fault);
	query->list = (enum ear_list_of)of;
	return ear_records_list(o->records, query, fn, arg, found, fault);
}

enum ear_err ear_shown_facet(struct ear_call *call, enum ear_rows_of of,
	struct ear_rows_query *query, const char *column, size_t most,
	ear_facet_fn fn, void *arg, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	const struct ear_console_options *o = &call->console->o;

	if (ear_shown_of_people(of))
		return ear_people_facet(
			o->dir, of, query, column, most, fn, arg, found, fault);
	query->list = (enum ear_list_of)of;
	return ear_records_facet(
		o->records, query, column, most, fn, arg, found, fault);
}

enum ear_err ear_shown_timeline(struct ear_call *call, enum ear_rows_of of,
	struct ear_rows_query *query, const char *column,
	struct ear_timeline *t, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	const struct ear_console_options *o = &call->console->o;

	if (ear_shown_of_people(of))
		return ear_people_timeline(
			o->dir, of, query, column, t, found, fault);
	query->list = (enum ear_list_of)of;
	return ear_records_timeline(o->records, query, column, t, found, fault);
}

const struct ear_field_set *ear_shown_set(enum ear_rows_of of)
{
	return ear_shown_of_people(of) ? ear_people_set(of)
				       : ear_column_set((enum ear_list_of)of);
}

void ear_shown_json(
	struct ear_json *j, enum ear_rows_of of, const struct ear_cell *cells)
{
	if (ear_shown_of_people(of))
		ear_people_json(j, of, cells);
	else
		ear_row_json(j, (enum ear_list_of)of, cells);
}

void ear_shown_csv(
	enum ear_rows_of of, const struct ear_cell *cells, struct ear_buf *out)
{
	if (ear_shown_of_people(of))
		ear_people_csv(of, cells, out);
	else
		ear_row_csv((enum ear_list_of)of, cells, out);
}
