/* SPDX-License-Identifier: Apache-2.0 */
/* find(), histogram() and get() of the embedded store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "store/embedded_priv.h"

static struct ear_search *search_new(struct embedded *e,
	const struct ear_query *query, struct ear_histogram *histogram,
	struct ear_fault *fault, enum ear_err *err)
{
	struct ear_search *s = calloc(1, sizeof(*s));

	if (!s) {
		*err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		return NULL;
	}
	s->histogram = histogram;
	*err = ear_search_init(s, e->shelf, query, &e->scanners, fault);
	return s;
}

static uint64_t gave_up(const struct ear_search *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->scanner_n; i++) {
		if (s->scanner[i].expr)
			n += ear_expr_gave_up(s->scanner[i].expr);
	}
	return n;
}

static void set_after(struct ear_search *s, struct ear_rank rank)
{
	s->after = rank;
	s->has_after = true;
}

/* How far the search came in time: everything before the rank was seen. */
static void set_done(
	const struct ear_search *s, uint64_t rank_at, struct ear_found *f)
{
	if (s->newest)
		f->done_from_ns = ~rank_at > s->from ? ~rank_at : s->from;
	else
		f->done_to_ns = rank_at < s->to ? rank_at : s->to;
}

/* Hits of a stopped page that stand before all that was not seen. */
static size_t settled(const struct ear_search *s)
{
	size_t n = s->hit_n;

	while (s->stopped && n && s->hits[n - 1].rank.at >= s->frontier)
		n--;
	return n;
}

static void stopped_early(struct ear_search *s, struct ear_found *f)
{
	struct ear_rank at = {s->frontier - 1, UINT64_MAX};
	bool deadline =
		s->query->deadline_ns && ear_mono_ns() >= s->query->deadline_ns;

	ear_search_missing(s, deadline ? "stopped when its time was over"
				       : "stopped when asked to");
	/* nothing of it was seen through: a span that is empty */
	if (!s->frontier || (s->has_after && at.at <= s->after.at)) {
		if (!s->has_after)
			at = (struct ear_rank){0, 0};
		else
			at = s->after;
	}
	set_after(s, at);
	set_done(s, at.at, f);
	f->more = true;
}

/* One page. @return whether to go on with another */
static bool page(struct ear_search *s, ear_match_fn fn, void *arg,
	struct ear_found *f, enum ear_err *err, struct ear_fault *fault)
{
	uint64_t left =
		s->query->limit ? s->query->limit - f->matched : UINT64_MAX;
	/* one more than asked for tells whether there are more */
	size_t max = left < EAR_PAGE_HITS ? (size_t)left + 1 : EAR_PAGE_HITS;
	size_t n, take, upto;
	uint64_t given = 0;
	bool whole;

	*err = ear_search_page(s, max, fault);
	if (*err)
		return false;
	n = settled(s);
	take = n < left ? n : (size_t)left;
	whole = s->hit_n < max;
	*err = ear_search_emit(s, take, fn, arg, &given, &upto, fault);
	f->matched += given;
	if (upto)
		set_after(s, s->hits[upto - 1].rank);
	if (*err)
		return false;
	if (upto < n) {
		/* the limit, or who asked has enough */
		f->more = true;
		set_done(s, s->after.at, f);
		return false;
	}
	if (s->stopped)
		stopped_early(s, f);
	return !whole && !s->stopped;
}

enum ear_err embedded_find(struct ear_store *store,
	const struct ear_query *query, ear_match_fn fn, void *arg,
	struct ear_found *found, struct ear_fault *fault)
{
	uint64_t before = 0;
	enum ear_err err;
	struct ear_search *s =
		search_new(embedded(store), query, NULL, fault, &err);

	*found = (struct ear_found){0};
	if (!s)
		return err;
	found->done_from_ns = s->from;
	found->done_to_ns = s->to;
	before = gave_up(s);
	while (!err && page(s, fn, arg, found, &err, fault))
		ear_search_release(s);
	for (size_t i = 0; i < s->scanner_n; i++)
		found->scanned += s->scanner[i].scanned;
	if (gave_up(s) > before)
		ear_search_missing(s,
			"a regular expression was too slow on some messages");
	if (found->more) {
		if (!s->incomplete)
			snprintf(s->why, sizeof(s->why),
				"stopped after %" PRIu64
				" matches; there are more",
				found->matched);
		snprintf(found->cursor, sizeof(found->cursor),
			"%c%016" PRIx64 "-%016" PRIx64, s->newest ? 'n' : 'o',
			s->after.at, s->after.id);
	}
	found->complete = !found->more && !s->incomplete;
	memcpy(found->why, s->why, sizeof(found->why));
	ear_search_fini(s);
	free(s);
	return err;
}

enum ear_err embedded_histogram(struct ear_store *store,
	const struct ear_query *query, struct ear_histogram *out,
	struct ear_found *found, struct ear_fault *fault)
{
	struct ear_query q = *query;
	struct ear_search *s;
	enum ear_err err;

