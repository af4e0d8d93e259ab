/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the trackers cost a message, of the traffic that hepgen makes:
 *
 *     track-bench [MESSAGES [DIALOGS]]
 *
 * Prints one JSON object a line: {"what", "figure"}, in nanoseconds of the
 * processor a message unless "what" says otherwise. Facts are at hand when a
 * message comes to the trackers, as they are here; rows and states go nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "hepgen_make.h"
#include "track/call.h"
#include "track/presence.h"

/* So many that they stay in the cache, as in the program, where the facts of
 * a message are found just before. */
#define CHUNK 256
#define SAVE_EVERY 51200
#define BEGIN_NS 1795348800000000000ULL
/* 100,000 messages a second, by their own clock */
#define STEP_NS 10000

struct chunk {
	struct ear_msg msg[CHUNK];
	struct ear_facts facts[CHUNK];
	char raw[CHUNK][1200];
	size_t n;
};

static struct chunk chunk;
static uint64_t rows, state_bytes;

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * EAR_SECOND_NS + (uint64_t)t.tv_nsec;
}

static void fill(struct maker *maker, uint64_t *at_ns)
{
	char room[MAKE_MAX];

	for (chunk.n = 0; chunk.n < CHUNK; chunk.n++) {
		struct made made = maker_next(maker, *at_ns, room);
		struct ear_msg *msg = &chunk.msg[chunk.n];

		if (made.payload.n > sizeof(chunk.raw[0]))
			exit(1);
		memcpy(chunk.raw[chunk.n], made.payload.p, made.payload.n);
		*msg = (struct ear_msg){.at_ns = *at_ns,
			.seen_ns = *at_ns,
			.src = made.src,
			.dst = made.dst,
			.proto = EAR_PROTO_SIP,
			.transport = EAR_TR_UDP,
			.ip_proto = 17,
			.raw = ear_slice(chunk.raw[chunk.n], made.payload.n)};
		ear_msg_facts(msg, &chunk.facts[chunk.n]);
		*at_ns += STEP_NS;
	}
}

static void on_session(const struct ear_session_row *row, void *arg)
{
	rows++;
}

static void on_binding(const struct ear_binding_row *row, void *arg)
{
	rows++;
}

static void on_conn(const struct ear_conn_row *row, void *arg)
{
	rows++;
}

static void on_call(const struct ear_call_row *row, void *arg)
{
	rows++;
}

static void on_state(
	uint8_t part, uint64_t key, struct ear_slice state, void *arg)
{
	state_bytes += state.n;
}

static const struct ear_track_out out = {.session = on_session,
	.binding = on_binding,
	.conn = on_conn,
	.call = on_call,
	.state = on_state};

static void report(const char *what, double figure)
{
	printf("{\"what\": \"%s\", \"figure\": %.1f}\n", what, figure);
}

/* One tracker behind functions that are alike. */
struct tracker {
	const char *name;
	void *it;
	void (*take)(
		void *it, const struct ear_msg *, const struct ear_facts *);
	void (*save)(void *it);
	bool (*ours)(const struct ear_facts *facts);
	uint64_t own_ns, own, other_ns, other, save_ns;
};

static void calls_take(
	void *it, const struct ear_msg *msg, const struct ear_facts *facts)
{
	ear_calls_take(it, msg, facts);
}

static void calls_save(void *it)
{
	ear_calls_save(it);
}

static bool of_calls(const struct ear_facts *f)
{
	return ear_slice_eq(f->cseq_method, EAR_S("INVITE")) ||
	       ear_slice_eq(f->cseq_method, EAR_S("ACK")) ||
	       ear_slice_eq(f->cseq_method, EAR_S("BYE"));
}

static void presence_take(
	void *it, const struct ear_msg *msg, const struct ear_facts *facts)
{
	ear_presence_take(it, msg, facts);
}

static void presence_save(void *it)
{
	ear_presence_save(it);
}

static bool of_presence(const struct ear_facts *f)
{
	return ear_slice_eq(f->cseq_method, EAR_S("REGISTER"));
}

/* Its own messages and the others apart: each kind is timed as a run, in the
 * order in which they came. */
static void pass(struct tracker *t, bool own)
{
	uint64_t begin, n = 0;
	static uint32_t pick[CHUNK];

	for (uint32_t i = 0; i < chunk.n; i++) {
		if (t->ours(&chunk.facts[i]) == own)
			pick[n++] = i;
	}
	begin = cpu_ns();
	for (uint64_t i = 0; i < n; i++)
		t->take(t->it, &chunk.msg[pick[i]], &chunk.facts[pick[i]]);
	begin = cpu_ns() - begin;
	*(own ? &t->own_ns : &t->other_ns) += begin;
	*(own ? &t->own : &t->other) += n;
}

static void save(struct tracker *t)
{
	uint64_t begin = cpu_ns();

	t->save(t->it);
	t->save_ns += cpu_ns() - begin;
}

static void report_tracker(const struct tracker *t)
{
	char what[100];
	uint64_t all = t->own + t->other;

	snprintf(what, sizeof(what), "%s: a message of its own", t->name);
	report(what, (double)t->own_ns / (double)t->own);
	snprintf(what, sizeof(what), "%s: a message of others", t->name);
	report(what, (double)t->other_ns / (double)t->other);
	snprintf(what, sizeof(what), "%s: any message, with saving", t->name);
	report(what,
		(double)(t->own_ns + t->other_ns + t->save_ns) / (double)all);
}

