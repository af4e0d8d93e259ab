/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The ladder of a conversation: who spoke to whom, when, and what came of it.
 * Pure: from messages that somebody gathered (track/gather.h), sorted by time.
 *
 *     struct ear_ladder *ladder;
 *     enum ear_err err = ear_ladder_new(bag.v, bag.n, &ladder);
 *     …
 *     ear_ladder_free(&ladder);
 */
#ifndef EAR_TRACK_LADDER_H
#define EAR_TRACK_LADDER_H

#include "base/buf.h"
#include "track/gather.h"

/** What colour an arrow has; the names are those of the API. */
enum ear_ladder_class {
	EAR_LADDER_REQUEST,
	EAR_LADDER_1XX,
	EAR_LADDER_2XX,
	EAR_LADDER_3XX,
	EAR_LADDER_4XX,
	EAR_LADDER_5XX,
	EAR_LADDER_6XX,
	EAR_LADDER_OTHER,
};

/** "request", "1xx" … "6xx", "other". */
const char *ear_ladder_class_name(enum ear_ladder_class class);

/** The class of a message by its facts. */
enum ear_ladder_class ear_ladder_class_of(const struct ear_facts *facts);

/** One column: an address that sent or received something. */
struct ear_party {
	struct ear_addr addr;   /**< may be unknown */
	struct ear_slice agent; /**< its own User-Agent or Server; may be "" */
};

#define EAR_LADDER_NONE UINT32_MAX

/**
 * One arrow; or, for a log event, a note across the ladder: what a server
 * says of the conversation passed between nobody.
 */
struct ear_ladder_row {
	const struct ear_gathered *from; /**< the message; borrowed */
	uint32_t from_party;             /**< index of a party; a note:
					      EAR_LADDER_NONE */
	uint32_t to_party;
	uint64_t delta_ns;          /**< since the row before */
	uint64_t offset_ns;         /**< since the first row */
	uint32_t transaction;       /**< from 1; one number for a request, its
					 replies, and the ACK of a failed INVITE; 0
					 when it is no SIP */
	uint32_t retransmission_of; /**< index of the first of its kind, or
					 EAR_LADDER_NONE */
	enum ear_ladder_class class;
};

struct ear_ladder {
	struct ear_party *parties; /**< by first appearance */
	size_t party_count;
	struct ear_ladder_row *rows; /**< as given: by time */
	size_t row_count;
	struct ear_buf summary; /**< one sentence, no full stop */
};

/**
 * Build it.
 *
 * A retransmission repeats an earlier message of the same transaction, from
 * and to the same addresses and seen by the same capture agent, with the same
 * first line, CSeq and body. The same bytes on another hop, or reported by
 * another agent, are no retransmission.
 *
 * @param v borrowed for the life of the ladder; sorted by time
 * @return EAR_OK; EAR_NOMEM
 *
 * Cost: linear. Threads: pure.
 */
EAR_MUST_USE enum ear_err ear_ladder_new(
	const struct ear_gathered *v, size_t n, struct ear_ladder **ladder);
void ear_ladder_free(struct ear_ladder **ladder);

/**
 * What stands on an arrow: "INVITE", "200 OK"; of a log event its first line
 * that is not blank, or "log". From the wire.
 */
void ear_ladder_label(const struct ear_facts *facts, struct ear_buf *out);

#endif
