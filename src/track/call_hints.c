/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may tell that a call is a leg of another one, as hashes, and where the
 * calls of a hash are found. docs/calls.md says what counts how much.
 */
#include "base/hash.h"
#include "proto/sip_body.h"
#include "track/call_priv.h"

/* Digits by which long numbers are the same, whatever stands before. */
#define NUMBER_TAIL 6

static uint32_t hint_of(struct ear_slice s, enum call_hint kind)
{
	uint32_t hash = (uint32_t)ear_hash_seed(s, kind + 1u);

	return hash ? hash : 1;
}

/* The last digits of a number, without its separators; else all of it. */
static struct ear_slice number_tail(struct ear_slice user, char room[32])
{
	size_t n = 0;

	for (size_t i = 0; i < user.n; i++) {
		char ch = user.p[i];

		if (ch >= '0' && ch <= '9') {
			if (n == 31)
				memmove(room, room + 1, --n);
			room[n++] = ch;
		} else if (!strchr("+-.()", ch) || !ch) {
			return user;
		}
	}
	return n > NUMBER_TAIL ? ear_slice(room + n - NUMBER_TAIL, NUMBER_TAIL)
			       : ear_slice(room, n);
}

void call_number_hint(
	struct call *call, enum call_hint kind, struct ear_slice user)
{
	char room[32];
	struct ear_slice tail = number_tail(user, room);

	if (!tail.n)
		return;
	call->hint[kind] = hint_of(tail, kind) | 2 | CALL_HINT_LONG;
	if (tail.n < NUMBER_TAIL || tail.p == user.p)
		call->hint[kind] ^= CALL_HINT_LONG;
}

/* Past the next blank; s.n: there is none. */
static size_t next_word(struct ear_slice s, size_t at)
{
	const char *blank = memchr(s.p + at, ' ', s.n - at);

	return blank ? (size_t)(blank + 1 - s.p) : s.n;
}

/* o=<username> <sess-id> <sess-version> <nettype> <addrtype> <address>: the
 * version counts up. Ones that every call has the same of are no sign. */
static void origin_hint(struct call *call, struct ear_slice origin)
{
	size_t word[6] = {0};
	uint64_t hash;

	for (unsigned i = 1; i < 6; i++)
		word[i] = next_word(origin, word[i - 1]);
	if (word[5] == origin.n || word[2] - word[1] < 5)
		return;
	hash = ear_hash_seed(ear_slice_sub(origin, word[5], origin.n),
		ear_hash(ear_slice(origin.p, word[2])));
	call->hint[CALL_HINT_ORIGIN] = (uint32_t)hash ? (uint32_t)hash : 1;
}

/* c=IN IP4 <address>, m=<kind> <port> ...: where the first medium goes. */
static void media_hint(
	struct call *call, struct ear_slice addr, struct ear_slice media)
{
	size_t at = next_word(media, 0), end = next_word(media, at);
	uint64_t number;

	if (addr.n && end > at + 1 &&
		ear_slice_u64(
			ear_slice_sub(media, at, end - 1), 65535, &number) &&
		number)
		call->hint[CALL_HINT_MEDIA] =
			hint_of(addr, CALL_HINT_MEDIA) ^ (uint32_t)number;
}

/* Up to the first medium; what it says of codecs is not wanted here. */
static void sdp_hints(struct call *call, struct ear_slice sdp)
{
	struct call_lines lines = {sdp.p, sdp.p + sdp.n};
	struct ear_slice line, addr = {0};

	while (sdp.n && call_next_line(&lines, &line)) {
		struct ear_slice value;

		if (line.n < 2 || line.p[1] != '=' ||
			!memchr("ocm", line.p[0], 3))
			continue;
		value = ear_slice_trim(ear_slice_sub(line, 2, line.n));
		if (line.p[0] == 'o') {
			origin_hint(call, value);
		} else if (line.p[0] == 'c') {
			addr = value;
		} else {
			media_hint(call, addr, value);
			return;
		}
	}
}

void call_take_hints(struct call *call, const struct call_event *e,
	const struct call_origin *origin)
{
	const struct ear_slice sdp = EAR_S("application/sdp");

	call_number_hint(call, CALL_HINT_DST, call_text(call, CALL_DST));
	call_number_hint(call, CALL_HINT_SRC, call_text(call, CALL_SRC));
	if (origin->session.n >= 16)
		call->hint[CALL_HINT_SESSION] =
			hint_of(origin->session, CALL_HINT_SESSION);
	if (ear_slice_eq(e->f->content_type, sdp))
		sdp_hints(call, e->f->body);
	else if (e->f->sdp)
		sdp_hints(call,
			ear_sip_find_body(e->f->content_type, e->f->body, sdp));
}

/* A spot is written over when its turn comes again; what pointed to it then
 * sees by the count that it is gone. */
static void put_hint(struct ear_calls *c, uint32_t slot, enum call_hint kind)
{
	uint32_t hash = c->call[slot]->hint[kind], *head;

	if (!hash || !c->spot)
		return;
	head = &c->spot_head[hash % CALL_SPOTS];
	c->spots++;
	c->spot[c->spots % CALL_SPOTS] = (struct call_spot){hash, slot, *head};
	*head = c->spots;
}

void call_put_hints(struct ear_calls *c, uint32_t slot)
{
	for (unsigned kind = 0; kind < CALL_HINTS_LOOKED_UP; kind++)
		put_hint(c, slot, kind);
	put_hint(c, slot, CALL_HINT_REFER);
}

void call_renew_numbers(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];
	uint32_t before = call->hint[CALL_HINT_DST];

	call_number_hint(call, CALL_HINT_DST, call_text(call, CALL_DST));
	call_number_hint(call, CALL_HINT_SRC, call_text(call, CALL_SRC));
	if (call->hint[CALL_HINT_DST] != before)
		put_hint(c, slot, CALL_HINT_DST);
}

void call_expect_transfer(
	struct ear_calls *c, uint32_t slot, struct ear_slice user)
{
	if (!c->spot)
		return;
	call_number_hint(c->call[slot], CALL_HINT_REFER, user);
	put_hint(c, slot, CALL_HINT_REFER);
}
