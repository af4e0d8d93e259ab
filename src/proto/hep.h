/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads HEP (also called EEP) of versions 1, 2 and 3: the envelope in which
 * capture agents send SIP messages.
 *
 *     struct ear_hep hep;
 *     if (!ear_hep_read(bytes, now_ns, &hep))
 *             use(hep.payload, &hep.src, &hep.dst, hep.at_ns);
 *
 * Version 3 is a header and chunks, in any order, big-endian:
 *
 *     0        4        6
 *     +--------+--------+-----------------------------------+---- …
 *     | "HEP3" | length | vendor  type  length   value      |
 *     | "EEP3" | of all |   2      2    2 (of the chunk)    |
 *     +--------+--------+-----------------------------------+---- …
 *
 * Versions 1 and 2 are fixed headers, the message is the rest:
 *
 *     0         1         2        3       4     6     8        16 or 40
 *     +---------+---------+--------+-------+-----+-----+--------+---- …
 *     | version | header  | family | IP    | src | dst | src,   | v2: 12 bytes
 *     |         | length  |        | proto | port| port| dst IP | of time, id
 *     +---------+---------+--------+-------+-----+-----+--------+---- …
 *
 * A damaged packet gives what could be read and says what is wrong in notes.
 *
 * Sources: HEP3 Network Protocol Specification rev. 37;
 * draft-dubovikov-eep-hep-00.
 */
#ifndef EAR_PROTO_HEP_H
#define EAR_PROTO_HEP_H

#include "base/addr.h"
#include "base/buf.h"

/** Longest HEP3 packet: its length has 16 bits. */
#define EAR_HEP_MAX 65535
/** Bytes before the first chunk, and of a chunk before its value. */
#define EAR_HEP_HEAD 6
#define EAR_HEP_CHUNK_HEAD 6

/** Vendor of our own chunks; not registered. */
#define EAR_HEP_VENDOR 0x4541

/** Chunks that are known; order of hep_chunk.def, 0 is none. */
enum ear_hep_chunk {
	EAR_HEP_NONE,
#define X(name, vendor, type, kind, place, key, help) EAR_HEP_##name,
#include "proto/hep_chunk.def"
#undef X
	EAR_HEP_CHUNKS
};

/** Payload types (chunk 0x000b). */
enum ear_hep_payload {
#define X(name, code, key, help) EAR_HEP_TYPE_##name = (code),
#include "proto/hep_payload.def"
#undef X
};

enum ear_hep_rule {
#define X(name, id, severity, words) EAR_HEP_RULE_##name,
#include "proto/hep_rule.def"
#undef X
	EAR_HEP_RULES
};

enum ear_hep_flag {
	EAR_HEP_MALFORMED = 1u << 0,   /**< some note is of that severity */
	EAR_HEP_TRUNCATED = 1u << 1,   /**< bytes are missing */
	EAR_HEP_EEP = 1u << 2,         /**< magic was EEP3 */
	EAR_HEP_HAS_PAYLOAD = 1u << 3, /**< payload or packed was there, even
					    empty */
};

/** One thing that is odd about a packet. */
struct ear_hep_note {
	uint8_t rule; /**< enum ear_hep_rule */
	uint32_t at;  /**< bytes into the packet */
	uint32_t a;   /**< numbers of the rule's words */
	uint32_t b;
};

/** Most notes kept; the last one then says that there are more. */
#define EAR_HEP_NOTES 8

/** Where a chunk's value lies in the packet; at 0: not there. */
struct ear_hep_span {
	uint16_t at;
	uint16_t n;
};

