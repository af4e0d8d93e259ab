/* SPDX-License-Identifier: Apache-2.0 */
/** The console behind its face, and what its files do for one another. */
#ifndef EAR_CONSOLE_PRIV_H
#define EAR_CONSOLE_PRIV_H

#include <event2/event.h>
#include <pthread.h>

#include "console/audit.h"
#include "console/call.h"
#include "console/conns.h"
#include "console/console.h"
#include "console/throttle.h"
#include "console/token.h"

struct ear_field_set;

/** Where a handler runs. */
enum ear_where {
	EAR_ON_LOOP,     /**< quick */
	EAR_ON_SEARCHES, /**< may take as long as a search */
	EAR_ON_LOOKUPS,  /**< asks for little: not behind the searches */
	EAR_ON_ACCOUNTS, /**< hashes passwords, writes users.db */
	EAR_ON_ITS_OWN,  /**< on the loop; answers in pieces, itself */
};

enum ear_route_flag {
	EAR_ROUTE_UNCHANGED = 1, /**< also while a password must be changed */
	EAR_ROUTE_BY_HAND = 2,   /**< not for tokens */
};

struct ear_route {
	const char *method; /**< GET (and HEAD) or POST */
	const char *path;   /**< ends in "/": what follows is call->rest */
	enum ear_role role; /**< the least; none: nobody need be logged in */
	unsigned scope;     /**< enum ear_token_scope that a token needs */
	enum ear_where where;
	unsigned flags; /**< enum ear_route_flag */
	void (*fn)(struct ear_call *call);
	int of; /**< enum ear_rows_of, where the handler is for several */
	/** May this one come in without a log-in? NULL: by role. */
	bool (*open)(struct ear_call *call);
};

/** All routes, for tests. */
const struct ear_route *ear_routes(size_t *n);

/** The table. @param[out] other a route of this path, but another method */
const struct ear_route *ear_route_find(const char *method,
	struct ear_slice path, struct ear_slice *rest, bool *other);

struct ear_follow;

/** What was answered since the start; any thread may add. */
struct ear_console_counts {
	_Atomic uint64_t answers[6]; /**< by first digit of the status */
	_Atomic uint64_t logins, failures, locks;
	_Atomic uint64_t streamed; /**< exports and CSVs begun */
};

/** Tokens that were used a moment ago, from where; the loop's. */
struct ear_token_use {
	uint64_t id;
	struct ear_addr from;
	uint64_t noted; /**< monotonic; when the access event was made */
	uint64_t used;  /**< the same; when last_used was written */
};
#define EAR_TOKEN_USES 256

struct ear_console {
	struct ear_console_options o;
	json_t *api; /**< docs/openapi.json */
	char url[96];
	char first_password[EAR_PASSWORD_TEXT];
	struct ear_addr bound;
	SSL_CTX *tls;

	struct event_base *base;
	struct evhttp *http;
	struct ear_conns *conns;
	struct event *mail; /**< mail_fd became readable */
	struct event *tick;
	struct ear_call *calls; /**< in flight */
	size_t unsent;          /**< bytes of answers not yet sent */
	pthread_t thread;
	bool running;
	uint64_t next_expiry; /**< of sessions to be looked for */

	int mail_fd; /**< eventfd */
	pthread_mutex_t mail_lock;
	struct ear_post *posts;
	struct ear_post **posts_last;
	bool ending;

	struct ear_pool *searches;
	struct ear_pool *lookups;
	struct ear_pool *exports;
	struct ear_pool *accounts; /**< one thread: it owns users_work */
	struct ear_users *users;   /**< the loop's, for looking up */
	struct ear_users *users_work;
	struct ear_sessions *sessions;
	struct ear_throttle *throttle;
	struct ear_follow *follow;
	struct ear_console_counts counts;
	struct ear_token_use token_uses[EAR_TOKEN_USES];
};

/** Have the loop call post->fn, soon, in order. Any thread. */
void ear_console_post(struct ear_console *c, struct ear_post *post);

