/* SPDX-License-Identifier: Apache-2.0 */
/* What the trackers found: sessions, accounts, calls, connections. */
#include <stdio.h>
#include <string.h>

#include "app/answer.h"
#include "app/ask.h"
#include "app/commands.h"
#include "app/options.h"
#include "base/json.h"
#include "base/stop.h"
#include "base/time.h"

/* Rows unless --limit says so; a file of comma-separated values is for another
 * program, which is not to be given a part in silence. */
#define LIMIT_UNSAID UINT64_MAX
#define LIMIT_USUAL 100

/* Columns of a table on a terminal. */
#define SHOWN 12
/* From which width on times have thousandths; without: 2026-11-22 05:27:31 */
#define WIDTH_OF_MS 120
#define SECONDS_LENGTH 19

struct about {
	enum ear_list_of list;
	const char *one, *many;
	const char *about;
	struct {
		const char *name;
		unsigned rank; /* 1 is seen on any terminal */
	} shown[SHOWN];
	const char *examples;
};

static const struct about lists[EAR_LISTS] = {
	[EAR_LIST_SESSIONS] = {EAR_LIST_SESSIONS, "event", "events",
		"Lists what accounts did with their server: CONNECT, REGISTER, "
		"UNREGISTER, DISCONNECT, newest first. Where only messages "
		"were seen, connections are inferred from them.",
		{{"at", 1}, {"event", 2}, {"source", 9}, {"peername", 3},
			{"account", 7}, {"details", 4}, {"user_agent", 6},
			{"remote", 5}, {"tls_cipher", 8}, {"reconciled", 10}},
		"examples:\n"
		"  earshot sessions 'peername == 909' --from -1d\n"
		"  earshot sessions 'event == DISCONNECT and details != "
		"NORMAL'\n"
		"  earshot sessions --failures --csv >sessions.csv\n"},
	[EAR_LIST_ACCOUNTS] = {EAR_LIST_ACCOUNTS, "binding", "bindings",
		"Lists who is on line, a row for each binding; with --at who "
		"was. Where no server runs, now is the time of the last thing "
		"that was recorded.",
		{{"id", 8}, {"username", 1}, {"ip", 3}, {"port", 6},
			{"description", 7}, {"expires", 4}, {"user_agent", 5},
			{"state", 2}},
		"examples:\n"
		"  earshot accounts --at 10:38\n"
		"  earshot accounts 'state == unreachable'\n"
		"  earshot accounts --history 'username == 909'\n"},
	[EAR_LIST_CALLS] = {EAR_LIST_CALLS, "call", "calls",
		"Lists calls, newest first: who called whom, how long they "
		"talked, and what came of it.",
		{{"at", 1}, {"src", 2}, {"dst", 3}, {"talk_s", 5},
			{"disposition", 4}, {"code", 6}, {"reason", 7},
			{"note", 9}, {"call_id", 8}},
		"examples:\n"
		"  earshot calls 'disposition == FAILED' --from -1d\n"
		"  earshot calls 'src ~ \"^49\" and talk_s > 60' --sort "
		"talk_s\n"
		"  earshot calls --csv >calls.csv\n"},
	[EAR_LIST_CONNECTIONS] = {EAR_LIST_CONNECTIONS, "connection",
		"connections",
		"Lists connections, newest first: from when to when, how they "
		"ended, and their TLS.",
		{{"at", 1}, {"transport", 6}, {"client", 2}, {"server", 7},
			{"peername", 3}, {"closed", 4}, {"cause", 5},
			{"tls_version", 8}, {"tls_cipher", 9}},
		"examples:\n"
		"  earshot connections 'tls_version in (TLSv1, TLSv1.1)'\n"
		"  earshot connections 'cause == NETWORK_ERROR' --from -1h\n"},
};

struct choices {
	const char *data, *sort;
	uint64_t from_ns, to_ns, at_ns, limit;
	bool json, csv, wide, ascending, failures, history;
};

/* The rows on their way to standard output. */
struct printer {
	const struct about *about;
	const struct choices *c;
	struct ear_answer answer; /* of a table */
	const char *titles[SHOWN];
	struct ear_answer_fit fit[SHOWN];
	size_t index[SHOWN];
	size_t shown;
	struct ear_buf out; /* of JSON and CSV */
	bool begun, failed;
};

