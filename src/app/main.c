/* SPDX-License-Identifier: Apache-2.0 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/options.h"
#include "app/version.h"
#include "base/sqlite.h"
#include "message/field.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
#define X(name, function, help) {name, function, help},
#include "app/commands.def"
#undef X
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_help(void)
{
	printf("Earshot %s records the conversations that servers hold, keeps "
	       "them, and finds\nthem again.\n\n"
	       "usage: earshot COMMAND [OPTION]…\n\n",
		EAR_VERSION);
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-15s%s\n", commands[i].name, commands[i].help);
	printf("\nearshot COMMAND --help tells more of one. To begin: "
	       "earshot serve\n");
	return EAR_EXIT_DONE;
}

static int unknown(const char *name)
{
	const char *near = NULL;
	unsigned least = ~0u, distance;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (ear_word_alike(ear_slice_str(name),
			    ear_slice_str(commands[i].name), &distance) &&
			distance < least) {
			least = distance;
			near = commands[i].name;
		}
	}
	if (name[0] == '-') {
		fprintf(stderr,
			"earshot: %s stands before the command; options come "
			"behind it, as in earshot search --data DIR\n"
			"Try: earshot --help\n",
			name);
		return EAR_EXIT_USAGE;
	}
	fprintf(stderr, "earshot: there is no command '%s'", name);
	if (near)
		fprintf(stderr, "; do you mean %s?", near);
	fprintf(stderr, "\nTry: earshot --help\n");
	return EAR_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "help";

	/* not LC_NUMERIC: JSON has points */
	setlocale(LC_CTYPE, "");
	/* A reader that goes away is a short write, not a death. */
	signal(SIGPIPE, SIG_IGN);
	ear_sql_begin();
	if (!strcmp(name, "help") && argc > 2 && argv[2][0] != '-') {
		static char flag[] = "--help";
		char *ask[] = {argv[2], flag, NULL};

		for (size_t i = 0; i < COMMANDS; i++) {
			if (!strcmp(argv[2], commands[i].name))
				return commands[i].run(2, ask);
		}
		return unknown(argv[2]);
	}
	if (!strcmp(name, "help") || !strcmp(name, "--help") ||
		!strcmp(name, "-h"))
		return print_help();
	if (!strcmp(name, "--version") || !strcmp(name, "version") ||
		!strcmp(name, "-V")) {
		printf("earshot %s\n", EAR_VERSION);
		return EAR_EXIT_DONE;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(name, commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	return unknown(name);
}
