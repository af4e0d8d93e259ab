/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One request and its answer, on its way through the console.
 *
 * A handler reads what was asked and writes status and out; where it runs
 * (on the event loop or a pool) is a column of its route, so it must not
 * touch `http`, which belongs to the loop.
 */
#ifndef EAR_CONSOLE_CALL_H
#define EAR_CONSOLE_CALL_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/addr.h"
#include "base/json.h"
#include "console/pool.h"
#include "console/session.h"
#include "console/users.h"
#include "store/store.h"

struct ear_console;
struct ear_call;

/** Something to be done on the event loop; see ear_console_post(). */
struct ear_post {
	struct ear_post *next;
	void (*fn)(struct ear_post *post);
};

/** A job for a pool of which the loop is told when it has run. */
struct ear_task {
	struct ear_job job;   /**< first: a pool hands it back */
	struct ear_post post; /**< from the pool to the loop */
};

struct ear_call {
	struct ear_task task; /**< first, as above */
	struct ear_console *console;
	const struct ear_route *route;

	/* the loop's */
	struct evhttp_request *http;
	struct ear_call *prev, *next;        /**< calls in flight */
	void (*gone)(struct ear_call *call); /**< the client left; or NULL */
	void *stream; /**< of a handler that answers in pieces */

	/* what was asked */
	struct evkeyvalq query;
	struct ear_slice rest; /**< of the path, behind that of the route */
	char *path;            /**< decoded; owned */
	struct ear_buf body;
	struct ear_addr from;
	struct ear_user user; /**< role none: not logged in */
	char token[EAR_TOKEN_TEXT];
	bool stop; /**< the client left, or we end; read with ear_call_stop */

	/* the answer */
	int status;       /**< default 200 */
	const char *type; /**< default application/json */
	struct ear_buf out;
	char cookie[192]; /**< Set-Cookie; "" none */
	unsigned retry_after_s;
	const char *etag;     /**< borrowed; NULL none */
	const char *encoding; /**< Content-Encoding; NULL none */
};

/** Writes into call->out. */
static inline struct ear_json ear_call_json(struct ear_call *call)
{
	return ear_json(&call->out);
}

/** A query parameter; the empty slice when it is not there. */
struct ear_slice ear_call_arg(const struct ear_call *call, const char *name);

/** A number from the query. @return false, and the answer is an error */
bool ear_call_number(struct ear_call *call, const char *name, uint64_t least,
	uint64_t most, uint64_t absent, uint64_t *value);

/** A time from the query. @return false, and the answer is an error */
bool ear_call_time(struct ear_call *call, const char *name, uint64_t now_ns,
	uint64_t absent, uint64_t *at_ns);

/** Answer {"error": …}; replaces what was written. */
void ear_call_fail(struct ear_call *call, int status, const char *format, ...)
	EAR_PRINTF(3, 4);

/** The same for an error of ours or of the expression (with its offset). */
void ear_call_fault(
	struct ear_call *call, enum ear_err err, const struct ear_fault *fault);

/** Headers that every answer has. Loop only. */
void ear_call_headers(struct ear_call *call);
/** Send status and out; frees the call. Loop only. */
void ear_call_send(struct ear_call *call);
/** Release a call whose request was answered. Loop only. */
void ear_call_free(struct ear_call *call);

/** The reason phrase for a status. */
const char *ear_http_reason(int status);

/** Tell the search of a call to stop. Any thread. */
void ear_call_stop(struct ear_call *call);

#endif
