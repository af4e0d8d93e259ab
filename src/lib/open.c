/* SPDX-License-Identifier: Apache-2.0 */
/* A tap is made and ended here, in the order in which messages pass. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/stop.h"
#include "base/thread.h"
#include "base/time.h"
#include "lib/lib_priv.h"
#include "store/embedded.h"
#include "store/null.h"

#define QUEUE_BYTES ((size_t)16 << 20)

/* Configurations are read by a parser that knows only one at a time. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/* --- which process is this? ----------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_uint forks;

static void forked(void)
{
	atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, forked);
}

bool ear_lib_usable(const struct earshot *e)
{
	return e && !atomic_load_explicit(&e->closing, memory_order_relaxed) &&
	       e->forks == atomic_load_explicit(&forks, memory_order_relaxed);
}

/* --- open -------------------------------------------------------------- */

enum ear_err ear_lib_read_config(const char *file, const char *text,
	struct ear_config **config, struct ear_settings **settings,
	struct ear_fault *fault)
{
	enum ear_err err;

	if (file && text)
		return ear_fail(fault, EAR_USAGE, 0,
			"config_file and config_text: only one of them");
	pthread_mutex_lock(&one_at_a_time);
	err = text ? ear_config_read_text(text, config, fault)
		   : ear_config_read(file, config, fault);
	pthread_mutex_unlock(&one_at_a_time);
	if (!err)
		err = ear_settings_make(*config, settings, fault);
	return err;
}

