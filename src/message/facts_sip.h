/* SPDX-License-Identifier: Apache-2.0 */
/** The facts of a SIP message: see ear_msg_facts(). */
#ifndef EAR_MESSAGE_FACTS_SIP_H
#define EAR_MESSAGE_FACTS_SIP_H

#include "message/msg.h"
#include "proto/sip_check.h"

/** Facts from what was parsed; facts is all zero before. */
void ear_facts_sip(const struct ear_sip *sip, const struct ear_sip_core *core,
	struct ear_facts *facts);

/** What surrounds it: enum ear_sip_how. */
unsigned ear_facts_sip_how(const struct ear_msg *msg);

#endif
