/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of traces, and texts with fields in braces, as any bytes; the
 * first says which:
 *
 *     'j'  traces.json
 *     'o'  traces.open, to which the sum is added, then messages of a call
 *     't'  a template, up to the first newline, and a message behind it
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/time.h"
#include "rule/trace_priv.h"

#define NOW 1795348800000000000ULL

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void hear(const char *event, struct ear_slice text, void *arg)
{
	check(event[0] && text.n);
	++*(size_t *)arg;
}

static struct ear_traces *new_traces(size_t *heard)
{
	struct ear_traces_options options = {.on = true,
		.max_open = 100,
		.notice = hear,
		.notice_arg = heard};
	struct ear_traces *t;

	check(ear_traces_new(&options, &t, NULL) == EAR_OK);
	return t;
}

static void take(struct ear_traces *t, const char *first, const char *to_tag)
{
	struct ear_trace_verdict verdict;
	struct ear_facts facts;
	char raw[400];
	struct ear_msg msg = {
		.at_ns = NOW, .seen_ns = NOW, .proto = EAR_PROTO_SIP};
	int n = snprintf(raw, sizeof(raw),
		"%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		"From: <sip:a@b>;tag=a\r\nTo: <sip:c@d>%s\r\nCall-ID: c\r\n"
		"CSeq: 1 INVITE\r\n\r\n",
		first, to_tag);

	msg.raw = ear_slice(raw, (size_t)n);
	ear_msg_facts(&msg, &facts);
	ear_traces_take(t, &msg, &facts, &verdict);
	check(verdict.traced == (verdict.marks.traces.n > 0));
}

static void call(struct ear_traces *t)
{
	take(t, "INVITE sip:c@d SIP/2.0", "");
	take(t, "SIP/2.0 180 Ringing", ";tag=b");
	take(t, "SIP/2.0 200 OK", ";tag=b");
	take(t, "BYE sip:c@d SIP/2.0", ";tag=b");
}

/* What was read must read the same when it is written again. */
static void json(struct ear_slice text)
{
	size_t heard = 0;
	struct ear_traces *t = new_traces(&heard), *again = new_traces(&heard);
	struct ear_buf first = {0}, second = {0};

	traces_lock(t);
	traces_read_orders(t, text);
	traces_write_orders(t, &first);
	traces_unlock(t);
	heard = 0;
	traces_lock(again);
	traces_read_orders(again, ear_buf_view(&first));
	traces_write_orders(again, &second);
	traces_unlock(again);
	check(heard == 0);
	check(ear_slice_eq(ear_buf_view(&first), ear_buf_view(&second)));
	call(again);
	ear_buf_fini(&first);
	ear_buf_fini(&second);
	ear_traces_free(&t);
	ear_traces_free(&again);
}

static void followed(struct ear_slice bytes)
{
	struct ear_trace_spec spec = {
		.name = "t", .scope = EAR_SCOPE_DIALOG, .by = "fuzz"};
	uint64_t sum = ear_hash(bytes);
	struct ear_buf whole = {0};
	size_t heard = 0;
	struct ear_traces *t = new_traces(&heard);

	ear_buf_slice(&whole, bytes);
	ear_buf_add(&whole, &sum, sizeof(sum));
	check(ear_traces_start(t, &spec, NULL, NULL) == EAR_OK);
	traces_lock(t);
	(void)!traces_read_open(t, ear_buf_view(&whole), false);
	traces_unlock(t);
	call(t);
	ear_buf_fini(&whole);
	ear_traces_free(&t);
}

static void template(struct ear_slice all)
{
	size_t line = ear_slice_find(all, EAR_S("\n"));
	struct ear_slice text = ear_slice_sub(all, 0, line);
	struct ear_msg msg = {.at_ns = NOW,
		.proto = EAR_PROTO_SIP,
		.raw = ear_slice_sub(all, line + 1, all.n)};
	struct ear_fault fault = {0};
	struct ear_buf out = {0};
	struct ear_template *t;
	struct ear_facts facts;

	ear_msg_facts(&msg, &facts);
	if (ear_template_new(text, &t, &fault)) {
		check(fault.text[0] && fault.offset <= text.n);
		return;
	}
	ear_template_fill(t, &msg, &facts, &out);
	check(!ear_template_fixed(t) || out.n <= text.n);
	ear_buf_fini(&out);
	ear_template_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_slice rest = ear_slice_sub(ear_slice(data, size), 1, size);

	switch (size ? data[0] : 0) {
	case 'j': json(rest); break;
	case 'o': followed(rest); break;
	case 't': template(rest); break;
	default: break;
	}
	return 0;
}
