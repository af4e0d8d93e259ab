/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "app/ask.h"
#include "app/commands.h"
#include "app/options.h"
#include "app/term.h"
#include "message/field.h"

static void print_field(
	const struct ear_term *t, enum ear_field f, struct ear_buf *out)
{
	const struct ear_field_info *info = ear_field_info(f);

	ear_term_bold(t, out);
	ear_term_cell(t, out, info->name, 14);
	ear_term_plain(t, out);
	ear_buf_printf(out, "%-18s", ear_field_type_name(info->type));
	ear_buf_printf(out, "%s\n", info->help);
}

static void print_json(enum ear_field f, struct ear_buf *out)
{
	const struct ear_field_info *info = ear_field_info(f);
	struct ear_json j = ear_json(out);

	ear_json_open(&j, '{');
	ear_json_kstr(&j, "name", info->name);
	ear_json_kstr(
		&j, "type", ear_slice_str(ear_field_type_name(info->type)));
	ear_json_kstr(
		&j, "column", ear_slice_str(info->column ? info->column : ""));
	ear_json_key(&j, "values");
	ear_json_open(&j, '[');
	for (unsigned i = 0; ear_field_value(f, i).n; i++)
		ear_json_str(&j, ear_field_value(f, i));
	ear_json_close(&j, ']');
	ear_json_kstr(&j, "help", ear_slice_str(info->help));
	ear_json_close(&j, '}');
	ear_buf_byte(out, '\n');
}

int ear_cmd_fields(int argc, char **argv)
{
	bool json = false;
	const struct ear_option options[] = {EAR_OPTION_JSON(&json)};
	const struct ear_usage usage = {"fields", "",
		"Lists the names that expressions may use. Besides these, "
		"header.NAME is any header field of a SIP message.",
		options, 1, EAR_LANGUAGE_HELP};
	struct ear_term term;
	struct ear_buf out = {0};
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	term = ear_term_stdout();
	for (unsigned i = 0; i < EAR_F_COUNT; i++) {
		if (i == EAR_F_ID)
			continue; /* names a message; is no question */
		if (json)
			print_json((enum ear_field)i, &out);
		else
			print_field(&term, (enum ear_field)i, &out);
	}
	ear_term_write(&out);
	ear_buf_fini(&out);
	return ear_term_end("fields");
}
