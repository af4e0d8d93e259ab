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
 * Bounded: connections and bytes held, each with a limit; the connection that
 * was silent longest goes first. Idle ones end after 15 min of packet time.
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
};

struct ear_tcp_segment;

/** One direction of a connection. The reader may use the first part. */
struct ear_tcp_half {
	struct ear_addr src; /**< who writes */
	struct ear_addr dst;
	uint64_t at_ns; /**< time of the packet whose bytes are shown */
	size_t want;    /**< set in data(): show again with that many bytes */
	void *user;     /**< the reader's, NULL at first; end() frees it */
	uint32_t mode;  /**< the reader's, 0 at first */
	uint32_t count; /**< the reader's, 0 at first */

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
	bool synced, has_isn, fin, closed;
};

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

/** End all streams, oldest first: the capture is over. */
void ear_tcp_end(struct ear_tcp *tcp);

void ear_tcp_stats(const struct ear_tcp *tcp, struct ear_tcp_stats *stats);

#endif
