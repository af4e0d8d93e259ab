/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What siptrace really did with its parameters, as traces, mirrors and
 * databases. It has two engines: the core engine (trace_mode) takes every
 * buffer, the script engine what calls in routes name. Their parameters differ,
 * and some combinations do less than they promise: then the comment says so,
 * and what did nothing is written switched off.
 */
#include <stdio.h>

#include "config/kamailio_write.h"
#include "message/expr.h"
#include "proto/sip.h"

#define MIRRORS 32

/* A place to send copies to: as HEP or as plain SIP. */
struct mirror {
	bool hep;
	bool core, script; /**< which engine sends there */
	bool off;
	struct ear_slice uri; /**< as written */
	char name[24];
};

struct plan {
	struct ear_kamailio_writer *w;
	struct ear_kamailio *k;
	int64_t mode, init;
	bool core;    /**< core engine runs */
	bool script;  /**< script engine runs */
	bool refuses; /**< Kamailio would not start */
	bool to_db;   /**< rows of the script engine */
	bool db;      /**< rows at all */
	bool hep;     /**< script engine mirrors by HEP */
	struct ear_slice dup;
	struct mirror mirror[MIRRORS];
	size_t mirrors;
};

static bool is_trace(const struct ear_kamailio_call *c)
{
	return ear_slice_eq(c->name, EAR_S("sip_trace"));
}

static bool is_mode(const struct ear_kamailio_call *c)
{
	return ear_slice_eq(c->name, EAR_S("sip_trace_mode"));
}

static size_t count_calls(const struct ear_kamailio *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->calls; i++)
		n += is_trace(&k->call[i]) || is_mode(&k->call[i]);
	return n;
}

static bool has(struct ear_slice s, char c)
{
	return s.n && memchr(s.p, c, s.n);
}

/* --- mirrors ---------------------------------------------------------------
 */

static struct mirror *find_mirror(
	struct plan *p, bool hep, struct ear_slice uri)
{
	struct mirror *m;
	size_t same = 1;

	for (size_t i = 0; i < p->mirrors; i++) {
		m = &p->mirror[i];
		if (m->hep == hep && ear_slice_eq(m->uri, uri))
			return m;
		same += m->hep == hep;
	}
	if (p->mirrors == MIRRORS)
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
static struct ear_slice call_target(
	const struct plan *p, const struct ear_kamailio_call *c)
{
	if (is_trace(c) && c->args && c->arg[0].n)
		return c->arg[0];
	if (p->hep || !p->to_db)
		return p->dup;
	return (struct ear_slice){0};
}

/* The mirrors of both engines, once each. */
static void find_mirrors(struct plan *p)
{
	struct mirror *m;

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
		struct ear_slice uri = call_target(p, c);

		if ((!is_trace(c) && !is_mode(c)) || !uri.n || has(uri, '$'))
			continue;
		m = find_mirror(p, p->hep, uri);
		if (m)
			m->script = true;
	}
}

/* "sip:10.1.1.1:5888;transport=tcp" as one of ours. */
static bool write_to(struct plan *p, const struct mirror *m)
{
	struct ear_sip_uri uri;
	struct ear_buf to = {0};
	struct ear_slice params, transport = EAR_S("udp");
	bool good = ear_sip_uri_parse(m->uri, &uri) == EAR_OK && uri.host.n &&
		    (ear_slice_ieq(uri.scheme, EAR_S("sip")) ||
			    ear_slice_ieq(uri.scheme, EAR_S("sips")));

	if (!good)
		return false;
	if (ear_slice_ieq(uri.scheme, EAR_S("sips")))
		transport = EAR_S("tls");
	for (params = uri.params; params.n;) {
		size_t n = ear_slice_find(params, EAR_S(";"));
		struct ear_slice one = ear_slice_sub(params, 0, n);

		if (one.n > 10 && ear_slice_ieq(ear_slice_sub(one, 0, 10),
					  EAR_S("transport=")))
			transport = ear_slice_sub(one, 10, one.n);
		params = ear_slice_sub(params, n + 1, params.n);
	}
	if (!ear_slice_ieq(transport, EAR_S("udp")) &&
		!ear_slice_ieq(transport, EAR_S("tcp")) &&
		!ear_slice_ieq(transport, EAR_S("tls")))
		return false;
	if (!uri.port)
		ear_kamailio_remark(p->w,
			"Without a port Kamailio sends to 5060; SRV records "
			"of a name are not asked for here.");
	ear_buf_printf(&to, "%s:%.*s:%u;transport=", m->hep ? "hep" : "sip",
		EAR_FMT(uri.host), uri.port ? uri.port : 5060u);
	for (size_t i = 0; i < transport.n; i++)
		ear_buf_byte(&to, (uint8_t)ear_lower(transport.p[i]));
	ear_kamailio_key(p->w, "to", ear_buf_view(&to));
	good = !to.err;
	ear_buf_fini(&to);
	return good;
}

