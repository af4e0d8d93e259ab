/* SPDX-License-Identifier: Apache-2.0 */
/* Runs become larger ones, and old ones go. */
#include "records/key_priv.h"

/*
 * Runs of about one size are merged when there are so many of them. Sizes
 * differ by LEVEL_BITS; what has reached the highest stays as it is, so that an
 * entry is written a few times at most, however many there are.
 */
#define FAN 8
#define LEVEL_BITS 3
#define LEVELS 4
#define LEVEL_FIRST 512
/* Entries of which a transaction that merges some begins with no more: a batch
 * is waiting behind it. */
#define STEP 65536
/* Runs that are dropped at once. */
#define GONE 256

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
	uint64_t n;     /* entries */
};

/* The runs of an index, the newest first. */
static sqlite3_stmt *runs_of(struct ear_keys *k, enum ear_key_of of)
{
	ear_sql_bind(k->st[KEY_RUNS], 1, of);
	return k->st[KEY_RUNS];
}

static enum ear_err runs_read(
	struct ear_keys *k, int rc, struct ear_fault *fault)
{
	sqlite3_reset(k->st[KEY_RUNS]);
	return rc == SQLITE_ROW || rc == SQLITE_DONE
		       ? EAR_OK
		       : ear_sql_fail(fault, k->db, rc, k->path);
}

static enum ear_err choose(struct ear_keys *k, enum ear_key_of of,
	struct choice *c, struct ear_fault *fault)
{
	sqlite3_stmt *runs = runs_of(k, of);
	uint64_t oldest[LEVELS] = {0}, entries[LEVELS] = {0};
	unsigned n[LEVELS] = {0}, top = 0, most = LEVELS;
	bool more = false;
	int rc;

	*c = (struct choice){0};
	while ((rc = sqlite3_step(runs)) == SQLITE_ROW) {
		unsigned level = level_of(ear_sql_u64(runs, 1));

		top = level > top ? level : top;
		if (top == LEVELS) {
			more = true;
			break;
		}
		for (unsigned i = top; i < LEVELS; i++) {
			n[i]++;
			entries[i] += ear_sql_u64(runs, 1);
			oldest[i] = ear_sql_u64(runs, 0);
		}
	}
	for (unsigned i = LEVELS; i-- > 0;) {
		if (n[i] >= FAN)
			most = i;
	}
	if (most < LEVELS) {
		c->first = oldest[most];
		c->n = entries[most];
		c->all = !more && oldest[most] == oldest[LEVELS - 1];
	}
	return runs_read(k, rc, fault);
}

static enum ear_err drop_run(
	struct ear_keys *k, uint64_t run, struct ear_fault *fault)
{
	enum ear_err err;

	ear_sql_bind(k->st[KEY_DROP_PAGES], 1, run);
	err = key_finish(k, KEY_DROP_PAGES, fault);
	ear_sql_bind(k->st[KEY_DROP], 1, run);
	return err ? err : key_finish(k, KEY_DROP, fault);
}

static enum ear_err drop_from(struct ear_keys *k, enum ear_key_of of,
	uint64_t first, uint64_t before, struct ear_fault *fault)
{
	enum ear_err err;
	uint64_t gone[GONE];
	size_t n;

	do {
		sqlite3_stmt *st = runs_of(k, of);
		int rc = SQLITE_ROW;

		n = 0;
		while (n < GONE && (rc = sqlite3_step(st)) == SQLITE_ROW &&
			ear_sql_u64(st, 0) >= first) {
			if (ear_sql_u64(st, 0) < before)
				gone[n++] = ear_sql_u64(st, 0);
		}
		err = runs_read(k, rc, fault);
		for (size_t i = 0; !err && i < n; i++)
			err = drop_run(k, gone[i], fault);
	} while (!err && n == GONE);
	return err;
}

static enum ear_err merge(struct ear_keys *k, enum ear_key_of of,
	const struct choice *c, struct ear_fault *fault)
{
	struct ear_key_ask ask = {.of = of, .first_run = c->first};
	struct ear_key_walk *walk = NULL;
	struct ear_key_entry e;
	struct key_run r;
	int rc = ear_key_walk_new(k->db, &ask, 0, INT64_MAX, NULL, NULL, &walk);

	key_run_begin(k, &r, fault);
	while (!rc && !r.err &&
		(rc = ear_key_walk_next(walk, !c->all, &e)) == SQLITE_ROW) {
		key_run_add(&r, &e);
		rc = SQLITE_OK;
	}
	ear_key_walk_free(&walk);
	if (rc && rc != SQLITE_DONE && !r.err)
		r.err = ear_sql_fail(fault, k->db, rc, k->path);
	if (!r.err)
		r.err = drop_from(k, of, c->first, r.run, fault);
	return key_run_end(&r, of);
}

enum ear_err ear_keys_merge(struct ear_keys *k, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	uint64_t done = 0;

	for (unsigned i = 0; !err && done < STEP && i < EAR_KEYS; i++) {
		enum ear_key_of of = (enum ear_key_of)(k->turn % EAR_KEYS);
		struct choice c;

		k->turn = of + 1;
		err = choose(k, of, &c, fault);
		if (!err && c.first)
			err = merge(k, of, &c, fault);
		done += c.n;
	}
	return err;
}

enum ear_err ear_keys_retain(
	struct ear_keys *k, uint64_t before_ns, struct ear_fault *fault)
{
	sqlite3_stmt *st = k->st[KEY_OLD];
	enum ear_err err = EAR_OK;
	int rc;

	do {
		uint64_t run = 0;

		ear_sql_bind(st, 1, before_ns);
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW)
			run = ear_sql_u64(st, 0);
		sqlite3_reset(st);
		if (rc == SQLITE_ROW)
			err = drop_run(k, run, fault);
		else if (rc != SQLITE_DONE)
			err = ear_sql_fail(fault, k->db, rc, k->path);
	} while (!err && rc == SQLITE_ROW);
	return err;
}
