/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TCP stream carries. Each direction finds out by itself, from its
 * bytes, so that it does not matter whether the capture saw the other one or
 * the beginning:
 *
 *     NEW ──▶ SIP, HEP, WS, TLS     by how the bytes begin; TLS goes on in
 *      │                            stream_tls.c
 *      │
 *      └────▶ SEEK ──▶ SIP          a first line of SIP somewhere in them
 *               │
 *               └────▶ OTHER        after 64 KiB without one; then only the
 *                                   beginning of each segment is looked at
 *
 * A gap, or bytes that cannot be, lead back to NEW.
 */
#include <stdlib.h>

#include "proto/be.h"
#include "proto/hep.h"
#include "proto/sip_frame.h"
#include "proto/ws.h"
#include "tap/packets_priv.h"
#include "tap/sort.h"

enum mode { NEW, SIP, HEP, WS, TLS, SEEK, OTHER };

#define SEEK_BYTES (64u << 10)
/* A first line of SIP that has not ended yet is waited for this far. */
#define LINE_BYTES 2048

static enum ear_transport transport_of(const struct ear_stream *s)
{
	if (s->mode == WS)
		return s->secure ? EAR_TR_WSS : EAR_TR_WS;
	return s->secure || s->mode == TLS ? EAR_TR_TLS : EAR_TR_TCP;
}

static struct ear_packet_place place_of(const struct ear_stream *s)
{
	return (struct ear_packet_place){
		.at_ns = s->at_ns ? s->at_ns : s->half->at_ns,
		.src = s->half->src,
		.dst = s->half->dst,
		.transport = (uint8_t)transport_of(s),
		.ip_proto = EAR_IP_TCP,
	};
}

/* May become a first line of SIP: "SIP/2.0 …" or a method in capitals. */
static bool may_be_line(struct ear_slice in)
{
	size_t i = 0;

	if (!in.n || in.n >= LINE_BYTES || memchr(in.p, '\n', in.n))
		return false;
	while (i < in.n && i < 32 && in.p[i] >= 'A' && in.p[i] <= 'Z')
		i++;
	return i && (i == in.n || in.p[i] == ' ' ||
			    !memcmp(in.p, "SIP/2.0", in.n < 7 ? in.n : 7));
}

/* Where a first line of SIP begins behind a line end; in.n: nowhere. */
static size_t find_line(struct ear_slice in)
{
	for (size_t at = 0; at < in.n;) {
		struct ear_slice rest = ear_slice_sub(in, at, in.n);
		size_t hit = at + ear_slice_find(rest, EAR_S("SIP/2.0"));
		const char *lf;

		if (hit >= in.n)
			break;
		lf = memrchr(in.p, '\n', hit);
		if (lf) {
			size_t line = (size_t)(lf + 1 - in.p);

			if (ear_sip_looks_like(ear_slice_sub(in, line, in.n)))
				return line;
		}
		at = hit + 7;
	}
	return in.n;
}

/* A frame of which the beginning, unmasked, is SIP. */
static bool is_ws(struct ear_slice in)
{
	char text[LINE_BYTES];
	struct ear_ws_frame f;
	struct ear_slice payload;

	if (ear_ws_head(in, &f) || f.packed ||
		(f.opcode != EAR_WS_TEXT && f.opcode != EAR_WS_BINARY))
		return false;
	payload = ear_slice_sub(in, f.head, in.n);
	if (payload.n > f.n)
		payload.n = (size_t)f.n;
	if (payload.n > sizeof(text))
		payload.n = sizeof(text);
	if (!f.masked)
		return ear_sip_looks_like(payload);
	ear_ws_unmask(&f, 0, payload, text);
	return ear_sip_looks_like(ear_slice(text, payload.n));
}

/* CR, LF and NUL between messages: keep-alives (RFC 5626 s3.5.1). */
static size_t skip_blanks(struct ear_stream *s, struct ear_slice in)
{
	size_t n = 0;

	while (n < in.n && (in.p[n] == '\r' || in.p[n] == '\n' || !in.p[n]))
		n++;
	if (n)
		ear_packets_count(s->packets, EAR_PACKET_KEEPALIVE, n);
	return n;
}

static void set_mode(struct ear_stream *s, enum mode mode)
{
	s->mode = mode;
	s->count = 0;
	if (mode != WS && s->ws) {
		ear_ws_fini(s->ws);
		free(s->ws);
		s->ws = NULL;
	}
}

