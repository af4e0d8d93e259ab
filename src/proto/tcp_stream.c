/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/tcp_stream.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "proto/tcp_priv.h"

#define IDLE_NS (900 * EAR_SECOND_NS)
#define CLOSED_NS (60 * EAR_SECOND_NS) /* for what is sent again after FIN */

/* Sent again so often, and unanswered so long: the peer is gone. */
#define LOST_TRIES 3
#define LOST_NS (32 * EAR_SECOND_NS)

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
	if (!t->options.idle_ns)
		t->options.idle_ns = IDLE_NS;
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

/* --- the life of a connection ------------------------------------------ */

static void half_begin(struct ear_tcp_half *h)
{
	h->synced = h->has_isn = h->fin = h->closed = false;
	h->bytes = 0;
	h->tries = 0;
}

static void forget(struct ear_tcp *t, struct ear_tcp_conn *c)
{
	if (c->shared && t->events.forget)
		t->events.forget(c, t->arg);
	c->shared = NULL;
}

static void open_conn(
	struct ear_tcp *t, struct ear_tcp_conn *c, int opener, uint64_t at_ns)
{
	c->opened_ns = at_ns;
	c->opener = (int8_t)opener;
	c->ender = -1;
	c->answered = c->lost = false;
	c->open = true;
	if (t->events.opened)
		t->events.opened(c, t->arg);
}

void ear_tcp_over(struct ear_tcp *t, struct ear_tcp_conn *c,
	enum ear_tcp_end how, uint64_t at_ns)
{
	if (!c->open)
		return;
	c->open = false;
	c->ended_ns = at_ns;
	if (t->events.closed)
		t->events.closed(c, how, t->arg);
}

void ear_tcp_renew(
	struct ear_tcp *t, struct ear_tcp_conn *c, int opener, uint64_t at_ns)
{
	ear_tcp_half_end(t, &c->half[0]);
	ear_tcp_half_end(t, &c->half[1]);
	ear_tcp_over(t, c, EAR_TCP_END_REUSED, at_ns);
	forget(t, c);
	half_begin(&c->half[0]);
	half_begin(&c->half[1]);
	t->stats.connections++;
	open_conn(t, c, opener, at_ns);
}

/* Both streams end; late segments are not taken for a new connection. */
static void shut(struct ear_tcp *t, struct ear_tcp_conn *c,
	enum ear_tcp_end how, uint64_t at_ns)
{
	for (int i = 0; i < 2; i++) {
		ear_tcp_half_end(t, &c->half[i]);
		c->half[i].closed = true;
	}
	ear_tcp_over(t, c, how, at_ns);
	forget(t, c);
}

static void remove_conn(
	struct ear_tcp *t, struct ear_tcp_conn *c, enum ear_tcp_end how)
{
	struct ear_tcp_conn **at = &t->bucket[c->hash & t->mask];

	shut(t, c, how, c->last_ns);
	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	list_remove(t, c);
	t->count--;
	free(c);
}

static void evict(struct ear_tcp *t)
{
	t->stats.evicted++;
	remove_conn(t, t->oldest, EAR_TCP_END_EVICTED);
}

void ear_tcp_end(struct ear_tcp *t)
{
	while (t->oldest)
		remove_conn(t, t->oldest, EAR_TCP_END_NONE);
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
	uint64_t secret = ear_hash_secret();

	return ear_hash_seed(ear_slice(&u->src, sizeof(u->src)), secret) +
	       ear_hash_seed(ear_slice(&u->dst, sizeof(u->dst)), secret);
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

	while (t->count >= t->options.connections)
		evict(t);
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->hash = hash;
	c->half[0].src = c->half[1].dst = u->src;
	c->half[0].dst = c->half[1].src = u->dst;
	for (int i = 0; i < 2; i++) {
		c->half[i].peer = &c->half[!i];
		c->half[i].conn = c;
	}
	c->chain = t->bucket[hash & t->mask];
	t->bucket[hash & t->mask] = c;
	list_append(t, c);
	t->count++;
	t->stats.connections++;
	return c;
}

/* --- time -------------------------------------------------------------- */

static bool is_lost(const struct ear_tcp_half *h, uint64_t now_ns)
{
	return h->tries >= LOST_TRIES && now_ns > h->tried_ns + LOST_NS;
}

/* One that is lost may be back: its streams stay. Events bear the time at which
 * they were due: it does not matter how often somebody looks. @return false
 * when it was removed */
static bool expire_conn(
	struct ear_tcp *t, struct ear_tcp_conn *c, uint64_t now_ns)
{
	bool fin = c->half[0].closed || c->half[1].closed;
	uint64_t due_ns = c->last_ns + (fin ? CLOSED_NS : t->options.idle_ns);

	for (int i = 0; c->open && i < 2; i++) {
		if (!is_lost(&c->half[i], now_ns))
			continue;
		c->ender = (int8_t)!i;
		ear_tcp_over(
			t, c, EAR_TCP_END_LOST, c->half[i].tried_ns + LOST_NS);
	}
	if (now_ns > due_ns) {
		shut(t, c, fin ? EAR_TCP_END_FIN : EAR_TCP_END_IDLE,
			fin ? c->last_ns : due_ns);
		remove_conn(t, c, EAR_TCP_END_NONE);
		return false;
	}
	return true;
}

