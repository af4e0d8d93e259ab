/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What siptrace really did with its parameters, as traces, mirrors and
 * databases. It has two engines: the core engine (trace_mode) takes every
 * buffer, the script engine what calls in routes name. Their parameters differ,
 * and some combinations do less than they promise: then the comment says so,
 * and what did nothing is written switched off.
 */
#include "config/config.h"
#include "config/kamailio_plan.h"

/* Of calls; the core engine's is one more. */
#define TRACES (EAR_CONFIG_MANY - 1)

static size_t count_calls(const struct ear_kamailio *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->calls; i++)
		n += ear_kamailio_is_trace(&k->call[i]) ||
		     ear_kamailio_is_mode(&k->call[i]);
	return n;
}

static void write_switch(struct ear_kamailio_plan *p)
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

/* Calls that go on in Kamailio, and send to Earshot what they make. */
static void write_other_calls(struct ear_kamailio_plan *p)
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
				"(sip:127.0.0.1:%u) as its fourth argument: "
				"the message is kept under the addresses it "
				"names. Programs have the control "
				"method sip_trace_msg and the library.",
				p->w->port);
	}
}

static void write_sl_acks(struct ear_kamailio_plan *p)
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

static void make_plan(
	struct ear_kamailio_writer *w, struct ear_kamailio_plan *p)
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
	ear_kamailio_find_mirrors(p);
}

/* Which of siptrace's engines ran, where that says something. */
static void write_engines(struct ear_kamailio_plan *p)
{
	struct ear_kamailio_writer *w = p->w;

	if (p->refuses) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_tell(w, "trace_init_mode");
		ear_kamailio_gap(w,
			"Kamailio does not start with trace_init_mode 1 and "
			"trace_mode 0, so nothing was ever traced.");
	} else if (!p->core && !p->script) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_remark(w,
			"trace_mode is 0 and no route calls sip_trace(): "
			"nothing was traced.");
	}
	if (p->core && p->script) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_remark(w,
			"Both of siptrace's engines ran, and what a call took "
			"was stored and sent twice. Here a message goes to "
			"each place once.");
	}
}

/* A trace for each call of sip_trace(), as many as there may be. */
static void write_calls(struct ear_kamailio_plan *p)
{
	size_t traces = 0;

	for (size_t i = 0; i < p->k->calls; i++) {
		const struct ear_kamailio_call *c = &p->k->call[i];

		if (traces == TRACES && count_calls(p->k) > TRACES) {
			ear_buf_byte(p->w->out, '\n');
			ear_kamailio_gap(p->w,
				"More calls than a configuration has traces: "
				"%zu. Those behind here are left out.",
				count_calls(p->k));
			return;
		}
		if (!ear_kamailio_is_trace(c) && !ear_kamailio_is_mode(c))
			continue;
		traces++;
		ear_kamailio_write_call(p, i);
	}
}

void ear_kamailio_write_siptrace(struct ear_kamailio_writer *w)
{
	struct ear_kamailio_plan p = {0};

	make_plan(w, &p);
	write_switch(&p);
	write_engines(&p);
	for (size_t i = 0; i < p.mirrors; i++)
		ear_kamailio_write_mirror(&p, &p.mirror[i]);
	if (p.db) {
		ear_kamailio_write_database(&p);
	} else if (p.script) {
		ear_buf_byte(w->out, '\n');
		ear_kamailio_tell(w, "trace_to_database");
		ear_kamailio_remark(w, "No rows, and so no section sql.");
	}
	if (p.core)
		ear_kamailio_write_core(&p);
	if (p.script)
		write_calls(&p);
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
