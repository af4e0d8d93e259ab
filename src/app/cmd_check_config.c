/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "app/commands.h"
#include "app/options.h"
#include "config/config.h"
#include "config/settings.h"

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_summary(const char *path, const struct ear_config *config,
	const struct ear_settings *settings)
{
	const struct ear_rules_spec *rules = &settings->rules;
	size_t mirrors = config->mirror_n, databases = config->sql_n;

	printf("%s: %zu listener%s, console %s", path, settings->listeners,
		plural(settings->listeners),
		config->console[0].enabled ? config->console[0].address
					   : "off");
	if (settings->server.n_captures)
		printf(", %zu capture%s", settings->server.n_captures,
			plural(settings->server.n_captures));
	if (rules->n_traces)
		printf(", %zu trace%s", rules->n_traces,
			plural(rules->n_traces));
	if (mirrors)
		printf(", %zu mirror%s", mirrors, plural(mirrors));
	if (databases)
		printf(", %zu database%s", databases, plural(databases));
	if (rules->script[0])
		printf(", script %s", rules->script);
	printf(": well formed\n");
}

int ear_cmd_check_config(int argc, char **argv)
{
	bool keys = false, man = false;
	const struct ear_option options[] = {
		{"keys", 'k', EAR_OPT_FLAG, &keys, NULL,
			"print every key with its default and meaning, as an "
			"example file"},
		{"man", 'm', EAR_OPT_FLAG, &man, NULL,
			"print the same as sections of a manual page"},
	};
	const struct ear_usage usage = {"check-config", "[FILE]",
		"Reads a configuration file as the server would and says "
		"where it is wrong.",
		options, sizeof(options) / sizeof(options[0]), NULL};
	struct ear_config *config = NULL;
	struct ear_settings *settings = NULL;
	struct ear_fault fault = {0};
	enum ear_err err;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (keys)
		ear_config_print_keys(stdout);
	if (man)
		ear_config_print_man(stdout);
	if (keys || man)
		return EAR_EXIT_DONE;
	if (argc != 1) {
		ear_fail(&fault, EAR_USAGE, 0,
			"name one file; --keys shows what may stand in it");
		return ear_command_failed("check-config", &fault);
	}
	err = ear_config_read(argv[0], &config, &fault);
	if (!err)
		err = ear_settings_make(config, &settings, &fault);
	if (!err && (err = ear_rules_check(&settings->rules, &fault)))
		ear_config_blame(config, &fault);
	if (!err)
		print_summary(argv[0], config, settings);
	ear_settings_free(&settings);
	ear_config_free(&config);
	if (err)
		fault.code = EAR_BAD; /* the file is wrong, not the usage */
	return err ? ear_command_failed("check-config", &fault) : EAR_EXIT_DONE;
}
