/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The bytes of a file through a moving window, gzip undone where it is there.
 *
 * Plain reads into a buffer, not a mapping: a capture may still be written to,
 * rotated or cut short while it is read, and a mapping would then kill us.
 */
#ifndef EAR_TAP_FILE_SOURCE_H
#define EAR_TAP_FILE_SOURCE_H

#include "base/err.h"
#include "base/slice.h"

struct ear_source;

/** @param path "-" is standard input */
EAR_MUST_USE enum ear_err ear_source_open(
	const char *path, struct ear_source **source, struct ear_fault *fault);
void ear_source_close(struct ear_source **source);

/** The bytes at hand; changed by ear_source_fill() and ear_source_use(). */
struct ear_slice ear_source_view(const struct ear_source *source);

/** Drop n bytes from the front of the view. */
void ear_source_use(struct ear_source *source, size_t n);

/**
 * Get more, so that at least need bytes are in view.
 *
 * @param need at most 4 MiB
 * @return EAR_OK; EAR_GONE: the file ends with less than need in view;
 *         EAR_SYS; EAR_BAD: damaged gzip; what came before it is in view
 */
EAR_MUST_USE enum ear_err ear_source_fill(
	struct ear_source *source, size_t need, struct ear_fault *fault);

/** Bytes read from disk so far, and the file's size or 0. */
uint64_t ear_source_done(const struct ear_source *source);
uint64_t ear_source_total(const struct ear_source *source);

#endif
