/* SPDX-License-Identifier: Apache-2.0 */
/** Between ladder.c, ladder_agent.c and ladder_summary.c. */
#ifndef EAR_TRACK_LADDER_PRIV_H
#define EAR_TRACK_LADDER_PRIV_H

#include "track/ladder.h"

/** Give each party its own User-Agent. @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err ear_ladder_agents(struct ear_ladder *ladder);

/** Write the sentence that says what happened. */
void ear_ladder_summary(const struct ear_ladder *ladder, struct ear_buf *out);

#endif
