/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include <stdlib.h>

/* The slices of the facts stand in one row: copied and rebased in a loop. */
#define FACT_FIRST offsetof(struct ear_facts, method)
#define FACT_COUNT \
	((sizeof(struct ear_facts) - FACT_FIRST) / sizeof(struct ear_slice))
_Static_assert(FACT_FIRST + FACT_COUNT * sizeof(struct ear_slice) ==
		       sizeof(struct ear_facts),
	"the slices of struct ear_facts stand together at its end");

/* Bytes in the arena. */
struct span {
	uint32_t at, n;
};

struct ear_entry {
	uint64_t at_ns, seen_ns;
	uint64_t conv; /* hash of the Call-ID; 0 none */
	struct span raw, correlation, extra, note, tap, node;
	struct ear_addr src, dst, via;
	uint32_t capture_id;
	uint32_t seq;
	uint32_t cseq;
	uint16_t flags, status;
	uint8_t transport, proto, direction, ip_proto, kind, malformed, sdp;
	struct span fact[FACT_COUNT];
};

struct ear_batch *ear_batch_new(void)
{
	struct ear_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	/* not zeroed: at a low rate most of it is never touched */
	b->arena = malloc(EAR_BATCH_BYTES);
	b->entries = malloc(EAR_BATCH_ROWS * sizeof(*b->entries));
	b->order = malloc(EAR_BATCH_ROWS * sizeof(*b->order));
	b->cuts = malloc((EAR_BATCH_ROWS + 1) * sizeof(*b->cuts));
	if (!b->arena || !b->entries || !b->order || !b->cuts)
		ear_batch_free(&b);
	return b;
}

void ear_batch_free(struct ear_batch **batch)
{
	struct ear_batch *b = *batch;

	if (!b)
		return;
	ear_batch_reset(b);
	free(b->arena);
	free(b->entries);
	free(b->order);
	free(b->cuts);
	free(b);
	*batch = NULL;
}

void ear_batch_reset(struct ear_batch *b)
{
	for (uint32_t i = 0; b->packed && i < b->pieces; i++)
		ear_packed_fini(&b->packed[i]);
	free(b->packed);
	b->packed = NULL;
	b->used = 0;
	b->n = 0;
	b->raw_bytes = 0;
	b->began_mono_ns = 0;
	b->mark_n = 0;
	b->clean = false;
	b->level = 0;
	b->pieces = 0;
	b->err = EAR_OK;
	b->state = b->next = b->done = 0;
}

/* Room was checked by the caller. */
static struct span keep(struct ear_batch *b, struct ear_slice s)
{
	struct span at = {(uint32_t)b->used, (uint32_t)s.n};

	if (s.n)
		memcpy(b->arena + b->used, s.p, s.n);
	b->used += s.n;
	return at;
}

/* The same bytes as the message before had are not kept twice. */
static struct span keep_again(
	struct ear_batch *b, struct ear_slice s, const struct span *before)
{
	if (before &&
		ear_slice_eq(s, ear_slice(b->arena + before->at, before->n)))
		return *before;
	return keep(b, s);
}

/*
 * Where a slice into one of the message's parts lies in the arena.
 *
 * @return false when it lies in none of them
 */
static bool rebase(const struct ear_msg *msg, const struct ear_entry *e,
	struct ear_slice s, struct span *to)
{
	const struct ear_slice from[] = {
		msg->raw, msg->correlation, msg->note, msg->extra};
	const struct span at[] = {e->raw, e->correlation, e->note, e->extra};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		size_t off = (size_t)((uintptr_t)s.p - (uintptr_t)from[i].p);

		if (from[i].n && off <= from[i].n && s.n <= from[i].n - off) {
			*to = (struct span){
				at[i].at + (uint32_t)off, (uint32_t)s.n};
			return true;
		}
	}
	return false;
}

