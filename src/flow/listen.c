/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners of a server: a tap, and for each of its threads a lane. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "flow/server_priv.h"
#include "net/tls.h"

/* Names of lanes tried for one thread: others of its address may have them. */
#define TRIES 256

/* --- lanes ------------------------------------------------------------- */

struct ear_terms listener_terms(const struct ear_listener *o, bool mask)
{
	struct ear_terms terms = {.mask = mask};

	snprintf(terms.key, sizeof(terms.key), "%s", o->auth_key);
	return terms;
}

static struct ear_slice tap_name(const struct listener *l)
{
	if (l->capture)
		return ear_capture_name(l->capture);
	return l->udp ? ear_tap_udp_name(l->udp) : ear_tap_tcp_name(l->tcp);
}

/* A lane has one writer. */
static bool has_lane(const struct ear_server *s, const char *name)
{
	for (size_t i = 0; i < s->listeners; i++) {
		const struct listener *l = s->listener[i];

		for (size_t k = 0; k < l->threads; k++) {
			if (!strcmp(l->lane_name[k], name))
				return true;
		}
	}
	return false;
}

/* What the pump's thread is to do with lanes. */
struct lane_errand {
	struct ear_server *s;
	const struct listener *l;
	const struct ear_terms *terms;
	struct lanes *lanes;
	struct ear_fault *fault;
	enum ear_err err;
};

static void open_lanes(void *arg)
{
	struct lane_errand *e = arg;
	struct lanes *to = e->lanes;
	char address[EAR_ADDR_TEXT];

	if (e->l->capture)
		snprintf(address, sizeof(address), "%.*s",
			EAR_FMT(tap_name(e->l)));
	else
		ear_addr_text(&e->l->address, address);
	for (unsigned i = 0; i < TRIES && to->n < e->l->threads && !e->err;
		i++) {
		char *name = to->name[to->n];

		ear_terms_lane(e->terms, e->l->transport, address, i, name);
		if (has_lane(e->s, name))
			continue;
		e->err = ear_pump_lane(e->s->pump, name, tap_name(e->l),
			e->terms, &to->lane[to->n], e->fault);
		to->n += !e->err;
	}
	if (!e->err && to->n < e->l->threads)
		e->err = ear_fail(e->fault, EAR_LIMIT, 0,
			"listener \"%s\": too many lanes of its address are in "
			"use",
			e->l->name);
}

static void give_up(void *arg)
{
	struct lane_errand *e = arg;

	for (size_t i = 0; i < e->lanes->n; i++)
		ear_pump_retire(e->s->pump, e->lanes->lane[i], NULL);
}

void lanes_give_up(struct ear_server *s, struct lanes *lanes)
{
	struct lane_errand e = {.s = s, .lanes = lanes};

	ear_pump_run(s->pump, give_up, &e);
	lanes->n = 0;
}

enum ear_err listener_lanes(struct ear_server *s, const struct listener *l,
	const struct ear_terms *terms, struct lanes *lanes,
	struct ear_fault *fault)
{
	struct lane_errand e = {
		.s = s, .l = l, .terms = terms, .lanes = lanes, .fault = fault};

	lanes->n = 0;
	ear_pump_run(s->pump, open_lanes, &e);
	if (e.err)
		lanes_give_up(s, lanes);
	return e.err;
}

static void retire_all(void *arg)
{
	struct lane_errand *e = arg;

	for (size_t i = 0; i < e->l->threads; i++) {
		if (!e->l->lane[i])
			continue;
		ear_pump_retire(e->s->pump, e->l->lane[i], NULL);
		ear_pump_forget(e->s->pump, e->l->intake[i]);
	}
}

static void retire_before(void *arg)
{
	struct lane_errand *e = arg;

	for (size_t i = 0; i < e->l->threads; i++)
		ear_pump_retire(e->s->pump, e->lanes->lane[i], e->l->intake[i]);
}

void listener_switch(struct ear_server *s, struct listener *l,
	const struct ear_terms *terms, const struct lanes *lanes)
{
	struct lanes before = {.n = l->threads};
	struct lane_errand e = {.s = s, .l = l, .lanes = &before};

	memcpy(before.lane, l->lane, sizeof(before.lane));
	for (size_t i = 0; i < l->threads; i++)
		ear_flow_lane_switch(l->intake[i], lanes->lane[i]);
	memcpy(l->lane, lanes->lane, sizeof(l->lane));
	memcpy(l->lane_name, lanes->name, sizeof(l->lane_name));
	l->terms = *terms;
	if (l->tcp)
		ear_tap_tcp_key(l->tcp, terms->key);
	ear_pump_run(s->pump, retire_before, &e);
}

/* --- taps -------------------------------------------------------------- */

