/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/hep_stream.h"

#include <stdlib.h>

#include "proto/hep.h"

/* A first line that is longer is none of SIP. */
#define LINE_MAX_BYTES 8192

/* Enough to believe a head among garbage: it and the first chunk's head. */
#define LIKELY (EAR_HEP_HEAD + EAR_HEP_CHUNK_HEAD)

/* Room for what a gzip member gives at a time. */
#define OPENED (64u << 10)

/* SIP text shrinks to a tenth; beyond this somebody wants to fill disks. */
#define BOMB_RATIO 256
#define BOMB_FREE (1u << 20)

static bool is_magic(const char *p)
{
	return !memcmp(p, "HEP3", 4) || !memcmp(p, "EEP3", 4);
}

static size_t total_of(const char *p)
{
	return (size_t)((uint8_t)p[4] << 8 | (uint8_t)p[5]);
}

/* What walk() made of the bytes at a place where something begins. */
enum step {
	STEP_ON,   /* it went on; look again */
	STEP_MORE, /* s->want bytes from here are needed */
	STEP_ZIP,  /* a gzip member begins here */
	STEP_END,  /* the stream must be closed; s->why says why */
};

static enum step need(struct ear_hep_stream *s, size_t want)
{
	s->want = want;
	s->by_line = false;
	return STEP_MORE;
}

static enum step need_line(struct ear_hep_stream *s, size_t have)
{
	s->want = have + 1;
	s->by_line = true;
	return STEP_MORE;
}

/* Nothing of what is kept will be put: it has been counted. */
static enum step stop(
	struct ear_hep_stream *s, enum ear_err err, const char *why)
{
	s->err = err;
	s->why = why;
	s->part_n = 0;
	return STEP_END;
}

static void put(struct ear_hep_stream *s, enum ear_unit_kind kind,
	struct ear_slice bytes, uint32_t units)
{
	s->pieces++;
	s->ops->put(kind, bytes, units, s->arg);
}

/* --- garbage ---------------------------------------------------------- */

static enum step garbage(struct ear_hep_stream *s, size_t bytes)
{
	if (!s->skip)
		s->ops->count(EAR_N_JUNK, s->arg);
	s->skip = true;
	s->skipping += bytes;
	s->garbage += bytes;
	if (s->garbage <= s->max_garbage)
		return STEP_ON;
	return stop(s, EAR_LIMIT, "too many bytes that are no HEP 3");
}

static void garbage_over(struct ear_hep_stream *s)
{
	if (!s->skip)
		return;
	s->skip = false;
	s->ops->skipped(s->skipping, s->arg);
	s->skipping = 0;
}

/* A head with a first chunk that can be; 6 bytes alone are a packet too. */
static bool likely(const char *p)
{
	size_t total = total_of(p);
	size_t chunk = (size_t)((uint8_t)p[10] << 8 | (uint8_t)p[11]);

	return total == EAR_HEP_HEAD ||
	       (total >= LIKELY && chunk >= EAR_HEP_CHUNK_HEAD &&
		       chunk <= total - EAR_HEP_HEAD);
}

/* Skip to the next likely head; a tail that could begin one stays. */
static enum step skip(struct ear_hep_stream *s, struct ear_slice in, size_t *at)
{
	size_t from = *at, i = from;

	while (i + 4 <= in.n) {
		const char *p = memmem(in.p + i + 1, in.n - i - 1, "EP3", 3);

		if (!p) {
			i = in.n - 3;
			break;
		}
		i = (size_t)(p - in.p) - 1;
		if (!is_magic(in.p + i)) {
			i++;
			continue;
		}
		if (in.n - i < LIKELY) {
			*at = i;
			return garbage(s, i - from) == STEP_ON ? need(s, LIKELY)
							       : STEP_END;
		}
		if (likely(in.p + i)) {
			*at = i;
			if (garbage(s, i - from) == STEP_END)
				return STEP_END;
			garbage_over(s);
			return STEP_ON;
		}
		i++;
	}
	*at = i;
	return garbage(s, i - from) == STEP_ON ? need(s, in.n - i + 1)
					       : STEP_END;
}

