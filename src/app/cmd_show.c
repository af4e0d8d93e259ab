/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/ask.h"
#include "app/commands.h"
#include "app/draw.h"
#include "app/options.h"
#include "base/time.h"
#include "message/field.h"
#include "sink/text.h"
#include "track/ladder_json.h"

/* Most of one conversation that is shown: memory is bounded. */
#define MESSAGES_MAX 20000
#define BYTES_MAX ((size_t)256 << 20)

struct choices {
	const char *data;
	uint64_t from_ns, to_ns;
	bool json, raw;
};

struct shown {
	struct ear_ask *ask;
	struct ear_gather bag;
	enum ear_err err;
};

static bool gather(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct shown *s = arg;
	char id[40] = "";

	s->ask->store->ops->id_text(s->ask->store, msg, facts, id);
	s->err = ear_gather_add(&s->bag, msg, id);
	return s->err == EAR_OK;
}

/* call_id in ("…", "…") */
static int compile(struct ear_ask *ask, int argc, char **argv)
{
	struct ear_buf text = {0};
	int status;

	ear_buf_str(&text, "call_id in (");
	for (int i = 0; i < argc; i++) {
		ear_buf_str(&text, i ? ", " : "");
		ear_expr_quote(ear_slice_str(argv[i]), &text);
	}
	ear_buf_byte(&text, ')');
	status = ear_ask_compile_text(ask, ear_buf_view(&text));
	ear_buf_fini(&text);
	return status;
}

static void print_findings(const struct ear_term *term,
	const struct ear_ladder *l, struct ear_buf *out)
{
	struct ear_finding found[EAR_FINDINGS_MAX];

	for (size_t i = 0; i < l->row_count; i++) {
		const struct ear_msg *msg = &l->rows[i].from->msg;
		size_t n = ear_msg_check(msg, found);

		for (size_t k = 0; k < n; k++) {
			ear_buf_printf(out, "! message %zu, byte %u: ", i + 1,
				found[k].offset);
			ear_term_text(term, out, found[k].text);
			ear_buf_str(out, " [");
			ear_term_text(term, out, found[k].rule);
			if (found[k].source.n)
				ear_buf_str(out, ", ");
			ear_term_text(term, out, found[k].source);
			ear_buf_str(out, "]\n");
		}
	}
}

/* A terminal gets the lines of a message, harmless; a pipe its bytes. */
static void print_raw(const struct ear_term *term, const struct ear_ladder *l,
	struct ear_buf *out)
{
	for (size_t i = 0; i < l->row_count; i++) {
		struct ear_buf text = {0};
		struct ear_slice rest;

		ear_text_put(&l->rows[i].from->msg, term->tty ? &text : out);
		rest = ear_buf_view(&text);
		while (rest.n) {
			size_t end = ear_slice_find(rest, EAR_S("\n"));
			struct ear_slice line = ear_slice_sub(rest, 0, end);

			if (line.n && line.p[line.n - 1] == '\r')
				line.n--;
			ear_term_text(term, out, line);
			ear_buf_byte(out, '\n');
			rest = ear_slice_sub(rest, end + 1, rest.n);
		}
		ear_buf_fini(&text);
	}
}

static void print_json(const struct ear_ask *ask, const struct ear_ladder *l,
	int argc, char **argv, struct ear_buf *out)
{
	struct ear_json j = ear_json(out);

	ear_json_open(&j, '{');
	ear_json_kstr(&j, "call_id", ear_slice_str(argv[0]));
	ear_json_key(&j, "call_ids");
	ear_json_open(&j, '[');
	for (int i = 0; i < argc; i++)
		ear_json_str(&j, ear_slice_str(argv[i]));
	ear_json_close(&j, ']');
	ear_ladder_json_members(&j, l);
	ear_json_key(&j, "found");
	ear_json_open(&j, '{');
	ear_ask_json(ask, &j);
	ear_json_close(&j, '}');
	ear_json_close(&j, '}');
	ear_buf_byte(out, '\n');
}

static int print(
	const struct choices *c, struct shown *s, int argc, char **argv)
{
	struct ear_term term = ear_term_stdout();
	struct ear_ladder *ladder;
	struct ear_buf out = {0};
	int status;

	ear_gather_sort(&s->bag);
	if (ear_ladder_new(s->bag.v, s->bag.n, &ladder)) {
		fprintf(stderr, "earshot show: out of memory\n");
		return EAR_EXIT_FAILED;
	}
	if (c->json) {
		print_json(s->ask, ladder, argc, argv, &out);
	} else if (c->raw) {
		print_raw(&term, ladder, &out);
	} else {
		ear_draw_ladder(&term, ladder, &out);
		print_findings(&term, ladder, &out);
	}
	ear_term_write(&out);
	status = ear_term_end("show");
	ear_buf_fini(&out);
	ear_ladder_free(&ladder);
	return status;
}

static int run(const struct choices *c, int argc, char **argv)
{
	struct ear_ask ask = {.command = "show",
		.query = {.from_ns = c->from_ns,
			.to_ns = c->to_ns,
			.oldest_first = true}};
	struct shown s = {.ask = &ask,
		.bag = {.max = MESSAGES_MAX, .max_bytes = BYTES_MAX}};
	int status = compile(&ask, argc, argv);

	if (!status)
		status = ear_ask_open(&ask, c->data);
	if (!status)
		status = ear_ask_find(&ask, gather, &s);
	if (!status && s.err) {
		ask.found.complete = false;
		snprintf(ask.found.why, sizeof(ask.found.why),
			"only the first %zu messages are shown", s.bag.n);
	}
	if (!status)
		ear_ask_lost(&ask);
	if (!status && (s.bag.n || c->json))
		status = print(c, &s, argc, argv);
	if (!status && !c->json)
		ear_ask_tell(&ask);
	if (!status && !s.bag.n) {
		fprintf(stderr, "earshot show: no message has this Call-ID\n");
		status = EAR_EXIT_FAILED;
	}
	ear_gather_fini(&s.bag);
	ear_ask_fini(&ask);
	return status;
}

int ear_cmd_show(int argc, char **argv)
{
	struct choices c = {.data = ear_data_dir(), .to_ns = UINT64_MAX};
	const struct ear_option options[] = {
		EAR_OPTION_DATA(&c.data),
		{"raw", 'r', EAR_OPT_FLAG, &c.raw, NULL,
			"the messages themselves"},
		{"from", 'f', EAR_OPT_TIME, &c.from_ns, "TIME",
			"not before: 2026-11-22T10:38:00Z, 10:38 (UTC), -2h"},
		{"to", 't', EAR_OPT_TIME, &c.to_ns, "TIME", "not after"},
		EAR_OPTION_JSON(&c.json),
	};
	const struct ear_usage usage = {"show", "CALL-ID…",
		"Shows one conversation as a ladder: who spoke to whom, when, "
		"and what came of it. Several Call-IDs are drawn in one.",
		options, sizeof(options) / sizeof(options[0]), NULL};
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc < 1) {
		fprintf(stderr, "earshot show: name a Call-ID\n"
				"Try: earshot show --help\n");
		return EAR_EXIT_USAGE;
	}
	return run(&c, argc, argv);
}
