/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/stop.h"
#include "flow/rules_priv.h"
#include "flow/tracking.h"
#include "rule/mask.h"

struct ear_path {
	struct ear_path_options options;
	struct ear_buf masked; /* copy of the message in work, when blanked */
	struct ear_judge judge;
	bool tracked;                /* the trackers know what is in work */
	struct ear_marks late_marks; /* of a message that is recalled */
	struct ear_buf late_extra;
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

void ear_path_tracked(struct ear_path *path, bool tracked)
{
	path->tracked = tracked;
}

static void track(struct ear_path *path, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	if (path->options.tracking && !path->tracked)
		ear_tracking_take(path->options.tracking, msg, facts);
}

void ear_path_track(struct ear_path *path, const struct ear_msg *msg)
{
	struct ear_facts facts;

	if (!path->options.tracking || path->tracked)
		return;
	ear_msg_facts(msg, &facts);
	track(path, msg, &facts);
}

void ear_path_free(struct ear_path **path)
{
	if (!*path)
		return;
	ear_buf_fini(&(*path)->masked);
	ear_buf_fini(&(*path)->late_extra);
	ear_judge_fini(&(*path)->judge);
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

static void count_kept(
	const struct ear_msg *msg, struct ear_tally *tally, uint64_t now_ns)
{
	ear_tally_add(tally, EAR_N_STORED, 1, now_ns);
	if (msg->flags & EAR_MSG_MALFORMED)
		ear_tally_add(tally, EAR_N_MALFORMED, 1, now_ns);
	if (msg->flags & EAR_MSG_TRUNCATED)
		ear_tally_add(tally, EAR_N_TRUNCATED, 1, now_ns);
}

/* @return EAR_OK, also when the store takes none so large: then it is counted
   and told, and kept is false */
static enum ear_err keep(struct ear_path *path, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_tally *tally, bool *kept)
{
	enum ear_err err = store_message(path, msg, facts);

	*kept = !err;
	if (err == EAR_LIMIT) {
		refuse(msg, tally);
		return EAR_OK;
	}
	if (!err && path->options.see)
		path->options.see(msg, facts, path->options.see_arg);
	return err;
}

/* --- what rules add ---------------------------------------------------- */

/* A message of the flight recorder that a trace asks for. */
struct late {
	struct ear_path *path;
	struct ear_rules_set *set;
	const struct ear_trace_verdict *trace; /* those who ask for it */
	uint64_t messages, bytes;
	enum ear_err err;
};

static void take_late(
	struct ear_msg *msg, bool stored, struct ear_tally *tally, void *arg)
{
	struct late *late = arg;
	struct ear_path *path = late->path;
	struct ear_marks *marks = &path->late_marks;
	struct ear_facts facts;
	bool kept = false;

	if (late->err)
		return;
	late->err = ear_judge_late(late->trace, msg, marks, &path->late_extra);
	ear_msg_facts(msg, &facts);
	if (!late->err && !stored)
		late->err = keep(path, msg, &facts, tally, &kept);
	if (late->err)
		return;
	/* it was counted as one that nobody wanted */
	if (!stored)
		ear_tally_add(
			tally, EAR_N_FILTERED, (uint64_t)-1, msg->seen_ns);
	if (kept) {
		count_kept(msg, tally, msg->seen_ns);
		ear_tally_add(tally, EAR_N_RECALLED, 1, msg->seen_ns);
	}
	ear_outlets_put_late(
		&late->set->outlets, msg, &facts, marks, late->trace);
	late->messages++;
	late->bytes += msg->raw.n;
}

/* The conversation from before the message that began its trace. */
static enum ear_err recall(struct ear_path *path, struct ear_rules_set *set,
	const struct ear_facts *facts)
{
	struct ear_traces *traces = ear_rules_traces(path->options.rules);
	struct late late = {
		.path = path, .set = set, .trace = ear_traces_before(traces)};

	if (!path->judge.trace.before_ns || !set->recorder || !facts->call_id.n)
		return EAR_OK;
	ear_recorder_recall(set->recorder, facts->call_id,
		late.trace->before_ns, take_late, &late);
	if (late.messages)
		ear_traces_recalled(
			traces, late.trace, late.messages, late.bytes);
	return late.err;
}

/* What no trace has asked for until now, and one may yet. */
static void record(struct ear_path *path, struct ear_rules_set *set,
	const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_tally *tally)
{
	const struct ear_judge *j = &path->judge;

	if (!set->recorder || j->trace.traced || j->hook.store_off)
		return;
	if (j->keep &&
		!ear_traces_want_before(ear_rules_traces(path->options.rules)))
		return;
	/* one that is larger than the ring is in nobody's way */
	(void)!ear_recorder_put(set->recorder, msg, facts, j->keep, tally);
}

/*
 * What a script says beside a message, which may itself have been dropped:
 * the script's word is no part of it.
 */
static enum ear_err take_event(struct ear_path *path, struct ear_rules_set *set,
	const struct ear_msg *of, struct ear_slice text,
	struct ear_slice correlation)
{
	struct ear_tally *tally = ear_ledger_line(
		path->options.ledger, EAR_S("hook"), (struct ear_slice){0});
	struct ear_msg msg = {
		.at_ns = of->at_ns,
		.seen_ns = of->seen_ns,
		.src = of->src,
		.dst = of->dst,
		.transport = of->transport,
		.proto = EAR_PROTO_LOG,
		.tap = EAR_S("hook"),
		.node = of->node,
		.correlation = correlation,
		.extra = of->extra,
		.raw = text,
	};
	struct ear_facts facts;
	enum ear_err err;
	bool wanted, kept = false;

	ear_msg_examine(&msg, &facts);
	wanted = ear_judge_keeps(&path->judge, set, &msg, &facts);
	err = path->options.mask_secrets ? mask(path, &msg, &facts) : EAR_OK;
	if (!err && wanted)
		err = keep(path, &msg, &facts, tally, &kept);
	if (err)
		return err;
	ear_tally_add(tally, EAR_N_RECEIVED, 1, of->seen_ns);
	ear_tally_add(tally, EAR_N_BYTES, text.n, of->seen_ns);
	if (kept)
		count_kept(&msg, tally, of->seen_ns);
	else if (!wanted)
		ear_tally_add(tally, EAR_N_FILTERED, 1, of->seen_ns);
	ear_outlets_put(&set->outlets, &msg, &facts, &path->judge.marks,
		&path->judge.trace);
	return EAR_OK;
}

static enum ear_err take_events(struct ear_path *path,
	struct ear_rules_set *set, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	const struct ear_hook_verdict *hook = &path->judge.hook;
	enum ear_err err = EAR_OK;

	for (size_t i = 0; !err && i < hook->events; i++) {
		struct ear_slice of = hook->event[i].correlation;

		err = take_event(path, set, msg, hook->event[i].text,
			of.n ? of : facts->call_id);
	}
	return err;
}

/* Each is tried until there is memory; who was asked is not asked again. */
static enum ear_err judge(struct ear_path *path, struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_rules_set *set)
{
	struct ear_rules *rules = path->options.rules;
	enum ear_err err;

	do {
		err = ear_judge_ask(&path->judge, rules, set, msg, facts);
	} while (err && wait_for_room(path));
	if (err)
		return err;
	do {
		err = ear_judge_mark(&path->judge, msg);
	} while (err && wait_for_room(path));
	return err;
}

/* --- the way of a message ---------------------------------------------- */

static enum ear_err take_by_rules(struct ear_path *path, struct ear_msg *msg,
	struct ear_facts *facts, struct ear_rules_set *set,
	struct ear_tally *tally)
{
	struct ear_judge *j = &path->judge;
	bool kept = false;
	enum ear_err err;

	/* What do hook and traces say of it? */
	err = judge(path, msg, facts, set);
	if (err)
		return err;

	/* What may be kept and handed on of it? */
	if (!j->drop && (path->options.mask_secrets || j->mask))
		err = mask(path, msg, facts);

	/* Keep it, behind what came before it and is wanted now. */
	if (!err && !j->drop)
		err = recall(path, set, facts);
	if (!err && j->keep)
		err = keep(path, msg, facts, tally, &kept);
	if (err)
		return err;
	if (kept)
		count_kept(msg, tally, msg->seen_ns);
	else if (!j->keep)
		ear_tally_add(tally, EAR_N_FILTERED, 1, msg->seen_ns);

	/* Hand on copies, and what the script has to say. */
	if (!j->drop) {
		track(path, msg, facts);
		record(path, set, msg, facts, tally);
		ear_outlets_put(
			&set->outlets, msg, facts, &j->marks, &j->trace);
	}
	return set->hook && j->hook.events ? take_events(path, set, msg, facts)
					   : EAR_OK;
}

void ear_path_ask(struct ear_path *path, const struct ear_trace_spec *spec)
{
	path->judge.ask = spec;
}

enum ear_err ear_path_take(
	struct ear_path *path, struct ear_msg *msg, struct ear_tally *tally)
{
	struct ear_rules *rules = path->options.rules;
	struct ear_facts facts;
	bool kept = false;
	enum ear_err err;

	if (msg->proto == EAR_PROTO_CONN) {
		ear_path_track(path, msg);
		return EAR_OK;
	}

	/* What is it, and is it sound? */
	ear_msg_examine(msg, &facts);
	if (facts.malformed)
		msg->flags |= EAR_MSG_MALFORMED;

	if (rules) {
		err = take_by_rules(
			path, msg, &facts, ear_rules_enter(rules), tally);
		ear_rules_leave(rules);
		return err;
	}

	/* What may be kept of it? */
	err = path->options.mask_secrets ? mask(path, msg, &facts) : EAR_OK;

	/* Keep it, and say so. */
	if (!err)
		err = keep(path, msg, &facts, tally, &kept);
	if (kept)
		count_kept(msg, tally, msg->seen_ns);
	if (!err)
		track(path, msg, &facts);
	return err;
}