/* --- SIP -------------------------------------------------------------- */

static enum step take_sip(
	struct ear_hep_stream *s, struct ear_slice in, size_t *at)
{
	struct ear_slice rest = ear_slice_sub(in, *at, in.n);
	enum ear_err err = ear_sip_frame(rest, &s->frame);
	struct ear_sip_frame frame = s->frame;

	if (err == EAR_MORE && rest.n <= EAR_STREAM_SIP_MAX)
		return need_line(s, rest.n);
	s->frame = (struct ear_sip_frame){0};
	if (err == EAR_BAD)
		return garbage(s, 0);
	if (err || frame.n > EAR_STREAM_SIP_MAX) {
		s->ops->count(EAR_N_OVERSIZE, s->arg);
		return stop(s, EAR_LIMIT, "a SIP message that is too long");
	}
	*at += frame.idle + frame.n;
	put(s, EAR_UNIT_DATAGRAM, ear_slice(rest.p + frame.idle, frame.n), 1);
	return STEP_ON;
}

/* --- what begins here ------------------------------------------------- */

static enum step blanks(
	struct ear_hep_stream *s, struct ear_slice in, size_t *at)
{
	while (*at < in.n &&
		(in.p[*at] == '\r' || in.p[*at] == '\n' || in.p[*at] == '\0'))
		++*at;
	s->ops->count(EAR_N_KEEPALIVE, s->arg);
	return STEP_ON;
}

static enum step begin_text(
	struct ear_hep_stream *s, struct ear_slice in, size_t *at)
{
	struct ear_slice rest = ear_slice_sub(in, *at, in.n);
	const char *lf = memchr(rest.p, '\n', rest.n);
	size_t n = lf ? (size_t)(lf - rest.p) : rest.n;

	/* The same verdict however much of the line has come. */
	if (n >= LINE_MAX_BYTES || memchr(rest.p, '\0', n))
		return garbage(s, 0);
	if (!lf)
		return need_line(s, rest.n);
	return ear_sip_looks_like(rest) ? take_sip(s, in, at) : garbage(s, 0);
}

static enum step begin_old(struct ear_hep_stream *s, struct ear_slice rest)
{
	if (rest.n < 8)
		return need(s, 8);
	if (!ear_hep_version(rest))
		return garbage(s, 0);
	s->ops->count(EAR_N_REFUSED, s->arg);
	return stop(s, EAR_UNSUPPORTED,
		"HEP 1 and 2 have no length and cannot be sent by a stream; "
		"set the sender to HEP 3 or to UDP");
}

/* A head that is not whole, or one whose packet is not. */
static enum step begin_hep(struct ear_hep_stream *s, struct ear_slice rest)
{
	if (rest.n < EAR_HEP_HEAD)
		return need(s, rest.n < 4 ? rest.n + 1 : EAR_HEP_HEAD);
	if (total_of(rest.p) < EAR_HEP_HEAD)
		return garbage(s, 0);
	return need(s, total_of(rest.p));
}

static bool may_be_hep(struct ear_slice s)
{
	size_t n = s.n < 4 ? s.n : 4;

	return !memcmp(s.p, "HEP3", n) || !memcmp(s.p, "EEP3", n);
}

static enum step begin(
	struct ear_hep_stream *s, struct ear_slice in, size_t *at)
{
	struct ear_slice rest = ear_slice_sub(in, *at, in.n);
	char c = rest.p[0];

