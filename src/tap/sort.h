/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Says what some bytes from a SIP or HEP port are, from how they begin.
 */
#ifndef EAR_TAP_SORT_H
#define EAR_TAP_SORT_H

#include "base/slice.h"

enum ear_sort {
	EAR_SORT_JUNK,      /**< nothing known */
	EAR_SORT_SIP,       /**< begins with a SIP request or status line */
	EAR_SORT_HEP,       /**< HEP 1, 2 or 3 */
	EAR_SORT_GZIP,      /**< a gzip member: heplify's payload_zip */
	EAR_SORT_KEEPALIVE, /**< empty, only CR LF NUL, or STUN */
	EAR_SORT_RTP,       /**< RTP or RTCP, RFC 3550 */
	EAR_SORT_PROTOBUF,  /**< heplify's protobuf frame, which we refuse */
};

/** Cost: a look at the first bytes. Threads: pure. */
enum ear_sort ear_sort(struct ear_slice bytes);

#endif
