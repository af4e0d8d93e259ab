/* SPDX-License-Identifier: Apache-2.0 */
/** What a person asks of a certificate. */
#ifndef EAR_PROTO_TLS_CERT_H
#define EAR_PROTO_TLS_CERT_H

#include "base/buf.h"

/** Longest certificate that is read; real ones have 1 to 4 KiB. */
#define EAR_TLS_CERT_MAX (32u << 10)
/** Longest name that is given. */
#define EAR_TLS_NAME_MAX 1024u

struct ear_tls_cert {
	struct ear_buf subject; /**< owned; RFC 2253 text */
	struct ear_buf issuer;
	uint64_t not_after_ns; /**< ns since 1970 UTC; 0 unknown */
};

/**
 * Read a certificate in DER. Nothing of it is verified.
 *
 * @return EAR_OK; EAR_BAD; EAR_LIMIT: longer than EAR_TLS_CERT_MAX
 *
 * Source: RFC 5280 s4.1, RFC 2253 (names; the other characters of UTF-8 stay
 * as they are).
 */
EAR_MUST_USE enum ear_err ear_tls_cert_read(
	struct ear_slice der, struct ear_tls_cert *cert);

void ear_tls_cert_fini(struct ear_tls_cert *cert);

#endif