static enum ear_err open_udp(struct ear_server *s, struct listener *l,
	const struct ear_listener *o, bool again, struct ear_fault *fault)
{
	const struct ear_tap_udp_options options = {
		.address = o->address,
		.again = again,
		.threads = o->threads,
		.receive_buffer = o->receive_buffer,
		.allow = o->allow,
		.allow_n = o->allow_n,
	};
	enum ear_err err =
		ear_tap_udp_open(&options, s->ledger, &l->udp, fault);

	if (err)
		return err;
	l->address = ear_tap_udp_address(l->udp);
	l->threads = ear_tap_udp_threads(l->udp);
	return EAR_OK;
}

/* The certificate to use: the one that is configured, or one made here. */
static enum ear_err certificate(struct ear_server *s,
	const struct ear_listener *o, char cert[2200], char key[2200],
	struct ear_fault *fault)
{
	char dir[2100];

	if (o->certificate && o->certificate[0]) {
		snprintf(cert, 2200, "%s", o->certificate);
		snprintf(key, 2200, "%s", o->private_key);
		return EAR_OK;
	}
	snprintf(dir, sizeof(dir), "%s/tls", s->dir);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return ear_fail_sys(fault, "cannot make %s", dir);
	snprintf(cert, 2200, "%s/earshot.crt", dir);
	snprintf(key, 2200, "%s/earshot.key", dir);
	return ear_tls_self_signed(cert, key, fault);
}

static enum ear_err open_tcp(struct ear_server *s, struct listener *l,
	const struct ear_listener *o, bool again, struct ear_fault *fault)
{
	char cert[2200], key[2200];
	bool tls = !strcmp(o->transport, "tls");
	struct ear_tap_tcp_options options = {
		.address = o->address,
		.again = again,
		.threads = o->threads,
		.allow = o->allow,
		.allow_n = o->allow_n,
		.certificate = tls ? cert : NULL,
		.private_key = tls ? key : NULL,
		.max_connections = o->max_connections,
		.idle_ns = o->idle_ns,
	};
	enum ear_err err = tls ? certificate(s, o, cert, key, fault) : EAR_OK;

	if (!err)
		err = ear_tap_tcp_open(&options, s->ledger, &l->tcp, fault);
	if (err)
		return err;
	l->address = ear_tap_tcp_address(l->tcp);
	l->threads = ear_tap_tcp_threads(l->tcp);
	return EAR_OK;
}

static enum ear_err open_tap(struct ear_server *s, struct listener *l,
	const struct ear_listener *o, bool again, struct ear_fault *fault)
{
	if (o->capture)
		return open_capture(s, l, o->capture, fault);
	if (!strcmp(o->transport, "udp"))
		return open_udp(s, l, o, again, fault);
	if (!strcmp(o->transport, "tcp") || !strcmp(o->transport, "tls"))
		return open_tcp(s, l, o, again, fault);
	return ear_fail(fault, EAR_USAGE, 0,
		"listener \"%s\": transport is udp, tcp or tls, not '%s'",
		o->name, o->transport);
}

/* --- a listener -------------------------------------------------------- */

static uint64_t mix(uint64_t h, const char *text)
{
	return ear_hash_seed(ear_slice_str(text ? text : ""), h);
}

static uint64_t mix_number(uint64_t h, uint64_t v)
{
	return ear_hash_seed(ear_slice(&v, sizeof(v)), h);
}

/* A certificate that was renewed is another one. */
static uint64_t mix_file(uint64_t h, const char *path)
{
	struct stat st;

	h = mix(h, path);
	if (!path || !path[0] || stat(path, &st))
		return h;
	h = mix_number(h, (uint64_t)st.st_mtim.tv_sec);
	h = mix_number(h, (uint64_t)st.st_mtim.tv_nsec);
	return mix_number(h, (uint64_t)st.st_size);
}

uint64_t listener_made_from(struct ear_server *s, const struct ear_listener *o)
{
	uint64_t h = mix(1, o->transport);

	(void)s;
	if (o->capture)
		return capture_made_from(o->capture);
	h = mix_number(h, o->threads);
	h = mix_number(h, o->receive_buffer);
	h = mix_number(h, o->max_connections);
	h = mix_number(h, o->idle_ns);
	h = mix_file(h, o->certificate);
	return mix_file(h, o->private_key);
}

static enum ear_err open_intakes(struct ear_server *s, struct listener *l,
	const struct ear_terms *terms, struct ear_fault *fault)
{
	struct lanes lanes = {0};
	enum ear_err err = listener_lanes(s, l, terms, &lanes, fault);

	if (err)
		return err;
	l->terms = *terms;
	if (l->tcp)
		ear_tap_tcp_key(l->tcp, terms->key);
	memcpy(l->lane, lanes.lane, sizeof(l->lane));
	memcpy(l->lane_name, lanes.name, sizeof(l->lane_name));
	for (size_t i = 0; i < l->threads; i++) {
		if (ear_flow_lane_new(
			    l->lane[i], s->ledger, tap_name(l), &l->intake[i]))
			return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	}
	return EAR_OK;
}

