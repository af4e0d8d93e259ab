/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch: copies of the rows that were told, each once. A row that is told
 * again replaces its copy, so what changed often between two commits is
 * written once.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "records/priv.h"

#define CHUNK ((size_t)1 << 20)

struct ear_told_chunk {
	struct ear_told_chunk *next;
	size_t n, cap;
	char p[];
};

void ear_told_reset(struct ear_told_batch *b)
{
	/* one chunk stays: most batches need no more */
	while (b->chunks && b->chunks->next) {
		struct ear_told_chunk *c = b->chunks;

		b->chunks = c->next;
		free(c);
	}
	if (b->chunks)
		b->chunks->n = 0;
	if (b->slots)
		memset(b->slot, 0, b->slots * sizeof(*b->slot));
	b->n = b->mark_n = 0;
	b->newest_ns = b->told = 0;
	b->nomem = b->sorted = false;
}

void ear_told_fini(struct ear_told_batch *b)
{
	ear_told_reset(b);
	free(b->chunks);
	free(b->v);
	free(b->slot);
	free(b->marks);
	*b = (struct ear_told_batch){0};
}

static void *room(struct ear_told_batch *b, size_t n)
{
	struct ear_told_chunk *c = b->chunks;
	void *at;

	n = (n + 7) & ~(size_t)7;
	if (!c || c->cap - c->n < n) {
		size_t cap = n > CHUNK ? n : CHUNK;

		c = malloc(sizeof(*c) + cap);
		if (!c)
			return NULL;
		*c = (struct ear_told_chunk){.next = b->chunks, .cap = cap};
		b->chunks = c;
	}
	at = c->p + c->n;
	c->n += n;
	return at;
}

static size_t place(
	const struct ear_told_batch *b, const struct ear_told_row *r)
{
	uint64_t key[3] = {r->what, r->at, r->id};

	return (size_t)ear_hash(ear_slice(key, sizeof(key))) & (b->slots - 1);
}

static bool grow_slots(struct ear_told_batch *b)
{
	size_t slots = b->slots ? b->slots * 2 : 4096;
	uint32_t *slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return false;
	free(b->slot);
	b->slot = slot;
	b->slots = slots;
	for (size_t i = 0; i < b->n; i++) {
		size_t at = place(b, &b->v[i]);

		while (slot[at])
			at = (at + 1) & (slots - 1);
		slot[at] = (uint32_t)i + 1;
	}
	return true;
}

static bool grow(struct ear_told_batch *b)
{
	size_t cap = b->cap ? b->cap * 2 : 2048;
	struct ear_told_row *v;

	if (b->n * 2 >= b->slots && !grow_slots(b))
		return false;
	if (b->n < b->cap)
		return true;
	v = realloc(b->v, cap * sizeof(*v));
	if (!v)
		return false;
	b->v = v;
	b->cap = cap;
	return true;
}

/* The entry of a key, new or told before. */
static struct ear_told_row *entry(
	struct ear_told_batch *b, enum ear_told what, uint64_t at, uint64_t id)
{
	struct ear_told_row key = {(uint8_t)what, at, id, NULL};
	size_t i;

	b->told++;
	if (!grow(b)) {
		b->nomem = true;
		return NULL;
	}
	for (i = place(b, &key); b->slot[i]; i = (i + 1) & (b->slots - 1)) {
		struct ear_told_row *r = &b->v[b->slot[i] - 1];

		if (r->what == key.what && r->at == at && r->id == id)
			return r;
	}
	b->slot[i] = (uint32_t)b->n + 1;
	b->v[b->n] = key;
	return &b->v[b->n++];
}

/* Copy a row of n bytes and the texts that lie in it at offsets. */
static void keep(struct ear_told_batch *b, struct ear_told_row *r,
	const void *row, size_t n, const uint16_t *texts, size_t text_n)
{
	size_t bytes = n;
	char *copy, *to;

	if (!r)
		return;
	for (size_t i = 0; i < text_n; i++)
		bytes += ((const struct ear_slice *)((const char *)row +
						     texts[i]))
				 ->n;
	copy = room(b, bytes);
	if (!copy) {
		b->nomem = true;
		return;
	}
	memcpy(copy, row, n);
	to = copy + n;
	for (size_t i = 0; i < text_n; i++) {
		struct ear_slice *s = (struct ear_slice *)(copy + texts[i]);

		if (s->n)
			memcpy(to, s->p, s->n);
		s->p = to;
		to += s->n;
	}
	r->row = copy;
}

