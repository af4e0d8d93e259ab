/* SPDX-License-Identifier: Apache-2.0 */
/* Scanning blocks, by as many threads as there are processors to spare. */
#include <stdlib.h>

#include "base/stop.h"
#include "base/time.h"
#include "store/search.h"

/* Blocks for which a thread is worth starting. */
#define BLOCKS_PER_THREAD 8

#define RELAXED __ATOMIC_RELAXED

/* --- the heap ---------------------------------------------------------- */

static void swap(struct ear_hit *a, struct ear_hit *b)
{
	struct ear_hit t = *a;

	*a = *b;
	*b = t;
}

static void sift_up(struct ear_hit *h, size_t i)
{
	for (; i && ear_rank_before(h[(i - 1) / 2].rank, h[i].rank);
		i = (i - 1) / 2)
		swap(&h[i], &h[(i - 1) / 2]);
}

static void sift_down(struct ear_hit *h, size_t n)
{
	for (size_t i = 0, c; (c = 2 * i + 1) < n; i = c) {
		if (c + 1 < n && ear_rank_before(h[c].rank, h[c + 1].rank))
			c++;
		if (!ear_rank_before(h[i].rank, h[c].rank))
			break;
		swap(&h[i], &h[c]);
	}
}

static void add_hit(struct ear_search *s, const struct ear_hit *hit)
{
	pthread_mutex_lock(&s->lock);
	if (s->hit_n < s->hit_max) {
		s->hits[s->hit_n] = *hit;
		sift_up(s->hits, s->hit_n++);
	} else if (ear_rank_before(hit->rank, s->hits[0].rank)) {
		s->hits[0] = *hit;
		sift_down(s->hits, s->hit_n);
	}
	if (s->hit_n == s->hit_max)
		__atomic_store_n(&s->worst, s->hits[0].rank.at, RELAXED);
	pthread_mutex_unlock(&s->lock);
}

/* --- one block --------------------------------------------------------- */

/* Copy a compressed part out of the view, which other threads use too. */
static enum ear_err fetch(
	struct ear_scanner *sc, uint64_t id, bool raw, struct ear_fault *fault)
{
	struct ear_search *s = sc->search;
	struct ear_view *v = s->segs[s->seg].view;
	struct ear_slice part = {0};
	enum ear_err err;

	ear_buf_reset(&sc->bytes);
	pthread_mutex_lock(&s->lock);
	err = raw ? ear_view_raw(v, id, &part, fault)
		  : ear_view_facts(v, id, &part, fault);
	if (!err)
		ear_buf_slice(&sc->bytes, part);
	pthread_mutex_unlock(&s->lock);
	if (!err && sc->bytes.err)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	return err;
}

enum ear_err ear_scanner_open(
	struct ear_scanner *sc, uint64_t id, bool raw, struct ear_fault *fault)
{
	struct ear_search *s = sc->search;
	enum ear_err err = EAR_OK;

	if (sc->block_id != id || sc->block_seg != s->seg) {
		sc->block_id = 0;
		err = fetch(sc, id, false, fault);
		if (err)
			return err;
		err = ear_block_open(&sc->block, ear_buf_view(&sc->bytes));
		sc->block_id = err ? 0 : id;
		sc->block_seg = s->seg;
	}
	if (!err && raw && !sc->block.has_raw) {
		err = fetch(sc, id, true, fault);
		if (err)
			return err;
		err = ear_block_open_raw(&sc->block, ear_buf_view(&sc->bytes));
	}
	if (err == EAR_BAD)
		return ear_fail(fault, err, 0, "%s: a damaged block",
			s->segs[s->seg].view->path);
	return err ? ear_fail(fault, err, 0, "out of memory") : EAR_OK;
}

static struct ear_rank rank_of(
	const struct ear_search *s, uint64_t at, uint64_t id)
{
	return s->newest ? (struct ear_rank){~at, ~id}
			 : (struct ear_rank){at, id};
}

/* Whether a row is asked for, by what costs nothing to know. */
static bool wanted(const struct ear_search *s, const struct ear_block *b,
	size_t i, uint64_t id, struct ear_rank *rank)
{
	uint64_t at = b->col[EAR_COL_AT][i];

	if (at < s->from || at > s->to)
		return false;
	if (s->one_conv && (uint32_t)b->col[EAR_COL_CONV][i] != s->conv)
		return false;
	*rank = rank_of(s, at, id);
	if (s->has_after && !ear_rank_before(s->after, *rank))
		return false;
	return rank->at <= __atomic_load_n(&s->worst, RELAXED);
}

/* Whether the expression matches a row; opens the bytes when it must. */
static enum ear_err matches(struct ear_scanner *sc,
	const struct ear_block_head *head, size_t i, uint64_t id, bool *yes,
	struct ear_fault *fault)
{
	struct ear_search *s = sc->search;
	enum ear_maybe maybe = EAR_MAYBE;
	enum ear_err err = EAR_OK;
	struct ear_facts facts;
	struct ear_msg msg;

	*yes = s->needs == EAR_NEEDS_NOTHING;
	if (*yes)
		return EAR_OK;
	if (!sc->block.has_raw) {
		ear_block_msg(&sc->block, i, &msg);
		ear_block_facts(&sc->block, i, &facts);
		msg.id = id;
		maybe = ear_expr_match_meta(sc->expr, &msg, &facts);
		*yes = maybe == EAR_YES;
		if (maybe != EAR_MAYBE)
			return EAR_OK;
		err = ear_scanner_open(sc, head->id, true, fault);
		if (err)
			return err;
	}
	ear_block_msg(&sc->block, i, &msg);
	msg.id = id;
	*yes = ear_expr_match(sc->expr, &msg, NULL);
	return EAR_OK;
}

