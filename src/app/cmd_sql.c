/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/answer.h"
#include "app/ask.h"
#include "app/commands.h"
#include "app/options.h"
#include "base/time.h"
#include "flow/sql.h"

struct choices {
	const char *data;
	uint64_t from_ns, to_ns, limit, seconds;
	bool json, csv, summary;
};

/* The words, joined; or standard input for a lone "-". */
static bool read_query(int argc, char **argv, struct ear_buf *query)
{
	char part[4096];
	size_t n;

	if (argc != 1 || strcmp(argv[0], "-") != 0) {
		for (int i = 0; i < argc; i++) {
			if (i)
				ear_buf_byte(query, ' ');
			ear_buf_str(query, argv[i]);
		}
		return !query->err;
	}
	query->max = 1u << 20;
	while ((n = fread(part, 1, sizeof(part), stdin)))
		ear_buf_add(query, part, n);
	return !query->err && !ferror(stdin);
}

static void tell(const struct ear_ask *ask, uint64_t limit)
{
	const struct ear_found *f = &ask->found;
	/* the limit that was asked for is no gap in the answer */
	bool limited = !ask->lost && limit && f->matched >= limit &&
		       !strncmp(f->why, "stopped after", 13);
	char took[EAR_TIME_TEXT];

	ear_duration_text(ask->took_ns, took);
	fprintf(stderr, "%llu row%s in %s; %s%s\n",
		(unsigned long long)f->matched, f->matched == 1 ? "" : "s",
		took,
		limited       ? "there are more"
		: f->complete ? "complete for the span asked"
			      : "INCOMPLETE: ",
		limited || f->complete ? "" : f->why);
}

/* An SQL query can be nothing but blanks and comments; SQLite then is silent.
 */
static bool is_empty(struct ear_slice query)
{
	query = ear_slice_trim(query);
	while (query.n >= 2 && query.p[0] == '-' && query.p[1] == '-')
		query = ear_slice_trim(ear_slice_sub(
			query, ear_slice_find(query, EAR_S("\n")), query.n));
	return !query.n || ear_slice_eq(query, EAR_S(";"));
}

static int no_query(void)
{
	fprintf(stderr, "earshot sql: write a query\n"
			"Try: earshot sql --help\n");
	return EAR_EXIT_USAGE;
}

static bool is_unknown_table(const struct ear_fault *fault)
{
	return !strncmp(fault->text, "no such table", 13);
}

/* An error of the query shows where, one of anything else only what. */
static int explain(struct ear_ask *ask, struct ear_slice query)
{
	struct ear_buf out = {0};

	if (ask->fault.code != EAR_USAGE)
		return ear_command_failed(ask->command, &ask->fault);
	ear_expr_explain(query, &ask->fault, &out);
	fprintf(stderr, "earshot sql: this query is not understood\n%.*s%s",
		EAR_FMT(ear_buf_view(&out)),
		is_unknown_table(&ask->fault) ? "The tables are messages, "
						"conversations, sip_trace, "
						"sip_trace_once; and where "
						"there are records: sessions, "
						"accounts, calls, connections\n"
					      : "");
	ear_buf_fini(&out);
	return EAR_EXIT_USAGE;
}

static int query_store(
	const struct choices *c, struct ear_ask *ask, struct ear_slice query)
{
	const struct ear_sql_options options = {.store = ask->store,
		.from_ns = c->from_ns,
		.to_ns = c->to_ns,
		.limit_ms = c->seconds * 1000,
		.max_rows = c->limit,
		.stop = &ear_ask_stopped,
		.dir = ask->data_dir};
	struct ear_answer answer = {.form = c->json  ? EAR_ANSWER_JSON
					    : c->csv ? EAR_ANSWER_CSV
						     : EAR_ANSWER_TABLE,
		.term = ear_term_stdout()};
	uint64_t began = ear_mono_ns();
	struct ear_sql *sql;
	enum ear_err err = ear_sql_open(&options, &sql, &ask->fault);
	int status;

	if (!err)
		err = ear_sql_query(sql, query, ear_answer_row, &answer,
			&ask->found, &ask->fault);
	ask->took_ns = ear_mono_ns() - began;
	ear_answer_end(&answer);
	ear_sql_close(&sql);
	if (err)
		return explain(ask, query);
	status = ear_term_end("sql");
	if (status || answer.failed)
		return EAR_EXIT_FAILED;
	ear_ask_lost(ask);
	if (c->summary)
		ear_ask_print_json(ask);
	else
		tell(ask, c->limit);
	return EAR_EXIT_DONE;
}

