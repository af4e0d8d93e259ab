/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What happens to a connection: opened, its TLS handshake, closed. A tap that
 * sees connections says so with messages of proto EAR_PROTO_CONN, which go the
 * way of all messages as far as the trackers (track/track.h) and are not
 * stored themselves.
 *
 * Of such a message at_ns is when it happened, src the client (who opened it),
 * dst the server, transport what the connection carries as far as it is known
 * (tcp, tls, ws, wss), and raw the event as ear_conn_write() makes it.
 */
#ifndef EAR_MESSAGE_CONN_H
#define EAR_MESSAGE_CONN_H

#include "base/buf.h"
#include "base/err.h"

/** Written into the journal: never renumber. */
enum ear_conn_kind {
	EAR_CONN_OPENED = 1,
	EAR_CONN_TLS = 2,     /**< handshake done, or failed, or known better */
	EAR_CONN_CARRIES = 3, /**< what it carries is known now: transport */
	EAR_CONN_CLOSED = 4,
};

/** Why a connection ended. The names are those of DISCONNECT's details. */
enum ear_conn_cause {
	EAR_CAUSE_UNKNOWN = 0,       /**< its address was used again */
	EAR_CAUSE_NORMAL = 1,        /**< FIN, close_notify */
	EAR_CAUSE_NETWORK_ERROR = 2, /**< reset, unreachable, keep-alive lost */
	EAR_CAUSE_TIMEOUT = 3,       /**< silent for too long */
	EAR_CAUSE_TLS_ERROR = 4,     /**< a fatal alert */
	EAR_CAUSE_SERVER_STOP = 5,
};

/** "UNKNOWN", "NORMAL", "NETWORK_ERROR" … */
struct ear_slice ear_conn_cause_name(enum ear_conn_cause cause);
/** @return EAR_CAUSE_UNKNOWN for what is none */
enum ear_conn_cause ear_conn_cause_of(struct ear_slice name);

/** Who did it: a close, an alert. */
enum ear_conn_side { EAR_SIDE_NONE, EAR_SIDE_CLIENT, EAR_SIDE_SERVER };

/** What a handshake says without any key (RFC 5246, RFC 8446). */
struct ear_conn_tls {
	uint16_t version;      /**< 0x0303 TLS 1.2, 0x0304 TLS 1.3; 0 unknown */
	uint16_t cipher;       /**< suite as on the wire; 0 unknown */
	uint8_t alert;         /**< description + 1 of a fatal alert; 0 none */
	uint8_t alert_by;      /**< enum ear_conn_side */
	uint64_t not_after_ns; /**< certificate's end; 0 unknown */
	struct ear_slice cipher_name; /**< IANA, as TLS_AES_128_GCM_SHA256 */
	struct ear_slice sni;
	struct ear_slice alpn;
	struct ear_slice subject; /**< of the server's certificate, RFC 2253;
				       only where it is not encrypted */
	struct ear_slice issuer;
	struct ear_slice unread; /**< why its data cannot be decrypted; ""
				      when it can or nobody asked */
};

struct ear_conn_event {
	uint8_t kind;  /**< enum ear_conn_kind */
	uint8_t cause; /**< enum ear_conn_cause; CLOSED */
	uint8_t by;    /**< enum ear_conn_side; CLOSED */
	bool joined;   /**< it was up before the capture began; which side is
			    the client is then a guess */
	uint64_t opened_ns; /**< when this generation began, or was first seen:
				 with the addresses it names the connection */
	uint64_t bytes[2];  /**< payload from client, from server; CLOSED */
	struct ear_conn_tls tls; /**< TLS, CLOSED */
};

/** Append the event as text lines "key value". Control characters of what
 *  came from the wire are replaced. */
void ear_conn_write(const struct ear_conn_event *event, struct ear_buf *out);

/**
 * Read it again.
 *
 * @param[out] event slices into raw
 * @return EAR_OK; EAR_BAD
 */
EAR_MUST_USE enum ear_err ear_conn_read(
	struct ear_slice raw, struct ear_conn_event *event);

/** "TLSv1.2"; "" for 0, "0x0305" for one that has no name yet. */
struct ear_slice ear_tls_version_name(uint16_t version, char room[8]);

#endif
