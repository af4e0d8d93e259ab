/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions over bytes from the wire, by PCRE2 with its JIT.
 *
 * A person may write a pattern that backtracks for hours over a message that
 * somebody made for it, and PCRE2 counts its steps anew at every place where
 * a match may begin. So a long subject is tried some thousand beginnings at a
 * time with few steps each; one that needs more is tried again with many,
 * a few beginnings at a time under a clock. What is then still undecided is
 * no match, and counted.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/time.h"
#include "message/expr_priv.h"

/* Steps at one beginning, and beginnings in one call: at first and in the
 * second try. Products bound what one call may cost to some 100 ms. */
#define FEW_STEPS 10000
#define MANY_STEPS 1000000
#define FIRST_RUN 8192
#define SECOND_RUN 64
/* For the second try of one subject. */
#define PATIENCE_NS (50 * EAR_MS_NS)

#define JIT_STACK_LEAST (32u << 10)
#define JIT_STACK_MOST (512u << 10)
/* What the interpreter may take where there is no JIT, in KiB. */
#define HEAP_KIB 1024

struct ear_regex {
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
};

static const uint32_t options = PCRE2_MULTILINE | PCRE2_NEVER_UTF |
				PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
				PCRE2_NO_AUTO_CAPTURE | PCRE2_USE_OFFSET_LIMIT;

static enum ear_err compile(struct ear_regex *r, struct ear_slice pattern,
	size_t offset, struct ear_fault *fault)
{
	pcre2_compile_context *c = pcre2_compile_context_create(NULL);
	PCRE2_UCHAR words[120];
	PCRE2_SIZE where;
	int code;

	if (!c)
		return ear_fail(fault, EAR_NOMEM, offset, "out of memory");
	/* "^" and "$" know the lines of messages */
	pcre2_set_newline(c, PCRE2_NEWLINE_ANYCRLF);
	pcre2_set_parens_nest_limit(c, EXPR_DEPTH_MAX);
	r->code = pcre2_compile(
		(PCRE2_SPTR)pattern.p, pattern.n, options, &code, &where, c);
	pcre2_compile_context_free(c);
	if (r->code)
		return EAR_OK;
	pcre2_get_error_message(code, words, sizeof(words));
	return ear_fail(fault, EAR_USAGE, offset + where,
		"this regular expression breaks here: %s", (char *)words);
}

enum ear_err ear_regex_new(struct ear_slice pattern, size_t offset,
	struct ear_regex **regex, struct ear_fault *fault)
{
	struct ear_regex *r = calloc(1, sizeof(*r));
	enum ear_err err = EAR_NOMEM;

	if (!r)
		goto out;
	err = compile(r, pattern, offset, fault);
	if (err)
		goto out;
	err = EAR_NOMEM;
	r->context = pcre2_match_context_create(NULL);
	r->data = pcre2_match_data_create(1, NULL);
	if (!r->context || !r->data)
		goto out;
	pcre2_set_heap_limit(r->context, HEAP_KIB);
	/* without JIT, as where memory may not be executable, it is slow only
	 */
	if (pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0) {
		r->stack = pcre2_jit_stack_create(
			JIT_STACK_LEAST, JIT_STACK_MOST, NULL);
		if (!r->stack)
			goto out;
		pcre2_jit_stack_assign(r->context, NULL, r->stack);
	}
	err = EAR_OK;
out:
	if (err == EAR_NOMEM)
		ear_fail(fault, err, offset, "out of memory");
	if (err)
		ear_regex_free(&r);
	*regex = r;
	return err;
}

void ear_regex_free(struct ear_regex **regex)
{
	struct ear_regex *r = *regex;

	if (!r)
		return;
	pcre2_jit_stack_free(r->stack);
	pcre2_match_data_free(r->data);
	pcre2_match_context_free(r->context);
	pcre2_code_free(r->code);
	free(r);
	*regex = NULL;
}

/* Tries the beginnings from..from+run. */
static int run_from(struct ear_regex *r, struct ear_slice s, size_t from,
	size_t run, uint32_t steps)
{
	size_t last = run < s.n - from ? from + run : s.n;

	pcre2_set_offset_limit(r->context, last);
	pcre2_set_match_limit(r->context, steps);
	return pcre2_match(
		r->code, (PCRE2_SPTR)s.p, s.n, from, 0, r->data, r->context);
}

static int patient(struct ear_regex *r, struct ear_slice s, size_t from)
{
	uint64_t until = ear_mono_ns() + PATIENCE_NS;
	int rc = PCRE2_ERROR_NOMATCH;

	for (; from <= s.n; from += SECOND_RUN + 1) {
		rc = run_from(r, s, from, SECOND_RUN, MANY_STEPS);
		if (rc != PCRE2_ERROR_NOMATCH)
			return rc;
		if (ear_mono_ns() > until)
			return PCRE2_ERROR_MATCHLIMIT;
	}
	return rc;
}

bool ear_regex_match(struct ear_regex *r, struct ear_slice s, uint64_t *gave_up)
{
	int rc = PCRE2_ERROR_NOMATCH;

	if (!s.p)
		s = EAR_S("");
	for (size_t from = 0; from <= s.n; from += FIRST_RUN + 1) {
		rc = run_from(r, s, from, FIRST_RUN, FEW_STEPS);
		if (rc == PCRE2_ERROR_MATCHLIMIT) {
			rc = patient(r, s, from);
			break;
		}
		if (rc != PCRE2_ERROR_NOMATCH)
			break;
	}
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		(*gave_up)++;
	return rc >= 0;
}
