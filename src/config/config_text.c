/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_text.h"

#include <confuse.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/whole.h"

/* Largest configuration file. */
#define FILE_MOST ((size_t)1 << 20)

/* What a text without a file is called. */
#define TEXT_NAME "configuration"

/* --- comments ---------------------------------------------------------- */

enum piece {
	WORD, /* a byte of one */
	MARK, /* any other byte */
	QUOTED,
	VARIABLE,
	COMMENT,
	UNENDED, /* a comment or quote without an end */
};

static const char *behind_variable(const char *p)
{
	const char *close = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;

	return close ? close + 1 : NULL;
}

/* Quotes within a variable do not end what is in double quotes. */
static enum piece quoted_at(const char *p, const char **end)
{
	const char quote = *p++, *variable;

	while (*p && *p != quote) {
		variable = quote == '"' ? behind_variable(p) : NULL;
		if (variable)
			p = variable;
		else
			p += *p == '\\' && p[1] ? 2 : 1;
	}
	*end = *p ? p + 1 : p;
	return *p ? QUOTED : UNENDED;
}

/*
 * What begins here, as libconfuse 3.3 sees it: # begins a comment also behind
 * a word, where the slashes of postgres://… belong to it.
 */
static enum piece piece_at(const char *p, bool in_word, const char **end)
{
	const char *close;

	if (*p == '"' || *p == '\'')
		return quoted_at(p, end);
	if (*p == '#' || (!in_word && p[0] == '/' && p[1] == '/')) {
		*end = p + strcspn(p, "\n");
		return COMMENT;
	}
	if (!in_word && p[0] == '/' && p[1] == '*') {
		close = strstr(p + 2, "*/");
		*end = close ? close + 2 : p + strlen(p);
		return close ? COMMENT : UNENDED;
	}
	if ((close = behind_variable(p))) {
		*end = close;
		return VARIABLE;
	}
	*end = p + 1;
	return strchr(" \t\n(){}=+,*", *p) ? MARK : WORD;
}

/* --- the whole --------------------------------------------------------- */

/* A file that is being read. */
struct source {
	struct config_text *whole;
	const char *name;
	unsigned deep; /* 1: nothing includes it */
	const char *p;
	unsigned line;
	unsigned depth;  /* of braces */
	unsigned opened; /* line of the outermost that is open */
	struct ear_fault *fault;
};

static enum ear_err wrong(struct source *s, unsigned line, const char *what)
{
	return ear_fail(
		s->fault, EAR_USAGE, line, "%s:%u: %s", s->name, line, what);
}

/* What follows is of this line of this file. */
static void begin_part(struct source *s)
{
	struct config_text *t = s->whole;

	if (t->all.n) {
		ear_buf_byte(&t->all, '\n');
		t->line++;
	}
	t->part[t->parts++] = (struct config_part){t->line, s->line, s->name};
}

static void put(struct source *s, const char *end, bool comment)
{
	for (; s->p < end; s->p++) {
		bool newline = *s->p == '\n';

		s->line += newline;
		s->whole->line += newline;
		ear_buf_byte(&s->whole->all,
			comment && !newline ? ' ' : (uint8_t)*s->p);
	}
}

static enum ear_err take_file(struct config_text *t, const char *path,
	unsigned deep, struct ear_fault *fault);

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* include("FILE") and what is behind it; NULL: something else stands here. */
static const char *include_at(const char *p, struct ear_slice *name)
{
	char quote[2] = "";

	*name = ear_slice("", 0);
	if (strncmp(p, "include", 7) != 0)
		return NULL;
	p = skip_blanks(p + 7);
	if (*p != '(')
		return NULL;
	p = skip_blanks(p + 1);
	if (*p == '"' || *p == '\'')
		quote[0] = *p++;
	*name = ear_slice(p, strcspn(p, quote[0] ? quote : " \t\r\n()\"',#"));
	p += name->n;
	p = skip_blanks(quote[0] && *p ? p + 1 : p);
	if (*p != ')')
		name->n = 0;
	return *p ? p + 1 : p;
}

static enum ear_err include(
	struct source *s, struct ear_slice name, const char *end)
{
	char text[PATH_MAX], *path;
	struct ear_fault why = {0};
	enum ear_err err;

