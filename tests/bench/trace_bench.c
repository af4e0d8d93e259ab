/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What traces and the flight recorder cost a message:
 *
 *     trace-bench
 *
 * Prints one JSON object a line: {"what", "figure"}, in nanoseconds of the
 * processor a message, the best of some rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/time.h"
#include "rule/recorder.h"
#include "rule/trace.h"

/* Facts are at hand when a message comes to the traces, as they are here. */
#define MESSAGES 256
#define ROUNDS 20
#define PASSES 100

static struct ear_msg msgs[MESSAGES];
static struct ear_facts facts[MESSAGES];

static void make(size_t i)
{
	size_t call = i / 2;
	static const uint8_t ip[4] = {10, 0, 0, 1};
	char *raw = malloc(700);
	int n = snprintf(raw, 700,
		"%s\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%zu\r\n"
		"From: <sip:user%zu@example.com>;tag=f%zu\r\n"
		"To: <sip:600@example.com>%s\r\n"
		"Call-ID: a84b4c76e66710-%zu@10.0.0.1\r\nCSeq: 1 INVITE\r\n"
		"Content-Length: 0\r\n\r\n%0300d",
		i % 2 ? "SIP/2.0 180 Ringing" : "INVITE sip:600@e SIP/2.0",
		call, call, call, i % 2 ? ";tag=t" : "", call, 0);

	msgs[i] = (struct ear_msg){.at_ns = ear_now_ns(),
		.seen_ns = ear_now_ns(),
		.proto = EAR_PROTO_SIP,
		.src = ear_addr_v4(ip, (uint16_t)(5060 + i)),
		.dst = ear_addr_v4(ip, 5060),
		.tap = EAR_S("hep/udp:127.0.0.1:9060"),
		.raw = ear_slice(raw, (size_t)n)};
	ear_msg_facts(&msgs[i], &facts[i]);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * EAR_SECOND_NS + (uint64_t)t.tv_nsec;
}

static void report(const char *what, uint64_t ns)
{
	printf("{\"what\": \"%s\", \"figure\": %.1f}\n", what,
		(double)ns / (MESSAGES * PASSES));
}

/* @param rule of each trace, with %d for its number */
static struct ear_traces *traces_of(
	int n, const char *rule, enum ear_scope scope)
{
	struct ear_traces_options options = {.on = true};
	struct ear_traces *t;
	struct ear_fault fault = {0};

	if (ear_traces_new(&options, &t, &fault))
		exit(1);
	for (int i = 0; i < n; i++) {
		char text[100];
		struct ear_trace_spec spec = {
			.rule = text, .scope = scope, .by = "bench"};

		snprintf(text, sizeof(text), rule, i);
		if (ear_traces_start(t, &spec, NULL, &fault)) {
			fprintf(stderr, "trace-bench: %s\n", fault.text);
			exit(1);
		}
	}
	return t;
}

static void bench_take(
	const char *what, int n, const char *rule, enum ear_scope scope)
{
	struct ear_traces *t = traces_of(n, rule, scope);
	struct ear_trace_verdict verdict;
	uint64_t best = UINT64_MAX;

	for (int r = 0; r < ROUNDS; r++) {
		uint64_t begin = now_ns(), took;

		for (size_t i = 0; i < MESSAGES * PASSES; i++)
			ear_traces_take(t, &msgs[i % MESSAGES],
				&facts[i % MESSAGES], &verdict);
		took = now_ns() - begin;
		best = took < best ? took : best;
	}
	report(what, best);
	ear_traces_free(&t);
}

static void bench_record(void)
{
	uint64_t best = UINT64_MAX;
	struct ear_recorder *r;

	if (ear_recorder_new(64 << 20, 300 * EAR_SECOND_NS, &r))
		exit(1);
	for (int k = 0; k < ROUNDS; k++) {
		uint64_t begin = now_ns(), took;

		for (size_t i = 0; i < MESSAGES * PASSES; i++) {
			if (ear_recorder_put(r, &msgs[i % MESSAGES],
				    &facts[i % MESSAGES], false, NULL))
				exit(1);
		}
		took = now_ns() - begin;
		best = took < best ? took : best;
	}
	report("flight recorder, one put in", best);
	ear_recorder_free(&r);
}

int main(void)
{
	static const struct {
		const char *what;
		int n;
		const char *rule;
		enum ear_scope scope;
	} rows[] = {
		{"no trace", 0, "", EAR_SCOPE_MESSAGE},
		{"1 trace, of a user; no match", 1, "from.user == \"nobody%d\"",
			EAR_SCOPE_DIALOG},
		{"20 traces, of users; no match", 20,
			"from.user == \"nobody%d\"", EAR_SCOPE_DIALOG},
		{"20 traces, of addresses; no match", 20,
			"src.ip == 192.0.2.%d", EAR_SCOPE_DIALOG},
		{"20 traces, of status >= N; no match", 20, "status >= 6%02d",
			EAR_SCOPE_DIALOG},
		{"20 traces, of words in the text; no match", 20,
			"\"no such words %d\"", EAR_SCOPE_DIALOG},
		{"1 trace, of a user in 1 of 128 dialogs", 1,
			"from.user == \"user7%d\"", EAR_SCOPE_DIALOG},
		{"1 trace, of all messages", 1, "kind != event or status == %d",
			EAR_SCOPE_MESSAGE},
		{"1 trace, of all dialogs", 1, "kind != event or status == %d",
			EAR_SCOPE_DIALOG},
	};

	for (size_t i = 0; i < MESSAGES; i++)
		make(i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_take(
			rows[i].what, rows[i].n, rows[i].rule, rows[i].scope);
	bench_record();
	for (size_t i = 0; i < MESSAGES; i++)
		free((void *)(uintptr_t)msgs[i].raw.p);
	return 0;
}
