/* SPDX-License-Identifier: Apache-2.0 */
/* How often each value of a column occurs: counted span by span, the newest
 * first, so that what the time did not suffice for is the oldest. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "records/tally.h"

/* Different values that are counted; what is more is told. */
#define VALUES_MAX 200000

struct value {
	struct ear_slice key; /* owned; as it is shown */
	uint64_t count;
};

struct counting {
	struct ear_rows rows;
	struct value *v; /* owned */
	size_t n, cap;
	uint32_t *slot; /* owned; index + 1 */
	size_t slots;
	size_t most; /* values that are wanted */
	bool over;
};

static size_t place(struct ear_slice key, size_t slots)
{
	return ear_hash_seed(key, ear_hash_secret()) & (slots - 1);
}

static bool grow(struct counting *c)
{
	size_t slots = c->slots ? c->slots * 2 : 1024;
	uint32_t *slot = calloc(slots, sizeof(*slot));
	struct value *v = realloc(c->v, slots / 2 * sizeof(*v));

	if (v)
		c->v = v;
	if (!slot || !v) {
		free(slot);
		return false;
	}
	free(c->slot);
	c->slot = slot;
	c->slots = slots;
	c->cap = slots / 2;
	for (size_t i = 0; i < c->n; i++) {
		size_t at = place(c->v[i].key, slots);

		while (slot[at])
			at = (at + 1) & (slots - 1);
		slot[at] = (uint32_t)i + 1;
	}
	return true;
}

static bool add(struct counting *c, struct ear_slice key, uint64_t count)
{
	size_t at;
	char *copy;

	if (c->n == c->cap && !grow(c))
		return false;
	for (at = place(key, c->slots); c->slot[at];
		at = (at + 1) & (c->slots - 1)) {
		struct value *v = &c->v[c->slot[at] - 1];

		if (ear_slice_eq(v->key, key)) {
			v->count += count;
			return true;
		}
	}
	if (c->n >= VALUES_MAX) {
		c->over = true;
		return true;
	}
	copy = malloc(key.n + 1);
	if (!copy)
		return false;
	if (key.n)
		memcpy(copy, key.p, key.n);
	c->slot[at] = (uint32_t)c->n + 1;
	c->v[c->n++] = (struct value){ear_slice(copy, key.n), count};
	return true;
}

static int by_count(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return ear_slice_cmp(x->key, y->key);
}

/* The value as the list shows it. */
static struct ear_slice shown(const struct ear_column_of *of, sqlite3_stmt *st,
	char room[EAR_ADDR_TEXT])
{
	struct ear_slice ip = ear_sql_blob(st, 0);
	struct ear_addr a;
	int64_t i;

	switch ((enum ear_column_kind)of->kind) {
	case EAR_KIND_ADDR:
	case EAR_KIND_IP:
		/* ports tell nobody anything: hosts are counted */
		a = ip.n == 4    ? ear_addr_v4(ip.p, 0)
		    : ip.n == 16 ? ear_addr_v6(ip.p, 0)
				 : (struct ear_addr){0};
		return ear_slice(room, ear_addr_ip_text(&a, room));
	case EAR_KIND_ENUM:
		i = sqlite3_column_int64(st, 0) - of->words->base;
		for (int64_t k = 0; of->words->word[k]; k++) {
			if (k == i)
				return ear_slice_str(of->words->word[k]);
		}
		return EAR_S("");
	case EAR_KIND_BOOL:
		return sqlite3_column_int(st, 0) ? EAR_S("true")
						 : EAR_S("false");
	case EAR_KIND_HEX:
		return ear_slice(
			room, (size_t)snprintf(room, EAR_ADDR_TEXT, "%llx",
				      (unsigned long long)ear_sql_u64(st, 0)));
	default:
		/* numbers too: SQLite writes them */
		return ear_slice(sqlite3_column_text(st, 0),
			(size_t)sqlite3_column_bytes(st, 0));
	}
}

/* An index of keys that has the column, and no filter to ask: it is enough to
 * count. Calls alone: of sessions that failed the list shows none. */
static enum ear_key_of covering(
	const struct ear_rows *r, sqlite3 *db, const struct ear_column_of *of)
{
	enum ear_key_of key = ear_key_named(of->index);

	if (r->query->filter.n || *r->base || r->list != EAR_LIST_CALLS ||
		(key != EAR_KEY_CALL_SRC && key != EAR_KEY_CALL_DST) ||
		!ear_rows_may_count_keys(db))
		return EAR_KEYS_NONE;
	return key;
}

/* Of dispositions the newest are not counted in advance: their keys are. */
static bool by_outcome(
	const struct ear_rows *r, sqlite3 *db, const struct ear_column_of *of)
{
	return !r->query->filter.n && !*r->base &&
	       ear_key_named(of->index) == EAR_KEY_CALL_OUTCOME &&
	       ear_rows_may_count_keys(db);
}

static enum ear_err prepare(struct counting *c, struct ear_records *records,
	sqlite3 *db, const struct ear_column_of *of, sqlite3_stmt **st,
	struct ear_fault *fault)
{
	const char *end = of->kind == EAR_KIND_ADDR || of->kind == EAR_KIND_IP
				  ? "_ip"
				  : "";
	struct ear_buf sql = {0};
	enum ear_err err;

