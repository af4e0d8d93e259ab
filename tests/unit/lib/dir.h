/* SPDX-License-Identifier: Apache-2.0 */
/** A data folder of its own for each test: set-up and tear-down for cmocka. */
#ifndef EAR_UNIT_LIB_DIR_H
#define EAR_UNIT_LIB_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

/* Room on the disk is no matter here. */
#define ROOM "retention { min_free = 1M }\njournal { min_free = 1M }\n"

static char dir[64];

static int remove_one(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/earshot-lib-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
