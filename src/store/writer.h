/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The writing side of the embedded store: a pipeline of three kinds of thread.
 *
 *      put() ─▶ batch ─▶ line of at most 2 ─▶ committer ─▶ segment
 *      one      arena       │    ▲            one thread: one transaction a
 *      thread               ▼    │            batch, then what is due: gather,
 *                          workers            merge, seal
 *                       arrange, then pack
 *                       the pieces of a batch
 *
 * A batch that was closed by the clock is small, and so are its blocks: they
 * compress badly and each brings a run of keys. So blocks have a level:
 *
 *     0 fresh     of a small batch; when they make up a sixteenth of a batch,
 *                 or are 64 batches, all are written again as
 *     1 gathered  and these, when they make up a batch, as
 *     2 settled   which stay; their runs of keys are merged 16 to 1
 *
 * A batch that is large from the start is settled from the start: at high
 * rates nothing is written twice. When a segment is sealed, all of it is
 * settled, and its runs become one.
 */
#ifndef EAR_STORE_WRITER_H
#define EAR_STORE_WRITER_H

#include "store/shelf.h"

enum ear_level_of_block { EAR_FRESH, EAR_GATHERED, EAR_SETTLED };

struct ear_writer;

struct ear_writer_stats {
	uint64_t pending;
	bool full;
};

/**
 * Called before a commit for which the disk has too little room: makes some.
 *
 * @return whether there is room now
 */
typedef bool (*ear_room_fn)(void *arg);

/** Starts the threads; seals what writers before left open. */
EAR_MUST_USE enum ear_err ear_writer_new(struct ear_shelf *shelf,
	const struct ear_store_options *options, ear_notice_fn notice,
	void *notice_arg, ear_room_fn room, void *room_arg,
	struct ear_writer **writer, struct ear_fault *fault);

/* As struct ear_store_ops has them. */
EAR_MUST_USE enum ear_err ear_writer_put(struct ear_writer *writer,
	const struct ear_msg *msg, const struct ear_facts *facts);
void ear_writer_mark(
	struct ear_writer *writer, const struct ear_store_mark *mark);
EAR_MUST_USE enum ear_err ear_writer_marked(struct ear_writer *writer,
	const char *name, struct ear_store_mark *mark);
void ear_writer_tick(struct ear_writer *writer, uint64_t mono_ns);
EAR_MUST_USE enum ear_err ear_writer_flush(
	struct ear_writer *writer, struct ear_fault *fault);

/** As struct ear_store_ops has it; of these it knows min_free. */
void ear_writer_limits(
	struct ear_writer *writer, const struct ear_retention *keep);

/** Ask for the open segment to be sealed after the next commit. */
void ear_writer_seal(struct ear_writer *writer);

void ear_writer_stats(
	struct ear_writer *writer, struct ear_writer_stats *stats);

/** Commit, seal, end the threads. */
void ear_writer_free(struct ear_writer **writer);

#endif
