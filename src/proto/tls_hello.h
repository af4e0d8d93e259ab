/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads the handshake messages of TLS that say something about a connection.
 * Slices point into the message. What is broken leaves its own fact out; only
 * a message that ends too early is refused.
 *
 * Source: RFC 8446 s4, RFC 5246 s7.4, RFC 6066 s3 (SNI), RFC 7301 (ALPN).
 */
#ifndef EAR_PROTO_TLS_HELLO_H
#define EAR_PROTO_TLS_HELLO_H

#include "base/buf.h"

enum ear_tls_handshake {
	EAR_TLS_HS_CLIENT_HELLO = 1,
	EAR_TLS_HS_SERVER_HELLO = 2,
	EAR_TLS_HS_ENCRYPTED_EXTENSIONS = 8,
	EAR_TLS_HS_CERTIFICATE = 11,
	EAR_TLS_HS_FINISHED = 20,
	EAR_TLS_HS_KEY_UPDATE = 24,
};

#define EAR_TLS_1_2 0x0303u
#define EAR_TLS_1_3 0x0304u

/** What both hellos have. */
struct ear_tls_hello {
	struct ear_slice random;  /**< 32 bytes */
	struct ear_slice session; /**< session id, 0..32 bytes */
	uint16_t version;         /**< server: chosen; client: best it offers */
	uint16_t cipher;          /**< server: chosen */
	bool retry;               /**< server: HelloRetryRequest */
	bool early;               /**< client: sends data at once (0-RTT) */
	bool mac_last;            /**< encrypt_then_mac, RFC 7366 */
	bool ticket;              /**< client: shows a session ticket or key */
	struct ear_slice sni;
	struct ear_slice alpn; /**< the list as on the wire: each name behind
				    a byte with its length */
};

/** @param body of the message, without its 4 bytes of type and length
 *  @return EAR_OK; EAR_BAD */
EAR_MUST_USE enum ear_err ear_tls_client_hello(
	struct ear_slice body, struct ear_tls_hello *hello);
EAR_MUST_USE enum ear_err ear_tls_server_hello(
	struct ear_slice body, struct ear_tls_hello *hello);
/** EncryptedExtensions: only alpn is filled. */
EAR_MUST_USE enum ear_err ear_tls_extensions(
	struct ear_slice body, struct ear_tls_hello *hello);

/** The first certificate of a Certificate message, DER.
 *  @param tls13 the message is one of TLS 1.3 */
EAR_MUST_USE enum ear_err ear_tls_first_certificate(
	struct ear_slice body, bool tls13, struct ear_slice *der);

/** Append the names of an ALPN list, with commas between. */
void ear_tls_alpn_text(struct ear_slice list, struct ear_buf *out);

#endif
