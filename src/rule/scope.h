/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Follows transactions and dialogs: once a trace has taken a message, which
 * later ones belong to it.
 *
 * transaction  the request, its forked branches, all replies, CANCEL and its
 *              replies, the ACK to a negative final reply; an ACK to a 2xx is
 *              another transaction (RFC 3261 s17)
 * dialog       all of the Call-ID from the INVITE or SUBSCRIBE to the end of
 *              the last of its dialogs: requests in it, re-INVITEs, ACKs,
 *              BYEs that a proxy made itself, and a dialog that the capture
 *              joins in the middle
 *
 * The table is bounded. Entries end by the messages themselves or by the
 * timers of RFC 3261 (B, F, H, C; 32 s after the last message of a
 * transaction) in message time, a dialog after its end plus 32 s, after an
 * expired session timer or after max_dialog_ns of silence.
 */
#ifndef EAR_RULE_SCOPE_H
#define EAR_RULE_SCOPE_H

#include "base/err.h"
#include "base/json.h"
#include "message/msg.h"

enum ear_scope {
	EAR_SCOPE_MESSAGE,
	EAR_SCOPE_TRANSACTION,
	EAR_SCOPE_DIALOG,
};

/** "message", "transaction", "dialog"; also by first letter, any case. */
bool ear_scope_of(struct ear_slice name, enum ear_scope *scope);
const char *ear_scope_name(enum ear_scope scope);

#endif
