/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a thread that looks after what has to be looked after, off the
 * threads that messages wait for. Backlog, losses, retention, the status file.
 */
#include <errno.h>
#include <pthread.h>

#include "base/thread.h"
#include "base/time.h"
#include "flow/server_priv.h"
#include "flow/status.h"

/* The keeper looks at the backlog so often; at losses each so many looks, and
 * applies retention and writes the status each so many. */
#define LOOK_MS 250
#define LOOKS_LOSSES 4
#define LOOKS_STATUS 20
void server_keeper_begin(struct ear_server *s)
{
	struct ear_store_stats stats = {0};
	uint32_t commit_ms = s->options.store.commit_ms;

	s->store->ops->stats(s->store, &stats);
	s->watch.usual_ns =
		EAR_SECOND_NS + (commit_ms ? commit_ms : 250) * EAR_MS_NS;
	if (stats.newest_ns <= s->started_ns)
		s->watch.from_ns = stats.newest_ns;
}

struct ear_backlog server_keeper_backlog(struct ear_server *s)
{
	struct ear_journal_stats stats = {0};
	struct ear_backlog now;

	ear_journal_stats(s->journal, &stats);
	pthread_mutex_lock(&s->watch_lock);
	ear_backlog_look(&s->watch, &stats, ear_mono_ns(), ear_now_ns());
	now = s->watch.now;
	pthread_mutex_unlock(&s->watch_lock);
	return now;
}

void server_keeper_losses(struct ear_server *s)
{
	uint64_t behind_ns = server_keeper_backlog(s).since_ns;
	struct ear_journal_stats journal = {0};
	struct ear_store_stats store = {0};
	uint64_t now_ns = ear_now_ns();

	ear_gaps_ledger(s->gaps, s->ledger, behind_ns, now_ns);
	ear_journal_stats(s->journal, &journal);
	ear_gaps_journal(
		s->gaps, journal.lost_bytes, s->missing, behind_ns, now_ns);
	s->store->ops->stats(s->store, &store);
	ear_gaps_retention(s->gaps, &store, now_ns);
}

void server_keeper_status(struct ear_server *s)
{
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);

	ear_json_open(&j, '{');
	ear_json_ktime(&j, "as_of", ear_now_ns());
	ear_server_status(&j, s);
	ear_json_close(&j, '}');
	ear_status_write(s->dir, &out);
	ear_buf_fini(&out);
}

/* Off the threads that messages wait for. */
static void keeper_look(struct ear_server *s, unsigned look, bool *lasted)
{
	bool lasts = server_keeper_backlog(s).lasts;

	if (look % LOOKS_STATUS == 0)
		s->store->ops->retain(s->store, ear_now_ns());
	if (look % LOOKS_LOSSES == 0) {
		server_keeper_losses(s);
		captures_look(s);
	}
	/* commands read of a backlog there: at once when one begins or ends */
	if (look % LOOKS_STATUS == 0 || lasts != *lasted)
		server_keeper_status(s);
	*lasted = lasts;
}

static void *keeper_main(void *arg)
{
	struct ear_server *s = arg;
	bool lasted = false;

	pthread_mutex_lock(&s->keeper_lock);
	for (unsigned look = 0; !s->keeper_stops; look++) {
		pthread_mutex_unlock(&s->keeper_lock);
		keeper_look(s, look, &lasted);
		pthread_mutex_lock(&s->keeper_lock);
		if (!s->keeper_stops)
			ear_cond_wait(&s->keeper_wake, &s->keeper_lock,
				ear_mono_ns() + LOOK_MS * EAR_MS_NS);
	}
	pthread_mutex_unlock(&s->keeper_lock);
	return NULL;
}

enum ear_err server_keeper_start(struct ear_server *s)
{
	errno = pthread_create(&s->keeper, NULL, keeper_main, s);
	if (errno)
		return EAR_SYS;
	s->keeper_runs = true;
	return EAR_OK;
}

void server_keeper_stop(struct ear_server *s)
{
	if (!s->keeper_runs)
		return;
	pthread_mutex_lock(&s->keeper_lock);
	s->keeper_stops = true;
	pthread_cond_signal(&s->keeper_wake);
	pthread_mutex_unlock(&s->keeper_lock);
	pthread_join(s->keeper, NULL);
}
