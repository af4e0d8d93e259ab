/* SPDX-License-Identifier: Apache-2.0 */
#include "base/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE ((size_t)64 << 10)

static enum ear_err read_all(int fd, const char *path, size_t max,
	struct ear_buf *out, struct ear_fault *fault)
{
	size_t before = out->n;

	for (;;) {
		char *room = ear_buf_reserve(out, PIECE);
		ssize_t n;

		if (!room)
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
		n = read(fd, room, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ear_fail_sys(fault, "cannot read %s", path);
		if (n == 0)
			return EAR_OK;
		out->n += (size_t)n;
		if (out->n - before > max)
			return ear_fail(fault, EAR_LIMIT, 0,
				"%s is larger than %zu bytes", path, max);
	}
}

enum ear_err ear_whole_read(const char *path, size_t max, struct ear_buf *out,
	struct ear_fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum ear_err err;

	if (fd < 0 && errno == ENOENT)
		return ear_fail(fault, EAR_GONE, 0, "there is no %s", path);
	if (fd < 0)
		return ear_fail_sys(fault, "cannot open %s", path);
	err = read_all(fd, path, max, out, fault);
	close(fd);
	return err;
}

static bool write_all(int fd, struct ear_slice bytes)
{
	while (bytes.n) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			bytes = ear_slice_sub(bytes, (size_t)n, bytes.n);
	}
	return true;
}

/* The name in its folder is on the platter only when the folder is. */
static bool sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	rc = fsync(fd);
	close(fd);
	return rc == 0;
}

enum ear_err ear_whole_write(
	const char *path, struct ear_slice bytes, struct ear_fault *fault)
{
	char part[PATH_MAX];
	bool good;
	int fd;

	if (snprintf(part, sizeof(part), "%s.new", path) >= (int)sizeof(part))
		return ear_fail(fault, EAR_SYS, 0, "%s: name too long", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return ear_fail_sys(fault, "cannot write %s", part);
	good = write_all(fd, bytes) && fsync(fd) == 0;
	good = close(fd) == 0 && good;
	if (!good || rename(part, path) || !sync_folder(path)) {
		enum ear_err err = ear_fail_sys(fault, "cannot write %s", path);

		unlink(part);
		return err;
	}
	return EAR_OK;
}
