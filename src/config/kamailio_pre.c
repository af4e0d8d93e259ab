/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a Kamailio configuration before it is understood: defines,
 * conditionals, substitutions in texts. Each of them is bounded: a file that
 * somebody wrote to harm ends in a fault, not in a loop.
 */
#include <ctype.h>

#include "config/kamailio_priv.h"

/* Bytes that defines may become, all uses together. */
#define EXPANDED_MOST ((size_t)1 << 20)

/* --- defines ----------------------------------------------------------- */

static size_t find_define(const struct ear_kamailio *k, struct ear_slice name)
{
	size_t i = 0;

	while (i < k->defines && !ear_slice_eq(k->define[i].name, name))
		i++;
	return i;
}

enum ear_err ear_kamailio_set_define(struct ear_kamailio *k,
	struct ear_slice name, struct ear_slice value, bool again)
{
	size_t i = find_define(k, name);

	if (i < k->defines && !again)
		return EAR_OK;
	if (i == EAR_KM_DEFINES)
		return ear_kamailio_wrong(k, &k->token.pos, EAR_LIMIT,
			"more than %d defines", EAR_KM_DEFINES);
	k->define[i].name = ear_kamailio_copy(k, name);
	k->define[i].value = ear_kamailio_copy(k, value);
	if (i == k->defines)
		k->defines++;
	return k->err;
}

/* The value of a define comes before what follows its name. */
static enum ear_err expand(struct ear_kamailio *k, size_t i)
{
	struct ear_slice value = k->define[i].value;

	for (size_t s = 0; s < k->sources; s++) {
		if (!k->source[s].file && k->source[s].define == i)
			return ear_kamailio_wrong(k, &k->token.pos, EAR_BAD,
				"%.*s is defined by itself",
				(int)(value.n > 60 ? 60 : k->define[i].name.n),
				k->define[i].name.p);
	}
	if (k->sources == EAR_KM_SOURCES ||
		value.n > EXPANDED_MOST - k->expanded)
		return ear_kamailio_wrong(k, &k->token.pos, EAR_LIMIT,
			"defines become more text than is taken");
	k->expanded += value.n;
	k->source[k->sources++] = (struct ear_kamailio_source){
		.text = value, .pos = k->token.pos, .define = i, .ifs = k->ifs};
	return EAR_OK;
}

/* --- directives -------------------------------------------------------- */

/* The rest of a line, escaped line ends taken out; the source goes behind. */
static struct ear_slice rest_of_line(
	struct ear_kamailio *k, struct ear_kamailio_source *s)
{
	struct ear_buf out = {0};
	struct ear_slice rest;

	while (s->at < s->text.n && ear_kamailio_peek(s, 0) != '\n') {
		size_t n = ear_kamailio_peek(s, 0) == '\\' ? 1 : 0;

		if (n && ear_kamailio_peek(s, 1) == '\r')
			n++;
		if (n && ear_kamailio_peek(s, n) == '\n') {
			ear_kamailio_skip(s, n + 1);
			continue;
		}
		ear_buf_byte(&out, (uint8_t)ear_kamailio_peek(s, 0));
		ear_kamailio_skip(s, 1);
	}
	if (out.err)
		(void)ear_kamailio_wrong(k, &s->pos, out.err, "out of memory");
	rest = ear_kamailio_copy(k, ear_buf_view(&out));
	ear_buf_fini(&out);
	return ear_slice_trim(rest);
}

static struct ear_slice first_word(struct ear_slice s)
{
	size_t n = 0;

	while (n < s.n && (isalnum((unsigned char)s.p[n]) || s.p[n] == '_'))
		n++;
	return ear_slice_sub(s, 0, n);
}

static bool one_of(struct ear_slice word, const char *words)
{
	size_t n = strcspn(words, " ");

	while (*words) {
		if (word.n == n && !memcmp(word.p, words, n))
			return true;
		words += n + (words[n] == ' ');
		n = strcspn(words, " ");
	}
	return false;
}

static enum ear_err define(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, struct ear_slice rest, bool again)
{
	struct ear_slice name = first_word(rest);
	struct ear_slice value =
		ear_slice_trim(ear_slice_sub(rest, name.n, rest.n));

	if (!name.n || isdigit((unsigned char)name.p[0]))
		return ear_kamailio_wrong(
			k, pos, EAR_BAD, "a name must stand here");
	return ear_kamailio_set_define(k, name, value, again);
}

/* "/from/to/flags" with any separator, perhaps in quotes. */
static enum ear_err substitution(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, struct ear_slice word,
	struct ear_slice rest)
{
	struct ear_slice part[3] = {{0}};
	struct ear_buf quoted = {0};
	size_t n = 0;

