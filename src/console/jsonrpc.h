/* SPDX-License-Identifier: Apache-2.0 */
/**
 * JSON-RPC 2.0 without a transport: cuts a stream of bytes into JSON values
 * and answers a request from tables of methods.
 */
#ifndef EAR_CONSOLE_JSONRPC_H
#define EAR_CONSOLE_JSONRPC_H

#include <jansson.h>

#include "base/json.h"

/** Most bytes of a request, deepest nesting, most requests in a batch. */
#define EAR_RPC_BYTES (1u << 20)
#define EAR_RPC_DEPTH 64
#define EAR_RPC_BATCH 64

/** Where a stream of values stands between two reads. Zero it first. */
struct ear_rpc_split {
	size_t at;      /**< bytes of the buffer looked at */
	unsigned depth; /**< open brackets */
	bool string;    /**< inside one */
	bool escape;    /**< behind its backslash */
};

/**
 * Find the end of the first value in a growing buffer. Blanks and newlines
 * between values are passed over; only objects and arrays begin a value.
 *
 * @param[in]  in   all bytes not yet consumed
 * @param      most longest value
 * @param[out] used on EAR_OK: bytes up to the end of the value; on EAR_BAD:
 *                  bytes to drop to come to the next line
 * @return EAR_OK: a value; EAR_MORE; EAR_BAD: something else stands there;
 *         EAR_LIMIT: too long or too deep, the stream is lost
 */
EAR_MUST_USE enum ear_err ear_rpc_next(struct ear_rpc_split *split,
	struct ear_slice in, size_t most, size_t *used);

/** One request, for its method. */
struct ear_rpc_call {
	const json_t *params; /**< object or array; NULL when absent */
	const char *by;       /**< who asks, as "alice (control)" */
	void *arg;            /**< of the method's table */
};

/**
 * One method: writes one JSON value as its result.
 *
 * @return EAR_OK; EAR_USAGE: wrong parameters, with an offset into a text
 *         among them; others: it failed. The fault's text goes to the caller.
 */
typedef enum ear_err (*ear_rpc_fn)(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault);

struct ear_rpc_method {
	const char *name;
	ear_rpc_fn fn;
	const char *help; /**< one line */
	int code;         /**< of all its errors; 0: by the error */
};

struct ear_rpc_table {
	const struct ear_rpc_method *methods;
	size_t n;
	void *arg; /**< handed to its methods */
};

/**
 * Answer one request or batch. Writes one line, or nothing when all of it
 * were notifications. rpc.list is answered here.
 *
 * @param by who asks
 */
void ear_rpc_answer(const struct ear_rpc_table *tables, size_t n,
	const char *by, struct ear_slice request, struct ear_buf *out);

/** The answer to what could not be read. */
void ear_rpc_refuse(struct ear_buf *out, int code, const char *text);

/** Codes of the specification, section 5.1, and ours. */
enum ear_rpc_code {
	EAR_RPC_PARSE = -32700,
	EAR_RPC_INVALID = -32600,
	EAR_RPC_NO_METHOD = -32601,
	EAR_RPC_PARAMS = -32602,
	EAR_RPC_INTERNAL = -32603,
	EAR_RPC_FAILED = -32000, /**< the method could not do it */
	EAR_RPC_BUSY = -32001,   /**< there are too many clients */
};

#endif