/* The socket from which copies leave: its address, but not its port. */
static void write_from(struct plan *p)
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
	if (!host.n)
		return;
	if (host.p[0] == '[' && host.n > 2)
		host = ear_slice_sub(host, 1, host.n - 1);
	ear_kamailio_remark(p->w,
		"The address alone: the port is Kamailio's own as long as it "
		"runs on this machine.");
	ear_kamailio_key(p->w, "from", host);
}

/* Bit 1 of data_mode: the core engine names advertised addresses. */
static void write_advertise(struct plan *p)
{
	struct ear_buf list = {0};
	size_t n = 0;

	ear_kamailio_tell(p->w, "data_mode");
	if (!(ear_kamailio_int(p->k, "data_mode", 0) & 1))
		return;
	for (size_t i = 0; i < p->k->listens; i++) {
		const struct ear_kamailio_listen *l = &p->k->listen[i];
		struct ear_slice port = l->port.n      ? l->port
					: p->k->port.n ? p->k->port
						       : EAR_S("5060");
		struct ear_slice host =
			l->adv_host.n ? l->adv_host : p->k->advertised_address;
		struct ear_slice adv_port =
			l->adv_port.n ? l->adv_port
			: !l->adv_host.n && p->k->advertised_port.n
				? p->k->advertised_port
				: port;
		struct ear_buf one = {0};
		struct ear_addr addr;

		if (!host.n)
			continue;
		if (ear_addr_parse(host, &addr) ||
			ear_addr_parse(l->host, &addr)) {
			ear_kamailio_gap(p->w,
				"%s:%u: a name or interface cannot be an "
				"address of a message here. Kamailio stored "
				"rows with such a name, and mirrored nothing.",
				l->pos.file, l->pos.line);
			continue;
		}
		ear_buf_printf(&one, "%.*s:%.*s=%.*s:%.*s", EAR_FMT(l->host),
			EAR_FMT(port), EAR_FMT(host), EAR_FMT(adv_port));
		ear_buf_str(&list, n++ ? ", " : "");
		ear_kamailio_put_quoted(&list, ear_buf_view(&one));
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

/* proto:ip:port */
static bool has_proto(struct ear_slice s)
{
	static const char *const protos[] = {
		"udp:", "tcp:", "tls:", "sctp:", "ws:", "wss:"};

	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (ear_slice_starts(s, ear_slice_str(protos[i])))
			return true;
	}
	return false;
}

/* @return whether Kamailio could send anything with it */
static bool write_local(struct plan *p, const struct mirror *m)
{
	struct ear_slice local = ear_kamailio_text(p->k, "trace_local_ip", "");
	struct ear_buf full = {0};
	bool proto = has_proto(local);

	ear_kamailio_tell(p->w, "trace_local_ip");
	if (!local.n)
		return true;
	if (m->core)
		ear_kamailio_remark(p->w,
			"The script engine alone used it; here it is for all "
			"that this mirror sends.");
	if (!proto && m->hep)
		ear_kamailio_remark(p->w,
			"Without a protocol in front Kamailio could not make "
			"HEP of it and sent nothing to this place.");
	ear_buf_printf(&full, "%s%.*s", proto ? "" : "udp:", EAR_FMT(local));
	ear_kamailio_key(p->w, "local_address", ear_buf_view(&full));
	ear_buf_fini(&full);
	return proto || !m->hep;
}

static void write_hep_keys(struct plan *p)
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

static void write_xheaders(struct plan *p, const struct mirror *m)
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

static void write_mirror(struct plan *p, struct mirror *m)
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
		write_hep_keys(p);
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

/* --- databases -------------------------------------------------------------
 */

static void write_columns(struct plan *p)
{
	static const char *const columns[][2] = {{"date_column", "time_stamp"},
		{"callid_column", "callid"},
		{"traced_user_column", "traced_user"}, {"msg_column", "msg"},
		{"method_column", "method"}, {"status_column", "status"},
		{"fromip_column", "fromip"}, {"toip_column", "toip"},
		{"fromtag_column", "fromtag"}, {"totag_column", "totag"},
		{"direction_column", "direction"}};
	struct ear_buf list = {0};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const char *def = columns[i][1];
		struct ear_slice v =
			ear_kamailio_text(p->k, columns[i][0], def);
		struct ear_buf one = {0};

		if (ear_kamailio_param(p->k, false, columns[i][0]))
			ear_kamailio_tell(p->w, columns[i][0]);
		if (ear_slice_eq(v, ear_slice_str(def)))
			continue;
		ear_buf_printf(&one, "%s=%.*s", def, EAR_FMT(v));
		ear_buf_str(&list, n++ ? ", " : "");
		ear_kamailio_put_quoted(&list, ear_buf_view(&one));
		ear_buf_fini(&one);
	}
	if (n)
		ear_buf_printf(p->w->out, "\tcolumns = {%.*s}\n",
			EAR_FMT(ear_buf_view(&list)));
	ear_buf_fini(&list);
}