/** A packet. Slices lie in the bytes that were read. */
struct ear_hep {
	struct ear_slice packet;  /**< its bytes */
	struct ear_slice payload; /**< the message; empty when packed is used */
	struct ear_slice packed;  /**< the message compressed; see hep_zip.h */
	struct ear_addr src;      /**< unknown when not given or all zero */
	struct ear_addr dst;
	uint64_t at_ns;       /**< capture time, ns since 1970 UTC; 0 none */
	uint32_t capture_id;  /**< 0 none */
	uint8_t version;      /**< 1, 2, 3 */
	uint8_t family;       /**< as given */
	uint8_t ip_proto;     /**< as given; 0 not given */
	uint8_t payload_type; /**< as given, 0 not given; v1 and v2: 1 */
	uint8_t flags;        /**< enum ear_hep_flag */
	uint8_t notes;        /**< how many of note[] are used */
	struct ear_hep_note note[EAR_HEP_NOTES];
	struct ear_hep_span chunk[EAR_HEP_CHUNKS]; /**< v3 only */
	/** From the first to behind the last chunk without a field here. */
	struct ear_slice extra;
	size_t extra_bytes; /**< of those chunks alone: see ear_hep_extra() */
};

/**
 * Which version the bytes begin like. A look at the first bytes only.
 *
 * @return 1, 2, 3, or 0 when they do not begin like HEP
 */
int ear_hep_version(struct ear_slice in);

/**
 * Read one packet from the beginning of in. What follows it is
 * in.n - hep->packet.n bytes.
 *
 * @param[in]  in     a datagram or packet; any length; borrowed
 * @param[in]  now_ns the time by which v2's byte order is judged; 0: unknown
 * @param[out] hep    slices into in
 * @return EAR_OK, also when damaged: see flags and notes; EAR_MORE when the
 *         header itself is cut; EAR_BAD when this is no HEP
 *
 * Cost: one pass over the chunk heads. Threads: pure.
 */
EAR_MUST_USE enum ear_err ear_hep_read(
	struct ear_slice in, uint64_t now_ns, struct ear_hep *hep);

/** Value of a chunk; empty when it is not there. */
static inline struct ear_slice ear_hep_value(
	const struct ear_hep *hep, enum ear_hep_chunk chunk)
{
	struct ear_hep_span s = hep->chunk[chunk];

	return s.at ? ear_slice(hep->packet.p + s.at, s.n)
		    : (struct ear_slice){NULL, 0};
}

/** Number of a chunk of 1 to 8 bytes; 0 when it is not there. */
uint64_t ear_hep_number(const struct ear_hep *hep, enum ear_hep_chunk chunk);

/**
 * The chunks that have no field here, as on the wire and in their order: a
 * slice of the packet when they stand together, else gathered into scratch.
 * The authentication key is never among them.
 *
 * @param scratch appended to when needed; the slice then lies in it
 */
struct ear_slice ear_hep_extra(
	const struct ear_hep *hep, struct ear_buf *scratch);

/** Add a note; when there is no room left, only that there are more. */
void ear_hep_note(struct ear_hep *hep, enum ear_hep_rule rule, size_t at,
	size_t a, size_t b);

/** Stable id of a rule, as "hep.chunk.size". */
const char *ear_hep_rule_id(enum ear_hep_rule rule);

/** The words of a note, with where in the packet: for people. */
void ear_hep_note_words(const struct ear_hep_note *note, struct ear_buf *out);

/** Walks chunks, known or not. Begin with {.in = packet, .at = 6}. */
struct ear_hep_walk {
	struct ear_slice in;
	size_t at; /**< next chunk */
};

struct ear_hep_piece {
	uint16_t vendor;
	uint16_t type;
	struct ear_slice whole; /**< head and value */
	struct ear_slice value;
};

/** @return false at the end or at a chunk that cannot be */
bool ear_hep_next(struct ear_hep_walk *walk, struct ear_hep_piece *piece);

/** Short name of a payload type; NULL when it has none. */
const char *ear_hep_payload_name(uint8_t type);

/** Key and help of a chunk, as "vlan". */
const char *ear_hep_chunk_key(enum ear_hep_chunk chunk);

/** Which known chunk a vendor and type are; EAR_HEP_NONE when unknown. */
enum ear_hep_chunk ear_hep_chunk_of(uint16_t vendor, uint16_t type);

#endif
