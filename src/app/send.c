/* SPDX-License-Identifier: Apache-2.0 */
#include "app/send.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/options.h"
#include "base/stop.h"
#include "base/time.h"
#include "sink/mirror.h"

/* Handed over at once: so many records or bytes. */
#define RECORDS 1024
#define BYTES (256u << 10)

/* A collector that takes nothing, or confirms nothing, for so long is gone. */
#define GONE_NS (20 * EAR_SECOND_NS)

/* While it waits for a message's time, it looks after the connection. */
#define LOOK_NS (50 * EAR_MS_NS)

struct ear_send {
	struct ear_send_options o;
	struct ear_sink *sink;
	struct ear_fault fault;
	bool open;
	bool failed;
	struct ear_buf bytes; /* of the records that wait */
	size_t end[RECORDS];  /* where each of them ends */
	size_t n;
	uint64_t began_ns; /* monotonic */
	uint64_t first_ns; /* capture time of the first message */
	uint64_t put;      /* messages asked for */
	uint64_t handed, safe, cut, unsupported;
	uint64_t refused;  /* before they were handed over */
	uint64_t too_long; /* of those handed over */
	uint64_t moved_ns; /* monotonic; when something last went on */
};

static bool fail(struct ear_send *s)
{
	s->failed = true;
	return false;
}

/* Hear what is safe. */
static bool look(struct ear_send *s)
{
	uint64_t safe = s->safe;

	if (s->sink->ops->safe(s->sink, &safe, &s->fault))
		return fail(s);
	if (safe != s->safe)
		s->moved_ns = ear_mono_ns();
	s->safe = safe;
	if (s->safe < s->handed && ear_mono_ns() - s->moved_ns > GONE_NS) {
		(void)ear_fail(&s->fault, EAR_SYS, 0,
			"%s confirms nothing any more", s->o.to);
		return fail(s);
	}
	return true;
}

static bool hand_over(struct ear_send *s, struct ear_sink_record *records)
{
	size_t at = 0;

	s->moved_ns = ear_mono_ns();
	while (at < s->n) {
		size_t handed, refused;

		if (ear_stopped(s->o.stop))
			return false;
		if (s->sink->ops->deliver(s->sink, records + at, s->n - at,
			    &handed, &refused, &s->fault))
			return fail(s);
		at += handed;
		s->handed += handed;
		s->too_long += refused;
		if (handed)
			s->moved_ns = ear_mono_ns();
		if (!look(s))
			return false;
		if (ear_mono_ns() - s->moved_ns > GONE_NS) {
			(void)ear_fail(&s->fault, EAR_SYS, 0,
				"%s takes nothing any more", s->o.to);
			return fail(s);
		}
	}
	return true;
}

static bool drain(struct ear_send *s)
{
	static struct ear_sink_record records[RECORDS];
	size_t from = 0;
	bool good;

	for (size_t i = 0; i < s->n; i++) {
		records[i].bytes =
			ear_slice(s->bytes.p + from, s->end[i] - from);
		from = s->end[i];
	}
	good = hand_over(s, records);
	s->n = 0;
	ear_buf_reset(&s->bytes);
	return good;
}

/* When the next message is due, monotonic; 0: at once. */
static uint64_t due(const struct ear_send *s, const struct ear_msg *msg)
{
	if (s->o.rate)
		return s->began_ns +
		       (uint64_t)((double)s->put * 1e9 / (double)s->o.rate);
	if (s->o.original && msg->at_ns > s->first_ns)
		return s->began_ns + (msg->at_ns - s->first_ns);
	return 0;
}

static bool wait_until(struct ear_send *s, uint64_t due_ns)
{
	uint64_t now = ear_mono_ns();

	if (now >= due_ns)
		return true;
	if (!drain(s))
		return false;
	while ((now = ear_mono_ns()) < due_ns) {
		uint64_t left = due_ns - now < LOOK_NS ? due_ns - now : LOOK_NS;

		nanosleep(&(struct timespec){.tv_nsec = (long)left}, NULL);
		if (ear_stopped(s->o.stop) || !look(s))
			return false;
	}
	return true;
}

