/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes. Positions count on for ever and lie in the ring at what
 * remains of them; what is before the head is gone.
 *
 *      head                      tail
 *       |record|record|record|    |           |filler|
 *
 * Each record knows the one before it in its bucket, by position: when the
 * head passes that, the chain ends there, and nothing has to be unlinked.
 */
#include "rule/recorder.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/hash.h"

#define LEAST_BYTES ((uint64_t)1 << 20)
/* A bucket for so many bytes: about one a message. */
#define BUCKET_BYTES 1024
#define ALIGN 16

/* Slices of a message that lie behind its record, in this order. */
#define PARTS 6

struct record {
	uint64_t bytes; /* with all that follows it; the next begins there */
	uint32_t call_id_n;
	bool dead;   /* taken out, or a filler, which has no more than this */
	bool stored; /* as ear_recorder_put() was told */
	uint64_t older; /* position of the one before in its bucket */
	uint64_t hash;
	struct ear_tally *tally;
	struct ear_msg msg; /* its slices have only lengths */
};

struct ear_recorder {
	char *ring;
	uint64_t size; /* of the ring */
	uint64_t head, tail;
	uint64_t *bucket; /* position of the newest; 0 none */
	uint64_t mask;    /* buckets - 1 */
	uint64_t seed;    /* senders choose Call-IDs, not where they lie */
	uint64_t max_bytes, max_ns;
	struct ear_buf found; /* positions, for one recall */
	atomic_uint_fast64_t messages, bytes, oldest_ns, evicted;
};

static uint64_t round_up(uint64_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

enum ear_err ear_recorder_new(
	uint64_t bytes, uint64_t max_ns, struct ear_recorder **recorder)
{
	struct ear_recorder *r = calloc(1, sizeof(*r));
	uint64_t buckets = 1;

	*recorder = r;
	if (!r)
		return EAR_NOMEM;
	if (bytes < LEAST_BYTES)
		bytes = LEAST_BYTES;
	while (buckets * 2 <= bytes / BUCKET_BYTES)
		buckets *= 2;
	r->max_bytes = bytes;
	r->max_ns = max_ns;
	r->mask = buckets - 1;
	r->size = (bytes - buckets * sizeof(*r->bucket) - sizeof(*r)) / ALIGN *
		  ALIGN;
	r->head = r->tail = r->size; /* no position is 0 */
	if (getrandom(&r->seed, sizeof(r->seed), GRND_NONBLOCK) < 0)
		r->seed = (uint64_t)(uintptr_t)r;
	r->bucket = calloc(buckets, sizeof(*r->bucket));
	r->ring = malloc(r->size);
	if (!r->bucket || !r->ring) {
		ear_recorder_free(recorder);
		return EAR_NOMEM;
	}
	return EAR_OK;
}

void ear_recorder_free(struct ear_recorder **recorder)
{
	struct ear_recorder *r = *recorder;

	if (!r)
		return;
	ear_buf_fini(&r->found);
	free(r->bucket);
	free(r->ring);
	free(r);
	*recorder = NULL;
}

static struct record *record_at(const struct ear_recorder *r, uint64_t pos)
{
	return (struct record *)(void *)(r->ring + pos % r->size);
}

/* One thread writes these, others read them. */
static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	uint64_t v = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, v + n, memory_order_relaxed);
}

/* --- the head ------------------------------------------------------------- */

static void take_out(struct ear_recorder *r, struct record *record)
{
	record->dead = true;
	add(&r->messages, (uint64_t)-1);
	add(&r->bytes, -record->bytes);
}

static void drop_head(struct ear_recorder *r)
{
	struct record *record = record_at(r, r->head);

	if (!record->dead)
		take_out(r, record);
	r->head += record->bytes;
}

/* By both clocks, so that a step of one throws nothing away; what is imported
 * has only that of capture. */
static bool too_old(const struct ear_recorder *r, const struct record *record,
	const struct ear_msg *msg)
{
	const struct ear_msg *old = &record->msg;

	if (msg->at_ns <= old->at_ns || msg->at_ns - old->at_ns <= r->max_ns)
		return false;
	return msg->flags & EAR_MSG_IMPORTED ||
	       (msg->seen_ns > old->seen_ns &&
		       msg->seen_ns - old->seen_ns > r->max_ns);
}

static void drop_old(struct ear_recorder *r, const struct ear_msg *msg)
{
	while (r->head < r->tail) {
		const struct record *record = record_at(r, r->head);

		if (!record->dead && !too_old(r, record, msg))
			break;
		drop_head(r);
	}
}

static void note_oldest(struct ear_recorder *r)
{
	uint64_t at_ns = 0;

	while (r->head < r->tail && record_at(r, r->head)->dead)
		drop_head(r);
	if (r->head < r->tail)
		at_ns = record_at(r, r->head)->msg.at_ns;
	atomic_store_explicit(&r->oldest_ns, at_ns, memory_order_relaxed);
}

/* --- the tail ------------------------------------------------------------- */

/* @param bytes at most those of the ring */
static void make_room(struct ear_recorder *r, uint64_t bytes)
{
	while (r->tail + bytes - r->head > r->size) {
		if (!record_at(r, r->head)->dead)
			add(&r->evicted, 1);
		drop_head(r);
	}
}

/* Room for a record in one piece. */
static struct record *reserve(struct ear_recorder *r, uint64_t bytes)
{
	uint64_t rest = r->size - r->tail % r->size;