	*found = (struct ear_found){0};
	if (!out->step_ns || !out->buckets)
		return ear_fail(fault, EAR_USAGE, 0, "no buckets");
	memset(out->n, 0, out->buckets * sizeof(*out->n));
	q.cursor = NULL;
	q.limit = 0;
	if (q.from_ns < out->from_ns)
		q.from_ns = out->from_ns;
	s = search_new(embedded(store), &q, out, fault, &err);
	if (!s)
		return err;
	found->done_from_ns = s->from;
	found->done_to_ns = s->to;
	if (!err)
		err = ear_search_page(s, EAR_PAGE_HITS, fault);
	if (!err && s->stopped)
		stopped_early(s, found);
	found->more = false; /* counts cannot be gone on with */
	for (size_t i = 0; i < s->scanner_n; i++) {
		const struct ear_scanner *sc = &s->scanner[i];

		found->scanned += sc->scanned;
		for (size_t k = 0; sc->counts && k < out->buckets; k++) {
			for (size_t c = 0; c < EAR_CLASSES; c++) {
				out->n[k][c] += sc->counts[k][c];
				found->matched += sc->counts[k][c];
			}
		}
	}
	found->complete = !s->incomplete;
	memcpy(found->why, s->why, sizeof(found->why));
	ear_search_fini(s);
	free(s);
	return err;
}

/* --- one message by its id --------------------------------------------- */

void embedded_id_text(struct ear_store *store, const struct ear_msg *msg,
	const struct ear_facts *facts, char out[40])
{
	uint64_t conv = facts->call_id.n
				? ear_key_hash(EAR_KEY_CALLID, facts->call_id)
				: 0;

	(void)store;
	snprintf(out, 40, "%" PRIx64 "-%" PRIx32 "-%010" PRIx64, msg->id >> 32,
		(uint32_t)msg->id, conv >> 24);
}

/* Numbers of an id: segment, sequence, conversation. */
static bool read_id(struct ear_slice id, uint64_t v[3])
{
	unsigned long long a, b, c;
	char text[40], more;

	if (!id.n || id.n >= sizeof(text))
		return false;
	memcpy(text, id.p, id.n);
	text[id.n] = 0;
	if (sscanf(text, "%10llx-%8llx-%10llx%c", &a, &b, &c, &more) != 3)
		return false;
	v[0] = a;
	v[1] = b;
	v[2] = c;
	return true;
}

struct getting {
	struct ear_view *view;
	uint64_t seq;
	struct ear_block block;
	struct ear_fault *fault;
	enum ear_err err; /* EAR_GONE until it is found */
	size_t row;
};

/* @return true: look on */
static bool look_in(const struct ear_block_head *head, void *arg)
{
	struct getting *g = arg;
	struct ear_slice part;
	enum ear_err err;

	if (g->seq < head->first_seq || g->seq > head->last_seq)
		return true;
	err = ear_view_facts(g->view, head->id, &part, g->fault);
	if (!err)
		err = ear_block_open(&g->block, part);
	for (size_t i = 0; !err && i < g->block.rows; i++) {
		if (head->seq_base + g->block.col[EAR_COL_SEQ][i] != g->seq)
			continue;
		err = ear_view_raw(g->view, head->id, &part, g->fault);
		if (!err)
			err = ear_block_open_raw(&g->block, part);
		g->row = i;
		g->err = err;
		return false;
	}
	if (err)
		g->err = err;
	return true;
}

static enum ear_err get_row(struct getting *g, uint64_t conv)
{
	struct ear_ids ids = {0};
	uint64_t key = (uint64_t)EAR_KEY_CALLID << 40 | conv;
	enum ear_err err = EAR_OK;

	g->err = EAR_GONE;
	if (conv)
		err = ear_view_lookup(g->view, key, &ids, g->fault);
	for (size_t i = 0; !err && i < ids.n; i++) {
		struct ear_block_head head;

		err = ear_view_head(g->view, ids.v[i], &head, g->fault);
		if (!err && !look_in(&head, g))
			break;
	}
	ear_ids_fini(&ids);
	if (!err && g->err == EAR_GONE)
		err = ear_view_heads(g->view, look_in, g, g->fault);
	return g->err ? (err ? err : g->err) : EAR_OK;
}

static enum ear_err find_item(struct embedded *e, uint64_t number,
	struct ear_shelf_item *item, struct ear_fault *fault)
{
	struct ear_shelf_item *items;
	size_t n;
	enum ear_err err = ear_shelf_list(e->shelf, &items, &n, fault);

	if (!err)
		err = EAR_GONE;
	for (size_t i = 0; i < n; i++) {
		if (items[i].number != number)
			continue;
		*item = items[i];
		err = EAR_OK;
	}
	free(items);
	return err;
}

enum ear_err embedded_get(struct ear_store *store, struct ear_slice id,
	ear_match_fn fn, void *arg, struct ear_fault *fault)
{
	struct getting g = {.fault = fault};
	struct embedded *e = embedded(store);
	struct ear_facts known, facts;
	struct ear_shelf_item item;
	struct ear_msg msg;
	enum ear_err err;
	uint64_t v[3];

	if (!read_id(id, v))
		return ear_fail(fault, EAR_GONE, 0, "no message has this id");
	err = find_item(e, v[0], &item, fault);
	if (!err)
		err = ear_shelf_view(e->shelf, &item, &g.view, fault);
	if (!err) {
		g.seq = v[1];
		err = get_row(&g, v[2]);
		ear_shelf_return(e->shelf, v[0], &g.view);
	}
	if (!err) {
		ear_block_msg(&g.block, g.row, &msg);
		ear_block_facts(&g.block, g.row, &known);
		msg.id = v[0] << 32 | v[1];
		ear_block_refind(&known, &msg, &facts);
		fn(&msg, &facts, arg);
	}
	ear_block_fini(&g.block);
	if (err == EAR_GONE)
		ear_fail(fault, err, 0, "no message has this id (any more)");
	else if (err && fault && !fault->text[0])
		ear_fail(fault, err, 0, "the message cannot be read: %s",
			ear_err_name(err));
	return err;
}
