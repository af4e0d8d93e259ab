/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our place in the spool, kept in the database itself, so that it moves in the
 * transaction of the rows before it.
 *
 *     earshot_position(name, part, f0..f3, v0..v3)
 *       part 0    everything up to v is in
 *       part 1…   everything behind f up to v is in as well: batches that
 *                 other connections committed out of turn
 *
 * The name is the sink's with the number of its spool (the upper half of v0),
 * since a spool that was begun anew counts from the beginning.
 *
 * A row is changed only from the value that we know it has. So a session that
 * everybody thought dead can commit nothing once another has moved the place;
 * and a new session locks the rows first, which waits for a commit that is
 * still under way.
 */
#include <inttypes.h>
#include <stdio.h>

#include "sink/sql_priv.h"

#define NUMBERS 9 /* part, f0..f3, v0..v3 */
#define PARTS_MAX EAR_SQL_BATCHES(EAR_SQL_WORKERS_MAX)

int ear_sql_pos_cmp(const struct ear_sink_pos *a, const struct ear_sink_pos *b)
{
	for (size_t i = 0; i < 4; i++) {
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	}
	return 0;
}

static void begin(
	const struct ear_sql_conn *conn, const char *words, struct ear_buf *sql)
{
	ear_buf_str(sql, words);
	ear_sql_quote_beside(conn, conn->plan->table, "earshot_position", sql);
}

/* Upper halves have all bits, and the column is signed. */
static void values(const struct ear_sink_pos *pos, const char *between,
	const char *letter, struct ear_buf *sql)
{
	for (size_t i = 0; i < 4; i++) {
		ear_buf_str(sql, i ? between : "");
		if (letter)
			ear_buf_printf(sql, "%s%zu = ", letter, i);
		ear_buf_printf(sql, "%" PRId64, (int64_t)pos->v[i]);
	}
}

static enum ear_err run(struct ear_sql_conn *conn, struct ear_buf *sql,
	int64_t *changed, struct ear_fault *fault)
{
	enum ear_err err;

	ear_buf_byte(sql, '\0');
	err = sql->err ? ear_fail(fault, EAR_NOMEM, 0, "out of memory")
		       : ear_odbc_exec(conn, sql->p, changed, fault);
	ear_buf_fini(sql);
	return err;
}

static enum ear_err make(struct ear_sql_conn *conn, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	enum ear_err err;

	begin(conn, "CREATE TABLE ", &sql);
	ear_buf_str(&sql, " (name VARCHAR(80) NOT NULL, part INTEGER NOT NULL");
	for (int i = 0; i < 8; i++)
		ear_buf_printf(&sql, ", %c%d BIGINT NOT NULL",
			i < 4 ? 'f' : 'v', i % 4);
	ear_buf_str(&sql, ", PRIMARY KEY (name, part))");
	if (conn->dialect == EAR_SQL_MYSQL)
		ear_buf_str(&sql, " ENGINE=InnoDB");
	err = run(conn, &sql, NULL, fault);
	if (!err)
		err = ear_sql_commit(conn, fault);
	if (err)
		ear_sql_rollback(conn);
	return err;
}

/* Lock the rows and read them. */
static enum ear_err ask(struct ear_sql_conn *conn, const char *key,
	int64_t *numbers, size_t *rows, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	enum ear_err err;

	begin(conn, "SELECT part, f0, f1, f2, f3, v0, v1, v2, v3 FROM ", &sql);
	ear_buf_printf(&sql, " WHERE name = '%s' ORDER BY part%s", key,
		conn->dialect == EAR_SQL_OTHER ? "" : " FOR UPDATE");
	ear_buf_byte(&sql, '\0');
	err = sql.err ? ear_fail(fault, EAR_NOMEM, 0, "out of memory")
		      : ear_sql_numbers(conn, sql.p, NUMBERS, numbers,
				PARTS_MAX + 1, rows, fault);
	ear_buf_fini(&sql);
	return err;
}

static struct ear_sink_pos pos_at(const int64_t *numbers)
{
	struct ear_sink_pos pos;

	for (size_t i = 0; i < 4; i++)
		pos.v[i] = (uint64_t)numbers[i];
	return pos;
}

