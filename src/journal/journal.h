/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The journal: what taps received, in order, on disk, before anything else.
 *
 * A journal is a directory of lanes. A lane has one writer (a receive thread)
 * and one reader (the pump), so neither takes a lock that the other holds.
 * What ear_lane_append() has taken is in the kernel's page cache and survives
 * the death of the process; it reaches the platter with the next sync.
 *
 * On disk a lane is a row of files "<lane>.<number>.journal", 64 MiB each, of
 * frames:
 *
 *     0        4        8       12       16               24              32
 *     +--------+--------+--------+--------+----------------+---------------+
 *     | "EARJ" | length | records| salt of| sequence       | XXH3 of the   |
 *     |        | of the |        | the    | number of the  | fields before |
 *     |        | records|        | file   | frame          | and records   |
 *     +--------+--------+--------+--------+----------------+---------------+
 *     | records …                                                          |
 *
 * Numbers are in the order of the machine, as a journal stays where it was
 * written. A frame that is cut short or fails its checksum is skipped, the
 * reader looks for the next good one, and the loss is told. The salt is a
 * random number, so that bytes of a message that look like a frame are not
 * taken for one.
 *
 * Notices: journal.torn (the end of a file), journal.corrupt (the middle),
 * journal.missing (frames by their numbers), journal.order (a number that
 * went backwards), journal.resume (the place to go on from is not there),
 * journal.removed (the file being written was taken away), journal.sync,
 * journal.full, journal.room.
 */
#ifndef EAR_JOURNAL_JOURNAL_H
#define EAR_JOURNAL_JOURNAL_H

#include "base/addr.h"

/** What the bytes of a record are. Written to disk. */
enum ear_record_kind {
	EAR_RECORD_DATAGRAM = 1, /**< one datagram as it came */
	EAR_RECORD_HEP_STREAM =
		2,              /**< whole HEP3 packets, one after the other */
	EAR_RECORD_REMNANT = 3, /**< stream bytes that never became a packet */
};

enum ear_record_flag {
	EAR_RECORD_TRUNCATED = 1u << 0, /**< the kernel cut it (MSG_TRUNC) */
};

/** What stands before the bytes of each record; 64 bytes on disk, as here. */
struct ear_record {
	uint32_t bytes;    /**< length of what follows */
	uint32_t units;    /**< datagrams or packets in it */
	uint64_t seen_ns;  /**< when it was received, ns since 1970 UTC */
	uint8_t kind;      /**< enum ear_record_kind */
	uint8_t flags;     /**< enum ear_record_flag */
	uint8_t transport; /**< how it reached us: enum ear_transport value */
	uint8_t zero;
	uint32_t tap;         /**< reserved: 0 */
	struct ear_addr from; /**< who sent it to us */
	struct ear_addr to;   /**< the listener's address */
};
_Static_assert(sizeof(struct ear_record) == 64, "written to disk");

/** Most bytes in one frame, its header included: bounds the reader. */
#define EAR_FRAME_MAX (4u << 20)

/** A place in a lane, to go on from: what has been consumed. */
struct ear_lane_pos {
	uint64_t file;   /**< number of the file */
	uint64_t offset; /**< bytes into it */
	uint64_t frame;  /**< sequence number of the next frame */
};

struct ear_journal_options {
	const char *dir;     /**< made when it is missing */
	uint64_t max_bytes;  /**< over all lanes; 0: 4 GiB; least 64 MiB */
	uint64_t file_bytes; /**< of one file; 0: 64 MiB; least 8 MiB; at most
				  an eighth of max_bytes is taken */
	uint64_t keep_free;  /**< bytes of the disk to leave; usual 256 MiB */
	uint32_t sync_ms;    /**< between syncs to the platter; usual 1000; 0
				  never, 1..60000 */
	bool brief;          /**< soon closed again: who comes meanwhile waits
				  for it instead of giving up */
};

struct ear_journal;
struct ear_lane;

/** Told of what an operator must know, as a torn tail. Any thread. */
typedef void (*ear_journal_notice_fn)(const char *event, struct ear_slice text,
	uint64_t lost_bytes, void *arg);

/**
 * Open a journal; finds the lanes that are there. Starts the sync thread.
 *
 * @return EAR_OK; EAR_SYS when the directory cannot be used; EAR_FULL when
 *         another process has it, at once or, when that one is brief, after
 *         30 seconds
 */
