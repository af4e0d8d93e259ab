/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listeners of the written configuration: one that Kamailio sends to, and
 * where it was a collector itself, its sockets.
 */
#include <stdio.h>

#include "base/addr.h"
#include "config/kamailio_write.h"
#include "proto/sip.h"

static bool is_on_this_machine(struct ear_slice collector, unsigned port)
{
	struct ear_sip_uri uri;
	struct ear_addr addr;

	if (ear_sip_uri_parse(collector, &uri) || uri.port != port)
		return false;
	return ear_slice_ieq(uri.host, EAR_S("localhost")) ||
	       (!ear_addr_parse(uri.host, &addr) &&
		       ear_addr_is_loopback(&addr));
}

static bool is_taken(struct ear_kamailio *k, unsigned port)
{
	if (is_on_this_machine(ear_kamailio_text(k, "duplicate_uri", ""), port))
		return true;
	for (size_t i = 0; i < k->calls; i++) {
		const struct ear_kamailio_call *c = &k->call[i];

		if (ear_slice_eq(c->name, EAR_S("sip_trace")) && c->args &&
			is_on_this_machine(c->arg[0], port))
			return true;
	}
	return false;
}

unsigned ear_kamailio_free_port(struct ear_kamailio *k)
{
	/* 9061 is HEP over TLS */
	static const unsigned ports[] = {9060, 9062, 9063};
	size_t i = 0, n = sizeof(ports) / sizeof(ports[0]);

	while (i + 1 < n && is_taken(k, ports[i]))
		i++;
	return ports[i];
}

/* One on a socket that none has yet. */
static void put_listener(struct ear_kamailio_writer *w, const char *name,
	const char *transport, const char *address)
{
	struct ear_addr addr;
	bool datagrams = !strcmp(transport, "udp");

	if (ear_addr_parse(ear_slice_str(address), &addr))
		return;
	for (size_t i = 0; i < w->listeners; i++) {
		if (w->listener[i].datagrams != datagrams ||
			!ear_addr_eq(&w->listener[i].address, &addr))
			continue;
		ear_kamailio_remark(
			w, "A listener above has this socket: %s.", address);
		return;
	}
	if (w->listeners == EAR_CONFIG_MANY) {
		ear_kamailio_gap(w, "More listeners than there may be.");
		return;
	}
	w->listener[w->listeners].datagrams = datagrams;
	w->listener[w->listeners++].address = addr;
	ear_kamailio_open(w, "listener", name);
	ear_kamailio_key(w, "transport", ear_slice_str(transport));
	ear_kamailio_key(w, "address", ear_slice_str(address));
	ear_kamailio_close(w);
}

/* One of Kamailio's sockets, on which sipcapture took HEP. */
static void write_socket(struct ear_kamailio_writer *w,
	const struct ear_kamailio_listen *l, size_t i)
{
	struct ear_slice port = l->port;
	struct ear_slice proto = l->proto.n ? l->proto : EAR_S("udp");
	struct ear_addr addr;
	char name[32], text[EAR_ADDR_TEXT];
	uint64_t number = 5060;
	bool tls = ear_slice_ieq(proto, EAR_S("tls"));

	ear_buf_byte(w->out, '\n');
	ear_kamailio_remark(w, "listen = %.*s:%.*s%s%.*s (%s:%u)",
		EAR_FMT(proto), EAR_FMT(l->host), port.n ? ":" : "",
		EAR_FMT(port), l->pos.file, l->pos.line);
	if (!port.n && w->k->port.n)
		port = w->k->port;
	if (!port.n && tls)
		number = 5061;
	if (!tls && !ear_slice_ieq(proto, EAR_S("udp")) &&
		!ear_slice_ieq(proto, EAR_S("tcp"))) {
		ear_kamailio_gap(
			w, "no equivalent: listeners take udp, tcp and tls");
		return;
	}
	if ((port.n && !ear_slice_u64(port, 65535, &number)) ||
		ear_addr_parse(l->host, &addr)) {
		ear_kamailio_gap(w,
			"no listener: write one with the address of this "
			"interface or name");
		return;
	}
	addr.port = (uint16_t)number;
	ear_addr_text(&addr, text);
	snprintf(name, sizeof(name), "kamailio-%zu", i + 1);
	put_listener(w, name,
		tls                                  ? "tls"
		: ear_slice_ieq(proto, EAR_S("tcp")) ? "tcp"
						     : "udp",
		text);
}