/* What the stream carries is something that we read. */
static void found(struct ear_stream *s, enum mode mode)
{
	set_mode(s, mode);
	ear_packets_carries(s->conn, transport_of(s), s->half->at_ns);
}

/* It is SIP, and so its connection is one of ours. */
static void found_sip(struct ear_stream *s, enum mode mode)
{
	found(s, mode);
	ear_packets_is_sip(s->conn, s->half->at_ns);
}

/* Bytes that are nothing known: look for SIP in them, for a while. */
static size_t seek(struct ear_stream *s, struct ear_slice in)
{
	size_t at = s->mode == OTHER ? in.n : find_line(in);
	bool hit = at < in.n;

	if (!hit && s->mode != OTHER) {
		const char *lf = memrchr(in.p, '\n', in.n);
		size_t line = lf ? (size_t)(lf + 1 - in.p) : 0;

		s->mode = SEEK;
		if (line && may_be_line(ear_slice_sub(in, line, in.n)))
			at = line;
	}
	ear_packets_count(
		s->packets, hit ? EAR_PACKET_CUT : EAR_PACKET_TCP, at);
	if (hit) {
		found_sip(s, SIP);
	} else if (s->mode == SEEK) {
		s->count += (uint32_t)at;
		if (s->count > SEEK_BYTES)
			s->mode = OTHER;
	}
	return at;
}

/* How do the bytes begin? *wait: it cannot be said yet. @return bytes used */
static size_t begin(struct ear_stream *s, struct ear_slice in, bool *wait)
{
	size_t used = 0;

	switch (ear_sort(in)) {
	case EAR_SORT_SIP: found_sip(s, SIP); return 0;
	case EAR_SORT_HEP:
		if (ear_hep_version(in) != 3)
			break;
		set_mode(s, HEP);
		return 0;
	case EAR_SORT_KEEPALIVE:
		ear_packets_count(s->packets, EAR_PACKET_KEEPALIVE, in.n);
		return in.n;
	default: break;
	}
	if (!s->secure && ear_tls_looks_like(in)) {
		found(s, TLS);
		return 0;
	}
	if (is_ws(in)) {
		found_sip(s, WS);
		return 0;
	}
	switch (ear_ws_upgrade(in, &used)) {
	case EAR_OK:
		found(s, WS);
		if (ear_ws_upgrade_is_sip(ear_slice_sub(in, 0, used)))
			ear_packets_is_sip(s->conn, s->half->at_ns);
		return used;
	case EAR_MORE: *wait = true; return 0;
	default: break;
	}
	if (may_be_line(in)) {
		*wait = true;
		return 0;
	}
	return seek(s, in);
}

/*
 * A message whose end cannot be told, for its Content-Length is no number or
 * too large: it reaches to the next first line, or as far as there are bytes.
 */
static size_t broken(struct ear_stream *s, struct ear_slice in)
{
	struct ear_packet_place place = place_of(s);
	size_t n = find_line(in);

	set_mode(s, NEW);
	if (!ear_sip_looks_like(in))
		return 0;
	ear_packets_sip(s->packets, &place, ear_slice_sub(in, 0, n), NULL);
	return n;
}

static size_t read_sip(struct ear_stream *s, struct ear_slice in, bool *wait)
{
	struct ear_packet_place place = place_of(s);
	struct ear_sip_frame frame = {0};
	size_t used = skip_blanks(s, in);

	in = ear_slice_sub(in, used, in.n);
	switch (ear_sip_frame(in, &frame)) {
	case EAR_OK:
		ear_packets_sip(s->packets, &place,
			ear_slice_sub(in, 0, frame.n), NULL);
		return used + frame.n;
	case EAR_MORE: *wait = true; return used;
	default: return used + broken(s, in);
	}
}

static size_t read_hep(struct ear_stream *s, struct ear_slice in, bool *wait)
{
	struct ear_packet_place place = place_of(s);
	size_t n;

	if (in.n < EAR_HEP_HEAD) {
		*wait = true;
		s->want = EAR_HEP_HEAD;
		return 0;
	}
	n = ear_be16(in.p + 4);
	if (ear_hep_version(in) != 3 || n < EAR_HEP_HEAD) {
		set_mode(s, NEW);
		return 0;
	}
	if (in.n < n) {
		*wait = true;
		s->want = n;
		return 0;
	}
	ear_packets_hep(s->packets, &place, ear_slice_sub(in, 0, n), NULL);
	return n;
}

