/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SCTP: the messages in a packet's DATA and I-DATA chunks, those in several
 * chunks put together (RFC 9260 s6.9, RFC 8260).
 *
 * Bounded: 64 unfinished messages, each of at most 64 chunks and 256 KiB. A
 * new one takes the place of the oldest.
 */
#ifndef EAR_PROTO_SCTP_H
#define EAR_PROTO_SCTP_H

#include "proto/ip_walk.h"

struct ear_sctp;

/** One user message. */
struct ear_sctp_message {
	struct ear_slice bytes; /**< lives until the function returns */
	uint32_t missing;       /**< bytes not captured after these */
};

typedef void (*ear_sctp_fn)(const struct ear_ip_unit *unit,
	const struct ear_sctp_message *message, void *arg);

/** @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_sctp_new(
	ear_sctp_fn fn, void *arg, struct ear_sctp **sctp);
void ear_sctp_free(struct ear_sctp **sctp);

/**
 * Read the chunks of one packet.
 *
 * @param unit proto EAR_IP_SCTP, payload after the common header
 * @return how many messages were given to fn, or begun
 */
size_t ear_sctp_packet(struct ear_sctp *sctp, const struct ear_ip_unit *unit);

#endif
