/* SPDX-License-Identifier: Apache-2.0 */
/** Small files that are read and replaced as a whole. */
#ifndef EAR_BASE_WHOLE_H
#define EAR_BASE_WHOLE_H

#include "base/buf.h"

/**
 * Read a file.
 *
 * @param max most bytes taken
 * @param out appended to
 * @return EAR_OK; EAR_GONE no such file; EAR_LIMIT; EAR_NOMEM; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_whole_read(const char *path, size_t max,
	struct ear_buf *out, struct ear_fault *fault);

/**
 * Put bytes in the place of a file, so that after a crash there is either the
 * old one or the new one, whole. Readable by its owner alone.
 *
 * @return EAR_OK; EAR_SYS: the old one is still there
 */
EAR_MUST_USE enum ear_err ear_whole_write(
	const char *path, struct ear_slice bytes, struct ear_fault *fault);

#endif
