/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The pump: one thread that reads what the taps put into the journal, makes
 * messages of it and sends each along its path into the store.
 *
 * It goes on where the store's marks say that the last run ended, so that
 * after a kill each accepted message is stored, once.
 */
#ifndef EAR_FLOW_PUMP_H
#define EAR_FLOW_PUMP_H

#include "base/ledger.h"
#include "flow/lane.h"
#include "flow/rules.h"
#include "flow/terms.h"
#include "flow/tracking.h"
#include "journal/journal.h"
#include "store/store.h"

/** The tap of what programs of ours put into the record. */
#define EAR_TAP_CONTROL "control"

struct ear_pump;

struct ear_pump_options {
	struct ear_journal *journal; /**< borrowed */
	struct ear_store *store;     /**< borrowed */
	struct ear_ledger *ledger;   /**< borrowed */
	struct ear_rules *rules;     /**< borrowed; may be NULL */
	/** borrowed; NULL: nothing is tracked */
	struct ear_tracking *tracking;
	const char *journal_dir; /**< borrowed; where lanes' terms lie */
};

/** Lanes that are on disk from before are opened and will be emptied. */
EAR_MUST_USE enum ear_err ear_pump_new(const struct ear_pump_options *options,
	struct ear_pump **pump, struct ear_fault *fault);

/**
 * Open a lane to write to as well as to read; before ear_pump_start(), or by
 * ear_pump_run().
 *
 * @param name  of ear_terms_lane()
 * @param tap   name of the tap, for the ledger
 * @param terms what its messages are taken on; written down beside it
 * @param lane  borrowed from the pump
 */
EAR_MUST_USE enum ear_err ear_pump_lane(struct ear_pump *pump, const char *name,
	struct ear_slice tap, const struct ear_terms *terms,
	struct ear_lane **lane, struct ear_fault *fault);

/**
 * A lane that gets no more: what it holds is taken, and once the store has all
 * of it, the lane is closed. On the pump's thread, or before that runs.
 *
 * @param writer may still write a last frame to it; NULL: nobody does
 */
void ear_pump_retire(struct ear_pump *pump, struct ear_lane *lane,
	const struct ear_flow_lane *writer);
/** A writer is about to go: nobody asks it any more. The same threads. */
void ear_pump_forget(struct ear_pump *pump, const struct ear_flow_lane *writer);

/** Its thread; once. @return EAR_OK; EAR_SYS with errno */
EAR_MUST_USE enum ear_err ear_pump_start(struct ear_pump *pump);

/**
 * Have the thread call fn between two frames, or while it waits for a full
 * store, and wait for that. Where the thread does not run, fn is called here.
 * Any thread but the pump's own.
 */
void ear_pump_run(struct ear_pump *pump, void (*fn)(void *arg), void *arg);

/**
 * Empty the lanes into the store and commit, on this thread, without
 * ear_pump_start(). For commands that find a journal that nobody reads.
 *
 * @return EAR_OK; EAR_FULL when the store cannot write: it is not waited for,
 *         and what it did not take stays in the journal
 */
EAR_MUST_USE enum ear_err ear_pump_drain(
	struct ear_pump *pump, struct ear_fault *fault);

/**
 * Let the thread empty the lanes, then end it.
 *
 * @param wait_ms most to wait; what is left stays in the journal
 */
void ear_pump_stop(struct ear_pump *pump, uint32_t wait_ms);
void ear_pump_free(struct ear_pump **pump);

#endif
