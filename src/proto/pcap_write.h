/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Writes messages as a capture that Wireshark and its kin open: each becomes
 * IP packets (LINKTYPE_RAW, IPv4 and IPv6 mixed) with right checksums.
 *
 *     struct ear_pcap_writer *w;
 *     ear_pcap_writer_new(&options, &w);
 *     ear_pcap_writer_begin(w, &buf);
 *     ear_pcap_writer_add(w, &message, &buf);     for each; drain buf
 *     ear_pcap_writer_free(&w);
 *
 * UDP becomes one datagram, in IP fragments where the MTU asks for it. TCP
 * becomes segments whose sequence and acknowledgement numbers run on over the
 * whole file, SCTP becomes DATA chunks with running TSN. There is no
 * handshake, as when a capture begins in the middle of a connection.
 */
#ifndef EAR_PROTO_PCAP_WRITE_H
#define EAR_PROTO_PCAP_WRITE_H

#include "base/addr.h"
#include "base/buf.h"

struct ear_pcap_write_options {
	bool micro;   /**< microsecond times, for old readers; default ns */
	uint16_t mtu; /**< most bytes of an IP packet; 0: 65535; least 576 for
			   IPv4 and 1280 for IPv6 are used when it is less */
};

struct ear_pcap_write {
	uint64_t at_ns;      /**< ns since 1970 UTC */
	struct ear_addr src; /**< unknown is written as 0.0.0.0 or :: */
	struct ear_addr dst;
	uint8_t ip_proto; /**< 6 TCP, 17 UDP, 132 SCTP; others as UDP */
	uint32_t missing; /**< bytes that followed and are not there: TCP leaves
			       a hole of them, so that readers do not take what
			       comes next for the end of this */
	struct ear_slice payload; /**< UDP longer than a datagram can be is
				       written as TCP */
};

struct ear_pcap_writer;

/** @param options copied @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_pcap_writer_new(
	const struct ear_pcap_write_options *options,
	struct ear_pcap_writer **w);
void ear_pcap_writer_free(struct ear_pcap_writer **w);

/** Append the file's header. out->err tells of failure. */
void ear_pcap_writer_begin(struct ear_pcap_writer *w, struct ear_buf *out);

/** Append the packets of one message. out->err tells of failure. */
void ear_pcap_writer_add(struct ear_pcap_writer *w,
	const struct ear_pcap_write *m, struct ear_buf *out);

#endif