	if (rest.n > 1 && (rest.p[0] == '"' || rest.p[0] == '\'')) {
		const char *end = memchr(rest.p + 1, rest.p[0], rest.n - 1);

		rest = ear_slice_sub(
			rest, 1, end ? (size_t)(end - rest.p) : rest.n);
	}
	for (size_t i = 1, begin = 1; rest.n && i <= rest.n && n < 3; i++) {
		if (i < rest.n && rest.p[i] != rest.p[0])
			continue;
		part[n++] = ear_slice_sub(rest, begin, i);
		begin = i + 1;
	}
	if (n < 2 || !part[0].n)
		return ear_kamailio_wrong(k, pos, EAR_BAD,
			"a substitution must be written as \"/from/to/\"");
	if (k->substs == EAR_KM_SUBSTS)
		return ear_kamailio_wrong(k, pos, EAR_LIMIT,
			"more than %d substitutions", EAR_KM_SUBSTS);
	if (first_word(part[0]).n != part[0].n)
		ear_kamailio_doubt(k, pos,
			"the left side of a substitution is taken for text, "
			"not for a regular expression");
	k->subst[k->substs++] = (struct ear_kamailio_subst){part[0], part[1],
		memchr(part[2].n ? part[2].p : "", 'g', part[2].n) != NULL,
		memchr(part[2].n ? part[2].p : "", 'i', part[2].n) != NULL};
	if (ear_slice_eq(word, EAR_S("subst")))
		return EAR_OK;
	if (ear_slice_eq(word, EAR_S("substdefs"))) {
		ear_buf_printf(&quoted, "\"%.*s\"", EAR_FMT(part[1]));
		part[1] = ear_kamailio_copy(k, ear_buf_view(&quoted));
		ear_buf_fini(&quoted);
	}
	return ear_kamailio_set_define(k, part[0], part[1], true);
}

static bool counts(const struct ear_kamailio *k)
{
	return !k->ifs || (k->wants[k->ifs - 1] && k->outside[k->ifs - 1]);
}

static enum ear_err begin_if(
	struct ear_kamailio *k, const struct ear_kamailio_pos *pos, bool wants)
{
	bool outside = counts(k);

	if (k->ifs == EAR_KM_IFS)
		return ear_kamailio_wrong(k, pos, EAR_LIMIT,
			"more than %d conditionals in one another", EAR_KM_IFS);
	k->if_pos[k->ifs] = *pos;
	k->wants[k->ifs] = wants;
	k->outside[k->ifs++] = outside;
	return EAR_OK;
}

static enum ear_err conditional(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, struct ear_slice word,
	struct ear_slice rest, bool *taken)
{
	struct ear_slice name = first_word(rest);
	bool is_if = one_of(word, "ifdef ifndef ifexp");

	*taken = true;
	if (ear_slice_eq(word, EAR_S("ifexp"))) {
		if (counts(k))
			ear_kamailio_doubt(k, pos,
				"#!ifexp is not evaluated: what it guards is "
				"taken, what its #!else guards is not");
		return begin_if(k, pos, true);
	}
	if (is_if && !name.n)
		return ear_kamailio_wrong(
			k, pos, EAR_BAD, "a name must stand here");
	if (is_if)
		return begin_if(k, pos,
			(find_define(k, name) < k->defines) ==
				ear_slice_eq(word, EAR_S("ifdef")));
	if (!one_of(word, "else endif")) {
		*taken = false;
		return EAR_OK;
	}
	if (k->ifs <= k->source[k->sources - 1].ifs)
		return ear_kamailio_wrong(k, pos, EAR_BAD,
			"#!%.*s without #!ifdef in the same file",
			EAR_FMT(word));
	if (ear_slice_eq(word, EAR_S("else")))
		k->wants[k->ifs - 1] = !k->wants[k->ifs - 1];
	else
		k->ifs--;
	return EAR_OK;
}

static enum ear_err include_of(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, struct ear_slice rest, bool must);

/* At "#!" or "!!". */
static enum ear_err directive(struct ear_kamailio *k)
{
	struct ear_kamailio_source *s = &k->source[k->sources - 1];
	struct ear_kamailio_pos pos = s->pos;
	struct ear_slice word, rest;
	enum ear_err err;
	bool taken;

	ear_kamailio_skip(s, 2);
	word = first_word(ear_slice_sub(s->text, s->at, s->text.n));
	ear_kamailio_skip(s, word.n);
	rest = rest_of_line(k, s);
	err = k->err ? k->err : conditional(k, &pos, word, rest, &taken);
	if (err || taken || !counts(k))
		return err;
	if (one_of(word, "define def trydefine trydef"))
		return define(k, &pos, rest, false);
	if (one_of(word, "redefine redef"))
		return define(k, &pos, rest, true);
	if (one_of(word, "subst substdef substdefs"))
		return substitution(k, &pos, word, rest);
	if (one_of(word, "include_file import_file"))
		return include_of(k, &pos, rest,
			ear_slice_eq(word, EAR_S("include_file")));
	if (one_of(word,
		    "defenv defenvs trydefenv trydefenvs defexp defexps")) {
		ear_kamailio_doubt(k, &pos,
			"a define out of the environment or of an expression "
			"is not known here; give it by --define NAME=VALUE");
		rest = first_word(rest);
		return ear_kamailio_set_define(k, rest, EAR_S(""), false);
	}
	return EAR_OK;
}

