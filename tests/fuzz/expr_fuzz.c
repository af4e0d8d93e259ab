/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as an expression, evaluated over any bytes as a message: up to the
 * first newline the one, behind it the other. Whatever matches must also be
 * found by what the expression told the store to look under.
 */
#include <stdlib.h>

#include "message/expr.h"

#define NOW 1795348800000000000ULL

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool has_key(const struct ear_key_value *keys, size_t n,
	const struct ear_msg *msg, const struct ear_facts *facts)
{
	struct ear_key_value own[EAR_MSG_KEYS_MAX];
	size_t count = ear_msg_keys(msg, facts, own);

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < count; k++) {
			if (own[k].key == keys[i].key &&
				own[k].hash == keys[i].hash)
				return true;
		}
	}
	return false;
}

static enum ear_maybe foresee(struct ear_expr *e, const struct ear_msg *msg,
	const struct ear_facts *facts)
{
	struct ear_facts few = {.kind = facts->kind,
		.method = facts->method,
		.status = facts->status,
		.malformed = facts->malformed,
		.sdp = facts->sdp};
	struct ear_msg bare = *msg;

	bare.raw.p = NULL;
	bare.correlation = (struct ear_slice){0};
	return ear_expr_match_meta(e, &bare, &few);
}

static void evaluate(struct ear_expr *e, struct ear_slice raw)
{
	struct ear_msg msg = {.at_ns = NOW,
		.transport = EAR_TR_UDP,
		.proto = EAR_PROTO_SIP,
		.tap = EAR_S("hep/udp:127.0.0.1:9060"),
		.raw = raw};
	struct ear_key_value keys[8];
	struct ear_facts facts;
	uint64_t from, to;
	bool match;
	size_t n;

	if (ear_addr_parse(EAR_S("10.0.0.1:5060"), &msg.src) ||
		ear_addr_parse(EAR_S("[2001:db8::1]:5060"), &msg.dst))
		abort();
	ear_msg_facts(&msg, &facts);
	match = ear_expr_match(e, &msg, &facts);
	n = ear_expr_keys(e, keys, 8);
	ear_expr_span(e, &from, &to);
	check(!match || !n || has_key(keys, n, &msg, &facts));
	check(!match || (from <= NOW && NOW <= to));
	switch (foresee(e, &msg, &facts)) {
	case EAR_NO: check(!match); break;
	case EAR_YES: check(match); break;
	case EAR_MAYBE: check(ear_expr_needs(e) == EAR_NEEDS_RAW); break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_slice all = ear_slice(data, size);
	size_t line = ear_slice_find(all, EAR_S("\n"));
	struct ear_slice text = ear_slice_sub(all, 0, line);
	struct ear_fault fault = {0};
	struct ear_buf out = {0};
	struct ear_expr *e;

	if (ear_expr_new(text, NOW, &e, &fault)) {
		check(fault.text[0] && fault.offset <= text.n);
		ear_expr_explain(text, &fault, &out);
		ear_buf_fini(&out);
		return 0;
	}
	evaluate(e, ear_slice_sub(all, line + 1, all.n));
	ear_expr_free(&e);
	return 0;
}
