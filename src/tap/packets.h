/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From captured packets to messages: what a capture file and a live capture
 * share.
 *
 * SIP is known by its bytes, on any port, over UDP, TCP, SCTP and WebSocket;
 * HEP in UDP and TCP is opened; so is TLS where a key log has its keys. What is
 * neither is counted by kind and not kept. A message whose end is missing (snap
 * length, lost fragment, lost segment) is handed out as far as it goes, with
 * EAR_MSG_TRUNCATED and a note.
 *
 * TCP connections that carry SIP, TLS or WebSocket, or are on a port of SIP,
 * are told as messages of proto EAR_PROTO_CONN (message/conn.h), on request.
 * One whose protocol shows only later is told then, with its own times.
 *
 *     ear_packets_new(&options, &packets);
 *     ear_packets_clock(packets, now_ns);         now and then, and first
 *     ear_packets_frame(packets, link, at_ns, frame);
 *     ear_packets_tick(packets, now_ns);          live: when nothing comes
 *     ear_packets_end(packets);
 *     ear_packets_free(&packets);
 *
 * The sums: every payload is counted RECEIVED in tally once, and what is no
 * message ends there too (KEEPALIVE, RTP, JUNK). A message given to fn is
 * counted further by fn, as with ear_decode(). Connection events are not
 * counted.
 *
 * Bounded: connections, 64 MiB of streams and 32 MiB of fragments at most.
 * Threads: one at a time.
 */
#ifndef EAR_TAP_PACKETS_H
#define EAR_TAP_PACKETS_H

#include "base/json.h"
#include "proto/tls.h"
#include "tap/decode.h"
#include "tap/keylog.h"

enum ear_packet_kind {
#define X(name, key, count, help) EAR_PACKET_##name,
#include "tap/packet_kind.def"
#undef X
	EAR_PACKET_KINDS
};

/** Key, as "rtp", and help of a kind. */
const char *ear_packet_kind_key(enum ear_packet_kind kind);
const char *ear_packet_kind_help(enum ear_packet_kind kind);

/** Where some payload was. */
struct ear_packet_place {
	uint64_t at_ns;
	struct ear_addr src;
	struct ear_addr dst;
	uint8_t transport; /**< enum ear_transport */
	uint8_t ip_proto;
};

/** Takes HEP as it is on the wire. cut: its end is missing. */
typedef void (*ear_packets_hep_fn)(const struct ear_packet_place *place,
	struct ear_slice bytes, bool cut, void *arg);

/** Ports of SIP, beside 5060 to 5099. */
#define EAR_PORTS_MAX 16
struct ear_ports {
	uint16_t v[EAR_PORTS_MAX];
	size_t n;
};

/**
 * Add one, as "443", unless it is there.
 *
 * @return EAR_OK; EAR_BAD: it is no port; EAR_LIMIT: there are too many
 */
EAR_MUST_USE enum ear_err ear_ports_add(
	struct ear_ports *ports, struct ear_slice text);

struct ear_packets_options {
	ear_msg_fn fn;             /**< slices live until it returns */
	ear_packets_hep_fn hep;    /**< NULL: HEP is decoded and given to fn */
	void *arg;                 /**< of both */
	struct ear_slice tap;      /**< name in messages; borrowed */
	struct ear_tally *tally;   /**< borrowed; where to count */
	bool fn_counts;            /**< fn and hep count RECEIVED themselves */
	bool tell;                 /**< connection events go to fn */
	struct ear_keylog *keylog; /**< borrowed; TLS is decrypted with its
					keys, and the clock polls it; NULL:
					only its handshakes are read */
	struct ear_ports ports;    /**< connections on them are told of,
					whatever they carry */
	uint16_t flags;            /**< EAR_MSG_* of all messages */
	size_t connections;        /**< most at once; default 16384 */
	uint64_t idle_ns;          /**< silence that ends one; default 15 min */
};

/** What there was; of a file, complete up to where reading ended. */
struct ear_packets_stats {
	uint64_t packets;   /**< captured frames */
	uint64_t bytes;     /**< of them; of a file: of it, uncompressed */
	uint64_t messages;  /**< given to fn, but connection events */
	uint64_t truncated; /**< of these, their end missing */
	uint64_t kind[EAR_PACKET_KINDS];
	uint64_t reassembled; /**< datagrams put together from fragments */
	uint64_t unfinished;  /**< datagrams whose fragments did not all come */
	uint64_t snapped;     /**< packets not captured to their end */
	uint64_t streams;     /**< TCP connections */
	uint64_t gaps;        /**< holes in TCP streams */
	uint64_t gap_bytes;
	uint64_t retransmitted; /**< TCP segments with nothing new */
	uint64_t evicted;    /**< TCP connections given up for want of room */
	uint64_t open;       /**< TCP connections followed now */
	uint64_t held_bytes; /**< of their streams, kept now */
	struct ear_tls_stats tls;
	uint64_t first_ns; /**< capture time of the first and last packet */
	uint64_t last_ns;
};

struct ear_packets;

/** @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_packets_new(
	const struct ear_packets_options *options,
	struct ear_packets **packets);
void ear_packets_free(struct ear_packets **packets);

/** Tell the tally what was gathered, and take the time of day. */
void ear_packets_clock(struct ear_packets *packets, uint64_t now_ns);

/**
 * Take one frame.
 *
 * @param link  enum ear_linktype (proto/pcap.h)
 * @param at_ns when it was captured; 0: not known
 */
void ear_packets_frame(struct ear_packets *packets, uint32_t link,
	uint64_t at_ns, struct ear_slice frame);

/** No packet until now: connections may have gone silent. */
void ear_packets_tick(struct ear_packets *packets, uint64_t now_ns);

/** The capture is over: give out what is still open. */
void ear_packets_end(struct ear_packets *packets);

void ear_packets_stats(
	const struct ear_packets *packets, struct ear_packets_stats *stats);

/** Write what was read of TLS: "tls":{"connections":…,"records":…,
 *  "unread":{"no_key":…}}; the reasons are those of enum ear_tls_unread. */
void ear_packets_tls_json(
	const struct ear_packets_stats *stats, struct ear_json *j);

#endif
