/* SPDX-License-Identifier: Apache-2.0 */
/* earshot ctl mirrors, ledger, notices: what a server says of itself. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/ctl.h"
#include "base/ledger.h"
#include "base/time.h"

#define FOLLOW_S 1

/* Parse, ask, and print where JSON is wanted. @param result NULL: all done */
static int ask(struct ear_ctl *ctl, const char *about, const char *method,
	int argc, char **argv, json_t **result)
{
	const struct ear_option options[] = {EAR_CTL_OPTIONS(*ctl)};
	const struct ear_usage usage = {
		ctl->command, "", about, options, 2, NULL};
	int status;

	*result = NULL;
	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc)
		return ear_ctl_wrong(ctl, "'%s' is too much", argv[0]);
	status = ear_ctl_call(ctl, method, NULL, result);
	if (!status && ctl->json) {
		ear_ctl_print(*result);
		json_decref(*result);
		*result = NULL;
	}
	return status;
}

static const char *mirror_state(const json_t *m)
{
	if (ear_ctl_true(m, "full"))
		return "full: losing";
	if (ear_ctl_true(m, "connected"))
		return ear_ctl_number(m, "lag_ms") > 10000 ? "behind"
							   : "connected";
	return ear_ctl_text(m, "trouble")[0] ? "trouble" : "connecting";
}

static void mirror_row(struct ear_answer *answer, const json_t *m)
{
	static const char *const names[] = {"NAME", "KIND", "TO", "STATE",
		"LAG", "WAITING", "DELIVERED", "LOST", "LAST TROUBLE"};
	/* what went wrong is long: on a terminal it stands below the table */
	size_t n = sizeof(names) / sizeof(names[0]) - answer->term.tty;
	char lag[EAR_TIME_TEXT] = "-", count[3][24];
	static const char *const counted[] = {"waiting", "delivered", "lost"};
	const char *const cells[] = {ear_ctl_text(m, "name"),
		ear_ctl_text(m, "kind"), ear_ctl_text(m, "to"), mirror_state(m),
		lag, count[0], count[1], count[2], ear_ctl_text(m, "trouble")};

	if (ear_ctl_number(m, "lag_ms"))
		ear_duration_text(ear_ctl_number(m, "lag_ms") * EAR_MS_NS, lag);
	for (size_t i = 0; i < 3; i++)
		snprintf(count[i], sizeof(count[i]), "%llu",
			(unsigned long long)ear_ctl_number(m, counted[i]));
	if (!answer->columns)
		ear_ctl_row(answer, names, NULL, n);
	answer->columns = n;
	ear_ctl_row(answer, names, cells, n);
}

static void print_troubles(const json_t *list)
{
	const json_t *m;
	size_t i, shown = 0;

	json_array_foreach(list, i, m)
	{
		const char *trouble = ear_ctl_text(m, "trouble");

		if (!trouble[0])
			continue;
		printf("%s%s: ", shown++ ? "" : "\n", ear_ctl_text(m, "name"));
		ear_term_print(trouble);
		printf("\n");
	}
}

int ear_ctl_mirrors(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl mirrors", ear_data_dir(), false};
	struct ear_answer answer = {.term = ear_term_stdout()};
	json_t *result, *m;
	int status = ask(&ctl,
		"Mirrors and SQL stores: where copies go, and how far they "
		"are behind.",
		"mirror.list", argc, argv, &result);
	const json_t *list = json_object_get(result, "mirrors");
	size_t i;

	json_array_foreach(list, i, m)
	{
		mirror_row(&answer, m);
	}
	ear_answer_end(&answer);
	if (answer.term.tty)
		print_troubles(list);
	if (result && !json_array_size(list))
		fprintf(stderr, "There is no mirror. A section mirror in the "
				"configuration makes one: earshot check-config "
				"--keys\n");
	json_decref(result);
	return status;
}

