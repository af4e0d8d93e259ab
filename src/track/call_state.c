/* SPDX-License-Identifier: Apache-2.0 */
/* What a restart needs of the calls, as bytes, and back. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/reader.h"
#include "track/call_priv.h"

/* First byte: another one is not read. */
#define CALL_VERSION 3
#define GRAVE_VERSION 2

/* Numbers of a call that are kept, in their order on disk. */
#define NUMBERS(N)     \
	N(key)         \
	N(tag)         \
	N(id)          \
	N(at_ns)       \
	N(invite_ns)   \
	N(ring_ns)     \
	N(answer_ns)   \
	N(end_ns)      \
	N(last_ns)     \
	N(touched_ns)  \
	N(group)       \
	N(mate_id)     \
	N(mate_end_ns) \
	N(session_s)   \
	N(cseq)        \
	N(cseq_high)   \
	N(retries)     \
	N(flags)       \
	N(code)        \
	N(q850)        \
	N(score)       \
	N(hops)        \
	N(forwards)    \
	N(state)       \
	N(by)          \
	N(disposition) \
	N(rank)        \
	N(transport)

static void write_addr(struct ear_buf *b, const struct ear_addr *a)
{
	ear_buf_byte(b, a->family);
	ear_buf_be16(b, a->port);
	ear_buf_add(b, a->ip, sizeof(a->ip));
}

static void write_call(struct ear_buf *b, const struct call *call)
{
	ear_buf_byte(b, CALL_VERSION);
#define WRITE(name) ear_buf_varint(b, call->name);
	NUMBERS(WRITE)
#undef WRITE
	for (unsigned i = 0; i < CALL_HINTS; i++)
		ear_buf_varint(b, call->hint[i]);
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		ear_buf_varint(b, call->branch[i].hash);
		ear_buf_varint(b, call->branch[i].parent);
		ear_buf_byte(b, call->branch[i].flags);
	}
	for (unsigned i = 0; i < CALL_DIALOGS; i++) {
		ear_buf_varint(b, call->dialog[i].tag);
		ear_buf_varint(b, call->dialog[i].contact);
		ear_buf_byte(b, call->dialog[i].ok);
		ear_buf_byte(b, call->dialog[i].bye);
	}
	write_addr(b, &call->from);
	write_addr(b, &call->to);
	for (unsigned i = 0; i < CALL_TEXTS; i++) {
		ear_buf_byte(b, call->text_bytes[i]);
		ear_buf_slice(b, call_text(call, i));
	}
}

void call_state_tell(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot];

	if (!c->out.state)
		return;
	ear_buf_reset(&c->scratch);
	write_call(&c->scratch, call);
	if (c->scratch.err)
		return;
	c->out.state(EAR_TRACK_CALLS, call->id, ear_buf_view(&c->scratch),
		c->out.arg);
	call->flags |= CALL_TOLD;
}

void call_state_forget(struct ear_calls *c, const struct call *call)
{
	if (c->out.state && call->flags & CALL_TOLD)
		c->out.state(EAR_TRACK_CALLS, call->id, ear_slice(NULL, 0),
			c->out.arg);
}

/* --- graves ----------------------------------------------------------------
 */

static void remember_grave(struct ear_calls *c, uint64_t key, uint64_t until)
{
	struct call_grave *g =
		&c->grave[(c->grave_at + c->graves) % CALL_GRAVES];

	if (c->graves == CALL_GRAVES) {
		c->out.state(EAR_TRACK_CALLS, g->key, ear_slice(NULL, 0),
			c->out.arg);
		c->grave_at = (c->grave_at + 1) % CALL_GRAVES;
		c->graves--;
	}
	*g = (struct call_grave){key, until};
	c->graves++;
}

void call_graves_tell(struct ear_calls *c)
{
	uint64_t until = c->fresh_ns + call_wait_ns(c, CALL_WAIT_LATE);
	uint64_t key = CALL_GRAVE_KEY | c->now_ns;

	if (!c->fresh.n || c->fresh.err || until <= c->now_ns) {
		ear_buf_reset(&c->fresh);
		return;
	}
	if (key <= c->grave_key)
		key = c->grave_key + 1;
	c->grave_key = key;
	ear_buf_reset(&c->scratch);
	ear_buf_byte(&c->scratch, GRAVE_VERSION);
	ear_buf_varint(&c->scratch, until);
	ear_buf_slice(&c->scratch, ear_buf_view(&c->fresh));
	if (!c->scratch.err) {
		remember_grave(c, key, until);
		c->out.state(EAR_TRACK_CALLS, key, ear_buf_view(&c->scratch),
			c->out.arg);
	}
	ear_buf_reset(&c->fresh);
}

void call_graves_tick(struct ear_calls *c)
{
	while (c->graves && c->grave[c->grave_at].until_ns <= c->now_ns) {
		if (c->out.state)
			c->out.state(EAR_TRACK_CALLS, c->grave[c->grave_at].key,
				ear_slice(NULL, 0), c->out.arg);
		c->grave_at = (c->grave_at + 1) % CALL_GRAVES;
		c->graves--;
	}
}

static void restore_graves(
	struct ear_calls *c, uint64_t key, struct ear_reader *r)
{
	uint64_t until = ear_read_varint(r), hash;
	uint64_t late = call_wait_ns(c, CALL_WAIT_LATE);

	if (until < late || until >= CALL_GRAVE_KEY)
		return;
	if (until - late > c->now_ns)
		c->now_ns = until - late;
	c->dead_ns = c->now_ns;
	while (ear_reader_left(r) >= sizeof(hash)) {
		memcpy(&hash, ear_read(r, sizeof(hash)).p, sizeof(hash));
		call_bury_hash(c, hash);
	}
	if (key > c->grave_key)
		c->grave_key = key;
	if (c->out.state)
		remember_grave(c, key, until);
}

