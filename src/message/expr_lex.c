/* SPDX-License-Identifier: Apache-2.0 */
#include "message/expr_lex.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

char ear_lex_peek(struct ear_lex *l, size_t ahead)
{
	return l->at + ahead < l->in.n ? l->in.p[l->at + ahead] : '\0';
}

void ear_lex_blanks(struct ear_lex *l)
{
	while (l->at < l->in.n && is_space(l->in.p[l->at]))
		l->at++;
}

bool ear_lex_take(struct ear_lex *l, const char *sign)
{
	struct ear_slice s = ear_slice_str(sign);

	if (!ear_slice_starts(ear_slice_sub(l->in, l->at, l->in.n), s))
		return false;
	l->at += s.n;
	return true;
}

/* The word at the cursor, not taken. */
struct ear_slice ear_lex_word(struct ear_lex *l)
{
	size_t end = l->at;

	while (end < l->in.n && is_word(l->in.p[end]))
		end++;
	return ear_slice_sub(l->in, l->at, end);
}

bool ear_lex_take_word(struct ear_lex *l, const char *keyword)
{
	struct ear_slice w = ear_lex_word(l);

	if (!ear_slice_ieq(w, ear_slice_str(keyword)))
		return false;
	l->at += w.n;
	return true;
}

/* One character of a quoted value; a backslash that escapes nothing stays, so
 * that a regular expression reads as it does elsewhere. */
static char unescape(struct ear_lex *l, char quote)
{
	char c = l->in.p[l->at++], next;

	if (c != '\\' || l->at >= l->in.n)
		return c;
	next = l->in.p[l->at];
	if (next == quote || next == '\\')
		c = next;
	else if (next == 'n')
		c = '\n';
	else if (next == 'r')
		c = '\r';
	else if (next == 't')
		c = '\t';
	else
		return c;
	l->at++;
	return c;
}

bool ear_lex_quoted(struct ear_lex *l, struct ear_slice *text)
{
	size_t from = l->unescaped_n;
	char quote = l->in.p[l->at++];

	while (l->at < l->in.n && l->in.p[l->at] != quote)
		l->unescaped[l->unescaped_n++] = unescape(l, quote);
	if (l->at >= l->in.n)
		return false;
	l->at++;
	*text = ear_slice(l->unescaped + from, l->unescaped_n - from);
	return true;
}

/* A value without quotes goes on to a blank or a sign that ends it. */
struct ear_slice ear_lex_bare(struct ear_lex *l)
{
	size_t start = l->at;

	while (l->at < l->in.n) {
		char c = l->in.p[l->at];

		if (is_space(c) || c == '(' || c == ')' || c == ',' ||
			c == '"' || c == '\'')
			break;
		if ((c == '&' || c == '|') && ear_lex_peek(l, 1) == c)
			break;
		l->at++;
	}
	return ear_slice_sub(l->in, start, l->at);
}

/* Longer ones first where one begins another. */
static const struct ear_lex_sign signs[] = {
	{"==", OP_EQ, false, false},
	{"!=", OP_EQ, true, false},
	{"<=", OP_LE, false, false},
	{">=", OP_GE, false, false},
	{"!~", OP_MATCH, true, false},
	{"=~", OP_MATCH, false, false},
	{"=", OP_EQ, false, false},
	{"<", OP_LT, false, false},
	{">", OP_GT, false, false},
	{"~", OP_MATCH, false, false},
};

bool ear_lex_take_operator(struct ear_lex *l, struct ear_lex_sign *sign)
{
	size_t start;

	ear_lex_blanks(l);
	start = l->at;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (ear_lex_take(l, signs[i].text)) {
			*sign = signs[i];
			return true;
		}
	}
	*sign = (struct ear_lex_sign){.negate = ear_lex_take_word(l, "not")};
	ear_lex_blanks(l);
	if (ear_lex_take_word(l, "in")) {
		sign->text = "in";
		sign->op = OP_EQ;
		sign->list = true;
		return true;
	}
	if (ear_lex_take_word(l, "has")) {
		sign->text = "has";
		sign->op = OP_HAS;
		return true;
	}
	l->at = start; /* that "not" begins the next term */
	return false;
}
