/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proto/hep.h"
#include "tap/packets_priv.h"
#include "tap/sort.h"

static const enum ear_count counts[] = {
#define X(name, key, count, help) EAR_N_##count,
#include "tap/packet_kind.def"
#undef X
};

/* Gathered and told to the ledger once a window: most packets come here. */
void ear_packets_count(
	struct ear_packets *ps, enum ear_packet_kind kind, size_t bytes)
{
	ps->sum.kind[kind]++;
	if (counts[kind] == EAR_N_BYTES)
		return;
	ps->batch[EAR_N_RECEIVED]++;
	ps->batch[EAR_N_BYTES] += bytes;
	ps->batch[counts[kind]]++;
}

/* At once, and before fn: it counts how the message ends. */
static void received(struct ear_packets *ps, size_t bytes)
{
	if (ps->options.fn_counts)
		return;
	ear_tally_add(ps->options.tally, EAR_N_RECEIVED, 1, ps->seen_ns);
	ear_tally_add(ps->options.tally, EAR_N_BYTES, bytes, ps->seen_ns);
}

static void hand_out(struct ear_packets *ps, const struct ear_msg *msg)
{
	if (msg->proto != EAR_PROTO_CONN)
		ps->sum.messages++;
	if (msg->flags & EAR_MSG_TRUNCATED)
		ps->sum.truncated++;
	ps->options.fn(msg, ps->options.arg);
}

static struct ear_slice cut_note(
	const struct ear_packet_cut *cut, size_t at, char note[160])
{
	int n;

	if (cut->missing)
		n = snprintf(note, 160,
			"%zu %s %llu bytes that follow were not captured", at,
			cut->rule, (unsigned long long)cut->missing);
	else
		n = snprintf(note, 160, "%zu %s what follows was not captured",
			at, cut->rule);
	return ear_slice(note, n > 0 && n < 160 ? (size_t)n : 0);
}

void ear_packets_sip(struct ear_packets *ps,
	const struct ear_packet_place *place, struct ear_slice bytes,
	const struct ear_packet_cut *cut)
{
	char note[160];
	struct ear_msg msg = {
		.at_ns = place->at_ns,
		.seen_ns = ps->seen_ns,
		.src = place->src,
		.dst = place->dst,
		.flags = ps->options.flags,
		.transport = place->transport,
		.proto = EAR_PROTO_SIP,
		.ip_proto = place->ip_proto,
		.tap = ps->options.tap,
		.raw = bytes,
	};

	if (!msg.at_ns) { /* pcapng's simple packets bear no time */
		msg.at_ns = ps->seen_ns;
		msg.flags |= EAR_MSG_ARRIVAL;
	}
	if (cut) {
		msg.flags |= EAR_MSG_TRUNCATED;
		msg.note = cut_note(cut, bytes.n, note);
	}
	ps->sum.kind[EAR_PACKET_SIP]++;
	received(ps, bytes.n);
	hand_out(ps, &msg);
}

static void on_hep(const struct ear_msg *msg, void *arg)
{
	struct ear_packets *ps = arg;
	struct ear_msg ours = *msg;

	ours.seen_ns = ps->seen_ns;
	ours.flags |= ps->options.flags;
	hand_out(ps, &ours);
}

void ear_packets_hep(struct ear_packets *ps,
	const struct ear_packet_place *place, struct ear_slice bytes,
	const struct ear_packet_cut *cut)
{
	struct ear_unit unit = {
		.kind = EAR_UNIT_DATAGRAM,
		.flags = cut ? EAR_UNIT_TRUNCATED : 0,
		.transport = place->transport,
		.units = 1,
		/* Stands for the time where the packet tells none. */
		.seen_ns = place->at_ns ? place->at_ns : ps->seen_ns,
		.from = place->src,
		.to = place->dst,
	};

	ps->sum.kind[EAR_PACKET_HEP]++;
	received(ps, bytes.n);
	if (ps->options.hep)
		ps->options.hep(place, bytes, cut != NULL, ps->options.arg);
	else
		ear_decode(ps->decoder, &unit, bytes, ps->options.tap,
			ear_slice(NULL, 0), ps->options.tally, on_hep, ps);
}

/*
 * HEP 3 names itself. HEP 1 and 2 begin with small numbers as much else does,
 * so on any port they must also have SIP in them.
 */
