/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that writes: batches, reconciliation, retention. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/stop.h"
#include "base/thread.h"
#include "base/time.h"
#include "records/keys.h"
#include "records/tally.h"

/* Between tries when the disk is full or fails. */
#define RETRY_MS 500
/* Rows of one step of reconciliation, and of removing: some milliseconds, so
 * that a batch never waits long. */
#define RECONCILE_STEP 2000
#define RETAIN_STEP 2000
/* Between two looks at what is too old or too much. */
#define RETAIN_NS (10 * EAR_SECOND_NS)
/* Between two looks at what is not counted in advance: rows that come late
 * make a slot be counted again, and that not too often. */
#define COUNT_NS (600 * EAR_SECOND_NS)
/* What a batch may take, beside what shall stay free. */
#define BATCH_BYTES ((uint64_t)32 << 20)
/* Pages given back to the system at once. */
#define VACUUM "PRAGMA incremental_vacuum(2000)"

static void tell(struct ear_records *r, const char *event, const char *text)
{
	if (r->opt.notice)
		r->opt.notice(event, ear_slice_str(text), r->opt.notice_arg);
}

static enum ear_err open_file(struct ear_records *r, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	struct stat st;

	if (!r->db)
		err = ear_file_open(r->dir, true, &r->db, fault);
	if (!err && !r->file_ino && !stat(r->path, &st)) {
		r->file_dev = st.st_dev;
		r->file_ino = st.st_ino;
	}
	if (!err && !r->keys)
		err = ear_keys_new(r->db, r->path, &r->keys, fault);
	if (!err && !r->put)
		err = ear_put_new(r->db, r->path, r->keys, &r->put, fault);
	if (!err && !r->reconciler)
		err = ear_reconciler_new(r->db, r->keys, &r->reconciler, fault);
	return err;
}

static void close_file(struct ear_records *r)
{
	ear_reconciler_free(&r->reconciler);
	ear_put_free(&r->put);
	ear_keys_free(&r->keys);
	sqlite3_close(r->db);
	r->db = NULL;
	r->file_ino = 0;
}

/* Readers open the file anew, and what was known of its marks is void. */
static void other_file(struct ear_records *r)
{
	pthread_mutex_lock(&r->lock);
	r->generation++;
	r->mark_n = 0;
	pthread_mutex_unlock(&r->lock);
}

/* A file that was moved away, removed or replaced would take all rows along,
 * and nobody could read them. */
static void check_place(struct ear_records *r)
{
	struct stat st;

	/* Not known before this thread first had it in hand. */
	if (!r->db || !r->file_ino ||
		(!stat(r->path, &st) && st.st_dev == r->file_dev &&
			st.st_ino == r->file_ino))
		return;
	close_file(r);
	other_file(r);
	tell(r, "records.replaced",
		"records.db was removed or replaced while it was written; it "
		"goes on with the file that is there now");
}

/* A file that turns out to be damaged: another is begun. */
static void set_aside(struct ear_records *r, const char *why)
{
	char to[4200], text[600];

	close_file(r);
	ear_file_set_aside(r->dir, to);
	snprintf(text, sizeof(text),
		"%.300s; it is now %.200s, and a new one "
		"is begun",
		why, to);
	other_file(r);
	tell(r, "records.damaged", text);
}

static bool has_room(const struct ear_records *r)
{
	uint64_t least = __atomic_load_n(&r->opt.min_free, __ATOMIC_RELAXED);
	struct statvfs fs;

	if (!least || statvfs(r->dir, &fs))
		return true;
	return (uint64_t)fs.f_bavail * fs.f_frsize >= least + BATCH_BYTES;
}

static void roll_back(struct ear_records *r)
{
	/* a full disk makes SQLite roll back by itself */
	if (!sqlite3_get_autocommit(r->db))
		sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
	ear_put_forget(r->put);
	ear_keys_forget(r->keys);
}

/* What rows are found by, in the transaction that wrote them. */
static enum ear_err write_keys(struct ear_records *r, struct ear_fault *fault)
{
	enum ear_err err = ear_keys_flush(r->keys, fault);

