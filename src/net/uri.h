/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where to send to, as people write it:
 *
 *     hep:collector.example.net           port 9060, udp
 *     hep:192.0.2.1:9061;transport=tls
 *     sip:[2001:db8::1]:5060;transport=tcp
 *
 * The forms "hep://…" and "hep:HOST:PORT" mean the same. Names stay names:
 * they are looked up when a connection is made.
 */
#ifndef EAR_NET_URI_H
#define EAR_NET_URI_H

#include "base/err.h"
#include "base/slice.h"

/** Longest host: RFC 1035 s2.3.4 allows 253 characters. */
#define EAR_HOST_TEXT 256

enum ear_carrier { EAR_CARRY_UDP, EAR_CARRY_TCP, EAR_CARRY_TLS };

/** "udp", "tcp", "tls". */
const char *ear_carrier_name(enum ear_carrier carrier);

struct ear_net_uri {
	bool sip;                 /**< else hep */
	enum ear_carrier carrier; /**< default udp; sips: and heps: always
				       tls */
	uint16_t port;            /**< default: hep 9060, over tls 9061; sip
				       5060, over tls 5061 */
	char host[EAR_HOST_TEXT]; /**< name or IP, without brackets */
};

/** Whether a text begins like such a URI: with hep: heps: sip: or sips:. */
bool ear_net_uri_is(struct ear_slice text);

/**
 * @return EAR_OK; EAR_USAGE with the place and what is wrong
 */
EAR_MUST_USE enum ear_err ear_net_uri_parse(struct ear_slice text,
	struct ear_net_uri *uri, struct ear_fault *fault);

#endif
