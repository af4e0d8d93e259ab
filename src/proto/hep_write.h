/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Writes HEP packets of versions 1, 2 and 3, as Kamailio orders its chunks,
 * so that every receiver in use reads them.
 */
#ifndef EAR_PROTO_HEP_WRITE_H
#define EAR_PROTO_HEP_WRITE_H

#include "proto/hep.h"

/** What goes into a packet; all slices borrowed, empty ones left out. */
struct ear_hep_out {
	uint8_t version;      /**< 1, 2, 3 */
	uint8_t ip_proto;     /**< IP protocol number, 22 for legacy "tls" */
	uint8_t payload_type; /**< enum ear_hep_payload; version 3 only */
	uint32_t capture_id;  /**< version 2 carries its low 16 bits */
	uint64_t at_ns;       /**< capture time, ns since 1970 UTC */
	struct ear_addr src;  /**< unknown: written as zeros */
	struct ear_addr dst;
	struct ear_slice payload;
	/* Version 3 only: */
	size_t max; /**< longest packet, 1024..65535 bytes; 0: 65535 */
	struct ear_slice correlation;
	struct ear_slice key;
	struct ear_slice node;
	struct ear_slice transport; /**< for our own reader: "wss" … */
	struct ear_slice direction; /**< for our own reader: "in", "out" */
	struct ear_slice extra;     /**< whole chunks, as ear_hep_extra() */
};

/**
 * Append one packet to out. IPv4 is mapped to IPv6 where the families differ,
 * with a chunk that says so (versions 1 and 2 just map).
 *
 * @return EAR_OK; EAR_LIMIT when the payload was cut to fit into max bytes:
 *         the packet is written and says how long it was; EAR_NOMEM;
 *         EAR_USAGE when the version is none or all but the payload is too
 *         long, nothing is written then
 */
EAR_MUST_USE enum ear_err ear_hep_write(
	const struct ear_hep_out *packet, struct ear_buf *out);

/** Append one chunk of the table with at most 65529 bytes of value. */
void ear_hep_write_chunk(
	struct ear_buf *out, enum ear_hep_chunk chunk, struct ear_slice value);

#endif
