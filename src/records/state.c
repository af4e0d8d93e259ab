/* SPDX-License-Identifier: Apache-2.0 */
/* How the file, and what is done with it, stands. */
#include <stdio.h>
#include <sys/stat.h>

#include "records/priv.h"

static uint64_t meta(sqlite3 *db, const char *name)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "SELECT n FROM meta WHERE name='%s'", name);
	return ear_file_u64(db, sql, 0);
}

void ear_records_reconciled(
	struct ear_records *records, struct ear_reconciled *state)
{
	struct ear_reader_db *reader;

	*state = (struct ear_reconciled){0};
	if (ear_reader_take(records, &reader, NULL))
		return;
	state->bound = meta(reader->db, "bound");
	state->ambiguous = meta(reader->db, "ambiguous");
	state->unbound = meta(reader->db, "unbound");
	state->waiting = meta(reader->db, "waiting");
	state->run_ns = meta(reader->db, "reconciled");
	state->oldest_unbound_ns = ear_file_u64(reader->db,
		"SELECT min(at) FROM connection INDEXED BY connection_unbound"
		" WHERE bound=4",
		0);
	ear_reader_give(records, &reader);
}

static uint64_t file_bytes(const struct ear_records *records)
{
	static const char *const ends[] = {"", "-wal"};
	uint64_t bytes = 0;
	char path[4200];
	struct stat st;

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", records->path, ends[i]);
		if (!stat(path, &st))
			bytes += (uint64_t)st.st_size;
	}
	return bytes;
}

void ear_records_stats(
	struct ear_records *records, struct ear_records_stats *stats)
{
	struct ear_reader_db *reader;

	*stats = (struct ear_records_stats){
		.bytes = file_bytes(records),
		.put = __atomic_load_n(&records->n_put, __ATOMIC_RELAXED),
		.written =
			__atomic_load_n(&records->n_written, __ATOMIC_RELAXED),
		.failed = __atomic_load_n(&records->n_failed, __ATOMIC_RELAXED),
		.counted = __atomic_load_n(&records->counted, __ATOMIC_RELAXED),
		.full = __atomic_load_n(&records->full, __ATOMIC_RELAXED),
	};
	stats->waiting = stats->put - stats->written;
	if (ear_reader_take(records, &reader, NULL))
		return;
	stats->sessions = meta(reader->db, "session");
	stats->bindings = meta(reader->db, "binding");
	stats->connections = meta(reader->db, "connection");
	stats->calls = meta(reader->db, "call");
	ear_reader_give(records, &reader);
}
