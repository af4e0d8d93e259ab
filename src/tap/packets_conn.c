/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of connections. Most of a network's have nothing to do with
 * SIP: one is told of once it is known to be ours, by a message of SIP, a
 * WebSocket of subprotocol sip, TLS with ALPN for SIP or, as soon as both
 * sides were seen, by its port. That it is TLS or WebSocket alone says
 * nothing: so is all of the web.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/ws.h"
#include "tap/packets_priv.h"

enum ear_err ear_ports_add(struct ear_ports *ports, struct ear_slice text)
{
	uint64_t port;

	if (!ear_slice_u64(ear_slice_trim(text), UINT16_MAX, &port) || !port)
		return EAR_BAD;
	for (size_t i = 0; i < ports->n; i++) {
		if (ports->v[i] == port)
			return EAR_OK;
	}
	if (ports->n == EAR_PORTS_MAX)
		return EAR_LIMIT;
	ports->v[ports->n++] = (uint16_t)port;
	return EAR_OK;
}

/* Ports that people give to SIP. */
static bool is_sip_port(uint16_t port)
{
	return port >= 5060 && port <= 5099;
}

static bool on_sip_port(
	const struct ear_packets *ps, const struct ear_tcp_conn *tcp)
{
	const struct ear_ports *ports = &ps->options.ports;
	uint16_t src = tcp->half[0].src.port, dst = tcp->half[0].dst.port;

	for (size_t i = 0; i < ports->n; i++) {
		if (ports->v[i] == src || ports->v[i] == dst)
			return true;
	}
	return is_sip_port(src) || is_sip_port(dst);
}

/* --- which side is which ----------------------------------------------- */

/* How much a port looks like a server's. */
static int serves(uint16_t port)
{
	if (is_sip_port(port))
		return 3;
	if (port < 1024)
		return 2;
	return port < 32768; /* below the ephemeral ones of most systems */
}

int ear_packets_client(const struct ear_tcp_conn *tcp)
{
	uint16_t src = tcp->half[0].src.port, dst = tcp->half[0].dst.port;

	if (tcp->opener >= 0)
		return tcp->opener;
	if (serves(src) != serves(dst))
		return serves(src) > serves(dst);
	return src < dst;
}

static uint8_t side_of(const struct ear_tcp_conn *tcp, int half)
{
	if (half < 0)
		return EAR_SIDE_NONE;
	return half == ear_packets_client(tcp) ? EAR_SIDE_CLIENT
					       : EAR_SIDE_SERVER;
}

/* --- telling ----------------------------------------------------------- */

static void hand_out(struct ear_packets_conn *c,
	const struct ear_conn_event *event, uint64_t at_ns,
	struct ear_slice note)
{
	struct ear_packets *ps = c->packets;
	const struct ear_tcp_half *client =
		&c->tcp->half[ear_packets_client(c->tcp)];
	struct ear_msg msg = {
		.at_ns = at_ns,
		.seen_ns = ps->seen_ns,
		.src = client->src,
		.dst = client->dst,
		.flags = ps->options.flags,
		.transport = c->transport ? c->transport : EAR_TR_TCP,
		.proto = EAR_PROTO_CONN,
		.ip_proto = EAR_IP_TCP,
		.tap = ps->options.tap,
		.note = note,
	};

	if (!msg.at_ns) {
		msg.at_ns = ps->seen_ns;
		msg.flags |= EAR_MSG_ARRIVAL;
	}
	ear_buf_reset(&ps->event);
	ear_conn_write(event, &ps->event);
	if (ps->event.err)
		return;
	msg.raw = ear_buf_view(&ps->event);
	ps->options.fn(&msg, ps->options.arg);
}

static void fill_in(
	const struct ear_packets_conn *c, struct ear_conn_event *event)
{
	event->joined = c->tcp->opener < 0 || c->tcp->lost;
	event->opened_ns = c->tcp->opened_ns;
}

static void tell_opened(struct ear_packets_conn *c)
{
	struct ear_conn_event opened = {.kind = EAR_CONN_OPENED};

	c->told = true;
	fill_in(c, &opened);
	hand_out(c, &opened, c->tcp->opened_ns, EAR_S(""));
}

void ear_packets_tell(struct ear_packets_conn *c, struct ear_conn_event *event,
	uint64_t at_ns, struct ear_slice note)
{
	if (!c->packets->options.tell || !c->ours)
		return;
	if (!c->told)
		tell_opened(c);
	fill_in(c, event);
	hand_out(c, event, at_ns, note);
}

void ear_packets_carries(struct ear_packets_conn *c,
	enum ear_transport transport, uint64_t at_ns)
{
	struct ear_conn_event carries = {.kind = EAR_CONN_CARRIES};

	if (c->transport == transport)
		return;
	c->transport = (uint8_t)transport;
	ear_packets_tell(c, &carries, at_ns, EAR_S(""));
}

void ear_packets_is_sip(struct ear_packets_conn *c, uint64_t at_ns)
{
	struct ear_conn_event carries = {.kind = EAR_CONN_CARRIES};

	if (c->ours)
		return;
	c->ours = true;
	if (c->transport)
		ear_packets_tell(c, &carries, at_ns, EAR_S(""));
	ear_packets_tls_tell(c, at_ns);
}

/* --- the life of a connection ------------------------------------------ */

