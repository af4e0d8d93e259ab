/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/table.h"

#include "console/jsonrpc.h"

static const struct {
	const char *name;
	struct ear_slice in;
	enum ear_err want;
	size_t used;
} splits[] = {
	{"empty", EAR_S_INIT(""), EAR_MORE, 0},
	{"blanks", EAR_S_INIT(" \r\n\t"), EAR_MORE, 0},
	{"object", EAR_S_INIT("{}"), EAR_OK, 2},
	{"blanks before", EAR_S_INIT("\n {}"), EAR_OK, 4},
	{"two", EAR_S_INIT("{\"a\":[1]}{}"), EAR_OK, 9},
	{"nested", EAR_S_INIT("[[{}],[]]\n"), EAR_OK, 9},
	{"brackets in text", EAR_S_INIT("{\"]}\":\"[{\"}"), EAR_OK, 11},
	{"escaped quote", EAR_S_INIT("{\"\\\"}\":1}"), EAR_OK, 9},
	{"escaped backslash", EAR_S_INIT("[\"\\\\\"]"), EAR_OK, 6},
	{"cut", EAR_S_INIT("{\"a\":"), EAR_MORE, 0},
	{"junk line", EAR_S_INIT("hello\n{}"), EAR_BAD, 6},
	{"junk without end", EAR_S_INIT("hello"), EAR_MORE, 0},
	{"a number is no request", EAR_S_INIT("1\n"), EAR_BAD, 2},
	{"long junk", EAR_S_INIT("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), EAR_BAD,
		33},
	{"too long", EAR_S_INIT("[\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"]"),
		EAR_LIMIT, 0},
};

#define MOST 32

static void split_whole(void **state)
{
	for (size_t i = 0; i < ROWS(splits); i++) {
		struct ear_rpc_split split = {0};
		size_t used;
		enum ear_err err =
			ear_rpc_next(&split, splits[i].in, MOST, &used);

		if (err != splits[i].want || used != splits[i].used)
			fail_msg("%s: got %d %zu", splits[i].name, err, used);
	}
}

/* The same with one byte more each time. */
static void split_bytewise(void **state)
{
	for (size_t i = 0; i < ROWS(splits); i++) {
		struct ear_rpc_split split = {0};
		enum ear_err err = EAR_MORE;
		size_t used = 0;

		for (size_t n = 0; n <= splits[i].in.n && err == EAR_MORE; n++)
			err = ear_rpc_next(&split,
				ear_slice_sub(splits[i].in, 0, n), MOST, &used);
		if (err != splits[i].want)
			fail_msg("%s: got %d", splits[i].name, err);
		if (err == EAR_OK && used != splits[i].used)
			fail_msg("%s: used %zu", splits[i].name, used);
	}
}

static void split_depth(void **state)
{
	char deep[EAR_RPC_DEPTH + 1];
	size_t used;

	memset(deep, '[', sizeof(deep));
	for (size_t n = EAR_RPC_DEPTH; n <= EAR_RPC_DEPTH + 1; n++) {
		struct ear_rpc_split split = {0};

		assert_int_equal(ear_rpc_next(&split, ear_slice(deep, n),
					 sizeof(deep) + 1, &used),
			n > EAR_RPC_DEPTH ? EAR_LIMIT : EAR_MORE);
	}
}

static enum ear_err echo(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const json_t *params = call->params;
	if (!params)
		return ear_fail(fault, EAR_USAGE, 0, "echo what?");
	if (!json_is_array(params))
		return ear_fail(fault, EAR_USAGE, 7, "no array");
	if (json_array_size(params) > 1)
		return ear_fail(fault, EAR_FULL, 0, "one at a time");
	ear_json_open(result, '[');
	ear_json_u64(result, json_array_size(params));
	ear_json_close(result, ']');
	return EAR_OK;
}

static enum ear_err who(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	ear_json_str(result, ear_slice_str(call->by));
	return EAR_OK;
}

static const struct {
	const char *name;
	const char *in;
	const char *want;
} answers[] = {
	{"result",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\","
		"\"params\":[1]}",
		"{\"jsonrpc\":\"2.0\",\"result\":[1],\"id\":1}\n"},
	{"id is text",
		"{\"jsonrpc\":\"2.0\",\"id\":\"a\\\"\",\"method\":"
		"\"echo\",\"params\":[]}",
		"{\"jsonrpc\":\"2.0\",\"result\":[0],\"id\":\"a\\\"\"}\n"},
	{"id is null",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"echo\","
		"\"params\":[]}",
		"{\"jsonrpc\":\"2.0\",\"result\":[0],\"id\":null}\n"},
	{"wrong parameters",
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\"}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":"
		"\"echo what?\"},\"id\":2}\n"},
	{"wrong at a place",
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\","
		"\"params\":{}}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":"
		"\"no array\",\"data\":{\"offset\":7}},\"id\":2}\n"},
	{"code of its own", "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"old\"}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":500,\"message\":"
		"\"echo what?\"},\"id\":2}\n"},
	{"who asks", "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"who\"}",
		"{\"jsonrpc\":\"2.0\",\"result\":\"tester\",\"id\":2}\n"},
	{"failed",
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\","
		"\"params\":[1,2]}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":"
		"\"one at a time\"},\"id\":2}\n"},
	{"no method", "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"x\"}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":"
		"\"there is no method 'x'; rpc.list names them\"},\"id\":3}\n"},
	{"misspelt", "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ehco\"}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":"
		"\"there is no method 'ehco'; do you mean echo?\"},"
		"\"id\":3}\n"},
	{"notification", "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}", ""},
	{"batch of notifications", "[{\"jsonrpc\":\"2.0\",\"method\":\"x\"}]",
		""},
	{"batch",
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\","
		"\"params\":[]},7]",
		"[{\"jsonrpc\":\"2.0\",\"result\":[0],\"id\":1},"
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":"
		"\"not a JSON-RPC 2.0 request\"},\"id\":null}]\n"},
	{"empty batch", "[]",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":"
		"\"a batch has 1 to 64 requests\"},\"id\":null}\n"},
	{"version 1", "{\"id\":1,\"method\":\"echo\"}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":"
		"\"not a JSON-RPC 2.0 request\"},\"id\":null}\n"},
};

static void answer(void **state)
{
	static const struct ear_rpc_method methods[] = {{"echo", echo, "help"},
		{"who", who, "help"}, {"old", echo, "with its own code", 500}};
	const struct ear_rpc_table table = {methods, ROWS(methods), NULL};
	struct ear_buf out = {0};

	for (size_t i = 0; i < ROWS(answers); i++) {
		ear_buf_reset(&out);
		ear_rpc_answer(&table, 1, "tester",
			ear_slice_str(answers[i].in), &out);
		assert_slice(answers[i].name, ear_buf_view(&out),
			ear_slice_str(answers[i].want));
	}
	ear_buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_whole),
		cmocka_unit_test(split_bytewise),
		cmocka_unit_test(split_depth),
		cmocka_unit_test(answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
