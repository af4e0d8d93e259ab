/* SPDX-License-Identifier: Apache-2.0 */
/* Reading segments. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/reader.h"
#include "store/segment.h"

/* Pages of an open view, in KiB: with 64 of them kept, at most 32 MiB. */
#define VIEW_CACHE "PRAGMA cache_size=-512"

#define HEAD_COLUMNS                                                     \
	"id, level, messages, malformed, raw_bytes, first_at, last_at, " \
	"seq_base, first_seq, last_seq, classes, sum"

static const struct {
	size_t at; /* offset in struct ear_view */
	const char *sql;
} statements[] = {
	{offsetof(struct ear_view, heads),
		"SELECT " HEAD_COLUMNS " FROM block"},
	{offsetof(struct ear_view, head),
		"SELECT " HEAD_COLUMNS " FROM block WHERE id=?"},
	{offsetof(struct ear_view, facts), "SELECT facts FROM body WHERE id=?"},
	{offsetof(struct ear_view, raw), "SELECT raw FROM body WHERE id=?"},
	{offsetof(struct ear_view, key),
		"SELECT first, page FROM key WHERE run=? AND first<=?"
		" ORDER BY first DESC LIMIT 1"},
};

static sqlite3_stmt **statement(struct ear_view *v, size_t i)
{
	return (sqlite3_stmt **)((char *)v + statements[i].at);
}

#define STATEMENTS (sizeof(statements) / sizeof(statements[0]))

static enum ear_err damaged(
	struct ear_view *v, struct ear_fault *fault, const char *what)
{
	return ear_fail(fault, EAR_BAD, 0, "%s: %s", v->path, what);
}

static enum ear_err failed(struct ear_view *v, struct ear_fault *fault)
{
	return ear_sql_fail(
		fault, v->db, sqlite3_extended_errcode(v->db), v->path);
}

static enum ear_err prepare(struct ear_view *v, struct ear_fault *fault)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		if (!*statement(v, i) &&
			sqlite3_prepare_v3(v->db, statements[i].sql, -1,
				SQLITE_PREPARE_PERSISTENT, statement(v, i),
				NULL))
			return failed(v, fault);
	}
	return EAR_OK;
}

/* The path as a URI: what could mean something in one is escaped. */
static enum ear_err open_db(struct ear_view *v, struct ear_fault *fault)
{
	struct ear_buf uri = {0};
	int rc;

	ear_buf_str(&uri, "file:");
	for (const char *p = v->path; *p; p++) {
		if (*p == '?' || *p == '#' || *p == '%')
			ear_buf_printf(&uri, "%%%02x", (unsigned)*p);
		else
			ear_buf_byte(&uri, (uint8_t)*p);
	}
	ear_buf_str(&uri, v->immutable ? "?immutable=1&mode=ro" : "?mode=rw");
	ear_buf_byte(&uri, 0);
	if (uri.err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	rc = sqlite3_open_v2(uri.p, &v->db,
		SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
			(v->immutable ? SQLITE_OPEN_READONLY
				      : SQLITE_OPEN_READWRITE),
		NULL);
	if (rc && !v->immutable) {
		/* a directory that we may only look at */
		sqlite3_close(v->db);
		v->db = NULL;
		uri.n -= sizeof("?mode=rw");
		ear_buf_str(&uri, "?mode=ro");
		ear_buf_byte(&uri, 0);
		rc = uri.err ? SQLITE_NOMEM
			     : sqlite3_open_v2(uri.p, &v->db,
				       SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
					       SQLITE_OPEN_READONLY,
				       NULL);
	}
	ear_buf_fini(&uri);
	return rc ? ear_sql_fail(fault, v->db, rc, v->path) : EAR_OK;
}

static enum ear_err check_format(struct ear_view *v, struct ear_fault *fault)
{
	sqlite3_stmt *st = NULL;
	uint64_t format = 0;
	int rc;

	rc = sqlite3_prepare_v2(v->db, "PRAGMA user_version", -1, &st, NULL);
	if (!rc)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		format = ear_sql_u64(st, 0);
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW)
		return failed(v, fault);
	if (format > EAR_SEGMENT_FORMAT)
		return ear_fail(fault, EAR_UNSUPPORTED, 0,
			"%s: written by a newer Earshot (format %llu, this one "
			"knows %d)",
			v->path, (unsigned long long)format,
			EAR_SEGMENT_FORMAT);
	return EAR_OK;
}

enum ear_err ear_view_open(const char *path, bool sealed,
	struct ear_view **view, struct ear_fault *fault)
{
	struct ear_view *v = calloc(1, sizeof(*v));
	enum ear_err err;

