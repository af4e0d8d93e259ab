/* SPDX-License-Identifier: Apache-2.0 */
/* GET openapi.json: the document of the API, for programs; and what it says of
 * query parameters, held against each request. */
#include "console/openapi.h"

#include "console/params.h"
#include "console/priv.h"

/* Most query parameters of one request. */
#define QUERY_MAX 24

void ear_openapi_route(struct ear_call *call)
{
	ear_buf_add(&call->out, ear_openapi, ear_openapi_n);
}

enum ear_err ear_openapi_load(struct ear_console *c, struct ear_fault *fault)
{
	json_t *root =
		json_loadb((const char *)ear_openapi, ear_openapi_n, 0, NULL);

	c->api = json_incref(json_object_get(root, "paths"));
	json_decref(root);
	return c->api ? EAR_OK : ear_fail(fault, EAR_NOMEM, 0, "out of memory");
}

/* Of a path as /api/v1/calls/{id}: a name in braces is one segment. */
static bool is_path(struct ear_slice own, struct ear_slice path)
{
	while (own.n && path.n) {
		size_t a = ear_slice_find(own, EAR_S("/"));
		size_t b = ear_slice_find(path, EAR_S("/"));

		if (own.p[0] != '{' && !ear_slice_eq(ear_slice_sub(own, 0, a),
					       ear_slice_sub(path, 0, b)))
			return false;
		own = ear_slice_sub(own, a < own.n ? a + 1 : a, own.n);
		path = ear_slice_sub(path, b < path.n ? b + 1 : b, path.n);
	}
	return !own.n && !path.n;
}

/* @return NULL: the document has no such path, as of the page's files */
static const json_t *operation(const struct ear_call *call)
{
	const char *method =
		strcmp(call->route->method, "POST") == 0 ? "post" : "get";
	const json_t *paths = call->console->api;
	const json_t *found = json_object_get(paths, call->path);
	const char *own;
	json_t *one;

	if (found)
		return json_object_get(found, method);
	json_object_foreach((json_t *)paths, own, one)
	{
		if (is_path(ear_slice_str(own), ear_slice_str(call->path)) &&
			json_object_get(one, method))
			return json_object_get(one, method);
	}
	return NULL;
}

static size_t names_of(const json_t *op, struct ear_param table[QUERY_MAX])
{
	json_t *parameters = json_object_get(op, "parameters"), *p;
	size_t i, n = 0;

	json_array_foreach(parameters, i, p)
	{
		const char *in = json_string_value(json_object_get(p, "in"));
		const char *name =
			json_string_value(json_object_get(p, "name"));

		if (in && name && strcmp(in, "query") == 0 && n < QUERY_MAX)
			table[n++].name = name;
	}
	return n;
}

bool ear_openapi_query(struct ear_call *call)
{
	struct ear_param table[QUERY_MAX] = {{0}};
	bool seen[QUERY_MAX] = {false};
	struct ear_fault fault = {0};
	const struct evkeyval *q = call->query.tqh_first;
	const json_t *op;
	size_t n, i;

	op = q ? operation(call) : NULL;
	if (!op)
		return true;
	n = names_of(op, table);
	for (; q; q = q->next.tqe_next) {
		for (i = 0; i < n && strcmp(q->key, table[i].name) != 0; i++)
			;
		if (i == n) {
			(void)!ear_params_unknown(q->key, table, n, &fault);
			ear_call_fail(call, 400, "%s", fault.text);
			return false;
		}
		if (seen[i]) {
			ear_call_fail(call, 400, "%s stands there twice",
				table[i].name);
			return false;
		}
		seen[i] = true;
	}
	return true;
}
