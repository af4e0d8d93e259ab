/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the writer share. See writer.h for the picture. */
#ifndef EAR_STORE_WRITER_PRIV_H
#define EAR_STORE_WRITER_PRIV_H

#include <pthread.h>

#include "store/batch.h"
#include "store/writer.h"

/** Batches on their way; with the one being filled this bounds the memory. */
#define LINE_MAX_BATCHES 2
/**
 * Most inputs with a mark: those in use, and those of before that a segment
 * which is still kept knows.
 */
#define MARKS_MAX 1024
/** Sealed segments that a reader keeps from becoming one file. */
#define LEAVING_MAX 16
#define WORKERS_MAX 8

enum batch_state { BATCH_NEW, BATCH_ARRANGING, BATCH_ARRANGED, BATCH_DONE };

struct known_mark {
	struct ear_store_mark mark;
	uint64_t generation;
	bool used; /* asked for or set since open: goes into new segments */
};

/** How much of a level waits for being written again. */
struct waiting {
	uint64_t bytes, rows, runs;
};

struct ear_writer {
	struct ear_shelf *shelf;
	struct ear_store_options opt;
	ear_notice_fn notice;
	void *notice_arg;
	ear_room_fn room;
	void *room_arg;

	/* the thread that puts */
	struct ear_batch *fill;
	bool marks_used;
	bool closing; /* the batch: its last marks are being set */

	/* everybody, under lock */
	pthread_mutex_t lock;
	pthread_cond_t work;  /* workers: there may be something to do */
	pthread_cond_t done;  /* committer: the same */
	pthread_cond_t moved; /* put, flush: the line moved, or full changed */
	struct ear_batch *spare[LINE_MAX_BATCHES + 1];
	size_t spare_n;
	struct ear_batch *line[LINE_MAX_BATCHES];
	size_t line_n;
	bool quit, flushing, seal;
	struct known_mark marks[MARKS_MAX];
	size_t mark_n;
	uint64_t floor; /* no mark that is not known has a later generation */
	bool told_marks;
	pthread_t workers[WORKERS_MAX], committer;
	size_t worker_n;
	bool committing;

	/* relaxed atomics: looked at without the lock */
	uint64_t pending;
	bool full;

	/* the committer alone */
	struct ear_segment *seg;
	uint64_t seg_mono_ns; /* when it was begun */
	struct waiting waiting[EAR_SETTLED];
	struct ear_segment *leaving[LEAVING_MAX];
	size_t leaving_n;
	struct ear_packer *packer;
	unsigned failures;
};

/**
 * The place of a name among the marks, for one that is not known a free one
 * or one that is not in use. Lock held, or before there are threads.
 *
 * @return NULL when all are in use
 */
struct known_mark *writer_mark_place(struct ear_writer *w, const char *name);

/** The committer: a thread. committer.c */
void *writer_commit_loop(void *writer);

/**
 * Batches into the open segment, a new one where there is none, in one
 * transaction. The committer's. commit.c
 *
 * @return EAR_OK; EAR_FULL: as little is free as shall stay free; else nothing
 *         of it is in, and the fault says why
 */
EAR_MUST_USE enum ear_err writer_commit(struct ear_writer *w,
	struct ear_batch **batches, size_t n, struct ear_fault *fault);
/** The generation of the mark that is committed last under this name. */
uint64_t writer_generation(
	const struct ear_writer *w, const struct ear_store_mark *mark);

/** A committed batch waits for being written again. upkeep.c */
void writer_waits(struct ear_writer *w, const struct ear_batch *batch);
/**
 * Gather, merge and seal what is due. It can fail as a commit can, but nothing
 * is lost by that: it is due again after the next commit.
 */
void writer_keep_house(struct ear_writer *w);
/** Seal what writers before us left open, unless they are still at it. */
void writer_adopt(struct ear_writer *w);
/** The end: seal what is open; what a reader holds is tried for a second. */
void writer_close_segments(struct ear_writer *w);

/** Write everything up to a level again, one level higher. In a transaction. */
EAR_MUST_USE enum ear_err writer_gather(struct ear_segment *segment,
	struct ear_packer *packer, uint32_t level, struct ear_fault *fault);

/** Add an arranged and packed batch. In a transaction. */
EAR_MUST_USE enum ear_err writer_add(struct ear_segment *segment,
	struct ear_batch *batch, uint32_t seq_base, struct ear_fault *fault);

/** Gather all, merge all runs into one, say that it is complete. */
EAR_MUST_USE enum ear_err writer_settle(struct ear_segment *segment,
	struct ear_packer *packer, struct ear_fault *fault);

#endif
