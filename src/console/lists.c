/* SPDX-License-Identifier: Apache-2.0 */
/* GET sessions, accounts, calls, connections, web-sessions, audit, and their
 * columns, facet and timeline. */
#include "console/lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "console/found.h"
#include "console/priv.h"

/* Most bytes of one answer; what is more goes on with the cursor. */
#define ANSWER_MAX (8u << 20)
#define BUCKETS_MAX 400
/* A page asks for several charts beside its rows, one after the other. */
#define CHART_MS 800

struct page {
	struct ear_json j;
	enum ear_rows_of of;
	size_t at; /* which column is the time */
	uint64_t newest_ns;
	bool full;
};

static bool add_row(const struct ear_cell *cells, void *arg)
{
	struct page *page = arg;
	uint64_t at_ns = (uint64_t)cells[page->at].i;

	ear_json_open(&page->j, '{');
	ear_shown_json(&page->j, page->of, cells);
	ear_json_close(&page->j, '}');
	if (at_ns > page->newest_ns)
		page->newest_ns = at_ns;
	page->full = page->j.out->n >= ANSWER_MAX;
	return !page->full && !page->j.out->err;
}

/* A number that changes when the list may have, also by another process; of
 * 53 bits, which is what readers of JSON keep. */
static uint64_t version_of(struct ear_call *call, const struct page *page)
{
	struct ear_records_stats s;
	uint64_t of[6] = {page->newest_ns};

	if (!ear_shown_of_people(page->of)) {
		ear_records_stats(call->console->o.records, &s);
		of[0] = s.written;
		of[1] = s.sessions;
		of[2] = s.bindings;
		of[3] = s.connections;
		of[4] = s.calls;
		of[5] = s.bytes;
	}
	return ear_hash(ear_slice(of, sizeof(of))) >> 11;
}

static void end_page(struct ear_call *call, struct page *page,
	const struct ear_list_ask *ask, struct ear_rows_found *found)
{
	struct ear_json *j = &page->j;
	char newest[24] = "";

	if (page->full) {
		found->more = true;
		snprintf(found->why, sizeof(found->why),
			"the answer became too large; the cursor goes on");
	}
	if (page->newest_ns)
		snprintf(newest, sizeof(newest), "%" PRIx64, page->newest_ns);
	ear_json_close(j, ']');
	ear_json_kbool(j, "more", found->more);
	ear_json_kstr(j, "cursor", ear_slice_str(found->cursor));
	ear_list_found_json(j, found);
	if (ask->newer)
		ear_json_ku64(j, "count", found->rows);
	ear_json_kstr(j, "newest",
		newest[0] ? ear_slice_str(newest)
			  : ear_call_arg(call, "newer"));
	ear_json_ku64(j, "version", version_of(call, page));
	ear_json_ktime(j, "now", ask->now_ns);
	ear_json_close(j, '}');
}

static void list(struct ear_call *call)
{
	struct page page = {.j = ear_call_json(call),
		.of = (enum ear_rows_of)call->route->of};
	struct ear_rows_found found = {0};
	struct ear_fault fault = {0};
	struct ear_list_ask ask;
	enum ear_err err;

	if (!ear_list_ask_init(&ask, call))
		return;
	page.at = ear_shown_column(page.of, "at");
	ear_json_open(&page.j, '{');
	ear_json_key(&page.j, "rows");
	ear_json_open(&page.j, '[');
	err = ear_shown_list(
		call, page.of, &ask.query, add_row, &page, &found, &fault);
	if (err) {
		ear_list_ask_fault(&ask, call, err, &fault);
	} else {
		ear_list_ask_audit(&ask, call);
		end_page(call, &page, &ask, &found);
	}
	ear_list_ask_fini(&ask);
}

void ear_list_route(struct ear_call *call)
{
	struct ear_slice format = ear_call_arg(call, "format");

	if (ear_slice_eq(format, EAR_S("csv"))) {
		ear_list_csv(call);
		return;
	}
	if (format.n == 0 || ear_slice_eq(format, EAR_S("json"))) {
		ear_call_on(call, call->console->searches, list);
		return;
	}
	ear_call_fail(call, 400, "format is json or csv");
	ear_call_send(call);
}

static const char *const type_names[] = {
	[EAR_COLUMN_TEXT] = "text",
	[EAR_COLUMN_INT] = "int",
	[EAR_COLUMN_TIME] = "time",
	[EAR_COLUMN_BOOL] = "bool",
	[EAR_COLUMN_ENUM] = "enum",
	[EAR_COLUMN_ADDR] = "addr",
};

