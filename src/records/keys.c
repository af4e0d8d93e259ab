/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a transaction, sorted and written as runs; and runs merged. */
#include "records/keys.h"

#include <stdlib.h>

/*
 * Runs of about one size are merged when there are so many of them. Sizes
 * differ by LEVEL_BITS; what has reached the highest stays as it is, so that an
 * entry is written a few times at most, however many there are.
 */
#define FAN 8
#define LEVEL_BITS 3
#define LEVELS 4
#define LEVEL_FIRST 512

const char ear_keys_tables[] =
	/* pages of a run are numbered from run << 20 on; fences: the first
	 * entry of each */
	"CREATE TABLE IF NOT EXISTS key_run(run INTEGER PRIMARY KEY,"
	" of INTEGER NOT NULL, n INTEGER NOT NULL, low_at INTEGER NOT NULL,"
	" high_at INTEGER NOT NULL, fences BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS key_page(page INTEGER PRIMARY KEY,"
	" entries BLOB NOT NULL);";

struct pending {
	uint64_t prefix; /* of the key: most are told apart by it */
	uint64_t at, id;
	uint32_t key; /* where it stands in bytes: ever further on */
	uint8_t size;
	bool gone;
};
/* qsort() moves these themselves and not pointers to them */
_Static_assert(sizeof(struct pending) <= 32, "small enough to be sorted");

struct pile {
	struct pending *v; /* owned */
	size_t n, cap;
	struct ear_buf bytes;
	bool nomem;
};

enum {
	ST_RUN,
	ST_PAGE,
	ST_NEXT,
	ST_RUNS,
	ST_DROP_PAGES,
	ST_DROP,
	ST_OLD,
	STATEMENTS
};

struct ear_keys {
	sqlite3 *db;
	const char *path; /* borrowed */
	sqlite3_stmt *st[STATEMENTS];
	struct pile pile[EAR_KEYS];
	unsigned turn; /* the index that is looked at first for a merge */
};

static const char *const sql[STATEMENTS] = {
	[ST_RUN] = "INSERT INTO key_run VALUES(?,?,?,?,?,?)",
	[ST_PAGE] = "INSERT INTO key_page VALUES(?,?)",
	[ST_NEXT] = "SELECT coalesce(max(run),0)+1 FROM key_run",
	[ST_RUNS] = "SELECT run,n FROM key_run WHERE of=? ORDER BY run DESC",
	[ST_DROP_PAGES] = "DELETE FROM key_page WHERE page>=?1<<20"
			  " AND page<(?1+1)<<20",
	[ST_DROP] = "DELETE FROM key_run WHERE run=?",
	[ST_OLD] = "SELECT run FROM key_run WHERE high_at<? LIMIT 1",
};

enum ear_key_of ear_key_named(const char *index)
{
	static const char *const names[EAR_KEYS] = {
		[EAR_KEY_CALL_SRC] = "call_src",
		[EAR_KEY_CALL_DST] = "call_dst",
		[EAR_KEY_CALL_ID] = "call_call_id",
		[EAR_KEY_CALL_OUTCOME] = "call_outcome",
		[EAR_KEY_CALL_TALK] = "call_talk",
		[EAR_KEY_SESSION_PEER] = "session_peername",
		[EAR_KEY_SESSION_REMOTE] = "session_remote",
	};
	unsigned i = 0;

	while (index && i < EAR_KEYS && strcmp(names[i], index) != 0)
		i++;
	return index ? (enum ear_key_of)i : EAR_KEYS_NONE;
}

enum ear_err ear_keys_new(sqlite3 *db, const char *path, struct ear_keys **keys,
	struct ear_fault *fault)
{
	struct ear_keys *k = calloc(1, sizeof(*k));
	int rc = SQLITE_OK;

	*keys = k;
	if (!k)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	k->db = db;
	k->path = path;
	for (unsigned i = 0; !rc && i < STATEMENTS; i++)
		rc = sqlite3_prepare_v3(db, sql[i], -1,
			SQLITE_PREPARE_PERSISTENT, &k->st[i], NULL);
	if (!rc)
		return EAR_OK;
	ear_keys_free(keys);
	return ear_sql_fail(fault, db, rc, path);
}