	/* libconfuse would replace them; here a name is what it says */
	if (!name.n || name.n >= sizeof(text) || memchr(name.p, '\\', name.n) ||
		memchr(name.p, '$', name.n))
		return wrong(s, s->line, "include takes the name of one file");
	snprintf(text, sizeof(text), "%.*s", EAR_FMT(name));
	path = cfg_tilde_expand(text);
	if (!path)
		return ear_fail(s->fault, EAR_NOMEM, 0, "out of memory");
	err = take_file(s->whole, path, s->deep + 1, &why);
	free(path);
	if (err == EAR_USAGE && s->fault)
		*s->fault = why; /* it says where */
	else if (err)
		err = wrong(s, s->line, why.text);
	for (; s->p < end; s->p++)
		s->line += *s->p == '\n';
	if (!err)
		begin_part(s);
	return err;
}

/* The next piece, which begins no include. */
static enum ear_err take_piece(
	struct source *s, enum piece what, const char *end)
{
	char text[40];

	if (what == UNENDED) {
		snprintf(text, sizeof(text), "this %.*s is never closed",
			*s->p == '/' ? 2 : 1, s->p);
		return wrong(s, s->line, text);
	}
	if (what == MARK && *s->p == '{' && !s->depth++)
		s->opened = s->line;
	else if (what == MARK && *s->p == '}' && s->depth)
		s->depth--;
	put(s, end, what == COMMENT);
	return EAR_OK;
}

static enum ear_err take_text(struct source *s)
{
	enum piece what = MARK, before;
	enum ear_err err = EAR_OK;
	struct ear_slice name;
	const char *end;

	begin_part(s);
	while (!err && *s->p) {
		before = what;
		what = piece_at(s->p, what == WORD, &end);
		if (what != WORD || before == WORD || s->depth) {
			err = take_piece(s, what, end);
		} else if ((end = include_at(s->p, &name))) {
			err = include(s, name, end);
			what = MARK;
		} else {
			put(s, s->p + 1, false);
		}
	}
	/* libconfuse takes the end of the text for that of a section */
	if (!err && s->depth)
		err = wrong(s, s->opened, "this { is never closed");
	return err;
}

static enum ear_err take(struct config_text *t, const char *name,
	const struct ear_buf *text, unsigned deep, struct ear_fault *fault)
{
	char *own = strdup(name);
	struct source s = {t, own, deep, text->p, 1, 0, 0, fault};
	const char *nul;

	if (own)
		t->file[t->files++] = own;
	if (!own || text->err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	nul = memchr(text->p, '\0', text->n - 1);
	/* what is behind it would not be read */
	for (const char *p = text->p; nul && p < nul; p++)
		s.line += *p == '\n';
	return nul ? wrong(&s, s.line, "a NUL, which no text has")
		   : take_text(&s);
}

static enum ear_err take_file(struct config_text *t, const char *path,
	unsigned deep, struct ear_fault *fault)
{
	struct ear_buf text = {0};
	enum ear_err err;

	if (deep > CONFIG_DEEP)
		return ear_fail(fault, EAR_LIMIT, 0,
			"%s: files include one another more than %d deep", path,
			CONFIG_DEEP);
	if (t->files > CONFIG_INCLUDES)
		return ear_fail(fault, EAR_LIMIT, 0,
			"%s: more than %d files are included", path,
			CONFIG_INCLUDES);
	err = ear_whole_read(path, FILE_MOST, &text, fault);
	ear_buf_byte(&text, '\0');
	if (!err)
		err = take(t, path, &text, deep, fault);
	ear_buf_fini(&text);
	return err;
}

enum ear_err config_text_read(struct config_text *t, const char *path,
	const char *text, struct ear_fault *fault)
{
	struct ear_buf given = {0};
	enum ear_err err;

	t->line = 1;
	if (path) {
		err = take_file(t, path, 1, fault);
	} else {
		ear_buf_add(&given, text, strlen(text) + 1);
		err = take(t, TEXT_NAME, &given, 1, fault);
	}
	ear_buf_fini(&given);
	ear_buf_byte(&t->all, '\0');
	if (!err && t->all.err)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	return err;
}

const char *config_text_place(
	const struct config_text *t, unsigned line, unsigned *of_file)
{
	size_t i = t->parts;

	while (i > 1 && t->part[i - 1].first > line)
		i--;
	*of_file = line;
	if (!i)
		return TEXT_NAME;
	*of_file = t->part[i - 1].line + line - t->part[i - 1].first;
	return t->part[i - 1].file;
}

void config_text_fini(struct config_text *t)
{
	for (size_t i = 0; i < t->files; i++)
		free(t->file[i]);
	ear_buf_fini(&t->all);
	*t = (struct config_text){0};
}
