/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The ledger: what became of everything that came in, per tap and source.
 *
 * A ledger is a bounded table of lines; a line is one tap and one source with
 * a counter per row of ledger.def. Any thread may add; readers take a
 * snapshot. When the table is full, further sources share the line "(others)"
 * of their tap, so that the sums still meet.
 */
#ifndef EAR_BASE_LEDGER_H
#define EAR_BASE_LEDGER_H

#include "base/addr.h"

enum ear_count {
#define X(name, key, class, help) EAR_N_##name,
#include "base/ledger.def"
#undef X
	EAR_N_COUNT
};

enum ear_count_class {
	EAR_CLASS_IN,
	EAR_CLASS_STORED,
	EAR_CLASS_COUNTED,
	EAR_CLASS_FILTERED,
	EAR_CLASS_DROPPED,
	EAR_CLASS_NOTE,
	EAR_CLASS_KERNEL,
	EAR_CLASS_OUT,
	EAR_CLASS_BYTES,
};

/** Key, class and help of a counter. */
const char *ear_count_key(enum ear_count c);
enum ear_count_class ear_count_class(enum ear_count c);
const char *ear_count_help(enum ear_count c);

struct ear_ledger;

/** One line, as a reader sees it. */
struct ear_ledger_line {
	char tap[48];               /**< as "hep/udp:127.0.0.1:9060" */
	char source[EAR_ADDR_TEXT]; /**< IP without port, a file name's end, or
				       "" */
	uint64_t first_ns; /**< first and last time something was added */
	uint64_t last_ns;
	uint64_t n[EAR_N_COUNT];
};

/** A handle to a line, cheap to add to; lives as long as its ledger. */
struct ear_tally;

/** @param lines most lines kept apart; 16..65536 */
EAR_MUST_USE enum ear_err ear_ledger_new(size_t lines, struct ear_ledger **l);
void ear_ledger_free(struct ear_ledger **l);

/**
 * The line of a tap and a source, made when it is new. Threads: any.
 *
 * @return never NULL; the tap's "(others)" line, in the end one line "(all)",
 *         when the table is full
 */
struct ear_tally *ear_ledger_line(
	struct ear_ledger *l, struct ear_slice tap, struct ear_slice source);

/** The same for a source known by address; the port does not count. */
struct ear_tally *ear_ledger_line_addr(struct ear_ledger *l,
	struct ear_slice tap, const struct ear_addr *source);

/** Add n to a counter at a time. Threads: any; relaxed. */
void ear_tally_add(
	struct ear_tally *t, enum ear_count c, uint64_t n, uint64_t now_ns);

/**
 * Copy up to max lines out. @return how many lines there are
 */
size_t ear_ledger_read(
	struct ear_ledger *l, struct ear_ledger_line *lines, size_t max);

/** Sum over all lines. */
void ear_ledger_sum(struct ear_ledger *l, uint64_t n[EAR_N_COUNT]);

/**
 * Received less all that is accounted for: units still on their way between
 * journal and store. Negative would be a defect.
 */
int64_t ear_ledger_open(const uint64_t n[EAR_N_COUNT]);

#endif
