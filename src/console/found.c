/* SPDX-License-Identifier: Apache-2.0 */
#include "console/found.h"

#include <stdio.h>

#include "base/time.h"
#include "console/priv.h"

static bool read_order(struct ear_call *call, bool *oldest_first)
{
	struct ear_slice order = ear_call_arg(call, "order");

	*oldest_first = ear_slice_eq(order, EAR_S("oldest"));
	if (order.n == 0 || *oldest_first ||
		ear_slice_eq(order, EAR_S("newest")))
		return true;
	ear_call_fail(call, 400, "order is newest or oldest");
	return false;
}

static bool read_cursor(struct ear_call *call, struct ear_asked *asked)
{
	struct ear_slice cursor = ear_call_arg(call, "cursor");

	if (cursor.n == 0)
		return true;
	if (cursor.n >= sizeof(asked->cursor)) {
		ear_call_fail(call, 400, "the cursor is not one of ours");
		return false;
	}
	memcpy(asked->cursor, cursor.p, cursor.n);
	asked->query.cursor = asked->cursor;
	return true;
}

bool ear_asked_init(struct ear_asked *asked, struct ear_call *call)
{
	return ear_asked_init_text(asked, call, ear_call_arg(call, "q"));
}

bool ear_asked_init_text(
	struct ear_asked *asked, struct ear_call *call, struct ear_slice expr)
{
	struct ear_query *q = &asked->query;
	struct ear_fault fault = {0};
	enum ear_err err;

	*asked = (struct ear_asked){
		.now_ns = ear_now_ns(), .begun_ns = ear_mono_ns()};
	q->stop = &call->stop;
	q->deadline_ns =
		asked->begun_ns + call->console->o.search_ms * EAR_MS_NS;
	if (!ear_call_time(call, "from", asked->now_ns, 0, &q->from_ns) ||
		!ear_call_time(
			call, "to", asked->now_ns, UINT64_MAX, &q->to_ns) ||
		!read_order(call, &q->oldest_first) ||
		!read_cursor(call, asked))
		return false;
	err = ear_expr_new(expr, asked->now_ns, &asked->expr, &fault);
	if (err) {
		ear_call_fault(call, err, &fault);
		return false;
	}
	q->expr = asked->expr;
	return true;
}

void ear_asked_fini(struct ear_asked *asked)
{
	ear_expr_free(&asked->expr);
}

void ear_found_tell(struct ear_call *call, const struct ear_asked *asked,
	struct ear_found *found)
{
	const struct ear_console_options *o = &call->console->o;
	uint64_t done_from = found->done_from_ns, from, to;

	if (!o->tell)
		return;
	/* who named no time asked for all there is, however far a limit or
	 * the buckets of a histogram let it go */
	ear_expr_span(asked->expr, &from, &to);
	if (!asked->query.from_ns && !from)
		found->done_from_ns = 0;
	o->tell(found, o->tell_arg);
	found->done_from_ns = done_from;
}

void ear_found_json(struct ear_json *j, const struct ear_found *found,
	const struct ear_asked *asked)
{
	uint64_t to = found->done_to_ns;

	ear_json_open(j, '{');
	ear_json_ku64(j, "matched", found->matched);
	ear_json_ku64(j, "scanned", found->scanned);
	ear_json_kbool(j, "complete", found->complete);
	ear_json_kbool(j, "more", found->more);
	ear_json_kstr(j, "cursor", ear_slice_str(found->cursor));
	ear_json_kstr(j, "why", ear_slice_str(found->why));
	ear_json_ktime(j, "from", found->done_from_ns);
	ear_json_ktime(j, "to", to == UINT64_MAX ? asked->now_ns : to);
	ear_json_ku64(j, "ms", (ear_mono_ns() - asked->begun_ns) / EAR_MS_NS);
	ear_json_close(j, '}');
}
