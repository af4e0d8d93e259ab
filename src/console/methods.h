/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The methods of the control channel that look at and change a running
 * server: docs/control.md. siptrace.status and sipcapture.status answer and
 * refuse in the words of Kamailio's modules.
 *
 * Each change is a notice with who asked for it.
 */
#ifndef EAR_CONSOLE_METHODS_H
#define EAR_CONSOLE_METHODS_H

#include "console/audit.h"
#include "console/jsonrpc.h"
#include "flow/server.h"

struct ear_methods_options {
	struct ear_server *server; /**< borrowed */
	struct ear_audit *audit;   /**< borrowed; NULL: nothing is noted */

	/**
	 * Read the configuration again and apply it, or change nothing.
	 * NULL: there is no method reload.
	 *
	 * @param told one line for each key that needs a restart; appended
	 */
	enum ear_err (*reload)(
		struct ear_buf *told, struct ear_fault *fault, void *arg);
	void *arg;
};

/** @param options borrowed, for as long as the table is used */
struct ear_rpc_table ear_methods(const struct ear_methods_options *options);

#endif