static void find_columns(struct printer *p)
{
	size_t n;
	const struct ear_column *column = ear_columns(p->about->list, &n);

	for (size_t k = 0; k < SHOWN && p->about->shown[k].name; k++) {
		for (size_t i = 0; i < n; i++) {
			if (strcmp(column[i].name, p->about->shown[k].name) !=
				0)
				continue;
			p->titles[p->shown] = column[i].title;
			p->fit[p->shown] = (struct ear_answer_fit){
				.rank = p->about->shown[k].rank,
				.text = column[i].type == EAR_COLUMN_TEXT};
			p->index[p->shown++] = i;
		}
	}
}

/* A narrow terminal has no room for thousandths. */
static size_t time_text(
	const struct printer *p, uint64_t at_ns, char time[EAR_TIME_TEXT])
{
	size_t n = ear_time_human(at_ns, false, time);

	return p->answer.term.tty && p->answer.fit &&
			       p->answer.term.width < WIDTH_OF_MS
		       ? SECONDS_LENGTH
		       : n;
}

static struct ear_sql_cell as_answer(const struct printer *p,
	const struct ear_column *column, const struct ear_cell *cell,
	char time[EAR_TIME_TEXT])
{
	struct ear_sql_cell out = {.type = EAR_SQL_TEXT, .text = cell->text};

	if (!cell->there)
		return (struct ear_sql_cell){.type = EAR_SQL_NULL};
	switch (column->type) {
	case EAR_COLUMN_INT:
		out = (struct ear_sql_cell){.type = EAR_SQL_INT, .i = cell->i};
		break;
	case EAR_COLUMN_TIME:
		out.text =
			ear_slice(time, time_text(p, (uint64_t)cell->i, time));
		break;
	case EAR_COLUMN_BOOL:
		out.text = cell->i ? EAR_S("true") : EAR_S("false");
		break;
	default: break;
	}
	return out;
}

static bool print_table(struct printer *p, const struct ear_cell *cells)
{
	char time[SHOWN][EAR_TIME_TEXT];
	struct ear_sql_cell cell[SHOWN];
	struct ear_sql_row row = {.columns = p->shown, .names = p->titles};
	size_t n;
	const struct ear_column *column = ear_columns(p->about->list, &n);

	if (!p->begun && !ear_answer_row(&row, &p->answer))
		return false;
	p->begun = true;
	if (!cells)
		return true;
	for (size_t k = 0; k < p->shown; k++)
		cell[k] = as_answer(
			p, &column[p->index[k]], &cells[p->index[k]], time[k]);
	row.cells = cell;
	return ear_answer_row(&row, &p->answer);
}

static bool print_row(const struct ear_cell *cells, void *arg)
{
	struct printer *p = arg;
	struct ear_json j = ear_json(&p->out);

	if (!p->c->json && !p->c->csv)
		return print_table(p, cells);
	if (p->c->csv) {
		if (!p->begun)
			ear_row_csv(p->about->list, NULL, &p->out);
		p->begun = true;
		if (cells)
			ear_row_csv(p->about->list, cells, &p->out);
	} else if (cells) {
		ear_json_open(&j, '{');
		ear_row_json(&j, p->about->list, cells);
		ear_json_close(&j, '}');
		ear_buf_byte(&p->out, '\n');
	}
	p->failed = !ear_term_write(&p->out);
	return !p->failed;
}

/* An error of the filter shows where, one of anything else only what. */
static int explain(const struct about *about, struct ear_slice filter,
	const struct ear_fault *fault, bool of_filter)
{
	const char *command = ear_list_name(about->list);
	struct ear_buf out = {0};

	if (!of_filter)
		return ear_command_failed(command, fault);
	ear_expr_explain(filter, fault, &out);
	fprintf(stderr, "earshot %s: this filter is not understood\n%.*s",
		command, EAR_FMT(ear_buf_view(&out)));
	fprintf(stderr, "Its names: earshot %s --help\n", command);
	ear_buf_fini(&out);
	return EAR_EXIT_USAGE;
}

/* None, as what is kept is older than what was asked for. */
static void tell_none(
	const struct ear_rows_query *query, struct ear_records *records)
{
	uint64_t newest = ear_records_newest(records);
	char time[EAR_TIME_TEXT];

	if (newest && newest < query->from_ns)
		fprintf(stderr, "; the last thing recorded is of %.*s (UTC)",
			(int)ear_time_human(newest, false, time), time);
}

