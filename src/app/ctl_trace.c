/* SPDX-License-Identifier: Apache-2.0 */
/* earshot ctl trace start|list|stop|on|off */
#include <stdio.h>
#include <string.h>

#include "app/ctl.h"
#include "base/size.h"
#include "base/time.h"
#include "message/expr.h"
#include "message/field.h"

#define TRACING_OFF                                                       \
	"Tracing is OFF as a whole: no trace takes anything but rows of " \
	"traced users.\nOn: earshot ctl siptrace.status on\n"

struct start {
	const char *rule, *scope, *for_, *name, *table, *correlation;
	const char *keep_before, *count, *size, *why;
	struct ear_texts_given users, mirrors;
	bool off;
};

static void set_text(json_t *params, const char *name, const char *text)
{
	if (text)
		json_object_set_new(params, name, json_string(text));
}

static void set_texts(
	json_t *params, const char *name, const struct ear_texts_given *texts)
{
	json_t *list;

	if (!texts->n)
		return;
	list = json_array();
	for (size_t i = 0; i < texts->n; i++)
		json_array_append_new(list, json_string(texts->item[i]));
	json_object_set_new(params, name, list);
}

static json_t *start_params(const struct start *s)
{
	json_t *params = json_object();

	set_text(params, "rule", s->rule);
	set_text(params, "scope", s->scope);
	set_text(params, "for", s->for_);
	set_text(params, "name", s->name);
	set_texts(params, "traced_user", &s->users);
	set_text(params, "table", s->table);
	set_texts(params, "mirrors", &s->mirrors);
	set_text(params, "correlation", s->correlation);
	set_text(params, "keep_before", s->keep_before);
	set_text(params, "max_messages", s->count);
	set_text(params, "max_size", s->size);
	set_text(params, "why", s->why);
	if (s->off)
		json_object_set_new(params, "on", json_false());
	return params;
}

/* Told here, with the place under a caret, and not after asking. */
static bool rule_is_wrong(const struct ear_ctl *ctl, const char *rule)
{
	struct ear_slice text = ear_slice_str(rule);
	struct ear_expr *expr = NULL;
	struct ear_fault fault = {0};
	struct ear_buf out = {0};
	enum ear_err err = ear_expr_new(text, ear_now_ns(), &expr, &fault);

	ear_expr_free(&expr);
	if (err != EAR_USAGE)
		return false;
	ear_expr_explain(text, &fault, &out);
	fprintf(stderr, "earshot %s: --rule is not understood\n%.*s",
		ctl->command, EAR_FMT(ear_buf_view(&out)));
	ear_buf_fini(&out);
	return true;
}

static void print_started(const json_t *result)
{
	uint64_t until_ns = ear_ctl_time(result, "until");
	char at[EAR_TIME_TEXT] = "";

	ear_time_human(until_ns, true, at);
	printf("%s runs%s%s\n", ear_ctl_text(result, "name"),
		until_ns ? " until " : "", until_ns ? at : "");
}

/* Somebody who has just begun a trace should not wait in vain. */
static void tell_when_off(const struct ear_ctl *ctl)
{
	json_t *state = NULL;

	if (!ear_ctl_call(ctl, "siptrace.status", json_pack("[s]", "check"),
		    &state) &&
		json_is_string(state) &&
		!strcmp(json_string_value(state), "Disabled"))
		fprintf(stderr, TRACING_OFF);
	json_decref(state);
}

