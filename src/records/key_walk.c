/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk along an index: each range of each run is a stream, and a heap says
 * which of them comes next.
 */
#include "records/keys.h"

#include <stdlib.h>

/* Entries of another time between two looks whether it shall end. */
#define HALT_STEPS 8192

/* longer than any key is */
#define TOP "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

const struct ear_key_range ear_key_all = {
	.high = {.key = EAR_S_INIT(TOP TOP TOP TOP TOP TOP TOP TOP),
		.at = INT64_MAX,
		.id = INT64_MAX}};
_Static_assert(sizeof(TOP) - 1 == 16 && EAR_KEY_MAX < 8 * 16, "TOP is so long");

struct run {
	uint64_t run;
	size_t pages;
	struct ear_key_entry *fence; /* owned; the first entry of each page */
	char *bytes;                 /* owned; their keys */
};

struct stream {
	const struct run *run;
	struct ear_key_range range;
	size_t page;
	size_t i;
	struct ear_key_entry now;
	uint64_t prefix; /* of what its key is sorted by */
	struct ear_key_page p;
};

struct ear_key_walk {
	sqlite3 *db;
	struct ear_key_ask ask;
	uint64_t from_ns, to_ns;
	int (*halt)(void *arg);
	void *arg;
	unsigned steps;
	sqlite3_stmt *read; /* a page */
	struct run *run;    /* owned */
	size_t run_n, run_cap;
	struct stream **heap; /* owned, and its streams */
	size_t n, cap;
	/* the last entry */
	bool taken, given; /* given: and not gone */
	uint64_t at, id;
	uint8_t key_room[EAR_KEY_MAX];
	struct ear_slice key;
};

/* --- order ------------------------------------------------------------- */

static struct ear_slice sorted_by(
	const struct ear_key_walk *w, struct ear_slice key)
{
	return ear_slice_sub(key, w->ask.skip, key.n);
}

static int order(const struct ear_key_walk *w, const struct stream *a,
	const struct stream *b)
{
	const struct ear_key_entry *x = &a->now, *y = &b->now;
	int c = (a->prefix > b->prefix) - (a->prefix < b->prefix);

	if (!c && !w->ask.by_time)
		c = ear_slice_cmp(sorted_by(w, x->key), sorted_by(w, y->key));
	if (!c)
		c = (x->at > y->at) - (x->at < y->at);
	if (!c)
		c = (x->id > y->id) - (x->id < y->id);
	if (!c)
		c = ear_slice_cmp(x->key, y->key);
	if (c)
		return w->ask.down ? -c : c;
	/* of the same the newest holds */
	return a->run->run > b->run->run ? -1 : 1;
}

static void sink(struct ear_key_walk *w, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		struct stream *s = w->heap[i];

		if (child >= w->n)
			return;
		if (child + 1 < w->n &&
			order(w, w->heap[child + 1], w->heap[child]) < 0)
			child++;
		if (order(w, s, w->heap[child]) <= 0)
			return;
		w->heap[i] = w->heap[child];
		w->heap[child] = s;
		i = child;
	}
}

/* --- pages ------------------------------------------------------------- */

static int load_page(struct ear_key_walk *w, struct stream *s)
{
	int rc;

	ear_sql_bind(w->read, 1, (s->run->run << 20) + s->page);
	rc = sqlite3_step(w->read);
	if (rc == SQLITE_ROW &&
		ear_key_page_read(&s->p, ear_sql_blob(w->read, 0)))
		rc = SQLITE_OK;
	/* a step is never OK, but then nothing was read either */
	else if (rc == SQLITE_ROW || rc == SQLITE_DONE || rc == SQLITE_OK)
		rc = SQLITE_CORRUPT;
	sqlite3_reset(w->read);
	return rc;
}

/* The entry at i, if it is in the range. */
static bool stand(const struct ear_key_walk *w, struct stream *s)
{
	s->now = ear_key_page_at(&s->p, s->i);
	s->prefix = w->ask.by_time ? s->now.at
				   : ear_key_prefix(sorted_by(w, s->now.key));
	return w->ask.down ? ear_key_cmp(&s->now, &s->range.low) >= 0
			   : ear_key_cmp(&s->now, &s->range.high) <= 0;
}

/* @return SQLITE_ROW, or SQLITE_DONE */
static int step(struct ear_key_walk *w, struct stream *s)
{
	size_t last = w->ask.down ? 0 : s->p.n - 1u;
	int rc = SQLITE_OK;

	if (s->i != last) {
		s->i = w->ask.down ? s->i - 1 : s->i + 1;
	} else {
		if (s->page == (w->ask.down ? 0 : s->run->pages - 1))
			return SQLITE_DONE;
		s->page = w->ask.down ? s->page - 1 : s->page + 1;
		rc = load_page(w, s);
		if (rc)
			return rc;
		s->i = w->ask.down ? s->p.n - 1u : 0;
	}
	return stand(w, s) ? SQLITE_ROW : SQLITE_DONE;
}