/* Nobody, as what is kept is old: imported, or nothing comes any more. */
static void tell_nobody(const struct choices *c,
	const struct ear_rows_query *query, struct ear_records *records)
{
	uint64_t newest = ear_records_newest(records);
	char time[EAR_TIME_TEXT];

	if (!query->at_ns || c->at_ns || !newest || newest >= query->at_ns)
		return;
	fprintf(stderr,
		" on line now; the last thing recorded is of %.*s (UTC), and "
		"--at shows who was on line then",
		(int)ear_time_human(newest, false, time), time);
}

static void tell(const struct printer *p, const struct ear_rows_query *query,
	struct ear_records *records, const struct ear_rows_found *found)
{
	const struct about *about = p->about;
	const struct choices *c = p->c;

	/* the console's are local ones unless it is told otherwise */
	fprintf(stderr, "%llu %s%s", (unsigned long long)found->rows,
		found->rows == 1 ? about->one : about->many,
		found->rows && p->answer.term.tty ? ", times in UTC" : "");
	if (found->more && found->rows == c->limit)
		fprintf(stderr, "; there are more: --limit 0 shows all");
	else if (!found->complete)
		fprintf(stderr, "; not all: %s", found->why);
	else if (!found->rows && about->list == EAR_LIST_ACCOUNTS)
		tell_nobody(c, query, records);
	else if (!found->rows)
		tell_none(query, records);
	if (p->answer.left_out)
		fprintf(stderr, "; %zu column%s did not fit: --wide",
			p->answer.left_out, p->answer.left_out == 1 ? "" : "s");
	fprintf(stderr, "\n");
}

/* As of when accounts are on line. */
static uint64_t as_of(const struct choices *c, struct ear_records *records,
	const struct ear_app_journal *journal)
{
	uint64_t newest;

	if (c->at_ns)
		return c->at_ns;
	newest = ear_records_newest(records);
	return journal->served || !newest ? ear_now_ns() : newest;
}

/* Of a moment: who was on line then. Of the history up to then: how it stood
 * with each. */
static void read_moment(const struct choices *c, uint64_t as_of_ns,
	struct ear_rows_query *query)
{
	if (!c->history) {
		query->at_ns = as_of_ns;
		return;
	}
	query->now_ns = as_of_ns;
	if (c->at_ns && c->at_ns < query->to_ns)
		query->to_ns = c->at_ns;
}

static int list_rows(const struct about *about, const struct choices *c,
	struct ear_records *records, const struct ear_app_journal *journal,
	struct ear_slice filter)
{
	struct ear_rows_query query = {.list = about->list,
		.filter = filter,
		.from_ns = c->from_ns,
		.to_ns = c->to_ns,
		.failures = c->failures,
		.sort = c->sort,
		.ascending = c->ascending,
		.limit = c->limit,
		.stop = &ear_ask_stopped};
	struct printer p = {.about = about,
		.c = c,
		.answer = {
			.form = EAR_ANSWER_TABLE, .term = ear_term_stdout()}};
	struct ear_rows_found found = {0};
	struct ear_fault fault = {0};
	enum ear_err err;

	if (about->list == EAR_LIST_ACCOUNTS)
		read_moment(c, as_of(c, records, journal), &query);
	find_columns(&p);
	p.answer.fit = c->wide ? NULL : p.fit;
	err = ear_records_list(records, &query, print_row, &p, &found, &fault);
	if (!err && !p.begun)
		(void)print_row(NULL, &p);
	ear_answer_end(&p.answer);
	ear_buf_fini(&p.out);
	if (err)
		return explain(about, filter, &fault,
			err == EAR_USAGE && filter.n &&
				fault.offset <= filter.n);
	if (ear_term_end(ear_list_name(about->list)) || p.failed)
		return EAR_EXIT_FAILED;
	tell(&p, &query, records, &found);
	return ear_stopped(&ear_ask_stopped) ? EAR_EXIT_FAILED : EAR_EXIT_DONE;
}

static int run(const struct about *about, const struct choices *c, int argc,
	char **argv)
{
	struct ear_records *records = NULL;
	struct ear_app_journal journal;
	struct ear_fault fault = {0};
	struct ear_buf filter = {0};
	int status;

	for (int i = 0; i < argc; i++)
		ear_buf_printf(&filter, "%s%s", i ? " " : "", argv[i]);
	ear_ask_catch();
	if (ear_app_records_open(c->data, &records, &journal, &fault))
		status = ear_command_failed(ear_list_name(about->list), &fault);
	else
		status = list_rows(
			about, c, records, &journal, ear_buf_view(&filter));
	ear_records_close(&records);
	ear_buf_fini(&filter);
	return status;
}

