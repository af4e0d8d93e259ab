/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the trackers find out, as rows: session events, bindings, connections
 * and calls. A row is told by (at_ns, id): id is a hash of what makes it this
 * row and no other, so the same traffic gives the same rows whenever it is
 * read, and a row that is told again replaces the one before.
 *
 * All slices are borrowed for the call that hands a row out. What came from
 * the wire is as it was there; who shows it escapes it.
 */
#ifndef EAR_TRACK_RECORD_H
#define EAR_TRACK_RECORD_H

#include "message/conn.h"
#include "message/msg.h"

/** Written to disk: never renumber. Names as the console and SQL show them. */
enum ear_session_event {
	EAR_SESSION_CONNECT = 1,
	EAR_SESSION_REGISTER = 2,
	EAR_SESSION_UNREGISTER = 3,
	EAR_SESSION_DISCONNECT = 4,
};

/** Who made it happen. */
enum ear_session_source {
	EAR_SOURCE_CLIENT = 1,
	EAR_SOURCE_SERVER = 2, /**< expiry, shutdown */
	EAR_SOURCE_TRUNK = 3,  /**< a registration that a server sent out */
};

struct ear_slice ear_session_event_name(enum ear_session_event event);
struct ear_slice ear_session_source_name(enum ear_session_source source);

/** One row of SIP Sessions. */
struct ear_session_row {
	uint64_t at_ns;
	uint64_t id;    /**< of this row; 63 bits, not 0 */
	uint8_t event;  /**< enum ear_session_event */
	uint8_t source; /**< enum ear_session_source */
	bool failed;    /**< a REGISTER that was refused: extended view only */
	bool inferred;  /**< of a connection that was never seen itself */
	bool reconciled;
	uint8_t transport; /**< enum ear_transport */
	uint16_t code;     /**< REGISTER: final status; else 0 */
	uint16_t tls_version;
	uint32_t expires_s;     /**< REGISTER: as granted */
	uint64_t connection;    /**< id of the connection row; 0 none */
	struct ear_addr remote; /**< client as the server saw it (RFC 3581) */
	struct ear_addr local;
	struct ear_slice peername; /**< user of the address of record; of a
					connection that is bound to several,
					with commas between */
	struct ear_slice domain;
	struct ear_slice account;    /**< display name */
	struct ear_slice details;    /**< "200 OK", "NETWORK_ERROR" */
	struct ear_slice user_agent; /**< REGISTER, UNREGISTER */
	struct ear_slice tls_cipher;
	struct ear_slice call_id;
	struct ear_slice node;
	struct ear_slice reason; /**< why it is not reconciled; a hint */
};

/** How a binding ended. Written to disk. */
enum ear_binding_end {
	EAR_BINDING_OPEN = 0,
	EAR_BINDING_REMOVED = 1,  /**< expires 0, or "*" */
	EAR_BINDING_EXPIRED = 2,  /**< not refreshed in time */
	EAR_BINDING_REPLACED = 3, /**< same instance and reg-id, other contact
				       (RFC 5626 s6) */
	EAR_BINDING_DROPPED = 4,  /**< the registrar lists it no more */
};

/** One span of registration: from its first REGISTER to its end. A refresh
 *  tells the row again. */
struct ear_binding_row {
	uint64_t at_ns; /**< when it began */
	uint64_t id;    /**< 63 bits, not 0 */
	uint64_t refreshed_ns;
	uint64_t expires_ns; /**< as last granted */
	uint64_t ended_ns;   /**< 0: it has not */
	uint64_t lost_ns;    /**< its connection went while it held (RFC 5626):
				  unreachable since; 0: it did not */
	uint64_t connection; /**< id of the connection row; 0 none */
	uint32_t refreshes;
	uint32_t interval_s; /**< between the last two */
	int32_t margin_s; /**< left when the last refresh came; least so far */
	uint8_t end;      /**< enum ear_binding_end */
	uint8_t lost_cause; /**< enum ear_conn_cause */
	uint8_t transport;
	struct ear_addr remote; /**< observed, not the contact's host */
	struct ear_slice username;
	struct ear_slice domain;
	struct ear_slice description; /**< display name of To, else of From */
	struct ear_slice contact;
	struct ear_slice instance; /**< +sip.instance with reg-id; "" none */
	struct ear_slice user_agent;
	struct ear_slice call_id;
	struct ear_slice node;
};

