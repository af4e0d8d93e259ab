/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of the file tap: file.c reads the capture, file_unit.c takes what a
 * packet carries, file_stream.c what a TCP stream carries.
 */
#ifndef EAR_TAP_FILE_PRIV_H
#define EAR_TAP_FILE_PRIV_H

#include "proto/sctp.h"
#include "proto/tcp_stream.h"
#include "tap/file.h"

/** One reading of one file. */
struct ear_file {
	const struct ear_tap_file_options *options;
	struct ear_tap_file_summary sum;
	struct ear_slice tap;   /**< "file:NAME" */
	uint64_t seen_ns;       /**< the clock, read once a window */
	struct ear_ledger *own; /**< when the caller has no tally */
	struct ear_tally *tally;
	struct ear_decoder *decoder;
	struct ear_ip_walk *walk;
	struct ear_tcp *tcp;
	struct ear_sctp *sctp;
	uint64_t batch[EAR_N_COUNT]; /**< not yet in tally */
};

/** Where some payload was. */
struct ear_file_place {
	uint64_t at_ns;
	struct ear_addr src;
	struct ear_addr dst;
	uint8_t transport; /**< enum ear_transport */
	uint8_t ip_proto;
};

/** Why the end of a message is missing; NULL in place of it: it is whole. */
struct ear_file_cut {
	const char *rule; /**< id for the note, as "capture.gap" */
	uint64_t missing; /**< bytes; 0 unknown */
};

/** Count a payload that is no message. */
void ear_file_count(struct ear_file *f, enum ear_file_kind kind, size_t bytes);

/** Hand out one SIP message. */
void ear_file_sip(struct ear_file *f, const struct ear_file_place *place,
	struct ear_slice bytes, const struct ear_file_cut *cut);

/** Hand out what is in one HEP packet or, by decode.h, in gzip. */
void ear_file_hep(struct ear_file *f, const struct ear_file_place *place,
	struct ear_slice bytes, const struct ear_file_cut *cut);

/** Take a payload that stands for itself: a datagram, an SCTP message. */
void ear_file_datagram(struct ear_file *f, const struct ear_file_place *place,
	struct ear_slice bytes, const struct ear_file_cut *cut,
	enum ear_file_kind other);

/** Take what one packet carries. */
void ear_file_unit(struct ear_file *f, const struct ear_ip_unit *unit);

/** Readers of struct ear_ip_walk, ear_sctp; arg is the struct ear_file. */
void ear_file_lost(const struct ear_ip_unit *unit, void *arg);
void ear_file_sctp(const struct ear_ip_unit *unit,
	const struct ear_sctp_message *message, void *arg);

/** Reader of struct ear_tcp; arg is the struct ear_file. */
extern const struct ear_tcp_events ear_file_stream;

#endif