	return err ? err : ear_keys_merge(r->keys, fault);
}

static enum ear_err write_batch(struct ear_records *r, struct ear_told_batch *b,
	struct ear_fault *fault)
{
	const char *owner = r->lock_fd >= 0 ? r->owner : NULL;
	enum ear_err err;

	if (!has_room(r))
		return ear_fail(fault, EAR_FULL, 0,
			"less of the disk is free than shall stay free");
	check_place(r);
	err = open_file(r, fault);
	if (!err)
		err = ear_sql_exec(r->db, "BEGIN IMMEDIATE", r->path, fault);
	if (err)
		return err;
	ear_told_sort(b);
	err = ear_put_batch(r->put, b, owner, fault);
	if (!err)
		err = write_keys(r, fault);
	if (!err)
		err = ear_sql_exec(r->db, "COMMIT", r->path, fault);
	if (err)
		roll_back(r);
	return err;
}

/* --- the line ---------------------------------------------------------- */

static void publish(struct ear_records *r, const struct ear_told_batch *b)
{
	for (size_t i = 0; i < b->mark_n; i++)
		ear_records_publish(r, &b->marks[i]);
}

static void take_off(struct ear_records *r, struct ear_told_batch *b)
{
	if (b->nomem)
		tell(r, "records.memory",
			"rows were lost: there was no memory to keep them");
	__atomic_fetch_add(&r->n_written, b->told, __ATOMIC_RELAXED);
	pthread_mutex_lock(&r->lock);
	publish(r, b);
	ear_told_reset(b);
	r->line_n--;
	memmove(r->line, r->line + 1, r->line_n * sizeof(*r->line));
	r->spare[r->spare_n++] = b;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

static void set_full(
	struct ear_records *r, bool full, const struct ear_fault *fault)
{
	pthread_mutex_lock(&r->lock);
	__atomic_store_n(&r->full, full, __ATOMIC_RELAXED);
	if (fault)
		r->trouble = *fault;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

static void write_or_complain(struct ear_records *r, struct ear_told_batch *b)
{
	struct ear_fault fault = {0};
	enum ear_err err = write_batch(r, b, &fault);

	if (!err) {
		if (r->full) {
			set_full(r, false, NULL);
			tell(r, "records.writes",
				"the records can be written again");
		}
		take_off(r, b);
		return;
	}
	__atomic_fetch_add(&r->n_failed, 1, __ATOMIC_RELAXED);
	if (err == EAR_BAD) {
		set_aside(r, fault.text);
		return;
	}
	/* another writes just now: tried again, nothing to tell */
	if (err != EAR_MORE && !r->full)
		tell(r, err == EAR_FULL ? "records.full" : "records.failed",
			fault.text);
	if (err != EAR_MORE)
		set_full(r, true, &fault);
}

/* --- what is due besides ----------------------------------------------- */

/* One step in a transaction of its own. @return whether more is left */
static bool reconcile_step(struct ear_records *r)
{
	struct ear_fault fault = {0};
	enum ear_err err = open_file(r, &fault);
	bool left = false;

	if (!err &&
		!ear_file_u64(r->db,
			"SELECT 1 FROM todo WHERE due<="
			"coalesce((SELECT n FROM meta WHERE name='newest'),0)"
			" LIMIT 1",
			0))
		return false;
	if (!err)
		err = ear_sql_exec(r->db, "BEGIN IMMEDIATE", r->path, &fault);
	if (err)
		return false;
	err = ear_reconcile(r->reconciler, RECONCILE_STEP, &left, &fault);
	if (!err)
		err = write_keys(r, &fault);
	if (!err)
		err = ear_sql_exec(r->db, "COMMIT", r->path, &fault);
	if (err)
		roll_back(r);
	return !err && left;
}

/* Rows before this shall go; 0: none. */
static uint64_t remove_before(struct ear_records *r)
{
	uint64_t age = __atomic_load_n(&r->opt.max_age_ns, __ATOMIC_RELAXED);
	uint64_t most = __atomic_load_n(&r->opt.max_bytes, __ATOMIC_RELAXED);
	uint64_t now = ear_now_ns(), before = 0, page, used, oldest;

	if (age && now > age)
		before = now - age;
	if (!most)
		return before;
	page = ear_file_u64(r->db, "PRAGMA page_size", 0);
	used = (ear_file_u64(r->db, "PRAGMA page_count", 0) -
		       ear_file_u64(r->db, "PRAGMA freelist_count", 0)) *
	       page;
	if (used <= most)
		return before;
	/* the oldest span of all */
	oldest = ear_file_u64(r->db,
		"SELECT min(at) FROM (SELECT min(at) AS at FROM session"
		" UNION ALL SELECT min(at) FROM call"
		" UNION ALL SELECT min(at) FROM connection"
		" UNION ALL SELECT min(at) FROM binding)",
		0);
	oldest = (EAR_SPAN_OF(oldest) + 1) << EAR_SPAN_BITS;
	return oldest > before ? oldest : before;
}

static bool retain_step(struct ear_records *r)
{
	struct ear_fault fault = {0};
	enum ear_err err = open_file(r, &fault);
	uint64_t before = err ? 0 : remove_before(r);
	bool left = false;

	if (!before)
		return false;
	err = ear_sql_exec(r->db, "BEGIN IMMEDIATE", r->path, &fault);
	if (err)
		return false;
	err = ear_retain(r->db, r->keys, before, RETAIN_STEP, &left, &fault);
	if (!err)
		err = ear_sql_exec(r->db, "COMMIT", r->path, &fault);
	if (err)
		roll_back(r);
	else if (!left)
		/* it can wait where somebody reads */
		sqlite3_exec(r->db, VACUUM, NULL, NULL, NULL);
	return !err && left;
}

/* Count some slots in advance. @return whether more is left */
static bool count_step(struct ear_records *r)
{
	struct ear_fault fault = {0};
	enum ear_err err = open_file(r, &fault);
	bool left = false;

	if (!err)
		err = ear_tally_step(r->db, &r->walk, &left, &fault);
	if (!err && !left)
		__atomic_store_n(&r->counted, true, __ATOMIC_RELAXED);
	return !err && left;
}

/* --- the loop ---------------------------------------------------------- */

static void wait_ms(struct ear_records *r, unsigned ms)
{
	ear_cond_wait(&r->moved, &r->lock, ear_mono_ns() + ms * EAR_MS_NS);
}

static bool quitting(struct ear_records *r)
{
	bool quit;

	pthread_mutex_lock(&r->lock);
	quit = r->quit && (!r->line_n || r->full);
	pthread_mutex_unlock(&r->lock);
	return quit;
}

void *ear_records_loop(void *arg)
{
	struct ear_records *r = arg;
	uint64_t retained_ns = 0, counted_ns = 0;
	bool more = true, old = false, counting = true;

	ear_thread_self("records", EAR_WEIGHT_WORK);
	while (!quitting(r)) {
		struct ear_told_batch *b = NULL;

		pthread_mutex_lock(&r->lock);
		if (r->full)
			wait_ms(r, RETRY_MS);
		else if (!r->line_n && !more && !old && !counting && !r->quit)
			wait_ms(r, 1000);
		if (r->line_n)
			b = r->line[0];
		pthread_mutex_unlock(&r->lock);
		if (b)
			write_or_complain(r, b);
		if (r->full)
			continue;
		more = reconcile_step(r);
		if (old || ear_mono_ns() - retained_ns > RETAIN_NS) {
			old = retain_step(r);
			retained_ns = ear_mono_ns();
		}
		/* where nothing else is to do: charts can do without */
		if (b || more || old)
			continue;
		if (counting || ear_mono_ns() - counted_ns > COUNT_NS) {
			counting = count_step(r);
			counted_ns = ear_mono_ns();
		}
	}
	/* what is to do then is done by whoever opens it next, or here where
	 * nobody will: an import */
	for (unsigned i = 0; i < 2000 && !r->full && reconcile_step(r); i++)
		;
	return NULL;
}
