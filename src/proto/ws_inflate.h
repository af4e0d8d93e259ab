/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Undoes permessage-deflate of WebSocket (RFC 7692) for one direction. What
 * was agreed on in the upgrade need not be known: a sender that takes its
 * context along refers to the messages before, one that does not never does,
 * and a smaller window is part of the largest.
 *
 * Source: RFC 7692 s7.2.2, RFC 1951.
 */
#ifndef EAR_PROTO_WS_INFLATE_H
#define EAR_PROTO_WS_INFLATE_H

#include "base/buf.h"

/** One direction; about 40 KiB with its window. */
struct ear_ws_inflate;

/** @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_ws_inflate_new(struct ear_ws_inflate **inflate);
void ear_ws_inflate_free(struct ear_ws_inflate **inflate);

/**
 * Unpack one message.
 *
 * @param[in]     in  the payload of all its frames, unmasked
 * @param[in,out] out appended to, up to its max
 * @return EAR_OK; EAR_BAD: it is none, or refers to messages that were not
 *         seen; EAR_LIMIT: longer than out takes; EAR_NOMEM. The next message
 *         may be tried all the same.
 */
EAR_MUST_USE enum ear_err ear_ws_inflate(struct ear_ws_inflate *inflate,
	struct ear_slice in, struct ear_buf *out);

#endif
