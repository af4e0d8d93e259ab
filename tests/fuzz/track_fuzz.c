/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trackers, fed with any bytes; the first says how:
 *
 *     'c'  a state of the calls, then messages of a call
 *     'm'  messages, each up to a line "--", and a restart in between
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/time.h"
#include "track/call.h"

#define NOW 1795348800000000000ULL
#define MESSAGES 64

/* The last state of each key, as a database keeps them. */
struct kept {
	uint64_t key;
	struct ear_buf bytes;
};

struct world {
	struct kept kept[256];
	size_t n;
	uint64_t at_ns;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void on_call(const struct ear_call_row *row, void *arg)
{
	(void)arg;
	check(row->id && !(row->id >> 63));
	check(row->disposition <= EAR_CALL_FAILED && row->branches >= 1);
	check(!row->end_ns || row->disposition != EAR_CALL_IN_PROGRESS);
	check(row->talk_ms == 0 || row->answer_ns);
}

static void on_state(
	uint8_t part, uint64_t key, struct ear_slice state, void *arg)
{
	struct world *w = arg;
	size_t i = 0;

	check(part == EAR_TRACK_CALLS);
	while (i < w->n && w->kept[i].key != key)
		i++;
	if (i == w->n) {
		if (!state.n || w->n == sizeof(w->kept) / sizeof(w->kept[0]))
			return;
		w->n++;
		w->kept[i] = (struct kept){.key = key};
	}
	ear_buf_reset(&w->kept[i].bytes);
	ear_buf_slice(&w->kept[i].bytes, state);
	if (!state.n) {
		ear_buf_fini(&w->kept[i].bytes);
		w->kept[i] = w->kept[--w->n];
	}
}

static struct ear_calls *new_calls(struct world *w)
{
	const struct ear_calls_options options = {.max = 8, .join_legs = true};
	const struct ear_track_out out = {
		.call = on_call, .state = on_state, .arg = w};
	struct ear_calls *calls;

	check(ear_calls_new(&options, &out, &calls) == EAR_OK);
	return calls;
}

static void restart(struct world *w, struct ear_calls **calls)
{
	struct ear_calls_stats before, after;
	struct world old = *w;

	ear_calls_save(*calls);
	ear_calls_stats(*calls, &before);
	ear_calls_free(calls);
	old = *w;
	*w = (struct world){.at_ns = old.at_ns};
	*calls = new_calls(w);
	for (size_t i = 0; i < old.n; i++) {
		struct ear_slice state = ear_buf_view(&old.kept[i].bytes);

		on_state(EAR_TRACK_CALLS, old.kept[i].key, state, w);
		ear_calls_restore(*calls, old.kept[i].key, state);
		ear_buf_fini(&old.kept[i].bytes);
	}
	ear_calls_stats(*calls, &after);
	check(after.open == before.open);
}

static void take(struct world *w, struct ear_calls *calls, struct ear_slice raw)
{
	struct ear_msg msg = {.proto = EAR_PROTO_SIP, .raw = raw};
	struct ear_facts facts;

	/* the length makes the clock jump, so that what waits ends too */
	w->at_ns += (raw.n % 7 == 0 ? 100 : 1) * EAR_SECOND_NS;
	msg.at_ns = msg.seen_ns = w->at_ns;
	ear_msg_facts(&msg, &facts);
	ear_calls_take(calls, &msg, &facts);
}

static void messages(
	struct world *w, struct ear_calls **calls, struct ear_slice rest)
{
	for (int i = 0; i < MESSAGES && rest.n; i++) {
		size_t n = ear_slice_find(rest, EAR_S("\n--\n"));

		take(w, *calls, ear_slice_sub(rest, 0, n + 1));
		rest = ear_slice_sub(rest, n + 4, rest.n);
		if (i == 5)
			restart(w, calls);
	}
}

static void call(struct world *w, struct ear_calls *calls)
{
	static const char head[] =
		"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		"From: <sip:a@b>;tag=a\r\nTo: <sip:c@d>;tag=b\r\n"
		"Call-ID: c\r\n";
	static const char *const first[] = {"INVITE sip:c@d SIP/2.0\r\n",
		"SIP/2.0 180 Ringing\r\n", "SIP/2.0 200 OK\r\n",
		"ACK sip:c@d SIP/2.0\r\n", "BYE sip:c@d SIP/2.0\r\n"};
	static const char *const cseq[] = {
		"INVITE", "INVITE", "INVITE", "ACK", "BYE"};

	for (size_t i = 0; i < 5; i++) {
		struct ear_buf raw = {0};

		ear_buf_printf(&raw, "%s%sCSeq: 1 %s\r\n\r\n", first[i], head,
			cseq[i]);
		take(w, calls, ear_buf_view(&raw));
		ear_buf_fini(&raw);
	}
}

/* A state is told by the id in it: the key to give it back with. */
static void state(
	struct world *w, struct ear_calls *calls, struct ear_slice rest)
{
	uint64_t key = 0;

	if (rest.n < 8)
		return;
	for (int i = 0; i < 8; i++)
		key = key << 8 | (uint8_t)rest.p[i];
	ear_calls_restore(calls, key, ear_slice_sub(rest, 8, rest.n));
	ear_calls_save(calls);
	ear_calls_tick(calls, w->at_ns += 10 * EAR_SECOND_NS);
	call(w, calls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_slice rest = ear_slice_sub(ear_slice(data, size), 1, size);
	struct world w = {.at_ns = NOW};
	struct ear_calls *calls = new_calls(&w);

	if (size && data[0] == 'c')
		state(&w, calls, rest);
	else
		messages(&w, &calls, rest);
	ear_calls_tick(calls, w.at_ns + 3600ULL * 24 * EAR_SECOND_NS);
	ear_calls_end(calls);
	ear_calls_free(&calls);
	for (size_t i = 0; i < w.n; i++)
		ear_buf_fini(&w.kept[i].bytes);
	return 0;
}
