/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files of the server share: server.c opens and closes,
 * server_keeper.c looks after it, recover.c stores what a kill left, listen.c
 * and capture.c have the listeners and devices, reload.c changes what runs,
 * event.c puts in what programs of ours say.
 */
#ifndef EAR_FLOW_SERVER_PRIV_H
#define EAR_FLOW_SERVER_PRIV_H

#include <pthread.h>

#include "flow/backlog.h"
#include "flow/gaps.h"
#include "flow/lane.h"
#include "flow/pump.h"
#include "flow/server.h"
#include "tap/capture.h"
#include "tap/hep_tcp.h"
#include "tap/hep_udp.h"

#define LISTENERS 128 /* captures too */
#define CAPTURES 64
#define LISTENER_THREADS 64

struct listener {
	char name[48];
	char transport[8];
	struct ear_terms terms;  /* that it takes messages on now */
	struct ear_addr asked;   /* address of the configuration */
	struct ear_addr address; /* as bound */
	uint32_t threads;
	uint64_t made_from; /* hash of what only a new socket can change */
	struct ear_flow_lane *intake[LISTENER_THREADS];
	struct ear_lane *lane[LISTENER_THREADS];
	char lane_name[LISTENER_THREADS][EAR_LANE_NAME];
	struct ear_tap_udp *udp;
	struct ear_tap_tcp *tcp;
	struct ear_capture *capture; /* instead: a device */
	uint64_t gone_ns;            /* it is away; told of until then */
	uint64_t told_ns;
};

/* A lane for what programs of ours say. */
struct control_lane {
	pthread_mutex_t lock; /* of all */
	struct ear_lane *lane;
	char name[EAR_LANE_NAME];
	struct ear_terms terms;
	struct ear_buf frame;
};

struct ear_server {
	struct ear_server_options options;
	char dir[2048];
	char journal_dir[2100];
	uint64_t started_ns;
	struct ear_notices *notices;
	struct ear_ledger *ledger;
	struct ear_store *store;
	struct ear_journal *journal;
	struct ear_rules *rules;       /* NULL: there are none */
	struct ear_tracking *tracking; /* the same */
	struct ear_pump *pump;
	struct ear_gaps *gaps;
	_Atomic uint64_t missing; /* notices of frames that were not there */
	pthread_mutex_t watch_lock;
	struct ear_backlog_watch watch;

	pthread_mutex_t listeners_lock; /* of the two below */
	struct listener *listener[LISTENERS];
	size_t listeners;
	struct control_lane control;
	struct ear_capture *early[CAPTURES]; /* opened, no listener yet */

	pthread_mutex_t reload_lock; /* one reload at a time */
	pthread_t keeper;
	pthread_mutex_t keeper_lock;
	pthread_cond_t keeper_wake;
	bool keeper_runs;
	bool keeper_stops;
};

/* --- recover.c --------------------------------------------------------- */

/*
 * Say beside the journal whether what it holds is subject to rules: then only
 * a server stores it, which has them.
 */
void server_mark_rules(
	const struct ear_server *s, const struct ear_rules_spec *rules);

/* --- server_keeper.c --------------------------------------------------- */

/*
 * Before it starts. What the journal holds from the last run came in after
 * what the store has, as far as the clocks of senders can be trusted.
 */
void server_keeper_begin(struct ear_server *s);
/* EAR_SYS with errno */
EAR_MUST_USE enum ear_err server_keeper_start(struct ear_server *s);
void server_keeper_stop(struct ear_server *s);
/* What is accepted and cannot be found yet. Any thread. */
struct ear_backlog server_keeper_backlog(struct ear_server *s);
/* Once a second, and at the end: losses with their times to gaps.jsonl. */
void server_keeper_losses(struct ear_server *s);
/* The status as a file, for `earshot status` when we are gone. */
void server_keeper_status(struct ear_server *s);

/* --- listen.c ---------------------------------------------------------- */

/*
 * Bind, and open lanes; nothing is received yet.
 *
 * again: it takes the place of a listener that is open
 */
EAR_MUST_USE enum ear_err listener_open(struct ear_server *s,
	const struct ear_listener *o, bool mask, bool again,
	struct listener **out, struct ear_fault *fault);
EAR_MUST_USE enum ear_err listener_start(
	struct listener *l, struct ear_fault *fault);

/* Take what the sockets hold, close them, give the lanes up. */
void listener_close(struct ear_server *s, struct listener **l);

/* What is configured, but for what can change in place. */
uint64_t listener_made_from(struct ear_server *s, const struct ear_listener *o);
struct ear_terms listener_terms(const struct ear_listener *o, bool mask);

/* Lanes for other terms, one a thread, not yet written to. */
struct lanes {
	struct ear_lane *lane[LISTENER_THREADS];
	char name[LISTENER_THREADS][EAR_LANE_NAME];
	size_t n;
};
EAR_MUST_USE enum ear_err listener_lanes(struct ear_server *s,
	const struct listener *l, const struct ear_terms *terms,
	struct lanes *lanes, struct ear_fault *fault);
void lanes_give_up(struct ear_server *s, struct lanes *lanes);
void listener_switch(struct ear_server *s, struct listener *l,
	const struct ear_terms *terms, const struct lanes *lanes);

void listeners_json(struct ear_server *s, struct ear_json *j);

/* --- capture.c --------------------------------------------------------- */

/* Open the devices of the options, and become their user. */
EAR_MUST_USE enum ear_err captures_early(
	struct ear_server *s, struct ear_fault *fault);
/* Close those that never became listeners. */
void captures_late(struct ear_server *s);
/* A capture as what a listener is made from. */
struct ear_listener capture_listener(const struct ear_capture_spec *spec);
uint64_t capture_made_from(const struct ear_capture_spec *spec);
EAR_MUST_USE enum ear_err open_capture(struct ear_server *s, struct listener *l,
	const struct ear_capture_spec *spec, struct ear_fault *fault);
/* Other listeners are open now: what is sent to them is not captured. */
void captures_own(struct ear_server *s);
/* Once a second: is a device away? */
void captures_look(struct ear_server *s);
void captures_json(struct ear_server *s, struct ear_json *j);

/* --- event.c ----------------------------------------------------------- */

EAR_MUST_USE enum ear_err control_open(
	struct ear_server *s, bool mask, struct ear_fault *fault);
/* Other masking from now on. */
EAR_MUST_USE enum ear_err control_change(
	struct ear_server *s, bool mask, struct ear_fault *fault);
void control_fini(struct ear_server *s);

#endif
