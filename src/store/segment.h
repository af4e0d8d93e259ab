/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A segment: one SQLite file with the messages of a span of arrival. It is
 * written by one process, then sealed, and never changes again.
 *
 *     DIR/store/
 *       0069220f2c.seg        sealed: one file, opened as immutable
 *       0069223a60.seg        open: in WAL mode, with -wal and -shm beside it
 *       0069223a60.seg.open   locked (flock) by the process that writes it
 *
 * The name is the segment's number in hexadecimal: the second in which it was
 * begun, or one more than the highest there is. In it:
 *
 *     total ── one row: sums over everything, and the next numbers
 *     block ── one small row per block: times, counts, level  ─┐ same id
 *     body  ── facts | raw, compressed: see block.h            ─┘
 *     run   ── one row per sorted run of keys: level, tier     ─┐ run
 *     key   ── run, first key ─▶ page: see pages.h             ─┘
 *     mark  ── positions of inputs, committed with their messages
 *
 *     Call-ID ──hash──▶ key page of each run ──▶ block ──▶ rows
 *
 * Rows of total and block carry a checksum over their own numbers, blocks and
 * pages one over their bytes: SQLite would hand out a flipped bit as it is.
 *
 * A row's message id is segment number << 32 | sequence number, and stays so
 * when blocks are rewritten.
 */
#ifndef EAR_STORE_SEGMENT_H
#define EAR_STORE_SEGMENT_H

#include "base/sqlite.h"
#include "store/block.h"
#include "store/pages.h"
#include "store/store.h"

/** PRAGMA user_version. A reader takes this and older ones. */
#define EAR_SEGMENT_FORMAT 1
/** PRAGMA application_id: "EARS" */
#define EAR_SEGMENT_APP 0x45415253

/** Digits of a number in a file's name. */
#define EAR_SEGMENT_NAME "%010llx"

/** The row of "total". All times clamped to INT64_MAX. */
struct ear_total {
	uint64_t messages;
	uint64_t malformed;
	uint64_t raw_bytes;
	uint64_t blocks;
	uint64_t runs;
	uint64_t first_at, last_at;     /**< capture times; 0 when empty */
	uint64_t first_seen, last_seen; /**< times of arrival */
	uint64_t next_seq, next_block, next_run;
	uint64_t sealed; /**< 1: complete, even if not yet one file */
};

/** Columns of total, in the order of struct ear_total, then the sum. */
#define EAR_TOTAL_FIELDS (sizeof(struct ear_total) / sizeof(uint64_t))

uint64_t ear_total_sum(const struct ear_total *total);
uint64_t ear_head_sum(const struct ear_block_head *head);

/** Compressed form of the eight class counts in a block's row. */
void ear_classes_write(const struct ear_block_head *head, struct ear_buf *out);

/* --- reading ----------------------------------------------------------- */

/** A read connection; one thread at a time. */
struct ear_view {
	sqlite3 *db;
	char path[4096];
	bool immutable; /**< opened as sealed */
	bool loaded;    /**< total and runs are */
	struct ear_total total;
	uint64_t *runs; /**< owned: their ids */
	size_t run_n;
	sqlite3_stmt *heads, *head, *facts, *raw, *key;
	struct ear_view *next; /**< for whoever keeps them */
	uint64_t used;         /**< the same: when it was given back */
};

/**
 * Open a segment for reading.
 *
 * @param sealed true: it is one file that nobody writes
 * @return EAR_OK; EAR_BAD: damaged; EAR_UNSUPPORTED: of a newer program;
 *         EAR_GONE: no such file; EAR_SYS; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_view_open(const char *path, bool sealed,
	struct ear_view **view, struct ear_fault *fault);
void ear_view_close(struct ear_view **view);

/**
 * Begin to look: until ear_view_end() everything stays as it is now. Reads
 * total and runs.
 *
 * @return EAR_GONE when nothing was ever committed to it
 */
EAR_MUST_USE enum ear_err ear_view_begin(
	struct ear_view *view, struct ear_fault *fault);
void ear_view_end(struct ear_view *view);

/** Handed the heads of blocks. @return false to stop */
typedef bool (*ear_head_fn)(const struct ear_block_head *head, void *arg);

/** All heads, by id. EAR_BAD when one is damaged or missing. */
EAR_MUST_USE enum ear_err ear_view_heads(struct ear_view *view, ear_head_fn fn,
	void *arg, struct ear_fault *fault);

/** One head. EAR_BAD when it is not there: an index said it is. */
EAR_MUST_USE enum ear_err ear_view_head(struct ear_view *view, uint64_t id,
	struct ear_block_head *head, struct ear_fault *fault);

