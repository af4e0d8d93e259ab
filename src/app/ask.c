/* SPDX-License-Identifier: Apache-2.0 */
#include "app/ask.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/open.h"
#include "app/options.h"
#include "base/stop.h"
#include "base/time.h"
#include "flow/backlog.h"
#include "flow/gaps.h"

volatile bool ear_ask_stopped;

static void stop(int signal)
{
	(void)signal;
	ear_stop(&ear_ask_stopped);
}

static int explain(const struct ear_ask *ask, struct ear_slice text)
{
	struct ear_buf out = {0};

	ear_expr_explain(text, &ask->fault, &out);
	fprintf(stderr, "earshot %s: this expression is not understood\n%.*s",
		ask->command, EAR_FMT(ear_buf_view(&out)));
	ear_buf_fini(&out);
	return EAR_EXIT_USAGE;
}

int ear_ask_compile_text(struct ear_ask *ask, struct ear_slice text)
{
	enum ear_err err =
		ear_expr_new(text, ear_now_ns(), &ask->expr, &ask->fault);

	if (err == EAR_USAGE)
		return explain(ask, text);
	if (err)
		return ear_command_failed(ask->command, &ask->fault);
	ask->query.expr = ask->expr;
	return EAR_EXIT_DONE;
}

int ear_ask_compile(struct ear_ask *ask, int argc, char **argv)
{
	struct ear_buf text = {0};
	int status;

	for (int i = 0; i < argc; i++) {
		if (i)
			ear_buf_byte(&text, ' ');
		ear_buf_str(&text, argv[i]);
	}
	status = ear_ask_compile_text(ask, ear_buf_view(&text));
	/* a shell has taken the quotes that were there */
	if (status == EAR_EXIT_USAGE &&
		strstr(ask->fault.text, "double quotes"))
		fprintf(stderr, "In a shell: earshot %s '\"%s\"'\n",
			ask->command, argc == 1 ? argv[0] : "WORDS");
	ear_buf_fini(&text);
	return status;
}

/* Nothing is from then to before: better told than found empty. */
static bool backwards(const struct ear_ask *ask)
{
	const struct ear_query *q = &ask->query;

	if (!q->to_ns || q->to_ns >= q->from_ns)
		return false;
	fprintf(stderr, "earshot %s: --to is before --from\n", ask->command);
	return true;
}

void ear_ask_catch(void)
{
	struct sigaction action = {
		.sa_handler = stop, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int ear_ask_open(struct ear_ask *ask, const char *data_dir)
{
	if (backwards(ask))
		return EAR_EXIT_USAGE;
	ear_ask_catch();
	ask->query.stop = &ear_ask_stopped;
	ask->data_dir = data_dir;
	if (ear_app_store_open(
		    data_dir, &ask->store, &ask->journal, &ask->fault))
		return ear_command_failed(ask->command, &ask->fault);
	return EAR_EXIT_DONE;
}

int ear_ask_find(struct ear_ask *ask, ear_match_fn fn, void *arg)
{
	uint64_t began = ear_mono_ns();
	enum ear_err err;

	ask->found = (struct ear_found){0};
	err = ask->store->ops->find(
		ask->store, &ask->query, fn, arg, &ask->found, &ask->fault);
	ask->took_ns = ear_mono_ns() - began;
	if (err)
		return ear_command_failed(ask->command, &ask->fault);
	return EAR_EXIT_DONE;
}

static bool asked_for_all(const struct ear_ask *ask)
{
	uint64_t from = 0, to;

	if (ask->expr)
		ear_expr_span(ask->expr, &from, &to);
	return !ask->query.from_ns && !from;
}

void ear_ask_lost(struct ear_ask *ask)
{
	struct ear_found *f = &ask->found;
	size_t before = strlen(f->why);
	uint64_t from = f->done_from_ns;

	/* a limit narrows what was searched; retention is for a named time */
	if (asked_for_all(ask))
		from = 0;
	if (ask->journal.why[0])
		ear_found_missing(f,
			"what a server left in the journal could not be "
			"stored: %s",
			ask->journal.why);
	if (ask->journal.served)
		ear_backlog_add_to(
			ask->data_dir, f->done_to_ns, ear_now_ns(), f);
	ear_gaps_add_to(ask->data_dir, from, f->done_to_ns, f);
	ask->lost = strlen(f->why) > before;
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* The limit that was asked for is no gap in the answer. */
static bool only_limited(const struct ear_ask *ask)
{
	const struct ear_found *f = &ask->found;

	return !ask->lost && f->more && ask->query.limit &&
	       f->matched >= ask->query.limit &&
	       !strncmp(f->why, "stopped after", 13);
}

void ear_ask_tell(const struct ear_ask *ask)
{
	const struct ear_found *f = &ask->found;
	char took[EAR_TIME_TEXT];

	ear_duration_text(ask->took_ns, took);
	fprintf(stderr, "%llu message%s in %s", (unsigned long long)f->matched,
		plural(f->matched), took);
	if (only_limited(ask))
		fprintf(stderr, "; there are more: --limit 0 shows all\n");
	else if (f->complete)
		fprintf(stderr, "; complete for the span asked\n");
	else
		fprintf(stderr, "; INCOMPLETE: %s\n",
			f->why[0] ? f->why : "the search was stopped");
}

static void span(struct ear_json *j, const char *key, uint64_t at_ns)
{
	ear_json_ktime(j, key, at_ns == UINT64_MAX ? 0 : at_ns);
}

void ear_ask_json(const struct ear_ask *ask, struct ear_json *j)
{
	const struct ear_found *f = &ask->found;
	uint64_t took_us = ask->took_ns / EAR_US_NS;

	ear_json_ku64(j, "matched", f->matched);
	ear_json_ku64(j, "scanned", f->scanned);
	ear_json_kbool(j, "complete", f->complete);
	ear_json_kbool(j, "more", f->more);
	ear_json_kstr(j, "cursor", ear_slice_str(f->cursor));
	ear_json_kstr(j, "why", ear_slice_str(f->why));
	span(j, "from", f->done_from_ns);
	span(j, "to", f->done_to_ns);
	ear_json_key(j, "ms");
	ear_json_num(j, (double)took_us / 1000.0);
}

void ear_ask_print_json(const struct ear_ask *ask)
{
	struct ear_buf out = {0};
	struct ear_json j = ear_json(&out);

	ear_json_open(&j, '{');
	ear_json_key(&j, "found");
	ear_json_open(&j, '{');
	ear_ask_json(ask, &j);
	ear_json_close(&j, '}');
	ear_json_close(&j, '}');
	printf("%.*s\n", EAR_FMT(ear_buf_view(&out)));
	ear_buf_fini(&out);
}

void ear_ask_fini(struct ear_ask *ask)
{
	ear_app_store_close(&ask->store);
	ear_expr_free(&ask->expr);
}
