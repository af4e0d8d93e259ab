/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key runs of a segment: written sorted, merged from time to time, so that
 * nothing is ever inserted in the middle of an index.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/segment.h"

/* Where a page goes. */
struct to {
	struct ear_segment *s;
	uint64_t run;
	struct ear_fault *fault;
};

static enum ear_err put_page(uint64_t first, struct ear_slice page, void *arg)
{
	struct to *to = arg;
	sqlite3_stmt *st = to->s->put_key;

	ear_sql_bind(st, 1, to->run);
	ear_sql_bind(st, 2, first);
	ear_sql_bind_blob(st, 3, page);
	return ear_sql_run(st, to->s->path, to->fault);
}

static enum ear_err new_run(struct ear_segment *s, uint32_t level,
	uint32_t tier, struct to *to, struct ear_fault *fault)
{
	*to = (struct to){s, s->total.next_run++, fault};
	s->total.runs++;
	ear_sql_bind(s->put_run, 1, to->run);
	ear_sql_bind(s->put_run, 2, level);
	ear_sql_bind(s->put_run, 3, tier);
	return ear_sql_run(s->put_run, s->path, fault);
}

enum ear_err ear_segment_add_run(struct ear_segment *s, uint32_t level,
	uint32_t tier, const struct ear_key_ref *refs, size_t n,
	struct ear_fault *fault)
{
	struct to to;
	enum ear_err err = new_run(s, level, tier, &to, fault), end;
	struct ear_page_writer w = {.emit = put_page, .arg = &to};
	struct ear_ids ids = {0};

	for (size_t i = 0; !err && i < n;) {
		uint64_t key = refs[i].key;

		ids.n = 0;
		for (; !err && i < n && refs[i].key == key; i++)
			err = ear_ids_add(&ids, refs[i].block);
		if (!err)
			err = ear_pages_add(&w, key, ids.v, ids.n);
	}
	end = ear_pages_end(&w);
	ear_ids_fini(&ids);
	return err ? err : end;
}

/* One of the runs that are merged, at one of its keys. */
struct source {
	sqlite3_stmt *st;
	struct ear_page page;
	struct ear_ids ids; /* blocks of page.key */
	bool done;
};

static enum ear_err advance(
	struct ear_segment *s, struct source *from, struct ear_fault *fault)
{
	for (;;) {
		enum ear_err err = EAR_GONE;
		int rc;

		from->ids.n = 0;
		if (from->page.p)
			err = ear_page_next(&from->page, &from->ids);
		if (err != EAR_GONE)
			return err;
		rc = sqlite3_step(from->st);
		if (rc == SQLITE_DONE) {
			from->done = true;
			return EAR_OK;
		}
		if (rc != SQLITE_ROW)
			return ear_sql_fail(fault, s->db,
				sqlite3_extended_errcode(s->db), s->path);
		err = ear_page_open(&from->page, ear_sql_u64(from->st, 0),
			ear_sql_blob(from->st, 1));
		if (err)
			return ear_fail(fault, err, 0,
				"%s: damaged index of keys", s->path);
	}
}

static enum ear_err open_sources(struct ear_segment *s,
	const struct ear_ids *runs, struct source *from,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (size_t i = 0; !err && i < runs->n; i++) {
		if (sqlite3_prepare_v2(s->db,
			    "SELECT first, page FROM key WHERE run=?"
			    " ORDER BY first",
			    -1, &from[i].st, NULL))
			return ear_sql_fail(fault, s->db,
				sqlite3_extended_errcode(s->db), s->path);
		ear_sql_bind(from[i].st, 1, runs->v[i]);
		err = advance(s, &from[i], fault);
	}
	return err;
}

static enum ear_err delete_run(
	struct ear_segment *s, uint64_t run, struct ear_fault *fault)
{
	static const char *const sql[] = {
		"DELETE FROM key WHERE run=?", "DELETE FROM run WHERE id=?"};
	enum ear_err err = EAR_OK;

	for (size_t i = 0; !err && i < 2; i++) {
		sqlite3_stmt *st = NULL;

		if (sqlite3_prepare_v2(s->db, sql[i], -1, &st, NULL))
			return ear_sql_fail(fault, s->db,
				sqlite3_extended_errcode(s->db), s->path);
		ear_sql_bind(st, 1, run);
		err = ear_sql_run(st, s->path, fault);
		sqlite3_finalize(st);
	}
	if (!err)
		s->total.runs--;
	return err;
}

