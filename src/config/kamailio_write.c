/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the written configuration: what to leave in Kamailio, the
 * listeners, and at the end what nothing above has spoken of.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/addr.h"
#include "config/kamailio_write.h"
#include "proto/sip.h"

#define WIDTH 78

/* Text as comment lines, further ones as far in as the first. It comes from
 * a file that anybody wrote. */
static void fold(struct ear_kamailio_writer *w, struct ear_slice text)
{
	size_t in = 0, room;

	while (in < text.n && text.p[in] == ' ')
		in++;
	room = WIDTH - 2 - in - (*w->indent ? 8 : 0);
	text = ear_slice_sub(text, in, text.n);
	while (text.n) {
		size_t n = text.n;

		if (n > room) {
			for (n = room; n && text.p[n] != ' ';)
				n--;
			if (!n)
				n = ear_slice_find(text, EAR_S(" "));
		}
		ear_buf_printf(w->out, "%s# %*s", w->indent, (int)in, "");
		for (size_t i = 0; i < n; i++)
			ear_buf_byte(w->out,
				(uint8_t)((unsigned char)text.p[i] < ' ' ||
							  text.p[i] == 127
						  ? '?'
						  : text.p[i]));
		ear_buf_byte(w->out, '\n');
		text = ear_slice_sub(text, n, text.n);
		while (text.n && text.p[0] == ' ')
			text = ear_slice_sub(text, 1, text.n);
	}
}

static void remark(
	struct ear_kamailio_writer *w, const char *format, va_list args)
{
	char small[256], *text = small;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(small, sizeof(small), format, args);
	if (n >= (int)sizeof(small)) {
		text = ear_kamailio_room(w->k, (size_t)n + 1);
		if (text)
			vsnprintf(text, (size_t)n + 1, format, again);
	}
	va_end(again);
	if (text && n > 0)
		fold(w, ear_slice(text, (size_t)n));
}

void ear_kamailio_remark(struct ear_kamailio_writer *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	remark(w, format, args);
	va_end(args);
}

void ear_kamailio_gap(struct ear_kamailio_writer *w, const char *format, ...)
{
	va_list args;

	w->missing++;
	va_start(args, format);
	remark(w, format, args);
	va_end(args);
}

void ear_kamailio_put_quoted(struct ear_buf *out, struct ear_slice value)
{
	ear_buf_byte(out, '"');
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		/* "${" would be a variable of the environment */
		if (c == '"' || c == '\\' || c == '$')
			ear_buf_printf(out, "\\%c", c);
		else if (c == '\n')
			ear_buf_str(out, "\\n");
		else if (c >= ' ' && c != 127)
			ear_buf_byte(out, c);
		else if (c)
			ear_buf_printf(out, "\\x%02x", c);
	}
	ear_buf_byte(out, '"');
}

void ear_kamailio_key(
	struct ear_kamailio_writer *w, const char *key, struct ear_slice value)
{
	ear_buf_printf(w->out, "%s%s = ", w->indent, key);
	ear_kamailio_put_quoted(w->out, value);
	ear_buf_byte(w->out, '\n');
}

void ear_kamailio_open(
	struct ear_kamailio_writer *w, const char *section, const char *name)
{
	if (*name)
		ear_buf_printf(w->out, "\n%s \"%s\" {\n", section, name);
	else
		ear_buf_printf(w->out, "\n%s {\n", section);
	w->indent = "\t";
}

void ear_kamailio_close(struct ear_kamailio_writer *w)
{
	w->indent = "";
	ear_buf_str(w->out, "}\n");
}

/* --- parameters -------------------------------------------------------- */

static const struct known {
	bool capture;
	const char *name;
	const char *def;
	bool gap;
	const char *text;
} known[] = {
#define siptrace false
#define sipcapture true
#define GAP true
#define PLAIN false
#define P(module, name, def, gap, text) {module, #name, def, gap, text},
#include "config/kamailio_param.def"
#undef P
#undef siptrace
#undef sipcapture
#undef GAP
#undef PLAIN
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static const struct known *find_known(bool capture, struct ear_slice name)
{
	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].capture == capture &&
			ear_slice_eq(name, ear_slice_str(known[i].name)))
			return &known[i];
	}
	return NULL;
}

struct ear_kamailio_param *ear_kamailio_param(
	struct ear_kamailio *k, bool capture, const char *name)
{
	for (size_t i = k->params; i; i--) {
		struct ear_kamailio_param *p = &k->param[i - 1];

		if (p->capture == capture &&
			ear_slice_eq(p->name, ear_slice_str(name)))
			return p;
	}
	return NULL;
}

int64_t ear_kamailio_int(
	struct ear_kamailio *k, const char *name, int64_t otherwise)
{
	const struct ear_kamailio_param *p = ear_kamailio_param(k, false, name);

	return p ? p->i : otherwise;
}

