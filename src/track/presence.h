/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who is on line: connections, registrations over them, and the bindings that
 * these make. Part of track/track.h, which see for order and time.
 *
 * A connection is node, transport, both addresses and its generation. Taps
 * that see connections say when one opens and closes (message/conn.h); for
 * messages over TCP, TLS, WS or WSS from others (HEP, siptrace) they are
 * inferred: open at the first message, closed after a silence.
 */
#ifndef EAR_TRACK_PRESENCE_H
#define EAR_TRACK_PRESENCE_H

#include "base/err.h"
#include "track/record.h"

struct ear_presence;

struct ear_presence_options {
	size_t max_bindings;    /**< default 2000000 */
	size_t max_connections; /**< default 1000000 */
	uint64_t silent_ns;     /**< an inferred connection ends after this, or
				     when the last binding over it expires if that
				     is later; default 15 min */
};

EAR_MUST_USE enum ear_err ear_presence_new(
	const struct ear_presence_options *options,
	const struct ear_track_out *out, struct ear_presence **presence);
void ear_presence_free(struct ear_presence **presence);
void ear_presence_restore(
	struct ear_presence *p, uint64_t key, struct ear_slice state);

/** Takes messages of EAR_PROTO_CONN, and SIP of any method. */
void ear_presence_take(struct ear_presence *p, const struct ear_msg *msg,
	const struct ear_facts *facts);
void ear_presence_tick(struct ear_presence *p, uint64_t now_ns);
void ear_presence_save(struct ear_presence *p);
void ear_presence_end(struct ear_presence *p);

struct ear_presence_stats {
	uint64_t bindings;    /**< that hold now */
	uint64_t connections; /**< that are up now */
	uint64_t pending;     /**< REGISTERs without a final reply yet */
	uint64_t bytes;       /**< of memory they take */
	uint64_t registered, unregistered, connected, disconnected, refused;
	uint64_t evicted;
};
void ear_presence_stats(
	const struct ear_presence *p, struct ear_presence_stats *stats);

#endif
