/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Puts TCP segments back into streams: out of order, overlapping, repeated,
 * begun in the middle, with holes.
 *
 * The reader of a stream gets its bytes in order and says how many it used;
 * the rest is shown again with what follows. In the usual case, a message in
 * a segment, nothing is copied.
 *
 *     struct ear_tcp_events events = {.data = …, .gap = …, .end = …};
 *     ear_tcp_new(&options, &events, arg, &tcp);
 *     ear_tcp_segment(tcp, &unit);     for each TCP unit of ip_walk.h
 *     ear_tcp_end(tcp);
 *     ear_tcp_free(&tcp);
 *
 * Policies. Overlap: bytes already delivered stand; among segments that wait,
 * the one that begins first. A hole is waited for 10 s of packet time, 100 ms
 * once the other end has acknowledged it (the segment then reached it and
 * only the capture missed it), and while no more than hold_bytes wait behind
 * it; then it is a gap and the stream goes on. A SYN with a new number, or
 * numbers 1 MiB away from what is expected, begin a new connection.
 *
 * Connections. Of each it is told when it opens and how it ends. One
 * connection is one generation: a SYN with a new number on the same ports, or
 * numbers that cannot follow, end it (REUSED) and open the next. One whose
 * SYN was not seen opens with its first bytes. Over is a connection when
 * both sides have said FIN, one has and a minute passed in silence, one sent
 * RST, nothing was sent for idle_ns (IDLE), or one side went on sending the
 * same again for 32 s without a sign of the other (LOST: a plug was pulled;
 * 32 s is when SIP gives up, RFC 3261 s17.1.1.2).
 *
 * Bounded: connections and bytes held, each with a limit; the connection that
 * was silent longest goes first.
 *
 * Source: RFC 9293.
 */
#ifndef EAR_PROTO_TCP_STREAM_H
#define EAR_PROTO_TCP_STREAM_H

#include "base/buf.h"
#include "proto/ip_walk.h"

struct ear_tcp_options {
	size_t connections; /**< most at once; default 16384, least 16 */
	size_t hold_bytes;  /**< most kept per direction; default 256 KiB */
	size_t total_bytes; /**< most kept together; default 64 MiB */
	uint64_t idle_ns;   /**< silence that ends one; default 15 min */
};

struct ear_tcp_segment;
struct ear_tcp_conn;

/** One direction of a connection. The reader may use the first part. */
struct ear_tcp_half {
	struct ear_addr src; /**< who writes */
	struct ear_addr dst;
	uint64_t at_ns; /**< time of the packet whose bytes are shown */
	size_t want;    /**< set in data(): show again with that many bytes */
	void *user;     /**< the reader's, NULL at first; end() clears it */
	struct ear_tcp_half *peer; /**< the other direction */
	struct ear_tcp_conn *conn;
	uint64_t bytes; /**< payload of this generation, as far as known */

	/* The rest belongs to tcp_stream.c. */
	struct ear_buf rest;
	struct ear_tcp_segment *waiting; /* sorted by seq */
	size_t waiting_bytes;
	uint32_t waiting_count;
	uint32_t next; /* sequence number expected */
	uint32_t isn;
	uint32_t fin_at;
	uint64_t hole_ns;  /* when waiting began */
	uint64_t acked_ns; /* when the hole was acknowledged; 0 not yet */
	uint64_t tried_ns; /* first of tries */
	uint32_t tries;    /* sent again, and nothing came from the peer */
	bool synced, has_isn, fin, closed;
};

/** How a connection ended. */
enum ear_tcp_end {
	EAR_TCP_END_NONE,    /**< it lasts: the capture ended */
	EAR_TCP_END_FIN,     /**< both sides, or one and silence */
	EAR_TCP_END_RST,     /**< without a FIN before it */
	EAR_TCP_END_IDLE,    /**< silent for too long */
	EAR_TCP_END_LOST,    /**< one side does not answer any more */
	EAR_TCP_END_REUSED,  /**< another one has its ports */
	EAR_TCP_END_EVICTED, /**< no room to follow it */
};

/** A connection: both directions of one generation. */
struct ear_tcp_conn {
	struct ear_tcp_half half[2];
	void *shared;       /**< the reader's, NULL at first; forget() frees
				 it */
	uint64_t opened_ns; /**< SYN, else the first packet seen */
	uint64_t ended_ns;  /**< in closed(): when */
	int8_t opener;      /**< half[] that opened it; -1: no SYN was seen */
	int8_t ender;       /**< half[] that ended it: said FIN first, sent
				 RST, went silent; -1: nobody */
	bool answered;      /**< both sides were seen */
	bool lost;          /**< opened() again: it was LOST, and is back */

	/* The rest belongs to tcp_stream.c. */
	struct ear_tcp_conn *chain;         /* same bucket */
	struct ear_tcp_conn *older, *newer; /* by last packet */
	uint64_t hash;
	uint64_t last_ns;
	bool open; /* opened() was called, closed() not yet */
};

/** All but data, gap and end may be NULL. */
struct ear_tcp_events {
	/**
	 * Bytes in order; the first is where the last call stopped.
	 * @return how many were used, 0..bytes.n
	 */
	size_t (*data)(
		struct ear_tcp_half *half, struct ear_slice bytes, void *arg);
	/** rest will not go on: missing bytes follow it. */
	void (*gap)(struct ear_tcp_half *half, struct ear_slice rest,
		uint64_t missing, void *arg);
	/** A stream that had begun is over; rest was never used. Clear
	 * half->user. */
	void (*end)(
		struct ear_tcp_half *half, struct ear_slice rest, void *arg);
	/** A connection, before its first bytes. */
	void (*opened)(struct ear_tcp_conn *conn, void *arg);
	/** It has both sides now: once, where it has. */
	void (*answer)(struct ear_tcp_conn *conn, void *arg);
	/** It is over, behind end() of both but where it is LOST: that may
	 * be heard of again, and then opens again as it was. */
	void (*closed)(
		struct ear_tcp_conn *conn, enum ear_tcp_end how, void *arg);
	/** Free conn->shared; called where it is not NULL. */
	void (*forget)(struct ear_tcp_conn *conn, void *arg);
};

struct ear_tcp_stats {
	uint64_t connections;   /**< seen */
	uint64_t retransmitted; /**< segments with nothing new */
	uint64_t out_of_order;  /**< segments that had to wait */
	uint64_t gaps;          /**< holes passed over */
	uint64_t gap_bytes;
	uint64_t evicted;    /**< connections ended for want of room */
	uint64_t open;       /**< connections known now */
	uint64_t held_bytes; /**< kept now */
};

struct ear_tcp;

/** @param options zero for the defaults */
EAR_MUST_USE enum ear_err ear_tcp_new(const struct ear_tcp_options *options,
	const struct ear_tcp_events *events, void *arg, struct ear_tcp **tcp);
void ear_tcp_free(struct ear_tcp **tcp);

/** Take one TCP packet. Cost: no allocation when it is in order and used up. */
void ear_tcp_segment(struct ear_tcp *tcp, const struct ear_ip_unit *unit);

/** It is at least that late: for when no packets come. */
void ear_tcp_tick(struct ear_tcp *tcp, uint64_t now_ns);

/** End all streams, oldest first: the capture is over. */
void ear_tcp_end(struct ear_tcp *tcp);

void ear_tcp_stats(const struct ear_tcp *tcp, struct ear_tcp_stats *stats);

#endif