void ear_keys_free(struct ear_keys **keys)
{
	struct ear_keys *k = *keys;

	if (!k)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(k->st[i]);
	for (unsigned i = 0; i < EAR_KEYS; i++) {
		free(k->pile[i].v);
		ear_buf_fini(&k->pile[i].bytes);
	}
	free(k);
	*keys = NULL;
}

void ear_keys_forget(struct ear_keys *k)
{
	for (unsigned i = 0; i < EAR_KEYS; i++) {
		k->pile[i].n = 0;
		k->pile[i].nomem = false;
		ear_buf_reset(&k->pile[i].bytes);
	}
}

/* --- entries ----------------------------------------------------------- */

static bool grow(struct pile *p)
{
	size_t cap = p->cap ? p->cap * 2 : 256;
	struct pending *v;

	if (p->n < p->cap)
		return true;
	v = realloc(p->v, cap * sizeof(*v));
	if (!v)
		return false;
	p->v = v;
	p->cap = cap;
	return true;
}

void ear_keys_add(struct ear_keys *k, enum ear_key_of of, struct ear_slice key,
	uint64_t at, uint64_t id, bool gone)
{
	struct pile *p = &k->pile[of];

	key = ear_slice_sub(key, 0, EAR_KEY_MAX);
	if (!grow(p) || p->bytes.n + key.n >= UINT32_MAX) {
		p->nomem = true;
		return;
	}
	p->v[p->n] = (struct pending){.prefix = ear_key_prefix(key),
		.at = at,
		.id = id,
		.key = (uint32_t)p->bytes.n,
		.size = (uint8_t)key.n,
		.gone = gone};
	p->n++;
	ear_buf_slice(&p->bytes, key);
	/* so that also of empty ones the last is known */
	ear_buf_byte(&p->bytes, 0);
}

void ear_keys_peers(struct ear_keys *k, struct ear_slice peername, uint64_t at,
	uint64_t id, bool gone)
{
	struct ear_slice left = peername;

	ear_keys_add(k, EAR_KEY_SESSION_PEER, peername, at, id, gone);
	while (ear_slice_find(left, EAR_S(",")) < left.n ||
		left.n < peername.n) {
		size_t end = ear_slice_find(left, EAR_S(","));

		ear_keys_add(k, EAR_KEY_SESSION_PEER,
			ear_slice_sub(left, 0, end), at, id, gone);
		if (end == left.n)
			break;
		left = ear_slice_sub(left, end + 1, left.n);
	}
}

void ear_keys_session(struct ear_keys *k, struct ear_slice peername,
	struct ear_slice remote_ip, uint64_t at, uint64_t id, bool gone)
{
	ear_keys_peers(k, peername, at, id, gone);
	ear_keys_add(k, EAR_KEY_SESSION_REMOTE, remote_ip, at, id, gone);
}

void ear_keys_call(struct ear_keys *k, const struct ear_call_keys *c,
	uint64_t at, uint64_t id, bool gone)
{
	uint8_t room[8];

	ear_keys_add(k, EAR_KEY_CALL_SRC, c->src, at, id, gone);
	ear_keys_add(k, EAR_KEY_CALL_DST, c->dst, at, id, gone);
	ear_keys_add(k, EAR_KEY_CALL_ID, ear_key_number(c->call_key, 8, room),
		at, id, gone);
	ear_keys_add(k, EAR_KEY_CALL_OUTCOME,
		ear_key_number(c->disposition, 1, room), at, id, gone);
	ear_keys_add(k, EAR_KEY_CALL_TALK,
		ear_key_talk(c->disposition, c->talk_ms, room), at, id, gone);
}

/* --- one run ----------------------------------------------------------- */

/* A run that is written, page after page. */
struct run {
	struct ear_keys *keys;
	struct ear_fault *fault;
	uint64_t run, n, low_at, high_at;
	uint64_t pages;
	struct ear_buf page, fences;
	struct ear_key_entry last;
	uint8_t last_key[EAR_KEY_MAX];
	enum ear_err err;
};

static enum ear_err finish(
	struct ear_keys *k, unsigned i, struct ear_fault *fault)
{
	return ear_sql_run(k->st[i], k->path, fault);
}

