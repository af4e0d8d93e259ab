/* SPDX-License-Identifier: Apache-2.0 */
/** Cipher suites of TLS: their names, and what is needed to read them. */
#ifndef EAR_PROTO_TLS_SUITE_H
#define EAR_PROTO_TLS_SUITE_H

#include "base/slice.h"

enum ear_tls_cipher {
	EAR_TLS_NONE, /**< known by name, not read */
	EAR_TLS_GCM,
	EAR_TLS_CCM,
	EAR_TLS_CCM8, /**< CCM with a tag of 8 bytes */
	EAR_TLS_CHACHA,
	EAR_TLS_CBC,
};

enum ear_tls_hash {
	EAR_TLS_HASH_NONE,
	EAR_TLS_HASH_SHA1,
	EAR_TLS_HASH_SHA256,
	EAR_TLS_HASH_SHA384,
};

struct ear_tls_suite {
	uint16_t code;
	uint8_t cipher;    /**< enum ear_tls_cipher */
	uint8_t key_bytes; /**< 16 or 32 */
	uint8_t mac;       /**< enum ear_tls_hash, of CBC suites */
	uint8_t prf;       /**< enum ear_tls_hash */
	struct ear_slice name;
};

/** @return NULL for one that is not in the table (tls_suite.def) */
const struct ear_tls_suite *ear_tls_suite(uint16_t code);

/** The IANA name; empty for one that is not in the table. */
struct ear_slice ear_tls_suite_name(uint16_t code);

#endif