void ear_tcp_tick(struct ear_tcp *t, uint64_t now_ns)
{
	struct ear_tcp_conn *c = t->oldest, *next;

	if (now_ns <= t->expire_ns)
		return;
	/* once a second of packet time */
	t->expire_ns = now_ns + EAR_SECOND_NS;
	for (; c; c = next) {
		next = c->newer;
		if (!expire_conn(t, c, now_ns))
			continue;
		ear_tcp_half_tick(t, &c->half[0], now_ns);
		ear_tcp_half_tick(t, &c->half[1], now_ns);
	}
}

/* --- packets ----------------------------------------------------------- */

/* A SYN that is not a copy begins a connection on the same ports. */
static void syn(struct ear_tcp *t, struct ear_tcp_conn *c,
	const struct ear_ip_unit *u, int dir)
{
	struct ear_tcp_half *h = &c->half[dir];
	bool ack = (u->tcp_flags & EAR_TCP_ACK) != 0;

	if (h->has_isn && h->isn == u->seq)
		return;
	if (h->synced || !c->open ||
		(!ack && h->peer->synced && c->opener != dir))
		ear_tcp_renew(t, c, ack ? !dir : dir, u->at_ns);
	h->has_isn = true;
	h->isn = u->seq;
}

/* A FIN before it was the end: what comes then is only impolite. */
static void reset(
	struct ear_tcp *t, struct ear_tcp_conn *c, int dir, uint64_t at_ns)
{
	enum ear_tcp_end how = c->ender < 0 ? EAR_TCP_END_RST : EAR_TCP_END_FIN;

	if (c->ender < 0)
		c->ender = (int8_t)dir;
	shut(t, c, how, at_ns);
}

static struct ear_tcp_conn *begin(
	struct ear_tcp *t, const struct ear_ip_unit *u, uint64_t hash)
{
	bool syn = (u->tcp_flags & EAR_TCP_SYN) != 0;
	bool ack = (u->tcp_flags & EAR_TCP_ACK) != 0;
	struct ear_tcp_conn *c;

	if (!syn && !u->payload.n && !u->missing)
		return NULL; /* nothing to learn from a lone ACK */
	c = add(t, u, hash);
	if (c)
		open_conn(t, c, !syn ? -1 : ack, u->at_ns);
	return c;
}

/* It was lost and is found. */
static void revive(struct ear_tcp *t, struct ear_tcp_conn *c, uint64_t at_ns)
{
	open_conn(t, c, c->opener, at_ns);
	c->answered = c->lost = true;
	c->half[0].bytes = c->half[1].bytes = 0;
	if (t->events.answer)
		t->events.answer(c, t->arg);
}

/* A sign of life of one side: what the other sent again was answered. */
static void heard(struct ear_tcp *t, struct ear_tcp_conn *c, int dir,
	const struct ear_ip_unit *u)
{
	struct ear_tcp_half *peer = &c->half[!dir];

	peer->tries = 0;
	c->last_ns = u->at_ns;
	if (c != t->newest) {
		list_remove(t, c);
		list_append(t, c);
	}
	if (u->tcp_flags & EAR_TCP_RST)
		return;
	if (!c->open && c->ender == dir && !peer->closed &&
		!c->half[dir].closed)
		revive(t, c, u->at_ns);
	if (c->answered || !peer->synced)
		return;
	c->answered = true;
	if (c->open && t->events.answer)
		t->events.answer(c, t->arg);
}

/* A lone ACK says nothing of its stream but that it is sent again. */
static bool concerns(const struct ear_tcp_half *h, const struct ear_ip_unit *u)
{
	if (u->payload.n || u->missing ||
		u->tcp_flags & (EAR_TCP_SYN | EAR_TCP_FIN))
		return true;
	return h->synced && !(u->tcp_flags & EAR_TCP_RST);
}

void ear_tcp_segment(struct ear_tcp *t, const struct ear_ip_unit *u)
{
	uint64_t hash = conn_hash(u);
	struct ear_tcp_conn *c;
	int dir = 0;

	ear_tcp_tick(t, u->at_ns);
	c = find(t, u, hash, &dir);
	if (!c) {
		dir = 0;
		c = begin(t, u, hash);
	}
	if (!c)
		return;
	if (u->tcp_flags & EAR_TCP_SYN)
		syn(t, c, u, dir);
	heard(t, c, dir, u);
	if (u->tcp_flags & EAR_TCP_ACK && c->half[!dir].waiting)
		ear_tcp_half_acked(t, &c->half[!dir], u->ack, u->at_ns);
	if (concerns(&c->half[dir], u))
		ear_tcp_half_take(t, &c->half[dir], u);
	if (u->tcp_flags & EAR_TCP_RST)
		reset(t, c, dir, u->at_ns);
	while (t->held > t->options.total_bytes && t->oldest)
		evict(t);
}
