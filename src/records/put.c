/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into the tables. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "records/keys.h"
#include "records/tally.h"

/*
 * Rows of one INSERT: what it takes to begin a statement, with a cursor into
 * the table and each of its indexes, is shared by so many.
 */
#define ROWS 16

/* Accounts whose number is known without asking. */
#define KNOWN 65536

struct known {
	uint64_t hash, id;
};

enum {
	ST_INSERT, /* and one for each list behind it */
	ST_INSERTS = ST_INSERT + EAR_LISTS, /* ROWS at once */
	ST_UPDATE = ST_INSERTS + EAR_LISTS,
	ST_REFRESH = ST_UPDATE + EAR_LISTS, /* a binding that holds */
	ST_ACCOUNT,
	ST_NEW_ACCOUNT,
	ST_OLD_SESSION,
	ST_OLD_CALL,
	ST_TODO,
	ST_STATE,
	ST_NO_STATE,
	ST_MARK,
	ST_COUNT,
	ST_NEWEST,
	STATEMENTS
};

struct ear_put {
	sqlite3 *db;
	struct ear_keys *keys; /* borrowed */
	const char *path;      /* borrowed */
	sqlite3_stmt *st[STATEMENTS];
	uint64_t seed;
	struct known *known; /* owned; KNOWN of them */
	uint64_t newest_ns;  /* of any row that was written */
};

static const char *const plain[STATEMENTS] = {
	[ST_ACCOUNT] = "SELECT id FROM account WHERE username=? AND domain=?",
	[ST_NEW_ACCOUNT] = ("INSERT INTO account(username,domain,description)"
			    " VALUES(?,?,?)"),
	[ST_OLD_SESSION] =
		"SELECT peername,remote_ip FROM session WHERE at=? AND id=?",
	[ST_OLD_CALL] = ("SELECT src,dst,call_key,disposition,talk_ms"
			 " FROM call WHERE at=? AND id=?"),
	[ST_TODO] = "INSERT OR IGNORE INTO todo VALUES(0,?,?,?)",
	[ST_STATE] = "REPLACE INTO state VALUES(?,?,?,?)",
	[ST_NO_STATE] = "DELETE FROM state WHERE owner=? AND part=? AND key=?",
	[ST_MARK] = "REPLACE INTO mark VALUES(?,?,?,?)",
	[ST_COUNT] = ("INSERT INTO meta VALUES(?1,?2)"
		      " ON CONFLICT DO UPDATE SET n=n+?2"),
	[ST_NEWEST] = ("INSERT INTO meta VALUES('newest',?1)"
		       " ON CONFLICT DO UPDATE SET n=max(n,?1)"),
};

static enum ear_err prepare(struct ear_put *p, unsigned i, struct ear_slice sql,
	struct ear_fault *fault)
{
	int rc = sqlite3_prepare_v3(p->db, sql.p, (int)sql.n,
		SQLITE_PREPARE_PERSISTENT, &p->st[i], NULL);

	return rc ? ear_sql_fail(fault, p->db, rc, p->path) : EAR_OK;
}

enum ear_err ear_put_new(sqlite3 *db, const char *path, struct ear_keys *keys,
	struct ear_put **put, struct ear_fault *fault)
{
	struct ear_put *p = calloc(1, sizeof(*p));
	struct ear_buf sql = {0};
	enum ear_err err = EAR_OK;

	*put = p;
	if (p)
		p->known = calloc(KNOWN, sizeof(*p->known));
	if (!p || !p->known) {
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		goto out;
	}
	p->db = db;
	p->keys = keys;
	p->path = path;
	randombytes_buf(&p->seed, sizeof(p->seed));
	for (unsigned i = 0; !err && i < STATEMENTS; i++) {
		ear_buf_reset(&sql);
		if (i < ST_UPDATE)
			ear_insert_sql(ear_records_table[i % EAR_LISTS],
				i < ST_INSERTS ? 1 : ROWS, &sql);
		else if (i < ST_REFRESH)
			ear_update_sql(ear_records_table[i % EAR_LISTS], &sql);
		else if (i == ST_REFRESH)
			ear_refresh_sql(&sql);
		else
			ear_buf_str(&sql, plain[i]);
		err = sql.err ? ear_fail(fault, sql.err, 0, "out of memory")
			      : prepare(p, i, ear_buf_view(&sql), fault);
	}
out:
	ear_buf_fini(&sql);
	if (err)
		ear_put_free(put);
	return err;
}