/* Kamailio reads passwords as they are, URLs here know %XX. */
static bool write_url(struct plan *p)
{
	static const char *const takes[] = {"mysql://", "postgres://",
		"unixodbc://", "postgresql://", "mariadb://"};
	struct ear_slice url = ear_kamailio_text(p->k, "db_url",
		"mysql://kamailio:kamailiorw@localhost/kamailio");
	struct ear_buf out = {0};
	bool good = false;

	ear_kamailio_tell(p->w, "db_url");
	if (ear_slice_starts(url, EAR_S("db_"))) /* module's name as well */
		url = ear_slice_sub(url, 3, url.n);
	for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++)
		good |= ear_slice_starts(url, ear_slice_str(takes[i]));
	if (!good) {
		ear_kamailio_gap(p->w,
			"no equivalent: rows go to MySQL, MariaDB, PostgreSQL "
			"and what has an ODBC driver. Write its connection "
			"string, as \"DSN=traces\", and enable it; Earshot's "
			"own store answers `earshot sql` meanwhile.");
		ear_kamailio_key(p->w, "url", EAR_S("DSN=traces"));
		return false;
	}
	for (size_t i = 0; i < url.n; i++) {
		ear_buf_byte(&out, (uint8_t)url.p[i]);
		if (url.p[i] == '%')
			ear_buf_str(&out, "25");
	}
	ear_kamailio_key(p->w, "url", ear_buf_view(&out));
	ear_buf_fini(&out);
	return true;
}

