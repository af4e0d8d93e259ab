/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From a captured frame to what a transport carries: link layer, IP in its
 * versions, fragments put together, tunnels opened, UDP, TCP or SCTP read.
 *
 * Tunnels: IP in IP (RFC 2003), 6in4 (RFC 4213), GRE with its options (RFC
 * 2784, 2890), ERSPAN I, II and III, VXLAN (RFC 7348), GENEVE (RFC 8926),
 * GTP-U (3GPP TS 29.281), since mobile networks mirror SIP inside of it.
 *
 *     struct ear_ip_walk *w;
 *     ear_ip_walk_new(lost_fn, arg, &w);
 *     if (ear_ip_walk_frame(w, link, at_ns, frame, &unit) == EAR_OK) …
 */
#ifndef EAR_PROTO_IP_WALK_H
#define EAR_PROTO_IP_WALK_H

#include "proto/ip.h"

/** Headers of IP and tunnels passed in one frame. */
#define EAR_IP_DEPTH_MAX 8

enum ear_tcp_flag {
	EAR_TCP_FIN = 1,
	EAR_TCP_SYN = 2,
	EAR_TCP_RST = 4,
	EAR_TCP_ACK = 16,
};

/** What one packet carries. */
struct ear_ip_unit {
	uint64_t at_ns;
	struct ear_addr src; /**< with ports where proto has them */
	struct ear_addr dst;
	uint8_t proto;            /**< EAR_IP_UDP, EAR_IP_TCP, EAR_IP_SCTP, or
				       another one, its payload not read */
	uint8_t tcp_flags;        /**< enum ear_tcp_flag */
	bool reassembled;         /**< came in several fragments */
	bool unfinished;          /**< fragments are missing */
	uint32_t seq, ack;        /**< TCP */
	uint32_t missing;         /**< bytes not captured after the payload */
	struct ear_slice payload; /**< after the UDP, TCP or SCTP header; lives
				       until the next call, or with the frame */
};

/** Told a datagram that never became whole; unit lives until it returns. */
typedef void (*ear_ip_lost_fn)(const struct ear_ip_unit *unit, void *arg);

struct ear_ip_walk;

/** lost is told of each that never becomes whole. @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_ip_walk_new(
	ear_ip_lost_fn lost, void *arg, struct ear_ip_walk **w);
void ear_ip_walk_free(struct ear_ip_walk **w);

/**
 * Read one frame.
 *
 * @param[in]  link   enum ear_linktype (proto/pcap.h)
 * @return EAR_OK; EAR_MORE: a fragment, kept; EAR_UNSUPPORTED: not IP, or a
 *         link type that is not known; EAR_BAD: malformed or cut in a header;
 *         EAR_LIMIT: nested too deep
 *
 * Cost: no allocation but for fragments. Threads: one per walk.
 */
EAR_MUST_USE enum ear_err ear_ip_walk_frame(struct ear_ip_walk *w,
	uint32_t link, uint64_t at_ns, struct ear_slice frame,
	struct ear_ip_unit *unit);

/** Give up all unfinished fragments: the capture has ended. */
void ear_ip_walk_end(struct ear_ip_walk *w);

#endif
