/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a configuration decides about messages: traces, flight recorder, hook,
 * what the store keeps, and the outlets: sinks behind their spools.
 *
 * Changed as a whole or not at all, while messages flow: what is new is made
 * first, off the thread that takes messages, then that thread changes over
 * between two messages.
 */
#ifndef EAR_FLOW_RULES_H
#define EAR_FLOW_RULES_H

#include "flow/spool.h"
#include "rule/hook.h"
#include "rule/recorder.h"
#include "rule/trace.h"
#include "sink/mirror.h"
#include "sink/sql.h"

enum ear_outlet_kind { EAR_OUTLET_MIRROR, EAR_OUTLET_SQL };

/** A section mirror or sql. */
struct ear_outlet_spec {
	const char *name;
	enum ear_outlet_kind kind;
	bool enabled;
	bool traced_only;   /**< take = "traced" */
	const char *filter; /**< expression; "" all */
	uint64_t spool_bytes;
	struct ear_mirror_options mirror; /**< of that kind */
	struct ear_sql_sink_options sql;  /**< of that kind */
};

/** Most outlets. */
#define EAR_OUTLETS_MAX 64

struct ear_rules_spec {
	bool on; /**< the global switch, where none was kept */
	size_t max_open;
	const char *keep; /**< "all", "traced" or an expression */
	uint64_t recorder_bytes;
	uint64_t recorder_ns;
	const char *script; /**< "" none */
	uint64_t script_instructions, script_bytes;
	const struct ear_trace_spec *traces;
	size_t n_traces;
	const struct ear_outlet_spec *outlets;
	size_t n_outlets;
};

struct ear_rules;

struct ear_rules_options {
	const char *dir; /**< data directory: orders and spools */
	struct ear_ledger *ledger;
	struct ear_store *store; /**< for its marks; NULL: there is none */
	/** of the disk to leave by spools; see ear_rules_min_free() */
	uint64_t min_free;
	uint32_t sync_ms;
	ear_notice_fn notice;
	void *notice_arg;
};

/**
 * What spools leave free: more than store and journal do. What waits for a
 * collector that is away must not cost what is kept, nor stop the store.
 */
static inline uint64_t ear_rules_min_free(uint64_t store, uint64_t journal)
{
	uint64_t most = store > journal ? store : journal;

	return most + most / 8;
}

/**
 * Whether it would be taken: compiles and opens what needs no disk and no
 * network. The fault names section and key.
 */
EAR_MUST_USE enum ear_err ear_rules_check(
	const struct ear_rules_spec *spec, struct ear_fault *fault);

/**
 * Traces, hook, recorder and outlets of a configuration; nothing is delivered
 * before ear_rules_start().
 *
 * @return EAR_OK; EAR_USAGE with section and key; EAR_SYS: a spool cannot be
 *         opened; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_rules_new(const struct ear_rules_options *options,
	const struct ear_rules_spec *spec, struct ear_rules **rules,
	struct ear_fault *fault);
/** @param wait_ms most to wait for spools to empty */
void ear_rules_free(struct ear_rules **rules, uint32_t wait_ms);

/** Let the outlets deliver. */
EAR_MUST_USE enum ear_err ear_rules_start(
	struct ear_rules *rules, struct ear_fault *fault);

/** What is ready to be changed to. */
struct ear_rules_next;

/**
 * Make ready for another configuration, all of it or nothing; any thread, one
 * at a time.
 *
 * @param      spec  borrowed until ear_rules_done()
 * @param[out] ready to be given to ear_rules_change(); NULL where it fails
 * @return as ear_rules_new()
 */
EAR_MUST_USE enum ear_err ear_rules_prepare(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_rules_next **ready,
	struct ear_fault *fault);
/** Change over; on the thread that takes messages. Cannot fail. */
void ear_rules_change(struct ear_rules *rules, struct ear_rules_next *ready);
/** Free what is not needed any more, or what was prepared in vain. */
void ear_rules_done(struct ear_rules_next **ready);

/* --- the thread that takes messages -------------------------------------- */

/**
 * End of a round: what was put for outlets reaches the disk's cache. Without a
 * store it may then be delivered; else when that has committed its marks.
 */
void ear_rules_flush(struct ear_rules *rules);
/** Now and then, and after the store's flush: see ear_spool_committed(). */
void ear_rules_committed(struct ear_rules *rules);

/* --- any thread ----------------------------------------------------------- */

/** For orders, lists and switches. */
struct ear_traces *ear_rules_traces(struct ear_rules *rules);

/** Messages that wait in spools. Any thread. */
uint64_t ear_rules_waiting(struct ear_rules *rules);

/** Members "traces", "outlets", "recorder", "hook" of a status. Any thread. */
void ear_rules_json(struct ear_rules *rules, struct ear_json *j);

#endif
