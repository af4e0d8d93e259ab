/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker does with a batch: one transaction with the place and the
 * rows. When the database refuses rows for what is in them, the transaction
 * is done once more with care: halves and halves of halves between
 * savepoints, until the rows to blame stand alone. Those are tried as plain
 * ASCII, then left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "sink/sql_priv.h"

/* The rows of one table. */
struct part {
	struct ear_sql_table *table;
	struct ear_slice (*v)[EAR_SQL_COLS];
	size_t *row; /* of the batch */
	size_t n;
};

struct job {
	struct ear_sql_conn *conn;
	struct ear_sql_batch *batch;
	struct ear_sql_table *table[EAR_SQL_TABLES];
	struct part part;
	size_t told_unit; /* the last whose refusal was counted, plus 1 */
};

/* --- values ------------------------------------------------------------ */

/* Cut where the column ends; bytes before characters, as only text that is
   longer in bytes can be longer in characters. */
static struct ear_slice fit(struct ear_slice s, size_t characters, size_t bytes,
	struct ear_sql_tally *tally)
{
	struct ear_slice cut = s;

	if (bytes && cut.n > bytes) {
		cut.n = bytes;
		while (cut.n && ((unsigned char)cut.p[cut.n] & 0xc0) == 0x80)
			cut.n--;
	}
	if (characters)
		cut = ear_utf8_cut(cut, characters);
	if (cut.n < s.n)
		tally->cut++;
	return cut;
}

static void fit_row(struct job *job, size_t row, size_t at)
{
	const struct ear_sql_table *t = job->part.table;
	struct ear_sql_batch *b = job->batch;
	struct ear_slice *v = job->part.v[at];

	for (enum ear_sql_col c = 0; c < EAR_SQL_COLS; c++) {
		size_t bytes = t->bytes[c];

		if (c == EAR_SQL_MSG && job->conn->max_row &&
			(!bytes || bytes > job->conn->max_row))
			bytes = job->conn->max_row;
		v[c] = fit(ear_sql_cell(b, &b->row[row], c), t->characters[c],
			bytes, &b->tally);
	}
	job->part.row[at] = row;
}

/* The rows of one table among [from, to). */
static void gather(
	struct job *job, struct ear_sql_table *table, size_t from, size_t to)
{
	job->part.table = table;
	job->part.n = 0;
	for (size_t r = from; r < to; r++) {
		if (job->table[job->batch->row[r].table] == table)
			fit_row(job, r, job->part.n++);
	}
}

/* --- with care --------------------------------------------------------- */

static size_t unit_of(const struct ear_sql_batch *b, size_t row)
{
	size_t low = 0, high = b->units;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->unit[mid].rows <= row)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void refuse(struct job *job, size_t at, const struct ear_fault *why)
{
	struct ear_sql_tally *t = &job->batch->tally;
	size_t unit = unit_of(job->batch, job->part.row[at]);

	t->refused++;
	snprintf(t->why, sizeof(t->why), "%.255s", why->text);
	if (job->told_unit != unit + 1)
		t->records++;
	job->told_unit = unit + 1;
}

static enum ear_err say(
	struct job *job, const char *words, struct ear_fault *fault)
{
	enum ear_err err = ear_odbc_exec(job->conn, words, NULL, fault);

	return err ? (fault->code = EAR_SYS) : EAR_OK;
}

/* Between savepoints: all of [from, to) or none, then EAR_BAD. */
static enum ear_err attempt(struct job *job,
	const struct ear_slice (*v)[EAR_SQL_COLS], size_t n,
	struct ear_fault *why, struct ear_fault *fault)
{
	enum ear_err err = say(job, "SAVEPOINT earshot", fault);

	if (err)
		return err;
	err = ear_sql_insert(job->conn, job->part.table, v, n, why);
	if (!err)
		return say(job, "RELEASE SAVEPOINT earshot", fault);
	if (err != EAR_BAD) {
		*fault = *why;
		return err;
	}
	return say(job, "ROLLBACK TO SAVEPOINT earshot", fault) ? EAR_SYS
								: EAR_BAD;
}

/* A '?' for each character that is not of ASCII. @return how many */
static size_t to_ascii(struct ear_slice s, struct ear_buf *out)
{
	size_t changed = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c && c < 0x80) {
			ear_buf_byte(out, c);
		} else if ((c & 0xc0) != 0x80) {
			ear_buf_byte(out, '?');
			changed++;
		}
	}
	return changed;
}

/* One row that was refused, as plain ASCII. */
static enum ear_err plain(struct job *job, size_t at, struct ear_fault *why,
	struct ear_fault *fault)
{
	struct ear_slice v[1][EAR_SQL_COLS];
	struct ear_buf text = {0};
	enum ear_err err = EAR_BAD;
	size_t bytes = 0, changed = 0;

	for (size_t c = 0; c < EAR_SQL_COLS; c++)
		bytes += job->part.v[at][c].n;
	/* at once, so that it does not move */
	if (!ear_buf_reserve(&text, bytes + 1))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	for (size_t c = 0; c < EAR_SQL_COLS; c++) {
		size_t from = text.n;

		changed += to_ascii(job->part.v[at][c], &text);
		v[0][c] = ear_slice(text.p + from, text.n - from);
	}
	if (changed)
		err = attempt(job, (const struct ear_slice(*)[EAR_SQL_COLS])v,
			1, why, fault);
	if (changed && !err)
		job->batch->tally.repaired++;
	ear_buf_fini(&text);
	return err;
}

