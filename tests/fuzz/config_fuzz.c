/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the configuration file, then as settings of the parts. */
#include <stdlib.h>
#include <unistd.h>

#include "config/settings.h"

/* "include" would open files of this machine. */
static int has_include(const uint8_t *data, size_t size)
{
	struct ear_slice text = ear_slice(data, size);

	return ear_slice_find(text, EAR_S("include")) < text.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/earshot-fuzz-XXXXXX";
	struct ear_config *config;
	struct ear_settings *settings = NULL;
	struct ear_fault fault = {0};
	enum ear_err err;
	int fd;

	if (has_include(data, size))
		return 0;
	fd = mkstemp(path);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
	err = ear_config_read(path, &config, &fault);
	if (err && !fault.text[0])
		abort();
	if (!err) {
		err = ear_settings_make(config, &settings, &fault);
		if (err && !fault.text[0])
			abort();
	}
	unlink(path);
	ear_settings_free(&settings);
	ear_config_free(&config);
	return 0;
}