void ear_put_free(struct ear_put **put)
{
	struct ear_put *p = *put;

	if (!p)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(p->st[i]);
	free(p->known);
	free(p);
	*put = NULL;
}

void ear_put_forget(struct ear_put *p)
{
	memset(p->known, 0, KNOWN * sizeof(*p->known));
}

/* --- rows -------------------------------------------------------------- */

static enum ear_err run(struct ear_put *p, unsigned i, struct ear_fault *fault)
{
	return ear_sql_run(p->st[i], p->path, fault);
}

static enum ear_err new_account(struct ear_put *p,
	const struct ear_binding_row *r, uint64_t *id, struct ear_fault *fault)
{
	sqlite3_stmt *st = p->st[ST_ACCOUNT];
	enum ear_err err;
	bool found;

	ear_put_text(st, ear_put_text(st, 1, r->username), r->domain);
	found = sqlite3_step(st) == SQLITE_ROW;
	if (found)
		*id = ear_sql_u64(st, 0);
	sqlite3_reset(st);
	if (found)
		return EAR_OK;
	st = p->st[ST_NEW_ACCOUNT];
	ear_put_text(st,
		ear_put_text(st, ear_put_text(st, 1, r->username), r->domain),
		r->description);
	err = run(p, ST_NEW_ACCOUNT, fault);
	*id = (uint64_t)sqlite3_last_insert_rowid(p->db);
	return err;
}

static enum ear_err account_of(struct ear_put *p,
	const struct ear_binding_row *r, uint64_t *id, struct ear_fault *fault)
{
	uint64_t hash =
		ear_hash_seed(r->domain, ear_hash_seed(r->username, p->seed));
	struct known *k = &p->known[hash % KNOWN];
	enum ear_err err;

	if (k->id && k->hash == hash) {
		*id = k->id;
		return EAR_OK;
	}
	err = new_account(p, r, id, fault);
	if (!err)
		*k = (struct known){hash, *id};
	return err;
}

static enum ear_err todo(struct ear_put *p, enum ear_told what, uint64_t at,
	uint64_t id, struct ear_fault *fault)
{
	sqlite3_stmt *st = p->st[ST_TODO];

	ear_put_u64(st,
		ear_put_u64(st, ear_put_u64(st, 1, what == EAR_TOLD_CONNECTION),
			at),
		id);
	return run(p, ST_TODO, fault);
}

static bool connected(uint8_t transport)
{
	return transport == EAR_TR_TCP || transport == EAR_TR_TLS ||
	       transport == EAR_TR_WS || transport == EAR_TR_WSS ||
	       transport == EAR_TR_SECURE;
}

/* Not one that there was no memory for, nor one of no time. */
static bool is_row(const struct ear_told_row *t)
{
	return t->row && t->at <= INT64_MAX;
}

/* A registration that holds and was told before: of that little changes. */
static bool refreshes(const struct ear_told_row *t)
{
	const struct ear_binding_row *r = t->row;

	return t->what == EAR_TOLD_BINDING && !r->ended_ns;
}

/* What follows from a row besides itself. */
static enum ear_err follow(struct ear_put *p, const struct ear_told_row *t,
	struct ear_fault *fault)
{
	const struct ear_session_row *s = t->row;

	if (t->what == EAR_TOLD_CONNECTION)
		return todo(p, EAR_TOLD_CONNECTION, t->at, t->id, fault);
	if (t->what != EAR_TOLD_SESSION)
		return EAR_OK;
	if (s->reconciled || s->failed || !connected(s->transport))
		return EAR_OK;
	return todo(p, EAR_TOLD_SESSION, t->at, t->id, fault);
}

