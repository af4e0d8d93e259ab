/* SPDX-License-Identifier: Apache-2.0 */
#include "records/tally.h"

#include <stdio.h>

/* A slot is counted when the newest row is so much later than its begin:
 * until then most calls of it have ended. */
#define SETTLED_NS (4 * EAR_SLOT_NS)
/* Slots that one step looks at, and what counting some of them may take before
 * they are committed: a batch of rows may be waiting. */
#define LOOKS 64
#define STEP_NS (50 * EAR_MS_NS)
/* Different values of a slot: where there are more, counts save nothing. */
#define GROUPS_MAX 500
/* Slots of one batch whose counts are gone already. */
#define SPOILT 8

static const struct {
	enum ear_list_of list;
	const char *table, *columns;
} tallies[] = {
	{EAR_LIST_SESSIONS, "session_tally",
		"event,source,failed,code,transport,details"},
	{EAR_LIST_CALLS, "call_tally", "disposition,code,transport,ended_by"},
};
#define TALLIES (sizeof(tallies) / sizeof(tallies[0]))

static size_t tally_of(enum ear_list_of list)
{
	size_t i = 0;

	while (i < TALLIES && tallies[i].list != list)
		i++;
	return i;
}

void ear_tally_tables(struct ear_buf *sql)
{
	/* whole: 0 where there are too many values to count by */
	ear_buf_str(sql,
		"CREATE TABLE IF NOT EXISTS tallied(list INTEGER, slot INTEGER,"
		" whole INTEGER, PRIMARY KEY(list, slot)) WITHOUT ROWID;");
	for (size_t i = 0; i < TALLIES; i++)
		ear_buf_printf(sql,
			"CREATE TABLE IF NOT EXISTS %s(slot INTEGER NOT NULL,"
			"%s,n INTEGER NOT NULL,PRIMARY KEY(slot,%s))"
			" WITHOUT ROWID;",
			tallies[i].table, tallies[i].columns,
			tallies[i].columns);
}

const char *ear_tally_table(enum ear_list_of list)
{
	size_t i = tally_of(list);

	return i < TALLIES ? tallies[i].table : NULL;
}

bool ear_tally_has(enum ear_list_of list, const char *column)
{
	size_t i = tally_of(list), n = strlen(column);
	const char *p = i < TALLIES ? tallies[i].columns : NULL;

	while (p) {
		if (!strncmp(p, column, n) && (p[n] == ',' || !p[n]))
			return true;
		p = strchr(p, ',');
		p += p != NULL;
	}
	return false;
}

/* --- the writer's thread ----------------------------------------------- */

static enum ear_err run(sqlite3 *db, const char *sql, uint64_t a, uint64_t b,
	uint64_t c, struct ear_fault *fault)
{
	sqlite3_stmt *st = NULL;
	uint64_t v[] = {a, b, c};
	enum ear_err err;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc)
		return ear_sql_fail(fault, db, rc, "records.db");
	for (int i = 0; i < 3 && i < sqlite3_bind_parameter_count(st); i++)
		ear_sql_bind(st, i + 1, v[i]);
	err = ear_sql_run(st, "records.db", fault);
	sqlite3_finalize(st);
	return err;
}

static enum ear_err spoil(
	sqlite3 *db, size_t i, uint64_t slot, struct ear_fault *fault)
{
	enum ear_err err =
		run(db, "DELETE FROM tallied WHERE list=?1 AND slot=?2",
			tallies[i].list, slot, 0, fault);
	char sql[80];

	if (err || !sqlite3_changes(db))
		return err;
	snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE slot=?1",
		tallies[i].table);
	return run(db, sql, slot, 0, 0, fault);
}

enum ear_err ear_tally_spoil(
	sqlite3 *db, const struct ear_told_batch *b, struct ear_fault *fault)
{
	uint64_t gone[TALLIES][SPOILT];
	unsigned n[TALLIES] = {0}, k;
	enum ear_err err = EAR_OK;

	for (size_t r = 0; !err && r < b->n; r++) {
		const struct ear_told_row *t = &b->v[r];
		uint64_t slot = t->at / EAR_SLOT_NS;
		size_t i = t->what < EAR_LISTS
				   ? tally_of((enum ear_list_of)t->what)
				   : TALLIES;

		if (i == TALLIES || !t->row || t->at > INT64_MAX)
			continue;
		for (k = 0; k < n[i] && k < SPOILT; k++) {
			if (gone[i][k] == slot)
				break;
		}
		if (k < n[i] && k < SPOILT)
			continue;
		err = spoil(db, i, slot, fault);
		gone[i][n[i]++ % SPOILT] = slot;
	}
	return err;
}

