/* SPDX-License-Identifier: Apache-2.0 */
/** Why a call ended as it did, in a sentence or two for people. */
#ifndef EAR_TRACK_CALL_WORDS_H
#define EAR_TRACK_CALL_WORDS_H

#include "base/buf.h"
#include "track/record.h"

/**
 * Write the words, as "600 was called, rang for 20 s and nobody picked up: the
 * caller hung up (CANCEL)."
 *
 * @param legs rows of the same group, the call itself may be among them; one
 *             that failed otherwise is named
 * @param out  UTF-8 as far as names and phrases from the wire are; whoever
 *             shows it escapes it
 * @return the rule that says so, as "call.no-answer.cancelled": stable, static
 *
 * Threads: pure. The rules are listed in docs/calls.md.
 */
const char *ear_call_words(const struct ear_call_row *row,
	const struct ear_call_row *legs, size_t n, struct ear_buf *out);

/** What a Q.850 cause is called, as "user busy"; "" when it has no name here.
 *  Source: ITU-T Q.850 */
const char *ear_q850_name(unsigned cause);

#endif
