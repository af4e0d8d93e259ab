/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by tcp_stream.c (the table) and tcp_half.c (one direction). */
#ifndef EAR_PROTO_TCP_PRIV_H
#define EAR_PROTO_TCP_PRIV_H

#include "proto/tcp_stream.h"

/** A segment that waits for those before it. */
struct ear_tcp_segment {
	struct ear_tcp_segment *after;
	uint64_t at_ns;
	uint32_t seq;
	uint32_t n;       /**< bytes here */
	uint32_t missing; /**< bytes not captured behind them */
	char bytes[];
};

struct ear_tcp {
	struct ear_tcp_options options;
	struct ear_tcp_events events;
	void *arg;
	struct ear_tcp_stats stats;
	size_t held;  /**< bytes in rests and waiting segments */
	size_t count; /**< connections */
	size_t mask;  /**< buckets - 1 */
	uint64_t expire_ns;
	struct ear_tcp_conn *oldest, *newest;
	struct ear_tcp_conn **bucket;
};

/** Take the payload of a segment that begins at seq. */
void ear_tcp_half_take(
	struct ear_tcp *t, struct ear_tcp_half *h, const struct ear_ip_unit *u);

/** The other end has acknowledged up to ack. */
void ear_tcp_half_acked(struct ear_tcp *t, struct ear_tcp_half *h, uint32_t ack,
	uint64_t at_ns);

/** Pass over holes that were waited for long enough. */
void ear_tcp_half_tick(
	struct ear_tcp *t, struct ear_tcp_half *h, uint64_t at_ns);

/** Say that a connection is over, once. */
void ear_tcp_over(struct ear_tcp *t, struct ear_tcp_conn *c,
	enum ear_tcp_end how, uint64_t at_ns);

/**
 * Another connection on the same ports begins: ends that before.
 *
 * @param opener half[] that opens it; -1: not known
 */
void ear_tcp_renew(
	struct ear_tcp *t, struct ear_tcp_conn *c, int opener, uint64_t at_ns);

/** Deliver what waits, end the stream, forget all; closed stays as it is. */
void ear_tcp_half_end(struct ear_tcp *t, struct ear_tcp_half *h);

#endif