/** One generation of a connection. Told when it opens, when more is known,
 *  and when it closes. */
struct ear_conn_row {
	uint64_t at_ns;     /**< opened, or first seen */
	uint64_t id;        /**< 63 bits, not 0 */
	uint64_t closed_ns; /**< 0: still up */
	uint64_t last_ns;   /**< last message or event on it */
	uint8_t cause;      /**< enum ear_conn_cause */
	uint8_t by;         /**< enum ear_conn_side */
	uint8_t transport;
	bool inferred;
	bool joined; /**< was up before the capture began */
	struct ear_addr client;
	struct ear_addr server;
	uint64_t bytes[2];
	uint32_t messages; /**< SIP messages seen on it */
	struct ear_conn_tls tls;
	struct ear_slice node;
};

/** Outcome of a call. Written to disk; names as the document's. */
enum ear_disposition {
	EAR_CALL_IN_PROGRESS = 0,
	EAR_CALL_ANSWERED = 1,
	EAR_CALL_NO_ANSWER = 2,
	EAR_CALL_BUSY = 3,
	EAR_CALL_FAILED = 4,
};

struct ear_slice ear_disposition_name(enum ear_disposition d);
/** Of any case, also "NO ANSWER". @return false when there is none */
bool ear_disposition_of(struct ear_slice name, enum ear_disposition *d);

/** One call attempt: Call-ID and From-tag. Told when it ends, and at each
 *  commit while it lasts. */
struct ear_call_row {
	uint64_t at_ns;      /**< first INVITE */
	uint64_t id;         /**< 63 bits, not 0 */
	uint64_t ring_ns;    /**< first 18x; 0 none */
	uint64_t answer_ns;  /**< first 2xx; 0 none */
	uint64_t end_ns;     /**< 0: it lasts */
	uint64_t ring_ms;    /**< from the first 18x to answer or end */
	uint64_t talk_ms;    /**< from answer to end */
	uint8_t disposition; /**< enum ear_disposition */
	bool estimated;      /**< the end was not seen */
	bool joined;         /**< was up before the capture began */
	uint16_t code;       /**< that decided */
	uint16_t q850;       /**< cause of a Reason header; 0 none */
	uint8_t transport;
	uint8_t by; /**< who ended it: enum ear_conn_side, client is the caller
		     */
	uint32_t branches; /**< forked: different To-tags seen; at least 1 */
	uint32_t retries;  /**< INVITEs again: authentication, redirects */
	struct ear_addr from_addr; /**< where the first INVITE came from */
	struct ear_addr to_addr;
	struct ear_slice src;
	struct ear_slice dst;
	struct ear_slice src_name;
	struct ear_slice domain;
	struct ear_slice auth_user;
	struct ear_slice src_agent;
	struct ear_slice dst_agent;
	struct ear_slice reason; /**< reason phrase that decided */
	struct ear_slice reason_header;
	struct ear_slice call_id;
	struct ear_slice from_tag;
	struct ear_slice to_tag; /**< of who answered */
	struct ear_slice note;   /**< in words: "never confirmed", "transferred
				      to 600", … with ';' between */
	/* Legs of a B2BUA that were joined without configuration. */
	uint64_t group;             /**< id of the first leg's row; 0: alone */
	uint16_t group_score;       /**< 0..100 */
	struct ear_slice group_why; /**< as "Session-ID", "numbers and time" */
	struct ear_slice node;
};

/** Where rows go. Any may be NULL. */
struct ear_track_out {
	void (*session)(const struct ear_session_row *row, void *arg);
	void (*binding)(const struct ear_binding_row *row, void *arg);
	void (*conn)(const struct ear_conn_row *row, void *arg);
	void (*call)(const struct ear_call_row *row, void *arg);
	/**
	 * The state of something that is not over, for a restart; empty: it
	 * is over. kind tells whose it is: enum ear_track_part.
	 */
	void (*state)(
		uint8_t part, uint64_t key, struct ear_slice state, void *arg);
	void *arg;
};

/** Whose state. Written to disk. */
enum ear_track_part { EAR_TRACK_CALLS = 1, EAR_TRACK_PRESENCE = 2 };

#endif
