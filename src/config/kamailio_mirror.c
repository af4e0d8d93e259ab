/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where siptrace sends copies to, as mirrors. Its two engines use different
 * parameters; some combinations send less than they promise.
 */
#include <stdio.h>

#include "base/addr.h"
#include "config/kamailio_plan.h"
#include "net/uri.h"
#include "proto/sip.h"

static struct ear_kamailio_mirror *find_mirror(
	struct ear_kamailio_plan *p, bool hep, struct ear_slice uri)
{
	struct ear_kamailio_mirror *m;
	size_t same = 1;

	for (size_t i = 0; i < p->mirrors; i++) {
		m = &p->mirror[i];
		if (m->hep == hep && ear_slice_eq(m->uri, uri))
			return m;
		same += m->hep == hep;
	}
	if (p->mirrors == EAR_KM_MIRRORS)
		return NULL;
	m = &p->mirror[p->mirrors++];
	m->hep = hep;
	m->uri = uri;
	snprintf(m->name, sizeof(m->name), same > 1 ? "%s-%zu" : "%s",
		hep ? "hep" : "duplicate", same);
	return m;
}

/*
 * Where a call sends its copy to; the empty slice: nowhere. With the database
 * on and no address of its own, plain SIP goes nowhere, whatever
 * duplicate_uri says; HEP goes there.
 */
struct ear_slice ear_kamailio_target(
	const struct ear_kamailio_plan *p, const struct ear_kamailio_call *c)
{
	if (ear_kamailio_is_trace(c) && c->args && c->arg[0].n)
		return c->arg[0];
	if (p->hep || !p->to_db)
		return p->dup;
	return (struct ear_slice){0};
}

/* The mirrors of both engines, once each. */
void ear_kamailio_find_mirrors(struct ear_kamailio_plan *p)
{
	struct ear_kamailio_mirror *m;

	if (p->core && p->dup.n && (p->mode & 1)) {
		m = find_mirror(p, true, p->dup);
		m->core = true;
	}
	if (p->core && p->dup.n && (p->mode & 4)) {
		m = find_mirror(p, false, p->dup);
		m->core = true;
	}
	for (size_t i = 0; p->script && i < p->k->calls; i++) {
		const struct ear_kamailio_call *c = &p->k->call[i];
		struct ear_slice uri = ear_kamailio_target(p, c);

		if ((!ear_kamailio_is_trace(c) && !ear_kamailio_is_mode(c)) ||
			!uri.n || ear_kamailio_has(uri, '$'))
			continue;
		m = find_mirror(p, p->hep, uri);
		if (m)
			m->script = true;
	}
}

/* The value of transport= among a URI's parameters; udp without. */
static struct ear_slice transport_of(const struct ear_sip_uri *uri)
{
	struct ear_slice params = uri->params;
	struct ear_slice name = EAR_S("transport=");

	while (params.n) {
		size_t n = ear_slice_find(params, EAR_S(";"));
		struct ear_slice one = ear_slice_sub(params, 0, n);

		if (ear_slice_ieq(ear_slice_sub(one, 0, name.n), name))
			return ear_slice_sub(one, name.n, one.n);
		params = ear_slice_sub(params, n + 1, params.n);
	}
	return ear_slice_ieq(uri->scheme, EAR_S("sips")) ? EAR_S("tls")
							 : EAR_S("udp");
}

/* "sip:10.1.1.1:5888;transport=tcp" as one of ours. */
static bool write_to(struct ear_kamailio_plan *p, struct ear_kamailio_mirror *m)
{
	struct ear_sip_uri uri;
	struct ear_net_uri ours;
	struct ear_buf to = {0};
	struct ear_slice transport;
	bool good = ear_sip_uri_parse(m->uri, &uri) == EAR_OK && uri.host.n;

	if (!good)
		return false;
	transport = transport_of(&uri);
	ear_buf_printf(&to, "%s:%.*s:%u;transport=", m->hep ? "hep" : "sip",
		EAR_FMT(uri.host), uri.port ? uri.port : 5060u);
	for (size_t i = 0; i < transport.n; i++)
		ear_buf_byte(&to, (uint8_t)ear_lower(transport.p[i]));
	good = !to.err &&
	       ear_net_uri_parse(ear_buf_view(&to), &ours, NULL) == EAR_OK;
	if (good) {
		m->stream = ours.carrier != EAR_CARRY_UDP;
		if (!uri.port)
			ear_kamailio_remark(p->w,
				"Without a port Kamailio sends to 5060; SRV "
				"records of a name are not asked for here.");
		ear_kamailio_key(p->w, "to", ear_buf_view(&to));
	}
	ear_buf_fini(&to);
	return good;
}

/* Which socket copies leave from, after what Kamailio takes of three names. */
static struct ear_slice send_socket(struct ear_kamailio_plan *p)
{
	struct ear_kamailio_param *name =
		ear_kamailio_param(p->k, false, "send_sock_name");
	struct ear_kamailio_param *addr =
		ear_kamailio_param(p->k, false, "send_sock_addr");
	struct ear_kamailio_param *old =
		ear_kamailio_param(p->k, false, "force_send_sock");
	struct ear_slice host = {0};
	struct ear_sip_uri uri;

