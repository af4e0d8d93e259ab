/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Gaps: what was lost, and when, so that an answer over that time can say so.
 *
 * The ledger counts losses, but a count has no time. The server looks at it
 * once a second and writes each increase down, one JSON object a line, in
 * DATA/gaps.jsonl; the file stays when the server goes, and whoever answers
 * from the store asks it too:
 *
 *     store->ops->find(store, &query, fn, arg, &found, &fault);
 *     ear_gaps_add_to(data_dir, found.done_from_ns, found.done_to_ns, &found);
 *
 * What the kernel or a full disk took was captured about when it was lost, so
 * the time of the loss stands for the capture time that searches ask for.
 */
#ifndef EAR_FLOW_GAPS_H
#define EAR_FLOW_GAPS_H

#include "base/ledger.h"
#include "store/store.h"

/** In the data directory. */
#define EAR_GAPS_FILE "gaps.jsonl"

/** Reasons beside the keys of ledger.def. */
#define EAR_GAP_RETENTION "retention"  /**< from_ns 0; all before to_ns */
#define EAR_GAP_JOURNAL "journal_lost" /**< count is bytes; 0 is unknown */
#define EAR_GAP_SEVERAL "several"      /**< old gaps, joined to save room */
#define EAR_GAP_CAPTURE "capture_gone" /**< a device was away */
#define EAR_GAP_DAMAGED "damaged"      /**< lines that cannot be read */

struct ear_gap {
	uint64_t from_ns; /**< 0: not known, before to_ns */
	uint64_t to_ns;
	uint64_t count;  /**< messages, or what the reason counts */
	char tap[48];    /**< as in the ledger; "" is none */
	char reason[24]; /**< key of ledger.def, or one of the above */
};

struct ear_gaps;

/**
 * The one who writes the file; holds the journal's lock meanwhile.
 *
 * A little of the disk is set aside for the file: a disk that is full is what
 * it must be able to tell of.
 *
 * @param max_bytes of the file; 0: 1 MiB. Beyond, neighbours are joined, and
 *                  the older half becomes one gap.
 * @return EAR_OK; EAR_NOMEM. A file that cannot be written is tried again.
 */
EAR_MUST_USE enum ear_err ear_gaps_new(
	const char *data_dir, uint64_t max_bytes, struct ear_gaps **gaps);
void ear_gaps_free(struct ear_gaps **gaps);

/** Note one. What cannot be written now is kept and tried again. */
void ear_gaps_add(struct ear_gaps *gaps, const struct ear_gap *gap);

/**
 * Note what the ledger's counters of lost messages grew by since the last
 * look. What is refused on purpose (denied, bad_key, refused) is no loss.
 *
 * @param behind_ns since when messages wait in the journal: those that are
 *                  lost behind it came in after that
 */
void ear_gaps_ledger(struct ear_gaps *gaps, struct ear_ledger *ledger,
	uint64_t behind_ns, uint64_t now_ns);

/**
 * Note journal bytes that could not be read again, by the counters since open.
 *
 * @param missing how often whole frames were found to be missing
 */
void ear_gaps_journal(struct ear_gaps *gaps, uint64_t lost_bytes,
	uint64_t missing, uint64_t behind_ns, uint64_t now_ns);

/** Note what retention removed since the last look. */
void ear_gaps_retention(struct ear_gaps *gaps,
	const struct ear_store_stats *stats, uint64_t now_ns);

/**
 * Where gaps overlap [from_ns, to_ns], the answer is not complete and says
 * why. What retention removed counts only where from_ns is not 0: who asks
 * for all asks for all there is.
 */
void ear_gaps_add_to(const char *data_dir, uint64_t from_ns, uint64_t to_ns,
	struct ear_found *found);

/** The same, and what is not written yet. Threads: any. */
void ear_gaps_tell(struct ear_gaps *gaps, uint64_t from_ns, uint64_t to_ns,
	struct ear_found *found);

/** Not complete, and why: joined to what is said already. */
void ear_found_missing(struct ear_found *found, const char *format, ...)
	EAR_PRINTF(2, 3);

#endif
