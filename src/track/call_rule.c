/* SPDX-License-Identifier: Apache-2.0 */
#include "track/call_rule.h"

/* The first hit counts; what is not here is FAILED. */
static const struct ear_disposition_rule builtin[] = {
	{480, 480, EAR_CALL_NO_ANSWER, false},
	{408, 408, EAR_CALL_NO_ANSWER, true}, {486, 486, EAR_CALL_BUSY, false},
	{600, 600, EAR_CALL_BUSY, false}, {603, 603, EAR_CALL_BUSY, false},
	{607, 607, EAR_CALL_BUSY, false}, /* RFC 8197 */
};

static const struct ear_disposition_rule *find(
	const struct ear_disposition_rule *rules, size_t n, unsigned status)
{
	for (size_t i = 0; i < n; i++) {
		if (status >= rules[i].from && status <= rules[i].to)
			return &rules[i];
	}
	return NULL;
}

/* 487 and silence say that it was the caller who gave up, or nobody knows. */
static enum ear_disposition given_up(unsigned status, struct call_facts f)
{
	if (f.rang)
		return EAR_CALL_NO_ANSWER;
	return status == 487 && !f.hung_up ? EAR_CALL_NO_ANSWER
					   : EAR_CALL_FAILED;
}

enum ear_disposition ear_call_disposition(
	const struct ear_disposition_rule *rules, size_t n, unsigned status,
	struct call_facts facts)
{
	const struct ear_disposition_rule *r = find(rules, n, status);

	if (!r && (status == 0 || status == 487))
		return given_up(status, facts);
	if (!r)
		r = find(builtin, sizeof(builtin) / sizeof(builtin[0]), status);
	if (!r || (r->if_rang && !facts.rang))
		return EAR_CALL_FAILED;
	return (enum ear_disposition)r->disposition;
}

/* A status; *rest is what follows it. */
static bool read_status(struct ear_slice *rest, uint16_t *status)
{
	struct ear_slice s = ear_slice_trim(*rest);
	uint64_t v;

	if (!ear_slice_u64(ear_slice_sub(s, 0, 3), 699, &v) || v < 300 ||
		s.n < 3)
		return false;
	*status = (uint16_t)v;
	*rest = ear_slice_trim(ear_slice_sub(s, 3, s.n));
	return true;
}

static enum ear_err read_range(struct ear_slice range,
	struct ear_disposition_rule *rule, struct ear_fault *fault)
{
	struct ear_slice rest = range;

	if (!read_status(&rest, &rule->from))
		return ear_fail(fault, EAR_USAGE, 0,
			"'%.*s' is no status from 300 to 699", EAR_FMT(range));
	rule->to = rule->from;
	if (rest.n && rest.p[0] == '-') {
		rest = ear_slice_sub(rest, 1, rest.n);
		if (!read_status(&rest, &rule->to))
			rest = range;
	}
	if (rest.n || rule->to < rule->from)
		return ear_fail(fault, EAR_USAGE, 0,
			"'%.*s' is no range of status codes, as 500-599",
			EAR_FMT(range));
	return EAR_OK;
}

enum ear_err ear_disposition_rule_parse(struct ear_slice text,
	struct ear_disposition_rule *rule, struct ear_fault *fault)
{
	size_t equals = ear_slice_find(text, EAR_S("="));
	struct ear_slice word =
		ear_slice_trim(ear_slice_sub(text, equals + 1, text.n));
	const struct ear_slice tail = EAR_S("if rang");
	enum ear_disposition d;
	enum ear_err err;

	*rule = (struct ear_disposition_rule){0};
	if (equals == text.n)
		return ear_fail(fault, EAR_USAGE, 0,
			"'%.*s' has no '='; write it as 603=BUSY",
			EAR_FMT(text));
	err = read_range(
		ear_slice_trim(ear_slice_sub(text, 0, equals)), rule, fault);
	if (err)
		return err;
	if (word.n > tail.n &&
		ear_slice_ieq(
			ear_slice_sub(word, word.n - tail.n, word.n), tail)) {
		rule->if_rang = true;
		word = ear_slice_trim(ear_slice_sub(word, 0, word.n - tail.n));
	}
	if (!ear_disposition_of(word, &d) || d == EAR_CALL_IN_PROGRESS ||
		d == EAR_CALL_ANSWERED)
		return ear_fail(fault, EAR_USAGE, equals + 1,
			"'%.*s' is not NO_ANSWER, BUSY or FAILED, with or "
			"without 'if rang' behind it",
			EAR_FMT(word));
	rule->disposition = (uint8_t)d;
	return EAR_OK;
}