static int run(const struct choices *c, int argc, char **argv)
{
	struct ear_ask ask = {.command = "sql",
		.query = {.from_ns = c->from_ns, .to_ns = c->to_ns}};
	struct ear_buf query = {0};
	int status = EAR_EXIT_FAILED;

	if (!read_query(argc, argv, &query))
		fprintf(stderr, "earshot sql: cannot read the query\n");
	else if (is_empty(ear_buf_view(&query)))
		status = no_query();
	else
		status = ear_ask_open(&ask, c->data);
	if (!status)
		status = query_store(c, &ask, ear_buf_view(&query));
	ear_buf_fini(&query);
	ear_ask_fini(&ask);
	return status;
}

static const char more[] =
	"tables:\n"
	"  messages       one row a message; the keys of search --json are its "
	"columns, and\n"
	"                 raw; WHERE q = 'EXPR' asks in the search language\n"
	"  conversations  call_id first last messages method from_uri "
	"from_user "
	"to_uri\n"
	"                 to_user src dst status malformed\n"
	"  sip_trace      as Kamailio's siptrace module writes it, with a row "
	"more for\n"
	"                 each traced user; times in UTC\n"
	"  sip_trace_once the same, one row a message, doubles left out\n"
	"  sessions, accounts, calls, connections\n"
	"                 the lists, with the columns of their --json, and "
	"at_ns "
	"to\n"
	"                 compare with; V_SIP_SESSION, V_CDR, V_AUTH_EVENT, "
	"V_AUDIT_EVENT\n"
	"\n"
	"examples:\n"
	"  earshot sql \"SELECT method, count(*) FROM messages "
	"WHERE at >= '-1h' GROUP BY 1\"\n"
	"  earshot sql --csv \"SELECT * FROM conversations "
	"WHERE status >= 400\"\n";

int ear_cmd_sql(int argc, char **argv)
{
	struct choices c = {
		.data = ear_data_dir(), .to_ns = UINT64_MAX, .seconds = 300};
	const struct ear_option options[] = {
		EAR_OPTION_DATA(&c.data),
		{"from", 'f', EAR_OPT_TIME, &c.from_ns, "TIME",
			"tables have no message from before: "
			"2026-11-22T10:38:00Z, 10:38 (UTC), -2h"},
		{"to", 't', EAR_OPT_TIME, &c.to_ns, "TIME",
			"tables have no message from after"},
		{"limit", 'n', EAR_OPT_U64, &c.limit, "N",
			"most rows; default all"},
		{"time-limit", 0, EAR_OPT_U64, &c.seconds, "SECONDS",
			"give up after; default 300, 0 never"},
		EAR_OPTION_JSON(&c.json),
		{"csv", 'c', EAR_OPT_FLAG, &c.csv, NULL,
			"comma-separated values (RFC 4180)"},
		{"summary", 0, EAR_OPT_FLAG, &c.summary, NULL,
			"end with {\"found\":…} on standard output: how many, "
			"and whether that is all"},
	};
	const struct ear_usage usage = {"sql", "QUERY",
		"Answers one SQL query, in SQLite's language, over everything "
		"kept. It only reads. - takes the query from standard input.",
		options, sizeof(options) / sizeof(options[0]), more};
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	if (argc < 1)
		return no_query();
	return run(&c, argc, argv);
}
