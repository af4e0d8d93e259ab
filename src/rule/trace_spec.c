/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a trace: copied, checked, compiled. */
#include <stdlib.h>

#include "base/time.h"
#include "rule/trace_priv.h"

#define TABLE_MAX 64

static const char *text(const char *s)
{
	return s ? s : "";
}

/* --- one block holds all texts -------------------------------------------- */

static size_t size_of(const struct ear_texts *list)
{
	size_t n = list->n * sizeof(char *);

	for (size_t i = 0; i < list->n; i++)
		n += strlen(list->item[i]) + 1;
	return n;
}

static const char *copy_text(char **at, const char *s)
{
	size_t n = strlen(text(s)) + 1;
	char *to = *at;

	memcpy(to, text(s), n);
	*at += n;
	return to;
}

static struct ear_texts copy_list(
	const char ***pointers, char **at, const struct ear_texts *list)
{
	const char **to = *pointers;

	*pointers += list->n;
	for (size_t i = 0; i < list->n; i++)
		to[i] = copy_text(at, list->item[i]);
	return (struct ear_texts){to, list->n};
}

static bool copy_spec(struct trace *t, const struct ear_trace_spec *spec)
{
	const char *const single[] = {spec->name, spec->rule, spec->table,
		spec->correlation, spec->by, spec->why};
	size_t n = size_of(&spec->users) + size_of(&spec->mirrors);
	const char **pointers;
	char *at;

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		n += strlen(text(single[i])) + 1;
	t->spec_bytes = malloc(n);
	if (!t->spec_bytes)
		return false;
	pointers = t->spec_bytes;
	at = (char *)(pointers + spec->users.n + spec->mirrors.n);
	t->spec = *spec;
	t->spec.users = copy_list(&pointers, &at, &spec->users);
	t->spec.mirrors = copy_list(&pointers, &at, &spec->mirrors);
	t->spec.name = copy_text(&at, spec->name);
	t->spec.rule = copy_text(&at, spec->rule);
	t->spec.table = copy_text(&at, spec->table);
	t->spec.correlation = copy_text(&at, spec->correlation);
	t->spec.by = copy_text(&at, spec->by);
	t->spec.why = copy_text(&at, spec->why);
	return true;
}

/* --- checks --------------------------------------------------------------- */

/* Names stand in notices, files and commands: no blanks, nothing that quotes,
 * and no brackets, which EAR_MARK_OFF has. */
static bool good_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f ||
			strchr("\"'\\(),", name[i]))
			return false;
	}
	return n > 0 && n <= EAR_TRACE_NAME;
}

/* Goes into SQL, where not every database quotes alike. */
static bool good_table(const char *table)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.$-";

	return strlen(table) <= TABLE_MAX &&
	       table[strspn(table, letters)] == '\0';
}

static enum ear_err check_texts(const struct trace *t, struct ear_fault *fault)
{
	const struct ear_trace_spec *s = &t->spec;

	if (s->users.n > EAR_MARKS_MAX || s->mirrors.n > EAR_MARKS_MAX)
		return ear_fail(fault, EAR_USAGE, 0,
			"trace '%s': at most %d traced users and mirrors",
			s->name, EAR_MARKS_MAX);
	for (size_t i = 0; i < s->users.n; i++) {
		if (!s->users.item[i][0])
			return ear_fail(fault, EAR_USAGE, 0,
				"trace '%s': an empty traced user", s->name);
	}
	for (size_t i = 0; i < s->mirrors.n; i++) {
		if (strlen(s->mirrors.item[i]) > EAR_MARK_TEXT)
			return ear_fail(fault, EAR_USAGE, 0,
				"trace '%s': the name of a mirror is at most "
				"%d bytes long",
				s->name, EAR_MARK_TEXT);
	}
	return EAR_OK;
}

static enum ear_err check(
	const struct trace *t, uint64_t now_ns, struct ear_fault *fault)
{
	const struct ear_trace_spec *s = &t->spec;
	char when[EAR_TIME_TEXT];

	if (!good_name(s->name))
		return ear_fail(fault, EAR_USAGE, 0,
			"trace '%.80s': its name has 1 to %d characters, "
			"without blanks, quotes, brackets and commas",
			s->name, EAR_TRACE_NAME);
	if (s->scope > EAR_SCOPE_DIALOG)
		return ear_fail(fault, EAR_USAGE, 0,
			"trace '%s': scope is message, transaction or dialog",
			s->name);
	if (!good_table(s->table))
		return ear_fail(fault, EAR_USAGE, 0,
			"trace '%s': '%.80s' is no table: at most %d letters, "
			"digits, '_', '.', '$' and '-'",
			s->name, s->table, TABLE_MAX);
	if (s->until_ns && s->until_ns <= now_ns) {
		ear_time_text(s->until_ns, when);
		return ear_fail(fault, EAR_USAGE, 0,
			"trace '%s' would have ended already, at %s", s->name,
			when);
	}
	return check_texts(t, fault);
}

