/* SPDX-License-Identifier: Apache-2.0 */
/** Escapes of URIs: "%3B" is ";" (RFC 3986 s2.1). */
#ifndef EAR_BASE_PERCENT_H
#define EAR_BASE_PERCENT_H

#include "base/slice.h"

/**
 * Undo escapes: %XX becomes its byte where XX are digits, else stays.
 *
 * @param[out] out room for s.n bytes; no NUL is added
 * @return bytes written
 */
size_t ear_percent_decode(struct ear_slice s, char *out);

#endif
