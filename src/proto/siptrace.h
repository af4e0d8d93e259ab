/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The X-Siptrace header fields that Kamailio's siptrace adds to duplicates of
 * SIP messages, directly before the empty line, in this order:
 *
 *     X-Siptrace-Fromip: udp:192.0.2.1:5060
 *     X-Siptrace-Toip: udp:192.0.2.2:5060
 *     X-Siptrace-Time: 1313440459 120000
 *     X-Siptrace-Method: INVITE
 *     X-Siptrace-Dir: in
 *
 * Kamailio reads them with CRLF and one blank, no token longer than 50
 * characters, and then cuts all from Fromip to the end of the header. So what
 * more we have to say stands behind them:
 *
 *     X-Earshot-Hops: 2
 */
#ifndef EAR_PROTO_SIPTRACE_H
#define EAR_PROTO_SIPTRACE_H

#include "base/addr.h"
#include "base/buf.h"

/** Longest value that Kamailio reads. */
#define EAR_SIPTRACE_TOKEN 50
/** Most bytes of all five fields. */
#define EAR_SIPTRACE_MAX 511

/** What one line of a header is. */
enum ear_siptrace_field {
	EAR_SIPTRACE_NONE,
	EAR_SIPTRACE_FROM,
	EAR_SIPTRACE_TO,
	EAR_SIPTRACE_TIME,
	EAR_SIPTRACE_METHOD,
	EAR_SIPTRACE_DIR,
	EAR_SIPTRACE_HOPS,
};

/** By its name, of any case, without the colon. */
enum ear_siptrace_field ear_siptrace_field(struct ear_slice name);
/** Its name, as it is written. */
const char *ear_siptrace_field_name(enum ear_siptrace_field field);

/** What is written. */
struct ear_siptrace_out {
	struct ear_slice transport_from; /**< "udp"; empty: "any" */
	struct ear_slice transport_to;
	struct ear_addr src; /**< unknown: 255.255.255.255:5060 */
	struct ear_addr dst;
	uint64_t at_ns;             /**< ns since 1970 UTC */
	struct ear_slice method;    /**< empty: "-" */
	struct ear_slice direction; /**< "in", "out"; empty: "any" */
	uint32_t hops;              /**< written when above 1 */
};

/**
 * Append a SIP message with these fields instead of those that it has. Its
 * Content-Length stays: nothing of the body changes.
 *
 * @param fields NULL: only take away those that it has
 * @return EAR_OK; EAR_BAD: no empty line ends its header, or readers differ
 *         on which one does; nothing is appended then; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_siptrace_write(struct ear_slice sip,
	const struct ear_siptrace_out *fields, struct ear_buf *out);

#endif