/* Take the smallest key of all sources, with the blocks of all that have it. */
static enum ear_err merge_one(struct ear_segment *s, struct source *from,
	size_t n, struct ear_ids *ids, struct ear_page_writer *w,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	uint64_t key = EAR_KEY_END;

	for (size_t i = 0; i < n; i++) {
		if (!from[i].done && from[i].page.key < key)
			key = from[i].page.key;
	}
	if (key == EAR_KEY_END)
		return EAR_GONE;
	ids->n = 0;
	for (size_t i = 0; !err && i < n; i++) {
		if (from[i].done || from[i].page.key != key)
			continue;
		for (size_t k = 0; !err && k < from[i].ids.n; k++)
			err = ear_ids_add(ids, from[i].ids.v[k]);
		if (!err)
			err = advance(s, &from[i], fault);
	}
	ear_ids_sort(ids);
	return err ? err : ear_pages_add(w, key, ids->v, ids->n);
}

enum ear_err ear_segment_merge(struct ear_segment *s,
	const struct ear_ids *runs, uint32_t level, uint32_t tier,
	struct ear_fault *fault)
{
	struct source *from = calloc(runs->n + 1, sizeof(*from));
	struct to to;
	struct ear_page_writer w = {.emit = put_page, .arg = &to};
	struct ear_ids ids = {0};
	enum ear_err err, end;

	if (!from)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = new_run(s, level, tier, &to, fault);
	if (!err)
		err = open_sources(s, runs, from, fault);
	while (!err)
		err = merge_one(s, from, runs->n, &ids, &w, fault);
	if (err == EAR_GONE)
		err = EAR_OK;
	end = ear_pages_end(&w);
	err = err ? err : end;
	for (size_t i = 0; i < runs->n; i++) {
		sqlite3_finalize(from[i].st);
		ear_ids_fini(&from[i].ids);
	}
	for (size_t i = 0; !err && i < runs->n; i++)
		err = delete_run(s, runs->v[i], fault);
	ear_ids_fini(&ids);
	free(from);
	return err;
}

enum ear_err ear_segment_runs(struct ear_segment *s, uint32_t level,
	uint32_t tier, struct ear_ids *ids, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(s->db,
		"SELECT id FROM run WHERE (level=?1 AND tier=?2) OR"
		" (level<=?1 AND ?2=4294967295) ORDER BY id",
		-1, &st, NULL);
	if (!rc) {
		ear_sql_bind(st, 1, level);
		ear_sql_bind(st, 2, tier);
	}
	while (!rc && !err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		err = ear_ids_add(ids, ear_sql_u64(st, 0));
		rc = 0;
	}
	if (!err && rc != SQLITE_DONE)
		err = ear_sql_fail(
			fault, s->db, sqlite3_extended_errcode(s->db), s->path);
	sqlite3_finalize(st);
	return err;
}

/* What blocks up to a level contribute to the totals. */
static enum ear_err subtract(
	struct ear_segment *s, uint32_t level, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(s->db,
		    "SELECT count(*), ifnull(sum(messages), 0),"
		    " ifnull(sum(malformed), 0), ifnull(sum(raw_bytes), 0)"
		    " FROM block WHERE level<=?",
		    -1, &st, NULL))
		return ear_sql_fail(
			fault, s->db, sqlite3_extended_errcode(s->db), s->path);
	ear_sql_bind(st, 1, level);
	if (sqlite3_step(st) == SQLITE_ROW) {
		s->total.blocks -= ear_sql_u64(st, 0);
		s->total.messages -= ear_sql_u64(st, 1);
		s->total.malformed -= ear_sql_u64(st, 2);
		s->total.raw_bytes -= ear_sql_u64(st, 3);
	} else {
		err = ear_sql_fail(
			fault, s->db, sqlite3_extended_errcode(s->db), s->path);
	}
	sqlite3_finalize(st);
	return err;
}

enum ear_err ear_segment_drop(
	struct ear_segment *s, uint32_t level, struct ear_fault *fault)
{
	struct ear_ids runs = {0};
	enum ear_err err = subtract(s, level, fault);
	char sql[160];

	snprintf(sql, sizeof(sql),
		"DELETE FROM body WHERE id IN"
		" (SELECT id FROM block WHERE level<=%u);"
		"DELETE FROM block WHERE level<=%u",
		level, level);
	if (!err)
		err = ear_sql_exec(s->db, sql, s->path, fault);
	if (!err)
		err = ear_segment_runs(s, level, UINT32_MAX, &runs, fault);
	for (size_t i = 0; !err && i < runs.n; i++)
		err = delete_run(s, runs.v[i], fault);
	ear_ids_fini(&runs);
	return err;
}
