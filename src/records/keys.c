/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a transaction, sorted and written as runs. */
#include <stdlib.h>

#include "records/key_priv.h"

const char ear_keys_tables[] =
	/* pages of a run are numbered from run << 20 on; fences: the first
	 * entry of each */
	"CREATE TABLE IF NOT EXISTS key_run(run INTEGER PRIMARY KEY,"
	" of INTEGER NOT NULL, n INTEGER NOT NULL, low_at INTEGER NOT NULL,"
	" high_at INTEGER NOT NULL, fences BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS key_page(page INTEGER PRIMARY KEY,"
	" entries BLOB NOT NULL);";

static const char *const sql[KEY_STATEMENTS] = {
	[KEY_RUN] = "INSERT INTO key_run VALUES(?,?,?,?,?,?)",
	[KEY_PAGE] = "INSERT INTO key_page VALUES(?,?)",
	[KEY_NEXT] = "SELECT coalesce(max(run),0)+1 FROM key_run",
	[KEY_RUNS] = "SELECT run,n FROM key_run WHERE of=? ORDER BY run DESC",
	[KEY_DROP_PAGES] = ("DELETE FROM key_page WHERE page>=?1<<20"
			    " AND page<(?1+1)<<20"),
	[KEY_DROP] = "DELETE FROM key_run WHERE run=?",
	[KEY_OLD] = "SELECT run FROM key_run WHERE high_at<? LIMIT 1",
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
	for (unsigned i = 0; !rc && i < KEY_STATEMENTS; i++)
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
	for (unsigned i = 0; i < KEY_STATEMENTS; i++)
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

static bool grow(struct key_pile *p)
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
	struct key_pile *p = &k->pile[of];

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
	struct key_pile *p = &k->pile[of];
	struct key_run r;

	if (p->nomem || p->bytes.err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!p->n)
		return EAR_OK;
	texts = p->bytes.p ? p->bytes.p : "";
	qsort(p->v, p->n, sizeof(*p->v), by_entry);
	key_run_begin(k, &r, fault);
	for (size_t i = 0; !r.err && i < p->n; i++) {
		struct ear_key_entry e = entry_of(&p->v[i], texts);

		if (!r.n || ear_key_cmp(&e, &r.last))
			key_run_add(&r, &e);
	}
	return key_run_end(&r, of);
}

enum ear_err ear_keys_flush(struct ear_keys *k, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (unsigned i = 0; !err && i < EAR_KEYS; i++)
		err = flush_pile(k, (enum ear_key_of)i, fault);
	ear_keys_forget(k);
	return err;
}
