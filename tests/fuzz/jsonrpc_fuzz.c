/* SPDX-License-Identifier: Apache-2.0 */
/* The control channel's reader: a stream that comes in pieces is cut into
 * values as one that comes whole, and each is answered with JSON. */
#include <assert.h>
#include <stdlib.h>

#include "console/jsonrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum ear_err echo(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const json_t *params = call->params;
	char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;

	ear_json_str(result, ear_slice_str(text));
	free(text);
	return EAR_OK;
}

static enum ear_err failing(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	ear_json_open(result, '[');
	return ear_fail(fault, EAR_FULL, 0, "full");
}

static void answer(struct ear_slice value)
{
	static const struct ear_rpc_method methods[] = {
		{"echo", echo, "echo"}, {"fail", failing, "fail"}};
	const struct ear_rpc_table table = {methods, 2, NULL};
	struct ear_buf out = {0};
	json_t *root;

	ear_rpc_answer(&table, 1, "fuzz", value, &out);
	if (out.n > 0) {
		assert(out.p[out.n - 1] == '\n');
		root = json_loadb(out.p, out.n, 0, NULL);
		assert(root);
		json_decref(root);
	}
	ear_buf_fini(&out);
}

/* Cuts in into values, by pieces of step bytes. @return how many, and where
 * the last ended */
static size_t cut(struct ear_slice in, size_t step, bool answers, size_t *end)
{
	struct ear_rpc_split split = {0};
	size_t values = 0, have = 0, used;
	enum ear_err err;

	*end = 0;
	while (have < in.n) {
		have = in.n - have < step ? in.n : have + step;
		do {
			struct ear_slice rest = ear_slice_sub(in, *end, have);

			err = ear_rpc_next(&split, rest, 4096, &used);
			assert(used <= rest.n);
			if (err == EAR_OK && answers)
				answer(ear_slice_sub(rest, 0, used));
			values += err == EAR_OK;
			*end += used;
		} while (err == EAR_OK || (err == EAR_BAD && used > 0));
		if (err == EAR_LIMIT)
			break;
	}
	return values;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ear_slice in = ear_slice(data, n);
	size_t whole, bytes, a, b;

	if (n > 4096)
		return 0;
	whole = cut(in, n ? n : 1, true, &a);
	bytes = cut(in, 1, false, &b);
	assert(whole == bytes && a == b);
	return 0;
}
