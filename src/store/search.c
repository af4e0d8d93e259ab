/* SPDX-License-Identifier: Apache-2.0 */
/* A search, page by page: which segments and blocks, in which order. */
#include "store/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"

void ear_search_missing(struct ear_search *s, const char *why)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	s->incomplete = true;
	n = strlen(s->why);
	if (!strstr(s->why, why) && n + 3 < sizeof(s->why))
		snprintf(s->why + n, sizeof(s->why) - n, "%s%s", n ? "; " : "",
			why);
	pthread_mutex_unlock(&s->lock);
}

/* --- what is asked ----------------------------------------------------- */

static void read_keys(struct ear_search *s, const struct ear_expr *expr)
{
	struct ear_key_value keys[EAR_SEARCH_KEYS];
	size_t n = ear_expr_keys(expr, keys, EAR_SEARCH_KEYS);

	for (size_t i = 0; i < n; i++)
		s->keys[i] = ear_key_of(keys[i]);
	s->key_n = n;
	s->one_conv = n == 1 && keys[0].key == EAR_KEY_CALLID;
	if (s->one_conv)
		s->conv = ear_conv_short(keys[0].hash);
}

static void read_span(struct ear_search *s)
{
	const struct ear_query *q = s->query;
	uint64_t from = 0, to = UINT64_MAX;

	if (q->expr)
		ear_expr_span(q->expr, &from, &to);
	s->from = from > q->from_ns ? from : q->from_ns;
	s->to = to < q->to_ns ? to : q->to_ns;
	s->nothing = s->from > s->to;
}

/* "n" or "o", rank.at, rank.id in hexadecimal. */
static enum ear_err read_cursor(struct ear_search *s, struct ear_fault *fault)
{
	unsigned long long at, id;
	char way, more;

	if (!s->query->cursor || !s->query->cursor[0])
		return EAR_OK;
	if (sscanf(s->query->cursor, "%c%16llx-%16llx%c", &way, &at, &id,
		    &more) != 3 ||
		way != (s->newest ? 'n' : 'o'))
		return ear_fail(fault, EAR_USAGE, 0,
			"the cursor is not one of this search");
	s->after = (struct ear_rank){at, id};
	s->has_after = true;
	return EAR_OK;
}

static enum ear_err start_scanners(
	struct ear_search *s, struct ear_fault *fault)
{
	s->scanner_n = 1;
	s->scanner[0].search = s;
	s->scanner[0].expr = s->query->expr;
	if (s->histogram) {
		s->scanner[0].counts = calloc(s->histogram->buckets + 1,
			sizeof(*s->scanner[0].counts));
		if (!s->scanner[0].counts)
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	return EAR_OK;
}

enum ear_err ear_search_init(struct ear_search *s, struct ear_shelf *shelf,
	const struct ear_query *query, unsigned *busy, struct ear_fault *fault)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	enum ear_err err;

	pthread_mutex_init(&s->lock, NULL);
	s->shelf = shelf;
	s->query = query;
	s->busy = busy;
	s->cores = cores > EAR_SCANNERS_MAX ? EAR_SCANNERS_MAX
		   : cores > 0              ? (unsigned)cores
					    : 1;
	s->newest = !query->oldest_first;
	s->needs =
		query->expr ? ear_expr_needs(query->expr) : EAR_NEEDS_NOTHING;
	read_span(s);
	if (query->expr)
		read_keys(s, query->expr);
	err = read_cursor(s, fault);
	return err ? err : start_scanners(s, fault);
}

void ear_search_fini(struct ear_search *s)
{
	ear_search_release(s);
	for (size_t i = 0; i < s->scanner_n; i++) {
		struct ear_scanner *sc = &s->scanner[i];

		if (i)
			ear_expr_free(&sc->expr);
		ear_block_fini(&sc->block);
		ear_buf_fini(&sc->bytes);
		free(sc->counts);
	}
	free(s->hits);
	free(s->cands);
	pthread_mutex_destroy(&s->lock);
}

/* --- segments ---------------------------------------------------------- */

