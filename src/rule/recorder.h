/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The flight recorder: the last minutes of what no rule asked to keep, in a
 * ring of bounded bytes, so that a trace can have a conversation from before
 * its trigger on. In memory: what a kill takes with it nobody had asked for.
 *
 * Threads: one.
 */
#ifndef EAR_RULE_RECORDER_H
#define EAR_RULE_RECORDER_H

#include "base/json.h"
#include "base/ledger.h"
#include "message/msg.h"

struct ear_recorder;

/**
 * @param bytes  of memory, all told; least 1 MiB
 * @param max_ns age by capture time after which a message goes
 */
EAR_MUST_USE enum ear_err ear_recorder_new(
	uint64_t bytes, uint64_t max_ns, struct ear_recorder **recorder);
void ear_recorder_free(struct ear_recorder **recorder);

/**
 * Copy a message in; the oldest go to make room.
 *
 * @param stored it is in the store already and only wanted for sinks
 * @param tally  where it is counted, to be given back with it
 * @return EAR_OK; EAR_LIMIT larger than the ring takes
 */
EAR_MUST_USE enum ear_err ear_recorder_put(struct ear_recorder *recorder,
	const struct ear_msg *msg, const struct ear_facts *facts, bool stored,
	struct ear_tally *tally);

/**
 * Hand out the messages of a conversation, oldest first, and take them out of
 * the ring.
 *
 * @param call_id of the conversation
 * @param from_ns capture time of the first wanted
 * @param fn      the slices live until it returns
 * @return how many
 */
size_t ear_recorder_recall(struct ear_recorder *recorder,
	struct ear_slice call_id, uint64_t from_ns,
	void (*fn)(struct ear_msg *msg, bool stored, struct ear_tally *tally,
		void *arg),
	void *arg);

/** Any thread: messages, bytes, capture time of the oldest, limits. */
struct ear_recorder_stats {
	uint64_t messages, bytes, max_bytes, max_ns;
	uint64_t oldest_ns; /**< 0 empty */
	uint64_t evicted;   /**< went for want of room before their time */
};
void ear_recorder_stats(
	struct ear_recorder *recorder, struct ear_recorder_stats *stats);

#endif
