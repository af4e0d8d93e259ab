/* SPDX-License-Identifier: Apache-2.0 */
/** A ladder as the API gives it: shapes P and L of docs/api.md. */
#ifndef EAR_TRACK_LADDER_JSON_H
#define EAR_TRACK_LADDER_JSON_H

#include "base/json.h"
#include "track/ladder.h"

/**
 * The members "first", "last", "summary", "parties", "messages", into an
 * object that the caller opened.
 */
void ear_ladder_json_members(struct ear_json *j, const struct ear_ladder *l);

#endif