	if (may_be_hep(rest))
		return begin_hep(s, rest);
	if (c == '\r' || c == '\n' || c == '\0')
		return blanks(s, in, at);
	if (c == '\x1f' && rest.n < 2)
		return need(s, 2);
	if (ear_hep_is_gzip(rest) && !s->gzip)
		return STEP_ZIP;
	if (c == 1 || c == 2)
		return begin_old(s, rest);
	if (c >= 'A' && c <= 'Z')
		return begin_text(s, in, at);
	return garbage(s, 0);
}

/* The usual case: whole packets, one after the other. */
static size_t run(struct ear_hep_stream *s, struct ear_slice in, size_t at)
{
	size_t from = at;
	uint32_t units = 0;

	while (in.n - at >= EAR_HEP_HEAD && is_magic(in.p + at)) {
		size_t total = total_of(in.p + at);

		if (total < EAR_HEP_HEAD || total > in.n - at)
			break;
		at += total;
		units++;
	}
	if (units)
		put(s, EAR_UNIT_HEP_STREAM, ear_slice_sub(in, from, at), units);
	return at;
}

/* Go as far as the bytes allow; *at is where something unfinished begins. */
static enum step walk(struct ear_hep_stream *s, struct ear_slice in, size_t *at)
{
	enum step step = STEP_ON;

	while (step == STEP_ON) {
		if (!s->skip)
			*at = run(s, in, *at);
		if (*at == in.n)
			return STEP_ON;
		step = s->skip ? skip(s, in, at) : begin(s, in, at);
	}
	return step;
}

/* --- pieces ----------------------------------------------------------- */

static enum ear_err nomem(struct ear_hep_stream *s)
{
	s->why = "out of memory";
	return EAR_NOMEM;
}

static void drop_part(struct ear_hep_stream *s)
{
	free(s->part);
	s->part = NULL;
	s->part_n = s->part_cap = 0;
}

/* What is needed is at most a packet or a SIP message, so this is bounded. */
static enum ear_err keep(struct ear_hep_stream *s, struct ear_slice bytes)
{
	size_t n = s->part_n + bytes.n;
	size_t cap = n > s->want ? n : s->want;

	if (cap > s->part_cap) {
		/* Lines come one by one; packets say how long they are. */
		size_t grown = s->by_line ? cap * 2 : cap;
		char *p = realloc(s->part, grown);

		if (!p)
			return nomem(s);
		s->part = p;
		s->part_cap = grown;
	}
	memcpy(s->part + s->part_n, bytes.p, bytes.n);
	s->part_n = n;
	return EAR_OK;
}

/* How many of the bytes belong to what is needed. */
static size_t share(const struct ear_hep_stream *s, struct ear_slice in)
{
	size_t n = s->want - s->part_n;

	if (s->by_line) {
		const char *lf = memchr(in.p, '\n', in.n);

		n = lf ? (size_t)(lf - in.p) + 1 : in.n;
	}
	return n < in.n ? n : in.n;
}

/*
 * Add to the part until it is whole. What is needed was asked for so that the
 * part is then used up, or more of it is needed.
 */
static enum ear_err fill(struct ear_hep_stream *s, struct ear_slice *in)
{
	size_t n = share(s, *in), at = 0;
	enum ear_err err = keep(s, ear_slice_sub(*in, 0, n));
	enum step step;

	if (err)
		return err;
	*in = ear_slice_sub(*in, n, in->n);
	if (s->part_n < s->want)
		return EAR_OK;
	step = walk(s, ear_slice(s->part, s->part_n), &at);
	if (step == STEP_END)
		return s->err;
	memmove(s->part, s->part + at, s->part_n - at);
	s->part_n -= at;
	if (!s->part_n)
		drop_part(s);
	if (step == STEP_ZIP)
		s->gzip = true;
	return EAR_OK;
}

/* Up to the end, or to where a gzip member begins. */
static enum ear_err feed_plain(struct ear_hep_stream *s, struct ear_slice *in)
{
	const bool inside = s->gzip;
	enum ear_err err = EAR_OK;
	enum step step;
	size_t at = 0;

