/* SPDX-License-Identifier: Apache-2.0 */
/* Packing messages into a block. */
#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "store/block.h"
#include "store/key.h"
#include "store/varint.h"

/* Level 1: each further one costs more time than it saves bytes here. */
#define LEVEL 1

#define DICT_MAX (3 * EAR_BLOCK_ROWS)
#define DICT_SLOTS 16384u

/*
 * Distinct values in the order they came. The hash only finds the place: the
 * bytes are compared, since whoever sends them may have made two values of
 * one hash.
 */
struct dict {
	struct ear_buf bytes; /* of all values, one after the other */
	struct dict_value {
		uint64_t hash;
		uint32_t at, n; /* in bytes */
		uint32_t slot;
	} * v;
	uint32_t n;
	uint32_t last;              /* most often it is the one before */
	uint16_t slots[DICT_SLOTS]; /* index + 1 */
};
_Static_assert(DICT_MAX < DICT_SLOTS && DICT_MAX < UINT16_MAX, "fits");

struct ear_packer {
	uint64_t *cells; /* EAR_COL_COUNT columns of EAR_BLOCK_ROWS */
	size_t rows;
	struct dict addrs;
	struct dict strings;
	uint32_t last[EAR_COL_COUNT]; /* index that a column had last */
	struct ear_buf raw;
	struct ear_buf facts;
	struct ear_buf out;
	uint64_t *keys;   /* distinct ones of the block */
	uint32_t *key_at; /* and their slots */
	size_t key_n;
	uint32_t *key_slots; /* index + 1 */
	struct ear_block_head head;
	uint64_t first_seen, last_seen;
	ZSTD_CCtx *zstd;
};

unsigned ear_class_of(uint8_t kind, uint16_t status)
{
	if (kind == EAR_KIND_REQUEST)
		return 0;
	if (kind == EAR_KIND_REPLY && status >= 100 && status < 700)
		return status / 100;
	return 7;
}

void ear_packed_fini(struct ear_packed *packed)
{
	free(packed->bytes);
	free(packed->keys);
	*packed = (struct ear_packed){0};
}

#define KEYS_MAX (EAR_BLOCK_ROWS * EAR_MSG_KEYS_MAX)
#define KEY_SLOTS (2 * KEYS_MAX)

struct ear_packer *ear_packer_new(void)
{
	struct ear_packer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->cells = calloc(
		(size_t)EAR_COL_COUNT * EAR_BLOCK_ROWS, sizeof(*p->cells));
	p->addrs.v = calloc(DICT_MAX, sizeof(*p->addrs.v));
	p->strings.v = calloc(DICT_MAX, sizeof(*p->strings.v));
	p->keys = calloc(KEYS_MAX, sizeof(*p->keys));
	p->key_at = calloc(KEYS_MAX, sizeof(*p->key_at));
	p->key_slots = calloc(KEY_SLOTS, sizeof(*p->key_slots));
	p->zstd = ZSTD_createCCtx();
	if (!p->cells || !p->addrs.v || !p->strings.v || !p->keys ||
		!p->key_at || !p->key_slots || !p->zstd) {
		ear_packer_free(&p);
		return NULL;
	}
	ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1);
	return p;
}

void ear_packer_free(struct ear_packer **packer)
{
	struct ear_packer *p = *packer;

	if (!p)
		return;
	ZSTD_freeCCtx(p->zstd);
	free(p->cells);
	free(p->addrs.v);
	free(p->strings.v);
	free(p->keys);
	free(p->key_at);
	free(p->key_slots);
	ear_buf_fini(&p->addrs.bytes);
	ear_buf_fini(&p->strings.bytes);
	ear_buf_fini(&p->raw);
	ear_buf_fini(&p->facts);
	ear_buf_fini(&p->out);
	free(p);
	*packer = NULL;
}

static bool dict_is(
	const struct dict *d, uint32_t i, uint64_t hash, struct ear_slice value)
{
	return d->v[i].hash == hash &&
	       ear_slice_eq(
		       ear_slice(d->bytes.p + d->v[i].at, d->v[i].n), value);
}

/*
 * The index of a value; *last is the column's latest, which mostly it is
 * again: then nothing is hashed.
 */
static uint32_t dict_index(
	struct dict *d, uint32_t *last, struct ear_slice value)
{
	const struct dict_value *v = &d->v[*last];
	uint64_t hash;
	size_t at;

	if (*last < d->n &&
		ear_slice_eq(ear_slice(d->bytes.p + v->at, v->n), value))
		return *last;
	hash = ear_hash(value);
	at = hash & (DICT_SLOTS - 1);
	for (; d->slots[at]; at = (at + 1) & (DICT_SLOTS - 1)) {
		if (dict_is(d, d->slots[at] - 1u, hash, value))
			return *last = d->slots[at] - 1u;
	}
	d->v[d->n] = (struct dict_value){
		hash, (uint32_t)d->bytes.n, (uint32_t)value.n, (uint32_t)at};
	ear_buf_slice(&d->bytes, value);
	*last = d->n++;
	d->slots[at] = (uint16_t)d->n;
	return *last;
}

