/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of a session share: sql_session.c opens and closes it,
 * sql_queue.c is the side of the spool's thread, sql_worker.c the other.
 *
 * Batches stand in a row, in the order of the spool. In mode async several are
 * in work at once; what is safe is what stands before the first that is not
 * done. The first moves the base in the table of places. One that overtakes
 * has a row of its own there, and may use it again only once the base covers
 * what it said before; it takes the base along when no other is doing so.
 */
#ifndef EAR_SINK_SQL_SESSION_H
#define EAR_SINK_SQL_SESSION_H

#include "sink/sql_priv.h"

enum sql_slot_state {
	SLOT_FREE,
	SLOT_FILLING,
	SLOT_READY,
	SLOT_WORKING,
	SLOT_DONE
};

/* A place for a batch. */
struct sql_slot {
	struct ear_sql_batch batch;
	struct ear_sql_work work;
	enum sql_slot_state state;
	struct ear_sql_span span; /* of this batch */
	struct ear_sql_span kept; /* what its row in the table says */
	bool moves_base;
	uint64_t begun_ns; /* monotonic */
};

struct sql_worker {
	struct ear_sql_session *session;
	pthread_t thread;
	bool first; /* sets up */
};

struct ear_sql_session {
	pthread_mutex_t lock; /* of what threads share */
	pthread_cond_t work, done;
	bool quit, ready;
	bool abandoned; /* the last worker to leave frees it */
	struct sql_worker worker[EAR_SQL_WORKERS_MAX];
	size_t begun, left; /* of these */
	struct ear_sql_plan *plan;
	enum ear_err err; /* ends the session */
	struct ear_fault fault;
	char server[80];
	struct ear_sink_pos ours; /* for setting up */
	struct ear_sql_places places;
	struct ear_sql_how how;

	struct sql_slot slot[EAR_SQL_BATCHES(EAR_SQL_WORKERS_MAX)];
	size_t slots, workers;
	size_t row[EAR_SQL_BATCHES(EAR_SQL_WORKERS_MAX)]; /* slots in order */
	size_t first, n;
	struct sql_slot *filling;
	struct ear_sink_pos end;  /* of what was put */
	struct ear_sink_pos base; /* all before it is in */
	struct ear_sink_pos kept; /* the base as the table has it */
	bool base_moves;
	uint64_t safe; /* records */
	struct ear_sql_tally tally;
};

/** The session ends with this. With the lock held. */
void sql_session_fail(struct ear_sql_session *session,
	const struct ear_fault *fault, enum ear_err err);

/** No thread has it any more. */
void sql_session_free(struct ear_sql_session *session);

/** A worker's thread. @param arg struct sql_worker */
void *sql_worker_main(void *arg);

#endif