static void write_database(struct plan *p)
{
	int64_t mode = ear_kamailio_int(p->k, "trace_db_mode", 0);
	static const char *const modes[] = {"each", "batch", "async"};
	bool good;

	ear_kamailio_open(p->w, "sql", "database");
	ear_kamailio_tell(p->w, "trace_to_database");
	good = write_url(p);
	ear_kamailio_key(p->w, "take", EAR_S("traced"));
	ear_kamailio_tell(p->w, "table");
	ear_kamailio_key(
		p->w, "table", ear_kamailio_text(p->k, "table", "sip_trace"));
	if (ear_kamailio_param(p->k, false, "trace_delayed"))
		ear_kamailio_tell(p->w, "trace_delayed");
	ear_kamailio_tell(p->w, "trace_db_mode");
	if (ear_kamailio_int(p->k, "trace_delayed", 0))
		mode = 1;
	if (mode < 0 || mode > 2)
		mode = 0;
	if (!mode)
		ear_kamailio_remark(p->w,
			"One insert and commit a message. \"batch\" takes many "
			"times as much, and rows come up to a second later.");
	else
		ear_kamailio_remark(p->w,
			"Kamailio falls back to plain inserts where the driver "
			"cannot do it; here it is done for every database.");
	ear_kamailio_key(p->w, "mode", ear_slice_str(modes[mode]));
	write_columns(p);
	if (p->script && p->to_db &&
		ear_kamailio_text(p->k, "trace_local_ip", "").n)
		ear_kamailio_gap(p->w,
			"siptrace trace_local_ip stood in these rows too; here "
			"rows have the real addresses.");
	if (!good)
		ear_kamailio_key(p->w, "enabled", EAR_S("false"));
	ear_kamailio_close(p->w);
}

/* --- traces ----------------------------------------------------------------
 */

/* Names of the outlets of one trace: mirrors = {…} */
struct outlets {
	const char *name[4];
	size_t n;
};

static void write_outlets(struct plan *p, const struct outlets *to)
{
	ear_buf_str(p->w->out, "\tmirrors = {");
	for (size_t i = 0; i < to->n; i++)
		ear_buf_printf(
			p->w->out, "%s\"%s\"", i ? ", " : "", to->name[i]);
	ear_buf_str(p->w->out, "}\n");
}

static bool compiles(struct ear_slice rule)
{
	struct ear_expr *e;
	bool good = ear_expr_new(rule, 0, &e, NULL) == EAR_OK;

	if (good)
		ear_expr_free(&e);
	return good;
}

/* event_route[siptrace:msg]: drop() of some becomes a rule of the others. */
static bool write_event(struct plan *p, struct ear_buf *rule)
{
	struct ear_kamailio_event *e = &p->k->event;
	bool callback = ear_kamailio_text(p->k, "evcb_msg", "").n > 0;
	bool simple = e->there && !callback && e->known && !e->others;

	if (callback)
		ear_kamailio_tell(p->w, "evcb_msg");
	if (!e->there && !callback)
		return true;
	if (!callback)
		ear_kamailio_remark(p->w, "event_route[siptrace:msg] (%s:%u)",
			e->pos.file, e->pos.line);
	if (!e->drops && !callback) {
		ear_kamailio_remark(p->w, "It drops nothing.");
		return true;
	}
	if (simple && e->expr.n) {
		ear_buf_printf(rule, "not (%.*s)", EAR_FMT(e->expr));
		if (!rule->err && compiles(ear_buf_view(rule)))
			return true;
	}
	if (simple && !e->expr.n) {
		ear_kamailio_remark(p->w,
			"It drops everything: the core engine did nothing.");
		return false;
	}
	ear_buf_reset(rule);
	ear_kamailio_gap(p->w,
		"What it decides cannot be read from here. Write it as a "
		"function on_message(msg) in Lua, where drop() does the same, "
		"name the script in section hook, and switch this trace on:");
	ear_kamailio_remark(
		p->w, "hook { script = \"/etc/earshot/siptrace.lua\" }");
	return false;
}

