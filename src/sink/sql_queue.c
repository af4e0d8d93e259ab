/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's thread: records become batches, which stand in a row until
 * workers have brought them in. It waits for room, never for the database.
 */
#include <stdio.h>

#include "base/thread.h"
#include "base/time.h"
#include "sink/sql_session.h"

/* Most that it waits for room. */
#define PUT_NS (500 * EAR_MS_NS)
/* A server that says nothing for so long is gone. */
#define SILENT_NS (90 * EAR_SECOND_NS)
/* Records of one batch in mode each. */
#define EACH_RECORDS 64

/* With the lock held: what stands in front and is done is safe. */
static void reap(struct ear_sql_session *s)
{
	while (s->n) {
		struct sql_slot *slot = &s->slot[s->row[s->first]];
		struct ear_sql_tally *t = &slot->batch.tally;

		if (slot->state != SLOT_DONE)
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
		slot->state = SLOT_FREE;
		s->first = (s->first + 1) % s->slots;
		s->n--;
		/* a batch may wait for the base that its row needs */
		pthread_cond_broadcast(&s->work);
	}
}

/* With the lock held. */
static struct sql_slot *free_slot(struct ear_sql_session *s)
{
	reap(s);
	for (size_t i = 0; i < s->slots; i++) {
		if (s->slot[i].state == SLOT_FREE)
			return &s->slot[i];
	}
	return NULL;
}

/* A batch to fill; NULL when there was none in time. */
static struct sql_slot *begin_batch(
	struct ear_sql_session *s, uint64_t until_ns)
{
	struct sql_slot *slot;

	pthread_mutex_lock(&s->lock);
	while ((slot = free_slot(s)) == NULL && !s->err) {
		if (!ear_cond_wait(&s->done, &s->lock, until_ns) &&
			ear_mono_ns() >= until_ns)
			break;
	}
	if (slot && !s->err) {
		slot->state = SLOT_FILLING;
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
	struct sql_slot *slot = s->filling;

	if (!slot || !slot->batch.units)
		return;
	slot->span.to = slot->batch.unit[slot->batch.units - 1].next;
	s->end = slot->span.to;
	s->filling = NULL;
	pthread_mutex_lock(&s->lock);
	slot->state = SLOT_READY;
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

static enum ear_err put_one(struct ear_sql_session *s, struct sql_slot *slot,
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

		if (s->slot[i].state != SLOT_WORKING ||
			now_ns - s->slot[i].begun_ns < SILENT_NS)
			continue;
		ear_fail(&fault, EAR_SYS, 0,
			"%s has not answered for %llu seconds",
			s->plan->url.shown,
			(unsigned long long)(SILENT_NS / EAR_SECOND_NS));
		sql_session_fail(s, &fault, EAR_SYS);
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
