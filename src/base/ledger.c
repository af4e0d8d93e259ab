/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ledger.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

static const struct {
	const char *key;
	enum ear_count_class class;
	const char *help;
} rows[] = {
#define X(name, key, class, help) {key, EAR_CLASS_##class, help},
#include "base/ledger.def"
#undef X
};

const char *ear_count_key(enum ear_count c)
{
	return rows[c].key;
}

enum ear_count_class ear_count_class(enum ear_count c)
{
	return rows[c].class;
}

const char *ear_count_help(enum ear_count c)
{
	return rows[c].help;
}

struct ear_tally {
	uint64_t key;
	char tap[48];
	char source[EAR_ADDR_TEXT];
	_Atomic uint64_t first_ns;
	_Atomic uint64_t last_ns;
	_Atomic uint64_t n[EAR_N_COUNT];
};

/* Open addressing; slots are only ever filled, under the lock. */
struct ear_ledger {
	pthread_mutex_t lock;
	size_t used;
	size_t most;  /* lines before "(others)" takes over */
	size_t slots; /* power of two, twice the lines and room for others */
	_Atomic(struct ear_tally *) *slot;
};

enum ear_err ear_ledger_new(size_t lines, struct ear_ledger **out)
{
	struct ear_ledger *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return EAR_NOMEM;
	l->most = lines;
	for (l->slots = 64; l->slots < lines * 2;)
		l->slots *= 2;
	l->slot = calloc(l->slots, sizeof(*l->slot));
	if (!l->slot) {
		free(l);
		return EAR_NOMEM;
	}
	pthread_mutex_init(&l->lock, NULL);
	*out = l;
	return EAR_OK;
}

void ear_ledger_free(struct ear_ledger **lp)
{
	struct ear_ledger *l = *lp;

	if (!l)
		return;
	for (size_t i = 0; i < l->slots; i++)
		free(atomic_load(&l->slot[i]));
	free(l->slot);
	pthread_mutex_destroy(&l->lock);
	free(l);
	*lp = NULL;
}

/* The slot that holds key, or the empty one where it would stand. */
static size_t probe(struct ear_ledger *l, uint64_t key)
{
	size_t i = key & (l->slots - 1);

	for (;; i = (i + 1) & (l->slots - 1)) {
		struct ear_tally *t =
			atomic_load_explicit(&l->slot[i], memory_order_acquire);

		if (!t || t->key == key)
			return i;
	}
}

static uint64_t line_key(struct ear_slice tap, struct ear_slice source)
{
	return ear_hash_seed(source, ear_hash(tap));
}

static struct ear_tally *add_line(
	struct ear_ledger *l, struct ear_slice tap, struct ear_slice source)
{
	struct ear_tally *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->key = line_key(tap, source);
	snprintf(t->tap, sizeof(t->tap), "%.*s", EAR_FMT(tap));
	snprintf(t->source, sizeof(t->source), "%.*s", EAR_FMT(source));
	atomic_store_explicit(
		&l->slot[probe(l, t->key)], t, memory_order_release);
	l->used++;
	return t;
}

static struct ear_tally *find_line(
	struct ear_ledger *l, struct ear_slice tap, struct ear_slice source)
{
	return atomic_load_explicit(&l->slot[probe(l, line_key(tap, source))],
		memory_order_acquire);
}

/*
 * Under the lock. "(others)" of a tap may pass the limit by 8 taps, and the
 * last resort is one shared line, so that nothing goes uncounted.
 */
static struct ear_tally *make_line(
	struct ear_ledger *l, struct ear_slice tap, struct ear_slice source)
{
	struct ear_tally *t = find_line(l, tap, source);

	if (!t && l->used < l->most)
		t = add_line(l, tap, source);
	if (!t)
		t = find_line(l, tap, EAR_S("(others)"));
	if (!t && l->used < l->most + 8)
		t = add_line(l, tap, EAR_S("(others)"));
	if (!t)
		t = find_line(l, EAR_S("(all)"), EAR_S("(others)"));
	if (!t)
		t = add_line(l, EAR_S("(all)"), EAR_S("(others)"));
	if (!t)
		abort();
	return t;
}

struct ear_tally *ear_ledger_line(
	struct ear_ledger *l, struct ear_slice tap, struct ear_slice source)
{
	struct ear_tally *t;

	if (tap.n > sizeof(t->tap) - 1)
		tap.n = sizeof(t->tap) - 1;
	if (source.n > sizeof(t->source) - 1)
		source = ear_slice_sub(
			source, source.n - (sizeof(t->source) - 1), source.n);
	t = find_line(l, tap, source);
	if (t)
		return t;
	pthread_mutex_lock(&l->lock);
	t = make_line(l, tap, source);
	pthread_mutex_unlock(&l->lock);
	return t;
}

struct ear_tally *ear_ledger_line_addr(struct ear_ledger *l,
	struct ear_slice tap, const struct ear_addr *source)
{
	char ip[EAR_ADDR_TEXT];

	return ear_ledger_line(
		l, tap, ear_slice(ip, ear_addr_ip_text(source, ip)));
}

void ear_tally_add(
	struct ear_tally *t, enum ear_count c, uint64_t n, uint64_t now_ns)
{
	atomic_fetch_add_explicit(&t->n[c], n, memory_order_relaxed);
	if (!atomic_load_explicit(&t->first_ns, memory_order_relaxed))
		atomic_store_explicit(
			&t->first_ns, now_ns, memory_order_relaxed);
	atomic_store_explicit(&t->last_ns, now_ns, memory_order_relaxed);
}

size_t ear_ledger_read(
	struct ear_ledger *l, struct ear_ledger_line *lines, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < l->slots; i++) {
		struct ear_tally *t =
			atomic_load_explicit(&l->slot[i], memory_order_acquire);
		struct ear_ledger_line *to = &lines[count];

		if (!t)
			continue;
		if (count++ >= max)
			continue;
		memcpy(to->tap, t->tap, sizeof(to->tap));
		memcpy(to->source, t->source, sizeof(to->source));
		to->first_ns = atomic_load(&t->first_ns);
		to->last_ns = atomic_load(&t->last_ns);
		for (size_t k = 0; k < EAR_N_COUNT; k++)
			to->n[k] = atomic_load(&t->n[k]);
	}
	return count;
}

void ear_ledger_sum(struct ear_ledger *l, uint64_t n[EAR_N_COUNT])
{
	memset(n, 0, EAR_N_COUNT * sizeof(*n));
	for (size_t i = 0; i < l->slots; i++) {
		struct ear_tally *t =
			atomic_load_explicit(&l->slot[i], memory_order_acquire);

		for (size_t k = 0; t && k < EAR_N_COUNT; k++)
			n[k] += atomic_load(&t->n[k]);
	}
}

int64_t ear_ledger_open(const uint64_t n[EAR_N_COUNT])
{
	uint64_t done = 0;

	for (size_t k = 0; k < EAR_N_COUNT; k++) {
		switch (rows[k].class) {
		case EAR_CLASS_STORED:
		case EAR_CLASS_COUNTED:
		case EAR_CLASS_FILTERED:
		case EAR_CLASS_DROPPED: done += n[k]; break;
		default: break;
		}
	}
	return (int64_t)(n[EAR_N_RECEIVED] - done);
}
