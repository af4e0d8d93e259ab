/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a segment: its file, its lock, its rows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/segment.h"

/*
 * Pages of 16 KiB: blocks of some 25 KiB take two or three, a page of keys a
 * quarter of one. The WAL is synced at each commit, since a committed mark
 * lets the journal forget what stands before it.
 */
static const char pragmas[] = "PRAGMA page_size=16384;"
			      "PRAGMA journal_mode=WAL;"
			      "PRAGMA synchronous=FULL;"
			      "PRAGMA wal_autocheckpoint=1000;"
			      "PRAGMA journal_size_limit=67108864;"
			      "PRAGMA cache_size=-8192;"
			      "PRAGMA secure_delete=OFF;"
			      "PRAGMA mmap_size=0;";

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS total(id INTEGER PRIMARY KEY,"
	" messages INTEGER, malformed INTEGER, raw_bytes INTEGER,"
	" blocks INTEGER, runs INTEGER, first_at INTEGER, last_at INTEGER,"
	" first_seen INTEGER, last_seen INTEGER, next_seq INTEGER,"
	" next_block INTEGER, next_run INTEGER, sealed INTEGER, sum INTEGER);"
	"CREATE TABLE IF NOT EXISTS block(id INTEGER PRIMARY KEY,"
	" level INTEGER, messages INTEGER, malformed INTEGER,"
	" raw_bytes INTEGER, first_at INTEGER, last_at INTEGER,"
	" seq_base INTEGER, first_seq INTEGER, last_seq INTEGER,"
	" classes BLOB, sum INTEGER);"
	"CREATE TABLE IF NOT EXISTS body(id INTEGER PRIMARY KEY,"
	" facts BLOB, raw BLOB);"
	"CREATE TABLE IF NOT EXISTS run(id INTEGER PRIMARY KEY,"
	" level INTEGER, tier INTEGER);"
	"CREATE TABLE IF NOT EXISTS key(id INTEGER PRIMARY KEY,"
	" run INTEGER, first INTEGER, page BLOB);"
	"CREATE UNIQUE INDEX IF NOT EXISTS key_at ON key(run, first);"
	"CREATE TABLE IF NOT EXISTS mark(name TEXT PRIMARY KEY,"
	" generation INTEGER, a INTEGER, b INTEGER, c INTEGER)"
	" WITHOUT ROWID;";

static const struct {
	size_t at; /* offset in struct ear_segment */
	const char *sql;
} statements[] = {
	{offsetof(struct ear_segment, put_total),
		"REPLACE INTO total VALUES(1,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
	{offsetof(struct ear_segment, put_block),
		"INSERT INTO block VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"},
	{offsetof(struct ear_segment, put_body),
		"INSERT INTO body VALUES(?,?,?)"},
	{offsetof(struct ear_segment, put_run),
		"INSERT INTO run VALUES(?,?,?)"},
	{offsetof(struct ear_segment, put_key),
		"INSERT INTO key(run, first, page) VALUES(?,?,?)"},
	{offsetof(struct ear_segment, put_mark),
		"REPLACE INTO mark VALUES(?,?,?,?,?)"},
};

#define STATEMENTS (sizeof(statements) / sizeof(statements[0]))
_Static_assert(EAR_TOTAL_FIELDS == 13, "as many as put_total has, less two");

static sqlite3_stmt **statement(struct ear_segment *s, size_t i)
{
	return (sqlite3_stmt **)((char *)s + statements[i].at);
}

static enum ear_err failed(struct ear_segment *s, struct ear_fault *fault)
{
	return ear_sql_fail(
		fault, s->db, sqlite3_extended_errcode(s->db), s->path);
}

static void name_files(struct ear_segment *s, const char *dir,
	char lock[static sizeof(s->path) + 8])
{
	int n = snprintf(s->path, sizeof(s->path),
		"%.4000s/" EAR_SEGMENT_NAME ".seg", dir,
		(unsigned long long)s->number);

	snprintf(lock, sizeof(s->path) + 8, "%.*s.open", n, s->path);
}

/*
 * Lock the side file and make sure that it is still the one of that name: its
 * last owner may have removed it between our open and our lock.
 */
static enum ear_err lock_file(
	struct ear_segment *s, const char *path, int flags)
{
	struct stat mine, there;

	s->lock_fd = open(path, flags | O_RDWR | O_CLOEXEC, 0640);
	if (s->lock_fd < 0)
		return errno == ENOENT   ? EAR_GONE
		       : errno == EEXIST ? EAR_MORE
					 : EAR_SYS;
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? EAR_MORE : EAR_SYS;
	if (fstat(s->lock_fd, &mine) || stat(path, &there) ||
		mine.st_ino != there.st_ino)
		return EAR_GONE;
	return EAR_OK;
}

static void unlock(struct ear_segment *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->lock_fd = -1;
}

static void close_db(struct ear_segment *s)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(*statement(s, i));
		*statement(s, i) = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

static enum ear_err load_total(struct ear_segment *s, struct ear_fault *fault)
{
	uint64_t *to = (uint64_t *)&s->total, sum = 0;
	sqlite3_stmt *st = NULL;
	int rc;

	rc = sqlite3_prepare_v2(
		s->db, "SELECT * FROM total WHERE id=1", -1, &st, NULL);
	if (!rc)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		for (size_t i = 0; i < EAR_TOTAL_FIELDS; i++)
			to[i] = ear_sql_u64(st, (int)i + 1);
		sum = ear_sql_u64(st, (int)EAR_TOTAL_FIELDS + 1);
	}
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE) {
		s->total = (struct ear_total){
			.next_seq = 1, .next_block = 1, .next_run = 1};
		return EAR_OK;
	}
	if (rc != SQLITE_ROW)
		return failed(s, fault);
	if (sum != ear_total_sum(&s->total))
		return ear_fail(
			fault, EAR_BAD, 0, "%s: damaged totals", s->path);
	return EAR_OK;
}

