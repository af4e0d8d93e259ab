/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The text of a configuration as libconfuse gets it: with the files that it
 * includes in their places, and blanks for comments. libconfuse 3.3 counts
 * lines behind comments wrongly, and after a fault in files that include one
 * another it keeps them open, and after ten such includes nothing again.
 */
#ifndef EAR_CONFIG_TEXT_H
#define EAR_CONFIG_TEXT_H

#include "base/buf.h"

/** Most files that one configuration includes, and within one another. */
#define CONFIG_INCLUDES 64
#define CONFIG_DEEP 8

/** Some lines of one file. */
struct config_part {
	unsigned first; /**< line of the whole, from 1, at which they begin */
	unsigned line;  /**< the same line in the file */
	const char *file;
};

struct config_text {
	struct ear_buf all; /**< a NUL behind it */
	unsigned line;      /**< the last of the whole */
	/* each file goes on behind what it includes */
	struct config_part part[2 * CONFIG_INCLUDES + 1];
	size_t parts;
	char *file[CONFIG_INCLUDES + 1];
	size_t files;
};

/**
 * Read a file and what it includes.
 *
 * @param out  zeroed; config_text_fini() in any case
 * @param path NULL: it is text, and called "configuration"
 * @return EAR_OK; EAR_USAGE with file and line: what is included cannot be
 *         read, a brace, quote or comment never ends; else as
 *         ear_whole_read()
 */
EAR_MUST_USE enum ear_err config_text_read(struct config_text *out,
	const char *path, const char *text, struct ear_fault *fault);

/** Where a line of the whole is; NULL is no file. */
const char *config_text_place(
	const struct config_text *text, unsigned line, unsigned *of_file);

void config_text_fini(struct config_text *text);

#endif
