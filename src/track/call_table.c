/* SPDX-License-Identifier: Apache-2.0 */
/* Where calls live: slots, texts, and the lines in which they wait. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "track/call_priv.h"

/* Most bytes of a text; a length is a byte. A Call-ID and the tags are what
 * the messages are found by. */
static const uint8_t text_most[CALL_TEXTS] = {
	[CALL_CALL_ID] = 255,
	[CALL_FROM_TAG] = 128,
	[CALL_SRC] = 80,
	[CALL_DST] = 80,
	[CALL_NAME] = 64,
	[CALL_DOMAIN] = 64,
	[CALL_AGENT] = 80,
	[CALL_NODE] = 64,
	[CALL_AUTH] = 64,
	[CALL_TO_TAG] = 128,
	[CALL_DST_AGENT] = 80,
	[CALL_REASON] = 80,
	[CALL_REASON_HEADER] = 160,
	[CALL_WHY] = 96,
	[CALL_NOTE] = 255,
};
/* Room for a To-tag, an agent and a reason, so that most calls never grow. */
#define TEXT_ROOM 256
#define TEXT_STEP 64

/* --- lines: the longest silent first ------------------------------------ */

static struct call_link *link_of(struct ear_calls *c, uint32_t slot, bool dirty)
{
	struct call *call = c->call[slot];

	return dirty ? &call->dirty : &call->line;
}

static void line_add(
	struct ear_calls *c, struct call_line *l, uint32_t slot, bool dirty)
{
	struct call_link *link = link_of(c, slot, dirty);

	*link = (struct call_link){l->tail, CALL_NONE};
	if (l->tail == CALL_NONE)
		l->head = slot;
	else
		link_of(c, l->tail, dirty)->next = slot;
	l->tail = slot;
}

static void line_remove(
	struct ear_calls *c, struct call_line *l, uint32_t slot, bool dirty)
{
	struct call_link *link = link_of(c, slot, dirty);

	if (link->prev == CALL_NONE)
		l->head = link->next;
	else
		link_of(c, link->prev, dirty)->next = link->next;
	if (link->next == CALL_NONE)
		l->tail = link->prev;
	else
		link_of(c, link->next, dirty)->prev = link->prev;
}

void call_mark(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (call->flags & CALL_DIRTY)
		return;
	call->flags |= CALL_DIRTY;
	line_add(c, &c->dirty, slot, true);
}

void call_unmark(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (!(call->flags & CALL_DIRTY))
		return;
	call->flags &= (uint16_t)~CALL_DIRTY;
	line_remove(c, &c->dirty, slot, true);
}

uint64_t call_wait_ns(const struct ear_calls *c, unsigned wait)
{
	switch (wait) {
	case CALL_WAIT_FINAL: return CALL_SECONDS(32);
	case CALL_WAIT_LATE: return CALL_SECONDS(64);
	case CALL_WAIT_RING: return CALL_SECONDS(212);
	case CALL_WAIT_UP: return c->options.silent_ns;
	default: return CALL_SECONDS(128ull << (wait - CALL_WAIT_SESSION));
	}
}

/* The least power of two that a session timer of so many seconds fits in. */
static unsigned session_wait(uint32_t seconds)
{
	unsigned wait = CALL_WAIT_SESSION;

	while (wait + 1 < CALL_WAITS &&
		128ull << (wait - CALL_WAIT_SESSION) < seconds)
		wait++;
	return wait;
}

static unsigned wait_of(const struct call *call)
{
	switch (call->state) {
	case CALL_HELD: return CALL_WAIT_FINAL;
	case CALL_OVER:
		return call_is_estimated(call) ? CALL_WAIT_UP : CALL_WAIT_LATE;
	case CALL_UP:
		return call->session_s ? session_wait(call->session_s)
				       : CALL_WAIT_UP;
	case CALL_MAYBE: return CALL_WAIT_UP;
	default: break;
	}
	if (call->flags & (CALL_CANCEL | CALL_EARLY_BYE))
		return CALL_WAIT_FINAL;
	return call->flags & CALL_PROVISIONAL ? CALL_WAIT_RING
					      : CALL_WAIT_FINAL;
}

void call_line_up(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	line_remove(c, &c->line[call->wait], slot, false);
	call->wait = (uint8_t)wait_of(call);
	line_add(c, &c->line[call->wait], slot, false);
}

void call_touch(struct ear_calls *c, uint32_t slot, uint64_t at_ns)
{
	struct call *call = c->call[slot];

	if (at_ns > call->last_ns)
		call->last_ns = at_ns;
	call->touched_ns = c->now_ns;
	call_line_up(c, slot);
	call_mark(c, slot);
}

/*
 * What is over goes first, then what may be no call; of the others the one
 * that was silent longest. Each line is in the order of silence.
 */