void ear_lib_block_signals(sigset_t *before)
{
	sigset_t all;

	/* threads have the mask of who makes them: signals are the server's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

/* An absolute one: servers like to change their directory. */
static enum ear_err make_dir(
	struct earshot *e, const char *dir, struct ear_fault *fault)
{
	char *whole;

	if (!dir || !dir[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"data_dir: name a directory for spools and store");
	if (mkdir(dir, 0750) && errno != EEXIST)
		return ear_fail_sys(fault, "cannot make %s", dir);
	whole = realpath(dir, NULL);
	if (!whole)
		return ear_fail_sys(fault, "cannot find %s", dir);
	snprintf(e->dir, sizeof(e->dir), "%s", whole);
	free(whole);
	return EAR_OK;
}

static void journal_notice(const char *event, struct ear_slice text,
	uint64_t lost_bytes, void *arg)
{
	(void)lost_bytes;
	ear_notices_add(event, text, ((struct earshot *)arg)->notices);
}

/*
 * The journal of a server: nothing is put into it, but who has its lock has
 * the directory.
 */
static enum ear_err take_dir(struct earshot *e, struct ear_fault *fault)
{
	struct ear_journal_options options = e->settings->server.journal;
	char dir[2100];

	snprintf(dir, sizeof(dir), "%s/journal", e->dir);
	options.dir = dir;
	return ear_journal_open(&options, journal_notice, e, &e->lock, fault);
}

static enum ear_err open_store(
	struct earshot *e, bool keeps, struct ear_fault *fault)
{
	struct ear_store_options options = e->settings->server.store;
	const struct ear_store_ops *ops =
		keeps ? &ear_store_embedded : &ear_store_null;

	options.dir = e->dir;
	options.write = true;
	e->keeps = keeps;
	return ops->open(
		&options, ear_notices_add, e->notices, &e->store, fault);
}

/*
 * The spools keep their own place: no journal will bring back what the store
 * has not committed, so they need not wait for it.
 */
static enum ear_err open_rules(struct earshot *e, struct ear_fault *fault)
{
	const struct ear_server_options *o = &e->settings->server;
	const struct ear_rules_options options = {
		.dir = e->dir,
		.ledger = e->ledger,
		.min_free = ear_rules_min_free(
			o->store.keep.min_free, o->journal.keep_free),
		.sync_ms = o->journal.sync_ms,
		.notice = ear_notices_add,
		.notice_arg = e->notices,
	};
	enum ear_err err = ear_rules_new(&options, o->rules, &e->rules, fault);

	if (err)
		return err;
	atomic_store(&e->on, ear_traces_on(ear_rules_traces(e->rules)));
	if (ear_path_new(&(struct ear_path_options){.store = e->store,
				 .ledger = e->ledger,
				 .rules = e->rules,
				 .mask_secrets = o->mask_secrets,
				 .stop = &e->hurry,
				 .idle = ear_lib_change_over,
				 .idle_arg = e},
		    &e->path))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	return EAR_OK;
}

static enum ear_err open_ring(
	struct earshot *e, size_t bytes, struct ear_fault *fault)
{
	enum ear_err err = ear_ring_new(bytes ? bytes : QUEUE_BYTES, &e->ring);

	if (err == EAR_LIMIT)
		return ear_fail(fault, EAR_USAGE, 0, "queue_bytes: at most %zu",
			EAR_RING_MOST);
	return err ? ear_fail(fault, err, 0, "out of memory") : EAR_OK;
}

static enum ear_err start_threads(struct earshot *e, struct ear_fault *fault)
{
	enum ear_err err = ear_rules_start(e->rules, fault);

	if (err)
		return err;
	e->works = !pthread_create(&e->worker, NULL, ear_lib_worker, e);
	e->keeps_house = e->works &&
			 !pthread_create(&e->keeper, NULL, ear_lib_keeper, e);
	return e->keeps_house ? EAR_OK
			      : ear_fail_sys(fault, "cannot start a thread");
}

static enum ear_err open_all(struct earshot *e, const struct earshot_options *o,
	struct ear_fault *fault)
{
	enum ear_err err = ear_lib_read_config(o->config_file, o->config_text,
		&e->config, &e->settings, fault);

	if (err)
		return err;
	e->level = e->settings->level;
	e->keep = e->settings->server.store.keep;
	e->log = o->log;
	e->log_arg = o->log_arg;
	ear_lib_log_join(e);
	e->logs = true;
	snprintf(e->node, sizeof(e->node), "%s", o->name ? o->name : "");
	snprintf(e->tap, sizeof(e->tap), "lib:%s", e->node);
	if (ear_notices_new(&e->notices) || ear_ledger_new(256, &e->ledger))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	e->tally = ear_ledger_line(
		e->ledger, ear_slice_str(e->tap), (struct ear_slice){0});
	err = make_dir(e, o->data_dir, fault);
	if (!err)
		err = take_dir(e, fault);
	if (!err)
		err = open_store(e, o->store != 0, fault);
	if (!err && (err = open_rules(e, fault)))
		ear_config_blame(e->config, fault);
	if (!err)
		err = open_ring(e, o->queue_bytes, fault);
	return err ? err : start_threads(e, fault);
}

static struct earshot *new_handle(void)
{
	struct earshot *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	pthread_mutex_init(&e->lock_asked, NULL);
	pthread_mutex_init(&e->lock_reload, NULL);
	ear_cond_init(&e->told);
	pthread_once(&once, watch_forks);
	e->forks = atomic_load(&forks);
	e->started_ns = ear_now_ns();
	return e;
}

static int end(struct earshot *e, unsigned wait_ms);

EARSHOT_API int earshot_open(const struct earshot_options *options,
	struct earshot **out, char *why, size_t why_bytes)
{
	struct ear_fault fault = {0};
	sigset_t before;
	struct earshot *e;
	enum ear_err err;

	if (why && why_bytes)
		why[0] = '\0';
	if (out)
		*out = NULL;
	if (!out || !options || options->size < sizeof(*options)) {
		ear_lib_say(why, why_bytes,
			"options: set size, as EARSHOT_OPTIONS does");
		return EARSHOT_BADARG;
	}
	e = new_handle();
	if (!e) {
		ear_lib_say(why, why_bytes, "out of memory");
		return EARSHOT_NOMEM;
	}
	ear_lib_block_signals(&before);
	err = open_all(e, options, &fault);
	if (err)
		end(e, 0);
	else
		*out = e;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ear_lib_say(why, why_bytes, fault.text);
	return ear_lib_answer(err);
}

/* --- close ------------------------------------------------------------- */

static void stop_keeper(struct earshot *e)
{
	pthread_mutex_lock(&e->lock_asked);
	e->stops = true;
	pthread_cond_broadcast(&e->told);
	pthread_mutex_unlock(&e->lock_asked);
	pthread_join(e->keeper, NULL);
}

/* Let it empty the ring. */
static void stop_worker(struct earshot *e, uint64_t until_ns)
{
	bool late = false;

	atomic_store(&e->closing, true);
	ear_ring_wake(e->ring);
	pthread_mutex_lock(&e->lock_asked);
	while (!e->ended && !late)
		late = !ear_cond_wait(&e->told, &e->lock_asked, until_ns);
	if (!e->ended)
		ear_stop(&e->hurry);
	pthread_mutex_unlock(&e->lock_asked);
	pthread_join(e->worker, NULL);
}

/* How much of the wait is left. */
static uint32_t left_of(uint64_t until_ns)
{
	uint64_t now_ns = ear_mono_ns();

	return now_ns < until_ns ? (uint32_t)((until_ns - now_ns) / EAR_MS_NS)
				 : 0;
}

static void wait_for_spools(struct earshot *e, uint64_t until_ns)
{
	const struct timespec nap = {.tv_nsec = 5 * (long)EAR_MS_NS};

	while (ear_rules_waiting(e->rules) && left_of(until_ns))
		nanosleep(&nap, NULL);
}

/* For who reads the log: which of the reasons it was. */
static void tell_left(struct earshot *e, const struct ear_fault *fault)
{
	ear_log(EAR_ERROR, "tap.left", "queue_bytes",
		EAR_LU(ear_ring_used(e->ring)), "spooled",
		EAR_LU(ear_rules_waiting(e->rules)), "store",
		EAR_LS(fault->text[0] ? fault->text : "has all it got"), NULL);
}

/* @return what earshot_close() answers */
static int stop_flow(struct earshot *e, uint64_t until_ns)
{
	struct ear_fault fault = {0};
	int answer;

	stop_worker(e, until_ns);
	ear_rules_flush(e->rules);
	answer = ear_lib_answer(e->store->ops->flush(e->store, &fault));
	wait_for_spools(e, until_ns);
	if (!answer && (ear_ring_used(e->ring) || ear_stopped(&e->hurry) ||
			       ear_rules_waiting(e->rules)))
		answer = EARSHOT_TIMEOUT;
	if (answer)
		tell_left(e, &fault);
	if (e->keeps_house)
		stop_keeper(e);
	ear_lib_write_status(e);
	return answer;
}

static int end(struct earshot *e, unsigned wait_ms)
{
	int answer = EARSHOT_OK;

	if (e->works)
		answer = stop_flow(e, ear_lib_until(wait_ms));
	ear_path_free(&e->path);
	ear_rules_free(&e->rules, 0);
	if (e->store)
		e->store->ops->close(&e->store);
	ear_journal_close(&e->lock);
	ear_ring_free(&e->ring);
	if (e->logs)
		ear_lib_log_leave(e);
	ear_ledger_free(&e->ledger);
	ear_notices_free(&e->notices);
	ear_settings_free(&e->settings);
	ear_config_free(&e->config);
	pthread_cond_destroy(&e->told);
	pthread_mutex_destroy(&e->lock_asked);
	pthread_mutex_destroy(&e->lock_reload);
	free(e);
	return answer;
}

EARSHOT_API int earshot_close(struct earshot *e, unsigned wait_ms)
{
	/* in a child there is nothing to end, and no thread to wait for */
	return ear_lib_usable(e) ? end(e, wait_ms) : EARSHOT_CLOSED;
}
