/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Texts that are filled in from a message: "{from.user}@{from.host}".
 *
 * Between braces stands a field of the expression language or header.NAME,
 * as {header.Diversion}, which is the first header field of that name. "{{"
 * and "}}" are braces themselves. What a message does not have is left empty.
 *
 *     struct ear_template *t;
 *     ear_template_new(EAR_S("sip:{from.user}"), &t, &fault);
 *     ear_template_fill(t, msg, facts, &out);
 *     ear_template_free(&t);
 */
#ifndef EAR_MESSAGE_TEMPLATE_H
#define EAR_MESSAGE_TEMPLATE_H

#include "base/buf.h"
#include "message/msg.h"

struct ear_template;

/** Most fields in one. */
#define EAR_TEMPLATE_FIELDS 32

/**
 * @return EAR_OK; EAR_USAGE: the fault says what is wrong, its offset where;
 *         EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_template_new(struct ear_slice text,
	struct ear_template **t, struct ear_fault *fault);
void ear_template_free(struct ear_template **t);

/** Whether it is the same for every message. */
bool ear_template_fixed(const struct ear_template *t);

/**
 * Append what it makes of a message. Threads: pure.
 *
 * Cost: copying; where a header is named, the message is parsed again.
 */
void ear_template_fill(const struct ear_template *t, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_buf *out);

#endif
