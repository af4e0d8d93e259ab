/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a Kamailio configuration to tokens. Text in double quotes has
 * escapes and goes on in the next pair of quotes, text in single quotes has
 * none; comments nest.
 */
#include <ctype.h>

#include "config/kamailio_priv.h"

static bool is_letter(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool is_word(char c)
{
	return is_letter(c) || isdigit((unsigned char)c);
}

void ear_kamailio_skip(struct ear_kamailio_source *s, size_t n)
{
	for (; n; n--, s->at++) {
		if (!s->file)
			continue; /* a define has the place of its use */
		if (s->text.p[s->at] == '\n') {
			s->pos.line++;
			s->pos.column = 1;
		} else {
			s->pos.column++;
		}
	}
}

/* Words behind "#!" or "!!" that are no comment. */
bool ear_kamailio_directive(const struct ear_kamailio_source *s)
{
	static const char words[] =
		" define def trydefine trydef redefine redef subst substdef "
		"substdefs ifdef ifndef ifexp else endif include_file "
		"import_file defenv defenvs trydefenv trydefenvs defexp "
		"defexps ";
	char c = ear_kamailio_peek(s, 0), name[20] = " ";
	size_t n = 0;

	if ((c != '#' && c != '!') || ear_kamailio_peek(s, 1) != '!')
		return false;
	while (is_word(ear_kamailio_peek(s, n + 2)) && n < sizeof(name) - 3) {
		name[n + 1] = ear_kamailio_peek(s, n + 2);
		n++;
	}
	name[n + 1] = ' ';
	name[n + 2] = '\0';
	return n && strstr(words, name);
}

static size_t left(const struct ear_kamailio_source *s)
{
	return s->text.n - s->at;
}

static void skip_line(struct ear_kamailio_source *s)
{
	while (left(s) && ear_kamailio_peek(s, 0) != '\n')
		ear_kamailio_skip(s, 1);
}

static enum ear_err skip_comment(
	struct ear_kamailio *k, struct ear_kamailio_source *s)
{
	struct ear_kamailio_pos begin = s->pos;
	size_t depth = 0;

	do {
		char a = ear_kamailio_peek(s, 0), b = ear_kamailio_peek(s, 1);

		if (!left(s))
			return ear_kamailio_wrong(k, &begin, EAR_BAD,
				"this comment is never closed");
		if (a == '/' && b == '*') {
			depth++;
			ear_kamailio_skip(s, 2);
		} else if (a == '*' && b == '/') {
			depth--;
			ear_kamailio_skip(s, 2);
		} else {
			ear_kamailio_skip(s, 1);
		}
	} while (depth);
	return EAR_OK;
}

/* Blanks and comments; stops before a directive. */
static enum ear_err skip_blank(struct ear_kamailio *k,
	struct ear_kamailio_source *s, bool *directive, bool *glued)
{
	enum ear_err err = EAR_OK;

	*directive = false;
	while (left(s) && !err) {
		char a = ear_kamailio_peek(s, 0), b = ear_kamailio_peek(s, 1);

		if (ear_kamailio_directive(s)) {
			*directive = true;
			break;
		}
		if (isspace((unsigned char)a) || a == '\b')
			ear_kamailio_skip(s, 1);
		else if (a == '#' || (a == '/' && b == '/'))
			skip_line(s);
		else if (a == '/' && b == '*')
			err = skip_comment(k, s);
		else
			break;
		*glued = false;
	}
	return err;
}

/* One escape of a text in double quotes; at is on the backslash. */
static void unescape(struct ear_kamailio_source *s, struct ear_buf *out)
{
	char c = ear_kamailio_peek(s, 1);
	unsigned v = 0;
	size_t n = 2, most;

	switch (c) {
	case 'n': ear_buf_byte(out, '\n'); break;
	case 'r': ear_buf_byte(out, '\r'); break;
	case 't': ear_buf_byte(out, '\t'); break;
	case 'a': ear_buf_byte(out, '\a'); break;
	case '"':
	case '\\': ear_buf_byte(out, (uint8_t)c); break;
	case '\n': break;
	case 'x':
		for (most = 4; n < most &&
			       isxdigit((unsigned char)ear_kamailio_peek(s, n));
			n++) {
			char d = ear_lower(ear_kamailio_peek(s, n));

			v = v * 16 +
			    (unsigned)(d <= '9' ? d - '0' : d - 'a' + 10);
		}
		if (n == 2)
			ear_buf_str(out, "\\x");
		else
			ear_buf_byte(out, (uint8_t)v);
		break;
	default:
		for (n = 1, most = 4;
			n < most && ear_kamailio_peek(s, n) >= '0' &&
			ear_kamailio_peek(s, n) <= '7';
			n++)
			v = v * 8 + (unsigned)(ear_kamailio_peek(s, n) - '0');
		if (n >= 3) { /* a single digit is left to regex references */
			ear_buf_byte(out, (uint8_t)v);
			break;
		}
		ear_buf_byte(out, '\\');
		n = 1;
	}
	ear_kamailio_skip(s, n);
}

/* From behind a quote to behind its partner. */
static enum ear_err quoted(struct ear_kamailio *k,
	struct ear_kamailio_source *s, struct ear_buf *out)
{
	struct ear_kamailio_pos begin = s->pos;
	char quote = ear_kamailio_peek(s, 0);

	ear_kamailio_skip(s, 1);
	while (left(s) && ear_kamailio_peek(s, 0) != quote) {
		if (quote == '"' && ear_kamailio_peek(s, 0) == '\\' &&
			left(s) > 1) {
			unescape(s, out);
			continue;
		}
		ear_buf_byte(out, (uint8_t)ear_kamailio_peek(s, 0));
		ear_kamailio_skip(s, 1);
	}
	if (!left(s))
		return ear_kamailio_wrong(
			k, &begin, EAR_BAD, "this text is never closed");
	ear_kamailio_skip(s, 1);
	return EAR_OK;
}

static enum ear_err scan_string(struct ear_kamailio *k,
	struct ear_kamailio_source *s, struct ear_kamailio_token *token)
{
	bool more = ear_kamailio_peek(s, 0) == '"';
	struct ear_buf out = {0};
	enum ear_err err = quoted(k, s, &out);

	while (more && !err) {
		size_t n = 0;

		while (left(s) > n &&
			isspace((unsigned char)ear_kamailio_peek(s, n)))
			n++;
		more = ear_kamailio_peek(s, n) == '"';
		if (!more)
			break;
		ear_kamailio_skip(s, n);
		err = quoted(k, s, &out);
	}
	if (!err && out.err)
		err = ear_kamailio_wrong(
			k, &token->pos, out.err, "out of memory");
	token->type = EAR_KT_STRING;
	if (!err)
		token->text = ear_kamailio_copy(k, ear_buf_view(&out));
	ear_buf_fini(&out);
	return err ? err : k->err;
}

/* $name, $name(…), $(…) with parentheses in pairs. */
static enum ear_err scan_variable(struct ear_kamailio *k,
	struct ear_kamailio_source *s, struct ear_kamailio_token *token)
{
	size_t n = 1, depth = 0;

	while (is_word(ear_kamailio_peek(s, n)))
		n++;
	if (ear_kamailio_peek(s, n) == '(') {
		do {
			char c = ear_kamailio_peek(s, n);

			if (n >= left(s) || c == '\n')
				return ear_kamailio_wrong(k, &token->pos,
					EAR_BAD,
					"this variable is never closed");
			depth += c == '(';
			depth -= c == ')';
			n++;
		} while (depth);
	}
	token->type = EAR_KT_PV;
	token->text = ear_slice(s->text.p + s->at, n);
	ear_kamailio_skip(s, n);
	return EAR_OK;
}

static void scan_word(
	struct ear_kamailio_source *s, struct ear_kamailio_token *token)
{
	size_t n = 0;
	bool hex, binary, digits = true;

	hex = ear_kamailio_peek(s, 0) == '0' &&
	      ear_lower(ear_kamailio_peek(s, 1)) == 'x';
	binary = ear_kamailio_peek(s, 0) == '0' &&
		 ear_lower(ear_kamailio_peek(s, 1)) == 'b';
	for (; is_word(ear_kamailio_peek(s, n)); n++) {
		char c = ear_kamailio_peek(s, n);

		if ((hex || binary) && n < 2)
			continue;
		if (!(hex            ? isxdigit((unsigned char)c) != 0
			    : binary ? c == '0' || c == '1'
				     : isdigit((unsigned char)c) != 0))
			digits = false;
	}
	token->type = digits ? EAR_KT_NUMBER : EAR_KT_ID;
	token->text = ear_slice(s->text.p + s->at, n);
	ear_kamailio_skip(s, n);
}

static void scan_punct(
	struct ear_kamailio_source *s, struct ear_kamailio_token *token)
{
	static const char pairs[] = "== != =~ !~ <= >= && || => ";
	size_t n = 1;

	for (const char *p = pairs; *p; p += 3) {
		if (ear_kamailio_peek(s, 0) == p[0] &&
			ear_kamailio_peek(s, 1) == p[1])
			n = 2;
	}
	token->type = EAR_KT_PUNCT;
	token->text = ear_slice(s->text.p + s->at, n);
	ear_kamailio_skip(s, n);
}

enum ear_err ear_kamailio_scan(struct ear_kamailio *k,
	struct ear_kamailio_token *token, bool *directive)
{
	struct ear_kamailio_source *s = &k->source[k->sources - 1];
	bool glued = true;
	enum ear_err err = skip_blank(k, s, directive, &glued);
	char c = ear_kamailio_peek(s, 0);

	*token = (struct ear_kamailio_token){.pos = s->pos, .glued = glued};
	if (err || *directive || !left(s))
		return err;
	if (c == '"' || c == '\'')
		return scan_string(k, s, token);
	if (c == '$' && (is_letter(ear_kamailio_peek(s, 1)) ||
				ear_kamailio_peek(s, 1) == '('))
		return scan_variable(k, s, token);
	if (is_word(c))
		scan_word(s, token);
	else
		scan_punct(s, token);
	return EAR_OK;
}
