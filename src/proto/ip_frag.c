/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ip_frag.h"

#include <stdlib.h>

#include "base/hash.h"

#define SETS 64
#define WAYS 8
#define DATAGRAM_MAX 65535u
#define UNITS (DATAGRAM_MAX / 8 + 1) /* offsets count in 8 bytes */

/*
 * Copies of a datagram's last fragment arrive after it is whole: they are
 * swallowed this long, so that they do not wait for a head that is gone.
 */
#define DONE_NS 1000000000ULL

struct part {
	struct ear_ip ip; /* key fields, as of the first fragment seen */
	uint64_t at_ns;   /* of the first fragment; 0 with used false */
	bool used;
	bool done;
	bool head;      /* the fragment at 0 came: ip.proto is right */
	uint32_t total; /* bytes when the last fragment is known, else 0 */
	uint32_t high;  /* end of the furthest fragment */
	uint32_t have;  /* units filled */
	uint32_t cap;   /* of bytes */
	char *bytes;
	uint64_t map[UNITS / 64]; /* units filled */
};

struct ear_ip_frag {
	ear_frag_lost_fn lost;
	void *arg;
	struct part *giving; /* done, its bytes are out until the next call */
	struct part part[SETS][WAYS];
};

enum ear_err ear_ip_frag_new(
	ear_frag_lost_fn lost, void *arg, struct ear_ip_frag **out)
{
	struct ear_ip_frag *f = calloc(1, sizeof(*f));

	*out = f;
	if (!f)
		return EAR_NOMEM;
	f->lost = lost;
	f->arg = arg;
	return EAR_OK;
}

void ear_ip_frag_free(struct ear_ip_frag **fp)
{
	struct ear_ip_frag *f = *fp;

	if (!f)
		return;
	for (int s = 0; s < SETS; s++)
		for (int w = 0; w < WAYS; w++)
			free(f->part[s][w].bytes);
	free(f);
	*fp = NULL;
}

static bool has(const struct part *p, uint32_t unit)
{
	return p->map[unit / 64] >> (unit % 64) & 1;
}

static void clear(struct part *p)
{
	free(p->bytes);
	*p = (struct part){0};
}

/* Give up a datagram: tell what stands before its first gap. */
static void lose(struct ear_ip_frag *f, struct part *p)
{
	uint32_t n = 0;

	if (!p->used)
		return;
	if (!p->done) {
		struct ear_ip ip = p->ip;

		while (n < UNITS && has(p, n))
			n++;
		ip.fragment = false;
		ip.payload = ear_slice(p->bytes, p->head ? (size_t)n * 8 : 0);
		if (p->total && ip.payload.n > p->total)
			ip.payload.n = p->total;
		ip.missing = p->total > ip.payload.n
				     ? p->total - (uint32_t)ip.payload.n
				     : 1;
		f->lost(&ip, p->at_ns, f->arg);
	}
	clear(p);
}

static bool same(const struct ear_ip *a, const struct ear_ip *b)
{
	/* IPv6 knows the protocol only from the first fragment. */
	return a->version == b->version && a->id == b->id &&
	       (a->version == 6 || a->proto == b->proto) &&
	       ear_addr_eq(&a->src, &b->src) && ear_addr_eq(&a->dst, &b->dst);
}

static bool stale(const struct part *p, uint64_t at_ns)
{
	uint64_t wait = p->done ? DONE_NS : EAR_FRAG_WAIT_NS;

	return at_ns > p->at_ns && at_ns - p->at_ns > wait;
}

/* The datagram's place, made when it is new. */
static struct part *find(
	struct ear_ip_frag *f, const struct ear_ip *ip, uint64_t at_ns)
{
	uint64_t hash =
		ear_hash_seed(ear_slice(&ip->src, sizeof(ip->src)), ip->id);
	struct part *set = f->part[(hash ^ hash >> 32) % SETS];
	struct part *take = NULL;

