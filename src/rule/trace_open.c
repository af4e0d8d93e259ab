/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/trace_open.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/hash.h"
#include "rule/trace_priv.h"

/* Slots to begin with; a power of two. */
#define SLOTS_FIRST 1024
/* Conversations that one sweep looks at, besides a share of all. */
#define SWEEP_LEAST 16
#define SWEEP_SHARE 1024

struct slot {
	uint64_t hash;
	struct trace_conv *conv; /* NULL: empty */
};

struct trace_open {
	struct slot *slot; /* open addressing, linear */
	size_t slots;      /* a power of two, at most half full */
	size_t convs, units, max_units;
	uint64_t seed; /* senders choose Call-IDs, not where they lie */
	struct trace_conv *oldest, *newest;
	struct trace_conv *hand; /* where the next sweep begins */
};

enum ear_err trace_open_new(size_t max_units, struct trace_open **open)
{
	struct trace_open *o = calloc(1, sizeof(*o));

	if (o)
		o->slot = calloc(SLOTS_FIRST, sizeof(*o->slot));
	if (!o || !o->slot) {
		free(o);
		return EAR_NOMEM;
	}
	o->slots = SLOTS_FIRST;
	if (getrandom(&o->seed, sizeof(o->seed), GRND_NONBLOCK) < 0)
		o->seed = (uint64_t)(uintptr_t)o;
	o->max_units = max_units;
	*open = o;
	return EAR_OK;
}

size_t trace_open_count(const struct trace_open *open)
{
	return open->units;
}

/* --- table ---------------------------------------------------------------- */

static size_t home(const struct trace_open *o, uint64_t hash)
{
	return (size_t)hash & (o->slots - 1);
}

/* Where a conversation is or would be. */
static size_t slot_of(
	const struct trace_open *o, uint64_t hash, struct ear_slice call_id)
{
	size_t i = home(o, hash);

	for (; o->slot[i].conv; i = (i + 1) & (o->slots - 1)) {
		const struct trace_conv *c = o->slot[i].conv;

		if (o->slot[i].hash == hash &&
			ear_slice_eq(ear_slice(c->call_id, c->n), call_id))
			break;
	}
	return i;
}

struct trace_conv *trace_open_find(
	struct trace_open *open, struct ear_slice call_id)
{
	if (!open->convs || !call_id.n)
		return NULL;
	return open
		->slot[slot_of(
			open, ear_hash_seed(call_id, open->seed), call_id)]
		.conv;
}

static bool grow(struct trace_open *o)
{
	struct trace_open wider = {.slots = o->slots * 2};

	if (o->convs < o->slots / 2)
		return true;
	wider.slot = calloc(wider.slots, sizeof(*wider.slot));
	if (!wider.slot)
		return false;
	for (size_t i = 0; i < o->slots; i++) {
		size_t at;

		if (!o->slot[i].conv)
			continue;
		at = home(&wider, o->slot[i].hash);
		while (wider.slot[at].conv)
			at = (at + 1) & (wider.slots - 1);
		wider.slot[at] = o->slot[i];
	}
	free(o->slot);
	o->slot = wider.slot;
	o->slots = wider.slots;
	return true;
}

/* Empty a slot and close the gap, so that no search stops at it. */
static void empty_slot(struct trace_open *o, size_t gap)
{
	size_t mask = o->slots - 1, i = gap;

	for (;;) {
		size_t want;

		i = (i + 1) & mask;
		if (!o->slot[i].conv)
			break;
		want = home(o, o->slot[i].hash);
		if (((i - want) & mask) < ((i - gap) & mask))
			continue; /* lies behind the gap's reach */
		o->slot[gap] = o->slot[i];
		gap = i;
	}
	o->slot[gap] = (struct slot){0};
}

/* --- order by silence ----------------------------------------------------- */

static void unlink_conv(struct trace_open *o, struct trace_conv *c)
{
	if (o->hand == c)
		o->hand = c->newer;
	if (c->older)
		c->older->newer = c->newer;
	else
		o->oldest = c->newer;
	if (c->newer)
		c->newer->older = c->older;
	else
		o->newest = c->older;
}

static void link_newest(struct trace_open *o, struct trace_conv *c)
{
	c->older = o->newest;
	c->newer = NULL;
	if (o->newest)
		o->newest->newer = c;
	else
		o->oldest = c;
	o->newest = c;
}

void trace_open_touch(struct trace_open *open, struct trace_conv *conv)
{
	if (open->newest == conv)
		return;
	unlink_conv(open, conv);
	link_newest(open, conv);
}

/* --- conversations and units ---------------------------------------------- */

static struct trace_conv *conv_new(
	struct trace_open *o, uint64_t hash, struct ear_slice call_id)
{
	struct trace_conv *c;

