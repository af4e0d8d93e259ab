/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter as a function of SQL: no text of a person ever becomes SQL, and
 * expressions mean here to the letter what they mean for messages.
 */
#include <inttypes.h>
#include <stdio.h>

#include "records/rows.h"

static struct ear_slice text_of(sqlite3_value *v)
{
	const void *p = sqlite3_value_blob(v);

	return ear_slice(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}

/* All texts of a row, a line each: for a word alone. */
static void all_texts(struct ear_keep *k, struct ear_expr_cell *cell)
{
	const struct ear_column_of *of = ear_column_of(k->list);
	size_t n;

	(void)ear_columns(k->list, &n);
	ear_buf_reset(&k->text);
	for (size_t i = 0; i < n; i++) {
		if (of[i].kind != EAR_KIND_TEXT && of[i].kind != EAR_KIND_PEERS)
			continue;
		ear_buf_slice(&k->text, text_of(k->argv[k->arg_of[i]]));
		ear_buf_byte(&k->text, '\n');
	}
	cell->text = ear_buf_view(&k->text);
}

static void addr_cell(struct ear_keep *k, sqlite3_value **v, bool port,
	bool as_text, struct ear_expr_cell *cell)
{
	struct ear_slice ip = text_of(v[0]);
	uint16_t p = port ? (uint16_t)sqlite3_value_int(v[1]) : 0;

	if (ip.n == 4)
		cell->addr = ear_addr_v4(ip.p, p);
	else if (ip.n == 16)
		cell->addr = ear_addr_v6(ip.p, p);
	if (as_text)
		cell->text = ear_slice(
			k->room, port ? ear_addr_text(&cell->addr, k->room)
				      : ear_addr_ip_text(&cell->addr, k->room));
}

static void enum_cell(
	const struct ear_words *w, int64_t v, struct ear_expr_cell *cell)
{
	int64_t n = 0;

	while (w->word[n])
		n++;
	cell->there = v >= w->base && v - w->base < n;
	cell->num = cell->there ? (uint64_t)(v - w->base) + 1 : 0;
}

static void get(unsigned f, bool as_text, struct ear_expr_cell *cell, void *arg)
{
	struct ear_keep *k = arg;
	const struct ear_column_of *of = ear_column_of(k->list) + f;
	sqlite3_value **v = k->argv + k->arg_of[f];
	int64_t i;

	if (f == ear_column_set(k->list)->text_field) {
		all_texts(k, cell);
		return;
	}
	switch ((enum ear_column_kind)of->kind) {
	case EAR_KIND_PEERS:
	case EAR_KIND_TEXT:
		cell->text = text_of(v[0]);
		cell->list = of->kind == EAR_KIND_PEERS;
		break;
	case EAR_KIND_NUM:
	case EAR_KIND_SOME:
	case EAR_KIND_TIME:
	case EAR_KIND_BOOL:
		i = sqlite3_value_int64(v[0]);
		cell->num = i > 0 ? (uint64_t)i : 0;
		cell->there =
			i || ((of->kind == EAR_KIND_NUM ||
				      of->kind == EAR_KIND_BOOL) &&
				     sqlite3_value_type(v[0]) != SQLITE_NULL);
		break;
	case EAR_KIND_ENUM:
		enum_cell(of->words, sqlite3_value_int64(v[0]), cell);
		break;
	case EAR_KIND_ADDR: addr_cell(k, v, true, as_text, cell); break;
	case EAR_KIND_IP: addr_cell(k, v, false, as_text, cell); break;
	case EAR_KIND_HEX:
		i = sqlite3_value_int64(v[0]);
		if (i)
			cell->text = ear_slice(k->room,
				(size_t)snprintf(k->room, sizeof(k->room),
					"%" PRIx64, (uint64_t)i));
		break;
	case EAR_KIND_ROW:
		cell->text = ear_slice(
			k->room, ear_row_id_text(k->at, k->id, k->room));
		break;
	}
}

/* ear_keep(filter, at, id, what the filter wants …) */
static void keep(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	struct ear_keep *k = sqlite3_value_pointer(argv[0], "ear_keep");

	(void)argc;
	if (!k) {
		sqlite3_result_int(c, 0);
		return;
	}
	k->at = (uint64_t)sqlite3_value_int64(argv[1]);
	k->id = (uint64_t)sqlite3_value_int64(argv[2]);
	k->argv = argv;
	k->seen++;
	sqlite3_result_int(
		c, !k->expr || ear_expr_match_cells(k->expr, get, k));
}

int ear_keep_function(sqlite3 *db)
{
	return sqlite3_create_function(
		db, "ear_keep", -1, SQLITE_UTF8, NULL, keep, NULL, NULL);
}
