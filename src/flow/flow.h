/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The way of a message: unit from a tap, message, rule, store. Everything
 * that joins the neighbours is in this folder, and the way itself reads from
 * top to bottom in flow.c.
 *
 * A path takes messages one at a time on one thread: the pump has one for what
 * the journal holds, an import has one for its file.
 */
#ifndef EAR_FLOW_FLOW_H
#define EAR_FLOW_FLOW_H

#include "base/ledger.h"
#include "store/store.h"

struct ear_path;
struct ear_rules;
struct ear_trace_spec;
struct ear_tracking;

/** Sees a message that was kept; its slices live until fn returns. */
typedef void (*ear_see_fn)(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg);

struct ear_path_options {
	struct ear_store *store;   /**< borrowed */
	struct ear_ledger *ledger; /**< borrowed */
	struct ear_rules *rules;   /**< borrowed; NULL: everything is kept */
	/** borrowed; NULL: nothing is tracked */
	struct ear_tracking *tracking;
	bool mask_secrets; /**< blank secrets before anything is kept */
	/** becomes true: give up waiting for a full store; may be NULL */
	const volatile bool *stop;
	/** called now and then while it waits for a full store; may be NULL */
	void (*idle)(void *arg);
	void *idle_arg;
	/** told of each message that was kept; may be NULL */
	ear_see_fn see;
	void *see_arg;
};

/** @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_path_new(
	const struct ear_path_options *options, struct ear_path **path);
void ear_path_free(struct ear_path **path);

/** Whether secrets are blanked from now on. */
void ear_path_mask(struct ear_path *path, bool mask_secrets);

/** Whether the trackers know what comes next already. */
void ear_path_tracked(struct ear_path *path, bool tracked);

/** Give the trackers, unless they know it, a message that was kept before. */
void ear_path_track(struct ear_path *path, const struct ear_msg *msg);

/**
 * Keep one message: find its facts, apply the rules, store it, count it.
 * Waits while the store is full or fails. What happened to a connection
 * (EAR_PROTO_CONN) is for the trackers alone.
 *
 * @param msg   its flags gain what the facts say; bytes are not touched
 * @param tally where to count it
 * @return EAR_OK, also when a rule said not to keep it or the store takes none
 *         so large; EAR_FULL, EAR_NOMEM, EAR_SYS when the store was full or
 *         failed until stop; EAR_UNSUPPORTED when it only looks
 */
EAR_MUST_USE enum ear_err ear_path_take(
	struct ear_path *path, struct ear_msg *msg, struct ear_tally *tally);

/**
 * The next message begins a trace, whatever the rules say: as sip_trace() of a
 * script, for those who hand messages over themselves.
 *
 * @param spec borrowed until the next message is taken
 */
void ear_path_ask(struct ear_path *path, const struct ear_trace_spec *spec);

#endif
