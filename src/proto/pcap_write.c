/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/pcap_write.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "proto/ip_sum.h"
#include "proto/pcap.h"

#define IP_MAX 65535u
#define UDP_MAX (IP_MAX - 20 - 8) /* payload of the longest IPv4 datagram */

/*
 * Where each connection stands, so that its numbers run on. A table of fixed
 * size, because an export may hold any number of connections: one that loses
 * its place begins again elsewhere in the number space, which readers take
 * for a gap in the capture.
 */
#define FLOWS 65536

struct flow {
	uint64_t key;     /* of both ends, whichever sends */
	uint32_t next[2]; /* next sequence number or TSN of either end */
};

struct ear_pcap_writer {
	bool nano;
	uint32_t mtu;
	uint32_t ip_id;
	struct flow flow[FLOWS];
};

/* One packet on its way out: who to whom, in which IP version. */
struct route {
	uint64_t at_ns;
	bool v6;
	uint8_t ip_proto;
	uint8_t from[16], to[16];
	uint16_t from_port, to_port;
};

enum ear_err ear_pcap_writer_new(const struct ear_pcap_write_options *options,
	struct ear_pcap_writer **out)
{
	struct ear_pcap_writer *w = calloc(1, sizeof(*w));

	*out = w;
	if (!w)
		return EAR_NOMEM;
	w->nano = !options->micro;
	w->mtu = options->mtu ? options->mtu : IP_MAX;
	return EAR_OK;
}

void ear_pcap_writer_free(struct ear_pcap_writer **w)
{
	free(*w);
	*w = NULL;
}

static void be16(uint8_t *to, uint32_t v)
{
	to[0] = (uint8_t)(v >> 8);
	to[1] = (uint8_t)v;
}

static void be32(uint8_t *to, uint32_t v)
{
	be16(to, v >> 16);
	be16(to + 2, v);
}

static void host32(struct ear_buf *out, uint32_t v)
{
	ear_buf_add(out, &v, sizeof(v));
}

void ear_pcap_writer_begin(struct ear_pcap_writer *w, struct ear_buf *out)
{
	static const uint16_t version[2] = {2, 4};

	host32(out, w->nano ? 0xa1b23c4du : 0xa1b2c3d4u);
	ear_buf_add(out, version, sizeof(version));
	host32(out, 0);
	host32(out, 0);
	host32(out, 262144);
	host32(out, EAR_LINK_RAW);
}

static void record(struct ear_pcap_writer *w, uint64_t at_ns, size_t bytes,
	struct ear_buf *out)
{
	uint64_t fraction = at_ns % EAR_SECOND_NS;

	host32(out, (uint32_t)(at_ns / EAR_SECOND_NS));
	host32(out, (uint32_t)(w->nano ? fraction : fraction / EAR_US_NS));
	host32(out, (uint32_t)bytes);
	host32(out, (uint32_t)bytes);
}

/* An address in the packet's version; IPv4 among IPv6 as ::ffff:a.b.c.d. */
static void place(const struct ear_addr *a, bool v6, uint8_t to[16])
{
	if (a->family == 4 && v6) {
		to[10] = to[11] = 0xff;
		memcpy(to + 12, a->ip, 4);
	} else if (a->family) {
		memcpy(to, a->ip, v6 ? 16 : 4);
	}
}

static struct route route_of(const struct ear_pcap_write *m)
{
	struct route r = {.at_ns = m->at_ns,
		.v6 = m->src.family == 6 || m->dst.family == 6,
		.ip_proto = m->ip_proto,
		.from_port = m->src.port,
		.to_port = m->dst.port};

	if (r.ip_proto != 6 && r.ip_proto != 132)
		r.ip_proto = 17;
	if (r.ip_proto == 17 && m->payload.n > UDP_MAX)
		r.ip_proto = 6;
	place(&m->src, r.v6, r.from);
	place(&m->dst, r.v6, r.to);
	return r;
}

static uint32_t room(const struct ear_pcap_writer *w, const struct route *r)
{
	uint32_t least = r->v6 ? 1280 : 576;
	uint32_t mtu = w->mtu < least ? least : w->mtu;

	return mtu - (r->v6 ? 40 : 20);
}

