/* SPDX-License-Identifier: Apache-2.0 */
/* The indexes as a table of SQL, so that they are joined with their rows. */
#include "records/keys.h"

#include <stdlib.h>

enum {
	COLUMN_VALUE,
	COLUMN_AT,
	COLUMN_ID,
	COLUMN_N,
	COLUMN_ASK,
	COLUMN_FROM,
	COLUMN_TO
};

/* Arguments that must be there. */
#define ARGUMENTS 3

struct halt {
	int (*fn)(void *arg);
	void *arg;
};

struct table {
	sqlite3_vtab base;
	sqlite3 *db;
	struct halt *halt; /* of the module */
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct ear_key_ask *ask; /* borrowed from the statement's owner */
	struct ear_key_walk *walk;
	struct ear_key_entry now;
	uint8_t key[EAR_KEY_MAX];
	uint64_t n;
	/* counting: the entry that is the first of the next key */
	struct ear_key_entry ahead;
	bool end, has_ahead;
};

static int connect_table(sqlite3 *db, void *aux, int argc,
	const char *const *argv, sqlite3_vtab **out, char **error)
{
	struct table *t = sqlite3_malloc(sizeof(*t));
	int rc = sqlite3_declare_vtab(db,
		"CREATE TABLE x(key_value, key_at INTEGER, key_id INTEGER,"
		" key_n INTEGER, ask HIDDEN, from_ns HIDDEN, to_ns HIDDEN)");

	(void)argc;
	(void)argv;
	(void)error;
	if (rc || !t) {
		sqlite3_free(t);
		return rc ? rc : SQLITE_NOMEM;
	}
	*t = (struct table){.db = db, .halt = aux};
	*out = &t->base;
	return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

/* The three arguments, in their order. The order of the rows is as ask says,
 * who is the same as wrote the statement. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	int found = 0;

	(void)base;
	for (int i = 0; i < info->nConstraint; i++) {
		int column = info->aConstraint[i].iColumn;

		if (column < COLUMN_ASK ||
			info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!info->aConstraint[i].usable)
			return SQLITE_CONSTRAINT;
		info->aConstraintUsage[i].argvIndex = column - COLUMN_ASK + 1;
		info->aConstraintUsage[i].omit = 1;
		found++;
	}
	info->orderByConsumed =
		info->nOrderBy > 0 && info->aOrderBy[0].iColumn != COLUMN_N;
	info->estimatedCost = 100;
	info->estimatedRows = 100;
	return found == ARGUMENTS ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof(*c));

	(void)base;
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){0};
	*out = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	ear_key_walk_free(&c->walk);
	sqlite3_free(c);
	return SQLITE_OK;
}

/* An entry outlives the walk's next step in the room of its key. */
static void hold(struct cursor *c, const struct ear_key_entry *e)
{
	c->now = *e;
	if (e->key.n)
		memcpy(c->key, e->key.p, e->key.n);
	c->now.key.p = (const char *)c->key;
}

/* All entries of the next key. */
static int next_key(struct cursor *c)
{
	int rc = SQLITE_ROW;

	if (!c->has_ahead)
		rc = ear_key_walk_next(c->walk, false, &c->ahead);
	c->has_ahead = false;
	if (rc != SQLITE_ROW)
		return rc;
	hold(c, &c->ahead);
	c->n = 1;
	while ((rc = ear_key_walk_next(c->walk, false, &c->ahead)) ==
		SQLITE_ROW) {
		if (!ear_slice_eq(c->ahead.key, c->now.key)) {
			c->has_ahead = true;
			break;
		}
		c->n++;
	}
	return rc == SQLITE_DONE ? SQLITE_ROW : rc;
}

static int next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	struct ear_key_entry e;
	int rc;

	if (c->ask->count) {
		rc = next_key(c);
	} else {
		rc = ear_key_walk_next(c->walk, false, &e);
		if (rc == SQLITE_ROW)
			hold(c, &e);
	}
	c->end = rc != SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *text,
	int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct table *t = (struct table *)base->pVtab;
	int rc;

	(void)number;
	(void)text;
	ear_key_walk_free(&c->walk);
	*c = (struct cursor){.base = c->base};
	c->end = true;
	c->ask = argc == ARGUMENTS
			 ? sqlite3_value_pointer(argv[0], "ear_key_ask")
			 : NULL;
	if (!c->ask)
		return SQLITE_OK;
	rc = ear_key_walk_new(t->db, c->ask,
		(uint64_t)sqlite3_value_int64(argv[1]),
		(uint64_t)sqlite3_value_int64(argv[2]), t->halt->fn,
		t->halt->arg, &c->walk);
	return rc ? rc : next(base);
}

static int at_end(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->end;
}

static void result_value(const struct cursor *c, sqlite3_context *to)
{
	struct ear_slice key = c->now.key;
	uint64_t v = 0;

	switch (c->ask->of) {
	case EAR_KEY_CALL_SRC:
	case EAR_KEY_CALL_DST:
	case EAR_KEY_SESSION_PEER:
		sqlite3_result_text(to, key.p, (int)key.n, SQLITE_TRANSIENT);
		return;
	case EAR_KEY_SESSION_REMOTE:
		sqlite3_result_blob(to, key.p, (int)key.n, SQLITE_TRANSIENT);
		return;
	default:
		for (size_t i = 0; i < key.n && i < 8; i++)
			v = v << 8 | (uint8_t)key.p[i];
		sqlite3_result_int64(to, (sqlite3_int64)v);
	}
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *to, int at)
{
	const struct cursor *c = (const struct cursor *)base;

	switch (at) {
	case COLUMN_VALUE: result_value(c, to); break;
	case COLUMN_AT:
		sqlite3_result_int64(to, (sqlite3_int64)c->now.at);
		break;
	case COLUMN_ID:
		sqlite3_result_int64(to, (sqlite3_int64)c->now.id);
		break;
	case COLUMN_N: sqlite3_result_int64(to, (sqlite3_int64)c->n); break;
	default: sqlite3_result_null(to);
	}
	return SQLITE_OK;
}

static int row_number(sqlite3_vtab_cursor *base, sqlite3_int64 *row)
{
	*row = (sqlite3_int64)((struct cursor *)base)->now.id;
	return SQLITE_OK;
}

int ear_key_table(sqlite3 *db, int (*halt)(void *arg), void *arg)
{
	/* no xCreate: it is there without being made */
	static const sqlite3_module module = {.iVersion = 1,
		.xConnect = connect_table,
		.xBestIndex = best_index,
		.xDisconnect = disconnect,
		.xOpen = open_cursor,
		.xClose = close_cursor,
		.xFilter = filter,
		.xNext = next,
		.xEof = at_end,
		.xColumn = column,
		.xRowid = row_number};
	struct halt *h = malloc(sizeof(*h));

	if (!h)
		return SQLITE_NOMEM;
	*h = (struct halt){halt, arg};
	return sqlite3_create_module_v2(db, "ear_keys", &module, h, free);
}
