/* SPDX-License-Identifier: Apache-2.0 */
/* GET fields and check: the expression language for the search box. */
#include "base/time.h"
#include "console/priv.h"
#include "message/expr_set.h"

static void write_field(struct ear_json *j, enum ear_field f)
{
	const struct ear_field_info *info = ear_field_info(f);
	struct ear_slice value;

	ear_json_open(j, '{');
	ear_json_kstr(j, "name", info->name);
	ear_json_kstr(
		j, "type", ear_slice_str(ear_field_type_name(info->type)));
	ear_json_kstr(j, "help", ear_slice_str(info->help));
	ear_json_key(j, "values");
	ear_json_open(j, '[');
	for (unsigned i = 0; (value = ear_field_value(f, i)).n > 0; i++)
		ear_json_str(j, value);
	ear_json_close(j, ']');
	ear_json_close(j, '}');
}

void ear_fields_list(struct ear_call *call)
{
	struct ear_json j = ear_call_json(call);

	ear_json_open(&j, '[');
	for (int f = 0; f < EAR_F_COUNT; f++)
		write_field(&j, (enum ear_field)f);
	ear_json_close(&j, ']');
}

void ear_fields_check(struct ear_call *call)
{
	ear_check_filter(call, ear_message_fields());
}

void ear_check_filter(struct ear_call *call, const struct ear_field_set *set)
{
	struct ear_json j = ear_call_json(call);
	struct ear_fault fault = {0};
	struct ear_expr *expr = NULL;
	enum ear_err err = ear_expr_new_over(
		set, ear_call_arg(call, "q"), ear_now_ns(), &expr, &fault);

	ear_json_open(&j, '{');
	ear_json_kbool(&j, "ok", !err);
	if (err) {
		ear_json_ku64(&j, "offset", fault.offset);
		ear_json_kstr(&j, "error", ear_slice_str(fault.text));
	}
	ear_json_close(&j, '}');
	ear_expr_free(&expr);
}