EAR_MUST_USE enum ear_err ear_journal_open(
	const struct ear_journal_options *options, ear_journal_notice_fn notice,
	void *arg, struct ear_journal **journal, struct ear_fault *fault);
/** Whether a process that is not brief has the journal: a server. Changes
 *  nothing, and makes nothing. */
bool ear_journal_served(const char *dir);
/** Lanes are closed before. */
void ear_journal_close(struct ear_journal **journal);

/** Names of lanes on disk. @return how many; up to max are filled */
size_t ear_journal_lanes(
	struct ear_journal *journal, char names[][32], size_t max);

/**
 * Open a lane by name ("udp0"; letters, digits, '-', at most 31), making it
 * when it is new. A writer always begins a new file, with its first frame.
 *
 * @param from where the reader goes on; NULL or zeroed: from the oldest
 *             frame. Files before it are removed. Where its file is gone, the
 *             reader goes on with the next one, and a gap in the numbers of
 *             the frames is told
 * @return EAR_OK; EAR_USAGE when the name is none or the lane is open;
 *         EAR_SYS when what is there cannot be read
 */
EAR_MUST_USE enum ear_err ear_lane_open(struct ear_journal *journal,
	const char *name, const struct ear_lane_pos *from,
	struct ear_lane **lane, struct ear_fault *fault);
void ear_lane_close(struct ear_lane **lane);

/**
 * Number of the first file that this opening writes: frames in lower ones
 * are from before.
 */
uint64_t ear_lane_first_file(const struct ear_lane *lane);

/* --- the writer's side ------------------------------------------------- */

/**
 * The frame under construction: records are laid into buf behind
 * EAR_FRAME_HEAD bytes that append fills. The writer owns and reuses buf.
 */
#define EAR_FRAME_HEAD 32

/**
 * Append one frame with one write.
 *
 * @param[in] buf     EAR_FRAME_HEAD bytes of room, then records: each a struct
 *                    ear_record, its bytes, and zeros up to a multiple of 8
 * @param[in] n       bytes in buf, head included; at most EAR_FRAME_MAX
 * @param[in] records how many
 * @return EAR_OK: accepted; EAR_FULL: no room, nothing was taken; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_lane_append(struct ear_lane *lane, char *buf,
	size_t n, uint32_t records, struct ear_fault *fault);

/**
 * Units of all records appended since this opening: what a reader that is at
 * the end must have read since, or lost. Any thread; rises after the frame
 * can be read.
 */
uint64_t ear_lane_units(const struct ear_lane *lane);

/** The place behind the last frame that was appended; the writer asks. */
struct ear_lane_pos ear_lane_end(const struct ear_lane *lane);

/* --- the reader's side ------------------------------------------------- */

struct ear_frame {
	const char *p;            /**< records; valid until the next read */
	size_t n;                 /**< bytes of records */
	uint32_t records;         /**< how many */
	struct ear_lane_pos next; /**< where to go on once it is consumed */
};

/**
 * Read the next frame.
 *
 * @return EAR_OK; EAR_MORE when the reader has caught up with the writer;
 *         EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_lane_read(struct ear_lane *lane,
	struct ear_frame *frame, struct ear_fault *fault);

/**
 * Read on from another place, which no ear_lane_done() has passed: the frames
 * after it come again.
 */
void ear_lane_seek(struct ear_lane *lane, const struct ear_lane_pos *pos);

/** Walk the records of a frame: false at the end or at a damaged one. */
bool ear_frame_next(const struct ear_frame *frame, size_t *at,
	struct ear_record *record, struct ear_slice *bytes);

/** Everything before pos is safely in the store: its files may go. */
void ear_lane_done(struct ear_lane *lane, const struct ear_lane_pos *pos);

/**
 * Sleep until some lane has something to read, or the time is over. One
 * thread sleeps; returns at once when ear_journal_wake() came since the last
 * sleep.
 */
void ear_journal_wait(struct ear_journal *journal, uint32_t wait_ms);
/** Wake the sleeper up. */
void ear_journal_wake(struct ear_journal *journal);

/** How full it is. */
struct ear_journal_stats {
	uint64_t bytes; /**< on disk, not yet consumed */
	uint64_t max_bytes;
	uint64_t appended_bytes; /**< since open */
	uint64_t lost_bytes;     /**< skipped as torn or corrupt since open */
	bool full;               /**< the last append was refused */
};
void ear_journal_stats(
	struct ear_journal *journal, struct ear_journal_stats *stats);

#endif
