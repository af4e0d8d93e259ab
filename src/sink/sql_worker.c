/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers: each has a connection of its own, takes batches of the row in their
 * order and commits each with the places that it moves.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "base/time.h"
#include "sink/sql_session.h"

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
		sql_session_fail(s, &fault, err);
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
static struct sql_slot *next_ready(struct ear_sql_session *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct sql_slot *slot =
			&s->slot[s->row[(s->first + i) % s->slots]];

		if (slot->state == SLOT_READY)
			return slot;
	}
	return NULL;
}

/* With the lock held. What the batch's transaction shall move: */
static bool plan_moves(struct ear_sql_session *s, struct sql_slot *slot)
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
static void work_done(struct ear_sql_session *s, struct sql_slot *slot)
{
	const struct ear_sql_work *w = &slot->work;

	slot->state = SLOT_DONE;
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
	struct sql_slot *slot = s->ready ? next_ready(s) : NULL;
	struct ear_fault fault = {0};
	enum ear_err err = EAR_OK;

	if (!slot || !plan_moves(s, slot))
		return false;
	slot->state = SLOT_WORKING;
	slot->begun_ns = ear_mono_ns();
	pthread_mutex_unlock(&s->lock);
	if (!conn->open)
		err = ear_sql_conn_open(conn, s->plan, &fault);
	if (!err)
		err = ear_sql_work_do(conn, &slot->work, &fault);
	pthread_mutex_lock(&s->lock);
	if (err)
		sql_session_fail(s, &fault, err);
	else
		work_done(s, slot);
	return true;
}

void *sql_worker_main(void *arg)
{
	struct sql_worker *w = arg;
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
		sql_session_fail(s, &fault, err);
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
		sql_session_free(s);
	return NULL;
}
