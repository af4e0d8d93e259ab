/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: what comes in goes to the state machine, what is silent ends. */
#include "track/call.h"

#include <stdlib.h>

#include "base/hash.h"
#include "track/call_priv.h"

#define MAX_DEFAULT 250000
#define SILENT_DEFAULT CALL_SECONDS(4 * 3600ull)
/* What is so far ahead of all others is believed when so many messages in a
 * row are: after a pause in a capture, not of one clock among others. */
#define LEAP CALL_SECONDS(3600ull)
#define LEAP_MESSAGES 8
/* How often silence is looked for. */
#define CHECK EAR_SECOND_NS

static bool copy_rules(struct ear_calls *c)
{
	size_t n = c->options.n_rules * sizeof(*c->rules);

	c->rules = malloc(n ? n : 1);
	if (!c->rules)
		return false;
	if (n)
		memcpy(c->rules, c->options.rules, n);
	c->options.rules = c->rules;
	return true;
}

static bool make_spots(struct ear_calls *c)
{
	if (!c->options.join_legs)
		return true;
	c->spot = calloc(CALL_SPOTS, sizeof(*c->spot));
	c->spot_head = calloc(CALL_SPOTS, sizeof(*c->spot_head));
	return c->spot && c->spot_head;
}

enum ear_err ear_calls_new(const struct ear_calls_options *options,
	const struct ear_track_out *out, struct ear_calls **calls)
{
	struct ear_calls *c = calloc(1, sizeof(*c));

	*calls = NULL;
	if (!c)
		return EAR_NOMEM;
	c->options = *options;
	c->out = *out;
	if (!c->options.max)
		c->options.max = MAX_DEFAULT;
	if (!c->options.silent_ns)
		c->options.silent_ns = SILENT_DEFAULT;
	for (unsigned i = 0; i < CALL_WAITS; i++)
		c->line[i] = (struct call_line){CALL_NONE, CALL_NONE};
	c->dirty = (struct call_line){CALL_NONE, CALL_NONE};
	c->dead[0].max = c->dead[1].max = c->options.max;
	c->grave = calloc(CALL_GRAVES, sizeof(*c->grave));
	if (!c->grave || !copy_rules(c) || !make_spots(c)) {
		ear_calls_free(&c);
		return EAR_NOMEM;
	}
	*calls = c;
	return EAR_OK;
}

void ear_calls_free(struct ear_calls **calls)
{
	struct ear_calls *c = *calls;

	if (!c)
		return;
	for (uint32_t slot = 0; slot < c->slots; slot++)
		free(c->call[slot]);
	free(c->call);
	free(c->unused);
	ear_map64_fini(&c->by_call_id);
	ear_set64_fini(&c->dead[0]);
	ear_set64_fini(&c->dead[1]);
	ear_buf_fini(&c->fresh);
	ear_buf_fini(&c->scratch);
	free(c->grave);
	free(c->spot);
	free(c->spot_head);
	free(c->rules);
	free(c);
	*calls = NULL;
}

/* --- time ----------------------------------------------------------------- */

static void end_silent(struct ear_calls *c, unsigned wait)
{
	uint64_t longest = call_wait_ns(c, wait);
	uint32_t slot;

	while ((slot = c->line[wait].head) != CALL_NONE &&
		c->now_ns - c->call[slot]->touched_ns >= longest)
		call_silent(c, slot);
}

static void advance(struct ear_calls *c, uint64_t now_ns)
{
	if (c->restored)
		call_restored(c);
	if (now_ns <= c->now_ns)
		return;
	c->now_ns = now_ns;
	if (now_ns < c->check_ns)
		return;
	c->check_ns = now_ns + CHECK;
	for (unsigned wait = 0; wait < CALL_WAITS; wait++) {
		if (wait != CALL_WAIT_LATE)
			end_silent(c, wait);
	}
	end_silent(c, CALL_WAIT_LATE);
	call_graves_tick(c);
}

/* Time of a message, as far as it is believed. What claims to be later than
 * it was taken is not: a single bad clock would end all calls. */