static enum ear_err keep_facts(struct ear_batch *b, struct ear_entry *e,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	const struct ear_slice *s =
		(const struct ear_slice *)((const char *)facts + FACT_FIRST);

	e->kind = facts->kind;
	e->malformed = facts->malformed;
	e->sdp = facts->sdp;
	e->status = facts->status;
	e->cseq = facts->cseq;
	/* now, while its bytes are in the processor's cache */
	e->conv = facts->call_id.n
			  ? ear_key_hash(EAR_KEY_CALLID, facts->call_id)
			  : 0;
	for (size_t i = 0; i < FACT_COUNT; i++) {
		e->fact[i] = (struct span){0};
		if (!s[i].n || rebase(msg, e, s[i], &e->fact[i]))
			continue;
		if (s[i].n > EAR_BATCH_BYTES - b->used)
			return EAR_FULL;
		e->fact[i] = keep(b, s[i]);
	}
	return EAR_OK;
}

static uint64_t size_of(const struct ear_msg *msg)
{
	const struct ear_slice part[] = {msg->raw, msg->correlation, msg->extra,
		msg->note, msg->tap, msg->node};
	uint64_t n = 0;

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		n += part[i].n > EAR_BATCH_BYTES ? EAR_BATCH_BYTES + 1
						 : part[i].n;
	return n;
}

enum ear_err ear_batch_add(struct ear_batch *b, const struct ear_msg *msg,
	const struct ear_facts *facts, uint32_t seq)
{
	struct ear_entry *e = &b->entries[b->n];
	const struct ear_entry *before = b->n ? e - 1 : NULL;
	uint64_t size = size_of(msg);
	size_t used = b->used;

	/* half: facts that lie outside of the message come on top */
	if (size > EAR_BATCH_BYTES / 2)
		return EAR_LIMIT;
	if (b->n == EAR_BATCH_ROWS || size > EAR_BATCH_BYTES - b->used)
		return EAR_FULL;
	e->at_ns = msg->at_ns;
	e->seen_ns = msg->seen_ns;
	e->src = msg->src;
	e->dst = msg->dst;
	e->via = msg->via;
	e->capture_id = msg->capture_id;
	e->flags = msg->flags;
	e->transport = msg->transport;
	e->proto = msg->proto;
	e->direction = msg->direction;
	e->ip_proto = msg->ip_proto;
	e->seq = seq;
	e->raw = keep(b, msg->raw);
	e->correlation = keep(b, msg->correlation);
	e->extra = keep(b, msg->extra);
	e->note = keep(b, msg->note);
	e->tap = keep_again(b, msg->tap, before ? &before->tap : NULL);
	e->node = keep_again(b, msg->node, before ? &before->node : NULL);
	if (keep_facts(b, e, msg, facts)) {
		b->used = used;
		return b->n ? EAR_FULL : EAR_LIMIT;
	}
	b->n++;
	b->raw_bytes += msg->raw.n;
	b->clean = false;
	return EAR_OK;
}

enum ear_err ear_batch_mark(
	struct ear_batch *b, const struct ear_store_mark *mark)
{
	size_t i = 0;

	while (i < b->mark_n && !ear_store_mark_is(&b->marks[i], mark->name))
		i++;
	if (i == EAR_BATCH_MARKS)
		return EAR_LIMIT;
	b->marks[i] = *mark;
	b->mark_n += i == b->mark_n;
	b->clean = true;
	return EAR_OK;
}

static struct ear_slice at(const struct ear_batch *b, struct span s)
{
	return ear_slice(b->arena + s.at, s.n);
}

static void load(const struct ear_batch *b, const struct ear_entry *e,
	struct ear_msg *msg, struct ear_facts *facts)
{
	struct ear_slice *s = (struct ear_slice *)((char *)facts + FACT_FIRST);

	*msg = (struct ear_msg){
		.at_ns = e->at_ns,
		.seen_ns = e->seen_ns,
		.src = e->src,
		.dst = e->dst,
		.via = e->via,
		.capture_id = e->capture_id,
		.flags = e->flags,
		.transport = e->transport,
		.proto = e->proto,
		.direction = e->direction,
		.ip_proto = e->ip_proto,
		.tap = at(b, e->tap),
		.node = at(b, e->node),
		.correlation = at(b, e->correlation),
		.extra = at(b, e->extra),
		.note = at(b, e->note),
		.raw = at(b, e->raw),
	};
	facts->kind = e->kind;
	facts->malformed = e->malformed;
	facts->sdp = e->sdp;
	facts->status = e->status;
	facts->cseq = e->cseq;
	for (size_t i = 0; i < FACT_COUNT; i++)
		s[i] = at(b, e->fact[i]);
}

