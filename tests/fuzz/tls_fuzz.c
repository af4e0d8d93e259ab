/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS from outside: key log, records of both sides, gaps, time.
 *
 *     flags(1) key log length(2) key log  { what(1) length(2) bytes }…
 *
 * what: bit 0 the side, bit 1 the bytes are missing, bit 2 time passes.
 */
#include <stdlib.h>

#include "base/reader.h"
#include "proto/tls.h"
#include "proto/tls_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;

/* Touch every byte, so that ASan sees where it lies. */
static void touch(struct ear_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		sink = sink + (uint8_t)s.p[i];
}

static void on_data(
	void *user, int side, uint64_t at_ns, struct ear_slice b, void *arg)
{
	(void)user;
	(void)side;
	(void)at_ns;
	(void)arg;
	touch(b);
}

static void on_info(
	void *user, uint64_t at_ns, const struct ear_tls_info *info, void *arg)
{
	(void)user;
	(void)at_ns;
	(void)arg;
	touch(info->sni);
	touch(info->alpn);
	touch(info->subject);
	touch(info->issuer);
	touch(info->unread);
}

static const struct ear_tls_events events = {on_data, on_info};

/* As a TCP stream does: what is not used is shown again with more. */
static void show(struct ear_tls_flow *flow, int side, uint64_t at_ns,
	struct ear_slice in, struct ear_buf *rest)
{
	size_t used, need = 0;

	ear_buf_slice(rest, in);
	used = ear_tls_take(flow, side, at_ns, ear_buf_view(rest), &need);
	if (used > rest->n || (used < rest->n && need <= rest->n - used))
		abort();
	if (used && used < rest->n)
		memmove(rest->p, rest->p + used, rest->n - used);
	rest->n -= used;
}

static void play(struct ear_tls *tls, struct ear_reader *r, bool stop_short)
{
	struct ear_tls_flow *flow;
	struct ear_buf rest[2] = {{0}};
	struct ear_tls_stats stats;
	uint64_t at_ns = 1;

	if (ear_tls_flow_new(tls, NULL, &flow))
		return;
	while (ear_reader_left(r) > 3) {
		uint8_t what = ear_read_u8(r);
		uint16_t n = ear_read_be16(r);
		struct ear_slice in = ear_read(
			r, n < ear_reader_left(r) ? n : ear_reader_left(r));
		int side = what & 1;

		at_ns += what & 4 ? 1000000000 : 1;
		if (what & 4)
			ear_tls_tick(tls, at_ns);
		if (what & 2) {
			ear_tls_gap(flow, side, ear_buf_view(&rest[side]), n);
			rest[side].n = 0;
		} else {
			show(flow, side, at_ns, in, &rest[side]);
		}
		ear_tls_stats(tls, &stats);
		if (stats.memory > 400u << 10)
			abort();
	}
	if (!stop_short)
		ear_tls_end(flow, at_ns);
	ear_tls_flow_free(&flow);
	ear_buf_fini(&rest[0]);
	ear_buf_fini(&rest[1]);
	ear_tls_stats(tls, &stats);
	if (stats.memory || stats.waiting || stats.open)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ear_reader r = ear_reader(ear_slice(data, size));
	uint8_t flags = ear_read_u8(&r);
	struct ear_slice log = ear_read(&r, ear_read_be16(&r));
	struct ear_tls_options options = {
		.expect = flags & 1, .total_bytes = flags & 2 ? 1000 : 0};
	struct ear_tls_keys *keys = NULL;
	struct ear_tls *tls = NULL;
	struct ear_tls_cert cert;

	if (r.err)
		return 0;
	if (flags & 8) {
		if (!ear_tls_cert_read(log, &cert))
			touch(ear_buf_view(&cert.subject));
		ear_tls_cert_fini(&cert);
		return 0;
	}
	if (ear_tls_keys_new(flags & 4 ? 2 : 0, &keys))
		return 0;
	options.keys = keys;
	(void)ear_tls_keys_feed(keys, ear_slice_sub(log, 0, log.n / 2));
	(void)ear_tls_keys_feed(keys, ear_slice_sub(log, log.n / 2, log.n));
	if (!ear_tls_new(&options, &events, NULL, &tls))
		play(tls, &r, flags & 16);
	ear_tls_free(&tls);
	ear_tls_keys_free(&keys);
	return 0;
}
