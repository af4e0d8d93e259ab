/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Blanks secrets between journal and store: passwords, digest and
 * NTLM responses, tokens, SDP keys. Each secret byte becomes 'x', so that
 * lengths, offsets and Content-Length stay as they were.
 */
#ifndef EAR_RULE_MASK_H
#define EAR_RULE_MASK_H

#include "base/buf.h"
#include "message/msg.h"

/**
 * @param[in,out] msg   raw is replaced by a copy in out when it has secrets
 * @param[in]     facts of msg as it is
 * @param[out]    out   reused by the caller; holds the copy
 * @return whether anything was blanked; then facts must be found again.
 *         When memory ran out, out->err is set and msg is unchanged
 *
 * Cost: nothing but a look at the facts for a message without credentials
 * and without SDP.
 */
bool ear_mask_secrets(struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_buf *out);

/**
 * A copy of a text without its secrets, as far as they can be told
 * (proto/text_secret.h): for what goes into the program's own log.
 *
 * @return a slice of out; empty when memory ran out
 */
struct ear_slice ear_mask_text(struct ear_slice text, struct ear_buf *out);

#endif
