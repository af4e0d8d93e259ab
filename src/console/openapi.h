/* SPDX-License-Identifier: Apache-2.0 */
/** docs/openapi.json, compiled in. */
#ifndef EAR_CONSOLE_OPENAPI_H
#define EAR_CONSOLE_OPENAPI_H

#include <stddef.h>

extern const unsigned char ear_openapi[];
extern const size_t ear_openapi_n;

#endif
