/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sctp.h"

#include <stdlib.h>

#include "base/buf.h"
#include "proto/be.h"

#define MESSAGES 64
#define CHUNKS_MAX 64
#define MESSAGE_MAX (256u << 10)

enum chunk_type { CHUNK_DATA = 0, CHUNK_IDATA = 64 };
enum chunk_flag { FLAG_END = 1, FLAG_BEGIN = 2 };

/* One DATA chunk, whichever of its forms. */
struct chunk {
	uint8_t flags;
	uint32_t tsn; /* place in the message: TSN, or FSN of I-DATA */
	uint16_t stream;
	uint32_t message; /* MID of I-DATA; else 0, as TSNs tell them apart */
	bool idata;
	uint32_t missing;
	struct ear_slice bytes;
};

/* A chunk kept; those of a message stand in order of their numbers. */
struct piece {
	struct piece *after;
	uint32_t tsn;
	uint8_t flags;
	uint32_t n;
	char bytes[];
};

struct open {
	struct ear_addr src, dst;
	uint16_t stream;
	uint32_t message;
	bool idata;
	uint64_t used; /* a count that grows: the least is the oldest; 0 free */
	uint32_t count, bytes;
	struct piece *first;
};

struct ear_sctp {
	ear_sctp_fn fn;
	void *arg;
	uint64_t clock;
	struct ear_buf whole;
	struct open open[MESSAGES];
};

enum ear_err ear_sctp_new(ear_sctp_fn fn, void *arg, struct ear_sctp **out)
{
	struct ear_sctp *s = calloc(1, sizeof(*s));

	*out = s;
	if (!s)
		return EAR_NOMEM;
	s->fn = fn;
	s->arg = arg;
	return EAR_OK;
}

static void clear(struct open *o)
{
	while (o->first) {
		struct piece *p = o->first;

		o->first = p->after;
		free(p);
	}
	*o = (struct open){0};
}

void ear_sctp_free(struct ear_sctp **sp)
{
	struct ear_sctp *s = *sp;

	if (!s)
		return;
	for (int i = 0; i < MESSAGES; i++)
		clear(&s->open[i]);
	ear_buf_fini(&s->whole);
	free(s);
	*sp = NULL;
}

/* @return false when this is no data chunk, or a cut head */
static bool read_chunk(struct ear_slice in, uint32_t length, bool last,
	uint32_t missing, struct chunk *c)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t head = p[0] == CHUNK_IDATA ? 20 : 16;

	if ((p[0] != CHUNK_DATA && p[0] != CHUNK_IDATA) || length < head ||
		in.n < head)
		return false;
	c->idata = p[0] == CHUNK_IDATA;
	c->flags = p[1] & 3;
	c->stream = (uint16_t)ear_be16(p + 8);
	c->message = c->idata ? ear_be32(p + 12) : 0;
	c->tsn = c->idata ? c->flags & FLAG_BEGIN ? 0 : ear_be32(p + 16)
			  : ear_be32(p + 4);
	c->bytes = ear_slice_sub(in, head, length);
	c->missing = length > in.n ? length - (uint32_t)in.n : 0;
	if (last && c->missing > missing)
		c->missing = missing ? missing : c->missing;
	return true;
}

/*
 * The unfinished message of a chunk. Without MID the chunks of a message have
 * TSNs one after the other, so one that is near belongs to it.
 */
static struct open *find(
	struct ear_sctp *s, const struct ear_ip_unit *u, const struct chunk *c)
{
	struct open *take = &s->open[0];

	for (int i = 0; i < MESSAGES; i++) {
		struct open *o = &s->open[i];

		if (o->used && o->stream == c->stream &&
			o->message == c->message && o->idata == c->idata &&
			(o->idata || c->tsn - o->first->tsn + CHUNKS_MAX <
					     2 * CHUNKS_MAX) &&
			ear_addr_eq(&o->src, &u->src) &&
			ear_addr_eq(&o->dst, &u->dst))
			return o;
		if (o->used < take->used)
			take = o;
	}
	clear(take);
	take->src = u->src;
	take->dst = u->dst;
	take->stream = c->stream;
	take->message = c->message;
	take->idata = c->idata;
	return take;
}

static void insert(struct open *o, const struct chunk *c)
{
	struct piece **at = &o->first, *p;

	while (*at && (int32_t)((*at)->tsn - c->tsn) < 0)
		at = &(*at)->after;
	if (*at && (*at)->tsn == c->tsn)
		return; /* sent again */
	p = malloc(sizeof(*p) + c->bytes.n);
	if (!p)
		return;
	p->after = *at;
	p->tsn = c->tsn;
	p->flags = c->flags;
	p->n = (uint32_t)c->bytes.n;
	memcpy(p->bytes, c->bytes.p, c->bytes.n);
	*at = p;
	o->count++;
	o->bytes += p->n;
}

/* The first run from BEGIN to END without a hole; NULL while there is none. */
static struct piece *complete(const struct open *o)
{
	struct piece *begin = NULL;
	uint32_t next = 0;

	for (struct piece *p = o->first; p; p = p->after) {
		if (p->flags & FLAG_BEGIN)
			begin = p;
		else if (begin && p->tsn != next)
			begin = NULL;
		if (begin && p->flags & FLAG_END)
			return begin;
		next = p->tsn + 1;
	}
	return NULL;
}

/* Hand a run out and take it off the list. */
static void finish(struct ear_sctp *s, const struct ear_ip_unit *u,
	struct open *o, struct piece *begin)
{
	struct ear_sctp_message m = {0};
	struct piece **at = &o->first;
	bool end = false;

	ear_buf_reset(&s->whole);
	while (*at != begin)
		at = &(*at)->after;
	while (!end) {
		struct piece *p = *at;

		ear_buf_add(&s->whole, p->bytes, p->n);
		end = p->flags & FLAG_END;
		*at = p->after;
		o->count--;
		o->bytes -= p->n;
		free(p);
	}
	if (!o->first)
		clear(o);
	if (s->whole.err)
		return;
	m.bytes = ear_buf_view(&s->whole);
	s->fn(u, &m, s->arg);
}

static void take(
	struct ear_sctp *s, const struct ear_ip_unit *u, const struct chunk *c)
{
	struct ear_sctp_message m = {.bytes = c->bytes, .missing = c->missing};
	struct piece *begin;
	struct open *o;

	if (c->flags == (FLAG_BEGIN | FLAG_END)) {
		s->fn(u, &m, s->arg);
		return;
	}
	if (c->missing)
		return; /* its end is cut off: it cannot become whole */
	o = find(s, u, c);
	insert(o, c);
	if (!o->first)
		return;
	o->used = ++s->clock;
	begin = complete(o);
	if (begin)
		finish(s, u, o, begin);
	else if (o->count > CHUNKS_MAX || o->bytes > MESSAGE_MAX)
		clear(o);
}

size_t ear_sctp_packet(struct ear_sctp *s, const struct ear_ip_unit *u)
{
	struct ear_slice in = u->payload;
	size_t count = 0;

	while (in.n >= 4) {
		uint32_t length = ear_be16(in.p + 2);
		size_t whole = ((size_t)length + 3) & ~(size_t)3;
		struct chunk c;

		if (length < 4)
			break;
		if (read_chunk(in, length, whole >= in.n, u->missing, &c)) {
			take(s, u, &c);
			count++;
		}
		in = ear_slice_sub(in, whole, in.n);
	}
	return count;
}
