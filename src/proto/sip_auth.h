/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Authorization, WWW-Authenticate, Authentication-Info and their proxy twins:
 * a scheme and comma-separated parameters.
 *
 *     Digest username="alice", realm="example.com", nonce="84a4cc", uri=…
 */
#ifndef EAR_PROTO_SIP_AUTH_H
#define EAR_PROTO_SIP_AUTH_H

#include "base/slice.h"

struct ear_sip_auth {
	struct ear_slice scheme; /**< "Digest"; empty where there is none, as in
				      Authentication-Info */
	struct ear_slice rest;   /**< parameters, or the token of Basic */
};

/** Part scheme and parameters. */
struct ear_sip_auth ear_sip_auth_parse(struct ear_slice value);

/**
 * Take the next parameter off auth.rest.
 *
 * @param[out] value without its quotes, quoted pairs as they are
 * @return false when nothing is left
 */
bool ear_sip_auth_next(struct ear_slice *rest, struct ear_slice *name,
	struct ear_slice *value);

/** The value of a parameter of a whole header value; empty when absent. */
struct ear_slice ear_sip_auth_param(
	struct ear_slice value, struct ear_slice name);

#endif
