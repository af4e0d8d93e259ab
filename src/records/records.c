/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, and what whoever puts rows calls. */
#include "records/records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stop.h"
#include "base/thread.h"
#include "base/time.h"
#include "records/keys.h"

/* The owner's lock: whose process keeps the states of that name. */
static int lock_owner(const struct ear_records *r)
{
	char path[4200];
	int fd;

	snprintf(path, sizeof(path), "%.4000s/records.%.31s.lock", r->dir,
		r->owner);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0640);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The file as it is; where it is damaged and we write, another. */
static enum ear_err first_open(struct ear_records *r, struct ear_fault *fault)
{
	enum ear_err err = ear_file_open(r->dir, r->opt.write, &r->db, fault);
	char to[4200], text[900];

	if (err != EAR_BAD || !r->opt.write)
		return err;
	ear_file_set_aside(r->dir, to);
	snprintf(text, sizeof(text),
		"%.300s; it is now %.500s, and a new one is begun",
		fault ? fault->text : "damaged", to);
	if (r->opt.notice)
		r->opt.notice("records.damaged", ear_slice_str(text),
			r->opt.notice_arg);
	return ear_file_open(r->dir, true, &r->db, fault);
}

static enum ear_err load_marks(struct ear_records *r, struct ear_fault *fault)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		r->db, "SELECT name,a,b,c FROM mark", -1, &st, NULL);

	while (!rc && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct ear_records_mark m = {0};
		struct ear_slice name = ear_sql_blob(st, 0);

		rc = SQLITE_OK;
		if (!name.n || name.n > sizeof(m.name))
			continue;
		memcpy(m.name, name.p, name.n);
		for (int i = 0; i < 3; i++)
			m.v[i] = ear_sql_u64(st, 1 + i);
		ear_records_publish(r, &m);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? EAR_OK
				 : ear_sql_fail(fault, r->db, rc, r->path);
}

static enum ear_err start(struct ear_records *r, struct ear_fault *fault)
{
	enum ear_err err;

	r->lock_fd = lock_owner(r);
	for (unsigned i = 0; i < EAR_LINE_MAX; i++) {
		r->spare[i] = calloc(1, sizeof(*r->spare[i]));
		if (!r->spare[i])
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		r->spare_n++;
	}
	r->open = calloc(1, sizeof(*r->open));
	if (!r->open)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = load_marks(r, fault);
	if (err)
		return err;
	errno = pthread_create(&r->thread, NULL, ear_records_loop, r);
	if (errno)
		return ear_fail_sys(fault, "cannot start a thread");
	r->running = true;
	return EAR_OK;
}

enum ear_err ear_records_open(const struct ear_records_options *options,
	struct ear_records **records, struct ear_fault *fault)
{
	struct ear_records *r = calloc(1, sizeof(*r));
	struct ear_fault own = {0};
	enum ear_err err;

	*records = r;
	if (!r)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (!fault)
		fault = &own;
	r->opt = *options;
	r->lock_fd = -1;
	snprintf(r->dir, sizeof(r->dir), "%s", options->dir);
	snprintf(r->path, sizeof(r->path), "%.4000s/records.db", options->dir);
	snprintf(r->owner, sizeof(r->owner), "%s",
		options->owner ? options->owner : "");
	r->opt.dir = r->dir;
	r->opt.owner = r->owner;
	pthread_mutex_init(&r->lock, NULL);
	ear_cond_init(&r->moved);
	err = first_open(r, fault);
	if (!err && options->write)
		err = start(r, fault);
	if (!err && !options->write) {
		/* that it can be read is known; readers open their own */
		sqlite3_close(r->db);
		r->db = NULL;
	}
	if (err)
		ear_records_close(records);
	return err;
}

static void free_batch(struct ear_told_batch *b)
{
	if (b)
		ear_told_fini(b);
	free(b);
}

void ear_records_close(struct ear_records **records)
{
	struct ear_records *r = *records;

	if (!r)
		return;
	if (r->running) {
		ear_records_commit(r, &r->full);
		pthread_mutex_lock(&r->lock);
		r->quit = true;
		pthread_cond_broadcast(&r->moved);
		pthread_mutex_unlock(&r->lock);
		pthread_join(r->thread, NULL);
	}
	for (size_t i = 0; i < r->line_n; i++)
		free_batch(r->line[i]);
	for (size_t i = 0; i < r->spare_n; i++)
		free_batch(r->spare[i]);
	free_batch(r->open);
	free(r->marks);
	/* who writes goes last: it folds the WAL in */
	while (r->idle_n)
		ear_reader_close(&r->idle[--r->idle_n]);
	ear_reconciler_free(&r->reconciler);
	ear_put_free(&r->put);
	ear_keys_free(&r->keys);
	sqlite3_close(r->db);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	pthread_cond_destroy(&r->moved);
	pthread_mutex_destroy(&r->lock);
	free(r);
	*records = NULL;
}