/* --- tokens ------------------------------------------------------------ */

/* The text in the substitutions' view; as it is when none applies. */
static struct ear_slice substitute(struct ear_kamailio *k, struct ear_slice s)
{
	for (size_t i = 0; i < k->substs && !k->err; i++) {
		const struct ear_kamailio_subst *r = &k->subst[i];
		struct ear_buf out = {.max = EXPANDED_MOST};
		size_t done = 0, times = 0;

		while (done < s.n && (r->all || !times)) {
			struct ear_slice tail = ear_slice_sub(s, done, s.n);
			size_t at = r->icase ? ear_slice_ifind(tail, r->from)
					     : ear_slice_find(tail, r->from);

			if (at == tail.n)
				break;
			ear_buf_slice(&out, ear_slice_sub(tail, 0, at));
			ear_buf_slice(&out, r->to);
			done += at + r->from.n;
			times++;
		}
		if (times) {
			ear_buf_slice(&out, ear_slice_sub(s, done, s.n));
			s = ear_kamailio_copy(k, ear_buf_view(&out));
		}
		if (out.err)
			(void)ear_kamailio_wrong(k, &k->token.pos, out.err,
				"substitutions make too much of this text");
		ear_buf_fini(&out);
	}
	return s;
}

static enum ear_err include_of(struct ear_kamailio *k,
	const struct ear_kamailio_pos *pos, struct ear_slice rest, bool must)
{
	size_t n = rest.n;

	if (n < 3 || rest.p[0] != '"' || !memchr(rest.p + 1, '"', n - 1))
		return ear_kamailio_wrong(k, pos, EAR_BAD,
			"the name of a file must stand here, in quotes");
	rest = ear_slice_sub(rest, 1, n);
	rest = ear_slice_sub(rest, 0, ear_slice_find(rest, EAR_S("\"")));
	return ear_kamailio_include(k, pos, substitute(k, rest), must);
}

/* Behind the word include_file. */
static enum ear_err include_here(struct ear_kamailio *k, bool must)
{
	struct ear_kamailio_pos pos = k->token.pos;
	bool is_directive;
	enum ear_err err = ear_kamailio_scan(k, &k->token, &is_directive);

	if (err)
		return err;
	if (k->token.type != EAR_KT_STRING)
		return ear_kamailio_wrong(k, &pos, EAR_BAD,
			"the name of a file must stand here, in quotes");
	return ear_kamailio_include(
		k, &pos, substitute(k, k->token.text), must);
}

/* A source has ended: back to the one it stood in. */
static enum ear_err end_source(struct ear_kamailio *k)
{
	const struct ear_kamailio_source *s = &k->source[k->sources - 1];

	if (k->ifs > s->ifs)
		return ear_kamailio_wrong(k, &k->if_pos[k->ifs - 1], EAR_BAD,
			"this conditional has no #!endif in the same file");
	k->sources--;
	return EAR_OK;
}

/* What a conditional leaves out: to the next directive. */
static void leave_out(struct ear_kamailio_source *s)
{
	while (s->at < s->text.n && !ear_kamailio_directive(s))
		ear_kamailio_skip(s, 1);
}

enum ear_err ear_kamailio_next(struct ear_kamailio *k)
{
	bool is_directive;
	enum ear_err err = EAR_OK;

	while (!err && k->sources) {
		struct ear_kamailio_source *s = &k->source[k->sources - 1];
		size_t i;

		if (!counts(k)) {
			leave_out(s);
			err = s->at < s->text.n ? directive(k) : end_source(k);
			continue;
		}
		err = ear_kamailio_scan(k, &k->token, &is_directive);
		if (err)
			break;
		if (is_directive) {
			err = directive(k);
			continue;
		}
		if (k->token.type == EAR_KT_END) {
			err = end_source(k);
			continue;
		}
		if (k->token.type == EAR_KT_STRING)
			k->token.text = substitute(k, k->token.text);
		if (k->token.type != EAR_KT_ID)
			return k->err;
		if (one_of(k->token.text, "include_file import_file")) {
			err = include_here(k, ear_slice_eq(k->token.text,
						      EAR_S("include_file")));
			continue;
		}
		i = find_define(k, k->token.text);
		if (i == k->defines)
			return EAR_OK;
		err = expand(k, i);
	}
	k->token.type = EAR_KT_END;
	k->token.text = (struct ear_slice){0};
	return err ? err : k->err;
}
