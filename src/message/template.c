/* SPDX-License-Identifier: Apache-2.0 */
#include "message/template.h"

#include <stdlib.h>

#include "message/field.h"
#include "proto/sip.h"

/* Text, then a field; the last one has only the text. */
struct part {
	struct ear_slice text;
	enum ear_field field;    /* EAR_F_COUNT: a header, or nothing */
	struct ear_slice header; /* its name */
};

struct ear_template {
	char *bytes;  /* what slices point into; owned */
	bool headers; /* some part names one */
	size_t n;     /* fields, of which there is a part each */
	struct part part[EAR_TEMPLATE_FIELDS + 1];
};

static enum ear_err no_field(
	struct ear_slice name, size_t offset, struct ear_fault *fault)
{
	struct ear_slice near = ear_field_nearest(name);

	if (near.n)
		return ear_fail(fault, EAR_USAGE, offset,
			"there is no field '%.*s'; did you mean {%.*s}?",
			EAR_FMT(name), EAR_FMT(near));
	return ear_fail(fault, EAR_USAGE, offset,
		"there is no field '%.*s'; `earshot fields` lists them",
		EAR_FMT(name));
}

static enum ear_err read_field(struct ear_template *t, struct ear_slice name,
	size_t offset, struct ear_fault *fault)
{
	struct part *part = &t->part[t->n];
	static const struct ear_slice header = EAR_S_INIT("header.");

	if (t->n == EAR_TEMPLATE_FIELDS)
		return ear_fail(fault, EAR_USAGE, offset,
			"more than %d fields in one text", EAR_TEMPLATE_FIELDS);
	part->field = EAR_F_COUNT;
	if (name.n > header.n &&
		ear_slice_ieq(ear_slice_sub(name, 0, header.n), header)) {
		part->header = ear_slice_sub(name, header.n, name.n);
		t->headers = true;
	} else if (!ear_field_find(name, &part->field)) {
		return no_field(name, offset, fault);
	}
	t->n++;
	return EAR_OK;
}

/* Adds a run of text; a doubled brace leaves a gap, which is closed. */
static void add_text(struct ear_template *t, char *from, const char *end)
{
	struct ear_slice *text = &t->part[t->n].text;

	if (!text->p)
		text->p = from;
	else if (text->p + text->n != from)
		memmove((char *)text->p + text->n, from, (size_t)(end - from));
	text->n += (size_t)(end - from);
}

/*
 * What stands at a brace: one of itself, or a field.
 *
 * @param[in,out] at the brace; then behind what was read
 */
static enum ear_err read_brace(struct ear_template *t, char **at,
	const char *end, struct ear_fault *fault)
{
	char *p = *at, *close;
	size_t offset = (size_t)(p - t->bytes);

	if (end - p > 1 && p[1] == p[0]) {
		add_text(t, p, p + 1);
		*at = p + 2;
		return EAR_OK;
	}
	if (*p == '}')
		return ear_fail(fault, EAR_USAGE, offset,
			"'}' without its '{'; write '}}' for the character");
	close = memchr(p, '}', (size_t)(end - p));
	if (!close)
		return ear_fail(fault, EAR_USAGE, offset,
			"'{' without its '}'; write '{{' for the character");
	*at = close + 1;
	return read_field(t,
		ear_slice_trim(ear_slice(p + 1, (size_t)(close - p - 1))),
		offset + 1, fault);
}

static enum ear_err compile(
	struct ear_template *t, size_t n, struct ear_fault *fault)
{
	char *p = t->bytes, *end = p + n;
	enum ear_err err = EAR_OK;

	while (!err && p < end) {
		char *from = p;

		while (p < end && *p != '{' && *p != '}')
			p++;
		if (p > from)
			add_text(t, from, p);
		if (p < end)
			err = read_brace(t, &p, end, fault);
	}
	return err;
}

enum ear_err ear_template_new(
	struct ear_slice text, struct ear_template **t, struct ear_fault *fault)
{
	enum ear_err err;

	*t = calloc(1, sizeof(**t));
	if (!*t)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	(*t)->bytes = malloc(text.n + 1);
	if (!(*t)->bytes) {
		ear_template_free(t);
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	if (text.n)
		memcpy((*t)->bytes, text.p, text.n);
	err = compile(*t, text.n, fault);
	if (err)
		ear_template_free(t);
	return err;
}

void ear_template_free(struct ear_template **t)
{
	if (!*t)
		return;
	free((*t)->bytes);
	free(*t);
	*t = NULL;
}

bool ear_template_fixed(const struct ear_template *t)
{
	return t->n == 0;
}

void ear_template_fill(const struct ear_template *t, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_buf *out)
{
	struct ear_buf scratch = {0};
	struct ear_sip sip;

	if (t->headers) /* of a broken message the good ones still count */
		(void)ear_sip_parse(msg->raw, &sip);
	for (size_t i = 0; i < t->n; i++) {
		const struct part *part = &t->part[i];

		ear_buf_slice(out, part->text);
		ear_buf_slice(out,
			part->header.n ? ear_sip_value_of(&sip, part->header)
				       : ear_field_text(part->field, msg, facts,
						 &scratch));
	}
	ear_buf_slice(out, t->part[t->n].text);
	ear_buf_fini(&scratch);
}
