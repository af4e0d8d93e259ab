/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list as CSV, all of it as it is filtered and sorted. What could not be
 * brought to its end is cut off: CSV has no place to say so.
 */
#include <stdlib.h>

#include "console/lists.h"
#include "console/priv.h"
#include "console/stream.h"

struct csv {
	struct ear_stream stream; /* first */
	struct ear_list_ask ask;
	struct ear_rows_found found;
};

static bool add_row(const struct ear_cell *cells, void *arg)
{
	struct csv *x = arg;

	ear_shown_csv(x->ask.of, cells, &x->stream.piece);
	return ear_stream_room(&x->stream);
}

static void run(struct ear_stream *stream)
{
	struct csv *x = (struct csv *)stream;
	enum ear_err err;

	ear_shown_csv(x->ask.of, NULL, &stream->piece);
	err = ear_shown_list(stream->call, x->ask.of, &x->ask.query, add_row, x,
		&x->found, &stream->fault);
	if (!stream->err)
		stream->err = err;
}

static void add_headers(struct ear_stream *stream, bool whole)
{
	struct csv *x = (struct csv *)stream;

	ear_call_attach(
		stream->call, ear_shown_name(x->ask.of), "csv", x->ask.now_ns);
	stream->call->type = "text/csv; charset=utf-8";
	if (!whole)
		return;
	ear_call_header(stream->call, "X-Earshot-Complete",
		x->found.complete ? "yes" : "no");
	if (!x->found.complete)
		ear_call_header(stream->call, "X-Earshot-Why", x->found.why);
}

static bool is_whole(const struct ear_stream *stream)
{
	return ((const struct csv *)stream)->found.complete;
}

static void free_csv(struct ear_stream *stream)
{
	struct csv *x = (struct csv *)stream;

	ear_list_ask_fini(&x->ask);
	ear_stream_fini(stream);
	free(x);
}

static const struct ear_stream_ops ops = {run, add_headers, is_whole, free_csv};

void ear_list_csv(struct ear_call *call)
{
	struct csv *x = NULL;

	if (ear_door_scope(call, EAR_MAY_EXPORT))
		x = calloc(1, sizeof(*x));
	else
		goto refused;
	if (!x) {
		ear_call_fail(call, 503, "out of memory");
		goto refused;
	}
	ear_stream_init(&x->stream, call, &ops);
	if (!ear_list_ask_init(&x->ask, call)) {
		free_csv(&x->stream);
		goto refused;
	}
	x->ask.query.limit = 0;
	x->ask.query.deadline_ns = 0;
	call->console->counts.streamed++;
	ear_call_audit(call, "list.csv", false,
		ear_slice_str(ear_shown_name(x->ask.of)),
		ear_call_arg(call, "q"));
	ear_stream_start(&x->stream);
	return;
refused:
	ear_call_send(call);
}