	if (!v)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	v->immutable = sealed;
	snprintf(v->path, sizeof(v->path), "%s", path);
	err = open_db(v, fault);
	if (err && access(path, F_OK) && errno == ENOENT)
		err = EAR_GONE;
	if (!err) {
		sqlite3_busy_timeout(v->db, 2000);
		err = ear_sql_exec(v->db,
			VIEW_CACHE "; PRAGMA cell_size_check=1;"
				   " PRAGMA query_only=1; PRAGMA mmap_size=0",
			path, fault);
	}
	if (!err)
		err = check_format(v, fault);
	if (err)
		ear_view_close(&v);
	*view = v;
	return err;
}

void ear_view_close(struct ear_view **view)
{
	struct ear_view *v = *view;

	if (!v)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(*statement(v, i));
	sqlite3_close(v->db);
	free(v->runs);
	free(v);
	*view = NULL;
}

/* @return EAR_GONE when there is no such table or row yet */
static enum ear_err load_total(struct ear_view *v, struct ear_fault *fault)
{
	uint64_t *to = (uint64_t *)&v->total, sum = 0;
	sqlite3_stmt *st = NULL;
	enum ear_err err;
	int rc;

	rc = sqlite3_prepare_v2(
		v->db, "SELECT * FROM total WHERE id=1", -1, &st, NULL);
	if (rc == SQLITE_ERROR)
		return v->immutable ? damaged(v, fault, "no table of totals")
				    : EAR_GONE;
	if (rc)
		return failed(v, fault);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW &&
		sqlite3_column_count(st) == (int)EAR_TOTAL_FIELDS + 2) {
		for (size_t i = 0; i < EAR_TOTAL_FIELDS; i++)
			to[i] = ear_sql_u64(st, (int)i + 1);
		sum = ear_sql_u64(st, (int)EAR_TOTAL_FIELDS + 1);
	}
	if (rc == SQLITE_DONE)
		err = v->immutable ? damaged(v, fault, "no totals") : EAR_GONE;
	else if (rc != SQLITE_ROW)
		err = failed(v, fault);
	else
		err = sum == ear_total_sum(&v->total)
			      ? EAR_OK
			      : damaged(v, fault, "damaged totals");
	sqlite3_finalize(st);
	return err;
}

static enum ear_err load_runs(struct ear_view *v, struct ear_fault *fault)
{
	struct ear_ids ids = {v->runs, 0, v->run_n};
	enum ear_err err = EAR_OK;
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(
		v->db, "SELECT id FROM run ORDER BY id", -1, &st, NULL);
	while (!rc && !err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		err = ear_ids_add(&ids, ear_sql_u64(st, 0));
		rc = 0;
	}
	if (!err && rc != SQLITE_DONE)
		err = failed(v, fault);
	sqlite3_finalize(st);
	v->runs = ids.v;
	v->run_n = ids.n;
	if (!err && ids.n != v->total.runs)
		err = damaged(v, fault, "a run of keys is missing");
	return err;
}

enum ear_err ear_view_begin(struct ear_view *v, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (v->loaded && v->immutable)
		return EAR_OK;
	if (!v->immutable)
		err = ear_sql_exec(v->db, "BEGIN", v->path, fault);
	if (!err)
		err = load_total(v, fault);
	if (!err)
		err = load_runs(v, fault);
	if (!err)
		err = prepare(v, fault);
	v->loaded = !err;
	if (err)
		ear_view_end(v);
	return err;
}

void ear_view_end(struct ear_view *v)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_reset(*statement(v, i));
	if (!sqlite3_get_autocommit(v->db) &&
		ear_sql_exec(v->db, "COMMIT", v->path, NULL))
		v->loaded = false; /* whoever keeps it closes it */
}

static bool read_head(sqlite3_stmt *st, struct ear_block_head *h)
{
	struct ear_reader r = ear_reader(ear_sql_blob(st, 10));

	*h = (struct ear_block_head){
		.id = ear_sql_u64(st, 0),
		.level = (uint32_t)ear_sql_u64(st, 1),
		.rows = (uint32_t)ear_sql_u64(st, 2),
		.malformed = (uint32_t)ear_sql_u64(st, 3),
		.raw_bytes = ear_sql_u64(st, 4),
		.first_at = ear_sql_u64(st, 5),
		.last_at = ear_sql_u64(st, 6),
		.seq_base = (uint32_t)ear_sql_u64(st, 7),
		.first_seq = (uint32_t)ear_sql_u64(st, 8),
		.last_seq = (uint32_t)ear_sql_u64(st, 9),
	};
	for (size_t i = 0; i < EAR_CLASSES; i++)
		h->classes[i] = (uint32_t)ear_read_varint(&r);
	return !r.err && ear_sql_u64(st, 11) == ear_head_sum(h);
}