void ear_records_limits(struct ear_records *r, uint64_t max_age_ns,
	uint64_t max_bytes, uint64_t min_free)
{
	__atomic_store_n(&r->opt.max_age_ns, max_age_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&r->opt.max_bytes, max_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&r->opt.min_free, min_free, __ATOMIC_RELAXED);
}

void ear_records_out(struct ear_records *r, struct ear_track_out *out)
{
	ear_told_out(out);
	out->arg = &r->open;
}

void ear_records_mark(
	struct ear_records *r, const struct ear_records_mark *mark)
{
	ear_told_mark(r->open, mark);
}

size_t ear_records_waiting(const struct ear_records *r)
{
	return r->open->n;
}

bool ear_records_ready(struct ear_records *r)
{
	bool ready;

	pthread_mutex_lock(&r->lock);
	ready = r->spare_n > 0;
	pthread_mutex_unlock(&r->lock);
	return ready;
}

void ear_records_commit(struct ear_records *r, const volatile bool *stop)
{
	struct ear_told_batch *b = r->open;

	if (!b->n && !b->mark_n)
		return;
	pthread_mutex_lock(&r->lock);
	while (!r->spare_n && !ear_stopped(stop))
		ear_cond_wait(
			&r->moved, &r->lock, ear_mono_ns() + 100 * EAR_MS_NS);
	pthread_mutex_unlock(&r->lock);
	/* only this thread takes them */
	if (!r->spare_n)
		return;
	pthread_mutex_lock(&r->lock);
	r->line[r->line_n++] = b;
	r->open = r->spare[--r->spare_n];
	__atomic_fetch_add(&r->n_put, b->told, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

enum ear_err ear_records_flush(struct ear_records *r, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	ear_records_commit(r, &r->full);
	pthread_mutex_lock(&r->lock);
	while (r->line_n && !r->full)
		pthread_cond_wait(&r->moved, &r->lock);
	if (r->line_n || r->open->n || r->open->mark_n)
		err = ear_fail(fault,
			r->trouble.code ? r->trouble.code : EAR_SYS, 0, "%s",
			r->trouble.text);
	pthread_mutex_unlock(&r->lock);
	return err;
}

/* --- marks and states -------------------------------------------------- */

void ear_records_publish(
	struct ear_records *r, const struct ear_records_mark *mark)
{
	for (size_t i = 0; i < r->mark_n; i++) {
		if (!strncmp(
			    r->marks[i].name, mark->name, sizeof(mark->name))) {
			r->marks[i] = *mark;
			return;
		}
	}
	if (r->mark_n == r->mark_cap) {
		size_t cap = r->mark_cap ? r->mark_cap * 2 : 16;
		struct ear_records_mark *v =
			realloc(r->marks, cap * sizeof(*v));

		/* then it is as if it were not committed yet */
		if (!v)
			return;
		r->marks = v;
		r->mark_cap = cap;
	}
	r->marks[r->mark_n++] = *mark;
}

enum ear_err ear_records_marked(
	struct ear_records *r, const char *name, struct ear_records_mark *mark)
{
	enum ear_err err = EAR_GONE;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; err && i < r->mark_n; i++) {
		if (strncmp(r->marks[i].name, name, sizeof(mark->name)) != 0)
			continue;
		*mark = r->marks[i];
		err = EAR_OK;
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

enum ear_err ear_records_states(struct ear_records *r,
	void (*fn)(
		uint8_t part, uint64_t key, struct ear_slice state, void *arg),
	void *arg, struct ear_fault *fault)
{
	struct ear_reader_db *reader;
	sqlite3_stmt *st = NULL;
	enum ear_err err;
	int rc;

	if (r->lock_fd < 0)
		return EAR_OK;
	err = ear_reader_take(r, &reader, fault);
	if (err)
		return err;
	rc = sqlite3_prepare_v2(reader->db,
		"SELECT part,key,state FROM state WHERE owner=?", -1, &st,
		NULL);
	if (!rc)
		sqlite3_bind_text(st, 1, r->owner, -1, SQLITE_STATIC);
	while (!rc && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn((uint8_t)sqlite3_column_int(st, 0), ear_sql_u64(st, 1),
			ear_sql_blob(st, 2), arg);
		rc = SQLITE_OK;
	}
	if (rc != SQLITE_DONE)
		err = ear_reader_failed(r, reader->db, fault);
	sqlite3_finalize(st);
	ear_reader_give(r, &reader);
	return err;
}