struct ear_packets_conn *ear_packets_conn_of(
	struct ear_packets *ps, struct ear_tcp_half *half)
{
	struct ear_packets_conn *c = half->conn->shared;

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->packets = ps;
	c->tcp = half->conn;
	c->ours = on_sip_port(ps, c->tcp);
	for (int i = 0; i < 2; i++) {
		c->stream[i].packets = ps;
		c->stream[i].conn = c;
		c->stream[i].half = &c->tcp->half[i];
	}
	half->conn->shared = c;
	return c;
}

/* Both sides are there: on a port of SIP that is enough. */
static void on_answer(struct ear_tcp_conn *tcp, void *arg)
{
	struct ear_packets *ps = arg;
	bool again = tcp->shared && tcp->lost;
	struct ear_packets_conn *c;

	if (!ps->options.tell || (!again && !on_sip_port(ps, tcp)))
		return;
	c = ear_packets_conn_of(ps, &tcp->half[0]);
	if (!c || c->told || !c->ours)
		return;
	/* of one that is back it is known what it carried, or it never spoke */
	if (!again || c->transport)
		tell_opened(c);
}

static uint8_t cause_of(enum ear_tcp_end how)
{
	switch (how) {
	case EAR_TCP_END_FIN: return EAR_CAUSE_NORMAL;
	case EAR_TCP_END_RST:
	case EAR_TCP_END_LOST: return EAR_CAUSE_NETWORK_ERROR;
	case EAR_TCP_END_IDLE: return EAR_CAUSE_TIMEOUT;
	default: return EAR_CAUSE_UNKNOWN;
	}
}

/* For people: what the cause alone does not say. */
static struct ear_slice why(
	const struct ear_packets_conn *c, enum ear_tcp_end how, char room[120])
{
	int n = 0;

	if (c->closing)
		n = snprintf(room, 120,
			"0 connection.close_frame WebSocket close, status %u",
			c->status);
	else if (how == EAR_TCP_END_LOST)
		n = snprintf(room, 120,
			"0 connection.lost keep-alive lost: no answer for 32 "
			"s to what was sent again");
	else if (how == EAR_TCP_END_EVICTED)
		n = snprintf(room, 120,
			"0 connection.evicted no room to follow it: raise "
			"connections of the capture");
	return ear_slice(room, (size_t)n);
}

static void on_closed(struct ear_tcp_conn *tcp, enum ear_tcp_end how, void *arg)
{
	struct ear_packets_conn *c = tcp->shared;
	struct ear_conn_event closed = {.kind = EAR_CONN_CLOSED};
	int client = ear_packets_client(tcp);
	char room[120];

	(void)arg;
	if (c && how != EAR_TCP_END_LOST) {
		ear_packets_tls_end(c, tcp->ended_ns);
		c->over = true;
	}
	if (!c || !c->told || how == EAR_TCP_END_NONE)
		return;
	closed.cause = c->cause ? c->cause : cause_of(how);
	closed.by =
		side_of(tcp, c->closing || c->cause ? c->closer : tcp->ender);
	closed.bytes[0] = tcp->half[client].bytes;
	closed.bytes[1] = tcp->half[!client].bytes;
	closed.tls = c->tls;
	ear_packets_tell(c, &closed, tcp->ended_ns, why(c, how, room));
	c->told = false; /* should it be heard of again */
}

static void on_forget(struct ear_tcp_conn *tcp, void *arg)
{
	struct ear_packets_conn *c = tcp->shared;

	(void)arg;
	if (!c->over) /* it was lost, and never heard of again */
		ear_packets_tls_end(c, tcp->ended_ns);
	for (int i = 0; i < 2; i++)
		ear_stream_end(&c->stream[i], EAR_S(""));
	ear_packets_tls_free(c);
	free(c);
	tcp->shared = NULL;
}

/* --- its streams ------------------------------------------------------- */

static size_t on_data(struct ear_tcp_half *h, struct ear_slice bytes, void *arg)
{
	struct ear_packets_conn *c = ear_packets_conn_of(arg, h);
	struct ear_stream *s;
	size_t used;

	if (!c) {
		ear_packets_count(arg, EAR_PACKET_TCP, bytes.n);
		return bytes.n;
	}
	s = &c->stream[h == &c->tcp->half[1]];
	used = ear_stream_data(s, bytes);
	h->want = s->want;
	return used;
}

static struct ear_stream *stream_of(const struct ear_tcp_half *h)
{
	struct ear_packets_conn *c = h->conn->shared;

	return c ? &c->stream[h == &h->conn->half[1]] : NULL;
}

static void on_gap(struct ear_tcp_half *h, struct ear_slice rest,
	uint64_t missing, void *arg)
{
	struct ear_stream *s = stream_of(h);

	(void)arg;
	if (s)
		ear_stream_gap(s, rest, missing);
}

static void on_end(struct ear_tcp_half *h, struct ear_slice rest, void *arg)
{
	struct ear_stream *s = stream_of(h);

	(void)arg;
	if (s)
		ear_stream_end(s, rest);
}

const struct ear_tcp_events ear_packets_tcp = {
	.data = on_data,
	.gap = on_gap,
	.end = on_end,
	.answer = on_answer,
	.closed = on_closed,
	.forget = on_forget,
};