static void newer(struct ear_told_batch *b, uint64_t ns)
{
	/* above 63 bits it is no time */
	if (ns > b->newest_ns && ns <= INT64_MAX)
		b->newest_ns = ns;
}

static void told_session(const struct ear_session_row *row, void *arg)
{
	static const uint16_t texts[] = {
#define T(m) offsetof(struct ear_session_row, m)
		T(peername), T(domain), T(account), T(details), T(user_agent),
		T(tls_cipher), T(call_id), T(node), T(reason)};
#undef T
	struct ear_told_batch *b = *(struct ear_told_batch **)arg;

	newer(b, row->at_ns);
	keep(b, entry(b, EAR_TOLD_SESSION, row->at_ns, row->id), row,
		sizeof(*row), texts, sizeof(texts) / sizeof(texts[0]));
}

static void told_binding(const struct ear_binding_row *row, void *arg)
{
	static const uint16_t texts[] = {
#define T(m) offsetof(struct ear_binding_row, m)
		T(username), T(domain), T(description), T(contact), T(instance),
		T(user_agent), T(call_id), T(node)};
#undef T
	struct ear_told_batch *b = *(struct ear_told_batch **)arg;

	newer(b, row->refreshed_ns);
	newer(b, row->ended_ns);
	keep(b, entry(b, EAR_TOLD_BINDING, row->at_ns, row->id), row,
		sizeof(*row), texts, sizeof(texts) / sizeof(texts[0]));
}

static void told_conn(const struct ear_conn_row *row, void *arg)
{
	static const uint16_t texts[] = {
#define T(m) offsetof(struct ear_conn_row, m)
		T(tls.cipher_name), T(tls.sni), T(tls.alpn), T(tls.subject),
		T(tls.issuer), T(tls.unread), T(node)};
#undef T
	struct ear_told_batch *b = *(struct ear_told_batch **)arg;

	newer(b, row->last_ns);
	newer(b, row->closed_ns);
	keep(b, entry(b, EAR_TOLD_CONNECTION, row->at_ns, row->id), row,
		sizeof(*row), texts, sizeof(texts) / sizeof(texts[0]));
}

static void told_call(const struct ear_call_row *row, void *arg)
{
	static const uint16_t texts[] = {
#define T(m) offsetof(struct ear_call_row, m)
		T(src), T(dst), T(src_name), T(domain), T(auth_user),
		T(src_agent), T(dst_agent), T(reason), T(reason_header),
		T(call_id), T(from_tag), T(to_tag), T(note), T(group_why),
		T(node)};
#undef T
	struct ear_told_batch *b = *(struct ear_told_batch **)arg;

	newer(b, row->at_ns);
	newer(b, row->end_ns);
	keep(b, entry(b, EAR_TOLD_CALL, row->at_ns, row->id), row, sizeof(*row),
		texts, sizeof(texts) / sizeof(texts[0]));
}

static void told_state(
	uint8_t part, uint64_t key, struct ear_slice state, void *arg)
{
	static const uint16_t texts[] = {
		offsetof(struct ear_told_state, state)};
	struct ear_told_batch *b = *(struct ear_told_batch **)arg;
	struct ear_told_state row = {part, key, state};

	keep(b, entry(b, EAR_TOLD_STATE, part, key), &row, sizeof(row), texts,
		1);
}

void ear_told_out(struct ear_track_out *out)
{
	out->session = told_session;
	out->binding = told_binding;
	out->conn = told_conn;
	out->call = told_call;
	out->state = told_state;
}

void ear_told_mark(
	struct ear_told_batch *b, const struct ear_records_mark *mark)
{
	for (size_t i = 0; i < b->mark_n; i++) {
		if (!strncmp(
			    b->marks[i].name, mark->name, sizeof(mark->name))) {
			b->marks[i] = *mark;
			return;
		}
	}
	if (b->mark_n == b->mark_cap) {
		size_t cap = b->mark_cap ? b->mark_cap * 2 : 8;
		struct ear_records_mark *v =
			realloc(b->marks, cap * sizeof(*v));

		if (!v) {
			b->nomem = true;
			return;
		}
		b->marks = v;
		b->mark_cap = cap;
	}
	b->marks[b->mark_n++] = *mark;
}

static int by_key(const void *a, const void *b)
{
	const struct ear_told_row *x = a, *y = b;

	if (x->what != y->what)
		return x->what < y->what ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

void ear_told_sort(struct ear_told_batch *b)
{
	/* a batch that could not be written comes again, and qsort() is not to
	 * see NULL */
	if (b->n && !b->sorted)
		qsort(b->v, b->n, sizeof(*b->v), by_key);
	b->sorted = true;
}