static void header4(struct ear_pcap_writer *w, const struct route *r,
	size_t bytes, uint32_t fragment, uint8_t h[20])
{
	memset(h, 0, 20);
	h[0] = 0x45;
	be16(h + 2, (uint32_t)(20 + bytes));
	be16(h + 4, w->ip_id);
	be16(h + 6, fragment);
	h[8] = 64;
	h[9] = r->ip_proto;
	memcpy(h + 12, r->from, 4);
	memcpy(h + 16, r->to, 4);
	be16(h + 10, ear_ip_sum_end(ear_ip_sum_add(0, ear_slice(h, 20))));
}

static void header6(
	const struct route *r, size_t bytes, uint8_t next, uint8_t h[40])
{
	memset(h, 0, 40);
	h[0] = 0x60;
	be16(h + 4, (uint32_t)bytes);
	h[6] = next;
	h[7] = 64;
	memcpy(h + 8, r->from, 16);
	memcpy(h + 24, r->to, 16);
}

/* One whole IP packet; head and body are the transport's. */
static void packet(struct ear_pcap_writer *w, const struct route *r,
	struct ear_slice head, struct ear_slice body, struct ear_buf *out)
{
	uint8_t h[40];
	size_t n = r->v6 ? 40 : 20, bytes = head.n + body.n;

	if (r->v6)
		header6(r, bytes, r->ip_proto, h);
	else
		header4(w, r, bytes, 0x4000, h);
	record(w, r->at_ns, n + bytes, out);
	ear_buf_add(out, h, n);
	ear_buf_slice(out, head);
	ear_buf_slice(out, body);
}

/* One IP fragment: the bytes at `at` of what IP carries. */
static void fragment(struct ear_pcap_writer *w, const struct route *r,
	uint32_t at, bool last, struct ear_slice part, struct ear_buf *out)
{
	uint8_t h[48] = {0};
	size_t n = r->v6 ? 48 : 20;

	if (r->v6) {
		header6(r, 8 + part.n, 44, h);
		h[40] = r->ip_proto;
		be16(h + 42, at | (last ? 0 : 1));
		be32(h + 44, w->ip_id);
	} else {
		header4(w, r, part.n, at >> 3 | (last ? 0 : 0x2000), h);
	}
	record(w, r->at_ns, n + part.n, out);
	ear_buf_add(out, h, n);
	ear_buf_slice(out, part);
}

/* Sum of the pseudo-header (RFC 768, RFC 9293 s3.1, RFC 8200 s8.1). */
static uint64_t pseudo_sum(const struct route *r, size_t bytes)
{
	size_t n = r->v6 ? 16 : 4;
	uint64_t sum = ear_ip_sum_add(0, ear_slice(r->from, n));

	sum = ear_ip_sum_add(sum, ear_slice(r->to, n));
	return sum + r->ip_proto + (bytes >> 16) + (bytes & 0xffff);
}

static uint16_t checksum(
	const struct route *r, struct ear_slice head, struct ear_slice body)
{
	uint64_t sum = pseudo_sum(r, head.n + body.n);

	sum = ear_ip_sum_add(sum, head); /* heads are even */
	return ear_ip_sum_end(ear_ip_sum_add(sum, body));
}

static void add_udp(struct ear_pcap_writer *w, const struct route *r,
	struct ear_slice payload, struct ear_buf *out)
{
	uint32_t most = room(w, r);
	struct ear_buf whole = {0};
	uint8_t h[8] = {0};
	uint16_t sum;

	be16(h, r->from_port);
	be16(h + 2, r->to_port);
	be16(h + 4, (uint32_t)(8 + payload.n));
	sum = checksum(r, ear_slice(h, 8), payload);
	be16(h + 6, sum ? sum : 0xffff); /* 0 would mean none (RFC 768) */
	w->ip_id++;
	if (8 + payload.n <= most) {
		packet(w, r, ear_slice(h, 8), payload, out);
		return;
	}
	ear_buf_add(&whole, h, 8);
	ear_buf_slice(&whole, payload);
	if (whole.err && !out->err)
		out->err = whole.err;
	most = (most - (r->v6 ? 8 : 0)) & ~7u;
	for (uint32_t at = 0; at < whole.n; at += most) {
		struct ear_slice part =
			ear_slice_sub(ear_buf_view(&whole), at, at + most);

		fragment(w, r, at, at + part.n == whole.n, part, out);
	}
	ear_buf_fini(&whole);
}