	if (by_outcome(&c->rows, db, of)) {
		ear_rows_ask_calls(&c->rows, db, EAR_KEY_CALL_OUTCOME);
		ear_buf_str(&sql, "SELECT key_value,sum(key_n)");
		ear_rows_from_asked(&sql);
	} else {
		ear_buf_printf(&sql, "SELECT %s%s,count(*)", of->sql, end);
		ear_rows_from(&c->rows, NULL, &sql);
		ear_rows_where(&c->rows, !c->rows.open, &sql);
	}
	ear_buf_str(&sql, " GROUP BY 1");
	err = ear_rows_prepare(&c->rows, records, db, &sql, st, fault);
	ear_buf_fini(&sql);
	return err;
}

static enum ear_err count_span(struct counting *c, sqlite3_stmt *st,
	const struct ear_column_of *of, int *rc)
{
	char room[EAR_ADDR_TEXT];
	enum ear_err err = EAR_OK;

	while ((*rc = sqlite3_step(st)) == SQLITE_ROW) {
		if (!add(c, shown(of, st, room), ear_sql_u64(st, 1))) {
			err = EAR_NOMEM;
			break;
		}
	}
	sqlite3_reset(st);
	return err;
}

/* What is counted in advance, at once. */
static enum ear_err count_counted(struct counting *c,
	struct ear_records *records, sqlite3 *db,
	const struct ear_column_of *of, int *rc, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	sqlite3_stmt *st = NULL;
	uint64_t first, last;
	enum ear_err err;

	if (!ear_tally_slots(c->rows.from_ns, c->rows.to_ns, &first, &last))
		return EAR_OK;
	ear_buf_printf(&sql, "SELECT %s,sum(n)", of->sql);
	ear_tally_from(&c->rows, &sql);
	ear_buf_str(&sql, " GROUP BY 1");
	err = ear_rows_prepare(&c->rows, records, db, &sql, &st, fault);
	ear_buf_fini(&sql);
	if (err)
		return err;
	ear_sql_bind(st, ROWS_FROM, first);
	ear_sql_bind(st, ROWS_TO, last);
	err = count_span(c, st, of, rc);
	sqlite3_finalize(st);
	return err;
}

/* Row by row, from what st has been bound to, span by span. */
static enum ear_err count_rows(struct counting *c, sqlite3 *db,
	sqlite3_stmt *st, sqlite3_stmt **next, const struct ear_column_of *of,
	uint64_t *done, int *rc)
{
	uint64_t span = EAR_SPAN_NONE;
	enum ear_err err = EAR_OK;

	while (!err && *rc == SQLITE_DONE) {
		if (!c->rows.open) {
			span = ear_rows_span(&c->rows, db, next, span, false);
			if (span == EAR_SPAN_NONE)
				break;
			ear_rows_bind_span(&c->rows, st, span);
		}
		err = count_span(c, st, of, rc);
		if (*rc == SQLITE_DONE)
			*done = span;
		if (c->rows.open)
			break;
	}
	return err;
}

/* Key by key, the newest so many. @param[out] rc SQLite's last word */
static enum ear_err count_newest(struct counting *c,
	struct ear_records *records, sqlite3 *db, enum ear_key_of key,
	uint64_t entries, const struct ear_column_of *of,
	struct ear_rows_found *found, int *rc, struct ear_fault *fault)
{
	uint64_t since = ear_key_since(db, key, entries);
	struct ear_buf sql = {0};
	sqlite3_stmt *st;
	enum ear_err err;

	ear_rows_ask_calls(&c->rows, db, key);
	ear_buf_str(&sql, "SELECT key_value,key_n");
	ear_rows_from_asked(&sql);
	/* one more, to know that there are more */
	ear_buf_printf(&sql, " ORDER BY key_n DESC,key_value LIMIT %zu",
		c->most < VALUES_MAX ? c->most + 1 : VALUES_MAX);
	err = ear_rows_prepare(&c->rows, records, db, &sql, &st, fault);
	ear_buf_fini(&sql);
	if (err)
		return err;
	if (since > c->rows.from_ns) {
		c->rows.from_ns = since;
		ear_rows_late(found, since);
	}
	ear_sql_bind(st, ROWS_FROM, c->rows.from_ns);
	err = count_span(c, st, of, rc);
	sqlite3_finalize(st);
	return err == EAR_NOMEM ? ear_fail(fault, err, 0, "out of memory")
				: err;
}

/* As many as half of the time is likely to suffice for, on a machine with
 * nothing else to do; else a tenth of them in the other half. */
