/* SPDX-License-Identifier: Apache-2.0 */
/** The words and signs of the expression language; for expr_parse.c. */
#ifndef EAR_MESSAGE_EXPR_LEX_H
#define EAR_MESSAGE_EXPR_LEX_H

#include "message/expr_priv.h"

/** A cursor over the text. */
struct ear_lex {
	struct ear_slice in;
	size_t at;
	char *unescaped;    /* room for as many bytes as in has */
	size_t unescaped_n; /* used of it */
};

/** An operator as written. */
struct ear_lex_sign {
	const char *text;
	enum op op;
	bool negate;
	bool list; /* a list may follow */
};

/** The byte that many behind the cursor; NUL past the end. */
char ear_lex_peek(struct ear_lex *l, size_t ahead);
void ear_lex_blanks(struct ear_lex *l);
/** Past a sign. @return false, nothing taken, when another stands there */
bool ear_lex_take(struct ear_lex *l, const char *sign);
/** The word at the cursor, not taken. */
struct ear_slice ear_lex_word(struct ear_lex *l);
/** Past a keyword of any case. */
bool ear_lex_take_word(struct ear_lex *l, const char *keyword);
/** A quoted value; the cursor is at its quote. @return false: never closed */
bool ear_lex_quoted(struct ear_lex *l, struct ear_slice *text);
/** A value without quotes, up to a blank or a sign that ends it. */
struct ear_slice ear_lex_bare(struct ear_lex *l);
bool ear_lex_take_operator(struct ear_lex *l, struct ear_lex_sign *sign);

static inline bool ear_lex_is_quote(char c)
{
	return c == '"' || c == '\'';
}

#endif
