/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: workers with a connection each, and batches that go from the
 * spool's thread to them and come back.
 *
 * Batches stand in a row, in the order of the spool. In mode async several are
 * in work at once; what is safe is what stands before the first that is not
 * done. The first moves the base in the table of places. One that overtakes
 * has a row of its own there, and may use it again only once the base covers
 * what it said before; it takes the base along when no other is doing so.
 *
 * A worker that does not come back is left behind with the session, and frees
 * it if it ever does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "base/time.h"
#include "sink/sql_priv.h"

/* Most that the spool's thread waits for room. */
#define PUT_NS (500 * EAR_MS_NS)
/* A server that says nothing for so long is gone; connecting ends by itself. */
#define SILENT_NS (90 * EAR_SECOND_NS)
#define SETUP_NS (45 * EAR_SECOND_NS)
/* How long workers may take to end what they do. */
#define LEAVE_NS (5 * EAR_SECOND_NS)
/* Records of one batch in mode each. */
#define EACH_RECORDS 64

enum state { FREE, FILLING, READY, WORKING, DONE };

struct slot {
	struct ear_sql_batch batch;
	struct ear_sql_work work;
	enum state state;
	struct ear_sql_span span; /* of this batch */
	struct ear_sql_span kept; /* what its row in the table says */
	bool moves_base;
	uint64_t begun_ns; /* monotonic */
};

struct worker {
	struct ear_sql_session *session;
	pthread_t thread;
	bool first; /* sets up */
};

struct ear_sql_session {
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	bool quit, ready;
	bool abandoned; /* the last worker to leave frees it */
	struct worker worker[EAR_SQL_WORKERS_MAX];
	size_t begun, left; /* of these */
	struct ear_sql_plan *plan;
	enum ear_err err; /* ends the session */
	struct ear_fault fault;
	char server[80];
	struct ear_sink_pos ours; /* for setting up */
	struct ear_sql_places places;
	struct ear_sql_how how;

	struct slot slot[EAR_SQL_BATCHES(EAR_SQL_WORKERS_MAX)];
	size_t slots, workers;
	size_t row[EAR_SQL_BATCHES(EAR_SQL_WORKERS_MAX)]; /* slots in order */
	size_t first, n;
	struct slot *filling;
	struct ear_sink_pos end;  /* of what was put */
	struct ear_sink_pos base; /* all before it is in */
	struct ear_sink_pos kept; /* the base as the table has it */
	bool base_moves;
	uint64_t safe; /* records */
	struct ear_sql_tally tally;
};

/* --- workers ----------------------------------------------------------- */

static void destroy(struct ear_sql_session *s)
{
	for (size_t i = 0; i < s->slots; i++)
		ear_sql_batch_fini(&s->slot[i].batch);
	ear_sql_plan_unref(&s->plan);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->done);
	free(s);
}

/* With the lock held. */
static void fail(struct ear_sql_session *s, const struct ear_fault *fault,
	enum ear_err err)
{
	if (!s->err) {
		s->err = err;
		s->fault = *fault;
	}
	pthread_cond_broadcast(&s->done);
}

/* The first worker finds tables and places before there is any work. */
static enum ear_err set_up(struct ear_sql_session *s, struct ear_sql_conn *conn,
	struct ear_sql_places *places, struct ear_fault *fault)
{
	size_t parts = s->plan->mode == EAR_SQL_ASYNC ? s->slots : 0;
	struct ear_sql_table *table;
	enum ear_err err;

	err = ear_sql_table_find(conn, s->plan->table, &table, fault);
	if (!err)
		err = ear_sql_places_read(conn, &s->ours, parts, places, fault);
	return err;
}

static void first_steps(struct ear_sql_session *s, struct ear_sql_conn *conn)
{
	struct ear_sql_places *places = calloc(1, sizeof(*places));
	struct ear_fault fault = {0};
	enum ear_err err =
		places ? set_up(s, conn, places, &fault)
		       : ear_fail(&fault, EAR_NOMEM, 0, "out of memory");

	pthread_mutex_lock(&s->lock);
	if (err) {
		fail(s, &fault, err);
	} else {
		s->places = *places;
		snprintf(s->server, sizeof(s->server), "%s", conn->server);
		s->how.nul = conn->dialect == EAR_SQL_MYSQL;
		s->ready = true;
		pthread_cond_broadcast(&s->done);
		pthread_cond_broadcast(&s->work);
	}
	pthread_mutex_unlock(&s->lock);
	free(places);
}

/* With the lock held. */
static struct slot *next_ready(struct ear_sql_session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct slot *slot = &s->slot[s->row[(s->first + i) % s->slots]];

		if (slot->state == READY)
			return slot;
	}
	return NULL;
}