static enum ear_err check_format(struct ear_segment *s, struct ear_fault *fault)
{
	sqlite3_stmt *st = NULL;
	uint64_t format = 0;

	if (!sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL) &&
		sqlite3_step(st) == SQLITE_ROW)
		format = ear_sql_u64(st, 0);
	sqlite3_finalize(st);
	if (format > EAR_SEGMENT_FORMAT)
		return ear_fail(fault, EAR_UNSUPPORTED, 0,
			"%s: written by a newer Earshot", s->path);
	return EAR_OK;
}

static enum ear_err open_db(struct ear_segment *s, struct ear_fault *fault)
{
	char version[96];
	enum ear_err err;
	int rc = sqlite3_open_v2(s->path, &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			SQLITE_OPEN_NOMUTEX,
		NULL);

	if (rc)
		return ear_sql_fail(fault, s->db, rc, s->path);
	sqlite3_busy_timeout(s->db, 5000);
	err = check_format(s, fault);
	snprintf(version, sizeof(version),
		"PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		EAR_SEGMENT_APP, EAR_SEGMENT_FORMAT);
	if (!err)
		err = ear_sql_exec(s->db, pragmas, s->path, fault);
	if (!err)
		err = ear_sql_exec(s->db, schema, s->path, fault);
	if (!err)
		err = ear_sql_exec(s->db, version, s->path, fault);
	if (!err)
		err = load_total(s, fault);
	for (size_t i = 0; !err && i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(s->db, statements[i].sql, -1,
			    SQLITE_PREPARE_PERSISTENT, statement(s, i), NULL))
			err = failed(s, fault);
	}
	return err;
}

static struct ear_segment *make(uint64_t number)
{
	struct ear_segment *s = calloc(1, sizeof(*s));

	if (s) {
		s->lock_fd = -1;
		s->number = number;
	}
	return s;
}

enum ear_err ear_segment_new(const char *dir, uint64_t number,
	struct ear_segment **segment, struct ear_fault *fault)
{
	struct ear_segment *s = make(number);
	char lock[sizeof(s->path) + 8];
	enum ear_err err;

	*segment = NULL;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	do {
		unlock(s);
		name_files(s, dir, lock);
		err = access(s->path, F_OK) == 0
			      ? EAR_MORE
			      : lock_file(s, lock, O_CREAT | O_EXCL);
		if (err == EAR_MORE || err == EAR_GONE)
			s->number++;
	} while (err == EAR_MORE || err == EAR_GONE);
	if (err) {
		ear_fail_sys(fault, "cannot create %s", lock);
		err = errno == ENOSPC || errno == EDQUOT ? EAR_FULL : err;
	} else {
		err = open_db(s, fault);
	}
	if (err)
		ear_segment_remove(&s);
	*segment = s;
	return err;
}

enum ear_err ear_segment_adopt(const char *dir, uint64_t number,
	struct ear_segment **segment, struct ear_fault *fault)
{
	struct ear_segment *s = make(number);
	char lock[sizeof(s->path) + 8];
	enum ear_err err;

	*segment = NULL;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	name_files(s, dir, lock);
	err = lock_file(s, lock, 0);
	if (!err && access(s->path, F_OK)) {
		unlink(lock); /* its writer came no further than this */
		err = EAR_GONE;
	}
	if (err)
		ear_fail(fault, err, 0, "cannot lock %s", lock);
	else
		err = open_db(s, fault);
	if (err)
		ear_segment_close(&s);
	*segment = s;
	return err;
}

void ear_segment_close(struct ear_segment **segment)
{
	struct ear_segment *s = *segment;

	if (!s)
		return;
	close_db(s);
	unlock(s);
	ear_buf_fini(&s->classes);
	free(s);
	*segment = NULL;
}

void ear_segment_remove(struct ear_segment **segment)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".open"};
	struct ear_segment *s = *segment;
	char path[sizeof(s->path) + 8];

	if (!s)
		return;
	close_db(s);
	/* without the lock the files are not ours */
	for (size_t i = 0; s->lock_fd >= 0 && i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", s->path, ends[i]);
		unlink(path);
	}
	ear_segment_close(segment);
}

enum ear_err ear_segment_begin(struct ear_segment *s, struct ear_fault *fault)
{
	s->before = s->total;
	return ear_sql_exec(s->db, "BEGIN IMMEDIATE", s->path, fault);
}

