/* SPDX-License-Identifier: Apache-2.0 */
/** Between ladder.c and ladder_summary.c. */
#ifndef EAR_TRACK_LADDER_PRIV_H
#define EAR_TRACK_LADDER_PRIV_H

#include "track/ladder.h"

/** Write the sentence that says what happened. */
void ear_ladder_summary(const struct ear_ladder *ladder, struct ear_buf *out);

#endif
