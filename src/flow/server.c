/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/time.h"
#include "flow/lane.h"
#include "flow/pump.h"
#include "flow/status.h"
#include "net/tls.h"
#include "tap/hep_tcp.h"
#include "tap/hep_udp.h"

#define LISTENERS 64
#define THREADS 64

/* Lines of the ledger: taps times sources; 2,000 senders fit apart. */
#define LEDGER_LINES 2048

/* How long a stop may take to empty the journal; what is left waits there. */
#define DRAIN_MS 10000

struct listener {
	char name[48];
	char transport[8];
	char auth_key[256];
	struct ear_addr address; /* as bound */
	uint32_t threads;
	struct ear_flow_lane *lane[THREADS];
	struct ear_tap_udp *udp;
	struct ear_tap_tcp *tcp;
};

struct ear_server {
	struct ear_server_options options;
	char dir[2048];
	char store_dir[2100];
	char journal_dir[2100];
	uint64_t started_ns;
	struct ear_notices *notices;
	struct ear_ledger *ledger;
	struct ear_store *store;
	struct ear_journal *journal;
	struct ear_pump *pump;
	struct listener listener[LISTENERS];
	size_t listeners;
	pthread_t keeper;
	pthread_mutex_t keeper_lock;
	pthread_cond_t keeper_wake;
	bool keeper_runs;
	bool keeper_stops;
};

static void journal_notice(const char *event, struct ear_slice text,
	uint64_t lost_bytes, void *arg)
{
	struct ear_server *s = arg;

	(void)lost_bytes; /* the text says it, and the journal's counters */
	ear_notices_add(event, text, s->notices);
}

/* The key of the listener that a unit came in by. */
static struct ear_slice key_of(
	uint8_t transport, const struct ear_addr *to, void *arg)
{
	struct ear_server *s = arg;

	for (size_t i = 0; i < s->listeners; i++) {
		const struct listener *l = &s->listener[i];

		if (ear_transport_of(ear_slice_str(l->transport)) == transport &&
			ear_addr_eq(&l->address, to))
			return ear_slice_str(l->auth_key);
	}
	return (struct ear_slice){0};
}

static enum ear_err open_parts(struct ear_server *s, struct ear_fault *fault)
{
	struct ear_store_options store = s->options.store;
	struct ear_journal_options journal = s->options.journal;
	enum ear_err err;

	store.dir = s->dir;
	store.write = true;
	err = s->options.store_ops->open(
		&store, ear_notices_add, s->notices, &s->store, fault);
	if (err)
		return err;
	journal.dir = s->journal_dir;
	err = ear_journal_open(&journal, journal_notice, s, &s->journal, fault);
	if (err)
		return err;
	return ear_pump_new(
		&(struct ear_pump_options){.journal = s->journal,
			.store = s->store,
			.ledger = s->ledger,
			.mask_secrets = s->options.mask_secrets,
			.key_of = key_of,
			.arg = s},
		&s->pump, fault);
}

enum ear_err ear_server_open(const struct ear_server_options *options,
	struct ear_server **out, struct ear_fault *fault)
{
	struct ear_server *s = calloc(1, sizeof(*s));
	enum ear_err err;

	*out = NULL;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	s->options = *options;
	s->started_ns = ear_now_ns();
	pthread_mutex_init(&s->keeper_lock, NULL);
	pthread_cond_init(&s->keeper_wake, NULL);
	snprintf(s->dir, sizeof(s->dir), "%s", options->data_dir);
	snprintf(s->journal_dir, sizeof(s->journal_dir), "%s/journal", s->dir);
	if (mkdir(s->dir, 0750) && errno != EEXIST)
		err = ear_fail_sys(fault, "cannot make %s", s->dir);
	else if (ear_notices_new(&s->notices) ||
		ear_ledger_new(LEDGER_LINES, &s->ledger))
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else
		err = open_parts(s, fault);
	if (err)
		ear_server_close(&s);
	*out = s;
	return err;
}

/* A lane of the journal and an intake for each thread of a listener. */
static enum ear_err open_lanes(struct ear_server *s, struct listener *l,
	struct ear_slice tap, struct ear_intake *intake[THREADS],
	struct ear_fault *fault)
{
	for (uint32_t i = 0; i < l->threads; i++) {
		char name[32];
		struct ear_lane *lane;
		enum ear_err err;

		snprintf(name, sizeof(name), "l%zu-%s-%u", s->listeners,
			l->transport, i);
		err = ear_pump_lane(s->pump, name, &lane, fault);
		if (!err && ear_flow_lane_new(lane, s->ledger, tap, &l->lane[i]))
			err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		if (err)
			return err;
		intake[i] = ear_flow_lane_intake(l->lane[i]);
	}
	return EAR_OK;
}
