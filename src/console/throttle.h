/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Slows down the guessing of passwords: counts failures by name and by
 * address. The first few are free, then each doubles the time in which
 * nothing more is tried. An attempt counts as a failure from its beginning,
 * so that many at once gain nothing; success takes it back.
 *
 * A name is never held up for longer than a minute. But somebody with many
 * addresses who tries again and again would always be first when it is over,
 * and keep its owner out: so where a name has logged in from an address since
 * the start, only its failures there hold it up there. Who guesses from one
 * address is locked by lockout.h. Bounded: in a full table the line goes whose
 * ban ended first; of the addresses known, the oldest.
 *
 * Times are monotonic ns. Threads: any.
 */
#ifndef EAR_CONSOLE_THROTTLE_H
#define EAR_CONSOLE_THROTTLE_H

#include "base/addr.h"

/** Failures that cost nothing: of a name, of an address (people share it). */
#define EAR_FREE_BY_NAME 5
#define EAR_FREE_BY_ADDR 20
/** Longest delays, seconds. */
#define EAR_DELAY_NAME_S 60
#define EAR_DELAY_ADDR_S 300
/** Failures are forgotten after so long without one, seconds. */
#define EAR_FORGET_S 900

struct ear_throttle;

EAR_MUST_USE enum ear_err ear_throttle_new(struct ear_throttle **throttle);
void ear_throttle_free(struct ear_throttle **throttle);

/**
 * @param name empty: only the address counts, as for tokens
 * @return 0: go on, the attempt is counted; else seconds to wait
 */
uint64_t ear_throttle_try(struct ear_throttle *throttle, struct ear_slice name,
	const struct ear_addr *from, uint64_t now);

/** The attempt was good: forget the failures of name and address, and know
 *  them together. */
void ear_throttle_good(struct ear_throttle *throttle, struct ear_slice name,
	const struct ear_addr *from);

#endif
