/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Exports messages as text: for each a line that says when, how and between
 * whom, then its bytes as they are, then an empty line.
 *
 *     ---- 2026-11-22T05:27:31.482123456Z udp 192.0.2.1:5060 -> 192.0.2.2:5060
 *     INVITE sip:bob@example.net SIP/2.0
 *     …
 */
#ifndef EAR_SINK_TEXT_H
#define EAR_SINK_TEXT_H

#include "base/buf.h"
#include "message/msg.h"

/**
 * Append one message. Unknown addresses and transports are "?"; what is
 * peculiar stands in brackets behind them, as "[truncated]".
 */
void ear_text_put(const struct ear_msg *msg, struct ear_buf *out);

#endif
