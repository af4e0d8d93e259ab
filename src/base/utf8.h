/* SPDX-License-Identifier: Apache-2.0 */
/** UTF-8 in bytes that may be anything. Source: RFC 3629. */
#ifndef EAR_BASE_UTF8_H
#define EAR_BASE_UTF8_H

#include "base/slice.h"

/**
 * Bytes of the valid sequence at the beginning of p, 0 when there is none.
 *
 * @param left bytes at p; at least 1
 */
size_t ear_utf8_length(const unsigned char *p, size_t left);

/** Bytes at the beginning of s that are valid UTF-8 without NUL. */
size_t ear_utf8_valid(struct ear_slice s);

/** The first `characters` characters of s, which is valid UTF-8. */
struct ear_slice ear_utf8_cut(struct ear_slice s, size_t characters);

/**
 * Copy s so that it is one line of UTF-8: control characters, and bytes that
 * are none, become '?'.
 *
 * @param out room for s.n bytes; may be s.p
 * @return s.n
 */
size_t ear_utf8_clean(struct ear_slice s, char *out);

#endif