static void columns(struct ear_call *call)
{
	struct ear_json j = ear_call_json(call);
	const struct ear_column *c;
	size_t n;

	c = ear_shown_columns((enum ear_rows_of)call->route->of, &n);
	ear_json_open(&j, '{');
	ear_json_key(&j, "columns");
	ear_json_open(&j, '[');
	for (size_t i = 0; i < n; i++) {
		ear_json_open(&j, '{');
		ear_json_kstr(&j, "name", ear_slice_str(c[i].name));
		ear_json_kstr(&j, "title", ear_slice_str(c[i].title));
		ear_json_kstr(&j, "type", ear_slice_str(type_names[c[i].type]));
		ear_json_kstr(&j, "help", ear_slice_str(c[i].help));
		ear_json_kbool(&j, "sorts", c[i].sorts);
		ear_json_key(&j, "words");
		ear_json_open(&j, '[');
		for (size_t w = 0; c[i].words && c[i].words[w]; w++)
			ear_json_str(&j, ear_slice_str(c[i].words[w]));
		ear_json_close(&j, ']');
		ear_json_close(&j, '}');
	}
	ear_json_close(&j, ']');
	ear_json_close(&j, '}');
}

/* --- facet and timeline ------------------------------------------------- */

/* The column that "by" names, as text. @return false, and the answer is an
 * error */
static bool read_by(struct ear_call *call, char *by, size_t room, bool needed)
{
	enum ear_rows_of of = (enum ear_rows_of)call->route->of;
	struct ear_slice text = ear_call_arg(call, "by");
	size_t n;

	snprintf(by, room, "%.*s", EAR_FMT(text));
	ear_shown_columns(of, &n);
	if ((text.n == 0 && !needed) ||
		(text.n < room && ear_shown_column(of, by) < n))
		return true;
	ear_call_fail(call, 400, "by is the name of a column of this list");
	return false;
}

static bool add_value(struct ear_slice value, uint64_t count, void *arg)
{
	struct ear_json *j = arg;

	ear_json_open(j, '{');
	ear_json_kstr(j, "value", value);
	ear_json_ku64(j, "count", count);
	ear_json_close(j, '}');
	return true;
}

static void facet(struct ear_call *call)
{
	struct ear_json j = ear_call_json(call);
	struct ear_rows_found found = {0};
	struct ear_fault fault = {0};
	struct ear_list_ask ask;
	enum ear_err err;
	uint64_t most;
	char by[64];

	if (!ear_list_ask_init(&ask, call))
		return;
	if (!read_by(call, by, sizeof(by), true) ||
		!ear_call_number(call, "most", 1, 100, 10, &most))
		goto out;
	ear_list_ask_within(&ask, call, CHART_MS);
	ask.query.limit = 0;
	ear_json_open(&j, '{');
	ear_json_kstr(&j, "by", ear_slice_str(by));
	ear_json_key(&j, "values");
	ear_json_open(&j, '[');
	err = ear_shown_facet(call, ask.of, &ask.query, by, most, add_value, &j,
		&found, &fault);
	if (err) {
		ear_list_ask_fault(&ask, call, err, &fault);
		goto out;
	}
	ear_list_ask_audit(&ask, call);
	ear_json_close(&j, ']');
	ear_list_found_json(&j, &found);
	ear_json_close(&j, '}');
out:
	ear_list_ask_fini(&ask);
}

static bool see_at(const struct ear_cell *cells, void *arg)
{
	uint64_t *at = arg;

	at[1] = (uint64_t)cells[at[0]].i;
	return false;
}

/* Where the rows begin, for a span that is open there. */
static uint64_t oldest_of(struct ear_call *call, const struct ear_list_ask *ask)
{
	struct ear_rows_query query = {.to_ns = ask->query.to_ns,
		.failures = ask->query.failures,
		.ascending = true,
		.limit = 1,
		.deadline_ns = ask->query.deadline_ns,
		.stop = &call->stop};
	uint64_t at[2] = {ear_shown_column(ask->of, "at"), 0};
	struct ear_rows_found found = {0};
	struct ear_fault fault = {0};

	if (ear_shown_list(call, ask->of, &query, see_at, at, &found, &fault) ||
		at[1] == 0)
		return ask->now_ns;
	return at[1];
}

