/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The connections of the HTTP server. evhttp has no limit on their number and
 * restarts its clock with every byte; this bounds both: how many there are,
 * and how long a client may take over one request, however it drips.
 *
 * All of it belongs to the event loop's thread.
 */
#ifndef EAR_CONSOLE_CONNS_H
#define EAR_CONSOLE_CONNS_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <stdint.h>

#include "base/err.h"

struct ear_conns;

/**
 * @param most     connections at once
 * @param head_ns  for a whole request, from its first byte; also from accept
 * @param listener borrowed; paused while there are too many
 * @param tls      borrowed; NULL for plain
 */
EAR_MUST_USE enum ear_err ear_conns_new(unsigned most, uint64_t head_ns,
	struct evconnlistener *listener, SSL_CTX *tls,
	struct ear_conns **conns);

/** Another context for connections to come. @param tls borrowed */
void ear_conns_tls(struct ear_conns *conns, SSL_CTX *tls);

/** After evhttp_free(). */
void ear_conns_free(struct ear_conns **conns);

/** For evhttp_set_bevcb(); arg is the struct ear_conns. */
struct bufferevent *ear_conns_make(struct event_base *base, void *arg);

/** A whole request came; its answer is on its way. */
void ear_conns_busy(struct ear_conns *conns, struct bufferevent *bev);
/** The answer is out. */
void ear_conns_idle(struct ear_conns *conns, struct bufferevent *bev);

/** Call a few times a second: ends the slow, forgets the gone. */
void ear_conns_sweep(struct ear_conns *conns, uint64_t now);

#endif
