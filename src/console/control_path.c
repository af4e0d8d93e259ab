/* SPDX-License-Identifier: Apache-2.0 */
#include "console/control_path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum ear_err ear_control_path(const char *dir, struct sockaddr_un *sun,
	int *dir_fd, struct ear_fault *fault)
{
	int n;

	*dir_fd = -1;
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	n = snprintf(sun->sun_path, sizeof(sun->sun_path),
		"%s/" EAR_CONTROL_NAME, dir);
	if (n > 0 && (size_t)n < sizeof(sun->sun_path))
		return EAR_OK;
	*dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0)
		return ear_fail_sys(fault, "%s", dir);
	snprintf(sun->sun_path, sizeof(sun->sun_path),
		"/proc/self/fd/%d/" EAR_CONTROL_NAME, *dir_fd);
	return EAR_OK;
}
