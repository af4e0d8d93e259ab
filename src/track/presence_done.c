/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REGISTER transactions that had their final reply, for a while: a request
 * that comes again, or by another hop, is none that waits. For a restart those
 * that were new go into one state per save, not one each.
 *
 * Such a state: version, then per transaction 8 bytes hash, 8 bytes time, 1
 * byte hops; it is gone when the youngest of it is too old.
 */
#include <endian.h>
#include <stdlib.h>

#include "base/reader.h"
#include "track/presence_priv.h"

/* Most of them: more than come in 64 s on a large site, and 64 MB. */
#define DONE_MAX (1u << 20)
#define VERSION 1
#define ENTRY_BYTES 17

static struct done *done_at(const struct ear_presence *p, uint32_t h)
{
	return ear_table_at(&p->dones, h);
}

unsigned done_hops(const struct ear_presence *p, uint64_t hash)
{
	uint32_t h = ear_table_first(&p->dones, hash);

	if (!h || done_at(p, h)->at_ns + PEND_NS < p->now_ns)
		return 0;
	return done_at(p, h)->hops;
}

static void drop_first(struct ear_presence *p)
{
	uint32_t h = p->done_first;

	p->done_first = done_at(p, h)->younger;
	if (!p->done_first)
		p->done_last = 0;
	ear_table_del(&p->dones, h);
}

static void put(
	struct ear_presence *p, uint64_t hash, uint64_t at_ns, unsigned hops)
{
	uint32_t h = ear_table_first(&p->dones, hash);
	struct done *done;

	if (!hops || hops > UINT8_MAX)
		hops = UINT8_MAX;
	if (h) {
		done_at(p, h)->hops = (uint8_t)hops;
		return;
	}
	if (p->dones.n >= DONE_MAX)
		drop_first(p);
	h = ear_table_add(&p->dones, hash);
	if (!h)
		return;
	done = done_at(p, h);
	done->at_ns = at_ns;
	done->hops = (uint8_t)hops;
	if (p->done_last)
		done_at(p, p->done_last)->younger = h;
	else
		p->done_first = h;
	p->done_last = h;
}

void done_add(struct ear_presence *p, uint64_t hash, unsigned hops)
{
	uint64_t v[2] = {htobe64(hash), htobe64(p->now_ns)};

	put(p, hash, p->now_ns, hops);
	if (!p->out.state)
		return;
	if (!p->done_new.n)
		ear_buf_byte(&p->done_new, VERSION);
	ear_buf_add(&p->done_new, v, sizeof(v));
	ear_buf_byte(&p->done_new, (uint8_t)hops);
}

void done_age(struct ear_presence *p)
{
	while (p->done_first &&
		done_at(p, p->done_first)->at_ns + PEND_NS < p->now_ns)
		drop_first(p);
}

static bool keep(struct ear_presence *p, uint64_t number, uint64_t at_ns)
{
	struct done_state *v = p->done_states;

	if (p->done_states_n == p->done_states_cap) {
		size_t cap = p->done_states_cap ? p->done_states_cap * 2 : 64;

		v = realloc(v, cap * sizeof(*v));
		if (!v)
			return false;
		p->done_states = v;
		p->done_states_cap = cap;
	}
	v[p->done_states_n++] = (struct done_state){number, at_ns};
	return true;
}

static void forget_old(struct ear_presence *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->done_states_n; i++) {
		struct done_state s = p->done_states[i];

		if (s.at_ns + PEND_NS < p->now_ns)
			state_gone(p, s.number << 2, STATE_OWN);
		else
			p->done_states[n++] = s;
	}
	p->done_states_n = n;
}

void done_save(struct ear_presence *p)
{
	forget_old(p);
	if (p->done_new.n && !p->done_new.err &&
		keep(p, p->done_number, p->now_ns)) {
		p->out.state(EAR_TRACK_PRESENCE,
			state_key(p->done_number << 2, STATE_OWN),
			ear_buf_view(&p->done_new), p->out.arg);
		p->done_number++;
	}
	ear_buf_reset(&p->done_new);
}

void done_restore(struct ear_presence *p, uint64_t key, struct ear_slice state)
{
	struct ear_reader r = ear_reader(state);
	uint64_t number = key >> 2, last_ns = 0;

	if (ear_read_u8(&r) != VERSION || number == 0)
		return;
	while (ear_reader_left(&r) >= ENTRY_BYTES) {
		uint64_t hash = ear_read_be64(&r);
		uint64_t at_ns = ear_read_be64(&r);

		put(p, hash, at_ns, ear_read_u8(&r));
		if (at_ns > last_ns)
			last_ns = at_ns;
	}
	if (!keep(p, number, last_ns))
		return;
	if (number < UINT64_MAX >> 2 && number >= p->done_number)
		p->done_number = number + 1;
}