static void dict_reset(struct dict *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		d->slots[d->v[i].slot] = 0;
	d->n = 0;
	ear_buf_reset(&d->bytes);
}

/* An address as it is written: family, port, the IP's own length. */
static uint64_t addr_index(
	struct dict *d, uint32_t *last, const struct ear_addr *a)
{
	char b[19] = {(char)a->family, (char)(a->port >> 8), (char)a->port};
	size_t n = a->family == 4 ? 4 : a->family ? 16 : 0;

	memcpy(b + 3, a->ip, n);
	return dict_index(d, last, ear_slice(b, 3 + n));
}

/* Keep a key unless the block has it. */
static void add_key(struct ear_packer *p, uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15ULL) >> 40 & (KEY_SLOTS - 1);

	while (p->key_slots[at]) {
		if (p->keys[p->key_slots[at] - 1] == key)
			return;
		at = (at + 1) & (KEY_SLOTS - 1);
	}
	p->keys[p->key_n] = key;
	p->key_at[p->key_n] = (uint32_t)at;
	p->key_slots[at] = (uint32_t)++p->key_n;
}

static void count(struct ear_packer *p, const struct ear_msg *msg,
	const struct ear_facts *facts, uint32_t seq)
{
	struct ear_block_head *h = &p->head;
	uint64_t at = msg->at_ns < INT64_MAX ? msg->at_ns : INT64_MAX;
	uint64_t seen = msg->seen_ns < INT64_MAX ? msg->seen_ns : INT64_MAX;

	if (!p->rows) {
		*h = (struct ear_block_head){.first_at = at,
			.last_at = at,
			.first_seq = seq,
			.last_seq = seq};
		p->first_seen = p->last_seen = seen;
	}
	h->first_at = at < h->first_at ? at : h->first_at;
	h->last_at = at > h->last_at ? at : h->last_at;
	h->first_seq = seq < h->first_seq ? seq : h->first_seq;
	h->last_seq = seq > h->last_seq ? seq : h->last_seq;
	p->first_seen = seen < p->first_seen ? seen : p->first_seen;
	p->last_seen = seen > p->last_seen ? seen : p->last_seen;
	h->raw_bytes += msg->raw.n;
	h->malformed += facts->malformed || msg->flags & EAR_MSG_MALFORMED;
	h->classes[ear_class_of(facts->kind, facts->status)]++;
	h->rows++;
}

void ear_packer_add(struct ear_packer *p, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_msg *before,
	const struct ear_facts *before_facts, uint32_t seq, uint64_t conv)
{
	struct ear_key_value keys[EAR_MSG_KEYS_MAX];
	uint64_t *v = p->cells + p->rows;
	size_t n = ear_msg_new_keys(msg, facts, before, before_facts, keys);

	assert(p->rows < EAR_BLOCK_ROWS);
#define CELL(c) v[(size_t)EAR_COL_##c * EAR_BLOCK_ROWS]
	CELL(AT) = msg->at_ns;
	CELL(SEEN) = msg->seen_ns;
	CELL(SEQ) = seq;
	CELL(CONV) = ear_conv_short(conv);
	CELL(SRC) = addr_index(&p->addrs, &p->last[EAR_COL_SRC], &msg->src);
	CELL(DST) = addr_index(&p->addrs, &p->last[EAR_COL_DST], &msg->dst);
	CELL(VIA) = addr_index(&p->addrs, &p->last[EAR_COL_VIA], &msg->via);
	CELL(TAP) = dict_index(&p->strings, &p->last[EAR_COL_TAP], msg->tap);
	CELL(NODE) = dict_index(&p->strings, &p->last[EAR_COL_NODE], msg->node);
	CELL(METHOD) = dict_index(
		&p->strings, &p->last[EAR_COL_METHOD], facts->method);
	CELL(STATUS) = facts->status;
	CELL(KIND) = facts->kind;
	CELL(FLAGS) = msg->flags;
	CELL(BITS) = (facts->malformed ? EAR_ROW_MALFORMED : 0u) |
		     (facts->sdp ? EAR_ROW_SDP : 0u);
	CELL(TRANSPORT) = msg->transport;
	CELL(PROTO) = msg->proto;
	CELL(DIRECTION) = msg->direction;
	CELL(IP_PROTO) = msg->ip_proto;
	CELL(CAPTURE) = msg->capture_id;
	CELL(RAW) = msg->raw.n;
	CELL(CORRELATION) = msg->correlation.n;
	CELL(EXTRA) = msg->extra.n;
	CELL(NOTE) = msg->note.n;
#undef CELL
	count(p, msg, facts, seq);
	for (size_t i = 0; i < n; i++)
		add_key(p, ear_key_of(keys[i]));
	ear_buf_slice(&p->raw, msg->raw);
	ear_buf_slice(&p->raw, msg->correlation);
	ear_buf_slice(&p->raw, msg->extra);
	ear_buf_slice(&p->raw, msg->note);
	p->rows++;
}

