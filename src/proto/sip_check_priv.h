/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by the parts of the check. */
#ifndef EAR_PROTO_SIP_CHECK_PRIV_H
#define EAR_PROTO_SIP_CHECK_PRIV_H

#include "proto/sip_check.h"
#include "proto/sip_lex.h"

/** Check one value by its header's grammar. */
void ear_sip_check_value(
	const struct ear_sip_header *header, struct ear_sip_flaw *flaw);

/**
 * The first control character outside of a quoted pair, and the first line
 * end that is not CR LF, in [p, end). Cost: 16 bytes a step while all is well.
 */
void ear_sip_check_bytes(
	const char *p, const char *end, struct ear_sip_flaw *flaw);

#endif
