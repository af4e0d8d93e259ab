/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS in a stream. The bytes of both directions go to the connection's
 * struct ear_tls_flow; what it decrypts goes through a reader of clear text
 * as if it had come so, one for each direction:
 *
 *     TCP ─▶ stream ─▶ TLS ─▶ decrypted ─▶ stream ─▶ SIP, WebSocket
 *                       └───▶ what the handshake says ─▶ event
 */
#include <stdlib.h>

#include "base/time.h"
#include "proto/sip_frame.h"
#include "proto/tls_suite.h"
#include "tap/packets_priv.h"

#define TICK_NS (100 * EAR_MS_NS)

struct ear_packets_tls {
	struct ear_tls_flow *flow;
	struct ear_stream inner[2]; /* of half[] */
	struct ear_buf rest[2];     /* decrypted, not yet used */
};

static void on_data(
	void *user, int side, uint64_t at_ns, struct ear_slice bytes, void *arg)
{
	struct ear_packets_tls *t = ((struct ear_packets_conn *)user)->secure;
	struct ear_stream *s = &t->inner[side];
	struct ear_buf *rest = &t->rest[side];
	struct ear_slice all = bytes;
	size_t used;

	(void)arg;
	s->at_ns = at_ns;
	if (rest->n) {
		ear_buf_slice(rest, bytes);
		all = ear_buf_view(rest);
		if (!rest->err && all.n < s->want)
			return;
	}
	if (rest->err) {
		ear_stream_gap(s, all, bytes.n);
		ear_buf_fini(rest);
		*rest = (struct ear_buf){0};
		return;
	}
	used = ear_stream_data(s, all);
	if (all.p == rest->p) {
		memmove(rest->p, rest->p + used, all.n - used);
		rest->n = all.n - used;
	} else {
		rest->max = EAR_SIP_MESSAGE_BYTES_MAX + (64u << 10);
		ear_buf_slice(rest, ear_slice_sub(all, used, all.n));
	}
	if (!rest->n) {
		ear_buf_fini(rest);
		*rest = (struct ear_buf){0};
	}
}

static uint8_t side_of(const struct ear_packets_conn *c, int half)
{
	if (half < 0)
		return EAR_SIDE_NONE;
	return half == ear_packets_client(c->tcp) ? EAR_SIDE_CLIENT
						  : EAR_SIDE_SERVER;
}

static void put_facts(
	struct ear_packets_conn *c, const struct ear_tls_info *info)
{
	c->tls = (struct ear_conn_tls){
		.version = info->version,
		.cipher = info->cipher,
		.alert = info->alert,
		.alert_by = side_of(c, info->alert_by),
		.not_after_ns = info->not_after_ns,
		.cipher_name = ear_tls_suite_name(info->cipher),
		.sni = info->sni,
		.alpn = info->alpn,
		.subject = info->subject,
		.issuer = info->issuer,
		.unread = info->unread,
	};
}

/* "sip/2" as registered, and what people make of it. */
static bool is_for_sip(struct ear_slice alpn)
{
	return ear_slice_ieq(ear_slice_sub(alpn, 0, 3), EAR_S("sip"));
}

static void on_info(
	void *user, uint64_t at_ns, const struct ear_tls_info *info, void *arg)
{
	struct ear_packets_conn *c = user;
	struct ear_conn_event event = {.kind = EAR_CONN_TLS};

	(void)arg;
	put_facts(c, info);
	event.tls = c->tls;
	if (!c->ours && is_for_sip(info->alpn))
		ear_packets_is_sip(c, at_ns);
	else
		ear_packets_tell(c, &event, at_ns, EAR_S(""));
}

void ear_packets_tls_tell(struct ear_packets_conn *c, uint64_t at_ns)
{
	struct ear_conn_event event = {.kind = EAR_CONN_TLS};
	struct ear_tls_info info;

	if (!c->secure)
		return;
	ear_tls_info(c->secure->flow, &info);
	put_facts(c, &info);
	event.tls = c->tls;
	ear_packets_tell(c, &event, at_ns, EAR_S(""));
}

static const struct ear_tls_events events = {on_data, on_info};

enum ear_err ear_packets_tls_new(struct ear_packets *ps)
{
	const struct ear_keylog *log = ps->options.keylog;
	struct ear_tls_options options = {.keys = NULL};

