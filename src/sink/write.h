/* SPDX-License-Identifier: Apache-2.0 */
/** Where exported bytes go: a function, or a FILE. */
#ifndef EAR_SINK_WRITE_H
#define EAR_SINK_WRITE_H

#include "base/err.h"
#include "base/slice.h"

/**
 * Takes all of bytes.
 *
 * @return EAR_OK; anything else ends the export and is handed on
 */
typedef enum ear_err (*ear_sink_write_fn)(struct ear_slice bytes, void *arg);

/** Writes to a FILE; arg is the FILE. EAR_SYS with errno set on failure. */
enum ear_err ear_sink_to_file(struct ear_slice bytes, void *arg);

#endif