	if (old && (!addr || old > addr))
		addr = old; /* two names of one setting: the last counts */
	if (name && name->value.n) {
		ear_kamailio_tell(p->w, "send_sock_name");
		for (size_t i = 0; i < p->k->listens; i++) {
			if (ear_slice_eq(p->k->listen[i].name, name->value))
				host = p->k->listen[i].host;
		}
		if (!host.n)
			ear_kamailio_remark(p->w,
				"No listen line has this name: Kamailio warns "
				"and chooses a socket itself.");
	} else if (addr) {
		ear_kamailio_tell(p->w,
			addr == old ? "force_send_sock" : "send_sock_addr");
		if (ear_sip_uri_parse(addr->value, &uri) == EAR_OK)
			host = uri.host;
	}
	return host;
}

/* The socket from which copies leave: its address, but not its port. */
static void write_from(struct ear_kamailio_plan *p)
{
	struct ear_slice host = send_socket(p);
	struct ear_addr addr;
	char text[EAR_ADDR_TEXT];

	if (!host.n)
		return;
	if (ear_addr_parse(host, &addr)) {
		ear_kamailio_gap(p->w,
			"%.*s is no address; write the one that it has.",
			EAR_FMT(host));
		return;
	}
	ear_kamailio_remark(p->w,
		"The address alone: the port is Kamailio's own as long as it "
		"runs on this machine.");
	ear_addr_ip_text(&addr, text);
	ear_kamailio_key(p->w, "from", ear_slice_str(text));
}

/* "10.0.0.1:5060", or false when it is no address */
static bool put_address(
	struct ear_slice host, struct ear_slice port, struct ear_buf *out)
{
	struct ear_addr addr;
	char text[EAR_ADDR_TEXT];
	uint64_t number;

	if (ear_addr_parse(host, &addr) || addr.port ||
		!ear_slice_u64(port, 65535, &number) || !number)
		return false;
	addr.port = (uint16_t)number;
	ear_addr_text(&addr, text);
	ear_buf_str(out, text);
	return true;
}

/* "10.0.0.1:5060=198.51.100.7:5060" of one socket */
static bool advertised(const struct ear_kamailio *k,
	const struct ear_kamailio_listen *l, struct ear_buf *out)
{
	struct ear_slice port = l->port.n   ? l->port
				: k->port.n ? k->port
					    : EAR_S("5060");
	struct ear_slice host =
		l->adv_host.n ? l->adv_host : k->advertised_address;
	struct ear_slice other = port;

	if (l->adv_port.n)
		other = l->adv_port;
	else if (!l->adv_host.n && k->advertised_port.n)
		other = k->advertised_port;
	if (!put_address(l->host, port, out))
		return false;
	ear_buf_byte(out, '=');
	return put_address(host, other, out) && !out->err;
}

/* Bit 1 of data_mode: the core engine names advertised addresses. */
static void write_advertise(struct ear_kamailio_plan *p)
{
	struct ear_buf list = {0};
	size_t n = 0;

	ear_kamailio_tell(p->w, "data_mode");
	if (!(ear_kamailio_int(p->k, "data_mode", 0) & 1))
		return;
	for (size_t i = 0; i < p->k->listens && n < 64; i++) {
		const struct ear_kamailio_listen *l = &p->k->listen[i];
		struct ear_buf one = {0};

		if (!l->adv_host.n && !p->k->advertised_address.n)
			continue;
		if (advertised(p->k, l, &one)) {
			ear_buf_str(&list, n++ ? ", " : "");
			ear_kamailio_put_quoted(&list, ear_buf_view(&one));
		} else {
			ear_kamailio_gap(p->w,
				"%s:%u: a name or interface cannot be an "
				"address of a message here. Kamailio stored "
				"rows with such a name, and mirrored nothing.",
				l->pos.file, l->pos.line);
		}
		ear_buf_fini(&one);
	}
	if (n)
		ear_buf_printf(p->w->out, "\tadvertise = {%.*s}\n",
			EAR_FMT(ear_buf_view(&list)));
	else
		ear_kamailio_remark(p->w,
			"No socket has an advertised address of its own.");
	ear_buf_fini(&list);
}

/*
 * proto:ip:port; without proto siptrace makes rows of it, but no HEP.
 *
 * @return whether anything was sent with it
 */
static bool write_local(
	struct ear_kamailio_plan *p, const struct ear_kamailio_mirror *m)
{
	struct ear_slice local = ear_kamailio_text(p->k, "trace_local_ip", "");
	size_t colon = ear_slice_find(local, EAR_S(":"));
	bool proto = ear_kamailio_is_proto(ear_slice_sub(local, 0, colon));
	struct ear_slice rest =
		proto ? ear_slice_sub(local, colon + 1, local.n) : local;
	struct ear_buf full = {0};
	struct ear_addr addr;

