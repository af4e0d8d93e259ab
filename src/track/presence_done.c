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

/* Most of them: more than come in 64 s on a large site, and 32 MB. */
#define DONE_MAX (1u << 20)
#define VERSION 1
#define ENTRY_BYTES 17

/*
 * One array, open addressing: a REGISTER that is new, as most are, costs one
 * look into memory. Nothing is removed one by one: those that are too old are
 * left out when the array is made anew, and do not count before.
 */
static bool is_old(const struct ear_presence *p, const struct done *done)
{
	return done->at_ns + PEND_NS < p->now_ns;
}

/* Where it stands, or the empty place where it would. */
static struct done *place(struct done *v, size_t places, uint64_t hash)
{
	size_t i = hash >> 8 & (places - 1);

	while (v[i].at_ns && (v[i].hash ^ hash) >> 8)
		i = (i + 1) & (places - 1);
	return &v[i];
}

unsigned done_hops(const struct ear_presence *p, uint64_t hash)
{
	const struct done *done;

	if (!p->done_places)
		return 0;
	done = place(p->done, p->done_places, hash);
	return !done->at_ns || is_old(p, done) ? 0 : done->hash & 0xff;
}

/* Where it stands is found while the request is read: that place is in no
 * cache, of so many. */
void done_expect(const struct ear_presence *p, uint64_t hash)
{
	if (p->done_places)
		__builtin_prefetch(&p->done[hash >> 8 & (p->done_places - 1)]);
}

/* Made anew with room for twice those that are not older than age. */
static bool rebuild(struct ear_presence *p, uint64_t age_ns)
{
	size_t n = 0, places = 1024;
	struct done *v;

	for (size_t i = 0; i < p->done_places; i++)
		n += p->done[i].at_ns && p->done[i].at_ns + age_ns >= p->now_ns;
	if (n > DONE_MAX)
		return rebuild(p, age_ns / 2);
	while (places < n * 4)
		places *= 2;
	v = calloc(places, sizeof(*v));
	if (!v)
		return false;
	for (size_t i = 0; i < p->done_places; i++) {
		const struct done *done = &p->done[i];

		if (done->at_ns && done->at_ns + age_ns >= p->now_ns)
			*place(v, places, done->hash) = *done;
	}
	free(p->done);
	p->done = v;
	p->done_places = places;
	p->done_n = n;
	return true;
}

static void put(
	struct ear_presence *p, uint64_t hash, uint64_t at_ns, unsigned hops)
{
	struct done *done;

	if (!hops || hops > UINT8_MAX)
		hops = UINT8_MAX;
	if (p->done_n * 2 >= p->done_places && !rebuild(p, PEND_NS))
		return;
	done = place(p->done, p->done_places, hash);
	p->done_n += !done->at_ns;
	done->hash = (hash & ~0xffULL) | hops;
	done->at_ns = at_ns ? at_ns : 1;
}

void done_add(struct ear_presence *p, uint64_t hash, unsigned hops)
{
	uint64_t v[2] = {htobe64(hash), htobe64(p->now_ns)};
	char *to;

	put(p, hash, p->now_ns, hops);
	if (!p->out.state)
		return;
	if (!p->done_new.n)
		ear_buf_byte(&p->done_new, VERSION);
	to = ear_buf_reserve(&p->done_new, ENTRY_BYTES);
	if (!to)
		return;
	memcpy(to, v, sizeof(v));
	to[sizeof(v)] = (char)hops;
	p->done_new.n += ENTRY_BYTES;
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
