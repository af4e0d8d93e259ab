/* SPDX-License-Identifier: Apache-2.0 */
#include "track/ladder.h"

#include <stdlib.h>

#include "base/hash.h"
#include "track/index.h"
#include "track/ladder_priv.h"

struct build {
	struct ear_ladder *ladder;
	struct ear_index parties;
	struct ear_index transactions;
	struct ear_index repeats;
	uint32_t transaction_count;
};

const char *ear_ladder_class_name(enum ear_ladder_class class)
{
	static const char *const names[] = {
		"request", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx", "other"};

	return names[class];
}

enum ear_ladder_class ear_ladder_class_of(const struct ear_facts *facts)
{
	unsigned hundreds = facts->status / 100;

	if (facts->kind == EAR_KIND_REQUEST)
		return EAR_LADDER_REQUEST;
	if (facts->kind != EAR_KIND_REPLY || hundreds < 1 || hundreds > 6)
		return EAR_LADDER_OTHER;
	return (enum ear_ladder_class)(EAR_LADDER_1XX + (hundreds - 1));
}

static struct ear_slice first_line(struct ear_slice raw)
{
	size_t end = 0;

	raw = ear_slice_trim(raw);
	while (end < raw.n && raw.p[end] != '\r' && raw.p[end] != '\n')
		end++;
	return ear_slice_sub(raw, 0, end);
}

/* Most bytes of an arrow's label: a reason phrase has no bound of its own. */
#define LABEL_MAX 64
/* Most of a note's, which has the whole width. */
#define NOTE_MAX 160

/* No character of UTF-8 is cut in two. */
static void note(struct ear_slice text, struct ear_buf *out)
{
	struct ear_slice line = first_line(text);
	size_t n = line.n;

	if (n > NOTE_MAX) {
		n = NOTE_MAX;
		while (n > NOTE_MAX - 3 && ((uint8_t)line.p[n] & 0xc0) == 0x80)
			n--;
	}
	ear_buf_slice(out, ear_slice_sub(line, 0, n));
	if (n < line.n)
		ear_buf_str(out, "…");
	if (line.n == 0)
		ear_buf_str(out, "log");
}

void ear_ladder_label(const struct ear_facts *facts, struct ear_buf *out)
{
	switch (facts->kind) {
	case EAR_KIND_REQUEST:
		ear_buf_slice(out, ear_slice_sub(facts->method, 0, LABEL_MAX));
		break;
	case EAR_KIND_REPLY:
		ear_buf_printf(out, "%u", facts->status);
		if (facts->reason.n)
			ear_buf_byte(out, ' ');
		ear_buf_slice(out, ear_slice_sub(facts->reason, 0, LABEL_MAX));
		break;
	case EAR_KIND_EVENT: note(facts->body, out); break;
	default: ear_buf_str(out, "data");
	}
}

static const struct ear_gathered *row_from(const struct build *b, uint32_t row)
{
	return b->ladder->rows[row].from;
}

static bool same_party(uint32_t entry, const void *key, void *arg)
{
	const struct build *b = arg;

	return ear_addr_eq(&b->ladder->parties[entry].addr, key);
}

static uint32_t party_of(struct build *b, const struct ear_addr *a)
{
	struct ear_ladder *l = b->ladder;
	uint32_t fresh = (uint32_t)l->party_count;
	uint32_t at = ear_index_put(&b->parties,
		ear_hash(ear_slice(a, sizeof(*a))), fresh, a, same_party, b);

	if (at == fresh)
		l->parties[l->party_count++] = (struct ear_party){.addr = *a};
	return at;
}

/* Hashes of several values, one after the other. */
static uint64_t mix(uint64_t seed, struct ear_slice s)
{
	return ear_hash_seed(s, seed);
}

static uint64_t mix_u64(uint64_t seed, uint64_t v)
{
	return ear_hash_seed(ear_slice(&v, sizeof(v)), seed);
}

static bool is_cancel(const struct ear_facts *f)
{
	return ear_slice_eq(f->cseq_method, EAR_S("CANCEL"));
}

/* Messages of RFC 2543 have no branch that tells transactions apart. */
static struct ear_slice branch_of(const struct ear_facts *f)
{
	return f->branch.n ? f->branch : f->from_tag;
}

static bool same_transaction(uint32_t entry, const void *key, void *arg)
{
	const struct ear_facts *a = &row_from(arg, entry)->facts, *b = key;

	return a->cseq == b->cseq && is_cancel(a) == is_cancel(b) &&
	       ear_slice_eq(branch_of(a), branch_of(b)) &&
	       ear_slice_eq(a->call_id, b->call_id);
}

/* A CANCEL shares branch and number with what it cancels, and is a
 * transaction of its own: RFC 3261 s9.1. */
static uint32_t transaction_of(struct build *b, uint32_t row)
{
	const struct ear_facts *f = &row_from(b, row)->facts;
	uint64_t hash;
	uint32_t first;

	if (f->kind != EAR_KIND_REQUEST && f->kind != EAR_KIND_REPLY)
		return 0;
	hash = mix(f->cseq + (uint64_t)is_cancel(f), branch_of(f));
	hash = mix(hash, f->call_id);
	first = ear_index_put(
		&b->transactions, hash, row, f, same_transaction, b);
	return first == row ? ++b->transaction_count
			    : b->ladder->rows[first].transaction;
}

static bool same_again(uint32_t entry, const void *key, void *arg)
{
	const struct ear_ladder_row *a, *c = key;
	const struct build *b = arg;

	a = &b->ladder->rows[entry];
	return a->transaction == c->transaction &&
	       a->from_party == c->from_party && a->to_party == c->to_party &&
	       a->from->msg.capture_id == c->from->msg.capture_id &&
	       memcmp(a->from->msg.via.ip, c->from->msg.via.ip,
		       sizeof(a->from->msg.via.ip)) == 0 &&
	       ear_slice_eq(first_line(a->from->msg.raw),
		       first_line(c->from->msg.raw)) &&
	       ear_slice_eq(a->from->facts.cseq_method,
		       c->from->facts.cseq_method) &&
	       ear_slice_eq(a->from->facts.body, c->from->facts.body);
}

static uint32_t repeats(struct build *b, uint32_t row)
{
	const struct ear_ladder_row *r = &b->ladder->rows[row];
	uint64_t hash;
	uint32_t first;

	if (!r->transaction)
		return EAR_LADDER_NONE;
	hash = mix_u64(r->transaction, r->from_party);
	hash = mix_u64(hash, r->to_party);
	hash = mix(hash, first_line(r->from->msg.raw));
	hash = mix(hash, r->from->facts.body);
	first = ear_index_put(&b->repeats, hash, row, r, same_again, b);
	return first == row ? EAR_LADDER_NONE : first;
}

static void add_row(struct build *b, const struct ear_gathered *g)
{
	struct ear_ladder *l = b->ladder;
	uint32_t at = (uint32_t)l->row_count++;
	struct ear_ladder_row *r = &l->rows[at];
	uint64_t before = at ? r[-1].from->msg.at_ns : g->msg.at_ns;
	uint64_t first =
		l->rows[0].from ? l->rows[0].from->msg.at_ns : g->msg.at_ns;

	r->from = g;
	r->delta_ns = g->msg.at_ns > before ? g->msg.at_ns - before : 0;
	r->offset_ns = g->msg.at_ns > first ? g->msg.at_ns - first : 0;
	r->class = ear_ladder_class_of(&g->facts);
	r->from_party = r->to_party = EAR_LADDER_NONE;
	r->retransmission_of = EAR_LADDER_NONE;
	if (g->facts.kind == EAR_KIND_EVENT)
		return;
	r->from_party = party_of(b, &g->msg.src);
	r->to_party = party_of(b, &g->msg.dst);
	r->transaction = transaction_of(b, at);
	r->retransmission_of = repeats(b, at);
}

static enum ear_err prepare(struct build *b, size_t n)
{
	struct ear_ladder *l = b->ladder;
	enum ear_err err;

	l->parties = calloc(2 * n + 1, sizeof(*l->parties));
	l->rows = calloc(n + 1, sizeof(*l->rows));
	if (!l->parties || !l->rows)
		return EAR_NOMEM;
	err = ear_index_init(&b->parties, 2 * n);
	if (!err)
		err = ear_index_init(&b->transactions, n);
	if (!err)
		err = ear_index_init(&b->repeats, n);
	return err;
}

enum ear_err ear_ladder_new(
	const struct ear_gathered *v, size_t n, struct ear_ladder **ladder)
{
	struct build b = {.ladder = calloc(1, sizeof(*b.ladder))};
	enum ear_err err = EAR_NOMEM;

	*ladder = b.ladder;
	if (!b.ladder)
		return err;
	err = prepare(&b, n);
	if (err)
		goto out;
	for (size_t i = 0; i < n; i++)
		add_row(&b, &v[i]);
	err = ear_ladder_agents(b.ladder);
	if (err)
		goto out;
	ear_ladder_summary(b.ladder, &b.ladder->summary);
	err = b.ladder->summary.err;
out:
	ear_index_fini(&b.parties);
	ear_index_fini(&b.transactions);
	ear_index_fini(&b.repeats);
	if (err)
		ear_ladder_free(ladder);
	return err;
}

void ear_ladder_free(struct ear_ladder **ladder)
{
	struct ear_ladder *l = *ladder;

	if (!l)
		return;
	ear_buf_fini(&l->summary);
	free(l->parties);
	free(l->rows);
	free(l);
	*ladder = NULL;
}
