/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The console's page, compiled in: web/embed.py writes the table from web/.
 */
#ifndef EAR_CONSOLE_ASSETS_H
#define EAR_CONSOLE_ASSETS_H

#include "console/asset.h"

extern const struct ear_asset ear_assets[];
extern const size_t ear_assets_n;

#endif
