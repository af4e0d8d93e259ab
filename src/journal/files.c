/* SPDX-License-Identifier: Apache-2.0 */
/* The names of journal files, and which of them are there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/journal_priv.h"

bool lane_name_ok(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return n > 0 && n < LANE_NAME && !name[n];
}

void file_name(const char *lane, uint64_t number, char out[FILE_NAME])
{
	snprintf(out, FILE_NAME, "%.31s.%08" PRIu64 ".journal", lane, number);
}

bool file_name_read(const char *name, char lane[LANE_NAME], uint64_t *number)
{
	const char *dot = strchr(name, '.');
	const char *end = dot ? strchr(dot + 1, '.') : NULL;

	if (!end || strcmp(end, ".journal") != 0 || end - dot > 11 ||
		dot - name >= LANE_NAME)
		return false;
	memcpy(lane, name, (size_t)(dot - name));
	lane[dot - name] = '\0';
	return lane_name_ok(lane) &&
	       ear_slice_u64(ear_slice(dot + 1, (size_t)(end - dot - 1)),
		       FILE_MOST, number);
}

enum ear_err files_each(int dir, file_fn fn, void *arg)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	char lane[LANE_NAME];
	uint64_t number;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return EAR_SYS;
	}
	while ((e = readdir(d)))
		if (file_name_read(e->d_name, lane, &number) &&
			!fn(lane, number, arg))
			break;
	closedir(d);
	return EAR_OK;
}

struct nearest {
	const char *lane;
	uint64_t from, below, least, most;
};

static bool nearest_see(const char *lane, uint64_t number, void *arg)
{
	struct nearest *n = arg;

	if (strcmp(lane, n->lane) != 0 || number < n->from ||
		number >= n->below)
		return true;
	if (n->least == NO_FILE || number < n->least)
		n->least = number;
	if (n->most == NO_FILE || number > n->most)
		n->most = number;
	return true;
}

uint64_t file_from(int dir, const char *lane, uint64_t from)
{
	struct nearest n = {lane, from, UINT64_MAX, NO_FILE, NO_FILE};

	(void)files_each(dir, nearest_see, &n);
	return n.least;
}

uint64_t file_below(int dir, const char *lane, uint64_t below)
{
	struct nearest n = {lane, 0, below, NO_FILE, NO_FILE};

	(void)files_each(dir, nearest_see, &n);
	return n.most;
}

bool file_size(int dir, const char *lane, uint64_t number, uint64_t *bytes)
{
	char name[FILE_NAME];
	struct stat st;

	file_name(lane, number, name);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ||
		!S_ISREG(st.st_mode))
		return false;
	*bytes = (uint64_t)st.st_size;
	return true;
}
