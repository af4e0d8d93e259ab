/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tcp_stream.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "proto/tcp_priv.h"

#define IDLE_NS (900 * EAR_SECOND_NS)
#define CLOSED_NS (60 * EAR_SECOND_NS) /* for what is sent again after FIN */

enum ear_err ear_tcp_new(const struct ear_tcp_options *options,
	const struct ear_tcp_events *events, void *arg, struct ear_tcp **out)
{
	struct ear_tcp *t = calloc(1, sizeof(*t));
	size_t buckets = 1024;

	*out = NULL;
	if (!t)
		return EAR_NOMEM;
	t->options = *options;
	if (!t->options.connections)
		t->options.connections = 16384;
	if (t->options.connections < 16)
		t->options.connections = 16;
	if (!t->options.hold_bytes)
		t->options.hold_bytes = 256 << 10;
	if (!t->options.total_bytes)
		t->options.total_bytes = 64 << 20;
	while (buckets < t->options.connections)
		buckets *= 2;
	t->mask = buckets - 1;
	t->events = *events;
	t->arg = arg;
	t->bucket = calloc(buckets, sizeof(struct ear_tcp_conn *));
	if (!t->bucket) {
		free(t);
		return EAR_NOMEM;
	}
	*out = t;
	return EAR_OK;
}

static void list_remove(struct ear_tcp *t, struct ear_tcp_conn *c)
{
	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
}

static void list_append(struct ear_tcp *t, struct ear_tcp_conn *c)
{
	c->older = t->newest;
	c->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
}

static void remove_conn(struct ear_tcp *t, struct ear_tcp_conn *c)
{
	struct ear_tcp_conn **at = &t->bucket[c->hash & t->mask];

	ear_tcp_half_end(t, &c->half[0]);
	ear_tcp_half_end(t, &c->half[1]);
	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	list_remove(t, c);
	t->count--;
	free(c);
}

void ear_tcp_end(struct ear_tcp *t)
{
	while (t->oldest)
		remove_conn(t, t->oldest);
}

void ear_tcp_free(struct ear_tcp **tp)
{
	struct ear_tcp *t = *tp;

	if (!t)
		return;
	ear_tcp_end(t);
	free(t->bucket);
	free(t);
	*tp = NULL;
}

void ear_tcp_stats(const struct ear_tcp *t, struct ear_tcp_stats *stats)
{
	*stats = t->stats;
	stats->open = t->count;
	stats->held_bytes = t->held;
}

/* The same whichever end sends. */
static uint64_t conn_hash(const struct ear_ip_unit *u)
{
	return ear_hash(ear_slice(&u->src, sizeof(u->src))) +
	       ear_hash(ear_slice(&u->dst, sizeof(u->dst)));
}

static struct ear_tcp_conn *find(
	struct ear_tcp *t, const struct ear_ip_unit *u, uint64_t hash, int *dir)
{
	struct ear_tcp_conn *c = t->bucket[hash & t->mask];

	for (; c; c = c->chain) {
		if (c->hash != hash)
			continue;
		for (*dir = 0; *dir < 2; ++*dir)
			if (ear_addr_eq(&c->half[*dir].src, &u->src) &&
				ear_addr_eq(&c->half[*dir].dst, &u->dst))
				return c;
	}
	return NULL;
}

static struct ear_tcp_conn *add(
	struct ear_tcp *t, const struct ear_ip_unit *u, uint64_t hash)
{
	struct ear_tcp_conn *c;

	while (t->count >= t->options.connections) {
		t->stats.evicted++;
		remove_conn(t, t->oldest);
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->hash = hash;
	c->half[0].src = c->half[1].dst = u->src;
	c->half[0].dst = c->half[1].src = u->dst;
	c->chain = t->bucket[hash & t->mask];
	t->bucket[hash & t->mask] = c;
	list_append(t, c);
	t->count++;
	t->stats.connections++;
	return c;
}

/* Once a second of packet time: end the idle, pass over old holes. */
static void expire(struct ear_tcp *t, uint64_t now_ns)
{
	struct ear_tcp_conn *c = t->oldest, *next;

	t->expire_ns = now_ns + EAR_SECOND_NS;
	for (; c; c = next) {
		bool closed = c->half[0].closed && c->half[1].closed;

		next = c->newer;
		if (now_ns > c->last_ns + (closed ? CLOSED_NS : IDLE_NS)) {
			remove_conn(t, c);
			continue;
		}
		ear_tcp_half_tick(t, &c->half[0], now_ns);
		ear_tcp_half_tick(t, &c->half[1], now_ns);
	}
}

static void begin_half(struct ear_tcp *t, struct ear_tcp_half *h)
{
	ear_tcp_half_end(t, h);
	h->synced = h->has_isn = h->fin = h->closed = false;
}

/* A SYN that is not a copy begins a connection on the same ports. */
static void syn(struct ear_tcp *t, struct ear_tcp_conn *c,
	const struct ear_ip_unit *u, int dir)
{
	struct ear_tcp_half *h = &c->half[dir], *peer = &c->half[!dir];

	if (h->has_isn && h->isn == u->seq)
		return;
	if (h->synced && !(u->tcp_flags & EAR_TCP_ACK)) {
		begin_half(t, peer);
		t->stats.connections++;
	}
	begin_half(t, h);
	h->has_isn = true;
	h->isn = u->seq;
}

static void reset(struct ear_tcp *t, struct ear_tcp_conn *c)
{
	for (int i = 0; i < 2; i++) {
		ear_tcp_half_end(t, &c->half[i]);
		c->half[i].closed = true;
	}
}

void ear_tcp_segment(struct ear_tcp *t, const struct ear_ip_unit *u)
{
	bool bytes = u->payload.n || u->missing;
	uint64_t hash = conn_hash(u);
	struct ear_tcp_conn *c;
	int dir = 0;

	if (u->at_ns > t->expire_ns)
		expire(t, u->at_ns);
	c = find(t, u, hash, &dir);
	if (!c && !bytes && !(u->tcp_flags & EAR_TCP_SYN))
		return; /* nothing to learn from a lone ACK */
	if (!c) {
		dir = 0;
		c = add(t, u, hash);
	}
	if (!c)
		return;
	c->last_ns = u->at_ns;
	if (c != t->newest) {
		list_remove(t, c);
		list_append(t, c);
	}
	if (u->tcp_flags & EAR_TCP_SYN)
		syn(t, c, u, dir);
	if (u->tcp_flags & EAR_TCP_ACK && c->half[!dir].waiting)
		ear_tcp_half_acked(t, &c->half[!dir], u->ack, u->at_ns);
	if (bytes || u->tcp_flags & (EAR_TCP_SYN | EAR_TCP_FIN))
		ear_tcp_half_take(t, &c->half[dir], u);
	if (u->tcp_flags & EAR_TCP_RST)
		reset(t, c);
	while (t->held > t->options.total_bytes && t->oldest) {
		t->stats.evicted++;
		remove_conn(t, t->oldest);
	}
}
