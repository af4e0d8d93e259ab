/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures of a server: listeners that take packets from a device in place
 * of a socket. Devices are opened before the server gives its rights up, and
 * that is before there is a journal: so they wait in early[].
 */
#include "flow/capture.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/privilege.h"
#include "base/time.h"
#include "flow/server_priv.h"

/* So often it is written down that a device is still away. */
#define GONE_EACH_NS (60 * EAR_SECOND_NS)

static enum ear_err open_device(struct ear_server *s,
	const struct ear_capture_spec *spec, struct ear_capture **out,
	struct ear_fault *fault)
{
	const struct ear_capture_options options = {
		.device = spec->device,
		.filter = spec->filter,
		.promiscuous = spec->promiscuous,
		.snaplen = spec->snaplen,
		.buffer = spec->buffer,
		.connections = spec->connections,
		.idle_ns = spec->idle_ns,
		.keylog = spec->keylog,
		.ports = spec->ports,
		.node = spec->node,
		.capture_id = spec->capture_id,
	};
	const struct ear_fault none = {0};
	struct ear_fault why = none;
	enum ear_err err = ear_capture_open(&options, s->ledger, out, &why);

	if (err)
		ear_fail(fault, err, 0, "capture \"%.48s\": %.250s", spec->name,
			why.text);
	return err;
}

enum ear_err captures_early(struct ear_server *s, struct ear_fault *fault)
{
	const struct ear_server_options *o = &s->options;
	enum ear_err err = EAR_OK;
	struct ear_fault why = {0};

	for (size_t i = 0; !err && i < o->n_captures; i++)
		err = open_device(s, &o->captures[i], &s->early[i], fault);
	if (err || !o->user || !o->user[0])
		return err;
	err = ear_privilege_drop(o->user, &why);
	if (!err)
		err = ear_privilege_check(s->dir, o->user, &why);
	if (err)
		ear_fail(fault, err, 0, "capture: user: %.280s", why.text);
	return err;
}

void captures_late(struct ear_server *s)
{
	for (size_t i = 0; i < CAPTURES; i++)
		ear_capture_close(&s->early[i]);
}

/* --- as a listener ----------------------------------------------------- */

struct ear_listener capture_listener(const struct ear_capture_spec *spec)
{
	struct ear_listener o = {
		.name = spec->name,
		.transport = "capture",
		.auth_key = "",
		.threads = 1,
		.capture = spec,
	};

	o.address.family = EAR_CAPTURE_FAMILY;
	snprintf(
		(char *)o.address.ip, sizeof(o.address.ip), "%s", spec->device);
	return o;
}

uint64_t capture_made_from(const struct ear_capture_spec *spec)
{
	const uint64_t numbers[] = {spec->promiscuous, spec->snaplen,
		spec->buffer, spec->connections, spec->idle_ns,
		spec->capture_id};
	const char *texts[] = {
		spec->device, spec->filter, spec->keylog, spec->node};
	uint64_t h = ear_hash(ear_slice(numbers, sizeof(numbers)));

	h = ear_hash_seed(ear_slice(spec->ports.v,
				  spec->ports.n * sizeof(spec->ports.v[0])),
		h);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		h = ear_hash_seed(ear_slice(texts[i], strlen(texts[i]) + 1), h);
	return h;
}

enum ear_err open_capture(struct ear_server *s, struct listener *l,
	const struct ear_capture_spec *spec, struct ear_fault *fault)
{
	l->address = l->asked;
	l->threads = 1;
	for (size_t i = 0; i < s->options.n_captures && i < CAPTURES; i++) {
		if (&s->options.captures[i] != spec || !s->early[i])
			continue;
		l->capture = s->early[i];
		s->early[i] = NULL;
		return EAR_OK;
	}
	return open_device(s, spec, &l->capture, fault);
}

enum ear_err ear_server_capture(struct ear_server *s, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	for (size_t i = 0; !err && i < s->options.n_captures; i++) {
		struct ear_listener o =
			capture_listener(&s->options.captures[i]);

		err = ear_server_listen(s, &o, fault);
	}
	captures_own(s);
	return err;
}