#define CONV_SLOTS (2 * EAR_BATCH_ROWS)

/* What arranging needs for a moment. */
struct arranger {
	uint64_t conv[CONV_SLOTS];
	uint32_t ordinal[CONV_SLOTS]; /* of the conversation, + 1 */
	uint32_t of[EAR_BATCH_ROWS];  /* ordinal of each entry */
	uint32_t start[EAR_BATCH_ROWS + 1];
};

/* Number the conversations in the order of their first messages. */
static uint32_t number(struct arranger *a, const struct ear_batch *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t conv = b->entries[i].conv;
		size_t slot = conv >> 20 & (CONV_SLOTS - 1);

		if (!conv) {
			a->of[i] = n++;
			a->start[a->of[i] + 1]++;
			continue;
		}
		while (a->ordinal[slot] && a->conv[slot] != conv)
			slot = (slot + 1) & (CONV_SLOTS - 1);
		if (!a->ordinal[slot]) {
			a->conv[slot] = conv;
			a->ordinal[slot] = ++n;
		}
		a->of[i] = a->ordinal[slot] - 1;
		a->start[a->of[i] + 1]++;
	}
	return n;
}

static size_t bytes_of(const struct ear_entry *e)
{
	return (size_t)e->raw.n + e->correlation.n + e->extra.n + e->note.n;
}

static void cut(struct ear_batch *b)
{
	size_t bytes = 0;
	uint32_t rows = 0;

	b->pieces = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		size_t n = bytes_of(&b->entries[b->order[i]]);

		if (!i || rows == EAR_BLOCK_ROWS ||
			bytes + n > EAR_BLOCK_BYTES) {
			b->cuts[b->pieces++] = i;
			bytes = rows = 0;
		}
		bytes += n;
		rows++;
	}
	b->cuts[b->pieces] = b->n;
}

enum ear_err ear_batch_arrange(struct ear_batch *b)
{
	struct arranger *a = calloc(1, sizeof(*a));
	uint32_t n;

	if (!a)
		return EAR_NOMEM;
	n = number(a, b);
	for (uint32_t i = 0; i < n; i++)
		a->start[i + 1] += a->start[i];
	for (uint32_t i = 0; i < b->n; i++)
		b->order[a->start[a->of[i]]++] = i;
	free(a);
	cut(b);
	b->packed = calloc(b->pieces + 1, sizeof(*b->packed));
	return b->packed ? EAR_OK : EAR_NOMEM;
}

/*
 * By conversation the next message lies anywhere in the arena, where the
 * processor does not expect it: told before, it has it when it is needed.
 */
static void expect(const struct ear_batch *b, uint32_t k)
{
	const struct ear_entry *e;

	if (k + 4 < b->n)
		__builtin_prefetch(&b->entries[b->order[k + 4]]);
	if (k + 2 >= b->n)
		return;
	e = &b->entries[b->order[k + 2]];
	for (size_t i = 0; i < e->raw.n && i < 1024; i += 64)
		__builtin_prefetch(b->arena + e->raw.at + i);
	for (size_t i = 64; i < sizeof(*e); i += 64)
		__builtin_prefetch((const char *)e + i);
}

enum ear_err ear_batch_pack(
	struct ear_batch *b, uint32_t i, struct ear_packer *packer)
{
	/* this message and the one before, in turn */
	struct ear_facts facts[2];
	struct ear_msg msg[2];

	for (uint32_t k = b->cuts[i]; k < b->cuts[i + 1]; k++) {
		const struct ear_entry *e = &b->entries[b->order[k]];
		bool first = k == b->cuts[i];
		unsigned now = k & 1, old = !now;

		expect(b, k);
		load(b, e, &msg[now], &facts[now]);
		ear_packer_add(packer, &msg[now], &facts[now],
			first ? NULL : &msg[old], first ? NULL : &facts[old],
			e->seq, e->conv);
	}
	return ear_packer_finish(packer, &b->packed[i]);
}
