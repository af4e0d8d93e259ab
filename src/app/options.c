/* SPDX-License-Identifier: Apache-2.0 */
#include "app/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "message/field.h"

/* More than any command has, with --help. */
#define OPTIONS_MAX 32

/* Where the help text of an option begins. */
#define HELP_COLUMN 26
#define WIDTH 79

const char *ear_data_dir(void)
{
	const char *dir = getenv("EARSHOT_DATA");

	return dir && dir[0] ? dir : "./data";
}

/* Text folded at blanks, behind the column that the cursor is at. */
static void print_folded(const char *text, size_t column)
{
	size_t room = WIDTH - column;

	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n > room) {
			for (n = room; n && text[n] != ' ';)
				n--;
			if (!n)
				n = strcspn(text, " \n");
		}
		printf("%.*s\n", (int)n, text);
		text += n;
		while (*text == ' ' || *text == '\n')
			text++;
		if (*text)
			printf("%*s", (int)column, "");
	}
}

static void print_option(const struct ear_option *o)
{
	char head[64];

	snprintf(head, sizeof(head), "  %c%c%s--%s%s%s", o->letter ? '-' : ' ',
		o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
		o->arg ? " " : "", o->arg ? o->arg : "");
	if (strlen(head) + 2 > HELP_COLUMN)
		printf("%s\n%*s", head, HELP_COLUMN, "");
	else
		printf("%-*s", HELP_COLUMN, head);
	print_folded(o->help, HELP_COLUMN);
}

static void print_help(const struct ear_usage *u)
{
	static const struct ear_option help = {
		"help", 'h', EAR_OPT_FLAG, NULL, NULL, "show this"};

	printf("usage: earshot %s [OPTION]…%s%s\n\n", u->command,
		u->operands[0] ? " " : "", u->operands);
	print_folded(u->about, 0);
	printf("\n");
	for (size_t i = 0; i < u->n; i++)
		print_option(&u->options[i]);
	print_option(&help);
	if (u->more)
		printf("\n%s", u->more);
}

static enum ear_err take_one_more(
	struct ear_texts_given *to, const char *value, struct ear_fault *fault)
{
	if (to->n == EAR_OPT_TEXTS_MAX)
		return ear_fail(
			fault, EAR_USAGE, 0, "more than %d", EAR_OPT_TEXTS_MAX);
	to->item[to->n++] = value;
	return EAR_OK;
}

/* One value into where it belongs. */
static enum ear_err take(
	const struct ear_option *o, const char *value, struct ear_fault *fault)
{
	struct ear_slice text = ear_slice_str(value);

	switch (o->type) {
	case EAR_OPT_FLAG: *(bool *)o->to = true; return EAR_OK;
	case EAR_OPT_TEXT: *(const char **)o->to = value; return EAR_OK;
	case EAR_OPT_TEXTS: return take_one_more(o->to, value, fault);
	case EAR_OPT_TIME:
		return ear_time_parse(text, ear_now_ns(), o->to, fault);
	case EAR_OPT_U64:
		if (ear_slice_u64(text, UINT64_MAX, o->to))
			return EAR_OK;
		return ear_fail(
			fault, EAR_USAGE, 0, "'%s' is not a number", value);
	}
	return EAR_OK;
}

/* What getopt_long wants: longs[] and shorts from our rows. */
static void describe(const struct ear_usage *u, struct option *longs,
	char shorts[OPTIONS_MAX * 2 + 4])
{
	size_t at = 0;

	shorts[at++] = ':';
	shorts[at++] = 'h';
	for (size_t i = 0; i < u->n; i++) {
		const struct ear_option *o = &u->options[i];
		bool value = o->type != EAR_OPT_FLAG;

		longs[i] = (struct option){o->name,
			value ? required_argument : no_argument, NULL,
			256 + (int)i};
		if (o->letter) {
			shorts[at++] = o->letter;
			if (value)
				shorts[at++] = ':';
		}
	}
	longs[u->n] = (struct option){"help", no_argument, NULL, 'h'};
	longs[u->n + 1] = (struct option){0};
	shorts[at] = '\0';
}

static const struct ear_option *found(const struct ear_usage *u, int c)
{
	if (c >= 256)
		return &u->options[c - 256];
	for (size_t i = 0; i < u->n; i++) {
		if (u->options[i].letter == c)
			return &u->options[i];
	}
	return NULL;
}

/* The long option that a wrong one looks most like; its value aside. */
static const char *nearest(const struct ear_usage *u, const char *wrong)
{
	struct ear_slice name = ear_slice_str(wrong);
	const char *near = NULL;
	unsigned least = ~0u, distance;

	if (name.n < 4 || name.p[0] != '-' || name.p[1] != '-')
		return NULL;
	name = ear_slice_sub(name, 2, ear_slice_find(name, EAR_S("=")));
	for (size_t i = 0; i < u->n; i++) {
		const char *known = u->options[i].name;

		if (ear_word_alike(name, ear_slice_str(known), &distance) &&
			distance < least) {
			least = distance;
			near = known;
		}
	}
	return near;
}

static void print_wrong(const struct ear_usage *u, int c, const char *word)
{
	const char *near = c == '?' ? nearest(u, word) : NULL;

	fprintf(stderr, "earshot %s: %s %s%s%s%s\n", u->command, word,
		c == ':' ? "needs a value" : "is no option of this command",
		near ? "; do you mean --" : "", near ? near : "",
		near ? "?" : "");
}

static bool wrong(const struct ear_usage *u, int *status)
{
	fprintf(stderr, "Try: earshot %s --help\n", u->command);
	*status = EAR_EXIT_USAGE;
	return false;
}

bool ear_options(
	const struct ear_usage *u, int *argc, char ***argv, int *status)
{
	struct option longs[OPTIONS_MAX + 2];
	char shorts[OPTIONS_MAX * 2 + 4];
	struct ear_fault fault = {0};
	int c;

	describe(u, longs, shorts);
	optind = 1;
	opterr = 0;
	while ((c = getopt_long(*argc, *argv, shorts, longs, NULL)) != -1) {
		const struct ear_option *o;

		if (c == 'h') {
			print_help(u);
			*status = EAR_EXIT_DONE;
			return false;
		}
		if (c == '?' || c == ':') {
			print_wrong(u, c, (*argv)[optind - 1]);
			return wrong(u, status);
		}
		o = found(u, c);
		if (take(o, optarg, &fault)) {
			fprintf(stderr, "earshot %s: --%s: %s\n", u->command,
				o->name, fault.text);
			return wrong(u, status);
		}
	}
	*argc -= optind;
	*argv += optind;
	return true;
}

int ear_command_failed(const char *command, const struct ear_fault *fault)
{
	fprintf(stderr, "earshot %s: %s\n", command, fault->text);
	return fault->code == EAR_USAGE ? EAR_EXIT_USAGE : EAR_EXIT_FAILED;
}
