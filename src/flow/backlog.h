/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The backlog: messages that were accepted and cannot be found yet. A moment
 * of it is how things work; one that lasts makes answers about now
 * incomplete.
 */
#ifndef EAR_FLOW_BACKLOG_H
#define EAR_FLOW_BACKLOG_H

#include "journal/journal.h"
#include "store/store.h"

struct ear_backlog {
	uint64_t bytes;    /**< in the journal, not in the store */
	uint64_t since_ns; /**< what came in after it may not be found */
	bool lasts;        /**< longer than is usual */
};

#define EAR_BACKLOG_SAMPLES 64

/** What was in the journal, and when. Zero it before use. */
struct ear_backlog_watch {
	struct {
		uint64_t mono_ns;
		uint64_t at_ns;
		uint64_t bytes; /**< appended so far */
	} sample[EAR_BACKLOG_SAMPLES];
	size_t n;          /**< taken since the start */
	uint64_t from_ns;  /**< all before can be found; set it at the start */
	uint64_t base;     /**< bytes that were there before the first look */
	uint64_t usual_ns; /**< what may wait so long without being told */
	struct ear_backlog now;
};

/** Look; a few times a second. */
void ear_backlog_look(struct ear_backlog_watch *watch,
	const struct ear_journal_stats *journal, uint64_t mono_ns,
	uint64_t now_ns);

/** Where the span reaches into the backlog, the answer says so. */
void ear_backlog_tell(const struct ear_backlog *backlog, uint64_t to_ns,
	struct ear_found *found);

/**
 * The same for who is not the server that runs: from its last-status.json,
 * which is at most five seconds old unless the server cannot write it.
 */
void ear_backlog_add_to(const char *data_dir, uint64_t to_ns, uint64_t now_ns,
	struct ear_found *found);

#endif
