/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Legs of a B2BUA, joined by what the messages show: each call that begins is
 * held against those that go on, and joined to the one that fits best, if it
 * fits well enough. docs/calls.md says what counts how much.
 */
#include <stdio.h>

#include "base/hash.h"
#include "track/call_priv.h"

/* What it takes to be a leg, of 100. */
#define THRESHOLD 60
/* What it costs that another call fits as well: then one is guessed. */
#define EQUALS 15
/* The second leg goes out so soon after the first came in. Agents' clocks
 * differ, so that it may seem to go out before. */
#define SOON CALL_SECONDS(1)
#define WITHIN CALL_SECONDS(5)
#define SKEW CALL_SECONDS(1)
/* Answers and ends of two legs that follow each other. */
#define TOGETHER CALL_SECONDS(2)
/* Most that are looked at for one hint: what everybody has tells nothing. */
#define LOOKS 8

/* Why, in the order of the words below; words are made for the best only. */
enum why {
	WHY_SESSION,
	WHY_ORIGIN,
	WHY_MEDIA,
	WHY_DST,
	WHY_SRC,
	WHY_HOST,
	WHY_TIME,
	WHY_REFER,
	WHYS
};

static const char *const why_words[WHYS] = {
	[WHY_SESSION] = "Session-ID",
	[WHY_ORIGIN] = "SDP origin",
	[WHY_MEDIA] = "media address",
	[WHY_DST] = "number called",
	[WHY_SRC] = "number calling",
	[WHY_HOST] = "through the same host",
	[WHY_TIME] = "time",
	[WHY_REFER] = "transfer",
};

struct score {
	unsigned points;
	unsigned why;          /* bits */
	struct ear_slice name; /* of a header field that names the leg */
};

static void add(struct score *s, unsigned points, enum why why)
{
	s->points += points;
	s->why |= 1u << why;
}

static void write_why(const struct score *s, char *out, size_t room)
{
	size_t n = (size_t)snprintf(
		out, room, "%.*s", EAR_FMT(ear_slice_sub(s->name, 0, 40)));

	for (unsigned i = 0; i < WHYS; i++) {
		if (s->why & 1u << i && n < room)
			n += (size_t)snprintf(out + n, room - n, "%s%s",
				n ? ", " : "", why_words[i]);
	}
}

/* --- scoring -------------------------------------------------------------- */

static bool same_hint(
	const struct call *a, const struct call *b, enum call_hint kind)
{
	return a->hint[kind] && a->hint[kind] == b->hint[kind];
}

static bool begins_with(const struct call *a, const struct call *b)
{
	return b->at_ns + SKEW >= a->at_ns && b->at_ns <= a->at_ns + WITHIN;
}

/* Numbers are worth most where they are long; a PBX's extensions and the
 * time need one more thing that fits. */
static void score_numbers(
	struct score *s, const struct call *a, const struct call *b)
{
	bool dst = same_hint(a, b, CALL_HINT_DST);
	bool src = same_hint(a, b, CALL_HINT_SRC);
	bool soon = b->at_ns <= a->at_ns + SOON;

	if ((!dst && !src) || !begins_with(a, b) || a->answer_ns)
		return;
	if (dst)
		add(s, b->hint[CALL_HINT_DST] & CALL_HINT_LONG ? 35 : 25,
			WHY_DST);
	if (src)
		add(s, b->hint[CALL_HINT_SRC] & CALL_HINT_LONG ? 25 : 15,
			WHY_SRC);
	if (ear_addr_ip_eq(&a->to, &b->from))
		add(s, 15, WHY_HOST);
	add(s, soon ? 15 : 8, WHY_TIME);
}

/*
 * What comes from where the first came from is another call of that caller;
 * what goes to where the first came from is one that came in to the same
 * B2BUA, unless it goes back the way the first took.
 */
static bool apart(const struct call *a, const struct call *b)
{
	if (!a->from.family)
		return false;
	return ear_addr_eq(&a->from, &b->from) ||
	       (ear_addr_eq(&a->from, &b->to) &&
		       !ear_addr_eq(&a->to, &b->from));
}

/* @param a began first */
static struct score score_of(const struct call *a, const struct call *b)
{
	struct score s = {0};

	if (apart(a, b))
		return s;