/* Who said first that it is over, and with which status (RFC 6455 s7.1.5). */
static void look_at_close(struct ear_stream *s, struct ear_slice frame)
{
	struct ear_packets_conn *c = s->conn;
	struct ear_ws_frame f;
	char status[2];

	if (c->closing || ear_ws_head(frame, &f) || f.opcode != EAR_WS_CLOSE)
		return;
	c->closing = true;
	c->closer = s->half == &c->tcp->half[1];
	if (f.n < 2 || frame.n < f.head + 2)
		return;
	ear_ws_unmask(&f, 0, ear_slice_sub(frame, f.head, f.head + 2), status);
	c->status = (uint16_t)ear_be16(status);
}

static void ws_message(struct ear_stream *s, const struct ear_ws_message *m,
	struct ear_slice frame)
{
	struct ear_packet_place place = place_of(s);

	if (m->control)
		look_at_close(s, frame);
	if (m->control)
		ear_packets_count(s->packets, EAR_PACKET_KEEPALIVE, frame.n);
	else if (m->packed)
		ear_packets_count(s->packets, EAR_PACKET_WS, frame.n);
	if (m->control || m->packed || !m->bytes.p)
		return;
	if (!s->conn->ours && ear_sort(m->bytes) == EAR_SORT_SIP)
		ear_packets_is_sip(s->conn, s->half->at_ns);
	ear_packets_datagram(s->packets, &place, m->bytes, NULL, EAR_PACKET_WS);
}

static size_t read_ws(struct ear_stream *s, struct ear_slice in, bool *wait)
{
	struct ear_ws_message message;
	size_t used, need;

	if (!s->ws)
		s->ws = calloc(1, sizeof(*s->ws));
	if (!s->ws) {
		set_mode(s, OTHER);
		return 0;
	}
	switch (ear_ws_next(s->ws, in, &used, &need, &message)) {
	case EAR_OK:
		ws_message(s, &message, ear_slice_sub(in, 0, used));
		return used;
	case EAR_MORE:
		*wait = true;
		s->want = need;
		return 0;
	default: set_mode(s, NEW); return 0;
	}
}

static size_t step(struct ear_stream *s, struct ear_slice in, bool *wait)
{
	switch (s->mode) {
	case SIP: return read_sip(s, in, wait);
	case HEP: return read_hep(s, in, wait);
	case WS: return read_ws(s, in, wait);
	case TLS: return ear_stream_tls(s, in, wait);
	default: return begin(s, in, wait);
	}
}

size_t ear_stream_data(struct ear_stream *s, struct ear_slice bytes)
{
	size_t used = 0;
	bool wait = false;
	int idle = 0;

	s->want = 0;
	while (used < bytes.n && !wait) {
		size_t n = step(s, ear_slice_sub(bytes, used, bytes.n), &wait);

		used += n;
		/* Modes may hand on to each other a few times, not for ever:
		 * what two of them refuse is looked through for SIP. */
		idle = n ? 0 : idle + 1;
		if (idle > 2 && !wait) {
			struct ear_slice in =
				ear_slice_sub(bytes, used + 1, bytes.n);

			set_mode(s, SEEK);
			used += 1 + (in.n ? seek(s, in) : 0);
			idle = 0;
		}
	}
	return used;
}

/* A message that stays without its end. */
static void unfinished(struct ear_stream *s, struct ear_slice rest,
	const struct ear_packet_cut *cut)
{
	struct ear_packet_place place = place_of(s);

	if (!rest.n)
		return;
	if (s->mode == SIP && ear_sip_looks_like(rest))
		ear_packets_sip(s->packets, &place, rest, cut);
	else if (s->mode == HEP && rest.n > EAR_HEP_HEAD)
		ear_packets_hep(s->packets, &place, rest, cut);
	else
		ear_packets_count(s->packets,
			s->mode == TLS ? EAR_PACKET_TLS : EAR_PACKET_TCP,
			rest.n);
}

void ear_stream_gap(
	struct ear_stream *s, struct ear_slice rest, uint64_t missing)
{
	struct ear_packet_cut cut = {"capture.gap", missing};

	if (s->mode == TLS)
		ear_stream_tls_gap(s, rest, missing);
	unfinished(s, rest, &cut);
	/* TLS goes on as TLS; all else must show what it is again. */
	if (s->mode != TLS && s->mode != OTHER)
		set_mode(s, NEW);
}

void ear_stream_end(struct ear_stream *s, struct ear_slice rest)
{
	struct ear_packet_cut cut = {"capture.end", 0};

	unfinished(s, rest, &cut);
	set_mode(s, NEW);
}
