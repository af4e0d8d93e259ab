/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the clear. */
#include "proto/sdp.h"
#include "proto/vec.h"

/* Whether a line at p may carry a key: k=, a=crypto, a=key-mgmt. */
static bool may_be(const char *p, const char *end)
{
	return end - p > 2 && p[1] == '=' &&
	       (p[0] == 'k' || (p[0] == 'a' && (p[2] == 'c' || p[2] == 'k')));
}

/*
 * The next line feed in [p, end) before such a line, found 16 at a time; it
 * may name a line too many, which keys() sorts out.
 */
static const char *next_candidate(const char *p, const char *end)
{
	for (; end - p >= VEC_BYTES + 3; p += VEC_BYTES) {
		vec first = vec_load(p + 1), third = vec_load(p + 3);
		vec_mask a_line =
			(vec_mask)(first == 'a') &
			((vec_mask)(third == 'c') | (vec_mask)(third == 'k'));

		if (vec_any((vec_mask)(vec_load(p) == '\n') &
			    ((vec_mask)(first == 'k') | a_line)))
			break;
	}
	for (; p < end; p++) {
		if (*p == '\n' && may_be(p + 1, end))
			return p;
	}
	return NULL;
}

/* a=crypto:TAG SUITE inline:KEY|LIFETIME|MKI:LEN;inline:… [PARAMS] */
static void crypto(struct ear_slice line, ear_sdp_key_fn fn, void *arg)
{
	static const char stops[] = "|; \t";
	size_t at, n;

	while ((at = ear_slice_ifind(line, EAR_S("inline:"))) < line.n) {
		line = ear_slice_sub(line, at + 7, line.n);
		for (n = 0; n < line.n && !memchr(stops, line.p[n], 4);)
			n++;
		if (n)
			fn(ear_slice_sub(line, 0, n), arg);
		line = ear_slice_sub(line, n, line.n);
	}
}

/* What follows the first c in a line, if anything does. */
static void behind(struct ear_slice line, char c, ear_sdp_key_fn fn, void *arg)
{
	const char *at = memchr(line.p, c, line.n);

	if (at && at + 1 < line.p + line.n)
		fn(ear_slice(at + 1, line.n - (size_t)(at + 1 - line.p)), arg);
}

static void keys(struct ear_slice line, ear_sdp_key_fn fn, void *arg)
{
	if (ear_slice_starts(line, EAR_S("k=")))
		behind(line, ':', fn, arg);
	else if (ear_slice_starts(line, EAR_S("a=crypto:")))
		crypto(line, fn, arg);
	else if (ear_slice_starts(line, EAR_S("a=key-mgmt:")))
		behind(line, ' ', fn, arg);
}

void ear_sdp_keys(struct ear_slice body, ear_sdp_key_fn fn, void *arg)
{
	const char *p = body.p, *end, *lf;

	if (body.n == 0)
		return;
	end = p + body.n;
	while ((p = next_candidate(p, end))) {
		struct ear_slice line;

		p++;
		lf = memchr(p, '\n', (size_t)(end - p));
		line = ear_slice(p, (size_t)((lf ? lf : end) - p));
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		keys(line, fn, arg);
		p = lf ? lf : end;
	}
}