enum ear_err ear_tally_spoil_row(sqlite3 *db, enum ear_list_of list,
	uint64_t at_ns, struct ear_fault *fault)
{
	size_t i = tally_of(list);

	return i < TALLIES ? spoil(db, i, at_ns / EAR_SLOT_NS, fault) : EAR_OK;
}

enum ear_err ear_tally_spoil_before(
	sqlite3 *db, uint64_t before_ns, struct ear_fault *fault)
{
	uint64_t slot = before_ns / EAR_SLOT_NS;
	enum ear_err err = run(
		db, "DELETE FROM tallied WHERE slot<=?1", slot, 0, 0, fault);
	char sql[80];

	for (size_t i = 0; !err && i < TALLIES; i++) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE slot<=?1",
			tallies[i].table);
		err = run(db, sql, slot, 0, 0, fault);
	}
	return err;
}

static enum ear_err count_slot(
	sqlite3 *db, size_t i, uint64_t slot, struct ear_fault *fault)
{
	const char *columns = tallies[i].columns;
	uint64_t groups;
	enum ear_err err;
	char sql[400];

	snprintf(sql, sizeof(sql),
		"INSERT INTO %s SELECT ?1,%s,count(*) FROM %s"
		" WHERE at>=?2 AND at<=?3 GROUP BY %s",
		tallies[i].table, columns, ear_records_table[tallies[i].list],
		columns);
	err = run(db, sql, slot, slot * EAR_SLOT_NS,
		(slot + 1) * EAR_SLOT_NS - 1, fault);
	groups = (uint64_t)sqlite3_changes64(db);
	if (!err && groups > GROUPS_MAX) {
		snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE slot=?1",
			tallies[i].table);
		err = run(db, sql, slot, 0, 0, fault);
	}
	return err ? err
		   : run(db, "INSERT INTO tallied VALUES(?1,?2,?3)",
			     tallies[i].list, slot, groups <= GROUPS_MAX,
			     fault);
}

/* The newest slot before an edge that has rows, and whether it is counted.
 * @return false: there is none */
static bool find_slot(
	sqlite3 *db, size_t i, uint64_t edge_ns, uint64_t *slot, bool *counted)
{
	sqlite3_stmt *st = NULL;
	char sql[300];
	bool found;

	snprintf(sql, sizeof(sql),
		"SELECT s,EXISTS(SELECT 1 FROM tallied WHERE list=%d AND "
		"slot=s)"
		" FROM (SELECT at/%llu AS s FROM %s WHERE at<?1"
		" ORDER BY at DESC LIMIT 1)",
		(int)tallies[i].list, (unsigned long long)EAR_SLOT_NS,
		ear_records_table[tallies[i].list]);
	found = !sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	if (found)
		ear_sql_bind(st, 1, edge_ns);
	found = found && sqlite3_step(st) == SQLITE_ROW;
	if (found) {
		*slot = ear_sql_u64(st, 0);
		*counted = sqlite3_column_int(st, 1);
	}
	sqlite3_finalize(st);
	return found;
}

/* The next slot to look at. @return false: all were looked at */
static bool next_slot(
	sqlite3 *db, struct ear_tally_walk *walk, uint64_t *slot, bool *counted)
{
	for (; walk->list < TALLIES; walk->list++, walk->edge_ns = 0) {
		if (!walk->edge_ns) {
			walk->edge_ns = ear_file_u64(db,
				"SELECT n FROM meta WHERE name='newest'", 0);
			walk->edge_ns -= walk->edge_ns > SETTLED_NS
						 ? SETTLED_NS
						 : walk->edge_ns;
			walk->edge_ns -= walk->edge_ns % EAR_SLOT_NS;
		}
		if (find_slot(db, walk->list, walk->edge_ns, slot, counted) &&
			*slot) {
			walk->edge_ns = *slot * EAR_SLOT_NS;
			return true;
		}
	}
	*walk = (struct ear_tally_walk){0};
	return false;
}

static enum ear_err count_some(sqlite3 *db, struct ear_tally_walk *walk,
	bool *left, struct ear_fault *fault)
{
	uint64_t began = ear_mono_ns(), slot;
	enum ear_err err = EAR_OK;
	bool counted;

	for (unsigned looks = 0; !err && *left && looks < LOOKS &&
				 ear_mono_ns() - began < STEP_NS;
		looks++) {
		*left = next_slot(db, walk, &slot, &counted);
		if (*left && !counted)
			err = count_slot(db, walk->list, slot, fault);
	}
	return err;
}

