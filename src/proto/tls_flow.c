/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From stream to records:
 *
 *      0        1        2        3        4        5
 *     | type   | version, 3.x    | length, 16 bits | payload …
 *
 * A record that is in clear is taken at once. One that is encrypted is passed
 * over where nobody has keys, decrypted where they are there, and held where
 * they may still come.
 */
#include <stdlib.h>

#include "proto/be.h"
#include "proto/tls_priv.h"

#define TOTAL_DEFAULT (64u << 20)
/* A record of TLS that carries anything takes no less. */
#define RECORD_LEAST 22
#define HELD_HEAD (sizeof(uint64_t) + EAR_TLS_HEAD)

static const struct {
	const char *key, *words;
} reasons[EAR_TLS_UNREADS] = {
	[EAR_TLS_READ] = {"read", ""},
	[EAR_TLS_NO_KEY] = {"no_key",
		"no key in the key log for this connection"},
	[EAR_TLS_LATE] = {"late", "the capture began after the handshake"},
	[EAR_TLS_MISSING] = {"missing", "bytes are missing"},
	[EAR_TLS_BAD_CIPHER] = {"cipher", "this cipher is not read"},
	[EAR_TLS_BAD_VERSION] = {"version", "this version of TLS is not read"},
	[EAR_TLS_BAD_KEY] = {"bad_key",
		"the key in the key log does not fit this connection"},
	[EAR_TLS_NO_ROOM] = {"no_room",
		"too many connections wait for their keys"},
};

const char *ear_tls_unread_key(enum ear_tls_unread why)
{
	return reasons[why < EAR_TLS_UNREADS ? why : 0].key;
}

const char *ear_tls_unread_words(enum ear_tls_unread why)
{
	return reasons[why < EAR_TLS_UNREADS ? why : 0].words;
}

enum ear_err ear_tls_new(const struct ear_tls_options *options,
	const struct ear_tls_events *events, void *arg, struct ear_tls **tls)
{
	struct ear_tls *t = calloc(1, sizeof(*t));

	*tls = t;
	if (!t)
		return EAR_NOMEM;
	if (options)
		t->options = *options;
	if (!t->options.total_bytes)
		t->options.total_bytes = TOTAL_DEFAULT;
	t->events = *events;
	t->arg = arg;
	return EAR_OK;
}

void ear_tls_free(struct ear_tls **tls)
{
	free(*tls);
	*tls = NULL;
}

enum ear_err ear_tls_flow_new(
	struct ear_tls *tls, void *user, struct ear_tls_flow **flow)
{
	struct ear_tls_flow *f = calloc(1, sizeof(*f));

	*flow = f;
	if (!f)
		return EAR_NOMEM;
	f->tls = tls;
	f->user = user;
	f->client = f->alert_by = f->closer = -1;
	tls->stats.open++;
	return EAR_OK;
}

/* Bytes of the flow, counted together. */
static void account(struct ear_tls_flow *f)
{
	size_t n = sizeof(*f);

	for (int i = 0; i < 2; i++)
		n += f->side[i].shake.cap + f->side[i].held.cap;
	for (int i = 0; i < EAR_TLS_TEXTS; i++)
		n += f->text[i].cap;
	f->tls->stats.memory += n - f->memory;
	f->memory = n;
}

static void leave_list(struct ear_tls_flow *f)
{
	if (!f->waiting)
		return;
	*(f->prev ? &f->prev->next : &f->tls->first) = f->next;
	*(f->next ? &f->next->prev : &f->tls->last) = f->prev;
	f->next = f->prev = NULL;
	f->waiting = false;
	f->tls->stats.waiting--;
}

static void enter_list(struct ear_tls_flow *f)
{
	if (f->waiting)
		return;
	f->prev = f->tls->last;
	*(f->prev ? &f->prev->next : &f->tls->first) = f;
	f->tls->last = f;
	f->waiting = true;
	f->tls->stats.waiting++;
}