enum ear_err ear_view_heads(
	struct ear_view *v, ear_head_fn fn, void *arg, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	uint64_t n = 0;
	bool go = true;
	int rc = SQLITE_DONE;

	while (go && (rc = sqlite3_step(v->heads)) == SQLITE_ROW) {
		struct ear_block_head head;

		n++;
		if (read_head(v->heads, &head))
			go = fn(&head, arg);
		else
			err = damaged(v, fault, "damaged row of a block");
	}
	if (go && rc != SQLITE_DONE)
		err = failed(v, fault);
	else if (go && n != v->total.blocks && !err)
		err = damaged(v, fault, "blocks are missing");
	sqlite3_reset(v->heads);
	return err;
}

enum ear_err ear_view_head(struct ear_view *v, uint64_t id,
	struct ear_block_head *head, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	int rc;

	ear_sql_bind(v->head, 1, id);
	rc = sqlite3_step(v->head);
	if (rc == SQLITE_DONE ||
		(rc == SQLITE_ROW && !read_head(v->head, head)))
		err = damaged(v, fault, "damaged or missing row of a block");
	else if (rc != SQLITE_ROW)
		err = failed(v, fault);
	sqlite3_reset(v->head);
	return err;
}

static enum ear_err body(struct ear_view *v, sqlite3_stmt *st, uint64_t id,
	struct ear_slice *bytes, struct ear_fault *fault)
{
	int rc;

	sqlite3_reset(st);
	ear_sql_bind(st, 1, id);
	rc = sqlite3_step(st);
	if (rc == SQLITE_DONE)
		return damaged(v, fault, "a block is missing");
	if (rc != SQLITE_ROW)
		return failed(v, fault);
	*bytes = ear_sql_blob(st, 0);
	/* reading the bytes may fail where reading the row did not */
	if (!bytes->n)
		return damaged(v, fault, "a block cannot be read");
	return EAR_OK;
}

enum ear_err ear_view_facts(struct ear_view *v, uint64_t id,
	struct ear_slice *facts, struct ear_fault *fault)
{
	return body(v, v->facts, id, facts, fault);
}

enum ear_err ear_view_raw(struct ear_view *v, uint64_t id,
	struct ear_slice *raw, struct ear_fault *fault)
{
	return body(v, v->raw, id, raw, fault);
}

/* The blocks of a key in one page that should cover it. */
static enum ear_err find_in_page(
	sqlite3_stmt *st, uint64_t key, struct ear_ids *ids)
{
	size_t n = ids->n;
	struct ear_page page;
	enum ear_err err =
		ear_page_open(&page, ear_sql_u64(st, 0), ear_sql_blob(st, 1));

	if (!err && (key < page.first || key >= page.next))
		err = EAR_BAD;
	while (!err) {
		ids->n = n;
		err = ear_page_next(&page, ids);
		if (!err && page.key >= key)
			break;
	}
	if (err || page.key != key)
		ids->n = n;
	return err == EAR_GONE ? EAR_OK : err;
}

enum ear_err ear_view_lookup(struct ear_view *v, uint64_t key,
	struct ear_ids *ids, struct ear_fault *fault)
{
	for (size_t i = 0; i < v->run_n; i++) {
		enum ear_err err;
		int rc;

		ear_sql_bind(v->key, 1, v->runs[i]);
		ear_sql_bind(v->key, 2, key);
		rc = sqlite3_step(v->key);
		if (rc == SQLITE_ROW)
			err = find_in_page(v->key, key, ids);
		else
			err = rc == SQLITE_DONE ? EAR_BAD : failed(v, fault);
		sqlite3_reset(v->key);
		if (err == EAR_BAD)
			return damaged(v, fault, "damaged index of keys");
		if (err)
			return err;
	}
	return EAR_OK;
}

enum ear_err ear_view_marks(
	struct ear_view *v, ear_mark_fn fn, void *arg, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(v->db,
		"SELECT name, generation, a, b, c FROM mark", -1, &st, NULL);
	while (!rc && !err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct ear_store_mark mark = {
			.v = {ear_sql_u64(st, 2), ear_sql_u64(st, 3),
				ear_sql_u64(st, 4)}};
		const char *name = (const char *)sqlite3_column_text(st, 0);

		snprintf(mark.name, sizeof(mark.name), "%s", name ? name : "");
		err = fn(&mark, ear_sql_u64(st, 1), arg);
		rc = 0;
	}
	if (!err && rc != SQLITE_DONE)
		err = failed(v, fault);
	sqlite3_finalize(st);
	return err;
}