enum ear_err listener_open(struct ear_server *s, const struct ear_listener *o,
	bool mask, bool again, struct listener **out, struct ear_fault *fault)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct ear_terms terms = listener_terms(o, mask);
	enum ear_err err;

	*out = NULL;
	if (!l)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	snprintf(l->name, sizeof(l->name), "%s", o->name);
	snprintf(l->transport, sizeof(l->transport), "%s", o->transport);
	l->asked = o->address;
	l->made_from = listener_made_from(s, o);
	err = open_tap(s, l, o, again, fault);
	if (!err)
		err = open_intakes(s, l, &terms, fault);
	if (err)
		listener_close(s, &l);
	*out = l;
	return err;
}

enum ear_err listener_start(struct listener *l, struct ear_fault *fault)
{
	struct ear_intake *intake[LISTENER_THREADS];

	if (l->capture)
		return ear_capture_start(
			l->capture, ear_flow_lane_intake(l->intake[0]), fault);
	for (size_t i = 0; i < l->threads; i++)
		intake[i] = ear_flow_lane_intake(l->intake[i]);
	return l->udp ? ear_tap_udp_start(l->udp, intake, fault)
		      : ear_tap_tcp_start(l->tcp, intake, fault);
}

void listener_close(struct ear_server *s, struct listener **lp)
{
	struct listener *l = *lp;
	struct lane_errand e = {.s = s, .l = l};

	ear_tap_udp_close(&l->udp);
	ear_tap_tcp_close(&l->tcp);
	ear_capture_close(&l->capture);
	if (s->pump)
		ear_pump_run(s->pump, retire_all, &e);
	for (size_t i = 0; i < LISTENER_THREADS; i++)
		ear_flow_lane_free(&l->intake[i]);
	free(l);
	*lp = NULL;
}

/* --- who asks ---------------------------------------------------------- */

enum ear_err ear_server_listen(struct ear_server *s,
	const struct ear_listener *o, struct ear_fault *fault)
{
	struct listener *l;
	enum ear_err err;

	if (s->listeners == LISTENERS)
		return ear_fail(fault, EAR_LIMIT, 0, "more than %d listeners",
			LISTENERS);
	err = listener_open(s, o, s->options.mask_secrets, false, &l, fault);
	if (err)
		return err;
	err = listener_start(l, fault);
	if (err) {
		listener_close(s, &l);
		return err;
	}
	pthread_mutex_lock(&s->listeners_lock);
	s->listener[s->listeners++] = l;
	pthread_mutex_unlock(&s->listeners_lock);
	return EAR_OK;
}

size_t ear_server_listeners(struct ear_server *s)
{
	size_t n = 0;

	pthread_mutex_lock(&s->listeners_lock);
	for (size_t i = 0; i < s->listeners; i++)
		n += !s->listener[i]->capture;
	pthread_mutex_unlock(&s->listeners_lock);
	return n;
}

bool ear_server_listener(
	struct ear_server *s, size_t i, struct ear_listening *out)
{
	const struct listener *l = NULL;
	bool there;

	*out = (struct ear_listening){0};
	pthread_mutex_lock(&s->listeners_lock);
	for (size_t k = 0; k < s->listeners && !l; k++) {
		if (!s->listener[k]->capture && !i--)
			l = s->listener[k];
	}
	there = l != NULL;
	if (there) {
		memcpy(out->name, l->name, sizeof(out->name));
		memcpy(out->transport, l->transport, sizeof(out->transport));
		out->address = l->address;
	}
	pthread_mutex_unlock(&s->listeners_lock);
	return there;
}

void listeners_json(struct ear_server *s, struct ear_json *j)
{
	ear_json_key(j, "taps");
	ear_json_open(j, '[');
	pthread_mutex_lock(&s->listeners_lock);
	for (size_t i = 0; i < s->listeners; i++) {
		const struct listener *l = s->listener[i];
		char addr[EAR_ADDR_TEXT];

		if (l->capture)
			continue;
		ear_addr_text(&l->address, addr);
		ear_json_open(j, '{');
		ear_json_kstr(j, "name", ear_slice_str(l->name));
		ear_json_kstr(j, "transport", ear_slice_str(l->transport));
		ear_json_kstr(j, "address", ear_slice_str(addr));
		ear_json_kbool(j, "open_to_network",
			!ear_addr_is_loopback(&l->address));
		ear_json_ku64(j, "threads", l->threads);
		ear_json_ku64(j, "connections",
			l->tcp ? ear_tap_tcp_connections(l->tcp) : 0);
		ear_json_kbool(j, "auth_key", l->terms.key[0] != 0);
		ear_json_close(j, '}');
	}
	pthread_mutex_unlock(&s->listeners_lock);
	ear_json_close(j, ']');
}