static void drop_held(struct ear_tls_flow *f, struct ear_tls_side *s)
{
	f->tls->held -= s->held.n;
	ear_buf_fini(&s->held);
	s->held = (struct ear_buf){0};
}

/* What is given up needs no keys any more. Not where that is found out: a
 * message of the handshake may lie in what goes. */
static void drop_side(struct ear_tls_flow *f, struct ear_tls_side *s)
{
	drop_held(f, s);
	ear_tls_opener_fini(&s->open);
	ear_tls_opener_fini(&s->early);
	ear_buf_fini(&s->shake);
	s->shake = (struct ear_buf){0};
}

static void settle(struct ear_tls_flow *f)
{
	if (f->why) {
		drop_side(f, &f->side[0]);
		drop_side(f, &f->side[1]);
	}
	if (!f->side[0].held.n && !f->side[1].held.n)
		leave_list(f);
	account(f);
}

void ear_tls_flow_free(struct ear_tls_flow **flow)
{
	struct ear_tls_flow *f = *flow;

	if (!f)
		return;
	leave_list(f);
	drop_side(f, &f->side[0]);
	drop_side(f, &f->side[1]);
	for (int i = 0; i < EAR_TLS_TEXTS; i++)
		ear_buf_fini(&f->text[i]);
	f->tls->stats.memory -= f->memory;
	f->tls->stats.open--;
	free(f);
	*flow = NULL;
}

void ear_tls_info(const struct ear_tls_flow *f, struct ear_tls_info *info)
{
	const struct ear_buf *t = f->text;
	bool chosen = t[EAR_TLS_CHOICE].n || f->version != EAR_TLS_1_3;

	*info = (struct ear_tls_info){
		.client = f->client,
		.version = f->version,
		.cipher = f->cipher,
		.alert = f->alert,
		.alert_by = f->alert_by,
		.close_notify = {f->side[0].close_notify,
			f->side[1].close_notify},
		.closer = f->closer,
		.not_after_ns = f->not_after_ns,
		.sni = ear_buf_view(&t[EAR_TLS_SNI]),
		.alpn = ear_buf_view(
			&t[chosen ? EAR_TLS_CHOICE : EAR_TLS_OFFER]),
		.subject = ear_buf_view(&t[EAR_TLS_SUBJECT]),
		.issuer = ear_buf_view(&t[EAR_TLS_ISSUER]),
		.unread = t[EAR_TLS_REASON].n
				  ? ear_buf_view(&t[EAR_TLS_REASON])
				  : ear_slice_str(reasons[f->why].words),
		.why = f->why,
	};
}

static void tell(struct ear_tls_flow *f, uint64_t at_ns)
{
	struct ear_tls_info info;

	if (!f->dirty || !f->ready)
		return;
	f->dirty = false;
	ear_tls_info(f, &info);
	if (f->tls->events.info)
		f->tls->events.info(f->user, at_ns, &info, f->tls->arg);
}

bool ear_tls_reads(const struct ear_tls_flow *f)
{
	return ear_tls_wanted(f);
}

/* Behind ChangeCipherSpec, which in TLS 1.3 means nothing, all is encrypted. A
 * hello may follow it all the same where the version is not known yet: that
 * of the client behind a HelloRetryRequest that is still to come. */
static bool is_sealed(const struct ear_tls_flow *f, int side, uint8_t type,
	struct ear_slice payload)
{
	if (type == EAR_TLS_DATA)
		return true;
	if (!f->side[side].changed || ear_tls_is_13(f))
		return false;
	return f->version || type != EAR_TLS_HANDSHAKE || payload.n < 40 ||
	       (payload.p[0] != EAR_TLS_HS_CLIENT_HELLO &&
		       payload.p[0] != EAR_TLS_HS_SERVER_HELLO) ||
	       payload.p[1];
}

static enum ear_tls_step take_record(
	struct ear_tls_flow *f, int side, const struct ear_tls_record *rec)
{
	uint8_t type = rec->head[0];