static struct ear_kamailio_param *capture_param(
	struct ear_kamailio_writer *w, const char *name)
{
	struct ear_kamailio_param *p = ear_kamailio_param(w->k, true, name);

	if (p)
		ear_kamailio_tell_param(w, p);
	else
		ear_kamailio_remark(
			w, "sipcapture %s is not set; its default is 0", name);
	return p;
}

static void write_capture_switches(struct ear_kamailio_writer *w)
{
	struct ear_kamailio_param *p = capture_param(w, "capture_on");

	if (!p || !p->i)
		ear_kamailio_remark(w,
			"  Kamailio stored nothing until an RPC "
			"(sipcapture.status on) said so. Earshot keeps what "
			"comes to a listener.");
	p = capture_param(w, "hep_capture_on");
	if (!p || !p->i)
		ear_kamailio_remark(w,
			"  HEP was not read. Earshot reads HEP 1, 2, 3 and "
			"plain SIP on the same socket.");
}

static void write_sockets(struct ear_kamailio_writer *w)
{
	char address[32] = "0.0.0.0:5060";
	uint64_t port;

	for (size_t i = 0; i < w->k->listens; i++)
		write_socket(w, &w->k->listen[i], i);
	if (w->k->listens)
		return;
	if (ear_slice_u64(w->k->port, 65535, &port))
		snprintf(
			address, sizeof(address), "0.0.0.0:%u", (unsigned)port);
	ear_buf_byte(w->out, '\n');
	ear_kamailio_remark(w,
		"No listen line: Kamailio took all addresses. This opens to "
		"the network; the key allow says from whom.");
	put_listener(w, "kamailio-1", "udp", address);
}

static void write_capture_call(
	struct ear_kamailio_writer *w, const struct ear_kamailio_call *c)
{
	ear_buf_byte(w->out, '\n');
	ear_kamailio_remark(w, "%.*s() in %.*s (%s:%u):", EAR_FMT(c->name),
		EAR_FMT(c->route_name), c->pos.file, c->pos.line);
	if (c->cond.n)
		ear_kamailio_gap(w,
			"  was asked for under %.*s; Earshot keeps all. To "
			"keep less: store { keep = EXPRESSION }, or drop() in "
			"a script (section hook).",
			EAR_FMT(c->cond));
	else
		ear_kamailio_remark(w, "  is what Earshot always does.");
}

void ear_kamailio_write_capture(struct ear_kamailio_writer *w)
{
	ear_buf_byte(w->out, '\n');
	ear_kamailio_remark(w,
		"sipcapture: this Kamailio was a collector. Earshot takes its "
		"sockets; stop it before Earshot starts. Calls of "
		"sip_capture() are not needed: all that comes is kept, and "
		"found by what is in it.");
	write_capture_switches(w);
	write_sockets(w);
	for (size_t i = 0; i < w->k->calls; i++) {
		const struct ear_kamailio_call *c = &w->k->call[i];

		if (ear_slice_find(c->name, EAR_S("_capture")) != c->name.n)
			write_capture_call(w, c);
	}
}

void ear_kamailio_write_listener(struct ear_kamailio_writer *w)
{
	char address[EAR_ADDR_TEXT];

	if (w->port != 9060) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_remark(w,
			"Not port 9060: that is of the collector on this "
			"machine that Kamailio has sent to so far.");
	}
	snprintf(address, sizeof(address), "127.0.0.1:%u", w->port);
	put_listener(w, "kamailio", "udp", address);
}
