/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that read, in a pool. */
#include <stdlib.h>

#include "base/stop.h"
#include "base/time.h"
#include "records/keys.h"
#include "records/rows.h"

/* Instructions of SQLite's machine between two looks at the clock. */
#define PROGRESS_STEPS 5000

static int progress(void *arg)
{
	struct ear_reader_db *r = arg;

	if (ear_stopped(r->stop))
		return 1;
	return r->deadline_ns && ear_mono_ns() > r->deadline_ns;
}

void ear_reader_close(struct ear_reader_db **reader)
{
	if (!*reader)
		return;
	sqlite3_close((*reader)->db);
	free(*reader);
	*reader = NULL;
}

static enum ear_err open_reader(struct ear_records *records,
	unsigned generation, struct ear_reader_db **reader,
	struct ear_fault *fault)
{
	struct ear_reader_db *r = calloc(1, sizeof(*r));
	enum ear_err err;

	*reader = r;
	if (!r)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	r->generation = generation;
	err = ear_file_open(records->dir, false, &r->db, fault);
	if (!err &&
		(ear_keep_function(r->db) || ear_key_table(r->db, progress, r)))
		err = ear_reader_failed(records, r->db, fault);
	if (!err)
		sqlite3_progress_handler(r->db, PROGRESS_STEPS, progress, r);
	if (err)
		ear_reader_close(reader);
	return err;
}

enum ear_err ear_reader_take(struct ear_records *records,
	struct ear_reader_db **reader, struct ear_fault *fault)
{
	unsigned generation;

	*reader = NULL;
	pthread_mutex_lock(&records->lock);
	generation = records->generation;
	if (records->idle_n)
		*reader = records->idle[--records->idle_n];
	pthread_mutex_unlock(&records->lock);
	if (*reader && (*reader)->generation != generation)
		ear_reader_close(reader);
	if (!*reader)
		return open_reader(records, generation, reader, fault);
	(*reader)->deadline_ns = 0;
	(*reader)->stop = NULL;
	return EAR_OK;
}

void ear_reader_give(struct ear_records *records, struct ear_reader_db **reader)
{
	pthread_mutex_lock(&records->lock);
	if (records->idle_n < EAR_READERS_IDLE &&
		(*reader)->generation == records->generation) {
		records->idle[records->idle_n++] = *reader;
		*reader = NULL;
	}
	pthread_mutex_unlock(&records->lock);
	ear_reader_close(reader);
}

enum ear_err ear_reader_begin(struct ear_records *records,
	struct ear_reader_db *reader, struct ear_fault *fault)
{
	return ear_sql_exec(reader->db, "BEGIN", records->path, fault);
}

void ear_reader_end(struct ear_reader_db *reader)
{
	/* an end is due however little time is left */
	reader->deadline_ns = 0;
	reader->stop = NULL;
	if (!sqlite3_get_autocommit(reader->db))
		sqlite3_exec(reader->db, "COMMIT", NULL, NULL, NULL);
}

enum ear_err ear_reader_failed(
	struct ear_records *records, sqlite3 *db, struct ear_fault *fault)
{
	return ear_sql_fail(
		fault, db, sqlite3_extended_errcode(db), records->path);
}

uint64_t ear_records_newest(struct ear_records *records)
{
	struct ear_reader_db *reader;
	uint64_t newest;

	if (ear_reader_take(records, &reader, NULL))
		return 0;
	newest = ear_file_u64(
		reader->db, "SELECT n FROM meta WHERE name='newest'", 0);
	ear_reader_give(records, &reader);
	return newest;
}
