/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A message as JSON, the same for the command line, the API and exports: the
 * columns of field.def in their order.
 */
#ifndef EAR_MESSAGE_MSG_JSON_H
#define EAR_MESSAGE_MSG_JSON_H

#include "message/field.h"

/**
 * One object.
 *
 * @param id as the store's id_text() gives it; may be empty
 */
void ear_msg_json(struct ear_json *j, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_slice id);

/** Its members only, into an object that the caller opened. */
void ear_msg_json_members(struct ear_json *j, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_slice id);

/** The member "findings": an array of what is wrong with the message. */
void ear_msg_json_findings(struct ear_json *j, const struct ear_msg *msg);

#endif
