/* SPDX-License-Identifier: Apache-2.0 */
/* The control channel's reader: a stream that comes in pieces is cut into
 * values as one that comes whole, and each is answered with JSON. */
#include <assert.h>
#include <stdlib.h>

#include "console/jsonrpc.h"
#include "console/params.h"

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

/* Parameters of all kinds, as trace.start has them. */
static enum ear_err start(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const char *rule = "", *name = "";
	struct ear_param_texts users = {0};
	uint64_t length_ns = 0, count = 0, size = 0;
	bool on = false, timed = false;
	const struct ear_param table[] = {
		{"rule", EAR_PARAM_TEXT, &rule},
		{"name", EAR_PARAM_TEXT, &name, .most = 63},
		{"for", EAR_PARAM_DURATION, &length_ns, .given = &timed},
		{"traced_user", EAR_PARAM_TEXTS, &users, .most = 255},
		{"max_messages", EAR_PARAM_COUNT, &count},
		{"max_size", EAR_PARAM_SIZE, &size},
		{"on", EAR_PARAM_BOOL, &on, .needed = true},
	};
	enum ear_err err = ear_params_read(
		call->params, table, sizeof(table) / sizeof(table[0]), fault);

	if (err) {
		assert(err == EAR_USAGE && fault->text[0]);
		return err;
	}
	assert(users.n <= EAR_PARAM_TEXTS_MAX && strlen(name) <= 63);
	ear_json_open(result, '[');
	ear_json_str(result, ear_slice_str(rule));
	for (size_t i = 0; i < users.n; i++)
		ear_json_str(result, ear_slice_str(users.item[i]));
	ear_json_u64(result, length_ns);
	ear_json_close(result, ']');
	return EAR_OK;
}

static void answer(struct ear_slice value)
{
	static const struct ear_rpc_method methods[] = {{"echo", echo, "echo"},
		{"fail", failing, "fail", 500},
		{"trace.start", start, "start"}};
	const struct ear_rpc_table table = {methods, 3, NULL};
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
