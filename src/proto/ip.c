/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ip.h"

#include "proto/be.h"

enum extension {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_AUTH = 51,
	EXT_DESTINATION = 60,
	EXT_MOBILITY = 135,
	EXT_HIP = 139,
	EXT_SHIM6 = 140,
};

static void set_payload(
	struct ear_ip *ip, struct ear_slice in, size_t from, size_t whole)
{
	ip->missing = whole > in.n ? (uint32_t)(whole - in.n) : 0;
	ip->payload = ear_slice_sub(in, from, whole);
}

/* An authentication header (RFC 4302) may stand before the transport. */
static enum ear_err skip_auth(struct ear_ip *ip)
{
	size_t n;

	if (ip->proto != EXT_AUTH || ip->fragment_at)
		return EAR_OK;
	if (ip->payload.n < 12)
		return EAR_BAD;
	n = ((size_t)(uint8_t)ip->payload.p[1] + 2) * 4;
	if (n > ip->payload.n)
		return EAR_BAD;
	ip->proto = (uint8_t)ip->payload.p[0];
	ip->payload = ear_slice_sub(ip->payload, n, ip->payload.n);
	return EAR_OK;
}

static enum ear_err parse4(struct ear_slice in, struct ear_ip *ip)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t head, whole;
	uint32_t flags;

	if (in.n < 20)
		return EAR_BAD;
	head = (size_t)(p[0] & 15) * 4;
	whole = ear_be16(p + 2);
	if (!whole)
		whole = in.n;
	if (head < 20 || whole < head || in.n < head)
		return EAR_BAD;
	flags = ear_be16(p + 6);
	ip->version = 4;
	ip->proto = p[9];
	ip->src = ear_addr_v4(p + 12, 0);
	ip->dst = ear_addr_v4(p + 16, 0);
	ip->id = ear_be16(p + 4);
	ip->more = flags & 0x2000;
	ip->fragment_at = (flags & 0x1fff) * 8;
	ip->fragment = ip->more || ip->fragment_at;
	set_payload(ip, in, head, whole);
	return ip->fragment ? EAR_OK : skip_auth(ip);
}

/* Bytes of one IPv6 extension header; 0 when next is none. */
static size_t extension(uint8_t next, const uint8_t *p)
{
	switch (next) {
	case EXT_HOP_BY_HOP:
	case EXT_ROUTING:
	case EXT_DESTINATION:
	case EXT_MOBILITY:
	case EXT_HIP:
	case EXT_SHIM6: return ((size_t)p[1] + 1) * 8;
	case EXT_AUTH: return ((size_t)p[1] + 2) * 4;
	case EXT_FRAGMENT: return 8;
	default: return 0;
	}
}

static enum ear_err extensions(struct ear_ip *ip)
{
	for (int i = 0; i < EAR_IP_EXTENSIONS_MAX; i++) {
		const uint8_t *p = (const uint8_t *)ip->payload.p;
		uint8_t none[2] = {0};
		size_t n = extension(ip->proto, ip->payload.n >= 2 ? p : none);

		if (!n)
			return EAR_OK;
		if (n > ip->payload.n)
			return EAR_BAD;
		if (ip->proto == EXT_FRAGMENT) {
			uint32_t at = ear_be16(p + 2);

			ip->id = ear_be16(p + 4) << 16 | ear_be16(p + 6);
			ip->more = at & 1;
			ip->fragment_at = at & 0xfff8u;
			/* Both zero: an atomic fragment, whole by itself. */
			ip->fragment = ip->more || ip->fragment_at;
		}
		ip->proto = p[0];
		ip->payload = ear_slice_sub(ip->payload, n, ip->payload.n);
		if (ip->fragment)
			return EAR_OK; /* what follows is cut anywhere */
	}
	return EAR_BAD;
}

static enum ear_err parse6(struct ear_slice in, struct ear_ip *ip)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t n;

	if (in.n < 40)
		return EAR_BAD;
	n = ear_be16(p + 4);
	ip->version = 6;
	ip->proto = p[6];
	ip->src = ear_addr_v6(p + 8, 0);
	ip->dst = ear_addr_v6(p + 24, 0);
	ip->more = ip->fragment = false;
	ip->id = ip->fragment_at = 0;
	set_payload(ip, in, 40, n ? 40 + n : in.n);
	return extensions(ip);
}

enum ear_err ear_ip_resume(struct ear_ip *ip)
{
	return ip->version == 4 ? skip_auth(ip) : extensions(ip);
}

enum ear_err ear_ip_parse(struct ear_slice in, struct ear_ip *ip)
{
	if (!in.n)
		return EAR_BAD;
	switch ((uint8_t)in.p[0] >> 4) {
	case 4: return parse4(in, ip);
	case 6: return parse6(in, ip);
	default: return EAR_BAD;
	}
}
