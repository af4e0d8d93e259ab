/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Everything that runs in `earshot serve` but the console: store, journal,
 * pump, listeners, and the keeper that applies retention.
 */
#ifndef EAR_FLOW_SERVER_H
#define EAR_FLOW_SERVER_H

#include "base/json.h"
#include "flow/capture.h"
#include "flow/notices.h"
#include "flow/rules.h"
#include "flow/tracking.h"
#include "journal/journal.h"
#include "store/store.h"

/** One listener. Strings are copied. */
struct ear_listener {
	const char *name;      /**< from the configuration; unique */
	const char *transport; /**< "udp", "tcp" or "tls" */
	struct ear_addr address;
	uint32_t threads;     /**< 1..64 */
	const char *auth_key; /**< "" asks for none */
	const struct ear_net *allow;
	size_t allow_n; /**< 0 takes from all */
	uint64_t receive_buffer;
	const char *certificate; /**< tls: PEM files */
	const char *private_key;
	uint32_t max_connections;
	uint64_t idle_ns;
	/** one of the defaults: a port that is taken is told, not fatal */
	bool optional;
	const struct ear_capture_spec *capture; /**< for flow/capture.c; NULL */
};

struct ear_server_options {
	const char *data_dir;
	const struct ear_store_ops *store_ops;
	struct ear_store_options store;     /**< dir is filled in */
	struct ear_journal_options journal; /**< dir is filled in */
	bool mask_secrets;
	const struct ear_rules_spec *rules;      /**< NULL: none, all is kept */
	const struct ear_capture_spec *captures; /**< borrowed */
	size_t n_captures;
	/** to become, once devices are open; "" or NULL: nobody else */
	const char *user;
	struct ear_tracking_spec tracking;
};

/** Words or a message that a program of ours puts into the record. */
struct ear_event {
	struct ear_slice text;        /**< log text (hlog), or a message */
	bool sip;                     /**< a message (sip_trace_msg) */
	struct ear_slice correlation; /**< Call-ID it belongs to; may be "" */
	struct ear_addr src, dst;     /**< may be unknown */
	uint8_t transport;            /**< enum ear_transport */
	uint8_t direction;            /**< enum ear_direction */
};

struct ear_server;

/**
 * Open devices to capture from, become options->user, then open store,
 * journal and pump; nothing listens yet.
 */
EAR_MUST_USE enum ear_err ear_server_open(
	const struct ear_server_options *options, struct ear_server **server,
	struct ear_fault *fault);

/** Add and open a listener; before ear_server_start(). */
EAR_MUST_USE enum ear_err ear_server_listen(struct ear_server *server,
	const struct ear_listener *listener, struct ear_fault *fault);

/** Start the captures; before ear_server_start(), behind all listeners. */
EAR_MUST_USE enum ear_err ear_server_capture(
	struct ear_server *server, struct ear_fault *fault);

/** Start the pump and the keeper. */
EAR_MUST_USE enum ear_err ear_server_start(
	struct ear_server *server, struct ear_fault *fault);

/** Close the listeners, empty the journal into the store, close all. */
void ear_server_close(struct ear_server **server);

/**
 * Bring what a journal holds into the store, where no server runs: what a
 * killed one had accepted. Does nothing when the journal is empty.
 *
 * @return EAR_OK; EAR_FULL when a server runs, whose work it is; else as
 *         ear_server_open()
 */
EAR_MUST_USE enum ear_err ear_server_recover(
	const struct ear_server_options *options, struct ear_fault *fault);

/**
 * Another configuration, applied as a whole or not at all while messages
 * flow: rules, listeners (new ones open, others close after what they hold is
 * taken; allow-lists and keys change in place), retention, masking. What only
 * a restart can change stays as it was.
 *
 * @param[out] told one line for each key that needs a restart; appended
 * @return EAR_OK; else the fault says what is wrong, and nothing was changed
 */
EAR_MUST_USE enum ear_err ear_server_reload(struct ear_server *server,
	const struct ear_server_options *options,
	const struct ear_listener *listeners, size_t n, struct ear_buf *told,
	struct ear_fault *fault);

/**
 * Put an event into the record: it goes the way of a received message, from
 * the journal on. Any thread.
 *
 * @return EAR_OK; EAR_FULL: no room in the journal; EAR_USAGE: too long
 */
EAR_MUST_USE enum ear_err ear_server_event(struct ear_server *server,
	const struct ear_event *event, struct ear_fault *fault);

/* Its parts, as long as it is open. */

/** NULL when a configuration has none. */
struct ear_rules *ear_server_rules(struct ear_server *server);
struct ear_store *ear_server_store(struct ear_server *server);
/** NULL when none are kept. */
struct ear_records *ear_server_records(struct ear_server *server);
struct ear_notices *ear_server_notices(struct ear_server *server);
struct ear_ledger *ear_server_ledger(struct ear_server *server);

/** How many listeners are open; captures are none. */
size_t ear_server_listeners(struct ear_server *server);

/** One of them. */
struct ear_listening {
	char name[48];
	char transport[8];
	struct ear_addr address; /**< as bound */
};
/** @return false when there is none of this number */
bool ear_server_listener(
	struct ear_server *server, size_t i, struct ear_listening *out);

/**
 * What was lost in the span that an answer was searched in, or is not in the
 * store yet, makes it incomplete, and is added to why. Threads: any.
 *
 * @param arg the server
 */
void ear_server_tell(struct ear_found *found, void *arg);

/** The members of the status object. Threads: any. arg: the server. */
void ear_server_status(struct ear_json *j, void *arg);

#endif
