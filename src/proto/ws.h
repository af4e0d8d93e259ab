/* SPDX-License-Identifier: Apache-2.0 */
/**
 * WebSocket as it stands in a stream (RFC 6455), to get at the SIP inside
 * (RFC 7118). The HTTP upgrade is passed over; frames are read one at a time;
 * what they carry is put together and unpacked (RFC 7692) by struct ear_ws.
 *
 *     while (!(err = ear_ws_next(&ws, bytes, &used, &message)))
 *             if (message.p) …
 */
#ifndef EAR_PROTO_WS_H
#define EAR_PROTO_WS_H

#include "base/buf.h"
#include "proto/ws_inflate.h"

/** Longest HTTP head taken for an upgrade. */
#define EAR_WS_HEAD_MAX 16384
/** Longest message put together. */
#define EAR_WS_MESSAGE_MAX (1u << 20)

enum ear_ws_opcode {
	EAR_WS_MORE = 0, /**< continues the message before */
	EAR_WS_TEXT = 1,
	EAR_WS_BINARY = 2,
	EAR_WS_CLOSE = 8,
	EAR_WS_PING = 9,
	EAR_WS_PONG = 10,
};

/** The head of one frame. */
struct ear_ws_frame {
	bool fin;    /**< last of its message */
	bool packed; /**< compressed: RSV1, RFC 7692 */
	bool masked;
	uint8_t opcode; /**< enum ear_ws_opcode */
	uint8_t mask[4];
	size_t head; /**< bytes before the payload: 2..14 */
	uint64_t n;  /**< payload bytes */
};

/**
 * Read a frame's head.
 *
 * @return EAR_OK; EAR_MORE; EAR_BAD when it breaks RFC 6455 s5.2: reserved
 *         bits or opcodes, a length not in its shortest form, a control frame
 *         that is long or not whole
 */
EAR_MUST_USE enum ear_err ear_ws_head(
	struct ear_slice in, struct ear_ws_frame *frame);

/** Undo the mask of n payload bytes that begin at byte `at` of the payload. */
void ear_ws_unmask(const struct ear_ws_frame *frame, uint64_t at,
	struct ear_slice in, char *out);

/**
 * Whether a stream begins with the HTTP head that opens a WebSocket, request
 * or answer.
 *
 * @param[out] used length of the head with its empty line
 * @return EAR_OK; EAR_MORE: it may still become one; EAR_BAD: it is none
 */
EAR_MUST_USE enum ear_err ear_ws_upgrade(struct ear_slice in, size_t *used);

/** Whether such a head, without what follows it, names the subprotocol sip
 *  (RFC 7118 s4.1). Others have nothing to do with SIP, as a rule. */
bool ear_ws_upgrade_is_sip(struct ear_slice head);

/** One direction of a WebSocket; all zero is ready. */
struct ear_ws {
	struct ear_buf message; /**< owned: of several frames, or unmasked */
	struct ear_buf whole;   /**< owned: a message unpacked */
	struct ear_ws_inflate *inflate; /**< owned; NULL: none was packed */
	bool open;                      /**< message is not finished */
	bool packed;                    /**< it is compressed */
};

/** What a frame brought. */
struct ear_ws_message {
	struct ear_slice bytes; /**< a whole message; p is NULL while there is
				     none; lives until the next call */
	bool control;           /**< the frame was close, ping or pong */
	bool packed;            /**< compressed, bytes as on the wire: it
				     could not be unpacked */
};

/**
 * Take the next frame off a stream.
 *
 * @param[out] used bytes of the frame
 * @param[out] need after EAR_MORE: bytes that the whole frame has
 * @return EAR_OK; EAR_MORE; EAR_BAD: no frame, nothing to be read after it;
 *         EAR_LIMIT: longer than EAR_WS_MESSAGE_MAX; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_ws_next(struct ear_ws *ws, struct ear_slice in,
	size_t *used, size_t *need, struct ear_ws_message *message);

void ear_ws_fini(struct ear_ws *ws);

#endif
