/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The console's server: the HTTP API of docs/api.md and the page itself, on
 * libevent's evhttp, in threads of its own.
 *
 *     struct ear_console_options o = {.dir = dir, .store = store, …};
 *     if (ear_console_open(&o, &console, &fault)) …
 *     printf("console: %s\n", ear_console_url(console));
 *     …
 *     ear_console_close(&console);
 */
#ifndef EAR_CONSOLE_CONSOLE_H
#define EAR_CONSOLE_CONSOLE_H

#include "base/addr.h"
#include "base/json.h"
#include "console/asset.h"
#include "console/users.h"
#include "store/store.h"

struct ear_audit;
struct ear_records;
struct ear_rules;

/** Who may read /metrics without being logged in. */
enum ear_metrics_for {
	EAR_METRICS_LOCAL, /**< who is on this machine */
	EAR_METRICS_TOKEN, /**< nobody */
	EAR_METRICS_OPEN,  /**< everybody */
	EAR_METRICS_OFF,   /**< there are none */
};

/** By its word in the configuration. */
enum ear_metrics_for ear_metrics_for_of(struct ear_slice word);

struct ear_console_options {
	const char
		*listen; /**< "ip:port"; NULL is 127.0.0.1:9080; port 0 any */
	const char *dir; /**< data directory: users.db */
	const char *version;     /**< shown at log-in */
	struct ear_store *store; /**< borrowed; open while the console is */

	/** Writes the members of the status object, no braces. Any thread. */
	void (*status_json)(struct ear_json *j, void *arg);
	void *status_arg;

	/** Adds what an answer cannot know of: losses, backlog. Any thread. */
	void (*tell)(struct ear_found *found, void *arg);
	void *tell_arg;

	/** traces and mirrors, to look at and to change; NULL: there are none
	 */
	struct ear_rules *rules;

	/** sessions, accounts, calls, connections; NULL: none are kept */
	struct ear_records *records;
	struct ear_audit *audit; /**< NULL: nothing is noted */

	const struct ear_asset *assets; /**< the page; borrowed */
	size_t n_assets;

	/**
	 * Names under which browsers may reach us, beside the loopback ones
	 * and addresses: a page of another name is refused, as its owner may
	 * have pointed it here (DNS rebinding).
	 */
	const char *const *hosts;
	size_t n_hosts;

	bool with_tls; /**< also without a certificate: one is made in dir */
	const char *certificate; /**< PEM chain: serve TLS; NULL or "": plain */
	const char *private_key; /**< PEM */
	bool secure_cookie;      /**< behind a TLS proxy; implied by TLS */

	/** whose X-Forwarded-For and -Proto are believed; borrowed */
	const struct ear_net *proxies;
	size_t n_proxies;

	uint32_t lock_after;  /**< failures that lock a name from an address;
				   0 never */
	uint64_t lock_for_ns; /**< default 15 min */
	enum ear_metrics_for metrics;

	uint64_t session_idle_ns; /**< default 12 h, least 1 s */
	uint64_t session_max_ns;  /**< default 7 d */
	uint32_t search_ms;       /**< longest search; default 20000 */
	uint32_t head_ms;  /**< for a client to send a request; default 10000 */
	unsigned searches; /**< at once; default 4, most 64 */
	unsigned exports;  /**< at once; default 8, most 64 */
	unsigned followers;   /**< at once; default 32, most 256 */
	unsigned connections; /**< at once; default 256, 8..1024 */
};

struct ear_console;

/**
 * @return EAR_OK; EAR_USAGE: listen or TLS files will not do; EAR_SYS: the
 *         address cannot be had, or users.db
 */
EAR_MUST_USE enum ear_err ear_console_open(
	const struct ear_console_options *options, struct ear_console **console,
	struct ear_fault *fault);

/** Stops searches, ends connections, joins all threads. */
void ear_console_close(struct ear_console **console);

/**
 * Another certificate for connections that come from now on; from any thread
 * but not at the same time as the close.
 *
 * @return EAR_OK; EAR_USAGE: it does not serve TLS, which only a restart
 *         changes; else as ear_tls_server_new(), and nothing was changed
 */
EAR_MUST_USE enum ear_err ear_console_certificate(struct ear_console *console,
	const char *certificate, const char *private_key,
	struct ear_fault *fault);

/** Where it listens, as "http://127.0.0.1:9080/". */
const char *ear_console_url(const struct ear_console *console);

/**
 * The password of "admin", made because there was no user; "" otherwise. Show
 * it once; it has to be changed at the first log-in.
 */
const char *ear_console_first_password(const struct ear_console *console);

#endif
