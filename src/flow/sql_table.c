/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as a virtual table. A store hands matches out by a call, SQLite
 * asks for the next row: so a cursor reads pages, each a search that goes on
 * where the one before ended.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "flow/sql_plan.h"
#include "message/marks.h"

/* Pages grow, so that LIMIT 1 is cheap and a whole scan has few searches. */
#define PAGE_FIRST 64
#define PAGE_MOST 16384
/* What a page should take; one that a sudden run of large messages makes
 * larger than the last of these is refused. */
#define PAGE_BYTES ((size_t)32 << 20)
#define PAGE_BYTES_MOST ((size_t)512 << 20)

struct table {
	sqlite3_vtab base; /* first: SQLite's part */
	struct ear_sql *sql;
	struct ear_sql_schema schema;
};

struct cursor {
	sqlite3_vtab_cursor base; /* first: SQLite's part */
	struct ear_expr *expr;
	struct ear_query query;
	struct ear_gather page;
	size_t at;              /* next row of the page */
	uint64_t rows;          /* handed out before this one */
	unsigned of;            /* rows of this message */
	bool off;               /* none of them is without a user */
	struct ear_marks marks; /* of this message */
	struct ear_sql_place place;
	uint64_t limit; /* of the next page */
	char go_on[96];
	bool more; /* there are pages behind this one */
	enum ear_err err;
	struct ear_buf scratch;
	struct ear_sql_scan scan;
};

static struct table *table_of(sqlite3_vtab_cursor *c)
{
	return (struct table *)c->pVtab;
}

static int complain(sqlite3_vtab *vtab, enum ear_err err, const char *text)
{
	if (err == EAR_NOMEM)
		return SQLITE_NOMEM;
	sqlite3_free(vtab->zErrMsg);
	vtab->zErrMsg = sqlite3_mprintf("%s", text);
	return SQLITE_ERROR;
}

static int connect_table(sqlite3 *db, void *arg, int argc,
	const char *const *argv, sqlite3_vtab **vtab, char **error)
{
	struct table *t = sqlite3_malloc(sizeof(*t));
	struct ear_buf sql = {0};
	int rc = SQLITE_NOMEM;

	(void)argc;
	(void)error;
	if (!t)
		return rc;
	memset(t, 0, sizeof(*t));
	t->sql = arg;
	if (strcmp(argv[0], "ear_trace") == 0)
		ear_sql_schema_trace(&t->schema);
	else
		ear_sql_schema_messages(&t->schema);
	ear_sql_declare(&t->schema, &sql);
	if (!sql.err)
		rc = sqlite3_declare_vtab(db, sql.p);
	ear_buf_fini(&sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (rc != SQLITE_OK) {
		sqlite3_free(t);
		return rc;
	}
	*vtab = &t->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	return ear_sql_plan(&((struct table *)vtab)->schema, info);
}

static int open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
	struct cursor *c = calloc(1, sizeof(*c));

	(void)vtab;
	if (!c)
		return SQLITE_NOMEM;
	*cursor = &c->base;
	return SQLITE_OK;
}

/* Empty it: for closing, and for another filter. */
static void clear(struct cursor *c)
{
	ear_expr_free(&c->expr);
	ear_gather_fini(&c->page);
	ear_buf_fini(&c->scan.expr);
	ear_buf_fini(&c->scan.asked);
	ear_buf_fini(&c->scratch);
	memset((char *)c + sizeof(c->base), 0, sizeof(*c) - sizeof(c->base));
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
	clear((struct cursor *)cursor);
	free(cursor);
	return SQLITE_OK;
}

static bool gather(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct cursor *c = arg;
	struct ear_store *store = table_of(&c->base)->sql->options.store;
	char id[40] = "";

	store->ops->id_text(store, msg, facts, id);
	c->err = ear_gather_add(&c->page, msg, id);
	return c->err == EAR_OK;
}

/*
 * What one search says of its completeness counts for the whole query, but
 * for its stopping at the end of a page.
 */
static void account(struct ear_sql *sql, const struct ear_found *found)
{
	bool page_end =
		found->more && !strncmp(found->why, "stopped after", 13);

	sql->found.scanned += found->scanned;
	if (found->complete || page_end || !sql->found.complete)
		return;
	sql->found.complete = false;
	memcpy(sql->found.why, found->why, sizeof(sql->found.why));
}

static uint64_t next_limit(const struct cursor *c)
{
	uint64_t most = PAGE_MOST, wanted = c->limit * 4;

	if (c->page.bytes > PAGE_MOST)
		most = PAGE_BYTES / (c->page.bytes / c->page.n + 1);
	if (most > PAGE_MOST)
		most = PAGE_MOST;
	return wanted < most ? wanted : most + 1;
}