/* The columns, as --help shows them. */
static void columns_help(const struct about *about, struct ear_buf *out)
{
	size_t n;
	const struct ear_column *column = ear_columns(about->list, &n);

	ear_buf_str(out, "columns, also for filters and --sort:\n");
	for (size_t i = 0; i < n; i++)
		ear_buf_printf(
			out, "  %-14s %s\n", column[i].name, column[i].help);
	ear_buf_printf(out, "\n%s", about->examples);
	ear_buf_byte(out, 0);
}

/* Choices that go well alone. @return true: said so, status is set */
static bool contradicts(
	const struct about *about, const struct choices *c, int *status)
{
	struct ear_fault fault = {0};

	if (c->json && c->csv)
		(void)ear_fail(&fault, EAR_USAGE, 0,
			"--json and --csv: one of them at a time");
	else if (c->from_ns > c->to_ns)
		(void)ear_fail(&fault, EAR_USAGE, 0, "--to is before --from");
	if (fault.code)
		*status =
			ear_command_failed(ear_list_name(about->list), &fault);
	return fault.code != EAR_OK;
}

static int command(const struct about *about, int argc, char **argv)
{
	struct choices c = {.data = ear_data_dir(),
		.to_ns = UINT64_MAX,
		.limit = LIMIT_UNSAID};
	struct ear_option options[13] = {
		EAR_OPTION_DATA(&c.data),
		{"from", 'f', EAR_OPT_TIME, &c.from_ns, "TIME",
			"not before: 2026-11-22T10:38:00Z, 10:38 (UTC), -2h"},
		{"to", 't', EAR_OPT_TIME, &c.to_ns, "TIME", "not after"},
		{"limit", 'n', EAR_OPT_U64, &c.limit, "N",
			"most rows; 0 for all; default 100, of --csv all"},
		{"sort", 's', EAR_OPT_TEXT, &c.sort, "COLUMN", "default at"},
		{"ascending", 0, EAR_OPT_FLAG, &c.ascending, NULL,
			"oldest or smallest first"},
		EAR_OPTION_JSON(&c.json),
		{"csv", 'c', EAR_OPT_FLAG, &c.csv, NULL,
			"comma-separated values (RFC 4180), all columns"},
		{"wide", 'w', EAR_OPT_FLAG, &c.wide, NULL,
			"do not fit the table to the terminal"},
	};
	size_t n = 9;
	struct ear_buf more = {0};
	struct ear_usage usage = {ear_list_name(about->list), "[FILTER…]",
		about->about, options, 0, NULL};
	int status;

	if (about->list == EAR_LIST_SESSIONS)
		options[n++] = (struct ear_option){"failures", 0, EAR_OPT_FLAG,
			&c.failures, NULL,
			"also registrations that were refused"};
	if (about->list == EAR_LIST_ACCOUNTS) {
		options[n++] = (struct ear_option){"at", 'a', EAR_OPT_TIME,
			&c.at_ns, "TIME", "who was on line then; default now"};
		options[n++] = (struct ear_option){"history", 0, EAR_OPT_FLAG,
			&c.history, NULL,
			"every binding there ever was; with --at until "
			"then, in the state of then"};
	}
	usage.n = n;
	columns_help(about, &more);
	usage.more = more.err ? about->examples : more.p;
	if (ear_options(&usage, &argc, &argv, &status) &&
		!contradicts(about, &c, &status)) {
		if (c.limit == LIMIT_UNSAID)
			c.limit = c.csv ? 0 : LIMIT_USUAL;
		status = run(about, &c, argc, argv);
	}
	ear_buf_fini(&more);
	return status;
}

int ear_cmd_sessions(int argc, char **argv)
{
	return command(&lists[EAR_LIST_SESSIONS], argc, argv);
}

int ear_cmd_accounts(int argc, char **argv)
{
	return command(&lists[EAR_LIST_ACCOUNTS], argc, argv);
}

int ear_cmd_calls(int argc, char **argv)
{
	return command(&lists[EAR_LIST_CALLS], argc, argv);
}

int ear_cmd_connections(int argc, char **argv)
{
	return command(&lists[EAR_LIST_CONNECTIONS], argc, argv);
}