static void begin_run(
	struct ear_keys *k, struct run *r, struct ear_fault *fault)
{
	*r = (struct run){.keys = k, .fault = fault, .low_at = INT64_MAX};
	if (sqlite3_step(k->st[ST_NEXT]) == SQLITE_ROW)
		r->run = ear_sql_u64(k->st[ST_NEXT], 0);
	else
		r->err = ear_sql_fail(
			fault, k->db, sqlite3_extended_errcode(k->db), k->path);
	sqlite3_reset(k->st[ST_NEXT]);
}

static void write_page(struct run *r)
{
	sqlite3_stmt *st = r->keys->st[ST_PAGE];

	if (r->err || !r->page.n)
		return;
	ear_sql_bind(st, 1, (r->run << 20) + r->pages++);
	ear_sql_bind_blob(st, 2, ear_buf_view(&r->page));
	r->err = finish(r->keys, ST_PAGE, r->fault);
	ear_buf_reset(&r->page);
}

static void run_add(struct run *r, const struct ear_key_entry *e)
{
	/* its head and its row besides */
	if (r->page.n + e->key.n + 17 > EAR_KEY_PAGE)
		write_page(r);
	if (!r->page.n)
		ear_key_write(&r->fences, e, NULL);
	ear_key_write(&r->page, e, r->page.n ? &r->last : NULL);
	r->last = *e;
	if (e->key.n)
		memcpy(r->last_key, e->key.p, e->key.n);
	r->last.key.p = (const char *)r->last_key;
	r->n++;
	r->low_at = e->at < r->low_at ? e->at : r->low_at;
	r->high_at = e->at > r->high_at ? e->at : r->high_at;
}

static enum ear_err end_run(struct run *r, enum ear_key_of of)
{
	sqlite3_stmt *st = r->keys->st[ST_RUN];

	write_page(r);
	if (!r->err && (r->page.err || r->fences.err))
		r->err = ear_fail(r->fault, EAR_NOMEM, 0, "out of memory");
	if (!r->err && r->n) {
		const uint64_t v[] = {r->run, of, r->n, r->low_at, r->high_at};

		for (int i = 0; i < 5; i++)
			ear_sql_bind(st, i + 1, v[i]);
		ear_sql_bind_blob(st, 6, ear_buf_view(&r->fences));
		r->err = finish(r->keys, ST_RUN, r->fault);
	}
	ear_buf_fini(&r->page);
	ear_buf_fini(&r->fences);
	return r->err;
}

/* --- a transaction's entries ------------------------------------------- */

/* qsort() has no argument: the texts stand before the entries' */
static _Thread_local const char *texts;

static struct ear_key_entry entry_of(const struct pending *p, const char *bytes)
{
	return (struct ear_key_entry){.key = ear_slice(bytes + p->key, p->size),
		.at = p->at,
		.id = p->id,
		.gone = p->gone};
}

static int by_entry(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;
	struct ear_key_entry e, f;
	int c;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	e = entry_of(x, texts);
	f = entry_of(y, texts);
	c = ear_key_cmp(&e, &f);
	/* of the same the last holds */
	return c ? c : (x->key < y->key) - (x->key > y->key);
}

static enum ear_err flush_pile(
	struct ear_keys *k, enum ear_key_of of, struct ear_fault *fault)
{
	struct pile *p = &k->pile[of];
	struct run r;

	if (p->nomem || p->bytes.err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!p->n)
		return EAR_OK;
	texts = p->bytes.p ? p->bytes.p : "";
	qsort(p->v, p->n, sizeof(*p->v), by_entry);
	begin_run(k, &r, fault);
	for (size_t i = 0; !r.err && i < p->n; i++) {
		struct ear_key_entry e = entry_of(&p->v[i], texts);

		if (!r.n || ear_key_cmp(&e, &r.last))
			run_add(&r, &e);
	}
	return end_run(&r, of);
}

enum ear_err ear_keys_flush(struct ear_keys *k, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (unsigned i = 0; !err && i < EAR_KEYS; i++)
		err = flush_pile(k, (enum ear_key_of)i, fault);
	ear_keys_forget(k);
	return err;
}

/* --- merging ----------------------------------------------------------- */

static unsigned level_of(uint64_t n)
{
	unsigned level = 0;

	for (uint64_t most = LEVEL_FIRST; n >= most && level < LEVELS; level++)
		most <<= LEVEL_BITS;
	return level;
}

/* The newest runs, of one size at most, when there are so many: only
 * neighbours in age may become one, since of an entry the newest holds. */
