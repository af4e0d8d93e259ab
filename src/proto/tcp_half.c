/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/tcp_priv.h"

#define WAITING_MAX 512 /* segments */
#define FAR (1 << 20)   /* numbers of another connection */
#define HOLE_NS                                                             \
	(10ULL * 1000000000)        /* a lost segment is sent again by then \
				     */
#define ACKED_NS (100ULL * 1000000) /* captured in a wrong order, at most */

/* How far a lies after b in sequence space. */
static int32_t distance(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void drop_rest(struct ear_tcp *t, struct ear_tcp_half *h)
{
	t->held -= h->rest.cap;
	ear_buf_fini(&h->rest);
}

static void keep(struct ear_tcp *t, struct ear_tcp_half *h, struct ear_slice s)
{
	t->held -= h->rest.cap;
	ear_buf_slice(&h->rest, s);
	t->held += h->rest.cap;
}

static void gap(struct ear_tcp *t, struct ear_tcp_half *h, uint64_t missing)
{
	t->stats.gaps++;
	t->stats.gap_bytes += missing;
	t->events.gap(h, ear_buf_view(&h->rest), missing, t->arg);
	drop_rest(t, h);
	h->want = 0;
}

/* Show bytes together with what was left; keep what is left now. */
static void deliver(
	struct ear_tcp *t, struct ear_tcp_half *h, struct ear_slice in)
{
	bool kept = h->rest.n > 0;
	size_t used;

	if (!in.n || h->closed)
		return;
	if (kept) {
		keep(t, h, in);
		in = ear_buf_view(&h->rest);
		if (h->rest.err) {
			gap(t, h, 0);
			return;
		}
	}
	if (in.n < h->want && in.n <= t->options.hold_bytes) {
		if (!kept)
			keep(t, h, in);
		return;
	}
	h->want = 0;
	used = t->events.data(h, in, t->arg);
	if (used >= in.n) {
		drop_rest(t, h);
	} else if (in.n - used > t->options.hold_bytes) {
		gap(t, h, 0);
	} else if (!kept) {
		keep(t, h, ear_slice_sub(in, used, in.n));
	} else if (used) {
		memmove(h->rest.p, h->rest.p + used, in.n - used);
		h->rest.n -= used;
	}
}

static void deliver_all(struct ear_tcp *t, struct ear_tcp_half *h,
	struct ear_slice in, uint32_t missing)
{
	h->next += (uint32_t)in.n;
	h->bytes += in.n;
	deliver(t, h, in);
	if (missing && !h->closed) {
		h->next += missing;
		h->bytes += missing;
		gap(t, h, missing);
	}
}

/*
 * Cut off what was delivered already.
 * @return false when nothing is left
 */
static bool trim(const struct ear_tcp_half *h, uint32_t seq,
	struct ear_slice *in, uint32_t *missing)
{
	uint32_t old = h->next - seq;

	if (old >= in->n + *missing)
		return false;
	if (old > in->n) {
		*missing -= old - (uint32_t)in->n;
		old = (uint32_t)in->n;
	}
	*in = ear_slice_sub(*in, old, in->n);
	return true;
}

static void check_fin(struct ear_tcp *t, struct ear_tcp_half *h)
{
	struct ear_tcp_conn *c = h->conn;

	if (!h->fin || h->closed || distance(h->next, h->fin_at) < 0)
		return;
	ear_tcp_half_end(t, h);
	h->closed = true;
	if (c->ender < 0)
		c->ender = h == &c->half[1];
	if (h->peer->closed)
		ear_tcp_over(t, c, EAR_TCP_END_FIN, h->at_ns);
}

/* Deliver what waited and is next now. at_ns 0: at its own times. */
static void drain(struct ear_tcp *t, struct ear_tcp_half *h, uint64_t at_ns)
{
	struct ear_tcp_segment *s;

	while ((s = h->waiting) && distance(s->seq, h->next) <= 0) {
		struct ear_slice in = ear_slice(s->bytes, s->n);
		uint32_t missing = s->missing;

		h->waiting = s->after;
		h->waiting_bytes -= s->n;
		h->waiting_count--;
		t->held -= s->n;
		h->at_ns = s->at_ns > at_ns ? s->at_ns : at_ns;
		if (trim(h, s->seq, &in, &missing))
			deliver_all(t, h, in, missing);
		free(s);
	}
	h->hole_ns = h->waiting ? h->waiting->at_ns : 0;
	h->acked_ns = 0;
}

static void pass_hole(struct ear_tcp *t, struct ear_tcp_half *h)
{
	uint32_t missing = h->waiting->seq - h->next;

	h->next = h->waiting->seq;
	h->bytes += missing;
	gap(t, h, missing);
	drain(t, h, 0);
}

/* Keep a segment that came before its turn. */
static void wait_for_turn(struct ear_tcp *t, struct ear_tcp_half *h,
	const struct ear_ip_unit *u, uint32_t seq, struct ear_slice in)
{
	struct ear_tcp_segment **at = &h->waiting, *s;

	t->stats.out_of_order++;
	while (*at && distance((*at)->seq, seq) < 0)
		at = &(*at)->after;
	if (*at && (*at)->seq == seq && (*at)->n >= in.n)
		return; /* a copy */
	s = malloc(sizeof(*s) + in.n);
	if (!s)
		return; /* becomes a gap */
	s->at_ns = u->at_ns;
	s->seq = seq;
	s->n = (uint32_t)in.n;
	s->missing = u->missing;
	memcpy(s->bytes, in.p, in.n);
	s->after = *at;
	*at = s;
	if (!h->hole_ns)
		h->hole_ns = u->at_ns;
	h->waiting_bytes += in.n;
	h->waiting_count++;
	t->held += in.n;
	while (h->waiting && (h->waiting_count > WAITING_MAX ||
				     h->waiting_bytes > t->options.hold_bytes))
		pass_hole(t, h);
}

/* Numbers that cannot belong to what was seen: another connection. */
static void restart(
	struct ear_tcp *t, struct ear_tcp_half *h, uint32_t seq, uint64_t at_ns)
{
	while (h->waiting && !h->closed)
		pass_hole(t, h);
	if (!h->closed)
		gap(t, h, 0);
	ear_tcp_renew(t, h->conn, -1, at_ns);
	h->synced = true;
	h->next = seq;
}

/*
 * Nothing new in it. Once and again, and never a word from the peer: it may
 * be gone. A peer that was never seen says nothing by its silence.
 */
static void sent_again(struct ear_tcp_half *h, uint64_t at_ns)
{
	if (!h->conn->answered)
		return;
	if (!h->tries++)
		h->tried_ns = at_ns;
}

void ear_tcp_half_take(
	struct ear_tcp *t, struct ear_tcp_half *h, const struct ear_ip_unit *u)
{
	uint32_t seq = u->seq + (u->tcp_flags & EAR_TCP_SYN ? 1 : 0);
	struct ear_slice in = u->payload;
	uint32_t missing = u->missing;
	int32_t ahead;

	if (!h->synced) {
		h->synced = true;
		h->next = seq;
	}
	ahead = distance(seq, h->next);
	if (in.n && (ahead > FAR || ahead < -FAR)) {
		restart(t, h, seq, u->at_ns);
		ahead = 0;
	}
	if (h->closed)
		return;
	if (u->tcp_flags & EAR_TCP_FIN && !h->fin) {
		h->fin = true;
		h->fin_at = seq + (uint32_t)in.n + missing;
	}
	h->at_ns = u->at_ns;
	if (!in.n && !missing) {
		if (ahead < 0 && !(u->tcp_flags & EAR_TCP_SYN))
			sent_again(h, u->at_ns);
	} else if (ahead > 0) {
		wait_for_turn(t, h, u, seq, in);
	} else if (!trim(h, seq, &in, &missing)) {
		t->stats.retransmitted++;
		sent_again(h, u->at_ns);
	} else {
		deliver_all(t, h, in, missing);
		if (h->waiting)
			drain(t, h, u->at_ns);
	}
	check_fin(t, h);
}

void ear_tcp_half_acked(
	struct ear_tcp *t, struct ear_tcp_half *h, uint32_t ack, uint64_t at_ns)
{
	if (!h->waiting || distance(ack, h->waiting->seq) < 0)
		return;
	if (!h->acked_ns)
		h->acked_ns = at_ns;
	ear_tcp_half_tick(t, h, at_ns);
}

void ear_tcp_half_tick(
	struct ear_tcp *t, struct ear_tcp_half *h, uint64_t at_ns)
{
	while (h->waiting) {
		bool acked = h->acked_ns && at_ns > h->acked_ns + ACKED_NS;

		if (!acked && at_ns <= h->hole_ns + HOLE_NS)
			return;
		pass_hole(t, h);
		check_fin(t, h);
	}
}

void ear_tcp_half_end(struct ear_tcp *t, struct ear_tcp_half *h)
{
	while (h->waiting && !h->closed)
		pass_hole(t, h);
	while (h->waiting) {
		struct ear_tcp_segment *s = h->waiting;

		h->waiting = s->after;
		t->held -= s->n;
		free(s);
	}
	h->waiting_bytes = h->waiting_count = 0;
	if (h->synced && !h->closed)
		t->events.end(h, ear_buf_view(&h->rest), t->arg);
	drop_rest(t, h);
	h->want = 0;
}
