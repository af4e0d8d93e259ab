/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ip_walk.h"

#include <stdlib.h>

#include "proto/be.h"
#include "proto/ip_frag.h"
#include "proto/ip_tunnel.h"
#include "proto/link.h"
#include "proto/pcap.h"

struct ear_ip_walk {
	struct ear_ip_frag *frag;
	ear_ip_lost_fn lost;
	void *arg;
	uint64_t expire_ns; /* when to look for old fragments again */
};

/* Cut a payload to n bytes, or note how many of them were not captured. */
static void cut(struct ear_ip_unit *u, size_t n)
{
	if (n > u->payload.n) {
		size_t missing = n - u->payload.n;

		if (!u->missing || missing < u->missing)
			u->missing = (uint32_t)missing;
	} else {
		u->payload.n = n;
		u->missing = 0;
	}
}

static enum ear_err read_udp(struct ear_ip_unit *u)
{
	const uint8_t *p = (const uint8_t *)u->payload.p;
	uint32_t n;

	if (u->payload.n < 8)
		return EAR_BAD;
	n = ear_be16(p + 4);
	if (n && n < 8)
		return EAR_BAD;
	u->src.port = (uint16_t)ear_be16(p);
	u->dst.port = (uint16_t)ear_be16(p + 2);
	u->payload = ear_slice_sub(u->payload, 8, u->payload.n);
	if (n) /* 0: a jumbogram, or not yet filled in by the card */
		cut(u, n - 8);
	return EAR_OK;
}

static enum ear_err read_tcp(struct ear_ip_unit *u)
{
	const uint8_t *p = (const uint8_t *)u->payload.p;
	size_t head;

	if (u->payload.n < 20)
		return EAR_BAD;
	head = (size_t)(p[12] >> 4) * 4;
	if (head < 20)
		return EAR_BAD;
	if (head > u->payload.n && !u->missing)
		return EAR_BAD;
	u->src.port = (uint16_t)ear_be16(p);
	u->dst.port = (uint16_t)ear_be16(p + 2);
	u->seq = ear_be32(p + 4);
	u->ack = ear_be32(p + 8);
	u->tcp_flags = p[13];
	if (head > u->payload.n) { /* cut inside the options */
		size_t gone = head - u->payload.n;

		u->missing -= gone < u->missing ? (uint32_t)gone : u->missing;
	}
	u->payload = ear_slice_sub(u->payload, head, u->payload.n);
	return EAR_OK;
}

static enum ear_err read_sctp(struct ear_ip_unit *u)
{
	const uint8_t *p = (const uint8_t *)u->payload.p;

	if (u->payload.n < 12)
		return EAR_BAD;
	u->src.port = (uint16_t)ear_be16(p);
	u->dst.port = (uint16_t)ear_be16(p + 2);
	u->payload = ear_slice_sub(u->payload, 12, u->payload.n);
	return EAR_OK;
}

static enum ear_err transport(const struct ear_ip *ip, struct ear_ip_unit *u)
{
	u->src = ip->src;
	u->dst = ip->dst;
	u->proto = ip->proto;
	u->payload = ip->payload;
	u->missing = ip->missing;
	u->tcp_flags = 0;
	switch (ip->proto) {
	case EAR_IP_UDP: return read_udp(u);
	case EAR_IP_TCP: return read_tcp(u);
	case EAR_IP_SCTP: return read_sctp(u);
	default: return EAR_OK;
	}
}

/* A datagram whose fragments did not all come. */
static void frag_lost(const struct ear_ip *ip, uint64_t at_ns, void *arg)
{
	struct ear_ip_walk *w = arg;
	struct ear_ip_unit u = {.at_ns = at_ns, .unfinished = true};
	struct ear_ip whole = *ip;

	if (ear_ip_resume(&whole) || transport(&whole, &u)) {
		u.proto = 0;
		u.payload = ear_slice(NULL, 0);
	}
	if (!u.missing)
		u.missing = 1;
	w->lost(&u, w->arg);
}

enum ear_err ear_ip_walk_new(
	ear_ip_lost_fn lost, void *arg, struct ear_ip_walk **out)
{
	struct ear_ip_walk *w = calloc(1, sizeof(*w));

	*out = w;
	if (!w)
		return EAR_NOMEM;
	w->lost = lost;
	w->arg = arg;
	if (ear_ip_frag_new(frag_lost, w, &w->frag)) {
		free(w);
		*out = NULL;
		return EAR_NOMEM;
	}
	return EAR_OK;
}

void ear_ip_walk_free(struct ear_ip_walk **wp)
{
	struct ear_ip_walk *w = *wp;

	if (!w)
		return;
	ear_ip_frag_free(&w->frag);
	free(w);
	*wp = NULL;
}

/* Put fragments together; the whole goes on where one packet would. */
static enum ear_err whole(
	struct ear_ip_walk *w, struct ear_ip *ip, struct ear_ip_unit *u)
{
	enum ear_err err;

	if (!ip->fragment)
		return EAR_OK;
	err = ear_ip_frag_add(w->frag, ip, u->at_ns);
	if (err)
		return err;
	u->reassembled = true;
	return ear_ip_resume(ip);
}

static enum ear_err walk(struct ear_ip_walk *w, uint32_t ether,
	struct ear_slice packet, struct ear_ip_unit *u)
{
	for (int depth = 0; depth < EAR_IP_DEPTH_MAX; depth++) {
		struct ear_ip ip;
		enum ear_err err;

		if (ether == EAR_ETHER_BRIDGED)
			err = ear_link_open(
				EAR_LINK_ETHERNET, packet, &ether, &packet);
		else
			err = EAR_OK;
		if (err)
			return err;
		if (ether != EAR_ETHER_IPV4 && ether != EAR_ETHER_IPV6)
			return EAR_UNSUPPORTED;
		err = ear_ip_parse(packet, &ip);
		if (!err)
			err = whole(w, &ip, u);
		if (err)
			return err;
		err = ear_ip_tunnel(&ip, &ether, &packet);
		if (err == EAR_GONE)
			return transport(&ip, u);
		if (err)
			return err;
	}
	return EAR_LIMIT;
}

enum ear_err ear_ip_walk_frame(struct ear_ip_walk *w, uint32_t link,
	uint64_t at_ns, struct ear_slice frame, struct ear_ip_unit *u)
{
	struct ear_slice packet;
	enum ear_err err;
	uint32_t ether;

	u->at_ns = at_ns;
	u->reassembled = u->unfinished = false;
	if (at_ns > w->expire_ns) {
		ear_ip_frag_expire(w->frag, at_ns);
		w->expire_ns = at_ns + EAR_FRAG_WAIT_NS / 8;
	}
	err = ear_link_open(link, frame, &ether, &packet);
	return err ? err : walk(w, ether, packet, u);
}

void ear_ip_walk_end(struct ear_ip_walk *w)
{
	ear_ip_frag_expire(w->frag, UINT64_MAX);
}