static bool is_hep(struct ear_slice bytes)
{
	struct ear_hep hep;

	if (ear_hep_version(bytes) == 3)
		return true;
	return !ear_hep_read(bytes, 0, &hep) &&
	       ear_sort(hep.payload) == EAR_SORT_SIP;
}

/*
 * A request of which not even the first line was captured: a method and the
 * scheme of its URI.
 */
static bool is_cut_line(struct ear_slice in)
{
	size_t i = 0;

	while (i < in.n && in.p[i] >= 'A' && in.p[i] <= 'Z')
		i++;
	in = ear_slice_sub(in, i, in.n);
	return i >= 3 && !memchr(in.p, '\n', in.n) &&
	       (ear_slice_starts(in, EAR_S(" sip:")) ||
		       ear_slice_starts(in, EAR_S(" sips:")) ||
		       ear_slice_starts(in, EAR_S(" tel:")));
}

void ear_packets_datagram(struct ear_packets *ps,
	const struct ear_packet_place *place, struct ear_slice bytes,
	const struct ear_packet_cut *cut, enum ear_packet_kind other)
{
	switch (ear_sort(bytes)) {
	case EAR_SORT_SIP: ear_packets_sip(ps, place, bytes, cut); return;
	case EAR_SORT_HEP:
		if (!is_hep(bytes))
			break;
		ear_packets_hep(ps, place, bytes, cut);
		return;
	case EAR_SORT_GZIP: ear_packets_hep(ps, place, bytes, cut); return;
	case EAR_SORT_KEEPALIVE:
		ear_packets_count(ps, EAR_PACKET_KEEPALIVE, bytes.n);
		return;
	case EAR_SORT_RTP:
		ear_packets_count(ps, EAR_PACKET_RTP, bytes.n);
		return;
	case EAR_SORT_PROTOBUF: break;
	case EAR_SORT_JUNK:
		if (!cut || !is_cut_line(bytes))
			break;
		ear_packets_sip(ps, place, bytes, cut);
		return;
	}
	ear_packets_count(ps, other, bytes.n);
}

static struct ear_packet_place place_of(const struct ear_ip_unit *u)
{
	return (struct ear_packet_place){
		.at_ns = u->at_ns,
		.src = u->src,
		.dst = u->dst,
		.transport = u->proto == EAR_IP_SCTP ? EAR_TR_SCTP : EAR_TR_UDP,
		.ip_proto = u->proto,
	};
}

void ear_packets_sctp(const struct ear_ip_unit *u,
	const struct ear_sctp_message *m, void *arg)
{
	struct ear_packet_place place = place_of(u);
	struct ear_packet_cut cut = {"capture.snap", m->missing};

	ear_packets_datagram(arg, &place, m->bytes, m->missing ? &cut : NULL,
		EAR_PACKET_SCTP);
}

static void take_udp(struct ear_packets *ps, const struct ear_ip_unit *u)
{
	struct ear_packet_place place = place_of(u);
	struct ear_packet_cut cut = {
		u->unfinished ? "capture.fragment" : "capture.snap",
		u->missing > 1 ? u->missing : 0};

	ear_packets_datagram(ps, &place, u->payload, u->missing ? &cut : NULL,
		EAR_PACKET_UDP);
}

static bool carries(const struct ear_ip_unit *u)
{
	return u->payload.n || u->missing;
}

void ear_packets_unit(struct ear_packets *ps, const struct ear_ip_unit *u)
{
	ps->sum.reassembled += u->reassembled;
	ps->sum.snapped += u->missing && !u->unfinished;
	switch (u->proto) {
	case EAR_IP_UDP: take_udp(ps, u); return;
	case EAR_IP_TCP:
		if (!carries(u))
			ear_packets_count(ps, EAR_PACKET_IDLE, 0);
		ear_tcp_segment(ps->tcp, u);
		return;
	case EAR_IP_SCTP:
		if (!ear_sctp_packet(ps->sctp, u))
			ear_packets_count(ps, EAR_PACKET_IDLE, 0);
		return;
	default: ear_packets_count(ps, EAR_PACKET_OTHER_IP, 0); return;
	}
}

void ear_packets_lost(const struct ear_ip_unit *u, void *arg)
{
	struct ear_packets *ps = arg;

	ps->sum.unfinished++;
	/* TCP fills the hole from what is sent again. */
	if (u->proto == EAR_IP_UDP && u->payload.n)
		take_udp(ps, u);
}
