/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A block: some hundred messages packed together, about 256 KiB as received.
 *
 * It has two parts, compressed apart, so that a search over facts never opens
 * the bytes:
 *
 *     facts  varint messages
 *            varint addresses, then each: family, port (be16), 4 or 16 bytes
 *            varint strings, a varint length of each, the bytes of all
 *            one column for each enum ear_col, in order: a byte that says
 *            how, a varint scale, then either one varint (all rows have it)
 *            or one per row
 *     raw    the messages one after the other, each: raw, correlation, extra,
 *            note; the lengths are columns
 *
 * Rows lie by conversation, those of one in the order of arrival, and the
 * conversations in the order of their first message: what repeats lies close
 * together for the compressor, and a block spans little time. Both parts are
 * zstd frames with a checksum, so that a bad sector is seen, not believed.
 */
#ifndef EAR_STORE_BLOCK_H
#define EAR_STORE_BLOCK_H

#include <zstd.h>

#include "base/buf.h"
#include "message/expr.h"
#include "message/msg.h"

/** Written to disk as an order: append only, with a new format number. */
enum ear_col {
	EAR_COL_AT,   /**< difference to the row before, zigzag */
	EAR_COL_SEEN, /**< difference to at, zigzag */
	EAR_COL_SEQ,  /**< difference to the row before, zigzag */
	EAR_COL_CONV, /**< difference to the row before, zigzag */
	EAR_COL_SRC,  /**< index into addresses; so DST and VIA */
	EAR_COL_DST,
	EAR_COL_VIA,
	EAR_COL_TAP, /**< index into strings; so NODE and METHOD */
	EAR_COL_NODE,
	EAR_COL_METHOD,
	EAR_COL_STATUS,
	EAR_COL_KIND,
	EAR_COL_FLAGS, /**< enum ear_msg_flag */
	EAR_COL_BITS,  /**< enum ear_row_bit */
	EAR_COL_TRANSPORT,
	EAR_COL_PROTO,
	EAR_COL_DIRECTION,
	EAR_COL_IP_PROTO,
	EAR_COL_CAPTURE,
	EAR_COL_RAW, /**< lengths; so those below */
	EAR_COL_CORRELATION,
	EAR_COL_EXTRA,
	EAR_COL_NOTE,
	EAR_COL_COUNT,
};

enum ear_row_bit { EAR_ROW_MALFORMED = 1u << 0, EAR_ROW_SDP = 1u << 1 };

/** Most rows of a block: small messages must not make tall ones. */
#define EAR_BLOCK_ROWS 4096
/** Bytes at which a block is cut; a single longer message gets its own. */
#define EAR_BLOCK_BYTES (256u << 10)
/** Most bytes of a part that a reader opens: anything above is damage. */
#define EAR_BLOCK_MAX (64u << 20)

/** Classes of messages in a histogram, as struct ear_histogram has them. */
#define EAR_CLASSES 8

/** Which class a message counts in. */
unsigned ear_class_of(uint8_t kind, uint16_t status);

/** What a search knows of a block before it opens it. */
struct ear_block_head {
	uint64_t id;
	uint64_t first_at; /**< capture time, at most INT64_MAX; so last_at */
	uint64_t last_at;
	uint64_t raw_bytes; /**< of the messages as received */
	uint32_t rows;
	uint32_t malformed;
	uint32_t seq_base;  /**< to be added to the rows' numbers */
	uint32_t first_seq; /**< with seq_base added; so last_seq */
	uint32_t last_seq;
	uint32_t level; /**< see writer.h: how often it was rewritten */
	uint32_t classes[EAR_CLASSES];
};

/* --- packing ----------------------------------------------------------- */

/** A finished block, ready to be written. */
struct ear_packed {
	struct ear_block_head head; /**< id, level, seq_base: the writer's */
	uint64_t first_seen;        /**< when our taps took them */
	uint64_t last_seen;
	char *bytes; /**< owned: facts, then raw, both compressed */
	size_t facts_n;
	size_t raw_n;
	uint64_t *keys; /**< owned: distinct, not sorted; see key.h */
	size_t key_n;
};

void ear_packed_fini(struct ear_packed *packed);

/** What one packing thread needs: columns, dictionaries, the compressor. */
struct ear_packer;

/** @return NULL when memory is short */
struct ear_packer *ear_packer_new(void);
void ear_packer_free(struct ear_packer **packer);

/**
 * Add a row. Copies what it needs.
 *
 * @param before the row before it in this block, and its facts; NULL for the
 *               first: its keys are in the block already
 * @param conv   the conversation's hash
 */
void ear_packer_add(struct ear_packer *packer, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_msg *before,
	const struct ear_facts *before_facts, uint32_t seq, uint64_t conv);

/** Compress; the packer is empty again, whatever comes of it. */
EAR_MUST_USE enum ear_err ear_packer_finish(
	struct ear_packer *packer, struct ear_packed *packed);

/* --- opening ----------------------------------------------------------- */

/** An opened block; zero it before first use, reuse it, then fini. */
struct ear_block {
	size_t rows;
	uint64_t *col[EAR_COL_COUNT]; /**< rows values each */
	uint32_t *raw_at;             /**< where a row's bytes begin in raw */
	struct ear_addr *addrs;
	size_t addr_n;
	struct ear_slice *strings; /**< into facts */
	size_t string_n;
	char *facts; /**< decompressed */
	size_t facts_n;
	char *raw; /**< decompressed; NULL until opened */
	size_t raw_n;

	ZSTD_DCtx *zstd;
	size_t facts_cap, raw_cap, row_cap, addr_cap, string_cap;
	uint64_t *cells;
	bool has_raw;
};

/**
 * Open the facts of a block.
 *
 * @return EAR_OK; EAR_BAD when damaged; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_block_open(
	struct ear_block *block, struct ear_slice facts);

/** Open its bytes as well. */
EAR_MUST_USE enum ear_err ear_block_open_raw(
	struct ear_block *block, struct ear_slice raw);

void ear_block_fini(struct ear_block *block);

/**
 * Row i as a message. Slices live as long as the block stays open; without
 * raw opened, only their lengths are there. msg->id is the row's number: the
 * caller adds the head's seq_base and the segment.
 */
void ear_block_msg(
	const struct ear_block *block, size_t i, struct ear_msg *msg);

/** Row i: the facts that are known without its bytes. */
void ear_block_facts(
	const struct ear_block *block, size_t i, struct ear_facts *facts);

/**
 * The facts of a message that was stored: those that were stored as they are,
 * the others found in it once more.
 */
void ear_block_refind(const struct ear_facts *stored, const struct ear_msg *msg,
	struct ear_facts *facts);

#endif