struct ear_slice ear_kamailio_text(
	struct ear_kamailio *k, const char *name, const char *otherwise)
{
	const struct ear_kamailio_param *p = ear_kamailio_param(k, false, name);

	return p ? p->value : ear_slice_str(otherwise);
}

/* Where the password of a URL is, nobody needs to read it in a comment. */
static struct ear_slice shown(
	struct ear_kamailio *k, struct ear_slice name, struct ear_slice value)
{
	size_t at = ear_slice_find(value, EAR_S("@"));
	size_t user = ear_slice_find(value, EAR_S("://"));
	struct ear_buf out = {0};

	if (ear_slice_find(name, EAR_S("key")) < name.n)
		return EAR_S("***");
	if (at == value.n || user + 3 >= at)
		return value;
	ear_buf_slice(&out, ear_slice_sub(value, 0, user + 3));
	ear_buf_str(&out, "***");
	ear_buf_slice(&out, ear_slice_sub(value, at, value.n));
	value = ear_kamailio_copy(k, ear_buf_view(&out));
	ear_buf_fini(&out);
	return value;
}

static void tell(struct ear_kamailio_writer *w, struct ear_kamailio_param *p)
{
	struct ear_slice value = shown(w->k, p->name, p->value);

	ear_kamailio_remark(w, "%s %.*s = %s%.*s%s (%s:%u)",
		p->capture ? "sipcapture" : "siptrace", EAR_FMT(p->name),
		p->number ? "" : "\"", EAR_FMT(value), p->number ? "" : "\"",
		p->pos.file, p->pos.line);
	for (size_t i = 0; i < w->k->params; i++) { /* earlier ones lost */
		struct ear_kamailio_param *other = &w->k->param[i];

		if (other->capture == p->capture &&
			ear_slice_eq(other->name, p->name))
			other->told = true;
	}
}

void ear_kamailio_tell(struct ear_kamailio_writer *w, const char *name)
{
	struct ear_kamailio_param *p = ear_kamailio_param(w->k, false, name);
	const struct known *is = find_known(false, ear_slice_str(name));
	struct ear_slice def;

	if (p) {
		tell(w, p);
		return;
	}
	def = is && *is->def
		      ? shown(w->k, ear_slice_str(name), ear_slice_str(is->def))
		      : EAR_S("nothing");
	ear_kamailio_remark(w, "siptrace %s is not set; its default is %.*s",
		name, EAR_FMT(def));
}

/* Set, and to something else than what it is anyway. */
static bool differs(const struct ear_kamailio_param *p, const struct known *is)
{
	return !ear_slice_eq(p->value, ear_slice_str(is->def));
}

static bool wants_rest(const struct ear_kamailio *k)
{
	for (size_t i = 0; i < k->params; i++) {
		if (!k->param[i].told)
			return true;
	}
	return k->doubts || k->has_kemi;
}

/* Each parameter that nothing above spoke of, and what was not understood. */
static void write_rest(struct ear_kamailio_writer *w)
{
	struct ear_kamailio *k = w->k;

	if (!wants_rest(k))
		return;
	ear_buf_byte(w->out, '\n');
	ear_kamailio_remark(w, "What else stands in %s:", k->path);
	for (size_t i = 0; i < k->params; i++) {
		struct ear_kamailio_param *p =
			ear_kamailio_param(k, k->param[i].capture,
				ear_kamailio_str(k, k->param[i].name));
		const struct known *is;

		if (!p || p->told)
			continue;
		is = find_known(p->capture, p->name);
		ear_buf_str(w->out, "#\n");
		tell(w, p);
		if (is && !(is->gap && differs(p, is)))
			ear_kamailio_remark(w, "  %s", is->text);
		else if (is)
			ear_kamailio_gap(w, "  no equivalent: %s", is->text);
		else
			ear_kamailio_gap(w,
				"  no equivalent: Earshot knows no parameter "
				"of this name");
	}
	for (size_t i = 0; i < k->doubts; i++) {
		ear_buf_str(w->out, "#\n");
		ear_kamailio_gap(w, "%s:%u: %.*s", k->doubt[i].pos.file,
			k->doubt[i].pos.line, EAR_FMT(k->doubt[i].text));
	}
	if (k->has_kemi) {
		ear_buf_str(w->out, "#\n");
		ear_kamailio_gap(w,
			"%s:%u: cfgengine: routes are in a KEMI script, which "
			"is not read; write a trace for each sip_trace() in it",
			k->kemi.file, k->kemi.line);
	}
}

/* --- listeners --------------------------------------------------------- */

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

/*
 * The collector that Kamailio has sent to so far may be on this machine, on
 * the usual port: it keeps that, or a mirror would come back to us.
 */
static unsigned free_port(struct ear_kamailio *k)
{
	/* 9061 is HEP over TLS */
	static const unsigned ports[] = {9060, 9062, 9063};
	size_t i = 0, n = sizeof(ports) / sizeof(ports[0]);

	while (i + 1 < n && is_taken(k, ports[i]))
		i++;
	return ports[i];
}