static void write_core(struct plan *p)
{
	struct outlets to = {0};
	struct ear_buf rule = {0};
	bool on;

	ear_kamailio_open(p->w, "trace", "all");
	ear_kamailio_tell(p->w, "trace_mode");
	ear_kamailio_tell(p->w, "trace_init_mode");
	ear_kamailio_remark(
		p->w, "Every message, on its way in and on its way out.");
	if ((p->mode & 5) && !p->dup.n)
		ear_kamailio_remark(p->w,
			"duplicate_uri is not set: nothing was sent anywhere.");
	on = write_event(p, &rule);
	for (size_t i = 0; i < p->mirrors; i++) {
		if (p->mirror[i].core && p->mirror[i].name[0])
			to.name[to.n++] = p->mirror[i].name;
	}
	if (p->mode & 2)
		to.name[to.n++] = "database";
	ear_kamailio_key(p->w, "rule", ear_buf_view(&rule));
	ear_kamailio_key(p->w, "scope", EAR_S("message"));
	if (to.n)
		write_outlets(p, &to);
	else
		on = false;
	if (!on)
		ear_kamailio_key(p->w, "on", EAR_S("false"));
	ear_kamailio_close(p->w);
	ear_buf_fini(&rule);
}

static void write_switch(struct plan *p)
{
	bool on = ear_kamailio_int(p->k, "trace_on", 0) != 0;

	ear_kamailio_open(p->w, "siptrace", "");
	ear_kamailio_tell(p->w, "trace_on");
	if (!on)
		ear_kamailio_remark(p->w,
			"Off: Kamailio traces nothing until siptrace.status "
			"says on, but for rows of traced users. So does this; "
			"`earshot ctl siptrace.status on` turns it.");
	ear_kamailio_key(p->w, "on", on ? EAR_S("true") : EAR_S("false"));
	ear_kamailio_close(p->w);
}

/* The values that scripts give to an AVP, as texts with fields in braces. */
static size_t avp_values(
	struct plan *p, const char *param, bool braces, struct ear_buf *list)
{
	struct ear_slice avp = ear_kamailio_text(p->k, param, ""), plain;
	struct ear_buf name = {0};
	size_t n = 0, colon;

	/* $avp(s:user) is $avp(user) */
	plain = avp;
	colon = ear_slice_find(avp, EAR_S(":"));
	if (colon < avp.n && colon >= 2) {
		ear_buf_slice(&name, ear_slice_sub(avp, 0, colon - 1));
		ear_buf_slice(&name, ear_slice_sub(avp, colon + 1, avp.n));
		plain = ear_kamailio_copy(p->k, ear_buf_view(&name));
	}
	ear_buf_fini(&name);
	ear_kamailio_tell(p->w, param);
	for (size_t i = 0; avp.n && i < p->k->assigns; i++) {
		const struct ear_kamailio_assign *a = &p->k->assign[i];
		struct ear_buf text = {0};

		if (!ear_slice_eq(a->avp, plain))
			continue;
		if (!a->whole || !ear_kamailio_template(a->value, &text) ||
			(!braces && has(ear_buf_view(&text), '{'))) {
			ear_kamailio_gap(p->w,
				"%s:%u: what %.*s is given there cannot be "
				"read from a message; a script can say it: "
				"section hook.",
				a->pos.file, a->pos.line, EAR_FMT(plain));
		} else if (n < 16) {
			ear_kamailio_remark(p->w, "%.*s = %.*s (%s:%u)",
				EAR_FMT(plain), EAR_FMT(a->value), a->pos.file,
				a->pos.line);
			ear_buf_str(list, n++ ? ", " : "");
			ear_kamailio_put_quoted(list, ear_buf_view(&text));
		}
		ear_buf_fini(&text);
	}
	return n;
}

static void write_users(struct plan *p)
{
	struct ear_buf list = {0};

	if (ear_kamailio_text(p->k, "traced_user_avp", "").n) {
		if (avp_values(p, "traced_user_avp", true, &list)) {
			ear_kamailio_remark(p->w,
				"One row more for each, and these rows alone "
				"while the switch is off.");
			ear_buf_printf(p->w->out, "\ttraced_user = {%.*s}\n",
				EAR_FMT(ear_buf_view(&list)));
		} else {
			ear_kamailio_remark(p->w,
				"Nothing in the routes that were read gives "
				"it a value.");
		}
	}
	ear_buf_reset(&list);
	if (ear_kamailio_text(p->k, "trace_table_avp", "").n) {
		size_t n = avp_values(p, "trace_table_avp", false, &list);

		if (n == 1)
			ear_buf_printf(p->w->out, "\ttable = %.*s\n",
				EAR_FMT(ear_buf_view(&list)));
		else if (n > 1)
			ear_kamailio_gap(p->w,
				"Several tables: one trace for each, with the "
				"rule that chooses it.");
	}
	ear_buf_fini(&list);
}