static int next_page(struct cursor *c)
{
	struct table *t = table_of(&c->base);
	struct ear_store *store = t->sql->options.store;
	struct ear_fault fault = {0};
	struct ear_found found = {0};
	enum ear_err err;

	ear_gather_fini(&c->page);
	c->at = 0;
	c->query.limit = c->limit;
	c->query.cursor = c->go_on[0] ? c->go_on : NULL;
	err = store->ops->find(store, &c->query, gather, c, &found, &fault);
	if (err || c->err)
		return complain(&t->base, err ? err : c->err,
			err ? fault.text : "too much for one page");
	account(t->sql, &found);
	c->limit = next_limit(c);
	/* fewer than the page takes and yet more: stopped, by time or asker */
	c->more = found.more && found.cursor[0] &&
		  found.matched >= c->query.limit;
	snprintf(c->go_on, sizeof(c->go_on), "%s", found.cursor);
	return SQLITE_OK;
}

/*
 * Which row of a message it is, as siptrace writes them: one without a user
 * and one for each; while it is switched off, only those.
 */
static void set_place(struct cursor *c, unsigned nth)
{
	unsigned user = c->off ? nth : nth - 1;

	c->place.nth = nth;
	c->place.user = (struct ear_slice){0};
	if (nth > 0 || c->off)
		c->place.user = c->marks.users.item[user];
}

static void first_row(struct cursor *c)
{
	const struct ear_mark_list *traces = &c->marks.traces;

	c->place.asked = ear_buf_view(&c->scan.asked);
	c->of = 1;
	c->off = false;
	if (c->at < c->page.n && table_of(&c->base)->schema.per_user) {
		ear_marks_read(c->page.v[c->at].msg.extra, &c->marks);
		for (size_t i = 0; c->marks.users.n && i < traces->n; i++)
			c->off |= ear_slice_eq(
				traces->item[i], EAR_S(EAR_MARK_OFF));
		c->of = (unsigned)c->marks.users.n + !c->off;
	}
	set_place(c, 0);
}

static int start(struct cursor *c, const struct table *t, int order)
{
	struct ear_fault fault = {0};
	enum ear_err err;

	if (c->scan.from_ns > c->scan.to_ns)
		c->scan.nothing = true;
	if (c->scan.nothing)
		return SQLITE_OK;
	err = ear_expr_new(
		ear_buf_view(&c->scan.expr), ear_now_ns(), &c->expr, &fault);
	if (err)
		return complain(c->base.pVtab, err, fault.text);
	c->query = (struct ear_query){.expr = c->expr,
		.from_ns = c->scan.from_ns,
		.to_ns = c->scan.to_ns,
		.oldest_first = order & EAR_SQL_OLDEST_FIRST,
		.deadline_ns = t->sql->deadline_ns,
		.stop = t->sql->options.stop};
	c->limit = PAGE_FIRST;
	c->page.max_bytes = PAGE_BYTES_MOST;
	return next_page(c);
}

static int filter(sqlite3_vtab_cursor *cursor, int order, const char *plan,
	int n, sqlite3_value **values)
{
	struct cursor *c = (struct cursor *)cursor;
	struct table *t = table_of(cursor);
	struct ear_fault fault = {0};
	enum ear_err err;
	int rc;

	clear(c);
	c->scan.from_ns = t->sql->options.from_ns;
	c->scan.to_ns = t->sql->options.to_ns;
	/* terms side by side mean "and" */
	ear_buf_str(&c->scan.expr, t->schema.base);
	err = ear_sql_values(
		&t->schema, plan ? plan : "", n, values, &c->scan, &fault);
	if (err)
		return complain(cursor->pVtab, err, fault.text);
	rc = start(c, t, order);
	first_row(c);
	return rc;
}

static int next(sqlite3_vtab_cursor *cursor)
{
	struct cursor *c = (struct cursor *)cursor;
	int rc = SQLITE_OK;

	c->rows++;
	if (c->place.nth + 1 < c->of) {
		set_place(c, c->place.nth + 1);
		return rc;
	}
	c->at++;
	if (c->at >= c->page.n && c->more)
		rc = next_page(c);
	first_row(c);
	return rc;
}

static int eof(sqlite3_vtab_cursor *cursor)
{
	struct cursor *c = (struct cursor *)cursor;

	return c->at >= c->page.n;
}

static int column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int i)
{
	struct cursor *c = (struct cursor *)cursor;

	ear_sql_result(context, &table_of(cursor)->schema.column[i],
		&c->page.v[c->at], &c->place, &c->scratch);
	return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
	struct cursor *c = (struct cursor *)cursor;

	*id = (sqlite3_int64)c->rows;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.iVersion = 1,
	.xCreate = connect_table,
	.xConnect = connect_table,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_table,
	.xDestroy = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next,
	.xEof = eof,
	.xColumn = column,
	.xRowid = rowid,
};

int ear_sql_tables(struct ear_sql *sql)
{
	int rc = sqlite3_create_module(sql->db, "ear_messages", &module, sql);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_module(sql->db, "ear_trace", &module, sql);
	return rc;
}
