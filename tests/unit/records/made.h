/* SPDX-License-Identifier: Apache-2.0 */
/** Records made for tests, in a directory of their own. */
#ifndef EAR_TESTS_RECORDS_MADE_H
#define EAR_TESTS_RECORDS_MADE_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"
#include "records/records.h"

/** 2026-11-22 10:00:00 UTC */
#define T0 (1795341600ULL * EAR_SECOND_NS)
#define S(n) (T0 + (uint64_t)(n)*EAR_SECOND_NS)

static inline struct ear_slice made_s(const char *text)
{
	return ear_slice_str(text);
}

static inline struct ear_addr made_addr(const char *text)
{
	struct ear_addr a;

	assert_int_equal(ear_addr_parse(made_s(text), &a), EAR_OK);
	return a;
}

/** A new directory; free() its name. */
static inline char *made_dir(void)
{
	char *dir = strdup("/tmp/ear-records-XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void made_gone(char **dir)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf %s", *dir);
	assert_int_equal(system(command), 0);
	free(*dir);
	*dir = NULL;
}

/** A statement on the file itself, with its connection. */
static inline sqlite3_stmt *made_ask(const char *dir, const char *sql)
{
	char path[200];
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/records.db", dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	return st;
}

static inline void made_asked(sqlite3_stmt *st)
{
	sqlite3 *db = sqlite3_db_handle(st);

	sqlite3_finalize(st);
	sqlite3_close(db);
}

/** The number that a query gives; 0 when it gives no row. */
static inline uint64_t made_number(const char *dir, const char *sql)
{
	sqlite3_stmt *st = made_ask(dir, sql);
	uint64_t n = 0;

	if (sqlite3_step(st) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(st, 0);
	made_asked(st);
	return n;
}

/** All that a table has, appended as text. @return its rows */
static inline size_t made_dump(
	const char *dir, const char *table, struct ear_buf *out)
{
	char sql[80];
	size_t rows = 0;
	sqlite3_stmt *st;

	snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
	st = made_ask(dir, sql);
	while (sqlite3_step(st) == SQLITE_ROW) {
		rows++;
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const char *p = sqlite3_column_blob(st, i);

			/* compared as a string: without NULs */
			for (int k = 0; k < sqlite3_column_bytes(st, i); k++)
				ear_buf_byte(out, p[k] ? (uint8_t)p[k] : '.');
			ear_buf_byte(out, '|');
		}
		ear_buf_byte(out, '\n');
	}
	made_asked(st);
	return rows;
}

static inline struct ear_records *made_open(const char *dir, const char *owner)
{
	struct ear_records_options options = {
		.dir = dir, .write = owner != NULL, .owner = owner};
	struct ear_records *records;
	struct ear_fault fault = {0};

	if (ear_records_open(&options, &records, &fault))
		fail_msg("open: %s", fault.text);
	return records;
}

static inline void made_flush(struct ear_records *records)
{
	struct ear_fault fault = {0};

	if (ear_records_flush(records, &fault))
		fail_msg("flush: %s", fault.text);
}

static inline struct ear_call_row made_call(
	uint64_t at, uint64_t id, const char *src, const char *dst)
{
	return (struct ear_call_row){.at_ns = at,
		.id = id,
		.disposition = EAR_CALL_ANSWERED,
		.code = 200,
		.src = made_s(src),
		.dst = made_s(dst),
		.reason = EAR_S("OK"),
		.call_id = EAR_S("abc@example"),
		.from_addr = made_addr("192.0.2.1:5060"),
		.branches = 1};
}

static inline struct ear_session_row made_session(
	uint64_t at, uint64_t id, enum ear_session_event event)
{
	return (struct ear_session_row){.at_ns = at,
		.id = id,
		.event = (uint8_t)event,
		.source = EAR_SOURCE_CLIENT,
		.transport = EAR_TR_TLS,
		.remote = made_addr("93.57.41.37:28224"),
		.local = made_addr("10.0.0.1:5061")};
}

static inline struct ear_conn_row made_conn(uint64_t at, uint64_t id)
{
	return (struct ear_conn_row){.at_ns = at,
		.id = id,
		.transport = EAR_TR_TLS,
		.client = made_addr("93.57.41.37:28224"),
		.server = made_addr("10.0.0.1:5061"),
		.last_ns = at};
}

static inline struct ear_binding_row made_binding(
	uint64_t at, uint64_t id, const char *user)
{
	return (struct ear_binding_row){.at_ns = at,
		.id = id,
		.refreshed_ns = at,
		.expires_ns = at + 3600 * EAR_SECOND_NS,
		.username = made_s(user),
		.domain = EAR_S("example.org"),
		.remote = made_addr("93.57.41.37:28224")};
}

/** Rows of a list as text: one column of each, with blanks between. */
struct made_text {
	enum ear_list_of list;
	size_t column;
	char text[4000];
	size_t n, rows;
};

static inline bool made_row(const struct ear_cell *cells, void *arg)
{
	struct made_text *t = arg;
	const struct ear_cell *c = &cells[t->column];
	size_t n;

	t->rows++;
	if (t->n + 64 > sizeof(t->text))
		return true;
	switch (ear_columns(t->list, &n)[t->column].type) {
	case EAR_COLUMN_INT:
	case EAR_COLUMN_BOOL:
		t->n += (size_t)snprintf(t->text + t->n, 64, "%s%lld",
			t->n ? " " : "", (long long)c->i);
		break;
	case EAR_COLUMN_TIME:
		t->n += (size_t)snprintf(t->text + t->n, 64, "%s%lld",
			t->n ? " " : "",
			c->i ? (long long)((uint64_t)c->i - T0) / 1000000000
			     : -1);
		break;
	default:
		t->n += (size_t)snprintf(t->text + t->n, 64, "%s%.*s",
			t->n ? " " : "", EAR_FMT(c->text));
	}
	return true;
}

/** Ask, and give the column of all rows. */
static inline const char *made_list(struct ear_records *records,
	struct ear_rows_query query, const char *column, struct made_text *text,
	struct ear_rows_found *found)
{
	struct ear_fault fault = {0};
	size_t n;
	const struct ear_column *c = ear_columns(query.list, &n);

	*text = (struct made_text){.list = query.list, .column = n};
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(c[i].name, column))
			text->column = i;
	}
	assert_int_not_equal(text->column, n);
	if (ear_records_list(records, &query, made_row, text, found, &fault))
		fail_msg("%.*s: %s", EAR_FMT(query.filter), fault.text);
	return text->text;
}

#endif
