/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Receives HEP and SIP duplicates by UDP: several threads on one port, each
 * with its own socket (SO_REUSEPORT) and its own intake. A thread takes bytes
 * from the kernel and puts them into its intake; it does nothing else.
 *
 *     struct ear_tap_udp_options options = {.address = at};
 *     err = ear_tap_udp_open(&options, ledger, &tap, fault);
 *     …an intake for each thread, named after ear_tap_udp_name(tap)…
 *     err = ear_tap_udp_start(tap, intakes, fault);
 *     …
 *     ear_tap_udp_close(&tap);
 *
 * The kernel spreads senders over the sockets by address and port: one sender
 * is served by one thread, in order.
 */
#ifndef EAR_TAP_HEP_UDP_H
#define EAR_TAP_HEP_UDP_H

#include "tap/intake.h"

struct ear_tap_udp_options {
	struct ear_addr address; /**< where; port 0: one that is free */
	bool again; /**< to take the place of a listener there, which goes */
	/** Receive threads and sockets; default (0) 2, least 1, most 64. */
	uint32_t threads;
	/**
	 * Receive buffer of each socket in bytes as setsockopt() counts them
	 * (the kernel doubles it); default (0) 32 MiB, most 1 GiB. Where the
	 * kernel gives less, a log line says so.
	 */
	uint64_t receive_buffer;
	/** Senders that may; copied. None, the default: all. */
	const struct ear_net *allow;
	size_t allow_n;
};

struct ear_tap_udp;

/**
 * Bind the sockets. Nothing is received before ear_tap_udp_start(), but the
 * kernel already queues.
 *
 * @param ledger borrowed; DENIED and KERNEL_DROP are counted there
 * @return EAR_OK; EAR_SYS with the address in the fault; EAR_USAGE; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_tap_udp_open(
	const struct ear_tap_udp_options *options, struct ear_ledger *ledger,
	struct ear_tap_udp **tap, struct ear_fault *fault);

/** As bound, with the port that the kernel chose. */
struct ear_addr ear_tap_udp_address(const struct ear_tap_udp *tap);

/** Name in ledger and messages, as "hep/udp:127.0.0.1:9060". */
struct ear_slice ear_tap_udp_name(const struct ear_tap_udp *tap);

/** How many threads it has, hence intakes it needs. */
uint32_t ear_tap_udp_threads(const struct ear_tap_udp *tap);

/**
 * Start receiving; once.
 *
 * @param intakes one for each thread; borrowed until ear_tap_udp_close()
 */
EAR_MUST_USE enum ear_err ear_tap_udp_start(struct ear_tap_udp *tap,
	struct ear_intake *const *intakes, struct ear_fault *fault);

/** Other senders may from now on. Any thread. @return EAR_OK, EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_tap_udp_allow(
	struct ear_tap_udp *tap, const struct ear_net *allow, size_t allow_n);

/** Put what the kernel already has, stop the threads, close the sockets. */
void ear_tap_udp_close(struct ear_tap_udp **tap);

#endif
