/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The arithmetic of reading TLS records: keys out of secrets, plain text out
 * of records. Nothing here encrypts.
 *
 * Source: RFC 5246 s5, s6.3, RFC 5288, RFC 6655, RFC 7366, RFC 7905 (TLS 1.2);
 * RFC 8446 s5.2, s5.3, s7.1-s7.3 (TLS 1.3).
 */
#ifndef EAR_PROTO_TLS_CRYPT_H
#define EAR_PROTO_TLS_CRYPT_H

#include "base/err.h"
#include "proto/tls_keys.h"
#include "proto/tls_suite.h"

/** Longest payload of a record: 2^14 and 2048 for what encryption adds. */
#define EAR_TLS_RECORD_MAX (16384u + 2048u)
#define EAR_TLS_HEAD 5u

struct evp_cipher_ctx_st;

/** Reads the records of one direction; zero is "no keys yet". */
struct ear_tls_opener {
	const struct ear_tls_suite *suite; /**< NULL: no keys yet */
	struct evp_cipher_ctx_st *ctx;     /**< owned */
	uint64_t seq;                      /**< of the next record */
	bool tls13;
	bool mac_last; /**< encrypt-then-MAC, RFC 7366 */
	uint8_t secret_n;
	uint8_t iv[12];
	uint8_t key[32];
	uint8_t mac[48];
	uint8_t secret[EAR_TLS_SECRET_MAX]; /**< TLS 1.3 */
};

/** What is needed to make keys of TLS 1.2. */
struct ear_tls_master {
	struct ear_slice secret;      /**< 48 bytes */
	const uint8_t *client_random; /**< EAR_TLS_RANDOM bytes */
	const uint8_t *server_random;
	bool of_server; /**< keys of the server's direction */
	bool mac_last;
};

/** P_hash of TLS 1.2: n bytes for the label and two seeds. false: OpenSSL
 *  refused. */
bool ear_tls_prf(enum ear_tls_hash hash, struct ear_slice secret,
	struct ear_slice label, struct ear_slice seed, uint8_t *out, size_t n);

/**
 * HKDF-Expand-Label of TLS 1.3 with an empty context.
 *
 * @param label without "tls13 ", at most 12 bytes
 * @param n     at most the hash's length
 */
bool ear_tls_expand(enum ear_tls_hash hash, struct ear_slice secret,
	struct ear_slice label, uint8_t *out, size_t n);

/** Bytes of a hash: 20, 32 or 48. */
size_t ear_tls_hash_bytes(enum ear_tls_hash hash);

/**
 * Make the keys of one direction, sequence number 0.
 *
 * @return EAR_OK; EAR_UNSUPPORTED: the suite is not read; EAR_BAD: the secret
 *         has the wrong length; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_tls_open_12(struct ear_tls_opener *opener,
	const struct ear_tls_suite *suite, const struct ear_tls_master *from);
EAR_MUST_USE enum ear_err ear_tls_open_13(struct ear_tls_opener *opener,
	const struct ear_tls_suite *suite, struct ear_slice secret);

/** TLS 1.3 KeyUpdate: the next keys of the direction. */
EAR_MUST_USE enum ear_err ear_tls_open_next(struct ear_tls_opener *opener);

/**
 * Decrypt one record. Its sequence number goes on when it fits.
 *
 * @param[in]     head   EAR_TLS_HEAD bytes
 * @param[in]     in     what follows them, at most EAR_TLS_RECORD_MAX
 * @param[out]    out    EAR_TLS_RECORD_MAX bytes
 * @param[out]    plain  of out
 * @param[in,out] type   content type; of TLS 1.3 the inner one comes out
 * @return EAR_OK; EAR_BAD: it does not fit, out is undefined
 */
EAR_MUST_USE enum ear_err ear_tls_open_record(struct ear_tls_opener *opener,
	const uint8_t *head, struct ear_slice in, uint8_t *out,
	struct ear_slice *plain, uint8_t *type);

/** Wipe it; it may be used anew. */
void ear_tls_opener_fini(struct ear_tls_opener *opener);

#endif