static int start(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl trace start", ear_data_dir(), false};
	struct start s = {0};
	const struct ear_option options[] = {
		{"rule", 'r', EAR_OPT_TEXT, &s.rule, "EXPR",
			"what it takes, as for earshot search; without one "
			"all"},
		{"scope", 's', EAR_OPT_TEXT, &s.scope, "SCOPE",
			"message, transaction or dialog: what belongs to a "
			"message that it took; default message"},
		{"for", 'f', EAR_OPT_TEXT, &s.for_, "TIME",
			"how long, as 10m; 0s: until it is stopped; without "
			"any end 15m"},
		{"count", 'n', EAR_OPT_TEXT, &s.count, "N",
			"ends after so many messages"},
		{"size", 0, EAR_OPT_TEXT, &s.size, "SIZE",
			"ends after so many bytes of messages, as 10M"},
		{"user", 'u', EAR_OPT_TEXTS, &s.users, "NAME",
			"traced user: one row more in sip_trace; again for "
			"several; {from.user} is filled in"},
		{"mirror", 'm', EAR_OPT_TEXTS, &s.mirrors, "NAME",
			"mirror or sql section that gets it; again for "
			"several; without one all that take traced messages"},
		{"table", 0, EAR_OPT_TEXT, &s.table, "NAME",
			"table for its rows in SQL databases"},
		{"correlation", 0, EAR_OPT_TEXT, &s.correlation, "TEXT",
			"correlation id of its messages; fields in braces are "
			"filled in"},
		{"keep-before", 0, EAR_OPT_TEXT, &s.keep_before, "TIME",
			"also so much of the conversation from before, out of "
			"the flight recorder"},
		{"name", 0, EAR_OPT_TEXT, &s.name, "NAME",
			"its name; without one it gets one, as t7"},
		{"off", 0, EAR_OPT_FLAG, &s.off, NULL, "begins switched off"},
		{"why", 'w', EAR_OPT_TEXT, &s.why, "TEXT",
			"what it is for, shown to people"},
		EAR_CTL_OPTIONS(ctl),
	};
	const struct ear_usage usage = {ctl.command, "[EXPR]",
		"Starts to follow something. It ends by itself, survives a "
		"restart of the server, and says who asked.",
		options, sizeof(options) / sizeof(options[0]),
		"  earshot ctl trace start --rule 'user == alice' --scope "
		"dialog --for 10m\n"
		"  earshot ctl trace start 'status in (500, 503)' --scope "
		"dialog --keep-before 2m\n"};
	json_t *result;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc == 1 && !s.rule)
		s.rule = argv[0];
	else if (argc)
		return ear_ctl_wrong(&ctl,
			"'%s' is too much; an expression "
			"stands in quotes",
			argv[0]);
	if (s.rule && rule_is_wrong(&ctl, s.rule))
		return EAR_EXIT_USAGE;
	status = ear_ctl_call(&ctl, "trace.start", start_params(&s), &result);
	if (!status && ctl.json)
		ear_ctl_print(result);
	else if (!status)
		print_started(result);
	if (!status && !ctl.json)
		tell_when_off(&ctl);
	json_decref(result);
	return status;
}

/* "9 min left", or why and when it ended. */
static void end_text(const json_t *trace, uint64_t now_ns, char *out, size_t n)
{
	uint64_t until_ns = ear_ctl_time(trace, "until");
	const char *end = ear_ctl_text(trace, "end");
	char text[EAR_TIME_TEXT];

	if (strcmp(end, "runs") != 0) {
		snprintf(out, n, "%s", end);
	} else if (until_ns > now_ns) {
		ear_duration_text(until_ns - now_ns, text);
		snprintf(out, n, "%s left", text);
	} else {
		snprintf(out, n, "%s",
			ear_ctl_true(trace, "standing") ? "standing"
							: "no end");
	}
}

static const char *state_of(const json_t *trace)
{
	if (strcmp(ear_ctl_text(trace, "end"), "runs") != 0)
		return "ended";
	return ear_ctl_true(trace, "on") ? "on" : "off";
}

static void list_row(
	struct ear_answer *answer, const json_t *trace, uint64_t now_ns)
{
	static const char *const names[] = {"NAME", "STATE", "ENDS", "SCOPE",
		"MESSAGES", "SIZE", "CALL-IDS", "RULE", "BY", "WHY"};
	const char *rule = ear_ctl_text(trace, "rule");
	char ends[80], messages[24], size[EAR_SIZE_TEXT], open[24];
	const char *const cells[] = {ear_ctl_text(trace, "name"),
		state_of(trace), ends, ear_ctl_text(trace, "scope"), messages,
		size, open,
		rule[0]                         ? rule
		: ear_ctl_true(trace, "script") ? "(script)"
						: "(all)",
		ear_ctl_text(trace, "by"), ear_ctl_text(trace, "why")};

