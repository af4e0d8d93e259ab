/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session begins and ends. A worker that does not come back is left behind
 * with the session, and frees it if it ever does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "base/time.h"
#include "sink/sql_session.h"

/* A server that says nothing for so long is gone; connecting ends by itself. */
#define SETUP_NS (45 * EAR_SECOND_NS)
/* How long workers may take to end what they do. */
#define LEAVE_NS (5 * EAR_SECOND_NS)

void sql_session_free(struct ear_sql_session *s)
{
	for (size_t i = 0; i < s->slots; i++)
		ear_sql_batch_fini(&s->slot[i].batch);
	ear_sql_plan_unref(&s->plan);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->done);
	free(s);
}

void sql_session_fail(struct ear_sql_session *s, const struct ear_fault *fault,
	enum ear_err err)
{
	if (!s->err) {
		s->err = err;
		s->fault = *fault;
	}
	pthread_cond_broadcast(&s->done);
}

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
		struct sql_worker *w = &s->worker[s->begun];

		*w = (struct sql_worker){.session = s, .first = s->begun == 0};
		if (pthread_create(&w->thread, NULL, sql_worker_main, w))
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
	sql_session_free(s);
}

const char *ear_sql_session_server(const struct ear_sql_session *s)
{
	return s->server;
}
