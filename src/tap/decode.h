/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Turns what a tap received into messages: HEP of any version, compressed or
 * not, and SIP messages sent as they are.
 *
 * The sums. Whoever calls ear_decode() has counted EAR_N_RECEIVED unit->units
 * times for these bytes. The decoder brings every one of them to one end:
 *
 *   - a message given to fn; fn counts it (STORED, FILTERED or DROPPED), or
 *   - one count in tally of KEEPALIVE, RTP, JUNK, OTHER, BADKEY or REFUSED.
 *
 * Where more comes out than units said (a datagram with two HEP packets, a
 * gzip member with several) the decoder adds to RECEIVED what was missing;
 * where less comes out, it counts the rest as CORRUPT. It counts no NOTE rows:
 * a message's flags say that it is malformed or truncated. An event of a
 * connection (EAR_PROTO_CONN) given to fn is no unit, and fn counts it nowhere;
 * where a unit held it, that is counted OTHER.
 *
 *     struct ear_decoder *d;
 *     err = ear_decoder_new(&d);
 *     …
 *     ear_decode(d, &unit, bytes, tap_name, key, tally, on_message, self);
 */
#ifndef EAR_TAP_DECODE_H
#define EAR_TAP_DECODE_H

#include "base/ledger.h"
#include "message/msg.h"
#include "tap/intake.h"

struct ear_decoder;

/**
 * One per thread: it holds room for decompressed and gathered bytes.
 *
 * @return EAR_OK; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_decoder_new(struct ear_decoder **decoder);
void ear_decoder_free(struct ear_decoder **decoder);

/**
 * Receives one message. Its slices live until fn returns: they lie in the
 * bytes given to ear_decode() or in the decoder's own room.
 */
typedef void (*ear_msg_fn)(const struct ear_msg *msg, void *arg);

/**
 * Decode one unit.
 *
 * A message that came in HEP has src, dst, time and node from there, and via
 * is unit->from. A plain SIP message has src from its X-Siptrace headers
 * (Kamailio siptrace, xheaders_write) where they are; otherwise src is
 * unit->from and EAR_MSG_RELAY is set. What an envelope does not tell is
 * unknown; a missing time is unit->seen_ns with EAR_MSG_ARRIVAL.
 *
 * @param unit  what is known about bytes; kind says which form they have
 * @param bytes 0 bytes or more, borrowed
 * @param tap   name for ear_msg.tap; borrowed
 * @param key   HEP authentication key (chunk 0x000e) that is asked for; empty:
 *              none. What cannot show exactly this key is dropped and counted
 *              BADKEY, also HEP 1 and 2 and plain SIP, which carry none
 * @param tally the line of this tap and source
 * @param fn    called zero or more times, in the order of the bytes
 *
 * Cost: one pass, no allocation for uncompressed input. Threads: one decoder
 * per thread.
 */
void ear_decode(struct ear_decoder *decoder, const struct ear_unit *unit,
	struct ear_slice bytes, struct ear_slice tap, struct ear_slice key,
	struct ear_tally *tally, ear_msg_fn fn, void *arg);

#endif
