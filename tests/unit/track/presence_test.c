/* SPDX-License-Identifier: Apache-2.0 */
/* One scene per rule of docs/sessions.md, and what comes of it. */
#include "unit/track/presence_scene.h"

struct golden {
	const char *name;
	const char *lines[24];
	const char *want[24]; /* "S …", "C …", "B …" */
};

static const struct golden goldens[] = {
#include "unit/track/presence_golden.h"
#include "unit/track/presence_listed_golden.h"
};

static void show(const struct stage *st)
{
	for (size_t i = 0; i < st->rows_n; i++)
		print_message("\t\t\t\"%c %s\",\n", st->rows[i].list,
			st->rows[i].text);
}

static void compare(
	const struct golden *g, const struct stage *st, const char *how)
{
	size_t n = 0;

	while (n < ROWS(g->want) && g->want[n])
		n++;
	for (size_t i = 0; i < st->rows_n; i++) {
		const struct kept_row *row = &st->rows[i];

		if (i < n && g->want[i][0] == row->list &&
			!strcmp(g->want[i] + 2, row->text))
			continue;
		show(st);
		fail_msg("%s, %s: row %zu is\n%c %s, want\n%s", g->name, how, i,
			row->list, row->text, i < n ? g->want[i] : "none");
	}
	if (st->rows_n != n)
		fail_msg("%s, %s: %zu rows, want %zu", g->name, how, st->rows_n,
			n);
}

/* cut: after so many lines a restart, saved before; every: one after each */
static void run(
	struct stage *st, const struct golden *g, size_t cut, bool every)
{
	*st = (struct stage){0};
	stage_begin(st);
	for (size_t i = 0; i < ROWS(g->lines) && g->lines[i]; i++) {
		stage_line(st, g->lines[i]);
		if (i + 1 != cut && !every)
			continue;
		ear_presence_save(st->presence);
		stage_again(st);
	}
	stage_end(st);
}

static void test_golden(void **state)
{
	static struct stage st;
	char how[32];

	for (size_t i = 0; i < ROWS(goldens); i++) {
		const struct golden *g = &goldens[i];

		run(&st, g, 0, false);
		compare(g, &st, "whole");
		for (size_t cut = 1; g->lines[cut]; cut++) {
			snprintf(how, sizeof(how), "cut after %zu", cut);
			run(&st, g, cut, false);
			compare(g, &st, how);
		}
		run(&st, g, 0, true);
		compare(g, &st, "cut after each");
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