	ear_kamailio_tell(p->w, "trace_local_ip");
	if (!local.n)
		return true;
	if (ear_addr_parse(rest, &addr)) {
		ear_kamailio_gap(p->w,
			"This is not proto:ip:port; messages keep their "
			"addresses here.");
		return true;
	}
	if (m->core)
		ear_kamailio_remark(p->w,
			"The script engine alone used it; here it is for all "
			"that this mirror sends.");
	if (!proto && m->hep)
		ear_kamailio_remark(p->w,
			"Without a protocol in front Kamailio could not make "
			"HEP of it and sent nothing to this place.");
	ear_buf_printf(&full, "%.*s:%.*s",
		EAR_FMT(proto ? ear_slice_sub(local, 0, colon) : EAR_S("udp")),
		EAR_FMT(rest));
	ear_kamailio_key(p->w, "local_address", ear_buf_view(&full));
	ear_buf_fini(&full);
	return proto || !m->hep;
}

static void write_hep_keys(
	struct ear_kamailio_plan *p, const struct ear_kamailio_mirror *m)
{
	char text[24];
	int64_t version = ear_kamailio_int(p->k, "hep_version", 1);
	int64_t id = ear_kamailio_int(p->k, "hep_capture_id", 1);
	struct ear_slice key = ear_kamailio_text(p->k, "auth_key", "");

	ear_kamailio_tell(p->w, "hep_version");
	if (version < 1 || version > 3) {
		ear_kamailio_gap(p->w,
			"Kamailio does not start with it; 3 is written here.");
		version = 3;
	} else if (version < 3 && m->stream) {
		ear_kamailio_remark(p->w,
			"HEP %d has no length of its own, so on a stream "
			"nobody can read it; 3 is written here.",
			(int)version);
		version = 3;
	} else if (version < 3) {
		ear_kamailio_remark(p->w,
			"HEP %d carries no correlation id%s; 3 does.",
			(int)version, version == 1 ? " and no time" : "");
	}
	snprintf(text, sizeof(text), "%d", (int)version);
	ear_kamailio_key(p->w, "version", ear_slice_str(text));
	ear_kamailio_tell(p->w, "hep_capture_id");
	snprintf(text, sizeof(text), "%u", (unsigned)id);
	ear_kamailio_key(p->w, "capture_id", ear_slice_str(text));
	ear_kamailio_tell(p->w, "auth_key");
	if (key.n && key.n < 256)
		ear_kamailio_key(p->w, "auth_key", key);
	ear_kamailio_remark(
		p->w, "Kamailio writes protocol 22 for tls, ws and wss alike.");
	ear_kamailio_key(p->w, "legacy_tls", EAR_S("true"));
}

static void write_xheaders(
	struct ear_kamailio_plan *p, const struct ear_kamailio_mirror *m)
{
	bool on = ear_kamailio_int(p->k, "xheaders_write", 0) != 0;

	ear_kamailio_tell(p->w, "xheaders_write");
	if (on && m->core && !m->script)
		ear_kamailio_remark(p->w,
			"The core engine wrote them %s. Here they are whole.",
			p->k->event.there || ear_kamailio_param(
						     p->k, false, "evcb_msg")
				? "without method and time, and siptrace's own "
				  "reader refused them"
				: "only where an event route stood, and none "
				  "does");
	ear_kamailio_key(p->w, "xheaders", on ? EAR_S("true") : EAR_S("false"));
}

void ear_kamailio_write_mirror(
	struct ear_kamailio_plan *p, struct ear_kamailio_mirror *m)
{
	size_t before = p->w->out->n;

	ear_kamailio_open(p->w, "mirror", m->name);
	if (ear_slice_eq(m->uri, p->dup))
		ear_kamailio_tell(p->w, "duplicate_uri");
	if (!write_to(p, m)) {
		/* what is not a mirror leaves no section */
		p->w->out->n = before < p->w->out->n ? before : p->w->out->n;
		p->w->indent = "";
		ear_buf_byte(p->w->out, '\n');
		ear_kamailio_gap(p->w,
			"No mirror \"%s\": '%.*s' is not sip:HOST:PORT over "
			"udp, tcp or tls.",
			m->name, EAR_FMT(m->uri));
		m->off = true;
		m->name[0] = '\0';
		return;
	}
	ear_kamailio_key(p->w, "take", EAR_S("traced"));
	if (m->script)
		ear_kamailio_tell(p->w, "hep_mode_on");
	if (m->hep)
		write_hep_keys(p, m);
	else
		write_xheaders(p, m);
	write_from(p);
	if (m->core)
		write_advertise(p);
	if (m->script && !write_local(p, m))
		m->off = true;
	if (m->off)
		ear_kamailio_key(p->w, "enabled", EAR_S("false"));
	ear_kamailio_close(p->w);
}