	if (rest < bytes) {
		struct record *filler;

		make_room(r, rest);
		filler = record_at(r, r->tail);
		filler->bytes = rest;
		filler->dead = true;
		r->tail += rest;
	}
	make_room(r, bytes);
	return record_at(r, r->tail);
}

static void parts_of(struct ear_msg *msg, struct ear_slice *part[PARTS])
{
	part[0] = &msg->tap;
	part[1] = &msg->node;
	part[2] = &msg->correlation;
	part[3] = &msg->extra;
	part[4] = &msg->note;
	part[5] = &msg->raw;
}

/* Bytes of a record; 0: more than the ring has. */
static uint64_t size_of(const struct ear_recorder *r, const struct ear_msg *msg,
	struct ear_slice call_id)
{
	struct ear_msg copy = *msg;
	struct ear_slice *part[PARTS];
	uint64_t n = sizeof(struct record);

	if (call_id.n > UINT32_MAX || call_id.n > r->size)
		return 0;
	n += call_id.n;
	parts_of(&copy, part);
	for (size_t i = 0; i < PARTS; i++) {
		if (part[i]->n > r->size)
			return 0;
		n += part[i]->n;
	}
	n = round_up(n);
	return n <= r->size ? n : 0;
}

static char *copy(char *to, struct ear_slice s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

static void fill(struct record *record, const struct ear_msg *msg,
	struct ear_slice call_id)
{
	struct ear_slice *part[PARTS];
	char *to = (char *)(record + 1);

	record->msg = *msg;
	record->call_id_n = (uint32_t)call_id.n;
	to = copy(to, call_id);
	parts_of(&record->msg, part);
	for (size_t i = 0; i < PARTS; i++)
		to = copy(to, *part[i]);
}

enum ear_err ear_recorder_put(struct ear_recorder *recorder,
	const struct ear_msg *msg, const struct ear_facts *facts, bool stored,
	struct ear_tally *tally)
{
	uint64_t bytes = size_of(recorder, msg, facts->call_id), *bucket;
	struct record *record;

	if (!bytes)
		return EAR_LIMIT;
	drop_old(recorder, msg);
	record = reserve(recorder, bytes);
	fill(record, msg, facts->call_id);
	record->bytes = bytes;
	record->dead = false;
	record->stored = stored;
	record->tally = tally;
	record->hash = ear_hash_seed(facts->call_id, recorder->seed);
	bucket = &recorder->bucket[record->hash & recorder->mask];
	record->older = *bucket;
	*bucket = recorder->tail;
	recorder->tail += bytes;
	add(&recorder->messages, 1);
	add(&recorder->bytes, bytes);
	note_oldest(recorder);
	return EAR_OK;
}

/* --- recall --------------------------------------------------------------- */

static bool wanted(const struct record *record, uint64_t hash,
	struct ear_slice call_id, uint64_t from_ns)
{
	return !record->dead && record->hash == hash &&
	       record->msg.at_ns >= from_ns &&
	       ear_slice_eq(ear_slice(record + 1, record->call_id_n), call_id);
}

/* Positions, newest first. */
static void find(
	struct ear_recorder *r, struct ear_slice call_id, uint64_t from_ns)
{
	uint64_t hash = ear_hash_seed(call_id, r->seed);
	uint64_t pos = r->bucket[hash & r->mask];

	ear_buf_reset(&r->found);
	while (pos >= r->head && pos < r->tail) {
		const struct record *record = record_at(r, pos);

		if (wanted(record, hash, call_id, from_ns))
			ear_buf_add(&r->found, &pos, sizeof(pos));
		pos = record->older;
	}
}

/* The message with its slices where they lie. */
static struct ear_msg msg_of(struct record *record)
{
	const char *at = (const char *)(record + 1) + record->call_id_n;
	struct ear_msg msg = record->msg;
	struct ear_slice *part[PARTS];

	parts_of(&msg, part);
	for (size_t i = 0; i < PARTS; i++) {
		part[i]->p = at;
		at += part[i]->n;
	}
	return msg;
}

size_t ear_recorder_recall(struct ear_recorder *recorder,
	struct ear_slice call_id, uint64_t from_ns,
	void (*fn)(struct ear_msg *msg, bool stored, struct ear_tally *tally,
		void *arg),
	void *arg)
{
	size_t n;

	if (!call_id.n)
		return 0;
	find(recorder, call_id, from_ns);
	n = recorder->found.n / sizeof(uint64_t);
	for (size_t i = n; i-- > 0;) {
		struct record *record;
		struct ear_msg msg;
		uint64_t pos;

		memcpy(&pos, recorder->found.p + i * sizeof(pos), sizeof(pos));
		record = record_at(recorder, pos);
		msg = msg_of(record);
		fn(&msg, record->stored, record->tally, arg);
		take_out(recorder, record);
	}
	if (n)
		note_oldest(recorder);
	return n;
}

static uint64_t get(atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void ear_recorder_stats(
	struct ear_recorder *recorder, struct ear_recorder_stats *stats)
{
	*stats = (struct ear_recorder_stats){
		.messages = get(&recorder->messages),
		.bytes = get(&recorder->bytes),
		.max_bytes = recorder->max_bytes,
		.max_ns = recorder->max_ns,
		.oldest_ns = get(&recorder->oldest_ns),
		.evicted = get(&recorder->evicted),
	};
}
