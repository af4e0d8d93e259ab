/* SPDX-License-Identifier: Apache-2.0 */
/** The methods, by file. The arg of each is struct ear_methods_options. */
#ifndef EAR_CONSOLE_METHODS_PRIV_H
#define EAR_CONSOLE_METHODS_PRIV_H

#include "console/methods.h"

#define X(name, fn, help, code)                          \
	enum ear_err fn(const struct ear_rpc_call *call, \
		struct ear_json *result, struct ear_fault *fault);
#include "console/methods.def"
#undef X

/** The rules of the server behind a call; NULL, and the fault says so. */
struct ear_rules *ear_rpc_rules(
	const struct ear_rpc_call *call, struct ear_fault *fault);

/** Say "by WHOM: text" in the record. */
void ear_rpc_notice(const struct ear_rpc_call *call, const char *event,
	const char *format, ...) EAR_PRINTF(3, 4);

/** Note it in the audit trail. */
void ear_rpc_audit(const struct ear_rpc_call *call, const char *action,
	const char *object, const char *detail);

#endif