	end_text(trace, now_ns, ends, sizeof(ends));
	snprintf(messages, sizeof(messages), "%llu",
		(unsigned long long)ear_ctl_number(trace, "messages"));
	snprintf(open, sizeof(open), "%llu",
		(unsigned long long)ear_ctl_number(trace, "conversations"));
	ear_size_text(ear_ctl_number(trace, "bytes"), size);
	if (!answer->columns) {
		ear_ctl_row(
			answer, names, NULL, sizeof(names) / sizeof(names[0]));
		answer->columns = sizeof(names) / sizeof(names[0]);
	}
	ear_ctl_row(answer, names, cells, sizeof(names) / sizeof(names[0]));
}

static void print_list(const json_t *result)
{
	struct ear_answer answer = {.term = ear_term_stdout()};
	const json_t *traces = json_object_get(result, "traces");
	uint64_t now_ns = ear_now_ns();
	json_t *trace;
	size_t i;

	json_array_foreach(traces, i, trace)
	{
		list_row(&answer, trace, now_ns);
	}
	ear_answer_end(&answer);
	fflush(stdout);
	if (!json_array_size(traces))
		fprintf(stderr, "Nothing is followed. To begin: earshot ctl "
				"trace start --help\n");
	if (!ear_ctl_true(result, "on"))
		fprintf(stderr, TRACING_OFF);
}

static int list(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl trace list", ear_data_dir(), false};
	const struct ear_option options[] = {EAR_CTL_OPTIONS(ctl)};
	const struct ear_usage usage = {ctl.command, "",
		"What is followed, by whom, until when, and how much it was "
		"so far; ended ones last.",
		options, 2, NULL};
	json_t *result;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc)
		return ear_ctl_wrong(&ctl, "'%s' is too much", argv[0]);
	status = ear_ctl_call(&ctl, "trace.list", NULL, &result);
	if (!status && ctl.json)
		ear_ctl_print(result);
	else if (!status)
		print_list(result);
	json_decref(result);
	return status;
}

/* stop, on and off have the same face: names of traces. */
static int change(int argc, char **argv)
{
	bool stops = !strcmp(argv[0], "stop"), on = !strcmp(argv[0], "on");
	struct ear_ctl ctl = {stops ? "ctl trace stop"
			      : on  ? "ctl trace on"
				    : "ctl trace off",
		ear_data_dir(), false};
	const struct ear_option options[] = {EAR_CTL_OPTIONS(ctl)};
	const struct ear_usage usage = {ctl.command, "NAME…",
		stops ? "Ends orders. Standing traces end by the "
			"configuration alone; off lets them rest."
		      : "Switches traces, without ending them.",
		options, 2, NULL};
	json_t *result;
	int status = EAR_EXIT_DONE;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (!argc)
		return ear_ctl_wrong(&ctl, "which? earshot ctl trace list "
					   "has the names");
	for (int i = 0; i < argc && !status; i++) {
		if (stops)
			status = ear_ctl_call(&ctl, "trace.stop",
				json_pack("{ss}", "name", argv[i]), &result);
		else
			status = ear_ctl_call(&ctl, "trace.switch",
				json_pack("{sssb}", "name", argv[i], "on",
					(int)on),
				&result);
		if (!status)
			printf("%s %s\n", argv[i],
				stops ? "stopped"
				: on  ? "is on"
				      : "is off");
		json_decref(result);
	}
	return status;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} words[] = {{"start", start}, {"list", list}, {"stop", change}, {"on", change},
	{"off", change}};

int ear_ctl_trace(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl trace", NULL, false};
	const char *name = argc > 1 ? argv[1] : "list";

	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		printf("usage: earshot ctl trace start|list|stop|on|off "
		       "[OPTION]… [NAME]…\n\n"
		       "What is followed on the running server. earshot ctl "
		       "trace start --help tells\nmore of starting.\n");
		return EAR_EXIT_DONE;
	}
	if (name[0] == '-')
		return list(argc, argv);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(name, words[i].name))
			return words[i].run(argc > 1 ? argc - 1 : argc,
				argc > 1 ? argv + 1 : argv);
	return ear_ctl_wrong(
		&ctl, "start, list, stop, on or off, not '%s'", name);
}
