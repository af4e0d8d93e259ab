/* SPDX-License-Identifier: Apache-2.0 */
/** Where the control socket of a data directory is. */
#ifndef EAR_CONSOLE_CONTROL_PATH_H
#define EAR_CONSOLE_CONTROL_PATH_H

#include <sys/un.h>

#include "base/err.h"

#define EAR_CONTROL_NAME "control.sock"

/**
 * The address of DIR/control.sock. A directory's name may be longer than the
 * 107 bytes of a socket's address: the address then goes through an open
 * descriptor of the directory.
 *
 * @param[out] dir_fd to be closed after bind() or connect(); -1: none needed
 */
EAR_MUST_USE enum ear_err ear_control_path(const char *dir,
	struct sockaddr_un *sun, int *dir_fd, struct ear_fault *fault);

#endif