bool ear_send_put(struct ear_send *s, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	enum ear_err err;

	if (s->failed || ear_stopped(s->o.stop))
		return false;
	if (!s->put)
		s->first_ns = msg->at_ns;
	if (!wait_until(s, due(s, msg)))
		return false;
	s->put++;
	err = s->sink->ops->encode(s->sink, msg, facts, NULL, &s->bytes);
	switch (err) {
	case EAR_LIMIT: s->cut++; break;
	case EAR_OK: break;
	case EAR_UNSUPPORTED: s->unsupported++; return true;
	case EAR_USAGE: s->refused++; return true;
	default:
		(void)ear_fail(&s->fault, err, 0, "out of memory");
		return fail(s);
	}
	s->end[s->n++] = s->bytes.n;
	return s->n < RECORDS && s->bytes.n < BYTES ? true : drain(s);
}

/* --- beginning and end ------------------------------------------------ */

static bool hung_up(enum ear_err err, const struct ear_fault *fault)
{
	return err == EAR_GONE || fault->sys_errno == ECONNRESET ||
	       fault->sys_errno == EPIPE;
}

/* Some collectors end a connection at what is no message, as our greeting. */
static enum ear_err begin(struct ear_sink *sink, struct ear_fault *fault)
{
	int greetings = EAR_MIRROR_GREETINGS;
	struct ear_sink_pos pos = {0};
	enum ear_err err;

	do {
		*fault = (struct ear_fault){0};
		err = sink->ops->begin(sink, &pos, fault);
	} while (err && hung_up(err, fault) && greetings--);
	return err;
}

int ear_send_open(const struct ear_send_options *o, struct ear_send **out)
{
	const struct ear_mirror_options mirror = {
		.to = o->to,
		.version = o->version,
		.capture_id = o->capture_id,
		.auth_key = o->key,
		.from = "",
		.local_address = "",
		.xheaders = true,
		.max_hops = 64,
		.ca = o->ca ? o->ca : "",
		.verify = !o->no_verify,
		.acknowledge = true,
	};
	struct ear_fault fault = {0};
	struct ear_send *s = calloc(1, sizeof(*s));
	enum ear_err err =
		s ? EAR_OK : ear_fail(&fault, EAR_NOMEM, 0, "out of memory");

	*out = NULL;
	if (!err)
		err = ear_mirror_new(&mirror, &s->sink, &fault);
	if (!err)
		err = begin(s->sink, &fault);
	if (err) {
		if (s && s->sink)
			s->sink->ops->close(&s->sink);
		free(s);
		return ear_command_failed(o->command, &fault);
	}
	s->o = *o;
	s->began_ns = s->moved_ns = ear_mono_ns();
	*out = s;
	return EAR_EXIT_DONE;
}

static bool all_safe(struct ear_send *s)
{
	if (s->failed || !drain(s))
		return false;
	s->moved_ns = ear_mono_ns();
	while (s->safe < s->handed) {
		if (!look(s) || ear_stopped(s->o.stop))
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return true;
}

static void tell_less(uint64_t n, const char *words)
{
	if (n)
		fprintf(stderr, "; %llu %s", (unsigned long long)n, words);
}

static void tell(const struct ear_send *s)
{
	double seconds = (double)(ear_mono_ns() - s->began_ns) / 1e9;
	uint64_t sent = s->safe > s->too_long ? s->safe - s->too_long : 0;

	fprintf(stderr, "%llu message%s sent to %s in %.1f s (%.0f/s)",
		(unsigned long long)sent, sent == 1 ? "" : "s", s->o.to,
		seconds, seconds > 0 ? (double)sent / seconds : 0);
	tell_less(s->cut, "cut, as they were too long");
	tell_less(s->refused + s->too_long,
		"left out: too long, without end, or in a loop");
	tell_less(s->unsupported, "left out: no SIP");
	fprintf(stderr, "\n");
}

int ear_send_close(struct ear_send **send, bool quiet)
{
	struct ear_send *s = *send;
	bool good;

	if (!s)
		return EAR_EXIT_DONE;
	good = all_safe(s);
	if (s->failed)
		fprintf(stderr, "earshot %s: the collector has gone: %s\n",
			s->o.command, s->fault.text);
	if (!good || !quiet)
		tell(s);
	s->sink->ops->close(&s->sink);
	ear_buf_fini(&s->bytes);
	free(s);
	*send = NULL;
	return good ? EAR_EXIT_DONE : EAR_EXIT_FAILED;
}