/* --- compiling ------------------------------------------------------------ */

/* Says whose fault it is, and keeps its place. */
static enum ear_err blame(const struct trace *t, const char *what,
	const struct ear_fault *why, struct ear_fault *fault)
{
	return ear_fail(fault, why->code, why->offset, "trace '%s': %s: %s",
		t->spec.name, what, why->text);
}

static enum ear_err compile(
	struct trace *t, uint64_t now_ns, struct ear_fault *fault)
{
	struct ear_fault why = {0};

	t->fixed = true;
	if (ear_expr_new(ear_slice_str(t->spec.rule), now_ns, &t->expr, &why))
		return blame(t, "rule", &why, fault);
	for (size_t i = 0; i < t->spec.users.n; i++) {
		if (ear_template_new(ear_slice_str(t->spec.users.item[i]),
			    &t->users[i], &why))
			return blame(t, "traced_user", &why, fault);
		t->fixed = t->fixed && ear_template_fixed(t->users[i]);
	}
	if (!t->spec.correlation[0])
		return EAR_OK;
	if (ear_template_new(
		    ear_slice_str(t->spec.correlation), &t->correlation, &why))
		return blame(t, "correlation", &why, fault);
	t->fixed = t->fixed && ear_template_fixed(t->correlation);
	return EAR_OK;
}

/* A text behind its length; longer ones are cut. */
static void put_text(struct ear_buf *out, const struct ear_template *template,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	size_t at = out->n;

	ear_buf_byte(out, 0);
	if (template)
		ear_template_fill(template, msg, facts, out);
	if (out->err)
		return;
	if (out->n - at - 1 > EAR_MARK_TEXT)
		out->n = at + 1 + EAR_MARK_TEXT;
	out->p[at] = (char)(out->n - at - 1);
}

void trace_texts(const struct trace *trace, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_buf *out)
{
	put_text(out, trace->correlation, msg, facts);
	for (size_t i = 0; i < trace->spec.users.n; i++)
		put_text(out, trace->users[i], msg, facts);
}

enum ear_err trace_new(const struct ear_trace_spec *spec, uint64_t now_ns,
	struct trace **trace, struct ear_fault *fault)
{
	static const struct ear_msg no_msg;
	static const struct ear_facts no_facts;
	struct trace *t = calloc(1, sizeof(*t));
	enum ear_err err;

	*trace = t;
	if (!t || !copy_spec(t, spec)) {
		trace_free(trace);
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	t->on = !spec->off;
	t->since_ns = now_ns;
	err = check(t, now_ns, fault);
	if (!err)
		err = compile(t, now_ns, fault);
	if (!err && t->fixed) {
		trace_texts(t, &no_msg, &no_facts, &t->texts);
		if (t->texts.err)
			err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	if (err)
		trace_free(trace);
	return err;
}

void trace_free(struct trace **trace)
{
	struct trace *t = *trace;

	if (!t)
		return;
	ear_expr_free(&t->expr);
	for (size_t i = 0; i < EAR_MARKS_MAX; i++)
		ear_template_free(&t->users[i]);
	ear_template_free(&t->correlation);
	ear_buf_fini(&t->texts);
	free(t->spec_bytes);
	free(t);
	*trace = NULL;
}

/* --- comparing ------------------------------------------------------------ */

static bool same_list(const struct ear_texts *a, const struct ear_texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	}
	return true;
}

bool trace_same(const struct trace *a, const struct trace *b)
{
	const struct ear_trace_spec *x = &a->spec, *y = &b->spec;

	return !strcmp(x->rule, y->rule) && x->scope == y->scope &&
	       same_list(&x->users, &y->users) &&
	       same_list(&x->mirrors, &y->mirrors) &&
	       !strcmp(x->table, y->table) &&
	       !strcmp(x->correlation, y->correlation) &&
	       x->keep_before_ns == y->keep_before_ns &&
	       x->until_ns == y->until_ns &&
	       x->max_messages == y->max_messages &&
	       x->max_bytes == y->max_bytes && x->dialog_ack == y->dialog_ack &&
	       x->dialog_spiral == y->dialog_spiral && x->off == y->off &&
	       !strcmp(x->why, y->why);
}
