/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What stands below IP in a capture: Ethernet with VLAN tags, Linux cooked
 * forms, BSD loopback, PPP, raw IP. Also MPLS and PPPoE between Ethernet and
 * IP, since mirror ports of carriers show them.
 */
#ifndef EAR_PROTO_LINK_H
#define EAR_PROTO_LINK_H

#include "base/err.h"
#include "base/slice.h"

#define EAR_ETHER_IPV4 0x0800u
#define EAR_ETHER_IPV6 0x86ddu
#define EAR_ETHER_BRIDGED 0x6558u /* a whole Ethernet frame, in GRE */

/**
 * Find the network packet in a frame.
 *
 * @param[in]  link   enum ear_linktype (proto/pcap.h)
 * @param[out] ether  EAR_ETHER_IPV4, EAR_ETHER_IPV6, or what else it is
 * @param[out] packet its bytes, to the end of the frame; padding included
 * @return EAR_OK; EAR_BAD when cut before the packet begins; EAR_UNSUPPORTED
 *         for a link type that is not known
 */
EAR_MUST_USE enum ear_err ear_link_open(uint32_t link, struct ear_slice frame,
	uint32_t *ether, struct ear_slice *packet);

#endif