static enum ear_err beside_of(struct ear_put *p, const struct ear_told_row *t,
	struct ear_put_beside *beside, struct ear_fault *fault)
{
	*beside = (struct ear_put_beside){0};
	return t->what == EAR_TOLD_BINDING
		       ? account_of(p, t->row, &beside->account, fault)
		       : EAR_OK;
}

/* --- what rows are found by -------------------------------------------- */

static struct ear_slice ip_of(const struct ear_addr *a)
{
	return ear_slice(a->ip, a->family == 4 ? 4 : a->family == 6 ? 16 : 0);
}

static void add_keys(struct ear_put *p, const struct ear_told_row *t)
{
	const struct ear_session_row *s = t->row;
	const struct ear_call_row *c = t->row;

	if (t->what == EAR_TOLD_SESSION)
		ear_keys_session(p->keys, s->peername, ip_of(&s->remote), t->at,
			t->id, false);
	else if (t->what == EAR_TOLD_CALL)
		ear_keys_call(p->keys,
			&(struct ear_call_keys){c->src, c->dst,
				ear_row_call_key(c->call_id), c->disposition,
				c->talk_ms},
			t->at, t->id, false);
}

/* The row that stands there loses its keys: it gets those of the new one. */
static enum ear_err drop_keys(struct ear_put *p, const struct ear_told_row *t,
	struct ear_fault *fault)
{
	bool session = t->what == EAR_TOLD_SESSION;
	sqlite3_stmt *st = p->st[session ? ST_OLD_SESSION : ST_OLD_CALL];
	enum ear_err err = EAR_OK;
	int rc;

	if (!session && t->what != EAR_TOLD_CALL)
		return EAR_OK;
	ear_put_u64(st, ear_put_u64(st, 1, t->at), t->id);
	rc = sqlite3_step(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = ear_sql_fail(fault, p->db, rc, p->path);
	else if (rc == SQLITE_ROW && session)
		ear_keys_session(p->keys, ear_sql_blob(st, 0),
			ear_sql_blob(st, 1), t->at, t->id, true);
	else if (rc == SQLITE_ROW)
		ear_keys_call(p->keys,
			&(struct ear_call_keys){ear_sql_blob(st, 0),
				ear_sql_blob(st, 1), ear_sql_u64(st, 2),
				ear_sql_u64(st, 3), ear_sql_u64(st, 4)},
			t->at, t->id, true);
	sqlite3_reset(st);
	return err;
}

/* --- rows, new and again ----------------------------------------------- */

/* What stands there already is written over, what does not is added. */
static enum ear_err put_again(struct ear_put *p, const struct ear_told_row *t,
	uint64_t fresh[EAR_LISTS], struct ear_fault *fault)
{
	static const uint8_t order[] = {ST_REFRESH, ST_UPDATE, ST_INSERT};
	struct ear_put_beside beside;
	enum ear_err err = beside_of(p, t, &beside, fault);

	if (!err)
		err = drop_keys(p, t, fault);
	add_keys(p, t);
	for (size_t i = refreshes(t) ? 0 : 1; !err && i < 3; i++) {
		unsigned st = order[i] + (i ? t->what : 0u);

		ear_put_values(p->st[st], 1, t, &beside);
		err = run(p, st, fault);
		if (err || !sqlite3_changes(p->db))
			continue;
		fresh[t->what] += i == 2;
		break;
	}
	return err;
}

/* Rows of one table which nobody told before, as it seems: some do stand there
 * when traffic is read once more. */
static enum ear_err put_new(struct ear_put *p, const struct ear_told_row *t,
	size_t n, uint64_t fresh[EAR_LISTS], struct ear_fault *fault)
{
	unsigned st = (n == ROWS ? ST_INSERTS : ST_INSERT) + t->what;
	struct ear_put_beside beside;
	enum ear_err err = EAR_OK;
	int at = 1, added;

	for (size_t i = 0; !err && i < n; i++) {
		err = beside_of(p, &t[i], &beside, fault);
		at = ear_put_values(p->st[st], at, &t[i], &beside);
	}
	if (!err)
		err = run(p, st, fault);
	if (err)
		return err;
	added = sqlite3_changes(p->db);
	fresh[t->what] += (uint64_t)added;
	for (size_t i = 0; !err && i < n; i++) {
		if ((size_t)added == n)
			add_keys(p, &t[i]);
		else
			err = put_again(p, &t[i], fresh, fault);
	}
	return err;
}

/* As many rows of one table as go into one statement. */
static size_t run_of(
	const struct ear_put *p, const struct ear_told_row *t, size_t left)
{
	size_t n = 0;

	while (n < left && n < ROWS && t[n].what == t->what && is_row(&t[n]) &&
		t[n].at > p->newest_ns)
		n++;
	return n == ROWS ? n : 1;
}

static enum ear_err put_rows(struct ear_put *p, const struct ear_told_row *t,
	size_t left, size_t *n, uint64_t fresh[EAR_LISTS],
	struct ear_fault *fault)
{
	enum ear_err err;

