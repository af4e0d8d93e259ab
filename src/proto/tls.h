/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads TLS connections from outside: what their handshakes say, and, with
 * the keys of a key log, what they carry. TLS 1.2 and 1.3.
 *
 *     ear_tls_new(&options, &events, arg, &tls);
 *     ear_tls_flow_new(tls, user, &flow);       one per TCP connection
 *     used = ear_tls_take(flow, side, at_ns, bytes, &need);
 *     ear_tls_gap(flow, side, rest, missing);   the capture lost bytes
 *     ear_tls_tick(tls, now_ns);                some times a second
 *     ear_tls_flow_free(&flow);
 *     ear_tls_free(&tls);
 *
 * The two sides are told apart by the caller with 0 and 1; which of them is
 * the client the hellos say.
 *
 * Keys may come after what they open: who writes a key log does so a moment
 * behind the packets. Records that want for a key are held, EAR_TLS_HOLD_BYTES
 * and EAR_TLS_HOLD_NS for a connection at most and total_bytes for all. What
 * cannot be decrypted says why, once and for all of the connection.
 *
 * After missing bytes the next record is looked for, and its number is tried
 * out: what follows a gap is read as well.
 *
 * Everything from the wire is hostile: all lengths are checked, a connection
 * holds less than 200 KiB whatever is sent on it, a few hundred bytes as a
 * rule.
 *
 * Source: RFC 8446, RFC 5246. Threads: one.
 */
#ifndef EAR_PROTO_TLS_H
#define EAR_PROTO_TLS_H

#include "base/buf.h"
#include "proto/tls_keys.h"

#define EAR_TLS_HOLD_BYTES (64u << 10)
#define EAR_TLS_HOLD_NS 3000000000ULL

/** Why data is not decrypted. */
enum ear_tls_unread {
	EAR_TLS_READ,       /**< it is, or nobody asked, or nothing came yet */
	EAR_TLS_NO_KEY,     /**< no key in the key log for this connection */
	EAR_TLS_LATE,       /**< the capture began after the handshake */
	EAR_TLS_MISSING,    /**< bytes are missing */
	EAR_TLS_BAD_CIPHER, /**< the cipher is not read */
	EAR_TLS_BAD_VERSION,
	EAR_TLS_BAD_KEY, /**< its key in the key log does not fit */
	EAR_TLS_NO_ROOM, /**< too many connections wait for keys */
	EAR_TLS_UNREADS,
};

/** "no_key" …; for counts. */
const char *ear_tls_unread_key(enum ear_tls_unread why);
/** In words, for people. */
const char *ear_tls_unread_words(enum ear_tls_unread why);

/** What is known of a connection. Slices live until the next call. */
struct ear_tls_info {
	int client;       /**< side of the client; -1 not known */
	uint16_t version; /**< as on the wire; 0 not known */
	uint16_t cipher;
	uint8_t alert;        /**< description + 1 of a fatal alert; 0 none */
	int alert_by;         /**< side that sent it; -1 none */
	bool close_notify[2]; /**< a side said that it ends */
	int closer;           /**< side that said so first; -1 none */
	uint64_t not_after_ns;
	struct ear_slice sni;
	struct ear_slice alpn; /**< what was chosen; where that is not to be
				    seen, what the client offers */
	struct ear_slice subject, issuer;
	struct ear_slice unread; /**< why in words; "" it is read */
	uint8_t why;             /**< enum ear_tls_unread */
};

struct ear_tls_events {
	/** Decrypted bytes in order; at_ns is that of the record. */
	void (*data)(void *user, int side, uint64_t at_ns,
		struct ear_slice bytes, void *arg);
	/** The handshake is known, and again when more is. */
	void (*info)(void *user, uint64_t at_ns,
		const struct ear_tls_info *info, void *arg);
};

struct ear_tls_options {
	const struct ear_tls_keys *keys; /**< borrowed; may be NULL */
	bool expect; /**< keys are there or will come. Else nobody asks for
			  what is inside until keys has one */
	size_t total_bytes; /**< most held for want of keys; default 64 MiB */
};

struct ear_tls_stats {
	uint64_t flows;   /**< connections with TLS on them */
	uint64_t records; /**< decrypted */
	uint64_t bytes;   /**< decrypted, of what they carried */
	uint64_t unread[EAR_TLS_UNREADS]; /**< connections, by why */
	uint64_t open;                    /**< flows there now */
	uint64_t waiting; /**< of these, held for want of a key */
	uint64_t memory;  /**< bytes of all flows */
};

struct ear_tls;
struct ear_tls_flow;

/** @param options borrowed only for the call, keys excepted; may be NULL */
EAR_MUST_USE enum ear_err ear_tls_new(const struct ear_tls_options *options,
	const struct ear_tls_events *events, void *arg, struct ear_tls **tls);
/** All its flows must be gone. */
void ear_tls_free(struct ear_tls **tls);

/** @param user given to the events */
EAR_MUST_USE enum ear_err ear_tls_flow_new(
	struct ear_tls *tls, void *user, struct ear_tls_flow **flow);
void ear_tls_flow_free(struct ear_tls_flow **flow);

/** Whether bytes begin like a TLS record; 5 suffice. */
bool ear_tls_looks_like(struct ear_slice in);

/**
 * Take bytes of one side, in order.
 *
 * @param      side 0 or 1
 * @param[out] need when less than all was used: show again with so many;
 *                  else 0
 * @return bytes used
 *
 * The events must not free the flow.
 */
size_t ear_tls_take(struct ear_tls_flow *flow, int side, uint64_t at_ns,
	struct ear_slice bytes, size_t *need);

/** Behind rest, which was not used, bytes are missing. */
void ear_tls_gap(struct ear_tls_flow *flow, int side, struct ear_slice rest,
	uint64_t missing);

/** Nothing will come any more: what is held gets its last chance, and what is
 *  not read its reason. */
void ear_tls_end(struct ear_tls_flow *flow, uint64_t at_ns);

/** Look for keys that came, give up what has waited too long. */
void ear_tls_tick(struct ear_tls *tls, uint64_t now_ns);

/** Whether data is decrypted, as far as is known now. */
bool ear_tls_reads(const struct ear_tls_flow *flow);

/** What is known now. */
void ear_tls_info(const struct ear_tls_flow *flow, struct ear_tls_info *info);

void ear_tls_stats(const struct ear_tls *tls, struct ear_tls_stats *stats);

#endif
