/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Command-line options as one table a command: what getopt_long parses, what
 * --help prints and what is wrong come from its rows.
 *
 *     struct search_options o = {.limit = 100};
 *     const struct ear_option options[] = {
 *             EAR_OPTION_DATA(&o.data),
 *             {"limit", 'n', EAR_OPT_U64, &o.limit, "N", "most messages"},
 *     };
 *     const struct ear_usage usage = {"search", "[EXPR]",
 *             "Finds messages.", options, 2};
 *     int status;
 *
 *     if (!ear_options(&usage, &argc, &argv, &status))
 *             return status;
 */
#ifndef EAR_APP_OPTIONS_H
#define EAR_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** Exit status of every command. */
enum { EAR_EXIT_DONE = 0, EAR_EXIT_FAILED = 1, EAR_EXIT_USAGE = 2 };

enum ear_option_type {
	EAR_OPT_FLAG,  /**< bool: becomes true */
	EAR_OPT_TEXT,  /**< const char *: borrowed from argv */
	EAR_OPT_TEXTS, /**< struct ear_texts_given: may be given several times
			*/
	EAR_OPT_U64,   /**< uint64_t: a decimal number */
	EAR_OPT_TIME, /**< uint64_t: ns since 1970, as ear_time_parse() reads */
};

/** Most times that an option may be given. */
#define EAR_OPT_TEXTS_MAX 16

struct ear_texts_given {
	const char *item[EAR_OPT_TEXTS_MAX]; /**< borrowed from argv */
	size_t n;
};

struct ear_option {
	const char *name; /**< long name, without dashes */
	char letter;      /**< short name; 0 for none */
	enum ear_option_type type;
	void *to;        /**< where the value goes; holds the default */
	const char *arg; /**< what the value is called; NULL for flags */
	const char *help;
};

/** The option that every command has. Its default is ear_data_dir(). */
#define EAR_OPTION_DATA(to)                                                  \
	{                                                                    \
		"data", 'd', EAR_OPT_TEXT, (to), "DIR",                      \
			"data directory; default $EARSHOT_DATA, else ./data" \
	}
#define EAR_OPTION_JSON(to)                             \
	{                                               \
		"json", 'j', EAR_OPT_FLAG, (to), NULL,  \
			"print JSON, one object a line" \
	}

struct ear_usage {
	const char *command;  /**< as "search" */
	const char *operands; /**< as "[EXPR]"; may be "" */
	const char *about;    /**< one or more sentences, wrapped when shown */
	const struct ear_option *options;
	size_t n;
	const char *more; /**< shown last, as it is: examples; may be NULL */
};

/** $EARSHOT_DATA, else "./data". */
const char *ear_data_dir(void);

/**
 * Parse. On return *argc and *argv are the operands.
 *
 * @return true to go on; false to return *status: --help was shown, or the
 *         command was used wrongly and the error says how
 */
bool ear_options(
	const struct ear_usage *usage, int *argc, char ***argv, int *status);

/** "earshot search: text" on standard error. @return EAR_EXIT_FAILED, or
 *  EAR_EXIT_USAGE when the fault says so */
int ear_command_failed(const char *command, const struct ear_fault *fault);

#endif