enum ear_err ear_tally_step(sqlite3 *db, struct ear_tally_walk *walk,
	bool *left, struct ear_fault *fault)
{
	enum ear_err err =
		ear_sql_exec(db, "BEGIN IMMEDIATE", "records.db", fault);

	*left = true;
	if (err)
		return err;
	err = count_some(db, walk, left, fault);
	if (!err)
		err = ear_sql_exec(db, "COMMIT", "records.db", fault);
	if (err && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	if (err)
		*walk = (struct ear_tally_walk){0};
	return err;
}

/* --- readers ----------------------------------------------------------- */

void ear_tally_from(const struct ear_rows *r, struct ear_buf *sql)
{
	ear_buf_printf(sql,
		" FROM %s WHERE slot>=?2 AND slot<=?3"
		" AND ear_keep(?4,0,0%.*s)%s",
		ear_tally_table(r->list), EAR_FMT(ear_buf_view(&r->args)),
		r->base);
}

bool ear_tally_slots(
	uint64_t from_ns, uint64_t to_ns, uint64_t *first, uint64_t *last)
{
	*first = from_ns / EAR_SLOT_NS + (from_ns % EAR_SLOT_NS != 0);
	*last = (to_ns < UINT64_MAX ? to_ns + 1 : to_ns) / EAR_SLOT_NS;
	if (*last <= *first)
		return false;
	--*last;
	return true;
}

enum ear_err ear_gaps_init(struct ear_gaps *g, struct ear_rows *r,
	struct ear_records *records, sqlite3 *db, bool use, bool counted,
	bool ascending, struct ear_fault *fault)
{
	const char *table = use ? ear_tally_table(r->list) : NULL;
	struct ear_buf sql = {0};
	uint64_t first, last;
	enum ear_err err;

	*g = (struct ear_gaps){.keep = &r->keep,
		.ascending = ascending,
		.low = r->from_ns,
		.high = r->to_ns,
		.rc = SQLITE_DONE};
	if (!table || !ear_tally_slots(r->from_ns, r->to_ns, &first, &last))
		return EAR_OK;
	ear_buf_str(&sql, "SELECT slot,");
	if (counted)
		ear_buf_str(&sql, "1");
	else
		ear_buf_printf(&sql,
			"NOT EXISTS(SELECT 1 FROM %s AS n WHERE n.slot=t.slot"
			" AND ear_keep(?4,0,0%.*s)%s)",
			table, EAR_FMT(ear_buf_view(&r->args)), r->base);
	ear_buf_printf(&sql,
		" FROM tallied AS t WHERE list=%d AND whole"
		" AND slot>=?2 AND slot<=?3 ORDER BY slot %s",
		(int)r->list, ascending ? "ASC" : "DESC");
	err = ear_rows_prepare(r, records, db, &sql, &g->st, fault);
	ear_buf_fini(&sql);
	if (!err) {
		ear_sql_bind(g->st, ROWS_FROM, first);
		ear_sql_bind(g->st, ROWS_TO, last);
	}
	return err;
}

/* Cut off all up to the end of a slot, or up to its begin. */
static bool cut(struct ear_gaps *g, uint64_t slot, bool leave_out)
{
	uint64_t from = slot * EAR_SLOT_NS, to = from + EAR_SLOT_NS - 1;

	if (g->ascending) {
		g->from_ns = g->low;
		g->to_ns = leave_out ? from - 1 : to;
		g->low = to + 1;
		return !leave_out || from > g->from_ns;
	}
	g->from_ns = leave_out ? to + 1 : from;
	g->to_ns = g->high;
	g->over = !from;
	g->high = from - !g->over;
	return g->from_ns <= g->to_ns;
}

bool ear_gaps_next(struct ear_gaps *g)
{
	uint64_t at = g->keep->at, id = g->keep->id, seen = g->keep->seen;
	bool found = false;

	while (g->st && !g->over && !found &&
		(g->rc = sqlite3_step(g->st)) == SQLITE_ROW)
		found = cut(
			g, ear_sql_u64(g->st, 0), sqlite3_column_int(g->st, 1));
	/* the filter looked at counts, not at rows */
	g->keep->at = at;
	g->keep->id = id;
	g->keep->seen = seen;
	if (found) {
		g->rc = SQLITE_DONE;
		return true;
	}
	if (g->over || (g->rc != SQLITE_DONE && g->rc != SQLITE_ROW))
		return false;
	g->over = true;
	g->from_ns = g->low;
	g->to_ns = g->high;
	return g->low <= g->high;
}

void ear_gaps_fini(struct ear_gaps *g)
{
	sqlite3_finalize(g->st);
	g->st = NULL;
}