static enum ear_err add_part(struct ear_sql_conn *conn, const char *key,
	size_t part, const struct ear_sink_pos *pos, struct ear_fault *fault)
{
	struct ear_buf sql = {0};

	begin(conn, "INSERT INTO ", &sql);
	ear_buf_printf(&sql,
		" (name, part, f0, f1, f2, f3, v0, v1, v2, v3) VALUES "
		"('%s', %zu, ",
		key, part);
	values(pos, ", ", NULL, &sql);
	ear_buf_str(&sql, ", ");
	values(pos, ", ", NULL, &sql);
	ear_buf_byte(&sql, ')');
	return run(conn, &sql, NULL, fault);
}

/* What was read becomes places; what is missing is added. */
static enum ear_err settle(struct ear_sql_conn *conn, const int64_t *numbers,
	size_t rows, const struct ear_sink_pos *ours, size_t parts,
	struct ear_sql_places *places, struct ear_fault *fault)
{
	bool have[PARTS_MAX + 1] = {false};
	enum ear_err err = EAR_OK;

	for (size_t r = 0; r < rows; r++, numbers += NUMBERS) {
		int64_t part = numbers[0];
		struct ear_sql_span span = {
			pos_at(numbers + 1), pos_at(numbers + 5)};

		if (part < 0 || part > PARTS_MAX)
			continue;
		have[part] = true;
		if (part == 0)
			places->base = span.to;
		else
			places->part[part - 1] = span;
		if (part && ear_sql_pos_cmp(&span.to, &places->base) > 0)
			places->span[places->spans++] = span;
	}
	for (size_t part = 0; part <= parts && !err; part++) {
		if (have[part])
			continue;
		if (part)
			places->part[part - 1] = (struct ear_sql_span){
				places->base, places->base};
		else
			places->base = *ours;
		err = add_part(conn, places->key, part, &places->base, fault);
	}
	return err;
}

/* Without a table: the spool's own position has to do. */
static enum ear_err without(struct ear_sql_conn *conn,
	const struct ear_fault *why, struct ear_sql_places *places)
{
	ear_sql_rollback(conn);
	places->kept = false;
	ear_sql_tell(conn->plan, "sql.position",
		"sql %s: no table earshot_position can be found or made (%s); "
		"after a crash the last rows may be written twice",
		conn->plan->name, why->text);
	return EAR_OK;
}

enum ear_err ear_sql_places_read(struct ear_sql_conn *conn,
	const struct ear_sink_pos *ours, size_t parts,
	struct ear_sql_places *places, struct ear_fault *fault)
{
	int64_t numbers[(PARTS_MAX + 1) * NUMBERS];
	struct ear_fault why = {0};
	enum ear_err err;
	size_t rows = 0;

	*places = (struct ear_sql_places){.kept = true, .base = *ours};
	snprintf(places->key, sizeof(places->key), "%s@%08" PRIx64,
		conn->plan->name, ours->v[0] >> 32);
	err = ask(conn, places->key, numbers, &rows, &why);
	if (err == EAR_GONE) {
		ear_sql_rollback(conn);
		/* another one may make it at the same moment: look again */
		if (make(conn, &why))
			err = ask(conn, places->key, numbers, &rows, NULL);
		else
			err = ask(conn, places->key, numbers, &rows, &why);
		if (err == EAR_GONE)
			return without(conn, &why, places);
	}
	if (!err)
		err = settle(conn, numbers, rows, ours, parts, places, &why);
	if (!err)
		err = ear_sql_commit(conn, &why);
	if (err) {
		ear_sql_rollback(conn);
		return ear_fail(fault, EAR_SYS, 0, "table earshot_position: %s",
			why.text);
	}
	return EAR_OK;
}

enum ear_err ear_sql_places_move(struct ear_sql_conn *conn, const char *key,
	const struct ear_sql_move *move, struct ear_fault *fault)
{
	struct ear_buf sql = {0};
	int64_t changed = 0;
	enum ear_err err;

	begin(conn, "UPDATE ", &sql);
	ear_buf_str(&sql, " SET ");
	values(&move->now.from, ", ", "f", &sql);
	ear_buf_str(&sql, ", ");
	values(&move->now.to, ", ", "v", &sql);
	ear_buf_printf(
		&sql, " WHERE name = '%s' AND part = %u AND ", key, move->part);
	values(&move->was, " AND ", "v", &sql);
	err = run(conn, &sql, &changed, fault);
	if (err)
		return fault->code = EAR_SYS;
	if (changed != 1)
		return ear_fail(fault, EAR_SYS, 0,
			"another session has moved our place in the table "
			"earshot_position (%s)",
			key);
	return EAR_OK;
}
