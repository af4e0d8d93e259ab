/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A sink that mirrors messages to a collector: HEP 1, 2, 3 or plain SIP with
 * X-Siptrace headers, over UDP, TCP or TLS.
 *
 * Over TCP and TLS what the collector has accepted counts as safe: it says so
 * when it is an Earshot (chunks ACK_WANTED and ACCEPTED of
 * proto/hep_chunk.def); for others what their kernel has acknowledged does.
 */
#ifndef EAR_SINK_MIRROR_H
#define EAR_SINK_MIRROR_H

#include "sink/sink.h"

/** So many greetings that end a connection, and none is sent any more. */
#define EAR_MIRROR_GREETINGS 2

/** As the keys of section mirror in earshot.conf(5). Everything is copied. */
struct ear_mirror_options {
	const char *to;
	uint32_t version;
	uint32_t capture_id;
	const char *auth_key;
	const char *node;
	const char *correlation;
	const char *from; /**< ip or ip:port; "" automatic */
	const char *local_address;
	const char *const *advertise;
	size_t n_advertise;
	bool xheaders;
	uint32_t max_hops;
	bool legacy_tls;
	const char *ca;
	bool verify;
	const char *certificate;
	const char *private_key;
	bool acknowledge;
};

/**
 * Nothing is connected before begin().
 *
 * @return EAR_OK; EAR_USAGE: the fault names the option
 */
EAR_MUST_USE enum ear_err ear_mirror_new(
	const struct ear_mirror_options *options, struct ear_sink **sink,
	struct ear_fault *fault);

#endif