void ear_search_release(struct ear_search *s)
{
	for (size_t i = 0; i < s->seg_n; i++)
		ear_shelf_return(
			s->shelf, s->segs[i].item.number, &s->segs[i].view);
	free(s->segs);
	s->segs = NULL;
	s->seg_n = 0;
	for (size_t i = 0; i < s->scanner_n; i++)
		s->scanner[i].block_id = 0;
}

static uint64_t clamp(uint64_t at)
{
	return at < INT64_MAX ? at : INT64_MAX;
}

/* Whether something between two clamped times can be asked for. */
static bool in_span(const struct ear_search *s, uint64_t first, uint64_t last)
{
	if (last < clamp(s->from) || first > clamp(s->to))
		return false;
	if (!s->has_after)
		return true;
	return s->newest ? first <= clamp(~s->after.at)
			 : last >= clamp(s->after.at);
}

/*
 * The lowest rank that something of a span can have. Times beyond INT64_MAX
 * are known as that only: they may be any later one.
 */
static uint64_t best_of(
	const struct ear_search *s, uint64_t first, uint64_t last)
{
	if (s->newest)
		return last == INT64_MAX ? 0 : ~last;
	return first;
}

static void cannot_read(
	struct ear_search *s, const struct ear_fault *fault, enum ear_err err)
{
	if (err != EAR_GONE)
		ear_search_missing(s, fault->text);
}

/* What is there and can have something; views of open segments stay open. */
static size_t choose(
	struct ear_search *s, struct ear_shelf_item *items, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		struct ear_search_seg seg = {.item = items[i]};
		struct ear_fault fault = {0};
		enum ear_err err = EAR_OK;

		if (!seg.item.loaded || !seg.item.sealed) {
			err = ear_shelf_view(
				s->shelf, &items[i], &seg.view, &fault);
			if (!err)
				seg.item.total = seg.view->total;
		}
		if (err)
			cannot_read(s, &fault, err);
		if (err || !seg.item.total.messages ||
			!in_span(s, seg.item.total.first_at,
				seg.item.total.last_at)) {
			ear_shelf_return(s->shelf, seg.item.number, &seg.view);
			continue;
		}
		if (seg.item.sealed)
			ear_shelf_return(s->shelf, seg.item.number, &seg.view);
		seg.best = best_of(
			s, seg.item.total.first_at, seg.item.total.last_at);
		s->segs[to++] = seg;
	}
	return to;
}

static int seg_by_best(const void *a, const void *b)
{
	const struct ear_search_seg *x = a, *y = b;

	if (x->best != y->best)
		return x->best < y->best ? -1 : 1;
	return (x->item.number > y->item.number) -
	       (x->item.number < y->item.number);
}

static enum ear_err list_segments(struct ear_search *s, struct ear_fault *fault)
{
	struct ear_shelf_item *items;
	size_t n;
	enum ear_err err = ear_shelf_list(s->shelf, &items, &n, fault);

	s->segs = calloc(n + 1, sizeof(*s->segs));
	if (!err && !s->segs)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!err)
		s->seg_n = choose(s, items, n);
	free(items);
	if (!err)
		qsort(s->segs, s->seg_n, sizeof(*s->segs), seg_by_best);
	return err;
}

/* --- blocks ------------------------------------------------------------ */

static bool add_cand(const struct ear_block_head *head, void *arg)
{
	struct ear_search *s = arg;
	uint64_t best;

	if (!in_span(s, head->first_at, head->last_at))
		return true;
	best = best_of(s, head->first_at, head->last_at);
	if (best > __atomic_load_n(&s->worst, __ATOMIC_RELAXED))
		return true;
	if (s->cand_n == s->cand_cap) {
		size_t cap = s->cand_cap ? 2 * s->cand_cap : 256;
		struct ear_cand *c = realloc(s->cands, cap * sizeof(*c));

		if (!c) {
			ear_search_missing(s, "out of memory");
			return false;
		}
		s->cands = c;
		s->cand_cap = cap;
	}
	s->cands[s->cand_n++] = (struct ear_cand){best, *head};
	return true;
}

