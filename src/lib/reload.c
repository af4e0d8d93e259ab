/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another configuration while messages flow: made ready on the caller's
 * thread, changed to by the worker between two messages, all of it or nothing.
 */
#include "lib/lib_priv.h"

void ear_lib_change_over(void *arg)
{
	struct earshot *e = arg;

	pthread_mutex_lock(&e->lock_asked);
	if (e->change) {
		ear_rules_change(e->rules, e->change);
		ear_path_mask(e->path, e->mask_secrets);
		e->change = NULL;
		pthread_cond_broadcast(&e->told);
	}
	pthread_mutex_unlock(&e->lock_asked);
}

/* The worker looks after each round, and while it waits for a full store. */
static void change_to(struct earshot *e, struct ear_rules_next *next,
	const struct ear_server_options *o)
{
	pthread_mutex_lock(&e->lock_asked);
	e->change = next;
	e->mask_secrets = o->mask_secrets;
	e->keep = o->store.keep;
	ear_ring_wake(e->ring);
	while (e->change)
		pthread_cond_wait(&e->told, &e->lock_asked);
	pthread_mutex_unlock(&e->lock_asked);
	e->store->ops->limits(e->store, &o->store.keep);
}

static enum ear_err reload(struct earshot *e, const char *file,
	const char *text, struct ear_fault *fault)
{
	struct ear_config *config = NULL;
	struct ear_settings *settings = NULL;
	struct ear_rules_next *next = NULL;
	enum ear_err err =
		ear_lib_read_config(file, text, &config, &settings, fault);

	if (!err && (err = ear_rules_prepare(
			     e->rules, settings->server.rules, &next, fault)))
		ear_config_blame(config, fault);
	if (!err) {
		change_to(e, next, &settings->server);
		ear_lib_log_level(e, settings->level);
		ear_rules_done(&next);
	}
	ear_settings_free(&settings);
	ear_config_free(&config);
	return err;
}

EARSHOT_API int earshot_reload(struct earshot *e, const char *config_file,
	const char *config_text, char *why, size_t why_bytes)
{
	struct ear_fault fault = {0};
	sigset_t before;
	enum ear_err err;

	if (!ear_lib_usable(e)) {
		ear_lib_say(why, why_bytes, earshot_strerror(EARSHOT_CLOSED));
		return EARSHOT_CLOSED;
	}
	ear_lib_block_signals(&before);
	pthread_mutex_lock(&e->lock_reload);
	err = reload(e, config_file, config_text, &fault);
	pthread_mutex_unlock(&e->lock_reload);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ear_lib_say(why, why_bytes, fault.text);
	return ear_lib_answer(err);
}
