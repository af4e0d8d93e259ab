/* SPDX-License-Identifier: Apache-2.0 */
/* A row as JSON and as CSV. */
#include "base/csv.h"
#include "base/time.h"
#include "records/records.h"

void ear_row_json(
	struct ear_json *j, enum ear_list_of list, const struct ear_cell *cells)
{
	size_t n;
	const struct ear_column *c = ear_columns(list, &n);

	for (size_t i = 0; i < n; i++) {
		ear_json_key(j, c[i].name);
		switch ((enum ear_column_type)c[i].type) {
		case EAR_COLUMN_INT:
			if (cells[i].there)
				ear_json_i64(j, cells[i].i);
			else
				ear_json_null(j);
			break;
		case EAR_COLUMN_TIME:
			ear_json_time(j, (uint64_t)cells[i].i);
			break;
		case EAR_COLUMN_BOOL: ear_json_bool(j, cells[i].i != 0); break;
		case EAR_COLUMN_TEXT:
		case EAR_COLUMN_ENUM:
		case EAR_COLUMN_ADDR: ear_json_str(j, cells[i].text); break;
		}
	}
}

static void csv_cell(enum ear_column_type type, const struct ear_cell *c,
	struct ear_buf *out)
{
	char text[EAR_TIME_TEXT];

	switch (type) {
	case EAR_COLUMN_INT:
		if (c->there)
			ear_buf_printf(out, "%lld", (long long)c->i);
		break;
	case EAR_COLUMN_TIME:
		if (c->there)
			ear_buf_add(out, text,
				ear_time_human((uint64_t)c->i, false, text));
		break;
	case EAR_COLUMN_BOOL: ear_buf_str(out, c->i ? "true" : "false"); break;
	case EAR_COLUMN_TEXT:
	case EAR_COLUMN_ENUM:
	case EAR_COLUMN_ADDR: ear_csv_text(out, c->text); break;
	}
}

void ear_row_csv(enum ear_list_of list, const struct ear_cell *cells,
	struct ear_buf *out)
{
	size_t n;
	const struct ear_column *c = ear_columns(list, &n);

	for (size_t i = 0; i < n; i++) {
		if (i)
			ear_buf_byte(out, ',');
		if (cells)
			csv_cell((enum ear_column_type)c[i].type, &cells[i],
				out);
		else
			ear_csv_text(out, ear_slice_str(c[i].name));
	}
	ear_buf_str(out, "\r\n");
}