/* --- back ------------------------------------------------------------------
 */

static bool read_addr(struct ear_reader *r, struct ear_addr *a)
{
	uint8_t family = ear_read_u8(r);
	uint16_t port = ear_read_be16(r);
	struct ear_slice ip = ear_read(r, 16);

	*a = (struct ear_addr){0};
	if (r->err)
		return false;
	if (family == 4)
		*a = ear_addr_v4(ip.p, port);
	else if (family == 6)
		*a = ear_addr_v6(ip.p, port);
	return family == 0 || family == 4 || family == 6;
}

/* A number that does not fit its field came from no writer of ours. */
#define READ(name)                                       \
	do {                                             \
		uint64_t v_ = ear_read_varint(r);        \
		call->name = (__typeof__(call->name))v_; \
		if (call->name != v_)                    \
			return false;                    \
	} while (0);

static bool read_fixed(struct ear_reader *r, struct call *call)
{
	NUMBERS(READ)
	for (unsigned i = 0; i < CALL_HINTS; i++)
		READ(hint[i])
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		READ(branch[i].hash)
		READ(branch[i].parent)
		call->branch[i].flags = ear_read_u8(r);
	}
	for (unsigned i = 0; i < CALL_DIALOGS; i++) {
		READ(dialog[i].tag)
		READ(dialog[i].contact)
		call->dialog[i].ok = ear_read_u8(r);
		call->dialog[i].bye = ear_read_u8(r);
	}
	return read_addr(r, &call->from) && read_addr(r, &call->to) && !r->err;
}

static bool makes_sense(const struct call *call, uint64_t key)
{
	return call->id == key && call->id && call->state >= CALL_TRYING &&
	       call->state <= CALL_OVER &&
	       call->disposition <= EAR_CALL_FAILED &&
	       (call->at_ns | call->invite_ns | call->answer_ns | call->end_ns |
		       call->touched_ns | call->last_ns) < CALL_GRAVE_KEY;
}

static bool read_texts(struct ear_calls *c, uint32_t slot, struct ear_reader *r)
{
	for (unsigned i = 0; i < CALL_TEXTS; i++) {
		uint8_t n = ear_read_u8(r);

		call_set(c, slot, i, ear_read(r, n));
	}
	return !r->err && ear_reader_left(r) == 0;
}

/* What the table itself keeps stays as call_add() made it. */
static void take_over(struct call *call, const struct call *kept)
{
	struct call own = *call;

	memcpy(call, kept, offsetof(struct call, text));
	call->mate = CALL_NONE;
	call->same = own.same;
	call->line = own.line;
	call->dirty = own.dirty;
	call->wait = own.wait;
	call->text_room = own.text_room;
	call->text_used = own.text_used;
	memcpy(call->text_bytes, own.text_bytes, sizeof(own.text_bytes));
	call->flags &= (uint16_t)~CALL_DIRTY;
	call->flags |= (own.flags & CALL_DIRTY) | CALL_TOLD;
}

static void restore_call(
	struct ear_calls *c, uint64_t key, struct ear_reader *r)
{
	struct call kept = {0};
	uint32_t slot;

	if (!read_fixed(r, &kept) || !makes_sense(&kept, key) ||
		c->n >= c->options.max ||
		call_find(c, kept.key, kept.tag) != CALL_NONE ||
		!call_add(c, kept.key, kept.tag, kept.at_ns, &slot))
		return;
	take_over(c->call[slot], &kept);
	c->over += kept.state == CALL_OVER;
	if (!read_texts(c, slot, r)) {
		c->call[slot]->flags &= (uint16_t)~CALL_TOLD;
		call_drop(c, slot);
		return;
	}
	if (kept.touched_ns > c->now_ns)
		c->now_ns = kept.touched_ns;
	c->restored = true;
	call_line_up(c, slot);
	call_unmark(c, slot);
	if (c->options.join_legs)
		call_put_hints(c, slot);
}

struct known {
	uint64_t id;
	uint64_t touched_ns;
	uint32_t slot;
};

static int by_id(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int by_silence(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->touched_ns != y->touched_ns)
		return x->touched_ns > y->touched_ns ? 1 : -1;
	return by_id(a, b);
}

static void find_mates(struct ear_calls *c, const struct known *known, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct call *call = c->call[known[i].slot];
		const struct known key = {.id = call->mate_id}, *mate;

		if (call->mate_id == 0 || call->mate != CALL_NONE)
			continue;
		mate = bsearch(&key, known, n, sizeof(key), by_id);
		if (mate)
			call->mate = mate->slot;
	}
}

/* States come in any order: the lines are put in theirs, and legs find each
 * other again. When memory is short only what waits waits longer. */
void call_restored(struct ear_calls *c)
{
	struct known *known = malloc((c->n + 1) * sizeof(*known));
	size_t n = 0;

	c->restored = false;
	if (!known)
		return;
	for (uint32_t slot = 0; slot < c->slots; slot++) {
		if (c->call[slot])
			known[n++] = (struct known){c->call[slot]->id,
				c->call[slot]->touched_ns, slot};
	}
	qsort(known, n, sizeof(*known), by_id);
	find_mates(c, known, n);
	qsort(known, n, sizeof(*known), by_silence);
	for (size_t i = 0; i < n; i++)
		call_line_up(c, known[i].slot);
	free(known);
}

void ear_calls_restore(
	struct ear_calls *c, uint64_t key, struct ear_slice state)
{
	struct ear_reader r = ear_reader(state);

	switch (ear_read_u8(&r)) {
	case CALL_VERSION: restore_call(c, key, &r); break;
	case GRAVE_VERSION: restore_graves(c, key, &r); break;
	default: break;
	}
}
