/* SPDX-License-Identifier: Apache-2.0 */
#include "app/export_send.h"

#include <stdio.h>

#include "app/options.h"
#include "base/stop.h"
#include "rule/mask.h"
#include "tap/file.h"

/* One sending under way. */
struct sending {
	struct ear_ask *ask;
	const struct ear_export_send *o;
	struct ear_send *send;
	struct ear_buf masked;
	uint64_t sent;      /* of a file: that matched */
	volatile bool over; /* nothing more is to be read */
};

static bool put(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct sending *s = arg;

	return ear_send_put(s->send, msg, facts);
}

static int from_store(struct sending *s)
{
	return ear_ask_find(s->ask, put, s);
}

/* --- a capture file ------------------------------------------------------- */

static bool is_asked(const struct sending *s, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	const struct ear_query *q = &s->ask->query;

	return msg->at_ns >= q->from_ns && msg->at_ns <= q->to_ns &&
	       ear_expr_match(s->ask->expr, msg, facts);
}

/* As an import does it: what is found out there has no secrets. */
static void take(const struct ear_msg *found, void *arg)
{
	struct sending *s = arg;
	const uint64_t limit = s->ask->query.limit;
	struct ear_msg msg = *found;
	struct ear_facts facts;

	if (s->over)
		return;
	ear_msg_examine(&msg, &facts);
	if (!s->o->keep_secrets && ear_mask_secrets(&msg, &facts, &s->masked))
		ear_msg_facts(&msg, &facts);
	if (!is_asked(s, &msg, &facts))
		return;
	if (s->masked.err || !ear_send_put(s->send, &msg, &facts) ||
		++s->sent == limit || ear_stopped(&ear_ask_stopped))
		ear_stop(&s->over);
}

static int from_file(struct sending *s)
{
	const struct ear_tap_file_options options = {
		.fn = take, .arg = s, .stop = &s->over};
	struct ear_fault fault = {0};

	if (ear_tap_file_read(s->o->read, &options, NULL, &fault))
		return ear_command_failed(s->ask->command, &fault);
	return EAR_EXIT_DONE;
}

/* --- both ----------------------------------------------------------------- */

static int read_speed(
	const struct ear_export_send *o, struct ear_send_options *send)
{
	struct ear_slice speed = ear_slice_str(o->speed);

	send->original = ear_slice_eq(speed, EAR_S("original"));
	if (send->original || ear_slice_eq(speed, EAR_S("max")))
		return EAR_EXIT_DONE;
	if (ear_slice_u64(speed, 1000000000, &send->rate) && send->rate)
		return EAR_EXIT_DONE;
	fprintf(stderr,
		"earshot export: --speed is original, max, or messages a "
		"second\n");
	return EAR_EXIT_USAGE;
}

int ear_export_send(struct ear_ask *ask, const struct ear_export_send *options,
	int argc, char **argv)
{
	struct sending s = {.ask = ask, .o = options};
	struct ear_send_options send = options->send;
	int status = read_speed(options, &send), end;

	send.command = ask->command;
	send.stop = &ear_ask_stopped;
	if (!status)
		status = ear_ask_compile(ask, argc, argv);
	if (!status && options->read)
		ear_ask_catch();
	else if (!status)
		status = ear_ask_open(ask, options->data);
	if (!status)
		status = ear_send_open(&send, &s.send);
	if (!status)
		status = options->read ? from_file(&s) : from_store(&s);
	end = ear_send_close(&s.send, false);
	if (!status)
		status = end;
	if (!status && !options->read) {
		ear_ask_lost(ask);
		ear_ask_tell(ask);
	}
	if (!status && ear_stopped(&ear_ask_stopped))
		status = EAR_EXIT_FAILED;
	ear_buf_fini(&s.masked);
	ear_ask_fini(ask);
	return status;
}
