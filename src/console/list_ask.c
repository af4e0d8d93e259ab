/* SPDX-License-Identifier: Apache-2.0 */
#include "console/lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "console/priv.h"

/* A person looks at a page: what was found by then is shown, and the cursor
 * goes on. */
#define LIST_MS 2000

/* Copies a parameter into room bytes. @return false when it is too long */
static bool copy(
	const struct ear_call *call, const char *name, char *to, size_t room)
{
	struct ear_slice text = ear_call_arg(call, name);

	if (text.n >= room)
		return false;
	memcpy(to, text.p ? text.p : "", text.n);
	to[text.n] = '\0';
	return true;
}

static bool read_sort(struct ear_list_ask *ask, struct ear_call *call)
{
	struct ear_slice order = ear_call_arg(call, "order");
	size_t n;

	if (order.n && !ear_slice_eq(order, EAR_S("asc")) &&
		!ear_slice_eq(order, EAR_S("desc"))) {
		ear_call_fail(call, 400, "order is asc or desc");
		return false;
	}
	ask->query.ascending = ear_slice_eq(order, EAR_S("asc"));
	ear_shown_columns(ask->of, &n);
	if (!copy(call, "sort", ask->sort, sizeof(ask->sort)) ||
		(ask->sort[0] && ear_shown_column(ask->of, ask->sort) == n)) {
		ear_call_fail(
			call, 400, "sort is the name of a column of this list");
		return false;
	}
	if (ask->sort[0])
		ask->query.sort = ask->sort;
	return true;
}

static bool read_cursor(struct ear_list_ask *ask, struct ear_call *call)
{
	if (!copy(call, "cursor", ask->cursor, sizeof(ask->cursor))) {
		ear_call_fail(call, 400, "the cursor is not one of ours");
		return false;
	}
	if (ask->cursor[0])
		ask->query.cursor = ask->cursor;
	return true;
}

/* What came after the row of this time. Accounts take their span for what
 * held in it, so there it is a part of the filter. */
static bool read_newer(struct ear_list_ask *ask, struct ear_call *call)
{
	struct ear_rows_query *q = &ask->query;
	char text[32], time[EAR_TIME_TEXT], *end;
	uint64_t at_ns;

	if (!copy(call, "newer", text, sizeof(text)))
		text[0] = '\0';
	if (!text[0] && !ear_call_arg(call, "newer").n)
		return true;
	errno = 0;
	at_ns = strtoull(text, &end, 16);
	if (!text[0] || *end || errno || at_ns >= INT64_MAX) {
		ear_call_fail(call, 400, "newer is 'newest' of an answer");
		return false;
	}
	ask->newer = true;
	if (ask->of != EAR_ROWS_ACCOUNTS) {
		if (q->from_ns <= at_ns)
			q->from_ns = at_ns + 1;
		return true;
	}
	ear_time_text(at_ns, time);
	ear_buf_printf(&ask->filter, "at > \"%s\"", time);
	if (q->filter.n) {
		ear_buf_str(&ask->filter, " and (");
		ask->before = ask->filter.n;
		ear_buf_slice(&ask->filter, q->filter);
		ear_buf_str(&ask->filter, ")");
	}
	q->filter = ear_buf_view(&ask->filter);
	return true;
}

static bool read_times(struct ear_list_ask *ask, struct ear_call *call)
{
	bool spanned =
		ear_call_arg(call, "from").n || ear_call_arg(call, "to").n;
	struct ear_rows_query *q = &ask->query;

	return ear_call_time(call, "from", ask->now_ns, 0, &q->from_ns) &&
	       ear_call_time(call, "to", ask->now_ns, INT64_MAX, &q->to_ns) &&
	       ear_call_time(call, "at", ask->now_ns, spanned ? 0 : ask->now_ns,
		       &q->at_ns);
}

void ear_list_ask_within(
	struct ear_list_ask *ask, const struct ear_call *call, uint32_t ms)
{
	uint32_t most = call->console->o.search_ms;

	ask->query.deadline_ns =
		ear_mono_ns() + (ms < most ? ms : most) * EAR_MS_NS;
}

bool ear_list_ask_init(struct ear_list_ask *ask, struct ear_call *call)
{
	const struct ear_console_options *o = &call->console->o;
	struct ear_rows_query *q = &ask->query;

	*ask = (struct ear_list_ask){.of = (enum ear_rows_of)call->route->of,
		.now_ns = ear_now_ns()};
	if (!ear_shown_of_people(ask->of) && !o->records) {
		ear_call_fail(call, 404,
			"this server keeps no sessions, accounts and calls: "
			"records.keep is false in its configuration");
		return false;
	}
	q->stop = &call->stop;
	q->now_ns = ask->now_ns;
	ear_list_ask_within(ask, call, LIST_MS);
	q->filter = ear_call_arg(call, "q");
	q->failures = ear_slice_eq(ear_call_arg(call, "failures"), EAR_S("1"));
	if (read_times(ask, call) && read_sort(ask, call) &&
		read_cursor(ask, call) && read_newer(ask, call) &&
		ear_call_number(call, "limit", 1, 1000, 100, &q->limit))
		return true;
	ear_list_ask_fini(ask);
	return false;
}

void ear_list_ask_fini(struct ear_list_ask *ask)
{
	ear_buf_fini(&ask->filter);
}

void ear_list_ask_fault(struct ear_list_ask *ask, struct ear_call *call,
	enum ear_err err, struct ear_fault *fault)
{
	fault->offset -=
		fault->offset < ask->before ? fault->offset : ask->before;
	ear_call_fault(call, err, fault);
}

void ear_list_ask_audit(struct ear_list_ask *ask, struct ear_call *call)
{
	/* also without a filter, with a cursor, or from a time on: all of them
	 * show rows, and anybody can make up a cursor */
	ear_call_audit(call, "list", true,
		ear_slice_str(ear_shown_name(ask->of)),
		ear_call_arg(call, "q"));
}

void ear_list_found_json(struct ear_json *j, const struct ear_rows_found *found)
{
	ear_json_kbool(j, "complete", found->complete);
	ear_json_kstr(j, "why", ear_slice_str(found->why));
}
