/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/link.h"

#include "proto/be.h"
#include "proto/pcap.h"

/* Tags in a row; two are usual, an attacker may send a frame of them. */
#define TAGS_MAX 8
#define LABELS_MAX 16

static struct ear_slice after(struct ear_slice s, size_t n)
{
	return ear_slice_sub(s, n, s.n);
}

/* Raw IP says what it is in its first four bits. */
static enum ear_err raw(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	if (!in.n)
		return EAR_BAD;
	*packet = in;
	switch ((uint8_t)in.p[0] >> 4) {
	case 4: *ether = EAR_ETHER_IPV4; break;
	case 6: *ether = EAR_ETHER_IPV6; break;
	default: *ether = 0; break;
	}
	return EAR_OK;
}

static enum ear_err ppp(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	/* RFC 1662: address and control may stand first or be left out, the
	 * protocol may be one odd byte. */
	if (in.n >= 2 && in.p[0] == '\xff' && in.p[1] == '\x03')
		in = after(in, 2);
	if (in.n < 2)
		return EAR_BAD;
	if (in.p[0] & 1) {
		*ether = (uint8_t)in.p[0];
		*packet = after(in, 1);
	} else {
		*ether = ear_be16(in.p);
		*packet = after(in, 2);
	}
	if (*ether == 0x0021)
		*ether = EAR_ETHER_IPV4;
	else if (*ether == 0x0057)
		*ether = EAR_ETHER_IPV6;
	else
		*ether = 0;
	return EAR_OK;
}

/* RFC 3032: labels of four bytes; the last has the S bit. */
static enum ear_err mpls(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	for (int i = 0; i < LABELS_MAX && in.n >= 4; i++) {
		bool last = in.p[2] & 1;

		in = after(in, 4);
		if (last)
			return raw(in, ether, packet);
	}
	return EAR_BAD;
}

/* What follows an EtherType: tags and wrappers off, until a packet. */
static enum ear_err tagged(uint32_t type, struct ear_slice in, uint32_t *ether,
	struct ear_slice *packet)
{
	for (int i = 0; i < TAGS_MAX; i++) {
		switch (type) {
		case 0x8100: /* 802.1Q */
		case 0x88a8: /* 802.1ad, the outer of two */
		case 0x9100: /* the same before there was a standard */
		case 0x9200:
			if (in.n < 4)
				return EAR_BAD;
			type = ear_be16(in.p + 2);
			in = after(in, 4);
			continue;
		case 0x8847:
		case 0x8848: return mpls(in, ether, packet);
		case 0x8864: /* RFC 2516: version, code, session, length */
			return in.n < 6 ? EAR_BAD
					: ppp(after(in, 6), ether, packet);
		default: break;
		}
		if (type < 0x600 && in.n >= 8 &&
			!memcmp(in.p, "\xaa\xaa\x03\0\0\0", 6)) {
			type = ear_be16(in.p + 6); /* LLC and SNAP */
			in = after(in, 8);
			continue;
		}
		*ether = type;
		*packet = in;
		return EAR_OK;
	}
	return EAR_BAD;
}

/* BSD loopback: an address family in the byte order of who captured. */
static enum ear_err loopback(
	struct ear_slice in, uint32_t *ether, struct ear_slice *packet)
{
	uint32_t family;

	if (in.n < 4)
		return EAR_BAD;
	family = in.p[0] || in.p[1] ? (uint8_t)in.p[0] : (uint8_t)in.p[3];
	*packet = after(in, 4);
	switch (family) {
	case 2: *ether = EAR_ETHER_IPV4; break;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* macOS */ *ether = EAR_ETHER_IPV6; break;
	default: *ether = 0; break;
	}
	return EAR_OK;
}

enum ear_err ear_link_open(uint32_t link, struct ear_slice in, uint32_t *ether,
	struct ear_slice *packet)
{
	switch (link) {
	case EAR_LINK_ETHERNET:
		return in.n < 14 ? EAR_BAD
				 : tagged(ear_be16(in.p + 12), after(in, 14),
					   ether, packet);
	case EAR_LINK_SLL:
		return in.n < 16 ? EAR_BAD
				 : tagged(ear_be16(in.p + 14), after(in, 16),
					   ether, packet);
	case EAR_LINK_SLL2:
		return in.n < 20 ? EAR_BAD
				 : tagged(ear_be16(in.p), after(in, 20), ether,
					   packet);
	case EAR_LINK_NULL:
	case EAR_LINK_LOOP: return loopback(in, ether, packet);
	case EAR_LINK_PPP: return ppp(in, ether, packet);
	case EAR_LINK_RAW_BSD:
	case EAR_LINK_RAW_OPENBSD:
	case EAR_LINK_RAW:
	case EAR_LINK_IPV4:
	case EAR_LINK_IPV6: return raw(in, ether, packet);
	default: return EAR_UNSUPPORTED;
	}
}
