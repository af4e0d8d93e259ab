/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/terms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"

#define PATH_ROOM 2300

static void path_of(const char *dir, const char *lane, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/%s.terms", dir, lane);
}

void ear_terms_lane(const struct ear_terms *terms, const char *transport,
	const char *address, unsigned thread, char name[EAR_LANE_NAME])
{
	uint64_t h = ear_hash_seed(ear_slice_str(terms->key), terms->mask);

	h = ear_hash_seed(ear_slice_str(address), h);
	snprintf(name, EAR_LANE_NAME, "%.4s-%08x-%u", transport,
		(unsigned)(h & 0xffffffff), thread % 1000);
}

/* '1' or '0' for the mask, then the key as it is. */
enum ear_err ear_terms_write(const struct ear_terms *terms, const char *dir,
	const char *lane, struct ear_fault *fault)
{
	char path[PATH_ROOM], text[sizeof(terms->key) + 2];
	int n = snprintf(text, sizeof(text), "%d%s", terms->mask, terms->key);
	int fd;
	bool whole;

	path_of(dir, lane, path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST
			       ? EAR_OK
			       : ear_fail_sys(fault, "cannot make %s", path);
	whole = n > 0 && write(fd, text, (size_t)n) == n;
	if (close(fd) || !whole) {
		ear_fail_sys(fault, "cannot write %s", path);
		unlink(path);
		return EAR_SYS;
	}
	return EAR_OK;
}

void ear_terms_read(struct ear_terms *terms, const char *dir, const char *lane)
{
	char path[PATH_ROOM], text[sizeof(terms->key) + 1];
	ssize_t n = -1;
	int fd;

	*terms = (struct ear_terms){.mask = true};
	path_of(dir, lane, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 1)
		return;
	text[n] = '\0';
	terms->mask = text[0] != '0';
	snprintf(terms->key, sizeof(terms->key), "%s", text + 1);
}