static enum ear_err count_keys(struct counting *c, struct ear_records *records,
	struct ear_reader_db *reader, enum ear_key_of key,
	const struct ear_column_of *of, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	static const uint64_t entries[] = {5000000, 500000};
	uint64_t deadline = reader->deadline_ns, now = ear_mono_ns();
	enum ear_err err = EAR_OK;
	int rc = SQLITE_INTERRUPT;

	if (deadline > now)
		reader->deadline_ns = now + (deadline - now) / 2;
	for (size_t i = 0; !err && i < 2 && (rc & 0xff) == SQLITE_INTERRUPT;
		i++) {
		err = count_newest(c, records, reader->db, key, entries[i], of,
			found, &rc, fault);
		reader->deadline_ns = deadline;
	}
	if (!err && (rc & 0xff) == SQLITE_INTERRUPT) {
		found->complete = false;
		snprintf(found->why, sizeof(found->why),
			"the time was over before the values were counted");
	} else if (!err && rc != SQLITE_DONE) {
		err = ear_reader_failed(records, reader->db, fault);
	}
	return err;
}

static enum ear_err count_all(struct counting *c, struct ear_records *records,
	sqlite3 *db, const struct ear_column_of *of,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	uint64_t to = c->rows.to_ns, done = EAR_SPAN_NONE;
	bool counted = c->rows.counted && ear_tally_has(c->rows.list, of->sql);
	struct ear_gaps gaps = {0};
	sqlite3_stmt *st, *next = NULL;
	enum ear_err err = prepare(c, records, db, of, &st, fault);
	int rc = SQLITE_DONE;

	if (err)
		return err;
	err = ear_gaps_init(
		&gaps, &c->rows, records, db, counted, true, false, fault);
	if (!err && counted)
		err = count_counted(c, records, db, of, &rc, fault);
	while (!err && rc == SQLITE_DONE && ear_gaps_next(&gaps)) {
		c->rows.from_ns = gaps.from_ns;
		c->rows.to_ns = gaps.to_ns;
		ear_sql_bind(st, ROWS_FROM, gaps.from_ns);
		ear_sql_bind(st, ROWS_TO, gaps.to_ns);
		err = count_rows(c, db, st, &next, of, &done, &rc);
	}
	if (rc == SQLITE_DONE)
		rc = gaps.rc;
	if (err == EAR_NOMEM)
		err = ear_fail(fault, err, 0, "out of memory");
	else if (!err && (rc & 0xff) == SQLITE_INTERRUPT)
		ear_rows_late(found,
			done == EAR_SPAN_NONE ? to : done << EAR_SPAN_BITS);
	else if (!err && rc != SQLITE_DONE)
		err = ear_reader_failed(records, db, fault);
	ear_gaps_fini(&gaps);
	sqlite3_finalize(st);
	sqlite3_finalize(next);
	return err;
}

static enum ear_err count(struct counting *c, struct ear_records *records,
	struct ear_reader_db *reader, const struct ear_column_of *of,
	struct ear_rows_found *found, struct ear_fault *fault)
{
	enum ear_key_of key = covering(&c->rows, reader->db, of);

	return key == EAR_KEYS_NONE
		       ? count_all(c, records, reader->db, of, found, fault)
		       : count_keys(c, records, reader, key, of, found, fault);
}

static void hand_out(struct counting *c, size_t most, ear_facet_fn fn,
	void *arg, struct ear_rows_found *found)
{
	if (c->n)
		qsort(c->v, c->n, sizeof(*c->v), by_count);
	for (size_t i = 0; i < c->n && i < most; i++) {
		found->rows++;
		if (!fn(c->v[i].key, c->v[i].count, arg))
			break;
	}
	found->more = c->n > most;
	if (!c->over || !found->complete)
		return;
	found->complete = false;
	snprintf(found->why, sizeof(found->why),
		"more than %d different values; not all are counted",
		VALUES_MAX);
}

enum ear_err ear_records_facet(struct ear_records *records,
	const struct ear_rows_query *query, const char *column, size_t most,
	ear_facet_fn fn, void *arg, struct ear_rows_found *found,
	struct ear_fault *fault)
{
	struct counting c = {.most = most};
	struct ear_reader_db *reader;
	const struct ear_column_of *of;
	enum ear_err err;
	size_t at;

	*found = (struct ear_rows_found){.complete = true};
	if (!ear_column_find(query->list, column, &at) ||
		ear_column_of(query->list)[at].kind == EAR_KIND_ROW)
		return ear_fail(fault, EAR_USAGE, 0,
			"there is no column '%.64s' to count by", column);
	of = &ear_column_of(query->list)[at];
	err = ear_reader_take(records, &reader, fault);
	if (err)
		return err;
	err = ear_rows_init(&c.rows, query,
		ear_file_u64(reader->db,
			"SELECT n FROM meta WHERE name='newest'", 0),
		fault);
	if (!err) {
		reader->deadline_ns = query->deadline_ns;
		reader->stop = query->stop;
		err = ear_reader_begin(records, reader, fault);
		if (!err && c.rows.from_ns <= c.rows.to_ns)
			err = count(&c, records, reader, of, found, fault);
		ear_reader_end(reader);
	}
	if (!err)
		hand_out(&c, most, fn, arg, found);
	for (size_t i = 0; i < c.n; i++)
		free((void *)(uintptr_t)c.v[i].key.p);
	free(c.v);
	free(c.slot);
	ear_rows_fini(&c.rows);
	ear_reader_give(records, &reader);
	return err;
}