/* 'm', 't' or 'd'; 0: decided at run time. */
static char call_scope(struct plan *p, const struct ear_kamailio_call *c)
{
	int64_t flag = ear_kamailio_int(p->k, "trace_flag", -1);
	size_t at = is_mode(c) ? 0 : 2;
	struct ear_slice mode =
		c->args > at ? ear_slice_trim(c->arg[at]) : EAR_S("");

	if (has(mode, '$'))
		return 0;
	if (mode.n) {
		char letter = ear_lower(mode.p[0]);

		return letter == 't' || letter == 'd' ? letter : 'm';
	}
	ear_kamailio_tell(p->w, "trace_flag");
	for (size_t i = 0; flag >= 0 && i < p->k->flags_n; i++) {
		if (p->k->flags[i] == flag)
			return 't';
	}
	if (flag < 0 && !ear_kamailio_param(p->k, false, "trace_flag"))
		ear_kamailio_remark(p->w,
			"(siptrace's README says 0; without it no flag is "
			"asked.) So a call without a mode takes the message "
			"alone.");
	return 'm';
}

/* Which messages the call saw: those of its route, under its conditions. */
static bool write_rule(struct plan *p, const struct ear_kamailio_call *c)
{
	struct ear_buf rule = {0};
	bool good = c->known && c->route != EAR_KR_OTHER;

	if (c->cond.n)
		ear_kamailio_remark(p->w, "under %.*s", EAR_FMT(c->cond));
	if (c->route == EAR_KR_REQUEST)
		ear_buf_str(&rule, "kind == request");
	else if (c->route == EAR_KR_REPLY)
		ear_buf_str(&rule, "kind == reply");
	if (c->known && c->expr.n)
		ear_buf_printf(&rule, "%s%.*s", rule.n ? " and " : "",
			EAR_FMT(c->expr));
	if (!compiles(ear_buf_view(&rule))) {
		ear_buf_reset(&rule);
		good = false;
	}
	if (c->route == EAR_KR_OTHER)
		ear_kamailio_gap(p->w,
			"Which messages come to %.*s is not read. Complete "
			"the rule and switch this trace on.",
			EAR_FMT(c->route_name));
	else if (!good)
		ear_kamailio_gap(p->w,
			"Part of this is not seen in a message. Complete the "
			"rule and switch this trace on.");
	ear_kamailio_key(p->w, "rule", ear_buf_view(&rule));
	ear_buf_fini(&rule);
	return good;
}

static void write_scope(struct plan *p, char scope)
{
	static const struct {
		char letter;
		const char *name;
	} scopes[] = {{'m', "message"}, {'t', "transaction"}, {'d', "dialog"}};

	for (size_t i = 0; i < 3; i++) {
		if (scopes[i].letter == scope)
			ear_kamailio_key(
				p->w, "scope", ear_slice_str(scopes[i].name));
	}
	if (scope == 'm')
		ear_kamailio_remark(p->w,
			"Kamailio takes the message as it came in; what went "
			"out matches the rule too and is taken here.");
	if (scope != 'd')
		return;
	ear_kamailio_tell(p->w, "trace_dialog_ack");
	ear_kamailio_key(p->w, "dialog_ack",
		ear_kamailio_int(p->k, "trace_dialog_ack", 1) ? EAR_S("true")
							      : EAR_S("false"));
	ear_kamailio_tell(p->w, "trace_dialog_spiral");
	ear_kamailio_key(p->w, "dialog_spiral",
		ear_kamailio_int(p->k, "trace_dialog_spiral", 1)
			? EAR_S("true")
			: EAR_S("false"));
}