	*n = run_of(p, t, left);
	if (t->at > p->newest_ns)
		err = put_new(p, t, *n, fresh, fault);
	else
		err = put_again(p, t, fresh, fault);
	for (size_t i = 0; !err && i < *n; i++)
		err = follow(p, &t[i], fault);
	return err;
}

static enum ear_err put_state(struct ear_put *p, const struct ear_told_row *t,
	const char *owner, struct ear_fault *fault)
{
	const struct ear_told_state *s = t->row;
	unsigned i = s->state.n ? ST_STATE : ST_NO_STATE;
	sqlite3_stmt *st = p->st[i];

	ear_put_text(st, 1, ear_slice_str(owner));
	sqlite3_bind_int(st, 2, s->part);
	ear_sql_bind(st, 3, s->key);
	if (s->state.n)
		ear_sql_bind_blob(st, 4, s->state);
	return run(p, i, fault);
}

static enum ear_err put_mark(struct ear_put *p,
	const struct ear_records_mark *m, struct ear_fault *fault)
{
	sqlite3_stmt *st = p->st[ST_MARK];

	ear_put_text(
		st, 1, ear_slice(m->name, strnlen(m->name, sizeof(m->name))));
	for (int i = 0; i < 3; i++)
		ear_sql_bind(st, 2 + i, m->v[i]);
	return run(p, ST_MARK, fault);
}

static enum ear_err put_counts(struct ear_put *p,
	const uint64_t fresh[EAR_LISTS], uint64_t newest_ns,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (unsigned i = 0; !err && i < EAR_LISTS; i++) {
		if (!fresh[i])
			continue;
		ear_put_text(p->st[ST_COUNT], 1,
			ear_slice_str(ear_records_table[i]));
		ear_sql_bind(p->st[ST_COUNT], 2, fresh[i]);
		err = run(p, ST_COUNT, fault);
	}
	if (err || !newest_ns)
		return err;
	ear_sql_bind(p->st[ST_NEWEST], 1, newest_ns);
	return run(p, ST_NEWEST, fault);
}

enum ear_err ear_put_batch(struct ear_put *p, const struct ear_told_batch *b,
	const char *owner, struct ear_fault *fault)
{
	uint64_t fresh[EAR_LISTS] = {0};
	enum ear_err err = EAR_OK;

	for (size_t i = 0, n; !err && i < b->n; i += n) {
		n = 1;
		if (!is_row(&b->v[i]))
			continue;
		if (b->v[i].what != EAR_TOLD_STATE)
			err = put_rows(p, &b->v[i], b->n - i, &n, fresh, fault);
		else if (owner)
			err = put_state(p, &b->v[i], owner, fault);
	}
	if (b->newest_ns > p->newest_ns)
		p->newest_ns = b->newest_ns;
	for (size_t i = 0; !err && i < b->mark_n; i++)
		err = put_mark(p, &b->marks[i], fault);
	if (!err)
		err = ear_tally_spoil(p->db, b, fault);
	return err ? err : put_counts(p, fresh, b->newest_ns, fault);
}
