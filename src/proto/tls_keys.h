/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Keys of TLS connections, read from the text of a key log:
 *
 *     CLIENT_RANDOM <client random, 64 hex> <master secret, 96 hex>
 *     CLIENT_HANDSHAKE_TRAFFIC_SECRET <client random> <secret>
 *     SERVER_HANDSHAKE_TRAFFIC_SECRET …
 *     CLIENT_TRAFFIC_SECRET_0 …
 *     SERVER_TRAFFIC_SECRET_0 …
 *     CLIENT_EARLY_TRAFFIC_SECRET …
 *
 * Other lines are passed over. The table is bounded: the oldest connection's
 * keys go first. Keys are wiped before their memory is given back, are not
 * part of a core dump where the system allows it, and are never logged.
 *
 *     ear_tls_keys_new(0, &keys);
 *     ear_tls_keys_feed(keys, text);   in any pieces
 *     key = ear_tls_keys_find(keys, client_random);
 *     ear_tls_keys_free(&keys);
 *
 * Source: draft-ietf-tls-keylogfile. Threads: one.
 */
#ifndef EAR_PROTO_TLS_KEYS_H
#define EAR_PROTO_TLS_KEYS_H

#include "base/err.h"
#include "base/slice.h"

#define EAR_TLS_RANDOM 32
#define EAR_TLS_SECRET_MAX 48

enum ear_tls_secret {
	EAR_TLS_MASTER,           /**< TLS 1.2 and before */
	EAR_TLS_CLIENT_EARLY,     /**< 0-RTT */
	EAR_TLS_CLIENT_HANDSHAKE, /**< TLS 1.3 */
	EAR_TLS_SERVER_HANDSHAKE,
	EAR_TLS_CLIENT_DATA,
	EAR_TLS_SERVER_DATA,
	EAR_TLS_SECRETS,
};

/** What the key log has for one connection. */
struct ear_tls_key {
	uint8_t random[EAR_TLS_RANDOM]; /**< of the ClientHello */
	uint8_t bytes[EAR_TLS_SECRETS]; /**< length of each; 0: not there */
	uint8_t secret[EAR_TLS_SECRETS][EAR_TLS_SECRET_MAX];
	uint32_t next; /* the table's */
};

struct ear_tls_keys;

/** Connections whose keys are kept when the caller names no number. */
#define EAR_TLS_KEYS_DEFAULT 65536u

/**
 * @param most connections; 0: EAR_TLS_KEYS_DEFAULT. One takes about 350
 *             bytes once it is there.
 */
EAR_MUST_USE enum ear_err ear_tls_keys_new(
	size_t most, struct ear_tls_keys **keys);
void ear_tls_keys_free(struct ear_tls_keys **keys);

/**
 * Take text of a key log. A line that has not ended waits for the next piece.
 *
 * @return EAR_OK; EAR_NOMEM: some keys were not kept
 */
enum ear_err ear_tls_keys_feed(
	struct ear_tls_keys *keys, struct ear_slice text);

/** No piece will end the last line: take it as it stands. For text that is
 *  whole, and before another file's text follows. */
void ear_tls_keys_end(struct ear_tls_keys *keys);

/** @param random EAR_TLS_RANDOM bytes
 *  @return NULL: none; else until the next feed */
const struct ear_tls_key *ear_tls_keys_find(
	const struct ear_tls_keys *keys, const uint8_t *random);

/** Rises with each key that is new: whoever waits for one looks again. */
uint64_t ear_tls_keys_serial(const struct ear_tls_keys *keys);

/** Connections whose keys are known now. */
size_t ear_tls_keys_count(const struct ear_tls_keys *keys);

#endif