	if (same_hint(a, b, CALL_HINT_SESSION))
		add(&s, 95, WHY_SESSION);
	if (!begins_with(a, b))
		return s;
	if (same_hint(a, b, CALL_HINT_ORIGIN))
		add(&s, 80, WHY_ORIGIN);
	if (same_hint(a, b, CALL_HINT_MEDIA))
		add(&s, 70, WHY_MEDIA);
	score_numbers(&s, a, b);
	return s;
}

struct search {
	uint32_t slot; /* of the new call */
	uint32_t best;
	bool equals; /* another one has as many points */
	struct score score;
};

/* Of equals one that has no other leg yet, then the one that began first, as
 * calls mostly leave in the order in which they came. */
static bool before(const struct call *a, const struct call *b)
{
	if (!a->mate_id != !b->mate_id)
		return !a->mate_id;
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	return a->id < b->id;
}

static void consider(const struct ear_calls *c, struct search *s, uint32_t slot,
	struct score score)
{
	bool equal;

	if (score.points > 100)
		score.points = 100;
	if (slot == s->best || score.points < THRESHOLD)
		return;
	equal = s->best != CALL_NONE && score.points == s->score.points;
	if (s->best != CALL_NONE && score.points < s->score.points)
		return;
	s->equals = equal;
	if (equal && !before(c->call[slot], c->call[s->best]))
		return;
	s->best = slot;
	s->score = score;
}

/* The call there, if the spot is still of that hash. */
static const struct call *at_spot(
	const struct ear_calls *c, uint32_t at, uint32_t hash)
{
	const struct call_spot *spot = &c->spot[at % CALL_SPOTS];

	return spot->hash == hash && spot->slot < c->slots ? c->call[spot->slot]
							   : NULL;
}

static void search_hint(
	const struct ear_calls *c, struct search *s, enum call_hint kind)
{
	const struct call *own = c->call[s->slot];
	uint32_t hash = own->hint[kind], at;

	if (!hash)
		return;
	at = c->spot_head[hash % CALL_SPOTS];
	for (int looks = 0; looks < LOOKS && at; looks++) {
		const struct call_spot *spot = &c->spot[at % CALL_SPOTS];
		const struct call *other = at_spot(c, at, hash);

		if (c->spots - at >= CALL_SPOTS)
			break;
		if (other && other != own && other->key != own->key &&
			other->state != CALL_OVER && other->hint[kind] == hash)
			consider(c, s, spot->slot, score_of(other, own));
		at = spot->before;
	}
}

/* --- transfers ------------------------------------------------------------ */

/* How long after the last sign of life of the one before. */
#define TRANSFER CALL_SECONDS(32)

/* The call that a REFER makes (RFC 3515): it says who referred it, goes where
 * that call was transferred to, and comes from one of its ends. */
static struct score score_transfer(const struct call *a, const struct call *b)
{
	struct score s = {0};

	if (b->at_ns + SKEW < a->answer_ns || b->at_ns > a->last_ns + TRANSFER)
		return s;
	add(&s, 75, WHY_REFER);
	if (ear_addr_ip_eq(&a->from, &b->from) ||
		ear_addr_ip_eq(&a->to, &b->from))
		add(&s, 15, WHY_HOST);
	return s;
}

static void search_transfer(const struct ear_calls *c, struct search *s)
{
	const struct call *own = c->call[s->slot];
	struct call asked = {0};
	uint32_t hash, at;

	call_number_hint(&asked, CALL_HINT_REFER, call_text(own, CALL_DST));
	hash = asked.hint[CALL_HINT_REFER];
	at = hash ? c->spot_head[hash % CALL_SPOTS] : 0;
	for (int looks = 0; looks < LOOKS && at; looks++) {
		const struct call *other = at_spot(c, at, hash);

		if (c->spots - at >= CALL_SPOTS)
			break;
		if (other && other != own &&
			other->hint[CALL_HINT_REFER] == hash)
			consider(c, s, c->spot[at % CALL_SPOTS].slot,
				score_transfer(other, own));
		at = c->spot[at % CALL_SPOTS].before;
	}
}

/* --- header fields that name the other leg's Call-ID -----------------------
 */

