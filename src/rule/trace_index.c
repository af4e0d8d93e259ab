/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/trace_index.h"

#include <stdlib.h>

#include "base/hash.h"

/* Most keys that one rule may bring; one with more is always asked. */
#define KEYS_MAX 64

void trace_index_fini(struct trace_index *x)
{
	free(x->key);
	x->key = NULL;
	x->n = x->room = 0;
}

void trace_index_reset(struct trace_index *x)
{
	memset(&x->always, 0, sizeof(x->always));
	memset(x->kinds, 0, sizeof(x->kinds));
	memset(x->bits, 0, sizeof(x->bits));
	x->n = 0;
}

static bool make_room(struct trace_index *x, size_t n)
{
	struct trace_index_key *more;
	size_t room = x->n + n;

	if (room <= x->room)
		return true;
	more = realloc(x->key, room * 2 * sizeof(*more));
	if (!more)
		return false;
	x->key = more;
	x->room = room * 2;
	return true;
}

static unsigned bit_of(uint64_t hash)
{
	return (unsigned)(hash >> 20) % TRACE_INDEX_BITS;
}

void trace_index_add(
	struct trace_index *x, const struct ear_expr *expr, unsigned slot)
{
	struct ear_key_value keys[KEYS_MAX];
	size_t n = ear_expr_keys(expr, keys, KEYS_MAX);

	if (n == 0 || !make_room(x, n)) {
		trace_set_add(&x->always, slot);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned bit = bit_of(keys[i].hash);

		x->kinds[keys[i].key] = true;
		x->bits[bit / 64] |= UINT64_C(1) << bit % 64;
		x->key[x->n++] = (struct trace_index_key){keys[i], slot};
	}
}

static int by_hash(const void *a, const void *b)
{
	const struct trace_index_key *x = a, *y = b;

	if (x->key.hash != y->key.hash)
		return x->key.hash < y->key.hash ? -1 : 1;
	return (int)x->slot - (int)y->slot;
}

void trace_index_sort(struct trace_index *x)
{
	if (x->n)
		qsort(x->key, x->n, sizeof(*x->key), by_hash);
}

/* The first key with this hash or a larger one. */
static size_t lower(const struct trace_index *x, uint64_t hash)
{
	size_t from = 0, to = x->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (x->key[mid].key.hash < hash)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static void probe(const struct trace_index *x, enum ear_key kind, uint64_t hash,
	struct trace_set *found)
{
	unsigned bit = bit_of(hash);

	if (!(x->bits[bit / 64] >> bit % 64 & 1))
		return;
	for (size_t i = lower(x, hash); i < x->n && x->key[i].key.hash == hash;
		i++) {
		if (x->key[i].key.key == kind)
			trace_set_add(found, x->key[i].slot);
	}
}

static void probe_text(const struct trace_index *x, enum ear_key kind,
	struct ear_slice value, struct trace_set *found)
{
	if (value.n)
		probe(x, kind, ear_key_hash(kind, value), found);
}

static uint64_t addr_hash(struct trace_index *x, const struct ear_addr *a)
{
	struct ear_addr plain = *a;
	struct trace_index_addr *known;
	char text[EAR_ADDR_TEXT];

	plain.port = 0;
	known = &x->addr[ear_hash(ear_slice(&plain, sizeof(plain))) %
			 TRACE_INDEX_ADDRS];
	if (!known->hash || !ear_addr_eq(&known->addr, &plain)) {
		known->addr = plain;
		known->hash = ear_key_hash(EAR_KEY_ADDR,
			ear_slice(text, ear_addr_ip_text(&plain, text)));
	}
	return known->hash;
}

static void probe_status(
	const struct trace_index *x, unsigned status, struct trace_set *found)
{
	char digits[8];
	size_t at = sizeof(digits);

	if (!status)
		return;
	for (; status; status /= 10)
		digits[--at] = (char)('0' + status % 10);
	probe_text(x, EAR_KEY_STATUS,
		ear_slice(digits + at, sizeof(digits) - at), found);
}

void trace_index_find(struct trace_index *x, const struct ear_msg *msg,
	const struct ear_facts *facts, struct trace_set *found)
{
	*found = x->always;
	if (x->kinds[EAR_KEY_CALLID])
		probe_text(x, EAR_KEY_CALLID, facts->call_id, found);
	if (x->kinds[EAR_KEY_USER]) {
		probe_text(x, EAR_KEY_USER, facts->from_user, found);
		probe_text(x, EAR_KEY_USER, facts->to_user, found);
		probe_text(x, EAR_KEY_USER, facts->auth_user, found);
	}
	if (x->kinds[EAR_KEY_ADDR]) {
		if (msg->src.family)
			probe(x, EAR_KEY_ADDR, addr_hash(x, &msg->src), found);
		if (msg->dst.family)
			probe(x, EAR_KEY_ADDR, addr_hash(x, &msg->dst), found);
	}
	if (x->kinds[EAR_KEY_METHOD])
		probe_text(x, EAR_KEY_METHOD, facts->method, found);
	if (x->kinds[EAR_KEY_STATUS])
		probe_status(x, facts->status, found);
}