struct choice {
	uint64_t first; /* the oldest of them; 0: none */
	bool all;       /* there is no older one */
};

static void choose(sqlite3_stmt *runs, struct choice *c)
{
	uint64_t oldest[LEVELS] = {0};
	unsigned n[LEVELS] = {0}, top = 0, most = LEVELS;
	bool more = false;

	*c = (struct choice){0};
	while (sqlite3_step(runs) == SQLITE_ROW) {
		unsigned level = level_of(ear_sql_u64(runs, 1));

		top = level > top ? level : top;
		if (top == LEVELS) {
			more = true;
			break;
		}
		for (unsigned i = top; i < LEVELS; i++) {
			n[i]++;
			oldest[i] = ear_sql_u64(runs, 0);
		}
	}
	for (unsigned i = LEVELS; i-- > 0;) {
		if (n[i] >= FAN)
			most = i;
	}
	if (most < LEVELS) {
		c->first = oldest[most];
		c->all = !more && oldest[most] == oldest[LEVELS - 1];
	}
	sqlite3_reset(runs);
}

static enum ear_err drop_run(
	struct ear_keys *k, uint64_t run, struct ear_fault *fault)
{
	enum ear_err err;

	ear_sql_bind(k->st[ST_DROP_PAGES], 1, run);
	err = finish(k, ST_DROP_PAGES, fault);
	ear_sql_bind(k->st[ST_DROP], 1, run);
	return err ? err : finish(k, ST_DROP, fault);
}

static enum ear_err drop_from(struct ear_keys *k, enum ear_key_of of,
	uint64_t first, uint64_t before, struct ear_fault *fault)
{
	sqlite3_stmt *st = k->st[ST_RUNS];
	enum ear_err err = EAR_OK;
	uint64_t gone[1024];
	size_t n = 0;

	ear_sql_bind(st, 1, of);
	while (n < 1024 && sqlite3_step(st) == SQLITE_ROW &&
		ear_sql_u64(st, 0) >= first) {
		if (ear_sql_u64(st, 0) < before)
			gone[n++] = ear_sql_u64(st, 0);
	}
	sqlite3_reset(st);
	for (size_t i = 0; !err && i < n; i++)
		err = drop_run(k, gone[i], fault);
	return err;
}

static enum ear_err merge(struct ear_keys *k, enum ear_key_of of,
	const struct choice *c, struct ear_fault *fault)
{
	struct ear_key_ask ask = {.of = of, .first_run = c->first};
	struct ear_key_walk *walk = NULL;
	struct ear_key_entry e;
	struct run r;
	int rc = ear_key_walk_new(k->db, &ask, 0, INT64_MAX, NULL, NULL, &walk);

	begin_run(k, &r, fault);
	while (!rc && !r.err &&
		(rc = ear_key_walk_next(walk, !c->all, &e)) == SQLITE_ROW) {
		run_add(&r, &e);
		rc = SQLITE_OK;
	}
	ear_key_walk_free(&walk);
	if (rc && rc != SQLITE_DONE && !r.err)
		r.err = ear_sql_fail(fault, k->db, rc, k->path);
	if (!r.err)
		r.err = drop_from(k, of, c->first, r.run, fault);
	return end_run(&r, of);
}

enum ear_err ear_keys_merge(struct ear_keys *k, struct ear_fault *fault)
{
	struct choice c = {0};

	for (unsigned i = 0; i < EAR_KEYS; i++) {
		unsigned of = (k->turn + i) % EAR_KEYS;

		ear_sql_bind(k->st[ST_RUNS], 1, of);
		choose(k->st[ST_RUNS], &c);
		if (!c.first)
			continue;
		k->turn = of + 1;
		return merge(k, (enum ear_key_of)of, &c, fault);
	}
	return EAR_OK;
}

enum ear_err ear_keys_retain(
	struct ear_keys *k, uint64_t before_ns, struct ear_fault *fault)
{
	sqlite3_stmt *st = k->st[ST_OLD];
	enum ear_err err = EAR_OK;

	for (uint64_t run = 1; !err && run;) {
		ear_sql_bind(st, 1, before_ns);
		run = sqlite3_step(st) == SQLITE_ROW ? ear_sql_u64(st, 0) : 0;
		sqlite3_reset(st);
		if (run)
			err = drop_run(k, run, fault);
	}
	return err;
}
