/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where a receive thread puts what it took from the kernel. Flow implements
 * it with a lane of the journal; tests with an array. One per receive thread.
 *
 * A tap calls put() for each datagram or run of whole stream packets of one
 * batch, then flush() once: after flush() the batch is accepted. put() copies.
 * The tap counts what it refuses itself (EAR_N_DENIED and the like, together
 * with EAR_N_RECEIVED); what it puts is counted by the intake.
 */
#ifndef EAR_TAP_INTAKE_H
#define EAR_TAP_INTAKE_H

#include "base/addr.h"
#include "base/ledger.h"

/** Values equal journal/journal.h's enum ear_record_kind; flow asserts it. */
enum ear_unit_kind {
	EAR_UNIT_DATAGRAM = 1,
	EAR_UNIT_HEP_STREAM = 2, /**< whole HEP3 packets, one after the other */
	EAR_UNIT_REMNANT = 3,    /**< stream bytes that never became a packet */
};

enum ear_unit_flag { EAR_UNIT_TRUNCATED = 1u << 0 };

struct ear_unit {
	uint8_t kind;         /**< enum ear_unit_kind */
	uint8_t flags;        /**< enum ear_unit_flag */
	uint8_t transport;    /**< how it reached us: enum ear_transport */
	uint32_t units;       /**< datagrams or packets in it */
	uint64_t seen_ns;     /**< when it was received */
	struct ear_addr from; /**< who sent it */
	struct ear_addr to;   /**< our listener */
};

struct ear_intake {
	void (*put)(struct ear_intake *in, const struct ear_unit *unit,
		struct ear_slice bytes);
	void (*flush)(struct ear_intake *in);
	/** Units that were put and found no room, since it began; rises. Only
	    for the thread that puts: by it a sender is told what is safe. */
	uint64_t refused;
};

#endif