static uint64_t time_of(struct ear_calls *c, const struct ear_msg *msg)
{
	uint64_t at = msg->at_ns;

	if (msg->seen_ns && at > msg->seen_ns)
		at = msg->seen_ns;
	if (!c->now_ns || at <= c->now_ns || at - c->now_ns < LEAP)
		c->leaps = 0;
	else if (++c->leaps < LEAP_MESSAGES)
		return c->now_ns;
	return at;
}

void ear_calls_tick(struct ear_calls *c, uint64_t now_ns)
{
	advance(c, now_ns);
}

/* --- messages ------------------------------------------------------------- */

typedef void (*take_fn)(struct ear_calls *c, struct call_event *e);

struct handler {
	struct ear_slice method;
	take_fn request;
	take_fn reply;
};

/* By the length of the method and its first letter, which tell them apart;
 * most messages of others are passed over by that. */
static const struct handler *handler_of(struct ear_slice method)
{
	static const struct handler handlers[] = {
		{EAR_S_INIT("INVITE"), call_invite, call_reply_invite},
		{EAR_S_INIT("ACK"), call_ack, NULL},
		{EAR_S_INIT("BYE"), call_bye, call_reply_bye},
		{EAR_S_INIT("CANCEL"), call_cancel, NULL},
		{EAR_S_INIT("PRACK"), call_in_dialog, call_reply_other},
		{EAR_S_INIT("UPDATE"), call_in_dialog, call_reply_other},
		{EAR_S_INIT("INFO"), call_in_dialog, call_reply_other},
		{EAR_S_INIT("REFER"), call_refer, call_reply_other},
		{EAR_S_INIT("NOTIFY"), call_notify, NULL},
	};
	unsigned i;

	if (method.n < 3 || method.n > 6)
		return NULL;
	switch (method.p[0]) {
	case 'I': i = method.n == 6 ? 0 : 6; break;
	case 'A': i = 1; break;
	case 'B': i = 2; break;
	case 'C': i = 3; break;
	case 'P': i = 4; break;
	case 'U': i = 5; break;
	case 'R': i = 7; break;
	case 'N': i = 8; break;
	default: return NULL;
	}
	return ear_slice_eq(method, handlers[i].method) ? &handlers[i] : NULL;
}

void ear_calls_take(struct ear_calls *c, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	const struct handler *handler;
	struct call_event e;
	take_fn take;

	if (msg->proto != EAR_PROTO_SIP)
		return;
	advance(c, time_of(c, msg));
	handler = handler_of(facts->method);
	if (!handler || !facts->call_id.n)
		return;
	take = facts->kind == EAR_KIND_REQUEST ? handler->request
					       : handler->reply;
	if (!take)
		return;
	e = (struct call_event){.msg = msg,
		.f = facts,
		.key = ear_hash(facts->call_id),
		.from_tag = ear_hash(facts->from_tag),
		.to_tag = ear_hash(facts->to_tag),
		.branch = (uint32_t)ear_hash(facts->branch),
		.sip = &c->sip};
	take(c, &e);
}

/* --- telling -------------------------------------------------------------- */

void ear_calls_save(struct ear_calls *c)
{
	uint32_t slot;

	if (c->restored)
		call_restored(c);
	while ((slot = c->dirty.head) != CALL_NONE) {
		const struct call *call = c->call[slot];

		if (call->state != CALL_OVER && call->state != CALL_MAYBE)
			call_tell(c, call);
		call_state_tell(c, slot);
		call_unmark(c, slot);
	}
	call_graves_tell(c);
}

/* A capture that is over says nothing of what goes on: it is told as it
 * stands, and kept for the capture that follows. */
void ear_calls_end(struct ear_calls *c)
{
	ear_calls_save(c);
}

void ear_calls_stats(const struct ear_calls *c, struct ear_calls_stats *stats)
{
	*stats = c->stats;
	stats->open = c->n - c->over;
	stats->bytes +=
		sizeof(*c) + ear_map64_bytes(&c->by_call_id) +
		c->slots_room * (sizeof(*c->call) + sizeof(uint32_t)) +
		(c->dead[0].slots + c->dead[1].slots) * sizeof(uint64_t) +
		CALL_GRAVES * sizeof(*c->grave) + c->fresh.cap + c->scratch.cap;
	if (c->spot)
		stats->bytes +=
			CALL_SPOTS * (sizeof(*c->spot) + sizeof(*c->spot_head));
}