uint32_t call_longest_silent(const struct ear_calls *c)
{
	uint32_t best = c->line[CALL_WAIT_LATE].head;

	if (best != CALL_NONE)
		return best;
	for (unsigned i = 0; i < CALL_WAITS; i++) {
		uint32_t slot = c->line[i].head;

		if (slot != CALL_NONE &&
			(best == CALL_NONE ||
				c->call[slot]->touched_ns <
					c->call[best]->touched_ns))
			best = slot;
	}
	return best;
}

/* --- slots --------------------------------------------------------------- */

uint32_t call_find(const struct ear_calls *c, uint64_t key, uint64_t tag)
{
	uint32_t slot = ear_map64_get(&c->by_call_id, key);

	while (slot != CALL_NONE && c->call[slot]->tag != tag)
		slot = c->call[slot]->same;
	return slot;
}

uint32_t call_crowded(const struct ear_calls *c, uint64_t key)
{
	uint32_t slot = ear_map64_get(&c->by_call_id, key), best = CALL_NONE;
	unsigned n = 0;

	for (; slot != CALL_NONE; slot = c->call[slot]->same, n++) {
		const struct call *call = c->call[slot];
		bool over = call->state == CALL_OVER;

		if (best == CALL_NONE ||
			over > (c->call[best]->state == CALL_OVER) ||
			(over == (c->call[best]->state == CALL_OVER) &&
				call->touched_ns < c->call[best]->touched_ns))
			best = slot;
	}
	return n < CALL_SAME_MAX ? CALL_NONE : best;
}

static bool more_slots(struct ear_calls *c)
{
	uint32_t room = c->slots_room ? c->slots_room * 2 : 256;
	struct call **call = realloc(c->call, room * sizeof(struct call *));
	uint32_t *unused;

	if (!call)
		return false;
	c->call = call;
	unused = realloc(c->unused, room * sizeof(*unused));
	if (!unused)
		return false;
	c->unused = unused;
	c->slots_room = room;
	return true;
}

static uint32_t take_slot(struct ear_calls *c)
{
	if (c->n_unused)
		return c->unused[--c->n_unused];
	if (c->slots == c->slots_room && !more_slots(c))
		return CALL_NONE;
	return c->slots++;
}

static void give_slot(struct ear_calls *c, uint32_t slot)
{
	c->call[slot] = NULL;
	c->unused[c->n_unused++] = slot;
}

static uint64_t row_id(uint64_t key, uint64_t tag, uint64_t at_ns)
{
	const uint64_t of[3] = {key, tag, at_ns};
	uint64_t id = ear_hash(ear_slice(of, sizeof(of))) >> 1;

	return id ? id : 1;
}

static size_t call_bytes(const struct call *call)
{
	return sizeof(*call) + call->text_room;
}

struct call *call_add(struct ear_calls *c, uint64_t key, uint64_t tag,
	uint64_t at_ns, uint32_t *slot)
{
	uint32_t first = ear_map64_get(&c->by_call_id, key);
	struct call *call = malloc(sizeof(*call) + TEXT_ROOM);

	*slot = call ? take_slot(c) : CALL_NONE;
	if (*slot == CALL_NONE || !ear_map64_put(&c->by_call_id, key, *slot)) {
		if (*slot != CALL_NONE)
			give_slot(c, *slot);
		free(call);
		return NULL;
	}
	*call = (struct call){.key = key,
		.tag = tag,
		.id = row_id(key, tag, at_ns),
		.at_ns = at_ns,
		.invite_ns = at_ns,
		.last_ns = at_ns,
		.touched_ns = c->now_ns,
		.mate = CALL_NONE,
		.same = first,
		.text_room = TEXT_ROOM,
		.state = CALL_TRYING,
		.wait = CALL_WAIT_FINAL};
	c->call[*slot] = call;
	c->n++;
	c->stats.bytes += call_bytes(call);
	line_add(c, &c->line[call->wait], *slot, false);
	call_mark(c, *slot);
	return call;
}

static void unchain(struct ear_calls *c, uint32_t slot)
{
	const struct call *call = c->call[slot];
	uint32_t at = ear_map64_get(&c->by_call_id, call->key);

	if (at != slot) {
		while (c->call[at]->same != slot)
			at = c->call[at]->same;
		c->call[at]->same = call->same;
	} else if (call->same == CALL_NONE) {
		ear_map64_remove(&c->by_call_id, call->key);
	} else {
		/* the entry is there: it is replaced, which needs no memory */
		(void)!ear_map64_put(&c->by_call_id, call->key, call->same);
	}
}

void call_drop(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	unchain(c, slot);
	line_remove(c, &c->line[call->wait], slot, false);
	call_unmark(c, slot);
	call_state_forget(c, call);
	c->stats.bytes -= call_bytes(call);
	c->n--;
	c->over -= call->state == CALL_OVER;
	free(call);
	give_slot(c, slot);
}

/* --- graves: what was here lately ---------------------------------------- */

static uint64_t grave_hash(uint64_t key, uint64_t tag)
{
	return key ^ (tag << 23 | tag >> 41);
}

