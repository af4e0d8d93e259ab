/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/ctl.h"
#include "base/time.h"
#include "console/control_client.h"
#include "message/field.h"

/* For a whole configuration to be read and applied, too. */
#define WAIT_MS 30000

/* A method that is named by its own name: parameters in order, as text. */
static int call_named(int argc, char **argv);

int ear_ctl_wrong(const struct ear_ctl *ctl, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "earshot %s: ", ctl->command);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fprintf(stderr, "\nTry: earshot %s --help\n", ctl->command);
	return EAR_EXIT_USAGE;
}

int ear_ctl_call(const struct ear_ctl *ctl, const char *method, json_t *params,
	json_t **result)
{
	char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;
	struct ear_fault fault = {0};
	struct ear_buf answer = {0};
	enum ear_err err = ear_control_call(
		ctl->data, method, text, &answer, WAIT_MS, &fault);

	*result = err ? NULL
		      : json_loadb(answer.p, answer.n, JSON_DECODE_ANY, NULL);
	if (!err && !*result)
		ear_fail(&fault, EAR_BAD, 0,
			"the server's answer is not understood");
	ear_buf_fini(&answer);
	free(text);
	json_decref(params);
	return *result ? EAR_EXIT_DONE
		       : ear_command_failed(ctl->command, &fault);
}

int ear_ctl_print(const json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	printf("\n");
	return EAR_EXIT_DONE;
}

const char *ear_ctl_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

uint64_t ear_ctl_number(const json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));

	return n > 0 ? (uint64_t)n : 0;
}

uint64_t ear_ctl_time(const json_t *object, const char *name)
{
	uint64_t at_ns = 0;
	struct ear_slice text = ear_slice_str(ear_ctl_text(object, name));

	if (!text.n || ear_time_parse(text, ear_now_ns(), &at_ns, NULL))
		return 0;
	return at_ns;
}

bool ear_ctl_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

void ear_ctl_row(struct ear_answer *answer, const char *const *names,
	const char *const *cells, size_t n)
{
	struct ear_sql_cell cell[EAR_CTL_COLUMNS];

	for (size_t i = 0; cells && i < n; i++)
		cell[i] = (struct ear_sql_cell){
			.type = EAR_SQL_TEXT, .text = ear_slice_str(cells[i])};
	ear_answer_row(&(struct ear_sql_row){.columns = n,
			       .names = names,
			       .cells = cells ? cell : NULL},
		answer);
}

static int level(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl level", ear_data_dir(), false};
	const struct ear_option options[] = {EAR_CTL_OPTIONS(ctl)};
	const struct ear_usage usage = {ctl.command, "[LEVEL]",
		"Shows the least level of lines that the server logs, or sets "
		"it: debug, info, notice, warning or error. Until the server "
		"ends or reads its configuration again.",
		options, 2, NULL};
	json_t *result;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc > 1)
		return ear_ctl_wrong(&ctl, "'%s' is too much", argv[1]);
	status = ear_ctl_call(&ctl, "log.level",
		argc ? json_pack("[s]", argv[0]) : NULL, &result);
	if (!status && ctl.json)
		ear_ctl_print(result);
	else if (!status)
		printf("%s\n", json_string_value(result));
	json_decref(result);
	return status;
}

static int reload(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl reload", ear_data_dir(), false};
	const struct ear_option options[] = {EAR_CTL_OPTIONS(ctl)};
	const struct ear_usage usage = {ctl.command, "",
		"Has the server read its configuration again. It is applied as "
		"a whole or not at all, and no message is lost; what only a "
		"restart can change is named.",
		options, 2, NULL};
	json_t *result, *line;
	size_t i;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc)
		return ear_ctl_wrong(&ctl, "'%s' is too much", argv[0]);
	status = ear_ctl_call(&ctl, "reload", NULL, &result);
	if (!status && ctl.json) {
		ear_ctl_print(result);
	} else if (!status) {
		printf("The configuration was read again and is in force.\n");
		json_array_foreach(
			json_object_get(result, "needs_restart"), i, line)
		{
			printf("%s\n", json_string_value(line));
		}
	}
	json_decref(result);
	return status;
}

static int hlog(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl hlog", ear_data_dir(), false};
	const char *correlation = "";
	const struct ear_option options[] = {
		{"correlation", 'c', EAR_OPT_TEXT, &correlation, "CALL-ID",
			"conversation that it belongs to"},
		EAR_CTL_OPTIONS(ctl),
	};
	const struct ear_usage usage = {ctl.command, "TEXT",
		"Puts a line into the record: it is kept, mirrored and shown "
		"in the ladder of its conversation, where it happened.",
		options, 3,
		"  earshot ctl hlog 'trunk 2 taken out' -c a84b4c76e66710\n"};
	json_t *result;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc != 1)
		return ear_ctl_wrong(&ctl, "one text, in quotes");
	status = ear_ctl_call(&ctl, "hlog",
		json_pack(
			"{ssss}", "text", argv[0], "correlation", correlation),
		&result);
	if (!status && ctl.json)
		ear_ctl_print(result);
	json_decref(result);
	return status;
}