/** The compressed parts of a block; valid until the next call of the same. */
EAR_MUST_USE enum ear_err ear_view_facts(struct ear_view *view, uint64_t id,
	struct ear_slice *facts, struct ear_fault *fault);
EAR_MUST_USE enum ear_err ear_view_raw(struct ear_view *view, uint64_t id,
	struct ear_slice *raw, struct ear_fault *fault);

/** Append the blocks that have a key. */
EAR_MUST_USE enum ear_err ear_view_lookup(struct ear_view *view, uint64_t key,
	struct ear_ids *ids, struct ear_fault *fault);

/** Read all marks; fn gets each with its generation. */
typedef enum ear_err (*ear_mark_fn)(
	const struct ear_store_mark *mark, uint64_t generation, void *arg);
EAR_MUST_USE enum ear_err ear_view_marks(struct ear_view *view, ear_mark_fn fn,
	void *arg, struct ear_fault *fault);

/* --- writing ----------------------------------------------------------- */

/** The segment under construction; one thread. */
struct ear_segment {
	sqlite3 *db;
	char path[4096];
	uint64_t number;
	int lock_fd; /**< of <path>.open */
	struct ear_total total;
	struct ear_total before; /**< as it was at begin */
	sqlite3_stmt *put_total, *put_block, *put_body, *put_run, *put_key,
		*put_mark;
	struct ear_buf classes;
};

/**
 * Begin a new segment with at least this number.
 *
 * @param dir where segments lie
 * @return EAR_OK; EAR_SYS; EAR_FULL; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_segment_new(const char *dir, uint64_t number,
	struct ear_segment **segment, struct ear_fault *fault);

/**
 * Take over one that its writer left open.
 *
 * @return EAR_OK; EAR_MORE: another process writes it; EAR_GONE: it is not
 *         open; EAR_BAD: damaged; EAR_UNSUPPORTED; EAR_SYS; EAR_FULL
 */
EAR_MUST_USE enum ear_err ear_segment_adopt(const char *dir, uint64_t number,
	struct ear_segment **segment, struct ear_fault *fault);

/** Close without sealing: what a crash would leave. */
void ear_segment_close(struct ear_segment **segment);

/** Close and remove its files: one that holds nothing. */
void ear_segment_remove(struct ear_segment **segment);

/** Begin a transaction. @return EAR_OK; as ear_sql_run() */
EAR_MUST_USE enum ear_err ear_segment_begin(
	struct ear_segment *segment, struct ear_fault *fault);
/** Commit; what fails is taken back. */
EAR_MUST_USE enum ear_err ear_segment_commit(
	struct ear_segment *segment, struct ear_fault *fault);
/** Take everything since begin back. */
void ear_segment_rollback(struct ear_segment *segment);

/**
 * Add a block. Its rows' numbers count from seq_base; sets head.id, level,
 * seq_base. Does not move total.next_seq.
 */
EAR_MUST_USE enum ear_err ear_segment_add(struct ear_segment *segment,
	struct ear_packed *packed, uint32_t level, uint32_t seq_base,
	struct ear_fault *fault);

/** One key and one of its blocks. */
struct ear_key_ref {
	uint64_t key;
	uint64_t block;
};

/** Add a run of keys from sorted references. */
EAR_MUST_USE enum ear_err ear_segment_add_run(struct ear_segment *segment,
	uint32_t level, uint32_t tier, const struct ear_key_ref *refs, size_t n,
	struct ear_fault *fault);

/** Merge runs (ids ascending) into one of a level and tier. */
EAR_MUST_USE enum ear_err ear_segment_merge(struct ear_segment *segment,
	const struct ear_ids *runs, uint32_t level, uint32_t tier,
	struct ear_fault *fault);

/** Ids of the runs of a level and tier; tier UINT32_MAX: up to the level. */
EAR_MUST_USE enum ear_err ear_segment_runs(struct ear_segment *segment,
	uint32_t level, uint32_t tier, struct ear_ids *ids,
	struct ear_fault *fault);

/** How far an input is stored, in the open transaction. */
EAR_MUST_USE enum ear_err ear_segment_mark(struct ear_segment *segment,
	const struct ear_store_mark *mark, uint64_t generation,
	struct ear_fault *fault);

/** Forget the blocks and runs up to a level: they were written again. */
EAR_MUST_USE enum ear_err ear_segment_drop(
	struct ear_segment *segment, uint32_t level, struct ear_fault *fault);

/**
 * Make it one file, drop the lock, free it.
 *
 * @return EAR_OK; EAR_MORE: somebody reads it just now: try again later (it
 *         is still the caller's)
 */
EAR_MUST_USE enum ear_err ear_segment_finish(
	struct ear_segment **segment, struct ear_fault *fault);

#endif
