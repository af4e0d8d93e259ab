/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the TCP listener share: hep_tcp.c opens and closes it,
 * hep_serve.c is its threads, hep_accept.c takes connections on.
 *
 * Epoll as it is, without libevent: each thread has one set, three kinds of
 * events and nothing to schedule, and the thread must know when a batch is
 * over to flush its intake once.
 */
#ifndef EAR_TAP_HEP_SERVE_H
#define EAR_TAP_HEP_SERVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "tap/hep_conn.h"
#include "tap/hep_tcp.h"

struct hep_server {
	struct ear_tap_tcp *tap;
	struct hep_conn_ground ground;
	pthread_t thread;
	bool started;
	int fd;           /* listens */
	int epoll;        /* data.ptr: a connection, &fd, or &tap->wake */
	bool deaf;        /* not accepting: out of descriptors, till a sweep */
	bool more;        /* some connection has more than its budget */
	unsigned changes; /* of the allow-list, when all were held to it */
	struct hep_conn *conns;
	struct hep_conn *askers; /* those of them that are told */
	bool owing;              /* some asker is not told yet */
	uint64_t owed;           /* packets of askers since they were told */
	uint64_t told_ns;        /* monotonic; when they last were */
	uint64_t refused;        /* of the intake, at that time */
	char *room;
};

struct ear_tap_tcp {
	struct hep_gate gate;
	uint32_t threads;
	uint32_t max_connections;
	uint64_t sweep_ns;
	_Atomic uint32_t connections;
	int wake;
	atomic_bool stop;
	SSL_CTX *tls;
	struct hep_server *server;
};

/** epoll_ctl() on the thread's set. */
static inline int hep_server_watch(
	struct hep_server *s, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event e = {.events = events, .data.ptr = ptr};

	return epoll_ctl(s->epoll, op, fd, &e);
}

/** Take on who waits, as far as allow-list and limits let them. */
void hep_accept(struct hep_server *server);

/** A thread, until the tap stops. @param arg struct hep_server */
void *hep_serve(void *arg);

#endif
