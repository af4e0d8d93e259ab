/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Runs a fuzz target over every file of a corpus folder, whole and cut short
 * at every length up to 256 bytes, so that gcc builds test what libFuzzer
 * found before. Prints TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An exact-size copy each time, so that ASan sees a read past the end. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int replay(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f)
		return -1;
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	run(data, n);
	for (size_t cut = 0; cut < n && cut < 256; cut++)
		run(data, cut);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *e;
	int count = 0, bad = 0;
	DIR *d = argc > 1 ? opendir(argv[1]) : NULL;

	if (!d) {
		printf("Bail out! no corpus folder\n");
		return 1;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (replay(argv[1], e->d_name))
			bad++;
		count++;
	}
	closedir(d);
	printf("1..1\n%s 1 - %d inputs replayed\n",
		count && !bad ? "ok" : "not ok", count);
	return 0;
}
