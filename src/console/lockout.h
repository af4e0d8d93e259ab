/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Locks who fails to log in again and again: a name from one address, for a
 * while, kept in users.db so that no restart ends it.
 *
 * Only that pair: a lock on the name alone would let anybody keep its owner
 * out. Somebody with many addresses is slowed down by console/throttle.h
 * instead, which counts by name too and never makes its owner wait for longer
 * than a minute. So an attacker behind the owner's own address can lock them
 * out, until the time is over or an admin, or `earshot user unlock`, ends it.
 *
 * Times are ns since 1970 and come from the caller.
 */
#ifndef EAR_CONSOLE_LOCKOUT_H
#define EAR_CONSOLE_LOCKOUT_H

#include "base/addr.h"
#include "console/users.h"

/** Most pairs that are remembered; the longest quiet ones go. */
#define EAR_LOCKOUT_PAIRS 10000

struct ear_lockout {
	uint32_t after; /**< failures; 0: nobody is ever locked */
	uint64_t for_ns;
};

/** @return seconds that are left of a lock; 0: there is none */
uint64_t ear_lockout_left(struct ear_users *users,
	const struct ear_lockout *lockout, struct ear_slice name,
	const struct ear_addr *from, uint64_t now_ns);

/**
 * One more failure. Earlier ones count while none is older than for_ns.
 *
 * @return whether this one made the lock
 */
bool ear_lockout_failed(struct ear_users *users,
	const struct ear_lockout *lockout, struct ear_slice name,
	const struct ear_addr *from, uint64_t now_ns);

/** The pair logged in: forget its failures. */
void ear_lockout_good(struct ear_users *users, struct ear_slice name,
	const struct ear_addr *from);

/** End all locks of a name. @return EAR_OK; EAR_GONE: there was none */
EAR_MUST_USE enum ear_err ear_lockout_end(struct ear_users *users,
	struct ear_slice name, struct ear_fault *fault);

struct ear_lockout_state {
	uint64_t failures; /**< remembered, of all addresses */
	uint64_t until_ns; /**< end of the longest lock; 0 none */
};
void ear_lockout_state(struct ear_users *users, struct ear_slice name,
	uint64_t now_ns, struct ear_lockout_state *state);

#endif
