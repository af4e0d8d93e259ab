/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of the written configuration: what to leave in Kamailio, the
 * parts, and at the end what none of them has spoken of.
 */
#include "config/kamailio_write.h"

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
	ear_kamailio_write_untold(w);
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

void ear_kamailio_write(
	struct ear_kamailio *k, struct ear_buf *out, size_t *missing)
{
	struct ear_kamailio_writer w = {.k = k,
		.out = out,
		.indent = "",
		.port = ear_kamailio_free_port(k)};
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
		ear_kamailio_write_capture(&w);
	if (trace)
		ear_kamailio_write_listener(&w);
	if (trace)
		ear_kamailio_write_siptrace(&w);
	write_rest(&w);
	if (!out->err && k->err)
		out->err = k->err;
	*missing = w.missing;
}