static void write_correlation(struct plan *p, const struct ear_kamailio_call *c)
{
	struct ear_buf text = {0};

	if (!is_trace(c) || c->args < 2 || !c->arg[1].n)
		return;
	ear_kamailio_remark(p->w,
		"Kamailio sends it with the first message and requests in the "
		"dialog, in HEP 3; here every message has it.");
	if (ear_kamailio_template(c->arg[1], &text) && text.n < 256)
		ear_kamailio_key(p->w, "correlation", ear_buf_view(&text));
	else
		ear_kamailio_gap(p->w,
			"'%.*s' cannot be read from a message; a script can "
			"say it: correlation() in section hook.",
			EAR_FMT(c->arg[1]));
	ear_buf_fini(&text);
}

/* Where the rows and copies of a call go. */
static void call_outlets(
	struct plan *p, const struct ear_kamailio_call *c, struct outlets *to)
{
	struct ear_slice uri = call_target(p, c);

	if (p->to_db)
		to->name[to->n++] = "database";
	if (uri.n && has(uri, '$')) {
		ear_kamailio_gap(p->w,
			"The address '%.*s' is known while Kamailio runs "
			"only; write a mirror and name it here.",
			EAR_FMT(uri));
		return;
	}
	for (size_t i = 0; uri.n && i < p->mirrors; i++) {
		if (p->mirror[i].hep == p->hep && p->mirror[i].name[0] &&
			ear_slice_eq(p->mirror[i].uri, uri))
			to->name[to->n++] = p->mirror[i].name;
	}
	if (!uri.n && p->dup.n)
		ear_kamailio_remark(p->w,
			"With trace_to_database on and hep_mode_on off, "
			"duplicate_uri is not used: nothing was sent there.");
}

static void write_call(struct plan *p, size_t i)
{
	const struct ear_kamailio_call *c = &p->k->call[i];
	struct outlets to = {0};
	char name[40], scope;
	bool on;

	snprintf(name, sizeof(name), "line-%u", c->pos.line);
	for (size_t b = 0; b < i; b++) {
		if (p->k->call[b].pos.line == c->pos.line)
			snprintf(name, sizeof(name), "line-%u-%zu", c->pos.line,
				i + 1);
	}
	ear_kamailio_open(p->w, "trace", name);
	ear_kamailio_remark(p->w, "%.*s() in %.*s (%s:%u)", EAR_FMT(c->name),
		EAR_FMT(c->route_name), c->pos.file, c->pos.line);
	on = write_rule(p, c);
	scope = call_scope(p, c);
	if (!scope)
		ear_kamailio_gap(
			p->w, "Its mode is known while Kamailio runs only.");
	write_scope(p, scope ? scope : 'm');
	if (is_mode(c) && scope == 'd' && !p->dup.n) {
		ear_kamailio_remark(p->w,
			"Kamailio refuses \"d\" without duplicate_uri and "
			"takes nothing at all, so it is off; switched on it "
			"takes the dialog.");
		on = false;
	}
	write_correlation(p, c);
	write_users(p);
	call_outlets(p, c, &to);
	if (!to.n) {
		ear_kamailio_remark(p->w,
			"No row and no copy: siptrace answers this call with "
			"an error.");
		on = false;
	} else {
		write_outlets(p, &to);
	}
	if (!on || !scope)
		ear_kamailio_key(p->w, "on", EAR_S("false"));
	ear_kamailio_close(p->w);
}

