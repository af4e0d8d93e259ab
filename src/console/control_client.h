/* SPDX-License-Identifier: Apache-2.0 */
/** Asks the server that runs on a data directory: see console/control.h. */
#ifndef EAR_CONSOLE_CONTROL_CLIENT_H
#define EAR_CONSOLE_CONTROL_CLIENT_H

#include "base/buf.h"

/**
 * Call one method and wait for its result.
 *
 * @param params  JSON object or array; NULL none
 * @param result  the result as compact JSON, appended
 * @param wait_ms for all of it
 * @return EAR_OK; EAR_GONE: no server runs there; EAR_USAGE: the server knows
 *         no such method or its parameters are wrong; EAR_MORE: no answer in
 *         time; EAR_BAD: it failed, or that is no answer; EAR_SYS; in the fault
 *         what to say, and an offset into a parameter where there is one
 */
EAR_MUST_USE enum ear_err ear_control_call(const char *dir, const char *method,
	const char *params, struct ear_buf *result, unsigned wait_ms,
	struct ear_fault *fault);

#endif
