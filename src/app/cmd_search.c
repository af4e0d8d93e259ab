/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/ask.h"
#include "app/commands.h"
#include "app/list.h"
#include "app/options.h"
#include "base/hash.h"
#include "base/set64.h"
#include "base/stop.h"
#include "base/time.h"

/* Between two looks of --follow. */
#define POLL_MS 250
/* How far behind a sender's clock, or a commit, may be and --follow still
 * shows the message. */
#define FOLLOW_LATE_NS (10 * EAR_SECOND_NS)
/* Most messages of one generation of those shown: see struct follow. */
#define FOLLOW_SEEN (1u << 20)

struct choices {
	const char *data;
	const char *order;
	uint64_t from_ns, to_ns, limit;
	bool json, follow, summary;
};

static bool show(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	return ear_list_add(arg, msg, facts);
}

/*
 * Following looks at the last seconds again and again and shows what it has
 * not shown. What was shown is remembered in two generations; the older one is
 * forgotten when everything in it has left the window.
 */
struct follow {
	struct ear_list *list;
	struct ear_set64 shown[2];
	uint64_t since_ns; /* arrival of the first message to show */
	uint64_t rotated_ns;
	uint64_t skipped; /* more than can be remembered, so not shown */
	bool broken;      /* nobody reads any more */
};

static bool show_new(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct follow *f = arg;
	struct ear_store *store = f->list->store;
	char id[40] = "";
	uint64_t hash;

	if (msg->seen_ns < f->since_ns)
		return true;
	store->ops->id_text(store, msg, facts, id);
	hash = ear_hash(ear_slice_str(id));
	if (ear_set64_has(&f->shown[1], hash) ||
		ear_set64_has(&f->shown[0], hash))
		return true;
	if (!ear_set64_add(&f->shown[0], hash)) {
		f->skipped++;
		return true;
	}
	f->broken = !ear_list_add(f->list, msg, facts);
	return !f->broken;
}

static void rotate(struct follow *f, uint64_t now_ns)
{
	if (now_ns - f->rotated_ns < 2 * FOLLOW_LATE_NS)
		return;
	if (f->skipped)
		fprintf(stderr, "too fast: %llu messages were not shown\n",
			(unsigned long long)f->skipped);
	f->skipped = 0;
	f->rotated_ns = now_ns;
	ear_set64_fini(&f->shown[1]);
	f->shown[1] = f->shown[0];
	f->shown[0] = (struct ear_set64){.max = FOLLOW_SEEN};
}

static int follow(struct ear_ask *ask, struct ear_list *list, uint64_t from_ns)
{
	const struct timespec pause = {0, POLL_MS * 1000000};
	uint64_t now = ear_now_ns();
	struct follow f = {
		.list = list, .since_ns = from_ns ? 0 : now, .rotated_ns = now};
	int status = EAR_EXIT_DONE;

	f.shown[0].max = f.shown[1].max = FOLLOW_SEEN;
	ask->query.oldest_first = true;
	ask->query.to_ns = UINT64_MAX;
	ask->query.limit = 0;
	ask->query.from_ns = from_ns ? from_ns : now - FOLLOW_LATE_NS;
	while (!ear_stopped(&ear_ask_stopped) && !f.broken &&
		status == EAR_EXIT_DONE) {
		now = ear_now_ns();
		rotate(&f, now);
		status = ear_ask_find(ask, show_new, &f);
		fflush(stdout);
		ask->query.from_ns = now - FOLLOW_LATE_NS;
		nanosleep(&pause, NULL);
	}
	ear_set64_fini(&f.shown[0]);
	ear_set64_fini(&f.shown[1]);
	return status;
}

static int search(
	struct ear_ask *ask, struct ear_list *list, const struct choices *c)
{
	int status = ear_ask_find(ask, show, list);

	if (status)
		return status;
	status = ear_term_end("search");
	if (status)
		return status;
	ear_ask_lost(ask);
	if (c->summary)
		ear_ask_print_json(ask);
	else
		ear_ask_tell(ask);
	return ear_stopped(&ear_ask_stopped) ? EAR_EXIT_FAILED : EAR_EXIT_DONE;
}

static int run(const struct choices *c, int argc, char **argv)
{
	struct ear_ask ask = {.command = "search",
		.query = {.from_ns = c->from_ns,
			.to_ns = c->to_ns,
			.limit = c->limit,
			.oldest_first = !strcmp(c->order, "oldest")}};
	struct ear_list list = {.term = ear_term_stdout(), .json = c->json};
	int status = ear_ask_compile(&ask, argc, argv);

	if (!status)
		status = ear_ask_open(&ask, c->data);
	list.store = ask.store;
	if (!status)
		status = c->follow ? follow(&ask, &list, c->from_ns)
				   : search(&ask, &list, c);
	ear_list_fini(&list);
	ear_ask_fini(&ask);
	return status;
}

static const char examples[] =
	"examples:\n"
	"  earshot search 'method == INVITE and status >= 400' --from -1h\n"
	"  earshot search 'user == 49301' --follow\n"
	"  earshot search 'src.ip in 10.0.0.0/8 \"ringing\"' --json --limit 0\n"
	"\n" EAR_LANGUAGE_HELP;

int ear_cmd_search(int argc, char **argv)
{
	struct choices c = {.data = ear_data_dir(),
		.order = "newest",
		.to_ns = UINT64_MAX,
		.limit = 100};
	const struct ear_option options[] = {
		EAR_OPTION_DATA(&c.data),
		{"from", 'f', EAR_OPT_TIME, &c.from_ns, "TIME",
			"not before: 2026-11-22T10:38:00Z, 10:38 (UTC), -2h"},
		{"to", 't', EAR_OPT_TIME, &c.to_ns, "TIME", "not after"},
		{"limit", 'n', EAR_OPT_U64, &c.limit, "N",
			"most messages; 0 for all; default 100"},
		{"order", 'o', EAR_OPT_TEXT, &c.order, "newest|oldest",
			"which come first; default newest"},
		{"follow", 'F', EAR_OPT_FLAG, &c.follow, NULL,
			"go on showing what comes in, until Ctrl-C: what was "
			"captured from now on, or --from, and came at most "
			"10 s late"},
		EAR_OPTION_JSON(&c.json),
		{"summary", 0, EAR_OPT_FLAG, &c.summary, NULL,
			"end with {\"found\":…} on standard output: how many, "
			"and whether that is all"},
	};
	const struct ear_usage usage = {"search", "[EXPR…]",
		"Finds messages. Without an expression, all. A terminal gets "
		"a table, a pipe columns with tabs between them. The last "
		"line, on standard error, says whether the answer is whole.",
		options, sizeof(options) / sizeof(options[0]), examples};
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (strcmp(c.order, "newest") != 0 && strcmp(c.order, "oldest") != 0) {
		fprintf(stderr,
			"earshot search: --order is newest or oldest\n");
		return EAR_EXIT_USAGE;
	}
	if (c.follow && c.to_ns < ear_now_ns()) {
		fprintf(stderr, "earshot search: --follow shows what comes; "
				"--to is in the past\n");
		return EAR_EXIT_USAGE;
	}
	return run(&c, argc, argv);
}