	for (int w = 0; w < WAYS; w++) {
		struct part *p = &set[w];

		if (p->used && same(&p->ip, ip) && !stale(p, at_ns))
			return p;
		if (p == f->giving)
			continue; /* ip->payload may lie in it */
		if (!take || !p->used)
			take = p;
		else if (take->used && p->at_ns < take->at_ns)
			take = p;
	}
	lose(f, take);
	take->used = true;
	take->at_ns = at_ns;
	take->ip = *ip;
	return take;
}

static enum ear_err grow(struct part *p, uint32_t need)
{
	uint32_t cap = p->cap ? p->cap : 4096;
	char *bytes;

	if (need <= p->cap)
		return EAR_OK;
	while (cap < need)
		cap *= 2;
	bytes = realloc(p->bytes, cap);
	if (!bytes)
		return EAR_NOMEM;
	p->bytes = bytes;
	p->cap = cap;
	return EAR_OK;
}

/* Copy what is new of a fragment, unit by unit. */
static void fill(struct part *p, uint32_t at, struct ear_slice in)
{
	for (uint32_t i = 0; i < in.n; i += 8) {
		uint32_t unit = (at + i) / 8;
		uint32_t n = in.n - i < 8 ? (uint32_t)in.n - i : 8;

		if (has(p, unit))
			continue;
		memcpy(p->bytes + at + i, in.p + i, n);
		p->map[unit / 64] |= 1ULL << (unit % 64);
		p->have++;
	}
}

static bool fits(const struct ear_ip *ip)
{
	/* RFC 8200 s4.5: all but the last are multiples of 8 bytes. A cut
	 * fragment keeps its whole units; the datagram stays incomplete. */
	return ip->payload.n + ip->missing + ip->fragment_at <= DATAGRAM_MAX &&
	       ip->payload.n &&
	       (!ip->more || (ip->payload.n + ip->missing) % 8 == 0);
}

/*
 * Whether a fragment agrees with what is known of the datagram's end; one
 * that does not is damage or an attack, and would leave holes inside.
 */
static bool agrees(const struct part *p, const struct ear_ip *ip, uint32_t end)
{
	if (p->total)
		return ip->more ? end <= p->total : end == p->total;
	return ip->more || end >= p->high;
}

static enum ear_err add(struct ear_ip_frag *f, struct ear_ip *ip,
	uint64_t at_ns, struct part **whole)
{
	struct ear_slice in = ip->payload;
	uint32_t end = ip->fragment_at + (uint32_t)in.n + ip->missing;
	struct part *p;

	if (!fits(ip))
		return EAR_BAD;
	p = find(f, ip, at_ns);
	if (p->done)
		return EAR_MORE;
	if (!agrees(p, ip, end))
		return EAR_BAD;
	if (grow(p, end))
		return EAR_NOMEM;
	if (ip->missing)
		in.n &= ~(size_t)7;
	if (end > p->high)
		p->high = end;
	if (!ip->more)
		p->total = end;
	if (!ip->fragment_at && !p->head) {
		p->head = true;
		p->ip.proto = ip->proto;
	}
	fill(p, ip->fragment_at, in);
	if (!p->total || !p->head || p->have < (p->total + 7) / 8)
		return EAR_MORE;
	ip->proto = p->ip.proto;
	ip->payload = ear_slice(p->bytes, p->total);
	ip->fragment = ip->more = false;
	ip->fragment_at = ip->missing = 0;
	p->done = true;
	p->at_ns = at_ns;
	*whole = p;
	return EAR_OK;
}

enum ear_err ear_ip_frag_add(
	struct ear_ip_frag *f, struct ear_ip *ip, uint64_t at_ns)
{
	struct part *whole = NULL;
	enum ear_err err = add(f, ip, at_ns, &whole);

	/* Only now: this fragment may have lain inside of the last whole. */
	if (f->giving) {
		free(f->giving->bytes);
		f->giving->bytes = NULL;
	}
	f->giving = whole;
	return err;
}

void ear_ip_frag_expire(struct ear_ip_frag *f, uint64_t at_ns)
{
	for (int s = 0; s < SETS; s++)
		for (int w = 0; w < WAYS; w++) {
			struct part *p = &f->part[s][w];

			if (p->used && p != f->giving &&
				(at_ns == UINT64_MAX || stale(p, at_ns)))
				lose(f, p);
		}
}