static int stopped(struct ear_key_walk *w)
{
	if (++w->steps % HALT_STEPS || !w->halt)
		return 0;
	return w->halt(w->arg);
}

/* On to the next entry of the time that is asked for. */
static int step_in_time(struct ear_key_walk *w, struct stream *s, int rc)
{
	while (rc == SQLITE_ROW &&
		(s->now.at < w->from_ns || s->now.at > w->to_ns)) {
		if (stopped(w))
			return SQLITE_INTERRUPT;
		rc = step(w, s);
	}
	return rc;
}

/* The last page whose first entry is not behind e. */
static size_t page_of(const struct run *r, const struct ear_key_entry *e)
{
	size_t low = 0, high = r->pages;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (ear_key_cmp(&r->fence[mid], e) <= 0)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The first entry that is not before e. @return p->n: there is none */
static size_t place_of(
	const struct ear_key_page *p, const struct ear_key_entry *e)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct ear_key_entry x = ear_key_page_at(p, mid);

		if (ear_key_cmp(&x, e) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* To the first entry of the range, or the last. */
static int seek(struct ear_key_walk *w, struct stream *s)
{
	const struct ear_key_entry *to =
		w->ask.down ? &s->range.high : &s->range.low;
	struct ear_key_entry x;
	int rc;

	s->page = page_of(s->run, to);
	rc = load_page(w, s);
	if (rc)
		return rc;
	s->i = place_of(&s->p, to);
	if (w->ask.down) {
		if (s->i == s->p.n)
			s->i--;
		x = ear_key_page_at(&s->p, s->i);
		if (ear_key_cmp(&x, to) > 0) {
			/* only before the first page of all */
			if (!s->i)
				return SQLITE_DONE;
			s->i--;
		}
	} else if (s->i == s->p.n) {
		s->i--;
		rc = step(w, s);
		return step_in_time(w, s, rc);
	}
	return step_in_time(w, s, stand(w, s) ? SQLITE_ROW : SQLITE_DONE);
}

/* --- runs -------------------------------------------------------------- */

static bool read_fences(struct run *r, struct ear_slice bytes)
{
	size_t n = 0, at = 0;

	r->bytes = malloc(bytes.n + 1);
	/* an entry with its key, be it empty */
	r->fence = calloc(bytes.n / 17 + 1, sizeof(*r->fence));
	if (!r->bytes || !r->fence)
		return false;
	if (bytes.n)
		memcpy(r->bytes, bytes.p, bytes.n);
	while (at < bytes.n) {
		struct ear_key_page one;
		size_t size = 1 + (r->bytes[at] & 0x7f) + 16u;

		if (size > bytes.n - at ||
			!ear_key_page_read(
				&one, ear_slice(r->bytes + at, size)))
			return false;
		r->fence[n] = ear_key_page_at(&one, 0);
		r->fence[n].key.p = r->bytes + at + 1;
		n++;
		at += size;
	}
	r->pages = n;
	return n > 0;
}

static int add_run(struct ear_key_walk *w, sqlite3_stmt *st)
{
	struct run *r;

	if (w->run_n == w->run_cap) {
		size_t cap = w->run_cap ? w->run_cap * 2 : 32;

		r = realloc(w->run, cap * sizeof(*r));
		if (!r)
			return SQLITE_NOMEM;
		w->run = r;
		w->run_cap = cap;
	}
	r = &w->run[w->run_n++];
	*r = (struct run){.run = ear_sql_u64(st, 0)};
	return read_fences(r, ear_sql_blob(st, 1)) ? SQLITE_OK : SQLITE_CORRUPT;
}

static int find_runs(struct ear_key_walk *w)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(w->db,
		"SELECT run,fences FROM key_run WHERE of=?1 AND run>=?2"
		" AND high_at>=?3 AND low_at<=?4",
		-1, &st, NULL);

	if (!rc) {
		ear_sql_bind(st, 1, w->ask.of);
		ear_sql_bind(st, 2, w->ask.first_run);
		ear_sql_bind(st, 3, w->from_ns);
		ear_sql_bind(st, 4, w->to_ns);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			rc = add_run(w, st);
			if (rc)
				break;
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* @return SQLITE_OK, also where the range has nothing */
static int add_stream(struct ear_key_walk *w, const struct run *r,
	const struct ear_key_range *range)
{
	struct stream *s = malloc(sizeof(*s));
	int rc;

	if (!s)
		return SQLITE_NOMEM;
	s->run = r;
	s->range = *range;
	if (w->ask.by_time) {
		/* of one key: so the time is part of the range */
		s->range.low.at = w->from_ns;
		s->range.low.id = 0;
		s->range.high.at = w->to_ns;
		s->range.high.id = INT64_MAX;
	}
	rc = seek(w, s);
	if (rc == SQLITE_ROW) {
		w->heap[w->n++] = s;
		return SQLITE_OK;
	}
	free(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int begin(struct ear_key_walk *w)
{
	const struct ear_key_range *range =
		w->ask.range ? w->ask.range : &ear_key_all;
	size_t n = w->ask.range ? w->ask.ranges : 1;
	int rc = find_runs(w);

	if (!rc)
		rc = sqlite3_prepare_v2(w->db,
			"SELECT entries FROM key_page WHERE page=?", -1,
			&w->read, NULL);
	w->heap = calloc(w->run_n * n + 1, sizeof(*w->heap));
	if (!rc && !w->heap)
		rc = SQLITE_NOMEM;
	for (size_t i = 0; !rc && i < w->run_n; i++) {
		for (size_t k = 0; !rc && k < n; k++)
			rc = add_stream(w, &w->run[i], &range[k]);
	}
	for (size_t i = w->n / 2; !rc && i-- > 0;)
		sink(w, i);
	return rc;
}

int ear_key_walk_new(sqlite3 *db, const struct ear_key_ask *ask,
	uint64_t from_ns, uint64_t to_ns, int (*halt)(void *arg), void *arg,
	struct ear_key_walk **walk)
{
	struct ear_key_walk *w = calloc(1, sizeof(*w));
	int rc = SQLITE_NOMEM;

	*walk = w;
	if (!w)
		return rc;
	w->db = db;
	w->ask = *ask;
	w->from_ns = from_ns;
	w->to_ns = to_ns < INT64_MAX ? to_ns : INT64_MAX;
	w->halt = halt;
	w->arg = arg;
	rc = begin(w);
	if (rc)
		ear_key_walk_free(walk);
	return rc;
}

void ear_key_walk_free(struct ear_key_walk **walk)
{
	struct ear_key_walk *w = *walk;

	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->heap[i]);
	free(w->heap);
	for (size_t i = 0; i < w->run_n; i++) {
		free(w->run[i].fence);
		free(w->run[i].bytes);
	}
	free(w->run);
	sqlite3_finalize(w->read);
	free(w);
	*walk = NULL;
}

/* --- the walk ---------------------------------------------------------- */

/* The first of the heap goes one on. */
static int advance(struct ear_key_walk *w)
{
	struct stream *s = w->heap[0];
	int rc = step_in_time(w, s, step(w, s));

	if (rc == SQLITE_DONE) {
		free(s);
		w->heap[0] = w->heap[--w->n];
	} else if (rc != SQLITE_ROW) {
		return rc;
	}
	if (w->n)
		sink(w, 0);
	return SQLITE_OK;
}

/* Remember an entry whose page may go: the next is compared with it. */
static void take(struct ear_key_walk *w, const struct ear_key_entry *e)
{
	w->at = e->at;
	w->id = e->id;
	if (e->key.n)
		memcpy(w->key_room, e->key.p, e->key.n);
	w->key = ear_slice(w->key_room, e->key.n);
	w->taken = true;
	w->given = !e->gone;
}

static bool again(const struct ear_key_walk *w, const struct ear_key_entry *e)
{
	return w->taken && e->at == w->at && e->id == w->id &&
	       ear_slice_eq(e->key, w->key);
}

int ear_key_walk_next(
	struct ear_key_walk *w, bool with_gone, struct ear_key_entry *e)
{
	while (w->n) {
		struct ear_key_entry now = w->heap[0]->now;
		/* a row is given once, whatever of its keys is asked for */
		bool row = w->ask.by_time && w->given && now.at == w->at &&
			   now.id == w->id;
		bool skip = again(w, &now) || row;
		int rc;

		if (stopped(w))
			return SQLITE_INTERRUPT;
		if (!skip) {
			take(w, &now);
			now.key = w->key;
		}
		rc = advance(w);
		if (rc)
			return rc;
		if (!skip && (!now.gone || with_gone)) {
			*e = now;
			return SQLITE_ROW;
		}
	}
	return SQLITE_DONE;
}

uint64_t ear_key_since(sqlite3 *db, enum ear_key_of of, uint64_t most)
{
	uint64_t since = 0, n = 0;
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db,
		    "SELECT n,high_at FROM key_run WHERE of=?"
		    " ORDER BY high_at DESC",
		    -1, &st, NULL))
		return 0;
	ear_sql_bind(st, 1, of);
	while (sqlite3_step(st) == SQLITE_ROW) {
		n += ear_sql_u64(st, 0);
		if (n <= most)
			continue;
		since = ear_sql_u64(st, 1) + 1;
		break;
	}
	sqlite3_finalize(st);
	return since;
}
