/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/stop.h"
#include "rule/mask.h"

struct ear_path {
	struct ear_path_options options;
	struct ear_buf masked; /* copy of the message in work, when blanked */
};

enum ear_err ear_path_new(
	const struct ear_path_options *options, struct ear_path **path)
{
	*path = calloc(1, sizeof(**path));
	if (!*path)
		return EAR_NOMEM;
	(*path)->options = *options;
	return EAR_OK;
}

void ear_path_mask(struct ear_path *path, bool mask_secrets)
{
	path->options.mask_secrets = mask_secrets;
}

void ear_path_free(struct ear_path **path)
{
	if (!*path)
		return;
	ear_buf_fini(&(*path)->masked);
	free(*path);
	*path = NULL;
}

static bool stopping(const struct ear_path *path)
{
	return ear_stopped(path->options.stop);
}

/*
 * Wait for room: the journal behind us, or the file that is imported, keeps
 * what comes after. @return false when there is no time left to wait
 */
static bool wait_for_room(const struct ear_path *path)
{
	const struct timespec nap = {.tv_nsec = 20000000};

	if (stopping(path))
		return false;
	if (path->options.idle)
		path->options.idle(path->options.idle_arg);
	nanosleep(&nap, NULL);
	return true;
}

/* A message whose secrets cannot be blanked for want of memory waits. */
static enum ear_err mask(
	struct ear_path *path, struct ear_msg *msg, struct ear_facts *facts)
{
	do {
		if (ear_mask_secrets(msg, facts, &path->masked)) {
			ear_msg_facts(msg, facts);
			return EAR_OK;
		}
		if (!path->masked.err)
			return EAR_OK;
	} while (wait_for_room(path));
	return EAR_FULL;
}

/* Errors that pass: of the disk, or of memory. */
static bool may_pass(enum ear_err err)
{
	return err == EAR_FULL || err == EAR_NOMEM || err == EAR_SYS;
}

/* A full store told the operator already. */
static enum ear_err store_message(struct ear_path *path,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	struct ear_store *store = path->options.store;
	enum ear_err err;

	do {
		err = store->ops->put(store, msg, facts);
	} while (may_pass(err) && wait_for_room(path));
	return err;
}

/* Too large for this store, now and for ever: waiting would stop all others. */
static void refuse(const struct ear_msg *msg, struct ear_tally *tally)
{
	static struct ear_log_gate gate;
	uint64_t skipped;

	ear_tally_add(tally, EAR_N_OVERSIZE, 1, msg->seen_ns);
	if (ear_log_every(&gate, &skipped))
		ear_log(EAR_WARN, "store.oversize", "tap", EAR_LB(msg->tap),
			"bytes", EAR_LU(msg->raw.n), "skipped", EAR_LU(skipped),
			NULL);
}

enum ear_err ear_path_take(
	struct ear_path *path, struct ear_msg *msg, struct ear_tally *tally)
{
	struct ear_facts facts;
	enum ear_err err;

	/* What is it, and is it sound? */
	ear_msg_examine(msg, &facts);
	if (facts.malformed)
		msg->flags |= EAR_MSG_MALFORMED;

	/* What may be kept of it? */
	err = path->options.mask_secrets ? mask(path, msg, &facts) : EAR_OK;

	/* Keep it, and say so. */
	if (!err)
		err = store_message(path, msg, &facts);
	if (err == EAR_LIMIT) {
		refuse(msg, tally);
		return EAR_OK;
	}
	if (err)
		return err;
	if (path->options.see)
		path->options.see(msg, &facts, path->options.see_arg);
	ear_tally_add(tally, EAR_N_STORED, 1, msg->seen_ns);
	if (msg->flags & EAR_MSG_MALFORMED)
		ear_tally_add(tally, EAR_N_MALFORMED, 1, msg->seen_ns);
	if (msg->flags & EAR_MSG_TRUNCATED)
		ear_tally_add(tally, EAR_N_TRUNCATED, 1, msg->seen_ns);
	return EAR_OK;
}
