/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
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

/* The keeper looks at the backlog so often; at losses each so many looks, and
 * applies retention and writes the status each so many. */
#define LOOK_MS 250
#define LOOKS_LOSSES 4
#define LOOKS_STATUS 20

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

static void rules_path(const char *data_dir, char path[2200])
{
	snprintf(path, 2200, "%s/journal/rules", data_dir);
}

void server_mark_rules(
	const struct ear_server *s, const struct ear_rules_spec *rules)
{
	bool any = rules &&
		   (rules->n_traces || rules->n_outlets ||
			   (rules->script && rules->script[0]) ||
			   (rules->keep && strcmp(rules->keep, "all") != 0));
	char path[2200];
	int fd;

	rules_path(s->dir, path);
	if (!any) {
		(void)unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		ear_notices_add("journal.rules",
			EAR_S("cannot write journal/rules: after a kill start "
			      "the server before other commands"),
			s->notices);
	else
		close(fd);
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

/*
 * What the journal holds from the last run came in after what the store has,
 * as far as the clocks of senders can be trusted.
 */
static void begin_watch(struct ear_server *s)
{
	struct ear_store_stats stats = {0};
	uint32_t commit_ms = s->options.store.commit_ms;

	s->store->ops->stats(s->store, &stats);
	s->watch.usual_ns =
		EAR_SECOND_NS + (commit_ms ? commit_ms : 250) * EAR_MS_NS;
	if (stats.newest_ns <= s->started_ns)
		s->watch.from_ns = stats.newest_ns;
}

static struct ear_backlog look_at_backlog(struct ear_server *s)
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

/* Once a second, and at the end. */
static void look_at_losses(struct ear_server *s)
{
	uint64_t behind_ns = look_at_backlog(s).since_ns;
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
		begin_watch(s);
		server_mark_rules(s, options->rules);
	}
	*out = s;
	return err;
}

/* The status as a file, for `earshot status` when we are gone. */
static void write_status(struct ear_server *s)
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
	bool lasts = look_at_backlog(s).lasts;

	if (look % LOOKS_STATUS == 0)
		s->store->ops->retain(s->store, ear_now_ns());
	if (look % LOOKS_LOSSES == 0) {
		look_at_losses(s);
		captures_look(s);
	}
	/* commands read of a backlog there: at once when one begins or ends */
	if (look % LOOKS_STATUS == 0 || lasts != *lasted)
		write_status(s);
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

enum ear_err ear_server_start(struct ear_server *s, struct ear_fault *fault)
{
	enum ear_err err = control_open(s, s->options.mask_secrets, fault);

	if (!err && s->rules)
		err = ear_rules_start(s->rules, fault);
	if (err)
		return err;
	if (ear_pump_start(s->pump) ||
		pthread_create(&s->keeper, NULL, keeper_main, s))
		return ear_fail_sys(fault, "cannot start a thread");
	s->keeper_runs = true;
	return EAR_OK;
}

static void stop_keeper(struct ear_server *s)
{
	pthread_mutex_lock(&s->keeper_lock);
	s->keeper_stops = true;
	pthread_cond_signal(&s->keeper_wake);
	pthread_mutex_unlock(&s->keeper_lock);
	pthread_join(s->keeper, NULL);
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
	if (s->keeper_runs)
		stop_keeper(s);
	while (s->listeners)
		listener_close(s, &s->listener[--s->listeners]);
	captures_late(s);
	if (s->pump)
		ear_pump_stop(s->pump, DRAIN_MS);
	if (s->gaps)
		look_at_losses(s);
	if (s->keeper_runs)
		write_status(s);
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

static void quiet(
	const char *event, struct ear_slice text, uint64_t lost, void *arg)
{
	(void)event;
	(void)text;
	(void)lost;
	(void)arg;
}

/* Whether a journal is there that holds something. */
static bool has_journal(const char *data_dir)
{
	char path[2200];
	struct dirent *e;
	bool found = false;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "%s/journal", data_dir);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		found = n > 8 && !strcmp(e->d_name + n - 8, ".journal") &&
			!fstatat(dirfd(d), e->d_name, &st, 0) && st.st_size;
	}
	if (d)
		closedir(d);
	return found;
}

/* What is left to a server with its rules: because one runs, or will. */
static enum ear_err serves(const char *data_dir, struct ear_fault *fault)
{
	struct ear_journal *journal = NULL;
	char path[2200];
	const struct ear_journal_options options = {.dir = path, .brief = true};
	enum ear_err err;

	snprintf(path, sizeof(path), "%s/journal", data_dir);
	err = ear_journal_open(&options, quiet, NULL, &journal, fault);
	if (err)
		return err;
	ear_journal_close(&journal);
	return ear_fail(fault, EAR_SYS, 0,
		"what was accepted before the server ended goes through its "
		"mirrors, traces or script: it is stored when the server is "
		"started again");
}

enum ear_err ear_server_recover(
	const struct ear_server_options *options, struct ear_fault *fault)
{
	struct ear_server *s = NULL;
	char path[2200];
	enum ear_err err;

	if (!has_journal(options->data_dir)) {
		snprintf(path, sizeof(path), "%s/journal", options->data_dir);
		return ear_journal_served(path)
			       ? ear_fail(fault, EAR_FULL, 0,
					 "a server runs on %.200s",
					 options->data_dir)
			       : EAR_OK;
	}
	rules_path(options->data_dir, path);
	if (!access(path, F_OK))
		return serves(options->data_dir, fault);
	err = ear_server_open(options, &s, fault);
	if (!err) {
		err = ear_pump_drain(s->pump, fault);
		/* not to be taken for a server that runs */
		if (err == EAR_FULL)
			err = fault->code = EAR_SYS;
	}
	ear_server_close(&s);
	return err;
}

void ear_server_tell(struct ear_found *found, void *arg)
{
	struct ear_server *s = arg;
	struct ear_backlog backlog = look_at_backlog(s);

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
	ear_status_backlog(j, look_at_backlog(s));
	if (s->rules)
		ear_rules_json(s->rules, j);
	if (s->tracking)
		ear_tracking_json(s->tracking, j);
	ear_json_key(j, "notices");
	ear_notices_json(s->notices, j);
}
