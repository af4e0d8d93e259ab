/* SPDX-License-Identifier: Apache-2.0 */
/** Sizes in bytes as people write and read them. */
#ifndef EAR_BASE_SIZE_H
#define EAR_BASE_SIZE_H

#include "base/err.h"
#include "base/slice.h"

/** Longest text with its NUL. */
#define EAR_SIZE_TEXT 24

/**
 * Read "1500", "64k", "20 GB", "1.5GiB". k, M, G and T alone, and with iB, are
 * powers of 1024; with B, powers of 1000.
 */
EAR_MUST_USE enum ear_err ear_size_parse(
	struct ear_slice text, uint64_t *bytes, struct ear_fault *fault);

/** "712 B", "64.0 KiB", "1.2 GiB". */
size_t ear_size_text(uint64_t bytes, char out[EAR_SIZE_TEXT]);

#endif