static int raw(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl raw", ear_data_dir(), true};
	const struct ear_option options[] = {EAR_CTL_OPTIONS(ctl)};
	const struct ear_usage usage = {ctl.command, "METHOD [PARAMS]",
		"Calls a method with parameters in JSON and prints its result "
		"in JSON. rpc.list names the methods.",
		options, 2,
		"  earshot ctl raw rpc.list\n"
		"  earshot ctl raw trace.stop '{\"name\":\"t7\"}'\n"};
	json_t *params = NULL, *result;
	json_error_t error;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc < 1 || argc > 2)
		return ear_ctl_wrong(&ctl, "a method, and its parameters as "
					   "one JSON object or array");
	if (argc == 2)
		params = json_loads(argv[1], 0, &error);
	if (argc == 2 && !params)
		return ear_ctl_wrong(&ctl,
			"parameters: %s, at character %d of %s", error.text,
			error.column, argv[1]);
	status = ear_ctl_call(&ctl, argv[0], params, &result);
	if (!status)
		ear_ctl_print(result);
	json_decref(result);
	return status;
}

static const struct word {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} words[] = {
	{"trace", ear_ctl_trace,
		"start, list, stop, on, off: what is followed"},
	{"mirrors", ear_ctl_mirrors, "mirrors and SQL stores, and how they do"},
	{"status", ear_cmd_status, "what earshot status says"},
	{"ledger", ear_ctl_ledger, "what became of everything that came in"},
	{"notices", ear_ctl_notices, "what an operator must know; --follow"},
	{"level", level, "show or set the log's level"},
	{"reload", reload, "read the configuration again"},
	{"hlog", hlog, "put a line into a conversation"},
	{"raw", raw, "any method, parameters and result in JSON"},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static int print_help(void)
{
	printf("usage: earshot ctl WORD [OPTION]… [ARGUMENT]…\n"
	       "       earshot ctl METHOD [PARAMETER]…\n\n"
	       "Asks and steers the running server of a data directory, by "
	       "its socket\nDIR/control.sock.\n\n");
	for (size_t i = 0; i < WORDS; i++)
		printf("  %-12s%s\n", words[i].name, words[i].help);
	printf("\nMethods are called by their names, as earshot ctl raw "
	       "rpc.list gives them:\n\n"
	       "  earshot ctl siptrace.status check\n"
	       "  earshot ctl siptrace.status off\n"
	       "  earshot ctl trace start --rule 'user == alice' --scope "
	       "dialog --for 10m\n"
	       "  earshot ctl trace list\n"
	       "  earshot ctl trace stop t7\n"
	       "  earshot ctl mirrors\n"
	       "  earshot ctl level debug\n"
	       "  earshot ctl notices --follow\n"
	       "  earshot ctl reload\n\n"
	       "Every word takes --data DIR, --json and --help.\n");
	return EAR_EXIT_DONE;
}

static int call_named(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl", ear_data_dir(), false};
	const struct ear_option options[] = {EAR_CTL_OPTIONS(ctl)};
	const struct ear_usage usage = {ctl.command, "METHOD [PARAMETER]…",
		"Calls a method with parameters in their order.", options, 2,
		NULL};
	const char *method = argv[0];
	json_t *params, *result;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	params = argc ? json_array() : NULL;
	for (int i = 0; i < argc; i++)
		json_array_append_new(params, json_string(argv[i]));
	status = ear_ctl_call(&ctl, method, params, &result);
	if (!status && !ctl.json && json_is_string(result))
		printf("%s\n", json_string_value(result));
	else if (!status)
		ear_ctl_print(result);
	json_decref(result);
	return status;
}

static int unknown(const char *name)
{
	const char *near = NULL;
	unsigned least = ~0u, distance;

	for (size_t i = 0; i < WORDS; i++) {
		if (ear_word_alike(ear_slice_str(name),
			    ear_slice_str(words[i].name), &distance) &&
			distance < least) {
			least = distance;
			near = words[i].name;
		}
	}
	fprintf(stderr, "earshot ctl: there is no '%s'%s%s%s\n", name,
		near ? "; do you mean " : "", near ? near : "",
		near ? "?" : "");
	fprintf(stderr, "Try: earshot ctl --help\n");
	return EAR_EXIT_USAGE;
}

/* Options that stand before the word go behind it. */
static void turn_options(int argc, char **argv)
{
	int n = 1;

	while (n < argc && argv[n][0] == '-' &&
		strcmp(argv[n], "--help") != 0 && strcmp(argv[n], "-h") != 0)
		n += !strcmp(argv[n], "-d") || !strcmp(argv[n], "--data") ? 2
									  : 1;
	if (n >= argc)
		return;
	for (; n > 1; n--) {
		char *first = argv[1];

		memmove(&argv[1], &argv[2],
			(size_t)(argc - 2) * sizeof(argv[0]));
		argv[argc - 1] = first;
	}
}

int ear_cmd_ctl(int argc, char **argv)
{
	const char *name;

	turn_options(argc, argv);
	name = argc > 1 ? argv[1] : "";
	if (!name[0] || !strcmp(name, "help")) {
		print_help();
		return name[0] ? EAR_EXIT_DONE : EAR_EXIT_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return print_help();
	for (size_t i = 0; i < WORDS; i++)
		if (!strcmp(name, words[i].name))
			return words[i].run(argc - 1, argv + 1);
	/* methods have a dot, but for a few that are words above as well */
	if (strchr(name, '.') || !strcmp(name, "ping") || !strcmp(name, "stop"))
		return call_named(argc - 1, argv + 1);
	return unknown(name);
}
