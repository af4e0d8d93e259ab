/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Receives HEP3 over TCP and TLS, and SIP duplicates on the same port.
 *
 * Each thread has its own listening socket (SO_REUSEPORT), its own epoll set
 * and its own connections, hence no lock; it cuts the stream into runs of
 * whole packets (hep_stream.h) and puts them into its intake. Used as
 * hep_udp.h shows.
 *
 * What a connection may cost is bounded: one packet under construction, a time
 * for the TLS handshake and for a packet to become whole, an idle time, bytes
 * of garbage.
 */
#ifndef EAR_TAP_HEP_TCP_H
#define EAR_TAP_HEP_TCP_H

#include "tap/intake.h"

struct ear_tap_tcp_options {
	struct ear_addr address; /**< where; port 0: one that is free */
	bool again; /**< to take the place of a listener there, which goes */
	/** Receive threads and sockets; default (0) 2, least 1, most 64. */
	uint32_t threads;
	/**
	 * Receive buffer of a connection in bytes; default (0): what the
	 * kernel chooses and tunes itself, which is best for most.
	 */
	uint64_t receive_buffer;
	/** Senders that may; copied. None, the default: all. */
	const struct ear_net *allow;
	size_t allow_n;
	/** PEM files; both set make it TLS 1.2 or newer. */
	const char *certificate;
	const char *private_key;
	/** Connections over all threads; default (0) 1024, most 65536. */
	uint32_t max_connections;
	/** A connection without a byte for so long is closed; default (0) 1 h,
	    least 1 s. Senders are silent while their server is. */
	uint64_t idle_ns;
	/** A packet or handshake begun must be whole after so long; default
	    (0) 30 s, least 100 ms. */
	uint64_t packet_ns;
	/** Bytes that are no packet before a connection is closed; default
	    (0) 1 MiB. */
	uint64_t max_garbage;
};

struct ear_tap_tcp;

/**
 * Bind the sockets, read the certificate.
 *
 * @param ledger borrowed; DENIED, REFUSED, JUNK, KEEPALIVE and OVERSIZE of
 *               what never reaches an intake are counted there
 * @return EAR_OK; EAR_SYS with the address in the fault; EAR_BAD for a bad
 *         certificate or key; EAR_USAGE; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_tap_tcp_open(
	const struct ear_tap_tcp_options *options, struct ear_ledger *ledger,
	struct ear_tap_tcp **tap, struct ear_fault *fault);

/** As bound, with the port that the kernel chose. */
struct ear_addr ear_tap_tcp_address(const struct ear_tap_tcp *tap);

/** Name in ledger and messages, as "hep/tls:127.0.0.1:9061". */
struct ear_slice ear_tap_tcp_name(const struct ear_tap_tcp *tap);

/** How many threads it has, hence intakes it needs. */
uint32_t ear_tap_tcp_threads(const struct ear_tap_tcp *tap);

/** Connections open now. */
uint32_t ear_tap_tcp_connections(const struct ear_tap_tcp *tap);

/**
 * The authentication key that is asked for. The packets themselves are judged
 * when they are decoded; a sender that asks to be told what was accepted is
 * told at once that nothing is, when its first packet does not show the key.
 * Any thread.
 */
void ear_tap_tcp_key(struct ear_tap_tcp *tap, const char *key);

/**
 * Start accepting; once.
 *
 * @param intakes one for each thread; borrowed until ear_tap_tcp_close()
 */
EAR_MUST_USE enum ear_err ear_tap_tcp_start(struct ear_tap_tcp *tap,
	struct ear_intake *const *intakes, struct ear_fault *fault);

/**
 * Other senders may from now on; connections of those that may not any more
 * are closed within a second. Any thread. @return EAR_OK, EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_tap_tcp_allow(
	struct ear_tap_tcp *tap, const struct ear_net *allow, size_t allow_n);

/**
 * Put what the kernel already has, close connections, stop the threads. A
 * packet that is not whole is put as EAR_UNIT_REMNANT.
 */
void ear_tap_tcp_close(struct ear_tap_tcp **tap);

#endif