static void write_kamailio_part(struct ear_kamailio_writer *w)
{
	ear_kamailio_remark(w,
		"Earshot sees what Kamailio sends it. In kamailio.cfg keep of "
		"siptrace this alone, and take out the calls of sip_trace() "
		"and sip_trace_mode(); hlog() and sip_trace_msg() may stay:");
	ear_buf_printf(w->out,
		"#\n"
		"#   loadmodule \"siptrace.so\"\n"
		"#   modparam(\"siptrace\", \"duplicate_uri\", "
		"\"sip:127.0.0.1:%u\")\n"
		"#   modparam(\"siptrace\", \"hep_mode_on\", 1)\n"
		"#   modparam(\"siptrace\", \"hep_version\", 3)\n"
		"#   modparam(\"siptrace\", \"trace_to_database\", 0)\n"
		"#   modparam(\"siptrace\", \"trace_init_mode\", 1)\n"
		"#   modparam(\"siptrace\", \"trace_mode\", 1)\n"
		"#   modparam(\"siptrace\", \"trace_on\", 1)\n"
		"#\n",
		w->port);
	ear_kamailio_remark(w,
		"All messages then come here, on their way into Kamailio and "
		"out of it, and are kept in the store; the traces below say "
		"which of them go on to mirrors and databases. To keep no "
		"others: store { keep = \"traced\" }.");
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
		tell(w, p);
	else
		ear_kamailio_remark(
			w, "sipcapture %s is not set; its default is 0", name);
	return p;
}

/* Kamailio with sipcapture was the collector: Earshot takes its sockets. */
static void write_capture(struct ear_kamailio_writer *w)
{
	struct ear_kamailio_param *p;

	ear_buf_byte(w->out, '\n');
	ear_kamailio_remark(w,
		"sipcapture: this Kamailio was a collector. Earshot takes its "
		"sockets; stop it before Earshot starts. Calls of "
		"sip_capture() are not needed: all that comes is kept, and "
		"found by what is in it.");
	p = capture_param(w, "capture_on");
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
	for (size_t i = 0; i < w->k->listens; i++)
		write_socket(w, &w->k->listen[i], i);
	if (!w->k->listens) {
		char address[32] = "0.0.0.0:5060";
		uint64_t port;

		if (ear_slice_u64(w->k->port, 65535, &port))
			snprintf(address, sizeof(address), "0.0.0.0:%u",
				(unsigned)port);
		ear_buf_byte(w->out, '\n');
		ear_kamailio_remark(w,
			"No listen line: Kamailio took all addresses. This "
			"opens to the network; the key allow says from whom.");
		put_listener(w, "kamailio-1", "udp", address);
	}
	for (size_t i = 0; i < w->k->calls; i++) {
		const struct ear_kamailio_call *c = &w->k->call[i];

		if (ear_slice_find(c->name, EAR_S("_capture")) == c->name.n)
			continue;
		ear_buf_byte(w->out, '\n');
		ear_kamailio_remark(w,
			"%.*s() in %.*s (%s:%u):", EAR_FMT(c->name),
			EAR_FMT(c->route_name), c->pos.file, c->pos.line);
		if (c->cond.n)
			ear_kamailio_gap(w,
				"  was asked for under %.*s; Earshot keeps "
				"all. To keep less: store { keep = EXPRESSION "
				"}, or drop() in a script (section hook).",
				EAR_FMT(c->cond));
		else
			ear_kamailio_remark(
				w, "  is what Earshot always does.");
	}
}

static void put_own_listener(struct ear_kamailio_writer *w)
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

void ear_kamailio_write(
	struct ear_kamailio *k, struct ear_buf *out, size_t *missing)
{
	struct ear_kamailio_writer w = {
		.k = k, .out = out, .indent = "", .port = free_port(k)};
	bool trace = k->has_siptrace, capture = k->has_sipcapture;

	for (size_t i = 0; i < k->params; i++) {
		trace |= !k->param[i].capture;
		capture |= k->param[i].capture;
	}
	ear_kamailio_remark(&w,
		"What %s says of tracing, in Earshot's words: written by "
		"`earshot import-config kamailio`. Each parameter and call is "
		"spoken of where it went.",
		k->path);
	if (trace || !capture)
		ear_buf_str(out, "#\n");
	if (!trace && !capture)
		ear_kamailio_remark(&w,
			"Neither siptrace nor sipcapture is loaded there, and "
			"no parameter of theirs is set.");
	if (trace)
		write_kamailio_part(&w);
	if (capture)
		write_capture(&w);
	if (trace)
		put_own_listener(&w);
	if (trace)
		ear_kamailio_write_siptrace(&w);
	write_rest(&w);
	if (!out->err && k->err)
		out->err = k->err;
	*missing = w.missing;
}
