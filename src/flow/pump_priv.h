/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the pump share: pump.c has its thread and its rounds,
 * pump_lane.c the lanes and how far they are, pump_frame.c what a frame holds.
 */
#ifndef EAR_FLOW_PUMP_PRIV_H
#define EAR_FLOW_PUMP_PRIV_H

#include "flow/pump.h"

#include <pthread.h>
#include <stdatomic.h>

#include "flow/flow.h"
#include "tap/decode.h"

/* Lanes that one journal may have: receive threads of all listeners. */
#define LANES 256

/* How far the last run had come with a lane. */
struct come {
	struct ear_lane_pos pos; /* all frames before it are done */
	uint64_t messages;       /* and so many of the one that begins there */
};

/* All of a frame's. */
#define ALL UINT64_MAX

struct lane {
	char name[32];
	struct ear_lane *lane;
	struct ear_terms terms;
	struct ear_lane_pos start; /* of the frame in work */
	struct come stored;        /* by the store */
	struct come tracked;       /* by the trackers */
	uint64_t skip;             /* messages of the frame in work stored */
	uint64_t known;            /* and those that the trackers know */
	uint64_t done_at; /* what the journal was last told, to skip calls */
	bool writing;     /* has a tap; otherwise left over from before */
	char tap[80];     /* its name, when it has one */
	uint64_t units;   /* appended since open and read again, or lost */
	bool empty;       /* the last read found nothing */
	bool holds;       /* the next frame is in hand: */
	struct ear_frame frame;
	uint64_t first_ns; /* when its first record was taken */
	bool taken;        /* a frame of it, since it was opened */
	bool retired;      /* its writer leaves it, or has left it */
	const struct ear_flow_lane *writer; /* of a retired one, or NULL */
};

/* Something to be called by the thread between two frames. */
struct errand {
	void (*fn)(void *arg);
	void *arg;
	bool done;
};

struct ear_pump {
	struct ear_pump_options options;
	struct ear_path *path;
	struct ear_decoder *decoder;
	struct lane lane[LANES];
	size_t lanes;
	pthread_t thread;
	bool running;
	atomic_bool finish;   /* empty the lanes, then end */
	bool give_up;         /* end at once; relaxed atomic */
	bool hurry;           /* do not wait for a full store; the same */
	uint64_t marks_at_ns; /* monotonic; when marks are looked at next */
	bool stepped; /* our clock went back: lanes cannot be compared */

	pthread_mutex_t errand_lock; /* of the two below */
	pthread_cond_t errand_moved;
	_Atomic(struct errand *) errand;
	bool ended; /* the thread runs no errands any more */

	/* Where a frame that was counted by the last run is counted. */
	struct ear_ledger *aside;

	/* The unit in work, for the decoder's callback. */
	struct lane *at;
	struct ear_tally *tally;
	uint64_t message; /* messages of the frame so far */
	bool replay;
	bool again; /* all of the frame is in the store */
	enum ear_err err;
};

/* --- pump.c ------------------------------------------------------------ */

/* Whether it ends at once, with what is not stored left in the journal. */
bool pump_gave_up(const struct ear_pump *pump);
void pump_give_up(struct ear_pump *pump);

/* Run what somebody waits for. arg: the pump */
void pump_run_errand(void *arg);

/* --- pump_lane.c ------------------------------------------------------- */

/* A lane's place, and so many messages of the frame there, as a mark. */
void pump_mark(const struct lane *lane, const struct ear_lane_pos *pos,
	uint64_t messages, struct ear_store_mark *mark);

/* Tell the journal what is committed. */
void pump_release(struct ear_pump *pump);

/* Close lanes that get no more and of which all is committed; between two
 * rounds. */
void pump_close_retired(struct ear_pump *pump);

/* Mark for the records what was read of each lane; between two frames. */
void pump_mark_rows(struct ear_pump *pump);

/* Open the lanes that an earlier run left. */
EAR_MUST_USE enum ear_err pump_open_left_over(
	struct ear_pump *pump, struct ear_fault *fault);

/* --- pump_frame.c ------------------------------------------------------ */

/* Have the next frame of a lane in hand. @return EAR_MORE when it is empty */
EAR_MUST_USE enum ear_err pump_peek(struct ear_pump *pump, struct lane *lane);

/* Take a few frames of a lane that holds one, none that began after until_ns.
 * @return EAR_MORE when it is empty */
EAR_MUST_USE enum ear_err pump_turn(
	struct ear_pump *pump, struct lane *lane, uint64_t until_ns);

#endif
