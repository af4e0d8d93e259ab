/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a list's filter and as its cursor: it is understood or refused,
 * never an error of SQL. First byte: list and order; up to the first newline
 * the filter, behind it the cursor.
 */
#include <stdio.h>
#include <stdlib.h>

#include "records/records.h"

#define AT (1795341600ULL * 1000000000ULL)

static struct ear_records *records;
static char dir[] = "/tmp/ear-records-fuzz-XXXXXX";

static void remove_all(void)
{
	static const char *const names[] = {
		"/records.db", "/records.fuzz.lock", ""};
	char path[100];

	ear_records_close(&records);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		remove(path);
	}
}

static void make(void)
{
	struct ear_records_options options = {.write = true, .owner = "fuzz"};
	struct ear_session_row s = {.at_ns = AT,
		.id = 1,
		.event = EAR_SESSION_CONNECT,
		.peername = EAR_S("909,904")};
	struct ear_binding_row b = {
		.at_ns = AT, .id = 1, .username = EAR_S("909")};
	struct ear_call_row c = {.at_ns = AT, .id = 1, .src = EAR_S("909")};
	struct ear_conn_row n = {.at_ns = AT, .id = 1};
	struct ear_track_out out;

	options.dir = mkdtemp(dir);
	if (!options.dir || ear_records_open(&options, &records, NULL))
		abort();
	ear_records_out(records, &out);
	out.session(&s, out.arg);
	out.binding(&b, out.arg);
	out.call(&c, out.arg);
	out.conn(&n, out.arg);
	if (ear_records_flush(records, NULL))
		abort();
	atexit(remove_all);
}

static bool row(const struct ear_cell *cells, void *arg)
{
	(void)cells;
	(void)arg;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_slice all = ear_slice(data, size), rest;
	struct ear_rows_query q = {.limit = 1};
	struct ear_rows_found found;
	struct ear_fault fault = {0};
	char cursor[200];
	enum ear_err err;
	const struct ear_column *columns;
	size_t line, n;

	if (!size)
		return 0;
	if (!records)
		make();
	q.list = (enum ear_list_of)(data[0] % EAR_LISTS);
	q.ascending = data[0] & 4;
	columns = ear_columns(q.list, &n);
	q.sort = columns[data[0] % n].name;
	q.at_ns = data[0] & 8 ? AT : 0;
	all = ear_slice_sub(all, 1, size);
	line = ear_slice_find(all, EAR_S("\n"));
	q.filter = ear_slice_sub(all, 0, line);
	rest = ear_slice_sub(all, line + 1, all.n);
	snprintf(cursor, sizeof(cursor), "%.*s", EAR_FMT(rest));
	q.cursor = cursor;
	err = ear_records_list(records, &q, row, NULL, &found, &fault);
	if (err && err != EAR_USAGE && err != EAR_GONE) {
		fprintf(stderr, "%s\n", fault.text);
		abort();
	}
	return 0;
}