	if (!is_sealed(f, side, type, rec->payload)) {
		ear_tls_content(f, side, rec->at_ns, type, rec->payload);
		return EAR_TLS_DONE;
	}
	if (!f->ready && f->version)
		f->ready = f->dirty = true;
	if (!ear_tls_wanted(f))
		return EAR_TLS_DONE;
	return ear_tls_sealed(f, side, rec);
}

static void hold(
	struct ear_tls_flow *f, int side, const struct ear_tls_record *rec)
{
	struct ear_tls_side *s = &f->side[side];
	size_t n = HELD_HEAD + rec->payload.n;

	if (f->side[0].held.n + f->side[1].held.n + n > EAR_TLS_HOLD_BYTES) {
		ear_tls_give_up(f, f->waits);
		return;
	}
	if (f->tls->held + n > f->tls->options.total_bytes) {
		ear_tls_give_up(f, EAR_TLS_NO_ROOM);
		return;
	}
	if (!f->waiting) {
		f->held_ns = rec->at_ns;
		f->serial = ear_tls_keys_serial(f->tls->options.keys);
	}
	ear_buf_add(&s->held, &rec->at_ns, sizeof(rec->at_ns));
	ear_buf_add(&s->held, rec->head, EAR_TLS_HEAD);
	ear_buf_slice(&s->held, rec->payload);
	if (s->held.err) {
		s->held.n = 0;
		ear_tls_give_up(f, EAR_TLS_NO_ROOM);
		return;
	}
	f->tls->held += n;
	enter_list(f);
}

/* Take what is held, as far as it goes. @return whether anything went */
static bool release(struct ear_tls_flow *f, int side)
{
	struct ear_tls_side *s = &f->side[side];
	struct ear_slice in = ear_buf_view(&s->held);
	size_t at = 0;

	while (at < in.n && !f->why) {
		struct ear_tls_record rec;

		memcpy(&rec.at_ns, in.p + at, sizeof(rec.at_ns));
		rec.head = (const uint8_t *)in.p + at + sizeof(rec.at_ns);
		rec.payload = ear_slice(
			in.p + at + HELD_HEAD, ear_be16(rec.head + 3));
		if (take_record(f, side, &rec) == EAR_TLS_WAIT)
			break;
		at += HELD_HEAD + rec.payload.n;
	}
	if (!at)
		return false;
	memmove(s->held.p, s->held.p + at, in.n - at);
	s->held.n = in.n - at;
	f->tls->held -= at;
	if (!s->held.n)
		drop_held(f, s);
	return true;
}

/* A side that goes on may bring what the other one waits for. */
static void release_both(struct ear_tls_flow *f)
{
	bool more = f->waiting;

	while (more) {
		more = release(f, 0);
		more = release(f, 1) || more;
	}
}

static void take(
	struct ear_tls_flow *f, int side, const struct ear_tls_record *rec)
{
	if (f->side[side].held.n)
		release_both(f);
	if (f->side[side].held.n || take_record(f, side, rec) == EAR_TLS_WAIT) {
		if (ear_tls_wanted(f))
			hold(f, side, rec);
	} else if (f->waiting) {
		release_both(f);
	}
}

bool ear_tls_looks_like(struct ear_slice in)
{
	const uint8_t *p = (const uint8_t *)in.p;

	return in.n >= EAR_TLS_HEAD && p[0] >= EAR_TLS_CHANGE_CIPHER &&
	       p[0] <= EAR_TLS_HEARTBEAT && p[1] == 3 && p[2] <= 4 &&
	       ear_be16(p + 3) <= EAR_TLS_RECORD_MAX;
}

/* Nothing of the record's payload is wanted: it need not be whole. */
static bool is_idle(const struct ear_tls_flow *f, int side, uint8_t type,
	struct ear_slice part)
{
	return !ear_tls_wanted(f) &&
	       (type == EAR_TLS_HEARTBEAT || is_sealed(f, side, type, part));
}

/* One record off the front. @return bytes used; 0: need says how many */
static size_t step(struct ear_tls_flow *f, int side, uint64_t at_ns,
	struct ear_slice in, size_t *need)
{
	struct ear_tls_side *s = &f->side[side];
	struct ear_tls_record rec = {at_ns, (const uint8_t *)in.p, {0}};
	size_t n;

