/* SPDX-License-Identifier: Apache-2.0 */
#include "console/params.h"

#include <math.h>

#include "base/size.h"
#include "base/time.h"
#include "message/field.h"

#define TEXT_MOST 4096
/* Beyond it a double has no whole numbers, and no nanoseconds are left. */
#define NUMBER_MOST 9e15

static enum ear_err read_text(const struct ear_param *p, const json_t *v,
	const char **to, struct ear_fault *fault)
{
	size_t most = p->most ? p->most : TEXT_MOST;

	if (!json_is_string(v))
		return ear_fail(
			fault, EAR_USAGE, 0, "%s is not a text", p->name);
	if (json_string_length(v) > most)
		return ear_fail(fault, EAR_USAGE, 0,
			"%s is longer than %zu bytes", p->name, most);
	*to = json_string_value(v);
	return EAR_OK;
}

static enum ear_err read_texts(
	const struct ear_param *p, const json_t *v, struct ear_fault *fault)
{
	struct ear_param_texts *to = p->to;
	size_t n = json_is_array(v) ? json_array_size(v) : 1;
	enum ear_err err = EAR_OK;

	if (n > EAR_PARAM_TEXTS_MAX)
		return ear_fail(fault, EAR_USAGE, 0, "%s has more than %d",
			p->name, EAR_PARAM_TEXTS_MAX);
	for (to->n = 0; to->n < n && !err; to->n++)
		err = read_text(p,
			json_is_array(v) ? json_array_get(v, to->n) : v,
			&to->item[to->n], fault);
	return err;
}

/* Whole numbers as they are; 0.5 of a second is a length of time, too. */
static enum ear_err read_number(const struct ear_param *p, const json_t *v,
	double scale, uint64_t *to, struct ear_fault *fault)
{
	double number = json_number_value(v);

	if (number < 0 || number * scale > NUMBER_MOST * 1e3 ||
		number > NUMBER_MOST || (scale == 1 && number != floor(number)))
		return ear_fail(fault, EAR_USAGE, 0, "%s: %g is out of range",
			p->name, number);
	*to = (uint64_t)(number * scale);
	return EAR_OK;
}

static enum ear_err read_amount(
	const struct ear_param *p, const json_t *v, struct ear_fault *fault)
{
	double scale = p->type == EAR_PARAM_DURATION ? EAR_SECOND_NS : 1;
	struct ear_slice text = ear_slice_str(json_string_value(v));
	struct ear_fault why = {0};
	enum ear_err err;

	if (json_is_number(v))
		return read_number(p, v, scale, p->to, fault);
	if (!json_is_string(v))
		return ear_fail(fault, EAR_USAGE, 0,
			"%s is neither number nor text", p->name);
	if (p->type == EAR_PARAM_DURATION)
		err = ear_duration_parse(text, p->to, &why);
	else if (p->type == EAR_PARAM_SIZE)
		err = ear_size_parse(text, p->to, &why);
	else if (ear_slice_u64(text, (uint64_t)NUMBER_MOST, p->to))
		err = EAR_OK;
	else
		err = ear_fail(&why, EAR_USAGE, 0, "'%.80s' is not a number",
			json_string_value(v));
	return err ? ear_fail(fault, EAR_USAGE, 0, "%s: %.200s", p->name,
			     why.text)
		   : EAR_OK;
}

static enum ear_err read_one(
	const struct ear_param *p, const json_t *v, struct ear_fault *fault)
{
	if (p->given)
		*p->given = true;
	switch (p->type) {
	case EAR_PARAM_TEXT: return read_text(p, v, p->to, fault);
	case EAR_PARAM_TEXTS: return read_texts(p, v, fault);
	case EAR_PARAM_BOOL:
		if (!json_is_boolean(v))
			return ear_fail(fault, EAR_USAGE, 0,
				"%s is neither true nor false", p->name);
		*(bool *)p->to = json_is_true(v);
		return EAR_OK;
	default: return read_amount(p, v, fault);
	}
}

enum ear_err ear_params_unknown(const char *name, const struct ear_param *table,
	size_t n, struct ear_fault *fault)
{
	const char *near = NULL;
	unsigned least = ~0u, distance;

	for (size_t i = 0; i < n; i++) {
		if (ear_word_alike(ear_slice_str(name),
			    ear_slice_str(table[i].name), &distance) &&
			distance < least) {
			least = distance;
			near = table[i].name;
		}
	}
	return ear_fail(fault, EAR_USAGE, 0,
		"there is no parameter '%.60s'%s%s%s", name,
		near ? "; do you mean " : "", near ? near : "",
		near ? "?" : "");
}

static enum ear_err check_names(const json_t *params,
	const struct ear_param *table, size_t n, struct ear_fault *fault)
{
	const char *name;
	json_t *value;

	if (json_is_array(params) && json_array_size(params) > n)
		return ear_fail(fault, EAR_USAGE, 0, "at most %zu parameter%s",
			n, n == 1 ? "" : "s");
	json_object_foreach((json_t *)params, name, value)
	{
		size_t i = 0;

		while (i < n && strcmp(name, table[i].name) != 0)
			i++;
		if (i == n)
			return ear_params_unknown(name, table, n, fault);
	}
	return EAR_OK;
}

enum ear_err ear_params_read(const json_t *params,
	const struct ear_param *table, size_t n, struct ear_fault *fault)
{
	enum ear_err err;

	if (params && !json_is_object(params) && !json_is_array(params))
		return ear_fail(fault, EAR_USAGE, 0,
			"parameters are an object or an array");
	err = check_names(params, table, n, fault);
	for (size_t i = 0; i < n && !err; i++) {
		const json_t *v =
			json_is_array(params)
				? json_array_get(params, i)
				: json_object_get(params, table[i].name);

		if (v && !json_is_null(v))
			err = read_one(&table[i], v, fault);
		else if (table[i].needed)
			err = ear_fail(fault, EAR_USAGE, 0, "%s is missing",
				table[i].name);
	}
	return err;
}