	if (log) {
		options.keys = ear_keylog_keys(log);
		options.expect = ear_keylog_expects(log);
	}
	return ear_tls_new(&options, &events, ps, &ps->tls);
}

/* What hangs on a connection with TLS; NULL: no memory. */
static struct ear_packets_tls *tls_of(struct ear_packets_conn *c)
{
	struct ear_packets_tls *t = c->secure;

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t || ear_tls_flow_new(c->packets->tls, c, &t->flow)) {
		free(t);
		return NULL;
	}
	for (int i = 0; i < 2; i++) {
		t->inner[i].packets = c->packets;
		t->inner[i].conn = c;
		t->inner[i].half = &c->tcp->half[i];
		t->inner[i].secure = true;
	}
	c->secure = t;
	return t;
}

size_t ear_stream_tls(struct ear_stream *s, struct ear_slice in, bool *wait)
{
	struct ear_packets *ps = s->packets;
	struct ear_packets_tls *t = tls_of(s->conn);
	int side = s->half == &s->conn->tcp->half[1];
	size_t used, need = 0;

	if (!t) {
		ear_packets_count(ps, EAR_PACKET_TLS, in.n);
		return in.n;
	}
	used = ear_tls_take(t->flow, side, s->half->at_ns, in, &need);
	if (used && !ear_tls_reads(t->flow))
		ear_packets_count(ps, EAR_PACKET_TLS, used);
	*wait = used < in.n;
	s->want = need;
	return used;
}

void ear_stream_tls_gap(
	struct ear_stream *s, struct ear_slice rest, uint64_t missing)
{
	struct ear_packets_tls *t = s->conn->secure;
	int side = s->half == &s->conn->tcp->half[1];

	if (!t)
		return;
	ear_tls_gap(t->flow, side, rest, missing);
	ear_stream_gap(&t->inner[side], ear_buf_view(&t->rest[side]), missing);
	ear_buf_fini(&t->rest[side]);
	t->rest[side] = (struct ear_buf){0};
}

void ear_packets_tls_end(struct ear_packets_conn *c, uint64_t at_ns)
{
	struct ear_packets_tls *t = c->secure;
	struct ear_tls_info info;

	if (!t)
		return;
	ear_tls_end(t->flow, at_ns);
	for (int i = 0; i < 2; i++) {
		ear_stream_end(&t->inner[i], ear_buf_view(&t->rest[i]));
		ear_buf_fini(&t->rest[i]);
		t->rest[i] = (struct ear_buf){0};
	}
	ear_tls_info(t->flow, &info);
	put_facts(c, &info);
	if (info.alert) {
		c->cause = EAR_CAUSE_TLS_ERROR;
		c->closer = (int8_t)info.alert_by;
	} else if (info.closer >= 0) {
		c->cause = EAR_CAUSE_NORMAL;
		if (!c->closing)
			c->closer = (int8_t)info.closer;
	}
}

void ear_packets_tls_free(struct ear_packets_conn *c)
{
	struct ear_packets_tls *t = c->secure;

	if (!t)
		return;
	for (int i = 0; i < 2; i++) {
		ear_stream_end(&t->inner[i], EAR_S(""));
		ear_buf_fini(&t->rest[i]);
	}
	ear_tls_flow_free(&t->flow);
	free(t);
	c->secure = NULL;
	c->tls = (struct ear_conn_tls){0};
}

void ear_packets_tls_tick(struct ear_packets *ps, uint64_t now_ns)
{
	/* Packet time may go back a little; it does not stop the clock. */
	if (now_ns < ps->tls_ns + TICK_NS && now_ns + TICK_NS > ps->tls_ns)
		return;
	ps->tls_ns = now_ns;
	ear_tls_tick(ps->tls, now_ns);
}

void ear_packets_tls_json(
	const struct ear_packets_stats *stats, struct ear_json *j)
{
	const struct ear_tls_stats *s = &stats->tls;

	ear_json_key(j, "tls");
	ear_json_open(j, '{');
	ear_json_ku64(j, "connections", s->flows);
	ear_json_ku64(j, "records", s->records);
	ear_json_key(j, "unread");
	ear_json_open(j, '{');
	for (int why = EAR_TLS_READ + 1; why < EAR_TLS_UNREADS; why++)
		ear_json_ku64(j, ear_tls_unread_key(why), s->unread[why]);
	ear_json_close(j, '}');
	ear_json_close(j, '}');
}
