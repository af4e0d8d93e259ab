/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET export: everything that matches, as a file, oldest first.
 *
 * A file that is sent whole has a header that says whether it is complete. A
 * longer one says so at its end, and one that has no place for that is cut
 * off, so that nobody takes the part for the whole.
 */
#include "console/export.h"

#include <stdio.h>
#include <stdlib.h>

#include "console/found.h"
#include "console/priv.h"
#include "console/stream.h"

struct export
{
	struct ear_stream stream; /* first */
	const struct ear_export_format *format;
	void *state; /* of the format */
	struct ear_asked asked;
	struct ear_found found;
	struct ear_found known; /* of losses, when the search began */
	bool whole;             /* the search itself went to its end */
};

static void free_export(struct ear_stream *stream)
{
	struct export *x = (struct export *)stream;

	ear_asked_fini(&x->asked);
	ear_stream_fini(stream);
	free(x);
}

/* --- on the loop -------------------------------------------------------- */

/* What is missing, or what will be as far as it is known at the beginning. */
static void add_headers(struct ear_stream *stream, bool whole)
{
	struct export *x = (struct export *)stream;
	const struct ear_found *f = whole ? &x->found : &x->known;
	struct ear_call *call = stream->call;

	ear_call_attach(call, "", x->format->suffix, x->asked.now_ns);
	call->type = x->format->type;
	if (whole || !f->complete)
		ear_call_header(
			call, "X-Earshot-Complete", f->complete ? "yes" : "no");
	if (!f->complete)
		ear_call_header(call, "X-Earshot-Why", f->why);
}

/* what was lost before is no reason to fail: it would again */
static bool is_whole(const struct ear_stream *stream)
{
	const struct export *x = (const struct export *)stream;

	return x->whole || x->format->tells;
}

/* --- on the thread ------------------------------------------------------ */

static bool add_message(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct export *x = arg;
	struct ear_stream *stream = &x->stream;
	struct ear_store *store = stream->call->console->o.store;
	char id[40] = "";

	store->ops->id_text(store, msg, facts, id);
	stream->err =
		x->format->message(x->state, msg, facts, id, &stream->piece);
	return ear_stream_room(stream);
}

static void run(struct ear_stream *stream)
{
	struct export *x = (struct export *)stream;
	struct ear_call *call = stream->call;
	struct ear_store *store = call->console->o.store;
	enum ear_err err = EAR_OK;

	x->known = (struct ear_found){.complete = true,
		.done_from_ns = x->asked.query.from_ns,
		.done_to_ns = x->asked.query.to_ns};
	ear_found_tell(call, &x->asked, &x->known);
	if (x->format->begin)
		stream->err = x->format->begin(&stream->piece, &x->state);
	if (!stream->err)
		err = store->ops->find(store, &x->asked.query, add_message, x,
			&x->found, &stream->fault);
	if (!stream->err)
		stream->err = err;
	x->whole = x->found.complete;
	ear_found_tell(call, &x->asked, &x->found);
	err = x->format->end(x->state, &x->found, &x->asked, &stream->piece);
	if (!stream->err)
		stream->err = err;
}

/* --- where it begins ---------------------------------------------------- */

static const struct ear_stream_ops ops = {
	run, add_headers, is_whole, free_export};

static struct export *new_export(
	struct ear_call *call, const struct ear_export_format *format)
{
	struct export *x = calloc(1, sizeof(*x));

	if (!x) {
		ear_call_fail(call, 503, "out of memory");
		return NULL;
	}
	x->format = format;
	ear_stream_init(&x->stream, call, &ops);
	if (!ear_asked_init(&x->asked, call)) {
		free_export(&x->stream);
		return NULL;
	}
	x->asked.query.oldest_first = true;
	x->asked.query.deadline_ns = 0;
	return x;
}

void ear_export_start(struct ear_call *call)
{
	const struct ear_export_format *format =
		ear_export_format(ear_call_arg(call, "format"));
	struct export *x = NULL;

	if (format)
		x = new_export(call, format);
	else
		ear_call_fail(call, 400, "format is pcap, text or json");
	if (!x) {
		ear_call_send(call);
		return;
	}
	ear_call_audit(call, "export", false, ear_call_arg(call, "q"),
		ear_call_arg(call, "format"));
	ear_stream_start(&x->stream);
}
