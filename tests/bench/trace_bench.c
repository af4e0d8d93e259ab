/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What traces and the flight recorder cost a message:
 *
 *     trace-bench
 *
 * Prints one JSON object a line: {"what", "figure"}, in nanoseconds a message.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "rule/recorder.h"
#include "rule/trace.h"

/* Facts are at hand when a message comes to the traces, as they are here. */
#define MESSAGES 256
#define ROUNDS 4000

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

static void report(const char *what, uint64_t ns)
{
	printf("{\"what\": \"%s\", \"figure\": %.1f}\n", what,
		(double)ns / ((double)MESSAGES * ROUNDS));
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
	uint64_t begin = ear_mono_ns();

	for (int r = 0; r < ROUNDS; r++) {
		for (size_t i = 0; i < MESSAGES; i++)
			ear_traces_take(t, &msgs[i], &facts[i], &verdict);
	}
	report(what, ear_mono_ns() - begin);
	ear_traces_free(&t);
}

static void bench_record(void)
{
	struct ear_recorder *r;
	uint64_t begin;

	if (ear_recorder_new(64 << 20, 300 * EAR_SECOND_NS, &r))
		exit(1);
	begin = ear_mono_ns();
	for (int k = 0; k < ROUNDS; k++) {
		for (size_t i = 0; i < MESSAGES; i++) {
			if (ear_recorder_put(
				    r, &msgs[i], &facts[i], false, NULL))
				exit(1);
		}
	}
	report("recorder_put_ns", ear_mono_ns() - begin);
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
		{"take_0_traces_ns", 0, "", EAR_SCOPE_MESSAGE},
		{"take_1_user_no_match_ns", 1, "from.user == \"nobody%d\"",
			EAR_SCOPE_DIALOG},
		{"take_20_users_no_match_ns", 20, "from.user == \"nobody%d\"",
			EAR_SCOPE_DIALOG},
		{"take_20_addresses_no_match_ns", 20, "src.ip == 192.0.2.%d",
			EAR_SCOPE_DIALOG},
		{"take_20_statuses_no_match_ns", 20, "status >= 6%02d",
			EAR_SCOPE_DIALOG},
		{"take_20_texts_no_match_ns", 20, "\"no such words %d\"",
			EAR_SCOPE_DIALOG},
		{"take_1_user_some_match_ns", 1, "from.user == \"user7%d\"",
			EAR_SCOPE_DIALOG},
		{"take_1_all_messages_ns", 1, "kind != event or status == %d",
			EAR_SCOPE_MESSAGE},
		{"take_1_all_dialogs_ns", 1, "kind != event or status == %d",
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
