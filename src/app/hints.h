/* SPDX-License-Identifier: Apache-2.0 */
/** How to make the usual SIP servers send HEP here, as text to copy; the page
 * shows the same (web/src/hep.ts). */
#ifndef EAR_APP_HINTS_H
#define EAR_APP_HINTS_H

#include <stdio.h>

#include "base/addr.h"

/** @param hep address of a UDP listener; 0.0.0.0 and :: stay as they are */
void ear_print_hints(FILE *out, const struct ear_addr *hep);

#endif
