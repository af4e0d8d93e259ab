/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Takes packets from a network device, by libpcap and its ring shared with
 * the kernel, and puts the messages in them into its intake: as HEP 3 packets
 * of our own, so that they lie in the journal before anything else is done.
 * What becomes of TCP connections goes the same way (chunk CONNECTION), in
 * records of 0 units.
 *
 *     err = ear_capture_open(&options, ledger, &capture, fault);
 *     …an intake, named after ear_capture_name(capture)…
 *     err = ear_capture_start(capture, intake, fault);
 *     …
 *     ear_capture_close(&capture);
 *
 * Streams are put together before that: what a kill finds in them is lost,
 * at most the messages of which the last bytes had not come yet.
 *
 * A device that goes away is opened again when it is back; until then
 * ear_capture_stats() says why it is not.
 *
 * HEP on the wire is put as it is. What is sent to listeners of this server,
 * and HEP that it sends itself, is passed over: it is here already.
 */
#ifndef EAR_TAP_CAPTURE_H
#define EAR_TAP_CAPTURE_H

#include "tap/intake.h"
#include "tap/packets.h"

/** A record of the journal whose `to` has this family is of a capture; ip
 *  holds the device's name, cut at 16 bytes. */
#define EAR_CAPTURE_FAMILY 1

/** Room for the name of a tap with its NUL. */
#define EAR_CAPTURE_NAME 32

struct ear_capture_options {
	const char *device; /**< as "eth0"; "any" is all */
	const char *filter; /**< BPF, as for tcpdump; "" is all */
	bool promiscuous;
	uint32_t snaplen;       /**< bytes; 0: 256 KiB */
	uint64_t buffer;        /**< ring, bytes; 0: 64 MiB */
	size_t connections;     /**< followed at once; 0: 65536 */
	uint64_t idle_ns;       /**< 0: 15 min */
	const char *keylog;     /**< TLS key log, read as it grows; "" none */
	struct ear_ports ports; /**< of SIP, beside 5060 to 5099 */
	const char *node;       /**< of its messages; "" none */
	uint32_t capture_id;    /**< of its messages; 0 none */
	const struct ear_addr *own; /**< our listeners; copied */
	size_t own_n;
};

struct ear_capture;

/**
 * Whether a filter is one, on a device of Ethernet.
 *
 * @return EAR_OK; EAR_USAGE with what libpcap says; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_capture_check(
	const char *filter, struct ear_fault *fault);

/**
 * Open the device; the kernel begins to fill the ring. One that is down is
 * no error: it is waited for.
 *
 * @param ledger borrowed; KERNEL_DROP and what is no message is counted there
 * @return EAR_OK; EAR_USAGE: no such filter; EAR_SYS: no such device, no
 *         permission, which the fault says; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_capture_open(
	const struct ear_capture_options *options, struct ear_ledger *ledger,
	struct ear_capture **capture, struct ear_fault *fault);

/** "capture:eth0" */
struct ear_slice ear_capture_name(const struct ear_capture *capture);

/** The same, from the `to` of a record. @param out holds it */
struct ear_slice ear_capture_name_of(
	const struct ear_addr *to, char out[EAR_CAPTURE_NAME]);

/** Start the thread; once. @param intake borrowed until close */
EAR_MUST_USE enum ear_err ear_capture_start(struct ear_capture *capture,
	struct ear_intake *intake, struct ear_fault *fault);

/** Other listeners are ours from now on. Any thread. */
void ear_capture_own(
	struct ear_capture *capture, const struct ear_addr *own, size_t own_n);

struct ear_capture_stats {
	struct ear_packets_stats packets;
	uint64_t events;      /**< of connections */
	uint64_t kernel_drop; /**< found no room in the ring */
	uint64_t device_drop; /**< lost by the device, as it says */
	uint64_t lost;        /**< how often the device went away */
	uint64_t gone_ns;     /**< since when it is away; 0: it is there */
	char why[256];        /**< and why */
};
/** Any thread. */
void ear_capture_stats(
	struct ear_capture *capture, struct ear_capture_stats *stats);

/** Put what is in the ring, end the streams, close. */
void ear_capture_close(struct ear_capture **capture);

#endif