static int cand_by_best(const void *a, const void *b)
{
	const struct ear_cand *x = a, *y = b;

	if (x->best != y->best)
		return x->best < y->best ? -1 : 1;
	return (x->head.id > y->head.id) - (x->head.id < y->head.id);
}

static enum ear_err look_up(
	struct ear_search *s, struct ear_view *v, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK, bad = EAR_OK;
	struct ear_ids ids = {0};

	for (size_t i = 0; !err && i < s->key_n; i++)
		err = ear_view_lookup(v, s->keys[i], &ids, fault);
	ear_ids_sort(&ids);
	for (size_t i = 0; !err && i < ids.n; i++) {
		struct ear_block_head head;
		enum ear_err one = ear_view_head(v, ids.v[i], &head, fault);

		if (one)
			bad = one;
		else if (!add_cand(&head, s))
			break;
	}
	ear_ids_fini(&ids);
	return err ? err : bad;
}

/* The blocks of a segment that can have something, best first. */
static void list_blocks(struct ear_search *s, struct ear_search_seg *seg)
{
	struct ear_fault fault = {0};
	enum ear_err err;

	s->cand_n = s->next_cand = 0;
	err = s->key_n ? look_up(s, seg->view, &fault)
		       : ear_view_heads(seg->view, add_cand, s, &fault);
	if (err == EAR_BAD && s->key_n) {
		/* the index is damaged: look through all blocks instead */
		ear_shelf_hurt(s->shelf, seg->item.number, fault.text);
		s->cand_n = 0;
		err = ear_view_heads(seg->view, add_cand, s, &fault);
	}
	if (err == EAR_BAD)
		ear_shelf_hurt(s->shelf, seg->item.number, fault.text);
	if (err)
		ear_search_missing(s, fault.text);
	if (s->cand_n)
		qsort(s->cands, s->cand_n, sizeof(*s->cands), cand_by_best);
}

/* What was not seen when the search was stopped. */
static uint64_t frontier_of(const struct ear_search *s, size_t seg)
{
	uint64_t best = s->next_cand < s->cand_n ? s->cands[s->next_cand].best
						 : UINT64_MAX;

	for (size_t i = seg + 1; i < s->seg_n; i++)
		best = s->segs[i].best < best ? s->segs[i].best : best;
	return best;
}

static int hit_by_rank(const void *a, const void *b)
{
	const struct ear_hit *x = a, *y = b;

	if (ear_rank_before(x->rank, y->rank))
		return -1;
	return ear_rank_before(y->rank, x->rank);
}

static enum ear_err scan_segments(struct ear_search *s, struct ear_fault *fault)
{
	for (size_t i = 0; i < s->seg_n && !s->stopped; i++) {
		struct ear_search_seg *seg = &s->segs[i];
		enum ear_err err = EAR_OK;

		if (seg->best > s->worst)
			break;
		s->cand_n = s->next_cand = 0;
		if (!seg->view)
			err = ear_shelf_view(
				s->shelf, &seg->item, &seg->view, fault);
		if (err == EAR_NOMEM)
			return err;
		if (err) {
			cannot_read(s, fault, err);
			continue;
		}
		s->seg = (uint32_t)i;
		list_blocks(s, seg);
		ear_search_scan(s);
		if (s->stopped)
			s->frontier = frontier_of(s, i);
	}
	return EAR_OK;
}

enum ear_err ear_search_page(
	struct ear_search *s, size_t max, struct ear_fault *fault)
{
	enum ear_err err;

	if (!s->hits)
		s->hits = malloc((EAR_PAGE_HITS + 1) * sizeof(*s->hits));
	if (!s->hits)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	s->hit_max = max;
	s->hit_n = 0;
	s->worst = s->frontier = UINT64_MAX;
	if (s->nothing)
		return EAR_OK;
	err = list_segments(s, fault);
	if (!err)
		err = scan_segments(s, fault);
	if (!err)
		qsort(s->hits, s->hit_n, sizeof(*s->hits), hit_by_rank);
	return err;
}
