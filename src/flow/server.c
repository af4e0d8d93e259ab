/* SPDX-License-Identifier: Apache-2.0 */
/* The server: its parts opened, closed in reverse, and told of. */
#include "flow/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/thread.h"
#include "base/time.h"
#include "flow/server_priv.h"
#include "flow/status.h"

/* Lines of the ledger: taps times sources; 2,000 senders fit apart. */
#define LEDGER_LINES 2048

/* How long a stop may take to empty the journal; what is left waits there. */
#define DRAIN_MS 10000

/* And how long outlets may take to get rid of theirs; it waits there too. */
#define LEAVE_MS 2000

static void journal_notice(const char *event, struct ear_slice text,
	uint64_t lost_bytes, void *arg)
{
	struct ear_server *s = arg;

	(void)lost_bytes; /* the text says it, and the journal's counters */
	if (!strcmp(event, "journal.missing"))
		s->missing++;
	ear_notices_add(event, text, s->notices);
}

/* The pump's thread: what spools have is committed with what it came from. */
static void before_commit(void *arg)
{
	struct ear_server *s = arg;

	if (s->rules)
		ear_rules_flush(s->rules);
}

static enum ear_err open_rules(struct ear_server *s, struct ear_fault *fault)
{
	const struct ear_rules_options options = {
		.dir = s->dir,
		.ledger = s->ledger,
		.store = s->store,
		.min_free = ear_rules_min_free(s->options.store.keep.min_free,
			s->options.journal.keep_free),
		.sync_ms = s->options.journal.sync_ms,
		.notice = ear_notices_add,
		.notice_arg = s->notices,
	};

	if (!s->options.rules)
		return EAR_OK;
	return ear_rules_new(&options, s->options.rules, &s->rules, fault);
}

static enum ear_err open_tracking(struct ear_server *s, struct ear_fault *fault)
{
	const struct ear_tracking_spec *spec = &s->options.tracking;
	const struct ear_tracking_options options = {
		.track = spec->track,
		.records = {.dir = s->dir,
			.write = true,
			.owner = "server",
			.max_age_ns = spec->max_age_ns,
			.max_bytes = spec->max_bytes,
			.min_free = s->options.store.keep.min_free,
			.notice = ear_notices_add,
			.notice_arg = s->notices},
	};

	if (!spec->keep)
		return EAR_OK;
	return ear_tracking_new(&options, &s->tracking, fault);
}

static enum ear_err open_parts(struct ear_server *s, struct ear_fault *fault)
{
	struct ear_store_options store = s->options.store;
	struct ear_journal_options journal = s->options.journal;
	enum ear_err err;

	store.dir = s->dir;
	store.write = true;
	/* The journal first: its lock says that nobody else serves here. */
	journal.dir = s->journal_dir;
	err = ear_journal_open(&journal, journal_notice, s, &s->journal, fault);
	if (err)
		return err;
	store.closing = before_commit;
	store.closing_arg = s;
	err = s->options.store_ops->open(
		&store, ear_notices_add, s->notices, &s->store, fault);
	if (!err)
		err = open_rules(s, fault);
	if (!err)
		err = open_tracking(s, fault);
	if (err)
		return err;
	return ear_pump_new(&(struct ear_pump_options){.journal = s->journal,
				    .store = s->store,
				    .ledger = s->ledger,
				    .rules = s->rules,
				    .tracking = s->tracking,
				    .journal_dir = s->journal_dir},
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
	pthread_mutex_init(&s->watch_lock, NULL);
	pthread_mutex_init(&s->listeners_lock, NULL);
	pthread_mutex_init(&s->reload_lock, NULL);
	pthread_mutex_init(&s->control.lock, NULL);
	ear_cond_init(&s->keeper_wake);
	snprintf(s->dir, sizeof(s->dir), "%s", options->data_dir);
	snprintf(s->journal_dir, sizeof(s->journal_dir), "%s/journal", s->dir);
	if (ear_notices_new(&s->notices) ||
		ear_ledger_new(LEDGER_LINES, &s->ledger))
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	else
		err = captures_early(s, fault);
	if (!err && mkdir(s->dir, 0750) && errno != EEXIST)
		err = ear_fail_sys(fault, "cannot make %s", s->dir);
	if (!err)
		err = open_parts(s, fault);
	if (!err && ear_gaps_new(s->dir, 0, &s->gaps))
		err = ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (err) {
		ear_server_close(&s);
	} else {
		server_keeper_begin(s);
		server_mark_rules(s, options->rules);
	}
	*out = s;
	return err;
}

enum ear_err ear_server_start(struct ear_server *s, struct ear_fault *fault)
{
	enum ear_err err = control_open(s, s->options.mask_secrets, fault);

