/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/packets.h"

#include <stdlib.h>

#include "proto/sip_frame.h"
#include "tap/packets_priv.h"

static const struct {
	const char *key;
	const char *help;
} kinds[] = {
#define X(name, key, count, help) {key, help},
#include "tap/packet_kind.def"
#undef X
};

const char *ear_packet_kind_key(enum ear_packet_kind kind)
{
	return kinds[kind].key;
}

const char *ear_packet_kind_help(enum ear_packet_kind kind)
{
	return kinds[kind].help;
}

enum ear_err ear_packets_new(
	const struct ear_packets_options *options, struct ear_packets **out)
{
	const struct ear_tcp_options tcp = {
		.connections = options->connections,
		.hold_bytes = EAR_SIP_MESSAGE_BYTES_MAX,
		.idle_ns = options->idle_ns,
	};
	struct ear_packets *ps = calloc(1, sizeof(*ps));
	enum ear_err err;

	*out = NULL;
	if (!ps)
		return EAR_NOMEM;
	ps->options = *options;
	err = ear_decoder_new(&ps->decoder);
	if (!err)
		err = ear_ip_walk_new(ear_packets_lost, ps, &ps->walk);
	if (!err)
		err = ear_tcp_new(&tcp, &ear_packets_tcp, ps, &ps->tcp);
	if (!err)
		err = ear_sctp_new(ear_packets_sctp, ps, &ps->sctp);
	if (!err)
		err = ear_packets_tls_new(ps);
	if (err)
		ear_packets_free(&ps);
	*out = ps;
	return err;
}

void ear_packets_free(struct ear_packets **packets)
{
	struct ear_packets *ps = *packets;

	if (!ps)
		return;
	ear_sctp_free(&ps->sctp);
	ear_tcp_free(&ps->tcp);
	ear_tls_free(&ps->tls);
	ear_ip_walk_free(&ps->walk);
	ear_decoder_free(&ps->decoder);
	ear_buf_fini(&ps->event);
	free(ps);
	*packets = NULL;
}

void ear_packets_clock(struct ear_packets *ps, uint64_t now_ns)
{
	ps->seen_ns = now_ns;
	if (ps->options.keylog)
		(void)ear_keylog_poll(ps->options.keylog, now_ns);
	for (size_t i = 0; i < EAR_N_COUNT; i++) {
		if (ps->batch[i])
			ear_tally_add(ps->options.tally, (enum ear_count)i,
				ps->batch[i], now_ns);
		ps->batch[i] = 0;
	}
}

void ear_packets_frame(struct ear_packets *ps, uint32_t link, uint64_t at_ns,
	struct ear_slice frame)
{
	struct ear_ip_unit unit;

	ps->sum.packets++;
	ps->sum.bytes += frame.n;
	if (at_ns) {
		if (!ps->sum.first_ns)
			ps->sum.first_ns = at_ns;
		ps->sum.last_ns = at_ns;
		ear_packets_tls_tick(ps, at_ns);
	}
	switch (ear_ip_walk_frame(ps->walk, link, at_ns, frame, &unit)) {
	case EAR_OK: ear_packets_unit(ps, &unit); return;
	case EAR_MORE: ear_packets_count(ps, EAR_PACKET_FRAGMENT, 0); return;
	case EAR_UNSUPPORTED:
		ear_packets_count(ps, EAR_PACKET_NOT_IP, 0);
		return;
	default: ear_packets_count(ps, EAR_PACKET_BROKEN, 0); return;
	}
}

void ear_packets_tick(struct ear_packets *ps, uint64_t now_ns)
{
	ear_tcp_tick(ps->tcp, now_ns);
	ear_packets_tls_tick(ps, now_ns);
}

void ear_packets_end(struct ear_packets *ps)
{
	ear_ip_walk_end(ps->walk);
	ear_tcp_end(ps->tcp);
}

void ear_packets_stats(
	const struct ear_packets *ps, struct ear_packets_stats *stats)
{
	struct ear_tcp_stats tcp;

	*stats = ps->sum;
	ear_tcp_stats(ps->tcp, &tcp);
	stats->streams = tcp.connections;
	stats->gaps = tcp.gaps;
	stats->gap_bytes = tcp.gap_bytes;
	stats->retransmitted = tcp.retransmitted;
	stats->evicted = tcp.evicted;
	stats->open = tcp.open;
	stats->held_bytes = tcp.held_bytes;
	ear_tls_stats(ps->tls, &stats->tls);
}