void captures_own(struct ear_server *s)
{
	struct ear_addr own[LISTENERS];
	size_t n = 0;

	pthread_mutex_lock(&s->listeners_lock);
	for (size_t i = 0; i < s->listeners; i++) {
		if (!s->listener[i]->capture)
			own[n++] = s->listener[i]->address;
	}
	for (size_t i = 0; i < s->listeners; i++) {
		if (s->listener[i]->capture)
			ear_capture_own(s->listener[i]->capture, own, n);
	}
	pthread_mutex_unlock(&s->listeners_lock);
}

/* --- a device that is away --------------------------------------------- */

static void note_gone(struct ear_server *s, struct listener *l,
	const struct ear_capture_stats *stats, uint64_t now_ns)
{
	struct ear_gap gap = {.from_ns = l->gone_ns,
		.to_ns = now_ns,
		.reason = EAR_GAP_CAPTURE};

	snprintf(gap.tap, sizeof(gap.tap), "%.*s",
		EAR_FMT(ear_capture_name(l->capture)));
	ear_gaps_add(s->gaps, &gap);
	l->gone_ns = stats->gone_ns ? now_ns : 0;
	l->told_ns = now_ns;
}

static void tell_gone(struct ear_server *s, struct listener *l,
	const struct ear_capture_stats *stats)
{
	char text[400];
	int n = snprintf(text, sizeof(text),
		"capture \"%s\" gets nothing: %s; tried again each second",
		l->name, stats->why);

	l->gone_ns = stats->gone_ns;
	ear_notices_add("capture.gone", ear_slice(text, (size_t)n), s->notices);
}

void captures_look(struct ear_server *s)
{
	uint64_t now_ns = ear_now_ns();

	pthread_mutex_lock(&s->listeners_lock);
	for (size_t i = 0; i < s->listeners; i++) {
		struct listener *l = s->listener[i];
		struct ear_capture_stats stats;
		bool first;

		if (!l->capture)
			continue;
		ear_capture_stats(l->capture, &stats);
		first = stats.gone_ns && !l->gone_ns;
		if (first)
			tell_gone(s, l, &stats);
		if (l->gone_ns && (first || !stats.gone_ns ||
					  now_ns > l->told_ns + GONE_EACH_NS))
			note_gone(s, l, &stats, now_ns);
	}
	pthread_mutex_unlock(&s->listeners_lock);
}

/* --- shown ------------------------------------------------------------- */

static void one_json(const struct listener *l, struct ear_json *j)
{
	struct ear_capture_stats stats;
	const struct ear_packets_stats *p = &stats.packets;

	ear_capture_stats(l->capture, &stats);
	ear_json_open(j, '{');
	ear_json_kstr(j, "name", ear_slice_str(l->name));
	ear_json_kstr(j, "tap", ear_capture_name(l->capture));
	ear_json_kstr(j, "device", ear_slice_str((const char *)l->address.ip));
	ear_json_kbool(j, "open", !stats.gone_ns);
	ear_json_kstr(j, "why", ear_slice_str(stats.why));
	ear_json_ku64(j, "packets", p->packets);
	ear_json_ku64(j, "bytes", p->bytes);
	ear_json_ku64(j, "messages", p->kind[EAR_PACKET_SIP]);
	ear_json_ku64(j, "hep", p->kind[EAR_PACKET_HEP]);
	ear_json_ku64(j, "truncated", p->truncated);
	ear_json_ku64(j, "events", stats.events);
	ear_json_ku64(j, "kernel_drop", stats.kernel_drop);
	ear_json_ku64(j, "device_drop", stats.device_drop);
	ear_json_ku64(j, "lost", stats.lost);
	ear_json_ku64(j, "streams", p->streams);
	ear_json_ku64(j, "connections", p->open);
	ear_json_ku64(j, "evicted", p->evicted);
	ear_json_ku64(j, "held_bytes", p->held_bytes);
	ear_json_ku64(j, "gaps", p->gaps);
	ear_packets_tls_json(p, j);
	ear_json_close(j, '}');
}

void captures_json(struct ear_server *s, struct ear_json *j)
{
	ear_json_key(j, "captures");
	ear_json_open(j, '[');
	pthread_mutex_lock(&s->listeners_lock);
	for (size_t i = 0; i < s->listeners; i++) {
		if (s->listener[i]->capture)
			one_json(s->listener[i], j);
	}
	pthread_mutex_unlock(&s->listeners_lock);
	ear_json_close(j, ']');
}
