/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The terms on which a lane takes messages: the key that senders must show,
 * and whether secrets are blanked. They lie beside the lane's journal, so that
 * what was received before a kill is stored on the terms of its listener,
 * whoever stores it later: a server with another configuration, or a command.
 *
 * A lane's terms never change: other terms make another lane.
 */
#ifndef EAR_FLOW_TERMS_H
#define EAR_FLOW_TERMS_H

#include "base/err.h"
#include "base/slice.h"

struct ear_terms {
	bool mask;     /**< blank secrets */
	char key[256]; /**< HEP authentication key; "" asks for none */
};

/** Room for a lane's name with its NUL. */
#define EAR_LANE_NAME 32

/**
 * The name of a lane, the same for the same listener and terms.
 *
 * @param transport as "udp"
 * @param address   of the listener, as text
 * @param thread    which of its receive threads
 */
void ear_terms_lane(const struct ear_terms *terms, const char *transport,
	const char *address, unsigned thread, char name[EAR_LANE_NAME]);

/** Write DIR/LANE.terms, mode 0600, unless it is there. */
EAR_MUST_USE enum ear_err ear_terms_write(const struct ear_terms *terms,
	const char *dir, const char *lane, struct ear_fault *fault);

/** Read it. A lane without one takes from all and blanks secrets. */
void ear_terms_read(struct ear_terms *terms, const char *dir, const char *lane);

#endif
