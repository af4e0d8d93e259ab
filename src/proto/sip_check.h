/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Says what is wrong with a SIP message, by the grammar and the musts of RFC
 * 3261, judged as RFC 4475 and RFC 5118 judge their examples.
 *
 * A message that is only unacceptable to somebody (an unknown scheme, method
 * or Require) is not broken, nor is what RFC 2543 allowed and s8.2 of RFC 3261
 * still has to take (no Max-Forwards, no From tag, no branch).
 */
#ifndef EAR_PROTO_SIP_CHECK_H
#define EAR_PROTO_SIP_CHECK_H

#include "proto/sip.h"

/**
 * The values that every message has, read once for both its facts and its
 * verdict. Each is empty when the message lacks it.
 */
struct ear_sip_core {
	struct ear_sip_uri ruri;
	struct ear_sip_addr from;
	struct ear_sip_addr to;
	struct ear_sip_via via; /**< the topmost */
	struct ear_slice call_id;
	struct ear_slice cseq_method;
	uint32_t cseq;       /**< 0 when it does not fit */
	const char *via_end; /**< where the topmost Via ends in its header */
	struct ear_sip_flaw ruri_flaw;
	struct ear_sip_flaw from_flaw;
	struct ear_sip_flaw to_flaw;
	struct ear_sip_flaw via_flaw;
	struct ear_sip_flaw cseq_flaw;
};

/** Read them. Cost: each value once. Threads: pure. */
void ear_sip_core(const struct ear_sip *sip, struct ear_sip_core *core);

struct ear_sip_finding {
	uint32_t offset; /**< bytes into sip->raw */
	uint8_t rule;    /**< enum ear_sip_rule */
};

/** What surrounds the message. */
enum ear_sip_how {
	EAR_SIP_DATAGRAM = 0,
	EAR_SIP_STREAM = 1 << 0, /**< Content-Length must be there (s20.14) */
};

/**
 * Check a whole message: at most one finding per header field, in their
 * order, then what is missing, then the body.
 *
 * @param how  enum ear_sip_how
 * @param max  room in found; with 1 it stops at the first finding
 * @return how many there are, at most max
 *
 * Cost: one pass. Threads: pure.
 */
size_t ear_sip_check(const struct ear_sip *sip, const struct ear_sip_core *core,
	unsigned how, struct ear_sip_finding *found, size_t max);

/** What ingest wants to know of a message. */
struct ear_sip_verdict {
	bool malformed; /**< ear_sip_check() finds something */
	bool secrets;   /**< ear_sip_secrets() finds something */
};

/**
 * Both at once, for less than one after the other.
 *
 * Cost: one pass; it stops at the first finding.
 */
struct ear_sip_verdict ear_sip_judge(const struct ear_sip *sip,
	const struct ear_sip_core *core, unsigned how);

/** Stable id of a rule, as "sip.cseq.method". */
struct ear_slice ear_sip_rule_name(enum ear_sip_rule rule);
/** What it means, for people. */
struct ear_slice ear_sip_rule_text(enum ear_sip_rule rule);
/** Where it is written, as "RFC 3261 s8.1.1.5". */
struct ear_slice ear_sip_rule_source(enum ear_sip_rule rule);

#endif
