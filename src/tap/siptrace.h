/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads the X-Siptrace header fields that Kamailio's siptrace module adds to a
 * SIP message when it sends a duplicate without HEP (xheaders_write):
 *
 *     X-Siptrace-Fromip: udp:192.0.2.1:5060
 *     X-Siptrace-Toip: udp:192.0.2.2:5060
 *     X-Siptrace-Time: 1313440459 120000
 *     X-Siptrace-Method: INVITE
 *     X-Siptrace-Dir: in
 *
 * They stand together, last in the header. Ours is more lenient than
 * Kamailio's own reader: the last ones may be missing, and what cannot be
 * read leaves only its own fact unknown.
 *
 * Where several servers handed a duplicate on, each adding its own fields, the
 * first ones are of the original message, as Kamailio takes them too; the
 * others tell of the way of the duplicate.
 */
#ifndef EAR_TAP_SIPTRACE_H
#define EAR_TAP_SIPTRACE_H

#include "message/msg.h"

struct ear_siptrace {
	struct ear_addr src; /**< unknown when absent, a name or "any:" */
	struct ear_addr dst;
	uint64_t at_ns;           /**< ns since 1970 UTC; 0 absent, or as 0 0 */
	uint8_t transport;        /**< enum ear_transport, of Fromip */
	uint8_t direction;        /**< enum ear_direction */
	const char *bad;          /**< name of the first field that could not be
				       read; NULL: all could */
	size_t at;                /**< where in the message the fields begin */
	uint32_t hops;            /**< servers it has come through: 1..255 */
	struct ear_addr last_src; /**< of the last ones, where hops wrote
				       several; else unknown */
};

/**
 * @param[in]  sip a SIP message; borrowed
 * @param[out] out facts; nothing in it is borrowed
 * @return false when there are no such fields
 */
bool ear_siptrace_read(struct ear_slice sip, struct ear_siptrace *out);

#endif
