/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One IP packet: IPv4 (RFC 791) or IPv6 with its extension headers (RFC 8200).
 */
#ifndef EAR_PROTO_IP_H
#define EAR_PROTO_IP_H

#include "base/addr.h"

/** Extension headers passed before a packet is called malformed. */
#define EAR_IP_EXTENSIONS_MAX 16

/* IP protocol numbers that somebody here reads. */
enum ear_ip_proto {
	EAR_IP_IPV4 = 4,
	EAR_IP_TCP = 6,
	EAR_IP_UDP = 17,
	EAR_IP_IPV6 = 41,
	EAR_IP_GRE = 47,
	EAR_IP_SCTP = 132,
};

struct ear_ip {
	struct ear_addr src; /**< ports 0 */
	struct ear_addr dst;
	uint8_t version;          /**< 4 or 6 */
	uint8_t proto;            /**< of the payload */
	bool fragment;            /**< only a part: see fragment_at, more */
	bool more;                /**< further fragments follow */
	uint32_t id;              /**< of the fragmented datagram */
	uint32_t fragment_at;     /**< where payload belongs, bytes */
	uint32_t missing;         /**< payload bytes not captured */
	struct ear_slice payload; /**< padding after the packet left out */
};

/**
 * Read the headers.
 *
 * @return EAR_OK; EAR_BAD when it is no IP packet or cut inside its headers
 *
 * A total length of 0, as captured before segmentation offload, means to the
 * end. Checksums are not looked at: capturing hosts see them before the card
 * fills them in.
 */
EAR_MUST_USE enum ear_err ear_ip_parse(
	struct ear_slice packet, struct ear_ip *ip);

/**
 * Pass the headers that stand in a payload put together from fragments,
 * before its transport: payload and proto move on.
 *
 * @return EAR_OK; EAR_BAD
 */
EAR_MUST_USE enum ear_err ear_ip_resume(struct ear_ip *ip);

#endif