/* With the lock held. What the batch's transaction shall move: */
static bool plan_moves(struct ear_sql_session *s, struct slot *slot)
{
	struct ear_sql_work *w = &slot->work;
	bool first = slot == &s->slot[s->row[s->first]];
	bool behind = ear_sql_pos_cmp(&s->base, &s->kept) > 0;

	*w = (struct ear_sql_work){.batch = &slot->batch,
		.key = s->places.kept ? s->places.key : NULL,
		.each = s->plan->mode == EAR_SQL_EACH};
	slot->moves_base = false;
	if (!s->places.kept)
		return true;
	if (s->plan->mode != EAR_SQL_ASYNC || (first && !s->base_moves)) {
		/* all before it is in: the base itself */
		w->move[w->moves++] =
			(struct ear_sql_move){0, s->kept, slot->span};
		slot->moves_base = s->base_moves = true;
		return true;
	}
	if (ear_sql_pos_cmp(
		    &slot->kept.to, s->base_moves ? &s->kept : &s->base) > 0)
		return false; /* its row still has something to say */
	if (!s->base_moves && behind) {
		w->move[w->moves++] =
			(struct ear_sql_move){0, s->kept, {s->kept, s->base}};
		slot->moves_base = s->base_moves = true;
	}
	w->move[w->moves++] = (struct ear_sql_move){
		(uint32_t)(slot - s->slot) + 1, slot->kept.to, slot->span};
	return true;
}

/* With the lock held. */
static void work_done(struct ear_sql_session *s, struct slot *slot)
{
	const struct ear_sql_work *w = &slot->work;

	slot->state = DONE;
	for (size_t i = 0; i < w->moves; i++) {
		if (w->move[i].part)
			slot->kept = slot->span;
		else
			s->kept = w->move[i].now.to;
	}
	if (slot->moves_base)
		s->base_moves = false;
	pthread_cond_broadcast(&s->done);
	pthread_cond_broadcast(&s->work);
}

