/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Inside of packets.h: packets.c takes frames, packets_unit.c what a packet
 * carries, stream.c what a TCP stream carries, stream_tls.c what TLS in it
 * carries, packets_conn.c tells what becomes of connections.
 */
#ifndef EAR_TAP_PACKETS_PRIV_H
#define EAR_TAP_PACKETS_PRIV_H

#include "message/conn.h"
#include "proto/sctp.h"
#include "proto/tcp_stream.h"
#include "tap/packets.h"

struct ear_packets {
	struct ear_packets_options options;
	struct ear_packets_stats sum;
	uint64_t seen_ns; /**< the clock, read once a window */
	struct ear_decoder *decoder;
	struct ear_ip_walk *walk;
	struct ear_tcp *tcp;
	struct ear_sctp *sctp;
	struct ear_tls *tls;
	uint64_t tls_ns;             /**< when it was ticked last */
	struct ear_buf event;        /**< a connection event in work */
	uint64_t batch[EAR_N_COUNT]; /**< not yet in tally */
};

/** Why the end of a message is missing; NULL in place of it: it is whole. */
struct ear_packet_cut {
	const char *rule; /**< id for the note, as "capture.gap" */
	uint64_t missing; /**< bytes; 0 unknown */
};

/* --- packets_unit.c ---------------------------------------------------- */

/** Count a payload that is no message. */
void ear_packets_count(
	struct ear_packets *ps, enum ear_packet_kind kind, size_t bytes);

/** Hand out one SIP message. */
void ear_packets_sip(struct ear_packets *ps,
	const struct ear_packet_place *place, struct ear_slice bytes,
	const struct ear_packet_cut *cut);

/** Hand out what is in one HEP packet or, by decode.h, in gzip. */
void ear_packets_hep(struct ear_packets *ps,
	const struct ear_packet_place *place, struct ear_slice bytes,
	const struct ear_packet_cut *cut);

/** Take a payload that stands for itself: a datagram, an SCTP message. */
void ear_packets_datagram(struct ear_packets *ps,
	const struct ear_packet_place *place, struct ear_slice bytes,
	const struct ear_packet_cut *cut, enum ear_packet_kind other);

/** Take what one packet carries. */
void ear_packets_unit(struct ear_packets *ps, const struct ear_ip_unit *unit);

/** Readers of struct ear_ip_walk, ear_sctp; arg is the struct ear_packets. */
void ear_packets_lost(const struct ear_ip_unit *unit, void *arg);
void ear_packets_sctp(const struct ear_ip_unit *unit,
	const struct ear_sctp_message *message, void *arg);

/* --- stream.c ---------------------------------------------------------- */

struct ear_packets_conn;

/**
 * One direction of a connection in clear text: as it is on the wire, or as
 * it comes out of TLS. All zero but its first fields is ready.
 */
struct ear_stream {
	struct ear_packets *packets;
	struct ear_packets_conn *conn;
	const struct ear_tcp_half *half; /**< addresses and time */
	bool secure;                     /**< it came out of TLS */
	uint64_t at_ns;                  /**< out of TLS: time of the record */
	size_t want;                     /**< show again with that many bytes */
	uint32_t mode;                   /**< of stream.c */
	uint32_t count;                  /**< bytes looked through in vain */
	struct ear_ws *ws;               /**< owned */
};

/**
 * Take bytes in order.
 *
 * @return how many were used; the rest is to be shown again, with more
 */
size_t ear_stream_data(struct ear_stream *s, struct ear_slice bytes);
/** rest will not go on: missing bytes follow it. */
void ear_stream_gap(
	struct ear_stream *s, struct ear_slice rest, uint64_t missing);
/** It is over; rest was never used. Frees what it holds. */
void ear_stream_end(struct ear_stream *s, struct ear_slice rest);

/* --- stream_tls.c ------------------------------------------------------ */

/** @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_packets_tls_new(struct ear_packets *ps);
/** Take bytes of TLS. @return how many were used; less: *wait is set */
size_t ear_stream_tls(struct ear_stream *s, struct ear_slice in, bool *wait);
void ear_stream_tls_gap(
	struct ear_stream *s, struct ear_slice rest, uint64_t missing);
/** The connection is over: hand out what is left, and say for CLOSED what TLS
 *  knows of its end. */
void ear_packets_tls_end(struct ear_packets_conn *conn, uint64_t at_ns);
/** Tell what its handshake said, if it has one. */
void ear_packets_tls_tell(struct ear_packets_conn *conn, uint64_t at_ns);
void ear_packets_tls_free(struct ear_packets_conn *conn);
/** It is at least that late: keys may have come. */
void ear_packets_tls_tick(struct ear_packets *ps, uint64_t now_ns);

/* --- packets_conn.c ---------------------------------------------------- */

/** What hangs on a TCP connection (struct ear_tcp_conn, shared). */
struct ear_packets_conn {
	struct ear_packets *packets;
	struct ear_tcp_conn *tcp;
	struct ear_stream stream[2]; /**< as on the wire, of half[] */
	uint8_t transport; /**< what it carries; EAR_TR_UNKNOWN: not known */
	bool ours;         /**< it has to do with SIP, and so it is told of */
	bool told;         /**< OPENED was handed out */
	bool over;         /**< TLS has had its end */
	bool closing;      /**< WebSocket: a close frame was seen */
	int8_t closer;     /**< half[] that sent it, or what cause says */
	uint16_t status;   /**< of the close frame; 0 none */
	struct ear_packets_tls *secure; /**< owned; NULL: no TLS */
	uint8_t cause; /**< enum ear_conn_cause that stands in place of
			    what TCP says, as TLS_ERROR; 0: none */
	struct ear_conn_tls tls; /**< goes with CLOSED */
};

/** What hangs on the connection of a half, made where it is not there yet.
 *  @return NULL for want of memory */
struct ear_packets_conn *ear_packets_conn_of(
	struct ear_packets *ps, struct ear_tcp_half *half);

/** Which half[] is the client: who opened it, else a guess by the ports. */
int ear_packets_client(const struct ear_tcp_conn *tcp);

/**
 * It is known now what the connection carries. Of one that is ours it tells
 * OPENED where that was not told yet, and CARRIES where it is news.
 *
 * @param at_ns when it was seen
 */
void ear_packets_carries(struct ear_packets_conn *conn,
	enum ear_transport transport, uint64_t at_ns);

/** The connection showed that it is for SIP: it is one of ours from now on,
 *  and all that was known of it before is told. */
void ear_packets_is_sip(struct ear_packets_conn *conn, uint64_t at_ns);

/**
 * Hand out an event of a connection that is ours; of others nothing is said.
 * Kind and what belongs to that kind are given, the rest is filled in. OPENED
 * goes before it where that was not told.
 */
void ear_packets_tell(struct ear_packets_conn *conn,
	struct ear_conn_event *event, uint64_t at_ns, struct ear_slice note);

/** Reader of struct ear_tcp; arg is the struct ear_packets. */
extern const struct ear_tcp_events ear_packets_tcp;

#endif
