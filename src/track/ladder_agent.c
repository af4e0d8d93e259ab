/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose User-Agent is whose. A proxy hands on that of whoever wrote a
 * message, so that each is looked for among all who sent it: the writer of a
 * request has put the first Via there, that of a reply still has all of them.
 * Times do not say it: two agents may have two clocks. Where only the proxy
 * was seen to send it, it shows by a second Via, or by its own Record-Route
 * in a reply; then nobody gets the name.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "proto/sip.h"
#include "track/index.h"
#include "track/ladder_priv.h"

/* What the header fields say of the sender. */
struct sent {
	uint32_t row;
	unsigned vias;
	bool on_route; /* its address is in Record-Route */
};

struct agents {
	struct ear_ladder *ladder;
	struct ear_index origins;
	struct sent *best; /* by first row of each message; owned */
	struct ear_sip sip;
};

static const struct ear_facts *facts_of(const struct agents *a, uint32_t row)
{
	return &a->ladder->rows[row].from->facts;
}

static bool same_origin(uint32_t entry, const void *key, void *arg)
{
	const struct ear_facts *a = facts_of(arg, entry), *b = key;

	return a->kind == b->kind && a->status == b->status &&
	       a->cseq == b->cseq && ear_slice_eq(a->method, b->method) &&
	       ear_slice_eq(a->from_tag, b->from_tag) &&
	       ear_slice_eq(a->to_tag, b->to_tag) &&
	       ear_slice_eq(a->call_id, b->call_id);
}

/* One number for a message on all of its hops: the row that came first. */
static uint32_t origin_of(struct agents *a, uint32_t row)
{
	const struct ear_facts *f = facts_of(a, row);
	const uint64_t numbers[2] = {f->cseq, f->status};
	uint64_t hash = ear_hash(ear_slice(numbers, sizeof(numbers)));

	hash = ear_hash_seed(f->to_tag, ear_hash_seed(f->method, hash));
	return ear_index_put(&a->origins, hash, row, f, same_origin, a);
}

static unsigned count_vias(const struct ear_sip *sip)
{
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	struct ear_sip_via via;
	unsigned n = 0;

	while (ear_sip_next_of(sip, EAR_SIP_VIA, &cursor, &header)) {
		while (ear_sip_via_next(&header.value, &via))
			n++;
	}
	return n;
}

static bool on_route(const struct ear_sip *sip, const struct ear_addr *sender)
{
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	struct ear_sip_addr route;
	struct ear_addr addr;

	while (ear_sip_next_of(sip, EAR_SIP_RECORD_ROUTE, &cursor, &header)) {
		while (ear_sip_addr_next(&header.value, &route)) {
			if (!ear_addr_parse(route.uri.host, &addr) &&
				ear_addr_ip_eq(&addr, sender))
				return true;
		}
	}
	return false;
}

static struct sent read_row(struct agents *a, uint32_t row)
{
	const struct ear_msg *msg = &a->ladder->rows[row].from->msg;
	struct sent sent = {.row = row};

	if (ear_sip_parse(msg->raw, &a->sip))
		return sent;
	sent.vias = count_vias(&a->sip);
	sent.on_route = on_route(&a->sip, &msg->src);
	return sent;
}

/* Of two senders of one message. */
static bool is_nearer(const struct agents *a, struct sent s, struct sent than)
{
	return facts_of(a, s.row)->kind == EAR_KIND_REQUEST
		       ? s.vias < than.vias
		       : s.vias > than.vias;
}

/* A 100 is the next hop's own (RFC 3261 s16.7). */
static bool handed_on(const struct agents *a, struct sent s)
{
	const struct ear_facts *f = facts_of(a, s.row);

	if (f->kind == EAR_KIND_REQUEST)
		return s.vias > 1;
	return f->status != 100 && s.on_route;
}

static void take_row(struct agents *a, uint32_t row)
{
	struct sent sent = read_row(a, row);
	struct sent *best = &a->best[origin_of(a, row)];

	if (!best->vias || is_nearer(a, sent, *best))
		*best = sent;
}

static void give_names(struct agents *a)
{
	for (uint32_t i = 0; i < a->ladder->row_count; i++) {
		struct sent s = a->best[i];
		const struct ear_ladder_row *r = &a->ladder->rows[s.row];
		struct ear_party *party;

		if (!s.vias || handed_on(a, s))
			continue;
		party = &a->ladder->parties[r->from_party];
		if (!party->agent.n)
			party->agent = r->from->facts.user_agent;
	}
}

enum ear_err ear_ladder_agents(struct ear_ladder *ladder)
{
	struct agents *a = calloc(1, sizeof(*a));
	enum ear_err err = EAR_NOMEM;

	if (!a)
		return err;
	a->ladder = ladder;
	a->best = calloc(ladder->row_count + 1, sizeof(*a->best));
	if (a->best)
		err = ear_index_init(&a->origins, ladder->row_count);
	for (uint32_t i = 0; !err && i < ladder->row_count; i++) {
		if (ladder->rows[i].transaction)
			take_row(a, i);
	}
	if (!err)
		give_names(a);
	ear_index_fini(&a->origins);
	free(a->best);
	free(a);
	return err;
}