	if (!err && s->rules)
		err = ear_rules_start(s->rules, fault);
	if (err)
		return err;
	if (ear_pump_start(s->pump) || server_keeper_start(s))
		return ear_fail_sys(fault, "cannot start a thread");
	return EAR_OK;
}

/* An empty journal is nobody's. */
static void leave_journal(struct ear_server *s)
{
	struct ear_journal_stats stats = {0};

	ear_journal_stats(s->journal, &stats);
	if (!stats.bytes)
		server_mark_rules(s, NULL);
}

void ear_server_close(struct ear_server **sp)
{
	struct ear_server *s = *sp;

	if (!s)
		return;
	/* first: what it writes asks the listeners */
	server_keeper_stop(s);
	while (s->listeners)
		listener_close(s, &s->listener[--s->listeners]);
	captures_late(s);
	if (s->pump)
		ear_pump_stop(s->pump, DRAIN_MS);
	if (s->gaps)
		server_keeper_losses(s);
	if (s->keeper_runs)
		server_keeper_status(s);
	ear_gaps_free(&s->gaps);
	ear_rules_free(&s->rules, LEAVE_MS);
	ear_pump_free(&s->pump);
	ear_tracking_free(&s->tracking);
	control_fini(s);
	if (s->journal)
		leave_journal(s);
	ear_journal_close(&s->journal);
	if (s->store)
		s->options.store_ops->close(&s->store);
	ear_ledger_free(&s->ledger);
	ear_notices_free(&s->notices);
	pthread_mutex_destroy(&s->keeper_lock);
	pthread_mutex_destroy(&s->watch_lock);
	pthread_mutex_destroy(&s->listeners_lock);
	pthread_mutex_destroy(&s->reload_lock);
	pthread_mutex_destroy(&s->control.lock);
	pthread_cond_destroy(&s->keeper_wake);
	free(s);
	*sp = NULL;
}

void ear_server_tell(struct ear_found *found, void *arg)
{
	struct ear_server *s = arg;
	struct ear_backlog backlog = server_keeper_backlog(s);

	ear_backlog_tell(&backlog, found->done_to_ns, found);
	ear_gaps_tell(s->gaps, found->done_from_ns, found->done_to_ns, found);
}

struct ear_rules *ear_server_rules(struct ear_server *s)
{
	return s->rules;
}

struct ear_store *ear_server_store(struct ear_server *s)
{
	return s->store;
}

struct ear_records *ear_server_records(struct ear_server *s)
{
	return s->tracking ? ear_tracking_records(s->tracking) : NULL;
}

struct ear_notices *ear_server_notices(struct ear_server *s)
{
	return s->notices;
}

struct ear_ledger *ear_server_ledger(struct ear_server *s)
{
	return s->ledger;
}

void ear_server_status(struct ear_json *j, void *arg)
{
	struct ear_server *s = arg;
	struct ear_store_stats store = {0};
	struct ear_journal_stats journal = {0};
	struct ear_retention keep;
	uint64_t n[EAR_N_COUNT];

	ear_ledger_sum(s->ledger, n);
	s->store->ops->stats(s->store, &store);
	ear_journal_stats(s->journal, &journal);
	ear_json_ktime(j, "started", s->started_ns);
	ear_json_ku64(
		j, "uptime_s", (ear_now_ns() - s->started_ns) / EAR_SECOND_NS);
	ear_status_totals(j, n, store.pending);
	listeners_json(s, j);
	captures_json(s, j);
	ear_status_ledger(j, s->ledger);
	pthread_mutex_lock(&s->listeners_lock);
	keep = s->options.store.keep;
	pthread_mutex_unlock(&s->listeners_lock);
	ear_status_store(j, &store, &keep);
	ear_status_journal(j, &journal);
	ear_status_backlog(j, server_keeper_backlog(s));
	if (s->rules)
		ear_rules_json(s->rules, j);
	if (s->tracking)
		ear_tracking_json(s->tracking, j);
	ear_json_key(j, "notices");
	ear_notices_json(s->notices, j);
}
