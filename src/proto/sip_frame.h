/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where SIP messages begin and end: a cheap test whether bytes are SIP at
 * all, and the cutting of a TCP, TLS or WebSocket stream into messages.
 *
 *     struct ear_sip_frame frame = {0};
 *     while (ear_sip_frame(left, &frame) == EAR_OK) {
 *             take(left.p + frame.idle, frame.n);
 *             left = ear_slice_sub(left, frame.idle + frame.n, left.n);
 *             frame = (struct ear_sip_frame){0};
 *     }
 */
#ifndef EAR_PROTO_SIP_FRAME_H
#define EAR_PROTO_SIP_FRAME_H

#include "base/err.h"
#include "base/slice.h"

/* Far above what is in use (a MESSAGE with a picture, a NOTIFY with a long
 * resource list), far below what would let one peer eat the memory. */
#define EAR_SIP_HEAD_BYTES_MAX (64u * 1024)
#define EAR_SIP_MESSAGE_BYTES_MAX (1024u * 1024)

/**
 * Whether bytes begin like a SIP message: a first line with a SIP version,
 * after any CRLFs. Says nothing about the rest.
 *
 * Cost: the first line.
 */
bool ear_sip_looks_like(struct ear_slice bytes);

/** The next message of a stream. Zero it for each new one. */
struct ear_sip_frame {
	size_t idle;    /**< CR and LF bytes before it: keep-alives (RFC 5626
			     s3.5.1), which may be dropped */
	size_t n;       /**< bytes of the message behind them */
	size_t scanned; /**< ours: where the search for its head's end goes on
			 */
};

/**
 * Find the end of the first message of what is left of a stream. On EAR_MORE
 * call again with the same bytes and more behind them; frame->idle is right
 * then too.
 *
 * @return EAR_OK; EAR_MORE; EAR_BAD when this is no SIP or its Content-Length
 *         is no number; EAR_LIMIT when head or message exceed the limits
 *         above. After BAD and LIMIT the stream cannot be cut any more.
 *
 * Without Content-Length the message ends with its head (RFC 3261 s18.3 asks
 * for one on streams).
 *
 * Cost: each byte of the head once, however often it is called.
 */
EAR_MUST_USE enum ear_err ear_sip_frame(
	struct ear_slice in, struct ear_sip_frame *frame);

#endif