	if (!grow(o))
		return NULL;
	c = calloc(1, sizeof(*c) + call_id.n);
	if (!c)
		return NULL;
	c->hash = hash;
	c->n = call_id.n;
	memcpy(c->call_id, call_id.p, call_id.n);
	o->slot[slot_of(o, hash, call_id)] = (struct slot){hash, c};
	o->convs++;
	link_newest(o, c);
	return c;
}

/* Nothing of it is left. */
static void conv_free(struct trace_open *o, struct trace_conv *c)
{
	empty_slot(o, slot_of(o, c->hash, ear_slice(c->call_id, c->n)));
	unlink_conv(o, c);
	o->convs--;
	free(c);
}

/* @param at the pointer to it */
static void unit_free(
	struct trace_open *o, struct trace_conv *c, struct trace_unit **at)
{
	struct trace_unit *u = *at;

	*at = u->next;
	c->units--;
	o->units--;
	u->trace->open--;
	free(u->texts);
	free(u);
}

/* Make it go before its time, unless that has come. */
static void forget_last(
	struct trace_open *o, struct trace_conv *c, const struct ear_msg *msg)
{
	struct trace_unit **at = &c->first;

	while ((*at)->next)
		at = &(*at)->next;
	if (!ear_scope_over(&(*at)->scope, msg))
		(*at)->trace->forgotten++;
	unit_free(o, c, at);
}

static void forget_oldest(struct trace_open *o, const struct ear_msg *msg)
{
	struct trace_conv *c = o->oldest;

	while (c->first)
		forget_last(o, c, msg);
	conv_free(o, c);
}

static struct trace_unit *unit_new(struct trace *trace,
	const struct ear_scope_unit *scope, const struct ear_slice *texts)
{
	struct trace_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->trace = trace;
	u->scope = *scope;
	if (!texts)
		return u;
	u->texts_n = texts->n;
	u->texts = malloc(texts->n + 1);
	if (!u->texts) {
		free(u);
		return NULL;
	}
	if (texts->n)
		memcpy(u->texts, texts->p, texts->n);
	return u;
}

struct trace_unit *trace_open_add(struct trace_open *open,
	struct ear_slice call_id, struct trace *trace,
	const struct ear_scope_unit *scope, const struct ear_slice *texts,
	const struct ear_msg *msg)
{
	struct trace_unit *u;
	struct trace_conv *c;

	if (!call_id.n || call_id.n > TRACE_OPEN_CALL_ID)
		return NULL;
	u = unit_new(trace, scope, texts);
	if (!u)
		return NULL;
	while (open->units >= open->max_units)
		forget_oldest(open, msg);
	c = trace_open_find(open, call_id);
	if (!c)
		c = conv_new(open, ear_hash_seed(call_id, open->seed), call_id);
	if (!c) {
		free(u->texts);
		free(u);
		return NULL;
	}
	if (c->units == TRACE_OPEN_UNITS)
		forget_last(open, c, msg);
	u->next = c->first;
	c->first = u;
	c->units++;
	open->units++;
	trace->open++;
	return u;
}

bool trace_open_tidy(struct trace_open *open, struct trace_conv *conv,
	const struct ear_msg *msg)
{
	struct trace_unit **at = &conv->first;

	while (*at) {
		if (ear_scope_over(&(*at)->scope, msg))
			unit_free(open, conv, at);
		else
			at = &(*at)->next;
	}
	if (conv->first)
		return true;
	conv_free(open, conv);
	return false;
}

void trace_open_sweep(struct trace_open *open, const struct ear_msg *msg)
{
	size_t n = SWEEP_LEAST + open->convs / SWEEP_SHARE;

	while (n-- && open->convs) {
		struct trace_conv *c = open->hand ? open->hand : open->oldest;

		open->hand = c->newer;
		(void)trace_open_tidy(open, c, msg);
	}
}

void trace_open_forget(struct trace_open *open, const struct trace *trace)
{
	struct trace_conv *c = open->oldest, *next;

	for (; c && trace->open; c = next) {
		struct trace_unit **at = &c->first;

		next = c->newer;
		while (*at) {
			if ((*at)->trace == trace)
				unit_free(open, c, at);
			else
				at = &(*at)->next;
		}
		if (!c->first)
			conv_free(open, c);
	}
}

void trace_open_each(struct trace_open *open,
	void (*fn)(const struct trace_conv *conv, const struct trace_unit *unit,
		void *arg),
	void *arg)
{
	for (struct trace_conv *c = open->oldest; c; c = c->newer) {
		for (struct trace_unit *u = c->first; u; u = u->next)
			fn(c, u, arg);
	}
}

void trace_open_free(struct trace_open **open)
{
	struct trace_open *o = *open;

	if (!o)
		return;
	for (struct trace_conv *c = o->oldest, *next; c; c = next) {
		next = c->newer;
		while (c->first)
			unit_free(o, c, &c->first);
		conv_free(o, c);
	}
	free(o->slot);
	free(o);
	*open = NULL;
}