/*
 * The place of a connection, and which end is sending: 0 the lower one in
 * memcmp order, so that both directions share an entry.
 */
static struct flow *flow_of(
	struct ear_pcap_writer *w, const struct route *r, int *end)
{
	uint8_t key[37] = {0}, *at = key;
	struct flow *f;
	uint64_t hash;
	int order = memcmp(r->from, r->to, 16);

	if (!order)
		order = r->from_port < r->to_port ? -1 : 1;
	*end = order > 0;
	memcpy(at, *end ? r->to : r->from, 16);
	memcpy(at + 16, *end ? r->from : r->to, 16);
	be16(at + 32, *end ? r->to_port : r->from_port);
	be16(at + 34, *end ? r->from_port : r->to_port);
	at[36] = r->ip_proto;
	hash = ear_hash(ear_slice(key, sizeof(key)));
	f = &w->flow[hash % FLOWS];
	if (f->key != hash)
		*f = (struct flow){.key = hash,
			.next = {(uint32_t)hash | 1,
				(uint32_t)(hash >> 32) | 1}};
	return f;
}

static void add_tcp(struct ear_pcap_writer *w, const struct route *r,
	const struct ear_pcap_write *m, struct ear_buf *out)
{
	struct ear_slice payload = m->payload;
	size_t most = room(w, r) - 20;
	struct flow *f;
	int end;

	f = flow_of(w, r, &end);
	for (size_t at = 0; at == 0 || at < payload.n; at += most) {
		struct ear_slice part = ear_slice_sub(payload, at, at + most);
		uint8_t h[20] = {0};

		be16(h, r->from_port);
		be16(h + 2, r->to_port);
		be32(h + 4, f->next[end]);
		be32(h + 8, f->next[!end]);
		h[12] = 5 << 4;
		h[13] = at + part.n == payload.n ? 0x18 : 0x10; /* PSH, ACK */
		be16(h + 14, 65535);
		be16(h + 16, checksum(r, ear_slice(h, 20), part));
		w->ip_id++;
		packet(w, r, ear_slice(h, 20), part, out);
		f->next[end] += (uint32_t)part.n;
	}
	f->next[end] += m->missing;
}

/* RFC 9260 s3.3.1: DATA chunks, one a packet, payload protocol 0. */
static void add_sctp(struct ear_pcap_writer *w, const struct route *r,
	struct ear_slice payload, struct ear_buf *out)
{
	size_t most = (room(w, r) - 28) & ~(size_t)3;
	struct ear_buf whole = {0};
	struct flow *f;
	int end;

	f = flow_of(w, r, &end);
	for (size_t at = 0; at == 0 || at < payload.n; at += most) {
		struct ear_slice part = ear_slice_sub(payload, at, at + most);
		uint8_t h[28] = {0};
		uint32_t crc;

		be16(h, r->from_port);
		be16(h + 2, r->to_port);
		be32(h + 4, (uint32_t)(f->key >> (end ? 32 : 0)) | 1);
		/* Unordered, so that no stream sequence has to run on. */
		h[13] = (uint8_t)(4 | (at ? 0 : 2) |
				  (at + part.n == payload.n ? 1 : 0));
		be16(h + 14, (uint32_t)(16 + part.n));
		be32(h + 16, f->next[end]++);
		ear_buf_reset(&whole);
		ear_buf_add(&whole, h, sizeof(h));
		ear_buf_slice(&whole, part);
		ear_buf_add(&whole, "\0\0\0", -part.n & 3);
		if (whole.err)
			break;
		crc = ear_crc32c(ear_buf_view(&whole));
		for (int i = 0; i < 4; i++)
			whole.p[8 + i] = (char)(crc >> (8 * i));
		w->ip_id++;
		packet(w, r, ear_slice(NULL, 0), ear_buf_view(&whole), out);
	}
	if (whole.err && !out->err)
		out->err = whole.err;
	ear_buf_fini(&whole);
}

void ear_pcap_writer_add(struct ear_pcap_writer *w,
	const struct ear_pcap_write *m, struct ear_buf *out)
{
	struct route r = route_of(m);

	if (r.ip_proto == 6)
		add_tcp(w, &r, m, out);
	else if (r.ip_proto == 132)
		add_sctp(w, &r, m->payload, out);
	else
		add_udp(w, &r, m->payload, out);
}
