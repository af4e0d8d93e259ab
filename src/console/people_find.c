/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of Web Sessions and Audit, and their filter: the expression
 * language as a function of SQL, so that it means here what it means in every
 * other list.
 */
#include <stdio.h>

#include "base/time.h"
#include "console/people_priv.h"
#include "message/expr_set.h"

/* How many rows are judged between two looks at the clock. */
#define LOOK_EVERY 1024

static const struct ear_column web_columns[] = {
	{"id", "Id", "number of the event", EAR_COLUMN_INT, false, NULL},
	{"at", "Date Created", "when it happened", EAR_COLUMN_TIME, true, NULL},
	{"event", "Event Type", "what happened", EAR_COLUMN_ENUM, false,
		ear_web_event_names},
	{"principal", "Principal", "the name that was given", EAR_COLUMN_TEXT,
		false, NULL},
	{"address", "IP Address", "where it came from", EAR_COLUMN_TEXT, false,
		NULL},
};

static const struct ear_column audit_columns[] = {
	{"id", "Id", "number of the entry", EAR_COLUMN_INT, false, NULL},
	{"at", "Time", "when it was done", EAR_COLUMN_TIME, true, NULL},
	{"actor", "Actor", "who did it", EAR_COLUMN_TEXT, false, NULL},
	{"action", "Action", "what was done", EAR_COLUMN_TEXT, false, NULL},
	{"object", "Object", "to what", EAR_COLUMN_TEXT, false, NULL},
	{"detail", "Detail", "more about it", EAR_COLUMN_TEXT, false, NULL},
	{"address", "IP Address", "where it came from", EAR_COLUMN_TEXT, false,
		NULL},
};

#define F(name_, type_)                                             \
	{                                                           \
		.name = EAR_S_INIT(name_), .type = EAR_TYPE_##type_ \
	}

static const struct ear_field_info web_fields[] = {F("id", INT), F("at", TIME),
	F("event", ENUM), F("principal", STR), F("address", STR),
	F("text", TEXT)};
static const struct ear_field_info audit_fields[] = {F("id", INT),
	F("at", TIME), F("actor", STR), F("action", STR), F("object", STR),
	F("detail", STR), F("address", STR), F("text", TEXT)};

static struct ear_slice web_value(unsigned f, unsigned i)
{
	return f == 2 && i < EAR_WEB_EVENT_COUNT
		       ? ear_slice_str(ear_web_event_names[i])
		       : EAR_S("");
}

static struct ear_slice no_value(unsigned f, unsigned i)
{
	(void)f;
	(void)i;
	return EAR_S("");
}

static struct ear_slice alias(struct ear_slice name)
{
	if (ear_slice_ieq(name, EAR_S("time")))
		return EAR_S("at");
	return (struct ear_slice){0};
}

/* The texts of a row stand behind its columns. */
#define SET(fields_, n_, things_, value_)                               \
	{                                                               \
		.what = "column", .things = things_, .fields = fields_, \
		.n = (n_) + 1, .time_field = 1, .text_field = (n_),     \
		.status_field = (n_) + 1, .no_field = (n_) + 1,         \
		.int_max = INT64_MAX, .value = value_, .alias = alias   \
	}

static const struct ear_field_set web_set =
	SET(web_fields, 5, "events", web_value);
static const struct ear_field_set audit_set =
	SET(audit_fields, 7, "entries", no_value);

static const struct ear_people_source sources[] = {
	{web_columns, sizeof(web_columns) / sizeof(web_columns[0]), "web_event",
		"id,at_ns,type,principal,address", &web_set},
	{audit_columns, sizeof(audit_columns) / sizeof(audit_columns[0]),
		"audit_event", "id,at_ns,actor,action,object,detail,address",
		&audit_set},
};

const struct ear_people_source *ear_people_source(enum ear_rows_of of)
{
	return &sources[of - EAR_ROWS_WEB_SESSIONS];
}

const struct ear_column *ear_people_columns(enum ear_rows_of of, size_t *n)
{
	*n = ear_people_source(of)->n;
	return ear_people_source(of)->columns;
}

const struct ear_field_set *ear_people_set(enum ear_rows_of of)
{
	return ear_people_source(of)->set;
}

/* --- judging a row ------------------------------------------------------ */

static struct ear_slice text_of(sqlite3_value *v)
{
	const void *p = sqlite3_value_blob(v);

