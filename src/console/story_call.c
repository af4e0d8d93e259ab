/* SPDX-License-Identifier: Apache-2.0 */
/* GET calls/ID. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "console/call_words.h"
#include "console/lists.h"
#include "console/priv.h"

/* Most legs of one call that are shown. */
#define LEGS_MAX 32

struct story {
	struct ear_json j;
	struct ear_call_facts facts;
	struct ear_buf texts; /* of facts */
	char legs[40];        /* the same for all legs; "" alone */
	uint64_t at_ns;
};

static const struct ear_cell *cell(
	const struct ear_cell *cells, const char *name)
{
	return &cells[ear_shown_column(EAR_ROWS_CALLS, name)];
}

/* Slices point into the row, which goes: keeps offsets until all are there. */
static struct ear_slice keep(struct story *s, const struct ear_cell *cell)
{
	size_t at = s->texts.n;

	ear_buf_slice(&s->texts, cell->text);
	return ear_slice((const char *)at, s->texts.err ? 0 : cell->text.n);
}

static void settle(struct story *s, struct ear_slice *text)
{
	*text = text->n ? ear_slice(s->texts.p + (size_t)text->p, text->n)
			: EAR_S("");
}

static void read_facts(struct story *s, const struct ear_cell *cells)
{
	struct ear_call_facts *f = &s->facts;
	struct ear_slice *texts[] = {&f->src, &f->dst, &f->disposition,
		&f->reason, &f->note, &f->ended_by};
	static const char *const names[] = {
		"src", "dst", "disposition", "reason", "note", "ended_by"};
	const struct ear_cell *legs = cell(cells, "legs");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		*texts[i] = keep(s, cell(cells, names[i]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		settle(s, texts[i]);
	f->code = (unsigned)cell(cells, "code")->i;
	f->q850 = (unsigned)cell(cells, "q850")->i;
	f->branches = (unsigned)cell(cells, "branches")->i;
	f->ring_s = (uint64_t)cell(cells, "ring_s")->i;
	f->talk_s = (uint64_t)cell(cells, "talk_s")->i;
	f->rang = cell(cells, "rang")->there;
	f->estimated = cell(cells, "estimated")->i != 0;
	s->at_ns = (uint64_t)cell(cells, "at")->i;
	if (legs->there && legs->text.n < sizeof(s->legs))
		snprintf(s->legs, sizeof(s->legs), "%.*s", EAR_FMT(legs->text));
}

static void write_row(struct story *s, const struct ear_cell *cells)
{
	ear_json_open(&s->j, '{');
	ear_row_json(&s->j, EAR_LIST_CALLS, cells);
	ear_json_close(&s->j, '}');
}

static bool add_call(const struct ear_cell *cells, void *arg)
{
	struct story *s = arg;

	ear_json_key(&s->j, "call");
	write_row(s, cells);
	read_facts(s, cells);
	return false;
}

static bool add_leg(const struct ear_cell *cells, void *arg)
{
	write_row(arg, cells);
	return true;
}

/* Whether who was called was registered then, and over what. */
static bool see_binding(const struct ear_cell *cells, void *arg)
{
	struct story *s = arg;
	const struct ear_cell *lost =
		&cells[ear_shown_column(EAR_ROWS_ACCOUNTS, "lost")];

	s->facts.bindings++;
	if (lost->there && lost->i && (uint64_t)lost->i <= s->at_ns)
		s->facts.dead++;
	return true;
}

/* @return whether the list went well; else the answer is an error */
static bool find(struct ear_call *call, struct ear_rows_query *query,
	ear_row_fn fn, struct story *s)
{
	const struct ear_console_options *o = &call->console->o;
	struct ear_rows_found found = {0};
	struct ear_fault fault = {0};
	enum ear_err err;

	query->stop = &call->stop;
	query->deadline_ns = ear_mono_ns() + o->search_ms * EAR_MS_NS;
	err = ear_records_list(o->records, query, fn, s, &found, &fault);
	if (err)
		ear_call_fault(call, err, &fault);
	return !err;
}

static bool add_legs(struct ear_call *call, struct story *s)
{
	char filter[80];
	struct ear_rows_query query = {.list = EAR_LIST_CALLS,
		.from_ns = s->at_ns > 600 * EAR_SECOND_NS
				   ? s->at_ns - 600 * EAR_SECOND_NS
				   : 0,
		.to_ns = s->at_ns + 600 * EAR_SECOND_NS,
		.ascending = true,
		.limit = LEGS_MAX};
	bool ok = true;

	ear_json_key(&s->j, "legs");
	ear_json_open(&s->j, '[');
	if (s->legs[0]) {
		snprintf(filter, sizeof(filter), "legs == \"%s\"", s->legs);
		query.filter = ear_slice_str(filter);
		ok = find(call, &query, add_leg, s);
	}
	ear_json_close(&s->j, ']');
	return ok;
}

static bool see_bindings(struct ear_call *call, struct story *s)
{
	struct ear_buf filter = {0};
	struct ear_rows_query query = {.list = EAR_LIST_ACCOUNTS,
		.to_ns = INT64_MAX,
		.at_ns = s->at_ns,
		.limit = 100};
	bool ok;

	ear_buf_str(&filter, "username == ");
	ear_call_quote(s->facts.dst, &filter);
	query.filter = ear_buf_view(&filter);
	ok = s->facts.dst.n == 0 || filter.err ||
	     find(call, &query, see_binding, s);
	ear_buf_fini(&filter);
	return ok;
}

static void tell(struct ear_call *call, struct story *s)
{
	struct ear_fault fault = {0};
	struct ear_buf words = {0};
	const char *rule;
	enum ear_err err;

	ear_json_open(&s->j, '{');
	err = ear_records_row(call->console->o.records, EAR_LIST_CALLS,
		call->rest, add_call, s, &fault);
	if (err == EAR_GONE || err == EAR_USAGE) {
		ear_call_fail(call, 404, "there is no such call");
		return;
	}
	if (err) {
		ear_call_fault(call, err, &fault);
		return;
	}
	if (!add_legs(call, s) || !see_bindings(call, s))
		return;
	rule = ear_call_words(&s->facts, &words);
	ear_json_kstr(&s->j, "words", ear_buf_view(&words));
	ear_json_kstr(&s->j, "rule", ear_slice_str(rule));
	ear_json_close(&s->j, '}');
	ear_buf_fini(&words);
	ear_call_audit(call, "call.open", true, call->rest, s->facts.src);
}

void ear_story_call(struct ear_call *call)
{
	struct story s = {.j = ear_call_json(call)};
	struct ear_list_ask ask;

	if (!ear_list_ask_init(&ask, call))
		return;
	tell(call, &s);
	ear_buf_fini(&s.texts);
	ear_list_ask_fini(&ask);
}