/* So many calls that ring, to see what they take: a tenth of the messages. */
static void report_memory(size_t calls)
{
	const struct ear_calls_options options = {
		.max = calls, .join_legs = true};
	struct ear_calls_stats stats;
	struct ear_calls *c;

	if (ear_calls_new(&options, &out, &c))
		exit(1);
	for (size_t i = 0; i < calls; i++) {
		struct ear_msg msg = chunk.msg[i % chunk.n];
		struct ear_facts facts = chunk.facts[i % chunk.n];
		char id[64], number[24];

		if (facts.kind != EAR_KIND_REQUEST ||
			!ear_slice_eq(facts.method, EAR_S("INVITE"))) {
			calls++;
			continue;
		}
		snprintf(id, sizeof(id), "%024zu@10.120.112.134", i);
		facts.call_id = ear_slice_str(id);
		snprintf(number, sizeof(number), "%08zu", i);
		facts.ruri_user = ear_slice_str(number);
		ear_calls_take(c, &msg, &facts);
	}
	ear_calls_stats(c, &stats);
	report("bytes a call", (double)stats.bytes / (double)stats.open);
	report("calls held for that", (double)stats.open);
	ear_calls_free(&c);
}

/* A REGISTER of phone i, or its reply. */
static void phone(struct ear_presence *p, size_t i, uint8_t transport, bool ok)
{
	const uint8_t phone[4] = {
		10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
	const uint8_t server[4] = {192, 0, 2, 1};
	struct ear_msg msg = {.at_ns = BEGIN_NS + i * EAR_MS_NS,
		.src = ear_addr_v4(ok ? server : phone, ok ? 5061 : 40000),
		.dst = ear_addr_v4(ok ? phone : server, ok ? 40000 : 5061),
		.proto = EAR_PROTO_SIP,
		.transport = transport};
	struct ear_facts facts;
	char raw[700];
	int n = snprintf(raw, sizeof(raw),
		"%s\r\nVia: SIP/2.0/TLS 10.1.2.3:40000;branch=z9hG4bK%zu\r\n"
		"From: \"Phone %zu\" <sip:%09zu@example.com>;tag=%zx\r\n"
		"To: \"Phone %zu\" <sip:%09zu@example.com>\r\n"
		"Call-ID: %024zx@10.1.2.3\r\nCSeq: 1 REGISTER\r\n"
		"Contact: <sip:%09zu@10.1.2.3:40000;transport=tls>;"
		"expires=3600\r\nUser-Agent: phone/1.%zu\r\n"
		"Content-Length: 0\r\n\r\n",
		ok ? "SIP/2.0 200 OK" : "REGISTER sip:example.com SIP/2.0", i,
		i, i, i, i, i, i, i, i % 50);

	msg.raw = ear_slice(raw, (size_t)n);
	ear_msg_facts(&msg, &facts);
	ear_presence_take(p, &msg, &facts);
}

static void report_phones(size_t phones, uint8_t transport, const char *what)
{
	const struct ear_presence_options options = {0};
	struct ear_presence_stats stats;
	struct ear_presence *p;

	if (ear_presence_new(&options, &out, &p))
		exit(1);
	for (size_t i = 0; i < phones; i++) {
		phone(p, i, transport, false);
		phone(p, i, transport, true);
		if (i % SAVE_EVERY == 0)
			ear_presence_save(p);
	}
	ear_presence_stats(p, &stats);
	report(what, (double)stats.bytes / (double)stats.bindings);
	ear_presence_free(&p);
}

int main(int argc, char **argv)
{
	const struct make_options make = {.seed = 1,
		.dialogs = argc > 2 ? (uint32_t)atoi(argv[2]) : 1000,
		.users = 10000};
	const struct ear_calls_options calls = {.join_legs = true};
	const struct ear_presence_options presence = {0};
	size_t messages = argc > 1 ? (size_t)atol(argv[1]) : 1000000;
	struct maker *maker = maker_new(&make);
	struct tracker t[] = {{"calls", NULL, calls_take, calls_save, of_calls},
		{"presence", NULL, presence_take, presence_save, of_presence}};
	uint64_t at_ns = BEGIN_NS;
	struct ear_calls *c;
	struct ear_presence *p;

	if (!maker || ear_calls_new(&calls, &out, &c) ||
		ear_presence_new(&presence, &out, &p))
		return 1;
	t[0].it = c;
	t[1].it = p;
	for (size_t n = 0; n < messages; n += CHUNK) {
		fill(maker, &at_ns);
		for (size_t i = 0; i < 2; i++) {
			pass(&t[i], true);
			pass(&t[i], false);
			if (n % SAVE_EVERY < CHUNK)
				save(&t[i]);
		}
	}
	report_tracker(&t[0]);
	report_tracker(&t[1]);
	report("rows a message", (double)rows / (double)messages);
	report("bytes of states a message",
		(double)state_bytes / (double)messages);
	report_memory(messages / 10);
	report("bindings held for these", (double)messages);
	report_phones(messages, EAR_TR_UDP, "bytes a binding over UDP");
	report_phones(messages, EAR_TR_TLS,
		"bytes a binding with a connection of its own");
	ear_calls_free(&c);
	ear_presence_free(&p);
	maker_free(maker);
	return 0;
}
