/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "proto/hep.h"
#include "tap/file_priv.h"
#include "tap/sort.h"

static const struct {
	const char *key;
	enum ear_count count;
	const char *help;
} kinds[] = {
#define X(name, key, count, help) {key, EAR_N_##count, help},
#include "tap/file_kind.def"
#undef X
};

const char *ear_file_kind_key(enum ear_file_kind kind)
{
	return kinds[kind].key;
}

const char *ear_file_kind_help(enum ear_file_kind kind)
{
	return kinds[kind].help;
}

/* Gathered and told to the ledger once a window: most packets come here. */
void ear_file_count(struct ear_file *f, enum ear_file_kind kind, size_t bytes)
{
	f->sum.kind[kind]++;
	if (kinds[kind].count == EAR_N_BYTES)
		return;
	f->batch[EAR_N_RECEIVED]++;
	f->batch[EAR_N_BYTES] += bytes;
	f->batch[kinds[kind].count]++;
}

/* At once, and before fn: it counts how the message ends. */
static void received(struct ear_file *f, size_t bytes)
{
	ear_tally_add(f->tally, EAR_N_RECEIVED, 1, f->seen_ns);
	ear_tally_add(f->tally, EAR_N_BYTES, bytes, f->seen_ns);
}

static void hand_out(struct ear_file *f, const struct ear_msg *msg)
{
	f->sum.messages++;
	if (msg->flags & EAR_MSG_TRUNCATED)
		f->sum.truncated++;
	f->options->fn(msg, f->options->arg);
}

static struct ear_slice cut_note(
	const struct ear_file_cut *cut, size_t at, char note[160])
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

void ear_file_sip(struct ear_file *f, const struct ear_file_place *place,
	struct ear_slice bytes, const struct ear_file_cut *cut)
{
	char note[160];
	struct ear_msg msg = {
		.at_ns = place->at_ns,
		.seen_ns = f->seen_ns,
		.src = place->src,
		.dst = place->dst,
		.flags = EAR_MSG_IMPORTED,
		.transport = place->transport,
		.proto = EAR_PROTO_SIP,
		.ip_proto = place->ip_proto,
		.tap = f->tap,
		.raw = bytes,
	};

	if (!msg.at_ns) { /* pcapng's simple packets bear no time */
		msg.at_ns = f->seen_ns;
		msg.flags |= EAR_MSG_ARRIVAL;
	}
	if (cut) {
		msg.flags |= EAR_MSG_TRUNCATED;
		msg.note = cut_note(cut, bytes.n, note);
	}
	f->sum.kind[EAR_FILE_SIP]++;
	received(f, bytes.n);
	hand_out(f, &msg);
}

static void on_hep(const struct ear_msg *msg, void *arg)
{
	struct ear_file *f = arg;
	struct ear_msg ours = *msg;

	ours.seen_ns = f->seen_ns;
	ours.flags |= EAR_MSG_IMPORTED;
	hand_out(f, &ours);
}

void ear_file_hep(struct ear_file *f, const struct ear_file_place *place,
	struct ear_slice bytes, const struct ear_file_cut *cut)
{
	struct ear_unit unit = {
		.kind = EAR_UNIT_DATAGRAM,
		.flags = cut ? EAR_UNIT_TRUNCATED : 0,
		.transport = place->transport,
		.units = 1,
		/* Stands for the time where the packet tells none. */
		.seen_ns = place->at_ns ? place->at_ns : f->seen_ns,
		.from = place->src,
		.to = place->dst,
	};

	f->sum.kind[EAR_FILE_HEP]++;
	received(f, bytes.n);
	ear_decode(f->decoder, &unit, bytes, f->tap, ear_slice(NULL, 0),
		f->tally, on_hep, f);
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

void ear_file_datagram(struct ear_file *f, const struct ear_file_place *place,
	struct ear_slice bytes, const struct ear_file_cut *cut,
	enum ear_file_kind other)
{
	switch (ear_sort(bytes)) {
	case EAR_SORT_SIP: ear_file_sip(f, place, bytes, cut); return;
	case EAR_SORT_HEP:
		if (!is_hep(bytes))
			break;
		ear_file_hep(f, place, bytes, cut);
		return;
	case EAR_SORT_GZIP: ear_file_hep(f, place, bytes, cut); return;
	case EAR_SORT_KEEPALIVE:
		ear_file_count(f, EAR_FILE_KEEPALIVE, bytes.n);
		return;
	case EAR_SORT_RTP: ear_file_count(f, EAR_FILE_RTP, bytes.n); return;
	case EAR_SORT_PROTOBUF: break;
	case EAR_SORT_JUNK:
		if (!cut || !is_cut_line(bytes))
			break;
		ear_file_sip(f, place, bytes, cut);
		return;
	}
	ear_file_count(f, other, bytes.n);
}

static struct ear_file_place place_of(const struct ear_ip_unit *u)
{
	return (struct ear_file_place){
		.at_ns = u->at_ns,
		.src = u->src,
		.dst = u->dst,
		.transport = u->proto == EAR_IP_SCTP ? EAR_TR_SCTP : EAR_TR_UDP,
		.ip_proto = u->proto,
	};
}

void ear_file_sctp(const struct ear_ip_unit *u,
	const struct ear_sctp_message *m, void *arg)
{
	struct ear_file_place place = place_of(u);
	struct ear_file_cut cut = {"capture.snap", m->missing};

	ear_file_datagram(
		arg, &place, m->bytes, m->missing ? &cut : NULL, EAR_FILE_SCTP);
}

static void take_udp(struct ear_file *f, const struct ear_ip_unit *u)
{
	struct ear_file_place place = place_of(u);
	struct ear_file_cut cut = {
		u->unfinished ? "capture.fragment" : "capture.snap",
		u->missing > 1 ? u->missing : 0};

	ear_file_datagram(
		f, &place, u->payload, u->missing ? &cut : NULL, EAR_FILE_UDP);
}

static bool carries(const struct ear_ip_unit *u)
{
	return u->payload.n || u->missing;
}

void ear_file_unit(struct ear_file *f, const struct ear_ip_unit *u)
{
	f->sum.reassembled += u->reassembled;
	f->sum.snapped += u->missing && !u->unfinished;
	switch (u->proto) {
	case EAR_IP_UDP: take_udp(f, u); return;
	case EAR_IP_TCP:
		if (!carries(u))
			ear_file_count(f, EAR_FILE_IDLE, 0);
		ear_tcp_segment(f->tcp, u);
		return;
	case EAR_IP_SCTP:
		if (!ear_sctp_packet(f->sctp, u))
			ear_file_count(f, EAR_FILE_IDLE, 0);
		return;
	default: ear_file_count(f, EAR_FILE_OTHER_IP, 0); return;
	}
}

void ear_file_lost(const struct ear_ip_unit *u, void *arg)
{
	struct ear_file *f = arg;

	f->sum.unfinished++;
	/* TCP fills the hole from what is sent again. */
	if (u->proto == EAR_IP_UDP && u->payload.n)
		take_udp(f, u);
}
