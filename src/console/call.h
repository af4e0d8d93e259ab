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
#include <jansson.h>

#include "base/addr.h"
#include "base/json.h"
#include "console/pool.h"
#include "console/session.h"
#include "console/token.h"
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
	void (*fn)(struct ear_call *call); /**< what a pool runs of it */

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
	struct ear_addr from;       /**< the client; behind a trusted proxy */
	struct ear_addr peer;       /**< of the connection */
	bool tls;                   /**< to us, or to a trusted proxy */
	struct ear_user user;       /**< role none: not logged in */
	char token[EAR_TOKEN_TEXT]; /**< of the session */
	uint64_t api_token;         /**< its number; 0: by cookie */
	unsigned scopes;            /**< of that token; 0 all */
	char by[EAR_TOKEN_NAME_MAX + EAR_USER_NAME_MAX + 16]; /**< who, for
					people: "sara", "sara (token ci)" */
	bool stop; /**< the client left, or we end; read with ear_call_stop */

	/* the answer */
	int status;       /**< default 200 */
	const char *type; /**< default application/json */
	struct ear_buf out;
	char cookie[192]; /**< Set-Cookie; "" none */
	unsigned retry_after_s;
	const char *etag;     /**< borrowed; NULL none */
	const char *encoding; /**< Content-Encoding; NULL none */

	/* for the audit trail */
	const char *action; /**< NULL: nothing to note */
	bool look;
	struct ear_buf object, detail;
};

/** Writes into call->out. */
static inline struct ear_json ear_call_json(struct ear_call *call)
{
	return ear_json(&call->out);
}

/** A query parameter; the empty slice when it is not there. */
struct ear_slice ear_call_arg(const struct ear_call *call, const char *name);

/** A text as an expression has it: in quotes, what would end it escaped. */
void ear_call_quote(struct ear_slice text, struct ear_buf *out);

/** A number from the query. @return false, and the answer is an error */
bool ear_call_number(struct ear_call *call, const char *name, uint64_t least,
	uint64_t most, uint64_t absent, uint64_t *value);

/** A time from the query. @return false, and the answer is an error */
bool ear_call_time(struct ear_call *call, const char *name, uint64_t now_ns,
	uint64_t absent, uint64_t *at_ns);

/** The body, a JSON object; the caller's to free. @return NULL, and the answer
 *  is an error */
json_t *ear_call_object(struct ear_call *call);

/** Answer {"error": …}; replaces what was written. */
void ear_call_fail(struct ear_call *call, int status, const char *format, ...)
	EAR_PRINTF(3, 4);

/** The same for an error of ours or of the expression (with its offset). */
void ear_call_fault(
	struct ear_call *call, enum ear_err err, const struct ear_fault *fault);

/** One more header of the answer. Loop only. */
void ear_call_header(
	struct ear_call *call, const char *name, const char *value);
/** It is a file: earshot-NAME-TIME.SUFFIX. Loop only. */
void ear_call_attach(struct ear_call *call, const char *name,
	const char *suffix, uint64_t now_ns);
/** Count the answer, and note in the audit trail what it gave. Loop only. */
void ear_call_ended(struct ear_call *call);
/** The same for what was asked wrongly but in no expression. */
void ear_call_refuse(
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
