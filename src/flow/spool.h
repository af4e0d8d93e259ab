/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A bounded spool on disk before a sink, with a position and a thread of its
 * own: a far side that is away, slow or restarted gets everything in order
 * when it is back, up to the bound.
 *
 * It is a journal of one lane. Writing goes with the store: what was put is
 * delivered when the store has committed the messages it came from, and what
 * a kill left behind that is put again with them, so each message is put once.
 *
 *     put, put, flush ─▶ mark goes into the store ─▶ committed ─▶ deliver
 */
#ifndef EAR_FLOW_SPOOL_H
#define EAR_FLOW_SPOOL_H

#include "base/ledger.h"
#include "sink/sink.h"
#include "store/store.h"

struct ear_spool;

/** Longest name of a sink. */
#define EAR_SPOOL_NAME 23

/** Whether a directory may be called so. */
bool ear_spool_name_ok(const char *name);

/** The name of a spool's mark in the store; name is cut at EAR_SPOOL_NAME. */
void ear_spool_mark_name(const char *name, char out[32]);

struct ear_spool_options {
	const char *name;   /**< unique; letters, digits, '-', '_' */
	const char *dir;    /**< data directory; spools lie in DIR/spool/NAME */
	uint64_t max_bytes; /**< at least 64 MiB */
	uint64_t min_free;  /**< of the disk to leave */
	uint32_t sync_ms;   /**< as ear_journal_options.sync_ms */
	struct ear_ledger *ledger; /**< borrowed; line "mirror:NAME" */
	ear_notice_fn notice;
	void *notice_arg;
	/** what the store committed last: its mark of this spool's name; NULL
	    when there is none */
	const struct ear_store_mark *committed;
};

/**
 * Open it; nothing is delivered before ear_spool_start().
 *
 * @param sink taken over, also on failure
 */
EAR_MUST_USE enum ear_err ear_spool_open(
	const struct ear_spool_options *options, struct ear_sink *sink,
	struct ear_spool **spool, struct ear_fault *fault);
EAR_MUST_USE enum ear_err ear_spool_start(
	struct ear_spool *spool, struct ear_fault *fault);

/**
 * Let its thread end, without waiting for that: what it is at, as connecting,
 * may take seconds. Then ear_spool_close().
 *
 * @param wait_ms most to wait until it is empty; 0: at once
 */
void ear_spool_leave(struct ear_spool *spool, uint32_t wait_ms);

/**
 * Stop delivering, keep what is left on disk.
 *
 * @param wait_ms most to wait until it is empty; 0: at once
 */
void ear_spool_close(struct ear_spool **spool, uint32_t wait_ms);

/* --- the thread that takes messages -------------------------------------- */

/**
 * Another sink behind the same spool, after a change of configuration: what
 * is spooled leaves by it, as it was encoded.
 *
 * @param sink taken over
 */
void ear_spool_sink(struct ear_spool *spool, struct ear_sink *sink);

/**
 * Copy one message for the sink. Never blocks but for the write of a frame;
 * what finds no room is counted as lost and told.
 *
 * @return whether it was put
 */
bool ear_spool_put(struct ear_spool *spool, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks);

/**
 * End of a round: what was put reaches the disk's cache.
 *
 * @param[out] mark for the store, when something was put since the last
 * @return whether there is a mark to set
 */
bool ear_spool_flush(struct ear_spool *spool, struct ear_store_mark *mark);

/** The store has committed this mark: up to there it may be delivered. */
void ear_spool_committed(
	struct ear_spool *spool, const struct ear_store_mark *mark);

/* --- any thread ----------------------------------------------------------- */

/** Of its section, and of its folder. */
const char *ear_spool_name(const struct ear_spool *spool);

struct ear_spool_stats {
	uint64_t put;       /**< messages since open */
	uint64_t delivered; /**< safe on the far side, since open */
	uint64_t lost;      /**< found no room, or refused by the far side */
	uint64_t waiting;   /**< messages in the spool; those of an earlier run
				 are counted as they are read */
	uint64_t bytes;     /**< in the spool */
	uint64_t max_bytes;
	uint64_t lag_ns; /**< since the oldest that waits came in; 0 none */
	bool connected;
	bool full;
	char trouble[200]; /**< why it is not connected; "" */
	uint64_t since_ns; /**< when that began or ended, ns since 1970 UTC */
};
void ear_spool_stats(struct ear_spool *spool, struct ear_spool_stats *stats);

/** An object: name, kind, the sink's own members, and the stats. */
void ear_spool_json(struct ear_spool *spool, struct ear_json *j);

#endif
