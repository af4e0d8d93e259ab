/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads captures, pcap and pcapng, from any source of bytes: the caller shows
 * a window of the file and the reader hands out the packets in it.
 *
 *     struct ear_pcap p = {0};
 *     while (fill the window) {
 *             size_t used;
 *             enum ear_err err =
 *                     ear_pcap_next(&p, window, &used, &packet, &fault);
 *             drop `used` bytes from the window's front
 *             EAR_OK: packet.data lies in the window
 *             EAR_MORE: go on once p.need bytes stand after them
 *     }
 *     err = ear_pcap_end(&p, window.n, &fault);
 *     ear_pcap_fini(&p);
 *
 * pcap: both byte orders, micro- and nanoseconds, and the old variant with a
 * longer record header. pcapng: many sections, each with its own byte order
 * and interfaces, if_tsresol and if_tsoffset, enhanced, simple and obsolete
 * packet blocks; the TLS key log of a Decryption Secrets Block is handed out;
 * other blocks are skipped.
 *
 * Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 */
#ifndef EAR_PROTO_PCAP_H
#define EAR_PROTO_PCAP_H

#include "base/err.h"
#include "base/slice.h"

/**
 * Longest packet taken. libpcap stops at 256 KiB; a record that says more than
 * this is a damaged file, not a packet.
 */
#define EAR_PCAP_PACKET_MAX (1u << 20)
/** Longest pcapng block read as a whole: a packet and its options. */
#define EAR_PCAP_BLOCK_MAX (2u << 20)
/** Most interfaces of one section; each costs 24 bytes. */
#define EAR_PCAP_INTERFACES_MAX 65536u

/* Link types (https://www.tcpdump.org/linktypes.html). */
enum ear_linktype {
	EAR_LINK_NULL = 0,
	EAR_LINK_ETHERNET = 1,
	EAR_LINK_PPP = 9,
	EAR_LINK_RAW_BSD = 12,
	EAR_LINK_RAW_OPENBSD = 14,
	EAR_LINK_RAW = 101,
	EAR_LINK_LOOP = 108,
	EAR_LINK_SLL = 113,
	EAR_LINK_IPV4 = 228,
	EAR_LINK_IPV6 = 229,
	EAR_LINK_SLL2 = 276,
};

struct ear_pcap_packet {
	uint64_t at_ns;        /**< ns since 1970 UTC; 0 when not recorded */
	uint64_t offset;       /**< of its record, bytes into the file */
	uint32_t link;         /**< enum ear_linktype, or another one */
	uint32_t wire_bytes;   /**< length on the wire; data may be shorter */
	struct ear_slice data; /**< captured bytes, in the caller's window */
};

struct ear_pcap_interface {
	uint32_t link;
	uint32_t snap_bytes; /**< 0 no limit */
	int64_t offset_s;    /**< if_tsoffset */
	uint8_t resolution;  /**< if_tsresol as written */
};

enum ear_pcap_form { EAR_PCAP_UNKNOWN = 0, EAR_PCAP_CLASSIC, EAR_PCAP_NG };

/** Takes the text of a TLS key log in pieces; an empty one ends it. */
typedef void (*ear_pcap_secrets_fn)(struct ear_slice text, void *arg);

/** A reader; all zero is ready. */
struct ear_pcap {
	ear_pcap_secrets_fn secrets; /**< the caller's; NULL: passed over */
	void *secrets_arg;
	size_t need; /**< after EAR_MORE: bytes the window must show */
	enum ear_pcap_form form;
	uint64_t offset;      /**< bytes consumed so far */
	uint64_t skip;        /**< bytes of an unread block still to pass */
	uint64_t secret;      /**< the first of them that are key log */
	bool swapped;         /**< written in the other byte order */
	bool nano;            /**< classic: fractions are nanoseconds */
	uint8_t record_bytes; /**< classic: length of a record's header */
	uint32_t link;        /**< classic */
	struct ear_pcap_interface *face; /**< owned; of this section */
	size_t faces, faces_cap;
};

/** Whether these first bytes (4 suffice) begin a capture. */
bool ear_pcap_is(struct ear_slice head);

/**
 * The next packet.
 *
 * @param[in]  in    bytes of the file from where *used said; borrowed
 * @param[out] used  bytes that need not be shown again, also after EAR_MORE;
 *                   the packet's own bytes are among them
 * @return EAR_OK; EAR_MORE; EAR_BAD or EAR_LIMIT with the offset and what is
 *         wrong there, nothing can follow; EAR_NOMEM
 *
 * Cost: a few compares, no copy. Threads: one per reader.
 */
EAR_MUST_USE enum ear_err ear_pcap_next(struct ear_pcap *p, struct ear_slice in,
	size_t *used, struct ear_pcap_packet *packet, struct ear_fault *fault);

/**
 * The file has ended with left bytes shown and not used.
 *
 * @return EAR_OK; EAR_BAD when it ends inside of something
 */
EAR_MUST_USE enum ear_err ear_pcap_end(
	const struct ear_pcap *p, size_t left, struct ear_fault *fault);

void ear_pcap_fini(struct ear_pcap *p);

#endif