enum form { PLAIN, SIGNED, TIME };

/* How much all of a column's differences have in common. */
static int64_t scale_of(const uint64_t *v, size_t n, enum form form)
{
	for (size_t i = 0; form == TIME && i < n; i++) {
		if ((int64_t)v[i] % 1000)
			return 1;
	}
	return form == TIME ? 1000 : 1;
}

/*
 * One column. Times mostly come in whole microseconds: taking that out saves
 * ten bits of noise a row.
 */
static void column(
	struct ear_buf *out, const uint64_t *v, size_t n, enum form form)
{
	char *room = ear_buf_reserve(out, (n + 2) * EAR_VARINT_MAX);
	uint8_t *to = (uint8_t *)room;
	int64_t scale = scale_of(v, n, form);
	bool same = true;

	if (!room)
		return;
	for (size_t i = 1; i < n && same; i++)
		same = v[i] == v[0];
	*to++ = same;
	to = ear_varint_put(to, (uint64_t)scale);
	for (size_t i = 0; i < (same ? 1 : n); i++)
		to = ear_varint_put(to,
			form == PLAIN ? v[i]
				      : ear_zigzag((uint64_t)((int64_t)v[i] /
							      scale)));
	out->n += (size_t)((char *)to - room);
}

/* Turn absolute values into what is written: steps from row to row. */
static void differences(uint64_t *v, size_t n)
{
	uint64_t before = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t now = v[i];

		v[i] = now - before;
		before = now;
	}
}

static enum form form_of(size_t col)
{
	if (col == EAR_COL_AT || col == EAR_COL_SEEN)
		return TIME;
	return col == EAR_COL_SEQ || col == EAR_COL_CONV ? SIGNED : PLAIN;
}

static void write_facts(struct ear_packer *p)
{
	uint64_t *c = p->cells;
	size_t n = p->rows;

	ear_buf_reset(&p->facts);
	ear_buf_varint(&p->facts, n);
	ear_buf_varint(&p->facts, p->addrs.n);
	ear_buf_slice(&p->facts, ear_buf_view(&p->addrs.bytes));
	ear_buf_varint(&p->facts, p->strings.n);
	for (uint32_t i = 0; i < p->strings.n; i++)
		ear_buf_varint(&p->facts, p->strings.v[i].n);
	ear_buf_slice(&p->facts, ear_buf_view(&p->strings.bytes));
	for (size_t i = 0; i < n; i++)
		c[(size_t)EAR_COL_SEEN * EAR_BLOCK_ROWS + i] -= c[i];
	differences(c + (size_t)EAR_COL_AT * EAR_BLOCK_ROWS, n);
	differences(c + (size_t)EAR_COL_SEQ * EAR_BLOCK_ROWS, n);
	differences(c + (size_t)EAR_COL_CONV * EAR_BLOCK_ROWS, n);
	for (size_t i = 0; i < EAR_COL_COUNT; i++)
		column(&p->facts, c + i * EAR_BLOCK_ROWS, n, form_of(i));
}

/* Append one compressed part to out. @return its length; 0: failed */
static size_t compress(struct ear_packer *p, struct ear_slice in)
{
	size_t bound = ZSTD_compressBound(in.n);
	char *to = ear_buf_reserve(&p->out, bound);
	size_t n;

	if (!to)
		return 0;
	n = ZSTD_compress2(p->zstd, to, bound, in.p, in.n);
	if (ZSTD_isError(n))
		return 0;
	p->out.n += n;
	return n;
}

static void reset(struct ear_packer *p)
{
	dict_reset(&p->addrs);
	dict_reset(&p->strings);
	ear_buf_reset(&p->raw);
	/* few keys in a large table: take them out one by one */
	for (size_t i = 0; i < p->key_n; i++)
		p->key_slots[p->key_at[i]] = 0;
	p->key_n = 0;
	p->rows = 0;
}

enum ear_err ear_packer_finish(struct ear_packer *p, struct ear_packed *packed)
{
	enum ear_err err = EAR_NOMEM;

	*packed = (struct ear_packed){.head = p->head,
		.first_seen = p->first_seen,
		.last_seen = p->last_seen,
		.key_n = p->key_n};
	write_facts(p);
	ear_buf_reset(&p->out);
	if (p->raw.err || p->facts.err || p->addrs.bytes.err ||
		p->strings.bytes.err)
		goto out;
	packed->facts_n = compress(p, ear_buf_view(&p->facts));
	packed->raw_n = compress(p, ear_buf_view(&p->raw));
	if (!packed->facts_n || !packed->raw_n)
		goto out;
	packed->bytes = malloc(p->out.n);
	packed->keys = malloc(p->key_n ? p->key_n * sizeof(*p->keys) : 1);
	if (!packed->bytes || !packed->keys)
		goto out;
	memcpy(packed->bytes, p->out.p, p->out.n);
	memcpy(packed->keys, p->keys, p->key_n * sizeof(*p->keys));
	err = EAR_OK;
out:
	reset(p);
	if (err)
		ear_packed_fini(packed);
	return err;
}