static enum ear_err with_care(
	struct job *job, size_t from, size_t to, struct ear_fault *fault)
{
	const struct ear_slice(*v)[EAR_SQL_COLS] =
		(const struct ear_slice(*)[EAR_SQL_COLS])job->part.v;
	struct ear_fault why = {0};
	enum ear_err err = attempt(job, v + from, to - from, &why, fault);

	if (err != EAR_BAD)
		return err;
	if (to - from == 1) {
		err = plain(job, from, &why, fault);
		if (err == EAR_BAD) {
			refuse(job, from, &why);
			err = EAR_OK;
		}
		return err;
	}
	/* as deep as a batch can be halved: 17 */
	err = with_care(job, from, from + (to - from) / 2, fault);
	return err ? err : with_care(job, from + (to - from) / 2, to, fault);
}

/* --- transactions ------------------------------------------------------ */

/* Each distinct table of the batch in turn. */
static enum ear_err insert(struct job *job, size_t from, size_t to, bool care,
	struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (size_t t = 0; t < job->batch->tables && !err; t++) {
		bool before = false;

		for (size_t i = 0; i < t; i++)
			before |= job->table[i] == job->table[t];
		if (before)
			continue;
		gather(job, job->table[t], from, to);
		if (care && job->part.n)
			err = with_care(job, 0, job->part.n, fault);
		else if (job->part.n)
			err = ear_sql_insert(job->conn, job->part.table,
				(const struct ear_slice(*)[EAR_SQL_COLS])
					job->part.v,
				job->part.n, fault);
	}
	return err;
}

static enum ear_err once(struct job *job, const struct ear_sql_work *work,
	const struct ear_sql_move *move, size_t moves, size_t from, size_t to,
	bool care, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (size_t i = 0; i < moves && work->key && !err; i++)
		err = ear_sql_places_move(
			job->conn, work->key, &move[i], fault);
	if (!err)
		err = insert(job, from, to, care, fault);
	if (!err)
		err = ear_sql_commit(job->conn, fault);
	if (err)
		ear_sql_rollback(job->conn);
	return err;
}

static enum ear_err transaction(struct job *job,
	const struct ear_sql_work *work, const struct ear_sql_move *move,
	size_t moves, size_t from, size_t to, struct ear_fault *fault)
{
	struct ear_sql_tally before = job->batch->tally;
	enum ear_err err = once(job, work, move, moves, from, to, false, fault);

	if (err == EAR_BAD) {
		job->batch->tally = before;
		err = once(job, work, move, moves, from, to, true, fault);
	}
	job->batch->tally.rows += to - from;
	return err;
}

/* A transaction for each record, moving the base with it. */
static enum ear_err one_by_one(struct job *job, const struct ear_sql_work *work,
	struct ear_fault *fault)
{
	struct ear_sql_move move = work->move[0];
	enum ear_err err = EAR_OK;
	size_t from = 0;

	for (size_t i = 0; i < job->batch->units && !err; i++) {
		const struct ear_sql_unit *u = &job->batch->unit[i];

		move.now.from = move.was;
		move.now.to = u->next;
		err = transaction(
			job, work, &move, work->moves, from, u->rows, fault);
		move.was = u->next;
		from = u->rows;
	}
	return err;
}

/* Tables that cannot be had give way to the default: nothing is lost. */
static enum ear_err find_tables(struct job *job, struct ear_fault *fault)
{
	struct ear_sql_batch *b = job->batch;
	struct ear_sql_table *base;
	enum ear_err err;

	for (size_t i = 0; i < job->conn->tables; i++)
		job->conn->table[i].pinned = false;
	err = ear_sql_table_find(
		job->conn, job->conn->plan->table, &base, fault);
	if (err)
		return err;
	for (size_t t = 0; t < b->tables; t++) {
		struct ear_fault why = {0};

		err = ear_sql_table_find(
			job->conn, b->table[t], &job->table[t], &why);
		if (err == EAR_SYS || err == EAR_NOMEM) {
			*fault = why;
			return err;
		}
		if (err) {
			job->table[t] = base;
			snprintf(b->tally.why, sizeof(b->tally.why), "%.255s",
				why.text);
		}
		job->table[t]->pinned = true;
	}
	for (size_t r = 0; r < b->rows; r++) {
		size_t t = b->row[r].table;

		b->tally.rerouted +=
			job->table[t] == base &&
			strcmp(b->table[t], job->conn->plan->table) != 0;
	}
	return EAR_OK;
}

enum ear_err ear_sql_work_do(struct ear_sql_conn *conn,
	struct ear_sql_work *work, struct ear_fault *fault)
{
	struct ear_sql_batch *b = work->batch;
	struct job job = {.conn = conn, .batch = b};
	enum ear_err err;

	job.part.v = malloc((b->rows + 1) * sizeof(*job.part.v));
	job.part.row = malloc((b->rows + 1) * sizeof(*job.part.row));
	if (!job.part.v || !job.part.row)
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else
		err = find_tables(&job, fault);
	if (!err)
		err = work->each ? one_by_one(&job, work, fault)
				 : transaction(&job, work, work->move,
					   work->moves, 0, b->rows, fault);
	free(job.part.v);
	free(job.part.row);
	return err;
}