/* With the lock held, which is open while the work is done. */
static bool work(struct ear_sql_session *s, struct ear_sql_conn *conn)
{
	struct slot *slot = s->ready ? next_ready(s) : NULL;
	struct ear_fault fault = {0};
	enum ear_err err = EAR_OK;

	if (!slot || !plan_moves(s, slot))
		return false;
	slot->state = WORKING;
	slot->begun_ns = ear_mono_ns();
	pthread_mutex_unlock(&s->lock);
	if (!conn->open)
		err = ear_sql_conn_open(conn, s->plan, &fault);
	if (!err)
		err = ear_sql_work_do(conn, &slot->work, &fault);
	pthread_mutex_lock(&s->lock);
	if (err)
		fail(s, &fault, err);
	else
		work_done(s, slot);
	return true;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct ear_sql_session *s = w->session;
	struct ear_sql_conn conn = {.plan = s->plan};
	struct ear_fault fault = {0};
	enum ear_err err = EAR_OK;
	bool last;

	ear_thread_self("sql", EAR_WEIGHT_WORK);
	if (w->first)
		err = ear_sql_conn_open(&conn, s->plan, &fault);
	if (w->first && !err)
		first_steps(s, &conn);
	pthread_mutex_lock(&s->lock);
	if (err)
		fail(s, &fault, err);
	while (!s->quit && !s->err) {
		if (!work(s, &conn))
			pthread_cond_wait(&s->work, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	ear_sql_conn_close(&conn);
	pthread_mutex_lock(&s->lock);
	s->left++;
	last = s->abandoned && s->left == s->begun;
	pthread_cond_broadcast(&s->done);
	pthread_mutex_unlock(&s->lock);
	if (last)
		destroy(s);
	return NULL;
}

/* --- opening and closing ----------------------------------------------- */

static void init_lock(struct ear_sql_session *s)
{
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	ear_cond_init(&s->done);
}

static enum ear_err start_workers(
	struct ear_sql_session *s, struct ear_fault *fault)
{
	while (s->begun < s->workers) {
		struct worker *w = &s->worker[s->begun];

		*w = (struct worker){.session = s, .first = s->begun == 0};
		if (pthread_create(&w->thread, NULL, worker_main, w))
			return ear_fail(
				fault, EAR_SYS, 0, "cannot start a thread");
		s->begun++;
	}
	return EAR_OK;
}

/* The places that the database knows become where we go on. */
static void go_on_from(struct ear_sql_session *s, struct ear_sink_pos *pos)
{
	s->kept = s->places.base;
	for (size_t i = 0; i < s->slots; i++)
		s->slot[i].kept = s->places.part[i];
	/* one that was taken out of a backup is behind what we know is in */
	if (ear_sql_pos_cmp(&s->places.base, pos) < 0) {
		ear_sql_tell(s->plan, "sql.behind",
			"sql %s: the database is from before what it has had "
			"from here; rows are missing in it",
			s->plan->name);
		s->base = *pos;
	} else {
		s->base = s->places.base;
	}
	s->end = *pos = s->base;
}

static enum ear_err wait_ready(
	struct ear_sql_session *s, struct ear_fault *fault)
{
	uint64_t until = ear_mono_ns() + SETUP_NS;
	enum ear_err err = EAR_OK;

	pthread_mutex_lock(&s->lock);
	while (!s->ready && !s->err) {
		if (!ear_cond_wait(&s->done, &s->lock, until) &&
			ear_mono_ns() >= until)
			break;
	}
	if (s->err) {
		*fault = s->fault;
		err = s->err;
	} else if (!s->ready) {
		err = ear_fail(fault, EAR_SYS, 0, "%s does not answer",
			s->plan->url.shown);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

enum ear_err ear_sql_session_open(struct ear_sql_plan *plan,
	struct ear_sink_pos *pos, struct ear_sql_session **session,
	struct ear_fault *fault)
{
	struct ear_sql_session *s = calloc(1, sizeof(*s));
	enum ear_err err;

	*session = NULL;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	init_lock(s);
	s->plan = ear_sql_plan_ref(plan);
	s->ours = *pos;
	s->how = (struct ear_sql_how){.utc = plan->utc, .table = plan->table};
	s->workers = plan->mode == EAR_SQL_ASYNC ? plan->workers : 1;
	s->slots = EAR_SQL_BATCHES(s->workers);
	err = start_workers(s, fault);
	if (!err)
		err = wait_ready(s, fault);
	if (!err)
		go_on_from(s, pos);
	*session = s;
	if (err)
		ear_sql_session_close(session);
	return err;
}

void ear_sql_session_close(struct ear_sql_session **session)
{
	struct ear_sql_session *s = *session;
	uint64_t until = ear_mono_ns() + LEAVE_NS;
	bool all;

	if (!s)
		return;
	*session = NULL;
	pthread_mutex_lock(&s->lock);
	s->quit = true;
	pthread_cond_broadcast(&s->work);
	while (s->left < s->begun && ear_mono_ns() < until)
		(void)ear_cond_wait(&s->done, &s->lock, until);
	all = s->left == s->begun;
	s->abandoned = !all;
	for (size_t i = 0; i < s->begun && !all; i++)
		pthread_detach(s->worker[i].thread);
	pthread_mutex_unlock(&s->lock);
	if (!all)
		return;
	for (size_t i = 0; i < s->begun; i++)
		pthread_join(s->worker[i].thread, NULL);
	destroy(s);
}

const char *ear_sql_session_server(const struct ear_sql_session *s)
{
	return s->server;
}

/* --- batches ----------------------------------------------------------- */

/* With the lock held: what stands in front and is done is safe. */
static void reap(struct ear_sql_session *s)
{
	while (s->n) {
		struct slot *slot = &s->slot[s->row[s->first]];
		struct ear_sql_tally *t = &slot->batch.tally;

		if (slot->state != DONE)
			return;
		s->safe += slot->batch.units;
		s->base = slot->span.to;
		s->tally.rows += t->rows;
		s->tally.cut += t->cut;
		s->tally.repaired += t->repaired;
		s->tally.rerouted += t->rerouted;
		s->tally.refused += t->refused;
		s->tally.records += t->records;
		if (t->why[0])
			memcpy(s->tally.why, t->why, sizeof(t->why));
		slot->state = FREE;
		s->first = (s->first + 1) % s->slots;
		s->n--;
		/* a batch may wait for the base that its row needs */
		pthread_cond_broadcast(&s->work);
	}
}

/* With the lock held. */
static struct slot *free_slot(struct ear_sql_session *s)
{
	reap(s);
	for (size_t i = 0; i < s->slots; i++) {
		if (s->slot[i].state == FREE)
			return &s->slot[i];
	}
	return NULL;
}

/* A batch to fill; NULL when there was none in time. */
static struct slot *begin_batch(struct ear_sql_session *s, uint64_t until_ns)
{
	struct slot *slot;

	pthread_mutex_lock(&s->lock);
	while ((slot = free_slot(s)) == NULL && !s->err) {
		if (!ear_cond_wait(&s->done, &s->lock, until_ns) &&
			ear_mono_ns() >= until_ns)
			break;
	}
	if (slot && !s->err) {
		slot->state = FILLING;
		slot->span.from = s->end;
		ear_sql_batch_reset(&slot->batch);
	} else {
		slot = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return slot;
}

/* What is being filled goes to the workers. */
static void submit(struct ear_sql_session *s)
{
	struct slot *slot = s->filling;

	if (!slot || !slot->batch.units)
		return;
	slot->span.to = slot->batch.unit[slot->batch.units - 1].next;
	s->end = slot->span.to;
	s->filling = NULL;
	pthread_mutex_lock(&s->lock);
	slot->state = READY;
	s->row[(s->first + s->n++) % s->slots] = (size_t)(slot - s->slot);
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
}

static bool is_full(
	const struct ear_sql_session *s, const struct ear_sql_batch *b)
{
	if (s->plan->mode == EAR_SQL_EACH)
		return b->units >= EACH_RECORDS;
	return b->rows >= s->plan->batch || b->units >= s->plan->batch ||
	       b->text.n >= EAR_SQL_BATCH_BYTES;
}

/* Whether its rows are in the table from an earlier session. */
static bool is_in(
	const struct ear_sql_session *s, const struct ear_sink_pos *next)
{
	for (size_t i = 0; i < s->places.spans; i++) {
		const struct ear_sql_span *span = &s->places.span[i];

		if (ear_sql_pos_cmp(&span->from, next) < 0 &&
			ear_sql_pos_cmp(next, &span->to) <= 0)
			return true;
	}
	return false;
}

static enum ear_err put_one(struct ear_sql_session *s, struct slot *slot,
	const struct ear_sink_record *record)
{
	enum ear_err err;

	if (is_in(s, &record->next))
		return ear_sql_batch_pass(&slot->batch, record);
	err = ear_sql_batch_add(&slot->batch, &s->how, record);
	if (err != EAR_BAD)
		return err;
	slot->batch.tally.refused++;
	slot->batch.tally.records++;
	snprintf(slot->batch.tally.why, sizeof(slot->batch.tally.why),
		"a record of the spool is no message");
	return ear_sql_batch_pass(&slot->batch, record);
}

static enum ear_err trouble(struct ear_sql_session *s, struct ear_fault *fault)
{
	enum ear_err err;

	pthread_mutex_lock(&s->lock);
	err = s->err;
	if (err)
		*fault = s->fault;
	pthread_mutex_unlock(&s->lock);
	return err;
}

enum ear_err ear_sql_session_put(struct ear_sql_session *s,
	const struct ear_sink_record *records, size_t n, size_t *handed,
	struct ear_fault *fault)
{
	uint64_t until_ns = ear_mono_ns() + PUT_NS;
	enum ear_err err = EAR_OK;

	*handed = 0;
	while (*handed < n && ear_mono_ns() < until_ns) {
		if (!s->filling)
			s->filling = begin_batch(s, until_ns);
		if (!s->filling)
			break;
		err = put_one(s, s->filling, &records[*handed]);
		if (err == EAR_LIMIT && s->filling->batch.units) {
			submit(s); /* no room for its tables in this one */
			continue;
		}
		if (err)
			return ear_fail(fault, err, 0, "out of memory");
		++*handed;
		if (is_full(s, &s->filling->batch))
			submit(s);
	}
	if (s->plan->mode == EAR_SQL_EACH || !s->plan->delay_ns)
		submit(s);
	return trouble(s, fault);
}

/* With the lock held. */
static void check_silence(struct ear_sql_session *s)
{
	uint64_t now_ns = ear_mono_ns();

	for (size_t i = 0; i < s->slots; i++) {
		struct ear_fault fault = {0};

		if (s->slot[i].state != WORKING ||
			now_ns - s->slot[i].begun_ns < SILENT_NS)
			continue;
		ear_fail(&fault, EAR_SYS, 0,
			"%s has not answered for %llu seconds",
			s->plan->url.shown,
			(unsigned long long)(SILENT_NS / EAR_SECOND_NS));
		fail(s, &fault, EAR_SYS);
	}
}

enum ear_err ear_sql_session_turn(struct ear_sql_session *s, uint64_t *safe,
	struct ear_sql_tally *tally, struct ear_fault *fault)
{
	if (s->filling && s->filling->batch.units &&
		ear_mono_ns() - s->filling->batch.since_ns >= s->plan->delay_ns)
		submit(s);
	pthread_mutex_lock(&s->lock);
	reap(s);
	check_silence(s);
	*safe = s->safe;
	*tally = s->tally;
	s->tally = (struct ear_sql_tally){0};
	pthread_mutex_unlock(&s->lock);
	return trouble(s, fault);
}
