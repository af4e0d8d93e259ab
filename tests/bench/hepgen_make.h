/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Makes SIP traffic in HEP3: dialogs that are interleaved as on a busy proxy.
 * A message is a copied template with fields of fixed width written over, so
 * that making one costs a tenth of sending it.
 */
#ifndef EAR_TESTS_HEPGEN_MAKE_H
#define EAR_TESTS_HEPGEN_MAKE_H

#include "base/addr.h"
#include "base/slice.h"

/** Longest packet that is made. */
#define MAKE_MAX 2048

struct make_options {
	uint64_t seed;
	uint32_t dialogs; /**< at the same time; 1..1000000 */
	uint32_t users;   /**< different ones; 1..10000 */
	uint32_t capture_id;
	struct ear_slice key;  /**< HEP authentication key; empty none */
	struct ear_slice node; /**< name of the capture agent; empty none */
};

/** What was made so far. */
struct make_counts {
	uint64_t messages;
	uint64_t payload_bytes;
	uint64_t packet_bytes;
	uint64_t dialogs; /**< begun */
	uint64_t invite, ack, bye, reg, options, message;
	uint64_t s100, s180, s200, s401, s486;
};

/** One message; valid until the next one is made. */
struct made {
	struct ear_slice packet;  /**< HEP3 */
	struct ear_slice payload; /**< SIP, in packet */
	struct ear_addr src;
	struct ear_addr dst;
};

struct maker;

struct maker *maker_new(const struct make_options *options);
void maker_free(struct maker *maker);

/**
 * Write the next packet.
 *
 * @param at_ns capture time
 * @param room  MAKE_MAX bytes
 */
struct made maker_next(struct maker *maker, uint64_t at_ns, char *room);

const struct make_counts *maker_counts(const struct maker *maker);

/** Call-ID and user of a dialog that has ended; "" when none has yet. */
const char *maker_call_id(const struct maker *maker);
const char *maker_user(const struct maker *maker);

#endif