enum ear_err ear_segment_commit(struct ear_segment *s, struct ear_fault *fault)
{
	const uint64_t *v = (const uint64_t *)&s->total;
	enum ear_err err;

	for (size_t i = 0; i < EAR_TOTAL_FIELDS; i++)
		ear_sql_bind(s->put_total, (int)i + 1, v[i]);
	ear_sql_bind(s->put_total, (int)EAR_TOTAL_FIELDS + 1,
		ear_total_sum(&s->total));
	err = ear_sql_run(s->put_total, s->path, fault);
	if (!err)
		err = ear_sql_exec(s->db, "COMMIT", s->path, fault);
	if (err)
		ear_segment_rollback(s);
	return err;
}

void ear_segment_rollback(struct ear_segment *s)
{
	/* a full disk makes SQLite roll back by itself */
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->total = s->before;
}

static void add_up(struct ear_total *t, const struct ear_packed *p)
{
	const struct ear_block_head *h = &p->head;

	if (!t->messages || h->first_at < t->first_at)
		t->first_at = h->first_at;
	if (!t->messages || h->last_at > t->last_at)
		t->last_at = h->last_at;
	if (!t->messages || p->first_seen < t->first_seen)
		t->first_seen = p->first_seen;
	if (!t->messages || p->last_seen > t->last_seen)
		t->last_seen = p->last_seen;
	t->messages += h->rows;
	t->malformed += h->malformed;
	t->raw_bytes += h->raw_bytes;
	t->blocks++;
}

static enum ear_err put_head(struct ear_segment *s,
	const struct ear_block_head *h, struct ear_fault *fault)
{
	const uint64_t v[] = {h->id, h->level, h->rows, h->malformed,
		h->raw_bytes, h->first_at, h->last_at, h->seq_base,
		h->first_seq, h->last_seq};

	for (int i = 0; i < (int)(sizeof(v) / sizeof(v[0])); i++)
		ear_sql_bind(s->put_block, i + 1, v[i]);
	ear_classes_write(h, &s->classes);
	if (s->classes.err)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	ear_sql_bind_blob(s->put_block, 11, ear_buf_view(&s->classes));
	ear_sql_bind(s->put_block, 12, ear_head_sum(h));
	return ear_sql_run(s->put_block, s->path, fault);
}

enum ear_err ear_segment_add(struct ear_segment *s, struct ear_packed *p,
	uint32_t level, uint32_t seq_base, struct ear_fault *fault)
{
	struct ear_block_head head = p->head;
	enum ear_err err;

	head.id = s->total.next_block++;
	head.level = level;
	head.seq_base = seq_base;
	head.first_seq += seq_base;
	head.last_seq += seq_base;
	err = put_head(s, &head, fault);
	if (err)
		return err;
	ear_sql_bind(s->put_body, 1, head.id);
	ear_sql_bind_blob(s->put_body, 2, ear_slice(p->bytes, p->facts_n));
	ear_sql_bind_blob(
		s->put_body, 3, ear_slice(p->bytes + p->facts_n, p->raw_n));
	err = ear_sql_run(s->put_body, s->path, fault);
	if (!err) {
		add_up(&s->total, p);
		/* the caller's head stays: a failed commit is tried again */
		p->head.id = head.id;
	}
	return err;
}

enum ear_err ear_segment_mark(struct ear_segment *s,
	const struct ear_store_mark *mark, uint64_t generation,
	struct ear_fault *fault)
{
	sqlite3_bind_text(s->put_mark, 1, mark->name,
		(int)strnlen(mark->name, sizeof(mark->name)), SQLITE_STATIC);
	ear_sql_bind(s->put_mark, 2, generation);
	for (int i = 0; i < 3; i++)
		ear_sql_bind(s->put_mark, 3 + i, mark->v[i]);
	return ear_sql_run(s->put_mark, s->path, fault);
}

enum ear_err ear_segment_finish(
	struct ear_segment **segment, struct ear_fault *fault)
{
	struct ear_segment *s = *segment;
	char lock[sizeof(s->path) + 8];
	sqlite3_stmt *st = NULL;
	bool single = false;
	enum ear_err err;

	/* does not wait for readers: this is tried again */
	sqlite3_busy_timeout(s->db, 0);
	err = ear_sql_exec(
		s->db, "PRAGMA wal_checkpoint(TRUNCATE)", s->path, fault);
	if (err)
		return err;
	if (!sqlite3_prepare_v2(
		    s->db, "PRAGMA journal_mode=DELETE", -1, &st, NULL) &&
		sqlite3_step(st) == SQLITE_ROW)
		single = !strcmp(
			(const char *)sqlite3_column_text(st, 0), "delete");
	sqlite3_finalize(st);
	if (!single)
		return ear_fail(fault, EAR_MORE, 0,
			"%s: somebody reads it just now", s->path);
	snprintf(lock, sizeof(lock), "%s.open", s->path);
	close_db(s);
	unlink(lock);
	ear_segment_close(segment);
	return EAR_OK;
}