	*need = EAR_TLS_HEAD;
	if (in.n < EAR_TLS_HEAD)
		return 0;
	if (!ear_tls_looks_like(in)) {
		s->lost = s->gapped = true;
		return in.n;
	}
	n = EAR_TLS_HEAD + ear_be16(rec.head + 3);
	if (!f->counted)
		f->tls->stats.flows++;
	f->counted = true;
	if (in.n < n && is_idle(f, side, rec.head[0],
				ear_slice_sub(in, EAR_TLS_HEAD, in.n))) {
		if (!f->ready && f->version)
			f->ready = f->dirty = true;
		s->skip = n - in.n;
		return in.n;
	}
	*need = n;
	if (in.n < n)
		return 0;
	rec.payload = ear_slice_sub(in, EAR_TLS_HEAD, n);
	take(f, side, &rec);
	return n;
}

size_t ear_tls_take(struct ear_tls_flow *f, int side, uint64_t at_ns,
	struct ear_slice bytes, size_t *need)
{
	struct ear_tls_side *s = &f->side[side];
	size_t used = s->skip < bytes.n ? s->skip : bytes.n;
	size_t n;

	*need = 0;
	s->skip -= used;
	if (s->lost) {
		/* Segments begin with a record more often than not. */
		if (bytes.n >= EAR_TLS_HEAD && !ear_tls_looks_like(bytes))
			return bytes.n;
		s->lost = bytes.n < EAR_TLS_HEAD;
	}
	while (used < bytes.n) {
		n = step(f, side, at_ns, ear_slice_sub(bytes, used, bytes.n),
			need);
		if (!n)
			break;
		used += n;
	}
	if (used == bytes.n)
		*need = 0;
	settle(f);
	tell(f, at_ns);
	return used;
}

void ear_tls_gap(struct ear_tls_flow *f, int side, struct ear_slice rest,
	uint64_t missing)
{
	struct ear_tls_side *s = &f->side[side];
	uint64_t window = 1 + missing / RECORD_LEAST + s->window, gone;
	size_t n;

	s->gapped = true;
	s->window =
		(uint16_t)(window < EAR_TLS_WINDOW_MAX ? window
						       : EAR_TLS_WINDOW_MAX);
	s->shake_skip = 0;
	ear_buf_fini(&s->shake);
	s->shake = (struct ear_buf){0};
	gone = rest.n + missing;
	if (!rest.n && s->skip >= missing) {
		s->skip -= (size_t)missing;
		return;
	}
	s->skip = 0;
	s->lost = true;
	if (rest.n >= EAR_TLS_HEAD && ear_tls_looks_like(rest)) {
		n = EAR_TLS_HEAD + ear_be16(rest.p + 3);
		if (gone <= n) {
			s->lost = false;
			s->skip = n - (size_t)gone;
		}
	}
	settle(f);
}

void ear_tls_end(struct ear_tls_flow *f, uint64_t at_ns)
{
	release_both(f);
	if (f->waiting && ear_tls_wanted(f))
		ear_tls_give_up(f, f->waits);
	settle(f);
	tell(f, at_ns);
}

void ear_tls_tick(struct ear_tls *t, uint64_t now_ns)
{
	struct ear_tls_flow *next;
	uint64_t serial;

	if (!t->first)
		return;
	serial = ear_tls_keys_serial(t->options.keys);
	for (struct ear_tls_flow *f = t->first; f; f = next) {
		next = f->next;
		if (f->serial != serial) {
			f->serial = serial;
			release_both(f);
		}
		if ((f->side[0].held.n || f->side[1].held.n) &&
			now_ns > f->held_ns + EAR_TLS_HOLD_NS)
			ear_tls_give_up(f, f->waits);
		settle(f);
		tell(f, now_ns);
	}
}

void ear_tls_stats(const struct ear_tls *tls, struct ear_tls_stats *stats)
{
	*stats = tls->stats;
}
