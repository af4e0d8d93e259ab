/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Exports messages as a capture file for Wireshark, sngrep and their kin.
 *
 *     struct ear_pcap_file *sink;
 *     ear_pcap_file_open(&options, ear_sink_to_file, stdout, &sink);
 *     ear_pcap_file_put(sink, msg);          for each
 *     err = ear_pcap_file_close(&sink);
 *
 * UDP and SCTP stay what they are. What came over TCP, TLS or WebSocket is
 * written as plain TCP: nobody could read it in its wrapping. Unknown
 * transports become UDP, unknown addresses 0.0.0.0.
 */
#ifndef EAR_SINK_PCAP_FILE_H
#define EAR_SINK_PCAP_FILE_H

#include "message/msg.h"
#include "proto/pcap_write.h"
#include "sink/write.h"

struct ear_pcap_file;

/** Write the head of the file. @param options zero for the defaults */
EAR_MUST_USE enum ear_err ear_pcap_file_open(
	const struct ear_pcap_write_options *options, ear_sink_write_fn fn,
	void *arg, struct ear_pcap_file **sink);

/**
 * Add one message. Written in pieces of 64 KiB.
 *
 * @return EAR_OK; EAR_NOMEM; what fn returned, then also ever after
 */
EAR_MUST_USE enum ear_err ear_pcap_file_put(
	struct ear_pcap_file *sink, const struct ear_msg *msg);

/** Write what is still held. @return as ear_pcap_file_put() */
EAR_MUST_USE enum ear_err ear_pcap_file_close(struct ear_pcap_file **sink);

#endif