	return ear_slice(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}

static void all_texts(struct ear_people_find *f, struct ear_expr_cell *cell)
{
	ear_buf_reset(&f->text);
	for (size_t i = 2; i < f->source->n; i++) {
		ear_buf_slice(&f->text, text_of(f->argv[i]));
		ear_buf_byte(&f->text, '\n');
	}
	cell->text = ear_buf_view(&f->text);
}

static void enum_cell(const char *const *words, struct ear_slice text,
	struct ear_expr_cell *cell)
{
	for (uint64_t i = 0; words[i]; i++) {
		if (ear_slice_eq(text, ear_slice_str(words[i])))
			cell->num = i + 1;
	}
	cell->there = cell->num != 0;
}

static void get(
	unsigned field, bool as_text, struct ear_expr_cell *cell, void *arg)
{
	struct ear_people_find *f = arg;
	int64_t number;

	(void)as_text;
	if (field >= f->source->n) {
		all_texts(f, cell);
	} else if (field < 2) {
		number = sqlite3_value_int64(f->argv[field]);
		cell->num = number > 0 ? (uint64_t)number : 0;
		cell->there = true;
	} else if (f->source->columns[field].words) {
		enum_cell(f->source->columns[field].words,
			text_of(f->argv[field]), cell);
	} else {
		cell->text = text_of(f->argv[field]);
	}
}

static bool is_late(struct ear_people_find *f)
{
	const struct ear_rows_query *q = f->query;

	if (f->seen++ % LOOK_EVERY == 0 && f->seen > 1 &&
		((q->stop && __atomic_load_n(q->stop, __ATOMIC_RELAXED)) ||
			(q->deadline_ns && ear_mono_ns() > q->deadline_ns)))
		f->late = true;
	return f->late;
}

/* ear_keep(find, columns …) */
static void keep(sqlite3_context *c, int argc, sqlite3_value **argv)
{
	struct ear_people_find *f =
		sqlite3_value_pointer(argv[0], "ear_people_find");
	bool good = false;

	(void)argc;
	if (f && !is_late(f)) {
		f->argv = argv + 1;
		good = ear_expr_match_cells(f->expr, get, f);
	}
	sqlite3_result_int(c, good);
}

/* --- the query ---------------------------------------------------------- */

enum ear_err ear_people_open(struct ear_people_find *f, const char *dir,
	enum ear_rows_of of, const struct ear_rows_query *query,
	struct ear_fault *fault)
{
	enum ear_err err;

	*f = (struct ear_people_find){
		.source = ear_people_source(of), .query = query};
	err = ear_expr_new_over(
		f->source->set, query->filter, ear_now_ns(), &f->expr, fault);
	if (!err)
		err = ear_users_open(dir, &f->users, fault);
	if (!err && sqlite3_create_function(f->users->db, "ear_keep", -1,
			    SQLITE_UTF8, NULL, keep, NULL, NULL) != SQLITE_OK)
		err = ear_users_fail(f->users, fault);
	if (err)
		ear_people_close(f);
	return err;
}

void ear_people_close(struct ear_people_find *f)
{
	ear_users_close(&f->users);
	ear_expr_free(&f->expr);
	ear_buf_fini(&f->text);
}

sqlite3_stmt *ear_people_prepare(
	struct ear_people_find *f, const char *what, const char *tail)
{
	const struct ear_rows_query *q = f->query;
	struct ear_buf sql = {0};
	sqlite3_stmt *st = NULL;

	ear_buf_printf(&sql,
		"SELECT %s FROM %s WHERE at_ns>=?1 AND at_ns<=?2"
		" AND ear_keep(?3,%s)%s",
		what, f->source->table, f->source->select, tail);
	ear_buf_byte(&sql, 0);
	if (!sql.err)
		st = ear_users_prepare(f->users, sql.p);
	ear_buf_fini(&sql);
	if (!st)
		return NULL;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)q->from_ns);
	sqlite3_bind_int64(st, 2,
		q->to_ns > INT64_MAX ? INT64_MAX : (sqlite3_int64)q->to_ns);
	sqlite3_bind_pointer(st, 3, f, "ear_people_find", NULL);
	return st;
}

void ear_people_late(
	const struct ear_people_find *f, struct ear_rows_found *found)
{
	if (!f->late)
		return;
	found->complete = false;
	snprintf(found->why, sizeof(found->why), "the time was over");
}