/* Calls that go on in Kamailio, and send to Earshot what they make. */
static void write_other_calls(struct plan *p)
{
	for (size_t i = 0; i < p->k->calls; i++) {
		const struct ear_kamailio_call *c = &p->k->call[i];
		bool hlog = ear_slice_eq(c->name, EAR_S("hlog"));

		if (!hlog && !ear_slice_eq(c->name, EAR_S("sip_trace_msg")))
			continue;
		ear_buf_byte(p->w->out, '\n');
		ear_kamailio_remark(p->w,
			"%.*s() in %.*s (%s:%u):", EAR_FMT(c->name),
			EAR_FMT(c->route_name), c->pos.file, c->pos.line);
		if (hlog)
			ear_kamailio_remark(p->w,
				"  let it stand: its text comes here as a log "
				"event and is shown in its conversation. "
				"Scripts here have hlog(), programs `earshot "
				"ctl hlog` and the library.");
		else
			ear_kamailio_remark(p->w,
				"  let it stand, with Earshot's listener "
				"(sip:127.0.0.1:9060) as its fourth argument: "
				"the message is kept under the addresses it "
				"names. Programs have `earshot ctl "
				"sip_trace_msg` and the library.");
	}
}

static void write_sl_acks(struct plan *p)
{
	ear_buf_byte(p->w->out, '\n');
	ear_kamailio_tell(p->w, "trace_sl_acks");
	if (ear_kamailio_int(p->k, "trace_sl_acks", 1))
		ear_kamailio_remark(p->w,
			"While switched on, Kamailio takes every ACK to a "
			"stateless reply, whichever call took the request. "
			"Here an ACK to a negative reply belongs to the "
			"transaction of its INVITE: scope transaction takes "
			"it, no other ACK is taken. For all of them: trace "
			"\"acks\" { rule = \"method == ACK\" }.");
	else
		ear_kamailio_remark(p->w,
			"ACKs to stateless replies were left out. Here one "
			"belongs to the transaction of its INVITE; a rule or "
			"filter with `not method == ACK` leaves it out.");
}

static void make_plan(struct ear_kamailio_writer *w, struct plan *p)
{
	size_t calls = count_calls(w->k);

	p->w = w;
	p->k = w->k;
	p->mode = ear_kamailio_int(w->k, "trace_mode", 0);
	p->init = ear_kamailio_int(w->k, "trace_init_mode", 0);
	p->refuses = p->init == 1 && !p->mode;
	p->core = p->init != 2 && p->mode;
	p->script = calls && p->init != 1;
	p->to_db = ear_kamailio_int(w->k, "trace_to_database", 1) != 0 ||
		   (p->mode & 2);
	p->db = (p->core && (p->mode & 2)) || (p->script && p->to_db);
	p->hep = ear_kamailio_int(w->k, "hep_mode_on", 0) != 0;
	p->dup = ear_kamailio_text(w->k, "duplicate_uri", "");
	find_mirrors(p);
}

void ear_kamailio_write_siptrace(struct ear_kamailio_writer *w)
{
	struct plan p = {0};

	make_plan(w, &p);
	write_switch(&p);
	if (p.refuses) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_tell(w, "trace_init_mode");
		ear_kamailio_gap(w,
			"Kamailio does not start with trace_init_mode 1 and "
			"trace_mode 0, so nothing was ever traced.");
	} else if (!p.core && !p.script) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_remark(w,
			"trace_mode is 0 and no route calls sip_trace(): "
			"nothing was traced.");
	}
	if (p.core && p.script) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_remark(w,
			"Both of siptrace's engines ran, and what a call took "
			"was stored and sent twice. Here a message goes to "
			"each place once.");
	}
	for (size_t i = 0; i < p.mirrors; i++)
		write_mirror(&p, &p.mirror[i]);
	if (p.db) {
		write_database(&p);
	} else if (p.script) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_tell(w, "trace_to_database");
		ear_kamailio_remark(w, "No rows, and so no section sql.");
	}
	if (p.core)
		write_core(&p);
	for (size_t i = 0; p.script && i < w->k->calls; i++) {
		if (is_trace(&w->k->call[i]) || is_mode(&w->k->call[i]))
			write_call(&p, i);
	}
	if (p.init == 1 && count_calls(w->k)) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_tell(w, "trace_init_mode");
		ear_kamailio_remark(w,
			"The script engine is not set up: calls of sip_trace() "
			"are not written as traces.");
	}
	if (p.script)
		write_sl_acks(&p);
	write_other_calls(&p);
}
