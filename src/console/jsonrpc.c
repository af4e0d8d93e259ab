/* SPDX-License-Identifier: Apache-2.0 */
#include "console/jsonrpc.h"

#include <stdlib.h>
#include <string.h>

#include "message/field.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The first byte that is not a blank decides. @return false: not a value */
static bool begin(struct ear_rpc_split *s, struct ear_slice in)
{
	while (s->at < in.n && is_blank(in.p[s->at]))
		s->at++;
	if (s->at == in.n)
		return true;
	if (in.p[s->at] != '{' && in.p[s->at] != '[')
		return false;
	s->depth = 1;
	s->at++;
	return true;
}

static void step(struct ear_rpc_split *s, char c)
{
	if (s->escape)
		s->escape = false;
	else if (s->string && c == '\\')
		s->escape = true;
	else if (c == '"')
		s->string = !s->string;
	else if (!s->string && (c == '{' || c == '['))
		s->depth++;
	else if (!s->string && (c == '}' || c == ']'))
		s->depth--;
}

enum ear_err ear_rpc_next(
	struct ear_rpc_split *s, struct ear_slice in, size_t most, size_t *used)
{
	const char *end;

	*used = 0;
	if (s->depth == 0 && !begin(s, in)) {
		end = memchr(in.p + s->at, '\n', in.n - s->at);
		if (!end && in.n < most)
			return EAR_MORE;
		*used = end ? (size_t)(end - in.p) + 1 : in.n;
		*s = (struct ear_rpc_split){0};
		return EAR_BAD;
	}
	while (s->depth > 0 && s->at < in.n) {
		step(s, in.p[s->at++]);
		if (s->depth > EAR_RPC_DEPTH || s->at > most)
			return EAR_LIMIT;
		if (s->depth == 0) {
			*used = s->at;
			*s = (struct ear_rpc_split){0};
			return EAR_OK;
		}
	}
	return in.n >= most ? EAR_LIMIT : EAR_MORE;
}

static void open_answer(struct ear_json *j)
{
	ear_json_open(j, '{');
	ear_json_kstr(j, "jsonrpc", EAR_S("2.0"));
}

/* The id as it was sent: text, number or null. */
static void close_answer(struct ear_json *j, const json_t *id)
{
	char *text = NULL;

	ear_json_key(j, "id");
	if (json_is_string(id)) {
		ear_json_str(j, ear_slice(json_string_value(id),
					json_string_length(id)));
	} else if (json_is_number(id)) {
		text = json_dumps(id, JSON_ENCODE_ANY);
		ear_buf_str(j->out, text ? text : "null");
		free(text);
	} else {
		ear_json_null(j);
	}
	ear_json_close(j, '}');
}

/* @param offset into a text among the parameters; 0: none, or its begin */
static void write_error(struct ear_json *j, int code, const char *text,
	size_t offset, const json_t *id)
{
	open_answer(j);
	ear_json_key(j, "error");
	ear_json_open(j, '{');
	ear_json_key(j, "code");
	ear_json_i64(j, code);
	ear_json_kstr(j, "message", ear_slice_str(text));
	if (offset) {
		ear_json_key(j, "data");
		ear_json_open(j, '{');
		ear_json_ku64(j, "offset", offset);
		ear_json_close(j, '}');
	}
	ear_json_close(j, '}');
	close_answer(j, id);
}

void ear_rpc_refuse(struct ear_buf *out, int code, const char *text)
{
	struct ear_json j = ear_json(out);

	write_error(&j, code, text, 0, NULL);
	ear_buf_str(out, "\n");
}

static void list_methods(
	const struct ear_rpc_table *tables, size_t n, struct ear_json *j)
{
	ear_json_open(j, '[');
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			const struct ear_rpc_method *m = &tables[t].methods[i];

			ear_json_open(j, '{');
			ear_json_kstr(j, "name", ear_slice_str(m->name));
			ear_json_kstr(j, "help", ear_slice_str(m->help));
			ear_json_close(j, '}');
		}
	}
	ear_json_open(j, '{');
	ear_json_kstr(j, "name", EAR_S("rpc.list"));
	ear_json_kstr(j, "help", EAR_S("these names"));
	ear_json_close(j, '}');
	ear_json_close(j, ']');
}

static const struct ear_rpc_method *find_method(
	const struct ear_rpc_table *tables, size_t n, const char *name,
	void **arg)
{
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			*arg = tables[t].arg;
			if (strcmp(tables[t].methods[i].name, name) == 0)
				return &tables[t].methods[i];
		}
	}
	return NULL;
}