void call_bury_hash(struct ear_calls *c, uint64_t hash)
{
	struct ear_set64 *young = &c->dead[0];

	if (c->now_ns - c->dead_ns >= call_wait_ns(c, CALL_WAIT_LATE) ||
		young->n >= young->max) {
		ear_set64_fini(&c->dead[1]);
		c->dead[1] = *young;
		*young = (struct ear_set64){.max = c->dead[1].max};
		c->dead_ns = c->now_ns;
	}
	(void)ear_set64_add(young, hash);
}

void call_bury(struct ear_calls *c, uint32_t slot)
{
	uint64_t hash = grave_hash(c->call[slot]->key, c->call[slot]->tag);

	call_bury_hash(c, hash);
	if (c->out.state) {
		ear_buf_add(&c->fresh, &hash, sizeof(hash));
		c->fresh_ns = c->now_ns;
		if (c->fresh.n >= CALL_GRAVE_MOST * sizeof(hash))
			call_graves_tell(c);
	}
	call_drop(c, slot);
}

bool call_is_buried(const struct ear_calls *c, uint64_t key, uint64_t tag)
{
	uint64_t hash = grave_hash(key, tag), age = c->now_ns - c->dead_ns,
		 late = call_wait_ns(c, CALL_WAIT_LATE);

	/* nobody turned the sets over where nothing ended since */
	if (age >= 2 * late)
		return false;
	return ear_set64_has(&c->dead[0], hash) ||
	       (age < late && ear_set64_has(&c->dead[1], hash));
}

/* --- texts --------------------------------------------------------------- */

static size_t text_at(const struct call *call, enum call_text which)
{
	size_t at = 0;

	for (unsigned i = 0; i < which; i++)
		at += call->text_bytes[i];
	return at;
}

struct ear_slice call_text(const struct call *call, enum call_text which)
{
	return ear_slice(
		call->text + text_at(call, which), call->text_bytes[which]);
}

void call_all_texts(const struct call *call, struct ear_slice text[CALL_TEXTS])
{
	const char *at = call->text;

	for (unsigned i = 0; i < CALL_TEXTS; i++) {
		text[i] = ear_slice(at, call->text_bytes[i]);
		at += call->text_bytes[i];
	}
}

static struct call *make_room(struct ear_calls *c, uint32_t slot, size_t bytes)
{
	struct call *call = c->call[slot], *larger;
	size_t room = (bytes + TEXT_STEP - 1) / TEXT_STEP * TEXT_STEP;

	if (bytes <= call->text_room)
		return call;
	larger = realloc(call, sizeof(*call) + room);
	if (!larger)
		return NULL;
	c->stats.bytes += room - larger->text_room;
	larger->text_room = (uint16_t)room;
	c->call[slot] = larger;
	return larger;
}

/* Control characters stay; a cut never parts a UTF-8 character. */
static size_t cut(struct ear_slice value, size_t most)
{
	size_t n = value.n < most ? value.n : most;

	while (n < value.n && n > 0 && ((uint8_t)value.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void call_set(struct ear_calls *c, uint32_t slot, enum call_text which,
	struct ear_slice value)
{
	struct call *call = c->call[slot];
	size_t n = cut(value, text_most[which]);
	size_t at = text_at(call, which), old = call->text_bytes[which];
	size_t behind = call->text_used - at - old;

	if (n == old && (n == 0 || !memcmp(call->text + at, value.p, n)))
		return;
	call = make_room(c, slot, at + n + behind);
	if (!call)
		return;
	memmove(call->text + at + n, call->text + at + old, behind);
	if (n)
		memcpy(call->text + at, value.p, n);
	call->text_bytes[which] = (uint8_t)n;
	call->text_used = (uint16_t)(at + n + behind);
	call_mark(c, slot);
}

void call_set_first(struct ear_calls *c, uint32_t slot,
	const struct ear_slice *value, unsigned n)
{
	struct call *call = c->call[slot];
	size_t bytes = 0, at = 0;

	if (call->text_used) {
		for (unsigned i = 0; i < n; i++)
			call_set(c, slot, i, value[i]);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		bytes += cut(value[i], text_most[i]);
	call = make_room(c, slot, bytes);
	for (unsigned i = 0; i < n && call; i++) {
		size_t length = cut(value[i], text_most[i]);

		if (length)
			memcpy(call->text + at, value[i].p, length);
		call->text_bytes[i] = (uint8_t)length;
		at += length;
		call->text_used = (uint16_t)at;
	}
}

void call_note(struct ear_calls *c, uint32_t slot, const char *format, ...)
{
	struct ear_slice old = call_text(c->call[slot], CALL_NOTE), more;
	char words[200], all[600];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (n < 0)
		return;
	more = ear_slice_str(words);
	if (ear_slice_find(old, more) < old.n)
		return;
	n = snprintf(all, sizeof(all), "%.*s%s%s", EAR_FMT(old),
		old.n ? "; " : "", words);
	call_set(c, slot, CALL_NOTE, ear_slice(all, (size_t)n));
}