/**
 * Run a handler on one of the pools and send its answer; loop only. Refuses
 * where too much waits.
 */
void ear_call_on(struct ear_call *call, struct ear_pool *pool,
	void (*fn)(struct ear_call *call));

/** evhttp's callback for each request. */
void ear_dispatch(struct evhttp_request *http, void *arg);

/** May this request come in at all? else the answer is an error. */
bool ear_door_host(struct ear_call *call);
/** Who is it; may they use the route? else the answer is an error. */
bool ear_door_enter(struct ear_call *call);

/** May a token's scopes do this, too? else the answer is an error. */
bool ear_door_scope(struct ear_call *call, unsigned scope);

/** Who really asks, where the connection is a trusted proxy's. */
void ear_door_forwarded(struct ear_call *call);

/** May a call that goes on and on still? The session is not used by it. */
bool ear_door_still(struct ear_call *call);

/** Keep an access event; on the accounts pool, or the loop's way there. */
void ear_console_event(struct ear_console *c, enum ear_web_event_type type,
	const char *name, const struct ear_addr *from);

/** The time of a token's last use; on its way to the accounts pool. */
void ear_console_token_used(struct ear_console *c, uint64_t id);

/**
 * Note in the audit trail what this call did, when its answer is a good one.
 *
 * @param action borrowed; a literal
 * @param look   it changes nothing
 */
void ear_call_audit(struct ear_call *call, const char *action, bool look,
	struct ear_slice object, struct ear_slice detail);

/* handlers, by file */
void ear_auth_login(struct ear_call *call);
void ear_auth_logout(struct ear_call *call);
void ear_auth_password(struct ear_call *call);
void ear_auth_me(struct ear_call *call);
void ear_fields_list(struct ear_call *call);
void ear_fields_check(struct ear_call *call);
/** Answer whether the filter "q" is one over these fields. */
void ear_check_filter(struct ear_call *call, const struct ear_field_set *set);
void ear_search_messages(struct ear_call *call);
void ear_search_histogram(struct ear_call *call);
void ear_search_message(struct ear_call *call);
void ear_conversation_show(struct ear_call *call);
void ear_export_start(struct ear_call *call);
void ear_follow_start(struct ear_call *call);
void ear_status_show(struct ear_call *call);
void ear_status_health(struct ear_call *call);
void ear_traces_list_route(struct ear_call *call);
void ear_traces_start_route(struct ear_call *call);
void ear_traces_change_route(struct ear_call *call);
void ear_mirrors_list_route(struct ear_call *call);
void ear_siptrace_route(struct ear_call *call);
void ear_asset_serve(struct ear_call *call);
void ear_list_route(struct ear_call *call);
void ear_list_part_route(struct ear_call *call);
void ear_list_columns_route(struct ear_call *call);
void ear_users_list_route(struct ear_call *call);
void ear_users_add_route(struct ear_call *call);
void ear_users_change_route(struct ear_call *call);
void ear_tokens_list_route(struct ear_call *call);
void ear_tokens_add_route(struct ear_call *call);
void ear_tokens_change_route(struct ear_call *call);
void ear_openapi_route(struct ear_call *call);
void ear_metrics_route(struct ear_call *call);
bool ear_metrics_open(struct ear_call *call);

/** Read the document of the API. */
EAR_MUST_USE enum ear_err ear_openapi_load(
	struct ear_console *c, struct ear_fault *fault);
/** Are all query parameters such as the document has, once each? else the
 *  answer is an error that names one. Loop only. */
bool ear_openapi_query(struct ear_call *call);

/* follow.c's life */
EAR_MUST_USE enum ear_err ear_follow_new(
	struct ear_console *c, struct ear_follow **follow);
/** Ends its thread; the followers stay until their calls end. */
void ear_follow_stop(struct ear_follow *follow);
void ear_follow_free(struct ear_follow **follow);

#endif