/* Columns are the counters that counted something. */
static size_t counted(const json_t *lines, enum ear_count which[EAR_N_COUNT])
{
	size_t n = 0, i;
	json_t *line;

	for (unsigned c = 0; c < EAR_N_COUNT && n < EAR_CTL_COLUMNS - 2; c++) {
		bool some = false;

		json_array_foreach(lines, i, line)
		{
			some |= ear_ctl_number(line,
					ear_count_key((enum ear_count)c)) > 0;
		}
		if (some)
			which[n++] = (enum ear_count)c;
	}
	return n;
}

static void print_ledger(const json_t *lines)
{
	struct ear_answer answer = {.term = ear_term_stdout()};
	const char *names[EAR_CTL_COLUMNS] = {"tap", "source"};
	const char *cells[EAR_CTL_COLUMNS];
	char number[EAR_CTL_COLUMNS][24];
	enum ear_count which[EAR_N_COUNT];
	size_t n = counted(lines, which), i;
	json_t *line;

	for (size_t c = 0; c < n; c++)
		names[c + 2] = ear_count_key(which[c]);
	if (json_array_size(lines))
		ear_ctl_row(&answer, names, NULL, n + 2);
	else
		fprintf(stderr, "Nothing has come in yet.\n");
	json_array_foreach(lines, i, line)
	{
		cells[0] = ear_ctl_text(line, "tap");
		cells[1] = ear_ctl_text(line, "source");
		for (size_t c = 0; c < n; c++) {
			snprintf(number[c], sizeof(number[c]), "%llu",
				(unsigned long long)ear_ctl_number(
					line, names[c + 2]));
			cells[c + 2] = number[c];
		}
		ear_ctl_row(&answer, names, cells, n + 2);
	}
	ear_answer_end(&answer);
}

int ear_ctl_ledger(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl ledger", ear_data_dir(), false};
	json_t *result;
	int status = ask(&ctl,
		"What became of everything that came in, per tap and source, "
		"since the server began.",
		"ledger", argc, argv, &result);

	if (result)
		print_ledger(json_object_get(result, "ledger"));
	json_decref(result);
	return status;
}

/* Newest first as the server gives them; shown oldest first. What was shown
 * before is known by its time and how many have that. */
struct shown {
	char at[EAR_TIME_TEXT];
	size_t same;
};

static void print_line(const char *at, const char *event, const char *text)
{
	printf("%s  %s: ", at, event);
	ear_term_print(text);
	printf("\n");
}

static void print_new(const json_t *notices, bool json, struct shown *shown)
{
	size_t same = 0, i = json_array_size(notices);

	while (i-- > 0) {
		const json_t *n = json_array_get(notices, i);
		const char *at = ear_ctl_text(n, "at");
		int order = strcmp(at, shown->at);

		if (order < 0 || (order == 0 && ++same <= shown->same))
			continue;
		if (order > 0) {
			snprintf(shown->at, sizeof(shown->at), "%s", at);
			same = 1;
		}
		shown->same = same;
		if (json)
			ear_ctl_print(n);
		else
			print_line(at, ear_ctl_text(n, "event"),
				ear_ctl_text(n, "text"));
	}
	fflush(stdout);
}

int ear_ctl_notices(int argc, char **argv)
{
	struct ear_ctl ctl = {"ctl notices", ear_data_dir(), false};
	bool follow = false;
	const struct ear_option options[] = {
		{"follow", 'f', EAR_OPT_FLAG, &follow, NULL,
			"go on showing new ones"},
		EAR_CTL_OPTIONS(ctl),
	};
	const struct ear_usage usage = {ctl.command, "",
		"What an operator must know: changes and who made them, "
		"losses, full disks. The last 64.",
		options, 3, NULL};
	struct shown shown = {0};
	json_t *result;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc)
		return ear_ctl_wrong(&ctl, "'%s' is too much", argv[0]);
	do {
		status = ear_ctl_call(&ctl, "notices", NULL, &result);
		if (!status)
			print_new(result, ctl.json, &shown);
		json_decref(result);
	} while (!status && follow && !ferror(stdout) && !sleep(FOLLOW_S));
	return status;
}