	while (in->n && s->part_n && !err && s->gzip == inside)
		err = fill(s, in);
	if (err || !in->n || s->gzip != inside)
		return err;
	step = walk(s, *in, &at);
	*in = ear_slice_sub(*in, at, in->n);
	if (step == STEP_END)
		return s->err;
	if (step == STEP_ZIP)
		s->gzip = true;
	if (step == STEP_MORE) {
		err = keep(s, *in);
		*in = (struct ear_slice){0};
	}
	return err;
}

/* --- gzip ------------------------------------------------------------- */

static enum ear_err gzip_begin(struct ear_hep_stream *s)
{
	if (!s->zip && ear_hep_zip_new(&s->zip))
		return nomem(s);
	if (!s->opened && !(s->opened = malloc(OPENED)))
		return nomem(s);
	ear_hep_gunzip_begin(s->zip);
	return EAR_OK;
}

static void put_remnant(struct ear_hep_stream *s)
{
	garbage_over(s);
	if (s->part_n)
		put(s, EAR_UNIT_REMNANT, ear_slice(s->part, s->part_n), 1);
	drop_part(s);
	s->frame = (struct ear_sip_frame){0};
}

/* Open as much as fits; EAR_OK with *ended at the end of the member. */
static enum ear_err open_some(
	struct ear_hep_stream *s, struct ear_slice *in, bool *full, bool *ended)
{
	size_t used, n;
	enum ear_err opened =
		ear_hep_gunzip_feed(s->zip, *in, s->opened, OPENED, &used, &n);
	struct ear_slice out = ear_slice(s->opened, n);
	enum ear_err err = EAR_OK;

	*in = ear_slice_sub(*in, used, in->n);
	*full = n == OPENED;
	*ended = opened == EAR_OK;
	s->zip_in += used;
	s->zip_out += n;
	if (s->zip_out > BOMB_FREE + BOMB_RATIO * s->zip_in) {
		stop(s, EAR_LIMIT, "gzip that opens into far too much");
		return s->err;
	}
	/* What came before the damage is good. */
	if (out.n)
		err = feed_plain(s, &out);
	if (!err && opened == EAR_BAD) {
		s->ops->count(EAR_N_JUNK, s->arg);
		put_remnant(s);
		stop(s, EAR_LIMIT, "a damaged gzip member");
		return s->err;
	}
	return err;
}

static enum ear_err feed_gzip(struct ear_hep_stream *s, struct ear_slice *in)
{
	bool full, ended;
	enum ear_err err;

	/* Output that did not fit waits inside zlib, also without input. */
	do
		err = open_some(s, in, &full, &ended);
	while (!err && full && !ended);
	if (!err && ended) {
		put_remnant(s);
		s->gzip = false;
	}
	return err;
}

/* The two bytes that told of the member may have been kept as a part. */
static enum ear_err gzip_enter(struct ear_hep_stream *s)
{
	enum ear_err err = gzip_begin(s);
	struct ear_slice kept = ear_slice(s->part, s->part_n);
	char *p = s->part;

	s->part = NULL;
	s->part_n = s->part_cap = 0;
	if (!err && kept.n)
		err = feed_gzip(s, &kept);
	free(p);
	return err;
}

enum ear_err ear_hep_stream_feed(
	struct ear_hep_stream *s, struct ear_slice bytes)
{
	enum ear_err err = EAR_OK;

	while (bytes.n && !err) {
		if (s->gzip) {
			err = feed_gzip(s, &bytes);
			continue;
		}
		err = feed_plain(s, &bytes);
		if (!err && s->gzip)
			err = gzip_enter(s);
	}
	return err;
}

void ear_hep_stream_end(struct ear_hep_stream *s)
{
	if (s->skip)
		s->part_n = 0;
	put_remnant(s);
	ear_hep_zip_free(&s->zip);
	free(s->opened);
	s->opened = NULL;
}
