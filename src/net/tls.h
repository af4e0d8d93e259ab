/* SPDX-License-Identifier: Apache-2.0 */
/** TLS for listeners: a server context, and a certificate to begin with. */
#ifndef EAR_NET_TLS_H
#define EAR_NET_TLS_H

#include <openssl/types.h>

#include "base/err.h"

/**
 * A server context: TLS 1.2 or newer, no client certificates asked for, no
 * session tickets. Free it with SSL_CTX_free().
 *
 * @param certificate PEM file, the chain after the server's own
 * @param private_key PEM file
 * @return EAR_OK; EAR_SYS when a file cannot be read; EAR_BAD when it holds
 *         no certificate or key, or they do not belong together
 */
EAR_MUST_USE enum ear_err ear_tls_server_new(const char *certificate,
	const char *private_key, SSL_CTX **ctx, struct ear_fault *fault);

/**
 * Load a certificate and its key into a context.
 *
 * @return as ear_tls_server_new()
 */
EAR_MUST_USE enum ear_err ear_tls_load_pair(SSL_CTX *ctx,
	const char *certificate, const char *private_key,
	struct ear_fault *fault);

/**
 * Make a key (EC P-256) and a certificate signed by itself, for this host's
 * name, localhost, 127.0.0.1 and ::1, valid for ten years; unless both files
 * are there already. The key file is readable by its owner only.
 *
 * @return EAR_OK, also when they were there; EAR_SYS; EAR_USAGE when only one
 *         of them is there
 */
EAR_MUST_USE enum ear_err ear_tls_self_signed(const char *certificate,
	const char *private_key, struct ear_fault *fault);

/**
 * The newest reason in OpenSSL's queue of errors, which is emptied: "" when
 * there is none. Lives until the thread's next call.
 */
const char *ear_tls_reason(void);

#endif