static void consider_call_id(const struct ear_calls *c, struct search *s,
	uint64_t key, unsigned points, struct ear_slice name)
{
	uint32_t slot = ear_map64_get(&c->by_call_id, key);
	const struct score score = {.points = points, .name = name};

	for (; slot != CALL_NONE; slot = c->call[slot]->same) {
		if (slot != s->slot)
			consider(c, s, slot, score);
	}
}

/* --- joining -------------------------------------------------------------- */

static void set_group(struct ear_calls *c, struct search *s)
{
	struct call *other = c->call[s->best], *own = c->call[s->slot];
	char why[160];

	if (!other->group) {
		other->group = other->id;
		call_mark(c, s->best);
	}
	own->group = other->group;
	own->score = (uint16_t)s->score.points;
	own->mate = s->best;
	own->mate_id = other->id;
	other->mate = s->slot;
	other->mate_id = own->id;
	other->mate_end_ns = 0;
	write_why(&s->score, why, sizeof(why));
	call_set(c, s->slot, CALL_WHY, ear_slice_str(why));
	if (c->call[s->best]->state == CALL_OVER)
		call_tell(c, c->call[s->best]); /* it was told as it ended */
}

void call_join_transfer(
	struct ear_calls *c, uint32_t slot, struct ear_slice call_id)
{
	struct search s = {.slot = slot, .best = CALL_NONE};

	if (!c->spot)
		return;
	consider_call_id(c, &s, ear_hash(call_id), 98, EAR_S("Refer-To"));
	if (s.best == CALL_NONE)
		return;
	/* the other one is the later leg, unless it is one already */
	if (!c->call[s.best]->group) {
		s.slot = s.best;
		s.best = slot;
	} else if (c->call[slot]->group) {
		return;
	}
	set_group(c, &s);
}

void call_join_legs(struct ear_calls *c, uint32_t slot, struct call_event *e,
	const struct call_origin *origin)
{
	struct search s = {.slot = slot, .best = CALL_NONE};

	call_take_hints(c->call[slot], e, origin);
	/* a B2BUA may keep the Call-ID and change the tag */
	consider_call_id(c, &s, e->key, 90, EAR_S("Call-ID"));
	for (unsigned i = 0; i < origin->n_maybe; i++)
		consider_call_id(c, &s, ear_hash(origin->maybe[i]), 98,
			origin->maybe_name[i]);
	if (origin->referred_by.n)
		search_transfer(c, &s);
	for (unsigned kind = 0; kind < CALL_HINTS_LOOKED_UP; kind++)
		search_hint(c, &s, kind);
	if (s.equals)
		s.score.points -= EQUALS;
	if (s.best != CALL_NONE && s.score.points >= THRESHOLD)
		set_group(c, &s);
	call_put_hints(c, slot);
}

static struct call *mate_of(struct ear_calls *c, const struct call *call)
{
	struct call *mate = call->mate < c->slots ? c->call[call->mate] : NULL;

	return mate && mate->id == call->mate_id ? mate : NULL;
}

static void confirm(struct ear_calls *c, uint32_t slot, const char *why)
{
	struct call *call = c->call[slot];
	char all[160];

	if (!call->score || call->score >= 100)
		return;
	snprintf(all, sizeof(all), "%.*s, %s",
		EAR_FMT(call_text(call, CALL_WHY)), why);
	call->score = (uint16_t)(call->score > 90 ? 100 : call->score + 10);
	call_set(c, slot, CALL_WHY, ear_slice_str(all));
}

static bool together(uint64_t a, uint64_t b)
{
	return a && b && (a > b ? a - b : b - a) <= TOGETHER;
}

/* The score is the later leg's; the earlier one is often answered last. */
void call_legs_answered(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot], *mate = mate_of(c, call);
	uint32_t later;

	if (!mate || !together(call->answer_ns, mate->answer_ns))
		return;
	later = call->score ? slot : call->mate;
	confirm(c, later, "answered together");
}

void call_legs_ended(struct ear_calls *c, uint32_t slot)
{
	struct call *call = c->call[slot], *mate = mate_of(c, call);

	if (mate)
		mate->mate_end_ns = call->end_ns;
	if (call->score && together(call->end_ns, call->mate_end_ns))
		confirm(c, slot, "ended together");
}
