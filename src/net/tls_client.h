/* SPDX-License-Identifier: Apache-2.0 */
/** TLS for those who connect: RFC 8446, RFC 5246; names by RFC 6125. */
#ifndef EAR_NET_TLS_CLIENT_H
#define EAR_NET_TLS_CLIENT_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct ear_tls_client {
	const char *ca;          /**< PEM file to trust; "": the system's */
	bool verify;             /**< the peer must show a certificate of its
				      name that is trusted */
	const char *certificate; /**< PEM file to show; "": none */
	const char *private_key; /**< PEM file */
};

/**
 * A client context: TLS 1.2 or newer. Free it with SSL_CTX_free().
 *
 * @return EAR_OK; EAR_SYS when a file cannot be read; EAR_BAD when it holds
 *         not what it should; EAR_USAGE: a certificate without key
 */
EAR_MUST_USE enum ear_err ear_tls_client_new(
	const struct ear_tls_client *options, SSL_CTX **ctx,
	struct ear_fault *fault);

/**
 * Shake hands on a connected non-blocking socket; waits.
 *
 * @param host    name (sent as SNI) or IP that the certificate must be of,
 *                where the context verifies
 * @param wait_ms most for the whole handshake
 * @param[out] ssl free it with SSL_free(); fd stays the caller's
 * @return EAR_OK; EAR_SYS; EAR_BAD: the fault says what is wrong with the
 *         certificate
 */
EAR_MUST_USE enum ear_err ear_tls_connect(SSL_CTX *ctx, int fd,
	const char *host, uint32_t wait_ms, SSL **ssl, struct ear_fault *fault);

#endif