/* Span and step, as the histogram of messages has them. */
static void set_span(struct ear_call *call, struct ear_list_ask *ask,
	uint64_t buckets, struct ear_timeline *t)
{
	uint64_t from = ask->query.from_ns, to = ask->query.to_ns, newest = 0;

	if (!ear_shown_of_people(ask->of))
		newest = ear_records_newest(call->console->o.records);
	if (newest < ask->now_ns)
		newest = ask->now_ns;
	if (to > newest)
		to = newest;
	if (from == 0)
		from = oldest_of(call, ask);
	if (from > to)
		from = to;
	t->step_ns = ear_step_round((to - from) / EAR_MS_NS /
					    (buckets > 1 ? buckets - 1 : 1) +
				    1) *
		     EAR_MS_NS;
	/* in whole seconds, which step_s says */
	if (t->step_ns < EAR_SECOND_NS)
		t->step_ns = EAR_SECOND_NS;
	t->step_ns = (t->step_ns + EAR_SECOND_NS - 1) / EAR_SECOND_NS *
		     EAR_SECOND_NS;
	t->from_ns = buckets > 1 ? from - from % t->step_ns : from;
	t->buckets = (to - t->from_ns) / t->step_ns + 1;
}

/* One for each word of a column and one for none of them; else one. */
static size_t series_of(enum ear_rows_of of, const char *by)
{
	size_t n, at = ear_shown_column(of, by), words = 0;
	const struct ear_column *c = ear_shown_columns(of, &n);

	if (!by[0] || !c[at].words)
		return 1;
	while (c[at].words[words])
		words++;
	return words + 1;
}

/* Few columns can be without a word: that series is there if it has rows. */
static bool is_seen(const struct ear_timeline *t, size_t s)
{
	uint64_t n = 0;

	if (!t->words || t->words[s])
		return true;
	for (size_t b = 0; b < t->buckets; b++)
		n += t->n[b * t->series + s];
	return n != 0;
}

static void write_series(struct ear_json *j, const struct ear_timeline *t)
{
	ear_json_key(j, "series");
	ear_json_open(j, '[');
	for (size_t s = 0; s < t->series; s++) {
		const char *name = t->words ? t->words[s] : "all";

		if (!is_seen(t, s))
			continue;
		ear_json_open(j, '{');
		ear_json_kstr(j, "name", ear_slice_str(name ? name : ""));
		ear_json_key(j, "counts");
		ear_json_open(j, '[');
		for (size_t b = 0; b < t->buckets; b++)
			ear_json_u64(j, t->n[b * t->series + s]);
		ear_json_close(j, ']');
		ear_json_close(j, '}');
	}
	ear_json_close(j, ']');
}

static void timeline(struct ear_call *call)
{
	struct ear_json j = ear_call_json(call);
	struct ear_rows_found found = {0};
	struct ear_timeline t = {0};
	struct ear_fault fault = {0};
	struct ear_list_ask ask;
	enum ear_err err;
	uint64_t buckets;
	char by[64];

	if (!ear_list_ask_init(&ask, call))
		return;
	if (!read_by(call, by, sizeof(by), false) ||
		!ear_call_number(call, "buckets", 1, BUCKETS_MAX, 60, &buckets))
		goto out;
	ear_list_ask_within(&ask, call, CHART_MS);
	ask.query.limit = 0;
	set_span(call, &ask, buckets, &t);
	t.series = series_of(ask.of, by);
	t.n = calloc(t.buckets * t.series, sizeof(*t.n));
	if (!t.n) {
		ear_call_fail(call, 503, "out of memory");
		goto out;
	}
	err = ear_shown_timeline(call, ask.of, &ask.query, by[0] ? by : NULL,
		&t, &found, &fault);
	if (err) {
		ear_list_ask_fault(&ask, call, err, &fault);
		goto out;
	}
	ear_json_open(&j, '{');
	ear_json_ktime(&j, "from", t.from_ns);
	ear_json_ku64(&j, "step_s", t.step_ns / EAR_SECOND_NS);
	write_series(&j, &t);
	ear_list_found_json(&j, &found);
	ear_json_close(&j, '}');
out:
	free(t.n);
	ear_list_ask_fini(&ask);
}

void ear_list_part_route(struct ear_call *call)
{
	enum ear_rows_of of = (enum ear_rows_of)call->route->of;

	if (ear_slice_eq(call->rest, EAR_S("columns")))
		columns(call);
	else if (ear_slice_eq(call->rest, EAR_S("check")))
		ear_check_filter(call, ear_shown_set(of));
	else if (ear_slice_eq(call->rest, EAR_S("facet")))
		facet(call);
	else if (ear_slice_eq(call->rest, EAR_S("timeline")))
		timeline(call);
	else if (of == EAR_ROWS_ACCOUNTS)
		ear_story_account(call);
	else if (of == EAR_ROWS_CALLS)
		ear_story_call(call);
	else
		ear_call_fail(call, 404, "no such page");
}
