/* SPDX-License-Identifier: Apache-2.0 */
/** A message as a HEP packet and back: the one place that knows both. */
#ifndef EAR_MESSAGE_MSG_HEP_H
#define EAR_MESSAGE_MSG_HEP_H

#include "message/msg.h"
#include "proto/hep_write.h"

/**
 * Fill in a packet of version 3 with all that a message has: times,
 * addresses, capture id, payload type, correlation id (the message's, else its
 * Call-ID), node, transport, direction, extra.
 *
 * @param facts of msg
 * @param out   slices into msg; version, key and the like may be changed then
 */
void ear_msg_to_hep(const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_hep_out *out);

/**
 * What a copy in another envelope carries: the message without the X-Siptrace
 * fields in which it came.
 *
 * @param room reused by the caller; holds the copy when there are any
 * @return raw, or a view of room; raw also when its header has no end
 */
struct ear_slice ear_msg_bare(const struct ear_msg *msg, struct ear_buf *room);

/**
 * What the envelope says: addresses, times, capture id, protocol, transport,
 * direction, node, correlation id, EAR_MSG_* flags of damage, and raw and
 * extra where they lie in one piece. Sets no seen time, tap, via and note.
 *
 * @param msg slices into the packet
 */
void ear_msg_from_hep(const struct ear_hep *hep, struct ear_msg *msg);

#endif
