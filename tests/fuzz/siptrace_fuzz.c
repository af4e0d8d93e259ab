/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Siptrace fields: any message can be read; what is written in it anew can
 * be read by us to the same facts, and by rules as strict as Kamailio's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/siptrace.h"
#include "tap/siptrace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(expression)          \
	do {                       \
		if (!(expression)) \
			abort();   \
	} while (0)

/* Five lines in order, one blank, tokens of 1 to 50 visible characters. */
static void read_strictly(struct ear_slice sip)
{
	static const char format[] = "\r\nX-Siptrace-Fromip: %50[!-~]\r\n"
				     "X-Siptrace-Toip: %50[!-~]\r\n"
				     "X-Siptrace-Time: %20[0-9] %20[0-9]\r\n"
				     "X-Siptrace-Method: %50[!-~]\r\n"
				     "X-Siptrace-Dir: %3[!-~]%2[\r]%1[\n]";
	size_t at = ear_slice_find(sip, EAR_S("\nX-Siptrace-Fromip: "));
	size_t end = ear_slice_find(sip, EAR_S("\r\n\r\n"));
	char head[EAR_SIPTRACE_MAX + 80] = "", t[8][51];

	CHECK(at < end);
	/* a line of the message itself without CR: no byte of it is changed,
	   and Kamailio finds no fields then */
	if (!at-- || sip.p[at] != '\r')
		return;
	snprintf(head, sizeof(head), "%.*s",
		EAR_FMT(ear_slice_sub(sip, at, end + 2)));
	CHECK(strlen(head) < EAR_SIPTRACE_MAX);
	CHECK(sscanf(head, format, t[0], t[1], t[2], t[3], t[4], t[5], t[6],
		      t[7]) == 8);
}

static void write_again(struct ear_slice sip, const struct ear_siptrace *in)
{
	struct ear_siptrace_out fields = {
		.transport_from = ear_transport_name(in->transport),
		.transport_to = EAR_S("udp"),
		.src = in->src,
		.dst = in->dst,
		.at_ns = in->at_ns,
		.method = ear_slice_sub(sip, 0, 60),
		.direction = ear_direction_name(in->direction),
		.hops = in->hops,
	};
	struct ear_siptrace back;
	struct ear_buf out = {0}, again = {0};
	enum ear_err err = ear_siptrace_write(sip, &fields, &out);

	CHECK(err == EAR_OK || err == EAR_BAD);
	CHECK(!err || !out.n);
	if (!err) {
		CHECK(ear_siptrace_read(ear_buf_view(&out), &back));
		CHECK(!back.bad && ear_addr_eq(&back.src, &in->src));
		CHECK(ear_addr_eq(&back.dst, &in->dst));
		CHECK(back.at_ns == in->at_ns / 1000 * 1000);
		CHECK(back.direction == in->direction);
		CHECK(back.hops == (in->hops ? in->hops : 1));
		read_strictly(ear_buf_view(&out));
		/* replaced, not doubled */
		CHECK(!ear_siptrace_write(ear_buf_view(&out), &fields, &again));
		CHECK(ear_slice_eq(ear_buf_view(&out), ear_buf_view(&again)));
	}
	ear_buf_fini(&out);
	ear_buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_slice sip = ear_slice(data, size);
	struct ear_siptrace in;

	if (!ear_siptrace_read(sip, &in))
		CHECK(!in.hops && !in.src.family);
	write_again(sip, &in);
	return 0;
}
