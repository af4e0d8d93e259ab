/* SPDX-License-Identifier: Apache-2.0 */
/** Packets inside of packets: see ip_walk.h for which. */
#ifndef EAR_PROTO_IP_TUNNEL_H
#define EAR_PROTO_IP_TUNNEL_H

#include "proto/ip.h"

/**
 * Open a tunnel.
 *
 * @param[out] ether  EAR_ETHER_IPV4, _IPV6 or _BRIDGED (proto/link.h), or what
 *                    else is inside
 * @param[out] packet what is inside
 * @return EAR_OK; EAR_GONE: ip carries no tunnel; EAR_BAD: cut in its header
 */
EAR_MUST_USE enum ear_err ear_ip_tunnel(
	const struct ear_ip *ip, uint32_t *ether, struct ear_slice *packet);

#endif