static void count_row(struct ear_scanner *sc, size_t i)
{
	const struct ear_histogram *h = sc->search->histogram;
	const struct ear_block *b = &sc->block;
	uint64_t at = b->col[EAR_COL_AT][i];
	uint64_t bucket = (at - h->from_ns) / h->step_ns;

	if (at >= h->from_ns && bucket < h->buckets)
		sc->counts[bucket]
			  [ear_class_of((uint8_t)b->col[EAR_COL_KIND][i],
				  (uint16_t)b->col[EAR_COL_STATUS][i])]++;
}

/* A block that lies in one bucket and is wanted whole is not opened. */
static bool count_whole(
	struct ear_scanner *sc, const struct ear_block_head *head)
{
	struct ear_search *s = sc->search;
	const struct ear_histogram *h = s->histogram;
	uint64_t bucket;

	if (!h || s->needs != EAR_NEEDS_NOTHING || head->first_at < s->from ||
		head->last_at > s->to || head->last_at == INT64_MAX ||
		head->first_at < h->from_ns)
		return false;
	bucket = (head->first_at - h->from_ns) / h->step_ns;
	if (bucket != (head->last_at - h->from_ns) / h->step_ns ||
		bucket >= h->buckets)
		return false;
	for (size_t i = 0; i < EAR_CLASSES; i++)
		sc->counts[bucket][i] += head->classes[i];
	sc->scanned += head->rows;
	return true;
}

static enum ear_err scan_rows(struct ear_scanner *sc,
	const struct ear_block_head *head, struct ear_fault *fault)
{
	struct ear_search *s = sc->search;
	uint64_t base = s->segs[s->seg].item.number << 32;
	enum ear_err err = ear_scanner_open(sc, head->id, false, fault);
	struct ear_block *b = &sc->block;

	for (size_t i = 0; !err && i < b->rows; i++) {
		uint64_t id = base + head->seq_base + b->col[EAR_COL_SEQ][i];
		struct ear_hit hit = {.block = head->id,
			.id = id,
			.seg = s->seg,
			.row = (uint32_t)i};
		bool yes;

		if (!wanted(s, b, i, id, &hit.rank))
			continue;
		sc->scanned++;
		err = matches(sc, head, i, id, &yes, fault);
		if (err || !yes)
			continue;
		if (s->histogram) {
			count_row(sc, i);
			continue;
		}
		hit.bytes = b->raw_at[i + 1] - b->raw_at[i];
		add_hit(s, &hit);
	}
	return err;
}

/* --- all blocks of a segment ------------------------------------------- */

static bool must_stop(const struct ear_search *s)
{
	const struct ear_query *q = s->query;

	return ear_stopped(q->stop) ||
	       (q->deadline_ns && ear_mono_ns() >= q->deadline_ns);
}

/* The next block to scan; NULL when there is no more to be done. */
static const struct ear_block_head *next(struct ear_search *s)
{
	const struct ear_block_head *head = NULL;
	bool stop = must_stop(s);

	pthread_mutex_lock(&s->lock);
	if (s->next_cand < s->cand_n && s->cands[s->next_cand].best > s->worst)
		s->next_cand = s->cand_n; /* nor can any behind it */
	if (s->next_cand < s->cand_n && (stop || s->stopped))
		s->stopped = true;
	else if (s->next_cand < s->cand_n)
		head = &s->cands[s->next_cand++].head;
	pthread_mutex_unlock(&s->lock);
	return head;
}

static void *scan(void *arg)
{
	struct ear_scanner *sc = arg;
	struct ear_search *s = sc->search;
	const struct ear_block_head *head;

	while ((head = next(s))) {
		struct ear_fault fault = {0};
		enum ear_err err;

		if (count_whole(sc, head))
			continue;
		err = scan_rows(sc, head, &fault);
		if (err == EAR_BAD)
			ear_shelf_hurt(s->shelf, s->segs[s->seg].item.number,
				fault.text);
		if (err)
			ear_search_missing(s, fault.text);
	}
	return NULL;
}

/* Make the i-th scanner ready. @return false: go on with fewer */
static bool prepare(struct ear_search *s, size_t i)
{
	struct ear_scanner *sc = &s->scanner[i];

	if (i < s->scanner_n)
		return true;
	sc->search = s;
	if (s->query->expr && ear_expr_clone(s->query->expr, &sc->expr))
		return false;
	if (s->histogram) {
		sc->counts =
			calloc(s->histogram->buckets + 1, sizeof(*sc->counts));
		if (!sc->counts) {
			ear_expr_free(&sc->expr);
			return false;
		}
	}
	s->scanner_n++;
	return true;
}

void ear_search_scan(struct ear_search *s)
{
	size_t want = s->cand_n / BLOCKS_PER_THREAD, n = 1;

	if (want > s->cores)
		want = s->cores;
	/* several searches at once share the processors */
	while (n < want && __atomic_fetch_add(s->busy, 1, RELAXED) < s->cores &&
		prepare(s, n) &&
		!pthread_create(
			&s->scanner[n].thread, NULL, scan, &s->scanner[n]))
		s->scanner[n++].running = true;
	if (n < want)
		__atomic_fetch_sub(s->busy, 1, RELAXED);
	scan(&s->scanner[0]);
	for (size_t i = 1; i < n; i++) {
		pthread_join(s->scanner[i].thread, NULL);
		s->scanner[i].running = false;
		__atomic_fetch_sub(s->busy, 1, RELAXED);
	}
}
