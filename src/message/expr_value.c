/* SPDX-License-Identifier: Apache-2.0 */
/* Values of an expression, each read as its field's type wants it. */
#include <stdio.h>

#include "base/time.h"
#include "message/expr_priv.h"

static enum ear_err read_bool(struct value *v, struct ear_slice name,
	size_t offset, struct ear_fault *fault)
{
	static const struct {
		const char *word;
		bool is;
	} words[] = {{"true", true}, {"yes", true}, {"1", true},
		{"false", false}, {"no", false}, {"0", false}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (ear_slice_ieq(v->text, ear_slice_str(words[i].word))) {
			v->num = words[i].is;
			return EAR_OK;
		}
	}
	return ear_fail(fault, EAR_USAGE, offset, "%.*s is true or false",
		EAR_FMT(name));
}

/* The number of a word is where it stands, from 1. */
static enum ear_err read_enum(const struct ear_field_set *set, unsigned f,
	struct value *v, size_t offset, struct ear_fault *fault)
{
	char list[160];
	size_t n = 0;

	for (unsigned i = 0;; i++) {
		struct ear_slice name = set->value(f, i);

		if (!name.n)
			break;
		if (ear_slice_ieq(name, v->text)) {
			v->num = i + 1;
			return EAR_OK;
		}
	}
	list[0] = '\0';
	for (unsigned i = 0;; i++) {
		struct ear_slice name = set->value(f, i);

		if (!name.n || n + name.n + 3 > sizeof(list))
			break;
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%.*s",
			i ? ", " : "", EAR_FMT(name));
	}
	return ear_fail(fault, EAR_USAGE, offset,
		"%.*s is one of %s, never '%.*s'", EAR_FMT(set->fields[f].name),
		list, EAR_FMT(ear_slice_sub(v->text, 0, 40)));
}

static enum ear_err read_addr(struct value *v, struct ear_slice name,
	size_t offset, struct ear_fault *fault)
{
	if (ear_net_parse(v->text, &v->net))
		return ear_fail(fault, EAR_USAGE, offset,
			"'%.*s' is no address for %.*s; write 192.0.2.1, "
			"192.0.2.1:5060, [2001:db8::1]:5060 or 10.0.0.0/8",
			EAR_FMT(ear_slice_sub(v->text, 0, 64)), EAR_FMT(name));
	return EAR_OK;
}

static enum ear_err read_number(struct value *v, uint64_t max,
	struct ear_slice name, size_t offset, struct ear_fault *fault)
{
	if (ear_slice_u64(v->text, max, &v->num))
		return EAR_OK;
	/* a limit that nobody meets explains nothing */
	if (max >= INT64_MAX)
		return ear_fail(fault, EAR_USAGE, offset,
			"%.*s is a whole number, without a unit",
			EAR_FMT(name));
	return ear_fail(fault, EAR_USAGE, offset,
		"%.*s is a number from 0 to %llu", EAR_FMT(name),
		(unsigned long long)max);
}

/* A status, or a class of them: 4xx, of any case. */
static enum ear_err read_status(struct value *v, enum op op,
	struct ear_slice name, size_t offset, struct ear_fault *fault)
{
	const char *p = v->text.p;

	if (v->text.n != 3 || p[0] < '1' || p[0] > '9' || (p[1] | 32) != 'x' ||
		(p[2] | 32) != 'x')
		return read_number(v, 999, name, offset, fault);
	if (op != OP_EQ)
		return ear_fail(fault, EAR_USAGE, offset,
			"%.*s is a class, which goes with ==, != and in; write "
			"%c00",
			EAR_FMT(v->text), p[0]);
	v->num = (uint64_t)(p[0] - '0') * 100;
	v->unit = 100;
	return EAR_OK;
}

static enum ear_err read_time(struct ear_expr *expr, struct value *v,
	size_t offset, struct ear_fault *fault)
{
	enum ear_err err = ear_time_parse(
		ear_slice_sub(v->text, 0, 64), expr->now_ns, &v->num, fault);

	if (err && fault)
		fault->offset = offset;
	return err;
}

enum ear_err ear_expr_value(struct ear_expr *expr, const struct node *node,
	struct value *v, size_t offset, struct ear_fault *fault)
{
	const struct ear_field_set *set = expr->set;
	const struct ear_field_info *info;

	if (node->op == OP_HAS || node->op == OP_MATCH) {
		if (v->text.n)
			return EAR_OK;
		return ear_fail(fault, EAR_USAGE, offset,
			"this would match everything");
	}
	if (node->field == EXPR_HEADER)
		return EAR_OK;
	info = node_info(expr, node);
	switch (info->type) {
	case EAR_TYPE_STR:
	case EAR_TYPE_TEXT: return EAR_OK;
	case EAR_TYPE_BOOL: return read_bool(v, info->name, offset, fault);
	case EAR_TYPE_ENUM:
		return read_enum(set, node->field, v, offset, fault);
	case EAR_TYPE_ADDR:
	case EAR_TYPE_IP: return read_addr(v, info->name, offset, fault);
	case EAR_TYPE_PORT:
		return read_number(v, UINT16_MAX, info->name, offset, fault);
	case EAR_TYPE_INT:
		if (node->field == set->status_field)
			return read_status(v, (enum op)node->op, info->name,
				offset, fault);
		return read_number(v, set->int_max, info->name, offset, fault);
	case EAR_TYPE_TIME: return read_time(expr, v, offset, fault);
	}
	return EAR_OK;
}
