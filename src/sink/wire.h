/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A connection that bytes leave by: datagrams over UDP, a stream over TCP or
 * TLS with a buffer of its own, so that what was put is either written whole
 * or the connection is over.
 *
 *     err = ear_wire_open(&options, &wire, &fault);
 *     while (ear_wire_room(wire) >= record.n)
 *             ear_wire_put(wire, record);
 *     err = ear_wire_flush(wire, 0, &fault);
 *
 * One thread at a time.
 */
#ifndef EAR_SINK_WIRE_H
#define EAR_SINK_WIRE_H

#include <openssl/types.h>

#include "base/addr.h"
#include "net/uri.h"

/** Bytes that a stream's buffer takes. */
#define EAR_WIRE_BUFFER (256u << 10)

/** Longest payload of a datagram over IPv4: 65535 less 20 of IP and 8 of UDP
    (RFC 791, RFC 768). */
#define EAR_WIRE_DATAGRAM 65507

struct ear_wire_options {
	const struct ear_net_uri *to;
	struct ear_addr from; /**< unknown: the kernel's choice */
	SSL_CTX *tls;         /**< for carrier tls; borrowed */
	uint32_t wait_ms;     /**< most to connect, and then for TLS; 0: 5000 */
};

struct ear_wire;

/** @return EAR_OK; EAR_SYS, EAR_BAD with the reason; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_wire_open(const struct ear_wire_options *options,
	struct ear_wire **wire, struct ear_fault *fault);
void ear_wire_close(struct ear_wire **wire);

/** The address that was connected to. */
struct ear_addr ear_wire_peer(const struct ear_wire *wire);

/* --- streams -------------------------------------------------------------- */

/** Bytes that may be put now. */
size_t ear_wire_room(const struct ear_wire *wire);

/** Copy bytes behind what is to be written; there must be room. */
void ear_wire_put(struct ear_wire *wire, struct ear_slice bytes);

/**
 * Write what was put, as far as the peer takes it.
 *
 * @param wait_ms most to wait for it to take something; 0: not at all
 * @return EAR_OK: all is written; EAR_FULL: some is left; EAR_SYS: the
 *         connection is over
 */
EAR_MUST_USE enum ear_err ear_wire_flush(
	struct ear_wire *wire, uint32_t wait_ms, struct ear_fault *fault);

/**
 * Of the bytes put, how many the peer's kernel has acknowledged; rises. Over
 * TLS rather fewer: up to the last border between two writes.
 */
uint64_t ear_wire_acknowledged(struct ear_wire *wire);

/**
 * Take what the peer sent.
 *
 * @param[out] n 0: nothing at the moment
 * @return EAR_OK; EAR_GONE: it closed the connection; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_wire_read(struct ear_wire *wire, char *room,
	size_t most, size_t *n, struct ear_fault *fault);

/** Wait until the peer sent something or the connection is over. */
void ear_wire_wait(struct ear_wire *wire, uint32_t wait_ms);

/* --- datagrams ------------------------------------------------------------ */

/**
 * Send datagrams, as fast as the socket takes them and no faster.
 *
 * @param[out] sent how many went
 * @return EAR_OK; EAR_LIMIT: the one behind those that went is too large;
 *         EAR_SYS: an error, also of earlier ones (nobody listens there)
 */
EAR_MUST_USE enum ear_err ear_wire_send(struct ear_wire *wire,
	const struct ear_slice *datagrams, size_t n, size_t *sent,
	struct ear_fault *fault);

/** Wait for the error that a datagram may cause. @return EAR_OK: none came */
EAR_MUST_USE enum ear_err ear_wire_probe(
	struct ear_wire *wire, uint32_t wait_ms, struct ear_fault *fault);

#endif
