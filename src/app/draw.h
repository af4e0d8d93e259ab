/* SPDX-License-Identifier: Apache-2.0 */
/** Draws a ladder with characters. */
#ifndef EAR_APP_DRAW_H
#define EAR_APP_DRAW_H

#include "app/term.h"

/**
 * The summary, a head with the parties, one line for each message: number,
 * time, distance to the message before, and the arrow between its parties.
 * Where the parties do not fit side by side, each line names its two.
 */
void ear_draw_ladder(const struct ear_term *term, const struct ear_ladder *l,
	struct ear_buf *out);

#endif
