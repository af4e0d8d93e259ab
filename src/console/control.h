/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The control channel of a running server: JSON-RPC 2.0 over the Unix stream
 * socket DIR/control.sock (mode 0660), one JSON value a line, values without
 * a newline between them as well. Who may open the socket may control the
 * server; there are no further rights. The user behind a connection, as the
 * kernel knows it, is told to the methods: "alice (control)".
 *
 * Methods: ping, status, stop, rpc.list, and those of the caller's table.
 */
#ifndef EAR_CONSOLE_CONTROL_H
#define EAR_CONSOLE_CONTROL_H

#include "console/jsonrpc.h"

/** Most clients at once. */
#define EAR_CONTROL_CLIENTS 16

struct ear_control_options {
	const char *dir;   /**< data directory */
	const char *group; /**< who may use the socket besides its owner, by
				group; NULL or "": the group of the process */

	/** Writes the members of the status object, no braces. */
	void (*status_json)(struct ear_json *j, void *arg);
	/** Begin to stop; returns at once. NULL: there is no method stop. */
	void (*stop)(void *arg);
	void *arg; /**< of both */

	/** Further methods; called on the channel's thread; borrowed. */
	struct ear_rpc_table more;
};

struct ear_control;

/**
 * @return EAR_OK; EAR_FULL: a server listens there already; EAR_USAGE: there
 *         is no such group; EAR_SYS
 */
EAR_MUST_USE enum ear_err ear_control_open(
	const struct ear_control_options *options, struct ear_control **control,
	struct ear_fault *fault);

/** Ends connections, joins its thread, removes the socket. */
void ear_control_close(struct ear_control **control);

#endif
