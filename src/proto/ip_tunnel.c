/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ip_tunnel.h"

#include "proto/be.h"
#include "proto/link.h"

enum port { PORT_GTP_U = 2152, PORT_VXLAN = 4789, PORT_GENEVE = 6081 };

static enum ear_err inside(uint32_t type, struct ear_slice in, size_t head,
	uint32_t *ether, struct ear_slice *packet)
{
	if (head > in.n)
		return EAR_BAD;
	*ether = type;
	*packet = ear_slice_sub(in, head, in.n);
	return EAR_OK;
}

/*
 *     0                   1                   2                   3
 *    |C|R|K|S|s|recur|A flags| version |         protocol type         |
 *    | checksum, offset (C or R) | key (K) | sequence number (S) | …
 */
static enum ear_err gre(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	const uint8_t *p = (const uint8_t *)in.p;
	uint32_t flags, type;
	size_t head = 4;

	if (in.n < 4)
		return EAR_BAD;
	flags = ear_be16(p);
	type = ear_be16(p + 2);
	if (flags & 7) /* version 1 is PPTP's, compressed or encrypted PPP */
		return EAR_GONE;
	head += flags & 0xc000 ? 4 : 0;
	head += flags & 0x2000 ? 4 : 0;
	head += flags & 0x1000 ? 4 : 0;
	if (type == 0x88be) { /* ERSPAN II; without sequence numbers it is I */
		head += flags & 0x1000 ? 8 : 0;
		type = EAR_ETHER_BRIDGED;
	} else if (type == 0x22eb) { /* ERSPAN III, perhaps a subheader */
		if (head + 12 > in.n)
			return EAR_BAD;
		head += p[head + 11] & 1 ? 20 : 12;
		type = EAR_ETHER_BRIDGED;
	}
	return inside(type, in, head, ether, packet);
}

static enum ear_err geneve(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	const uint8_t *p = (const uint8_t *)in.p;

	if (in.n < 8 || p[0] >> 6 || p[1] & 0x3f || p[7])
		return EAR_GONE;
	return inside(ear_be16(p + 2), in, 8 + (size_t)(p[0] & 0x3f) * 4, ether,
		packet);
}

static enum ear_err gtp(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t head = 8;

	if (in.n < 12 || (p[0] & 0xf0) != 0x30 || p[1] != 0xff)
		return EAR_GONE;
	if (p[0] & 7) {
		head = 12;
		while (p[head - 1]) { /* extension headers, in 4 bytes */
			size_t n = head < in.n ? (size_t)p[head] * 4 : 0;

			if (!n || head + n > in.n)
				return EAR_BAD;
			head += n;
		}
	}
	if (head >= in.n)
		return EAR_BAD;
	return inside(p[head] >> 4 == 6 ? EAR_ETHER_IPV6 : EAR_ETHER_IPV4, in,
		head, ether, packet);
}

static enum ear_err udp(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	const uint8_t *p = (const uint8_t *)in.p;
	struct ear_slice body;

	if (in.n < 16)
		return EAR_GONE;
	body = ear_slice_sub(in, 8, in.n);
	switch (ear_be16(p + 2)) {
	case PORT_VXLAN: /* the I flag alone, a reserved byte at the end */
		if (p[8] != 0x08 || p[15])
			return EAR_GONE;
		return inside(EAR_ETHER_BRIDGED, body, 8, ether, packet);
	case PORT_GENEVE: return geneve(body, ether, packet);
	case PORT_GTP_U: return gtp(body, ether, packet);
	default: return EAR_GONE;
	}
}

enum ear_err ear_ip_tunnel(
	const struct ear_ip *ip, uint32_t *ether, struct ear_slice *packet)
{
	switch (ip->proto) {
	case EAR_IP_IPV4:
		return inside(EAR_ETHER_IPV4, ip->payload, 0, ether, packet);
	case EAR_IP_IPV6:
		return inside(EAR_ETHER_IPV6, ip->payload, 0, ether, packet);
	case EAR_IP_GRE: return gre(ip->payload, ether, packet);
	case EAR_IP_UDP: return udp(ip->payload, ether, packet);
	default: return EAR_GONE;
	}
}