static int code_of(enum ear_err err)
{
	switch (err) {
	case EAR_USAGE: return EAR_RPC_PARAMS;
	case EAR_NOMEM: return EAR_RPC_INTERNAL;
	default: return EAR_RPC_FAILED;
	}
}

/* The method that a wrong name looks most like. */
static const char *nearest(
	const struct ear_rpc_table *tables, size_t n, const char *name)
{
	const char *near = NULL;
	unsigned least = ~0u, distance;

	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			const char *known = tables[t].methods[i].name;

			if (ear_word_alike(ear_slice_str(name),
				    ear_slice_str(known), &distance) &&
				distance < least) {
				least = distance;
				near = known;
			}
		}
	}
	return near;
}

/* @return 0, or the code of the error */
static int call_method(const struct ear_rpc_table *tables, size_t n,
	const char *name, struct ear_rpc_call *call, struct ear_json *result,
	struct ear_fault *fault)
{
	const struct ear_rpc_method *m =
		find_method(tables, n, name, &call->arg);
	enum ear_err err;

	if (strcmp(name, "rpc.list") == 0) {
		list_methods(tables, n, result);
		return 0;
	}
	if (!m) {
		const char *near = nearest(tables, n, name);

		ear_fail(fault, EAR_GONE, 0,
			"there is no method '%.80s'; %s%s%s", name,
			near ? "do you mean " : "rpc.list names them",
			near ? near : "", near ? "?" : "");
		return EAR_RPC_NO_METHOD;
	}
	err = m->fn(call, result, fault);
	if (!err && result->out->err)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (err && !fault->text[0])
		ear_fail(fault, err, 0, "%s", ear_err_name(err));
	return !err ? 0 : m->code ? m->code : code_of(err);
}

static bool is_request(const json_t *request)
{
	const json_t *version = json_object_get(request, "jsonrpc");
	const json_t *params = json_object_get(request, "params");
	const json_t *id = json_object_get(request, "id");

	return json_is_string(version) &&
	       strcmp(json_string_value(version), "2.0") == 0 &&
	       json_is_string(json_object_get(request, "method")) &&
	       (!params || json_is_object(params) || json_is_array(params)) &&
	       (!id || json_is_string(id) || json_is_number(id) ||
		       json_is_null(id));
}

static void answer_one(const struct ear_rpc_table *tables, size_t n,
	const char *by, const json_t *request, struct ear_json *j)
{
	const json_t *id = json_object_get(request, "id");
	struct ear_rpc_call call = {
		.params = json_object_get(request, "params"), .by = by};
	struct ear_buf result = {0};
	struct ear_json rj = ear_json(&result);
	struct ear_fault fault = {0};
	int code;

	if (!is_request(request)) {
		write_error(j, EAR_RPC_INVALID, "not a JSON-RPC 2.0 request", 0,
			NULL);
		return;
	}
	code = call_method(tables, n,
		json_string_value(json_object_get(request, "method")), &call,
		&rj, &fault);
	if (id && code) {
		write_error(j, code, fault.text, fault.offset, id);
	} else if (id) {
		open_answer(j);
		ear_json_key(j, "result");
		ear_json_raw(j, ear_buf_view(&result));
		close_answer(j, id);
	}
	ear_buf_fini(&result);
}

static void answer_batch(const struct ear_rpc_table *tables, size_t n,
	const char *by, const json_t *batch, struct ear_json *j)
{
	size_t at = j->out->n, empty;

	if (json_array_size(batch) == 0 ||
		json_array_size(batch) > EAR_RPC_BATCH) {
		write_error(j, EAR_RPC_INVALID, "a batch has 1 to 64 requests",
			0, NULL);
		return;
	}
	ear_json_open(j, '[');
	empty = j->out->n;
	for (size_t i = 0; i < json_array_size(batch); i++)
		answer_one(tables, n, by, json_array_get(batch, i), j);
	if (j->out->n == empty)
		j->out->n = at; /* all were notifications: no answer */
	else
		ear_json_close(j, ']');
}

void ear_rpc_answer(const struct ear_rpc_table *tables, size_t n,
	const char *by, struct ear_slice request, struct ear_buf *out)
{
	struct ear_json j = ear_json(out);
	json_error_t error;
	json_t *root = json_loadb(
		request.p, request.n, JSON_REJECT_DUPLICATES, &error);
	size_t at = out->n;

	if (!root)
		write_error(&j, EAR_RPC_PARSE, error.text, 0, NULL);
	else if (json_is_array(root))
		answer_batch(tables, n, by, root, &j);
	else
		answer_one(tables, n, by, root, &j);
	json_decref(root);
	if (out->n > at)
		ear_buf_str(out, "\n");
}
