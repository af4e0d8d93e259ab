/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/mirror.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/ssl.h>

#include "net/tls_client.h"
#include "sink/mirror_priv.h"

static void close_mirror(struct ear_sink **sink)
{
	struct mirror *m = (struct mirror *)*sink;

	if (!m)
		return;
	mirror_end(*sink);
	ear_buf_fini(&m->extra);
	ear_buf_fini(&m->text);
	ear_buf_fini(&m->bare);
	mirror_guard_free(&m->guard);
	if (m->correlation)
		ear_template_free(&m->correlation);
	SSL_CTX_free(m->tls);
	free(m->key);
	free(m->node);
	free(m->swap);
	free(m->window);
	pthread_mutex_destroy(&m->lock);
	free(m);
	*sink = NULL;
}

static void status(struct ear_sink *sink, struct ear_json *j)
{
	static const char *const proofs[] = {
		[MIRROR_TIME] = "time",
		[MIRROR_KERNEL] = "kernel",
		[MIRROR_COLLECTOR] = "collector",
	};
	struct mirror *m = (struct mirror *)sink;
	char text[EAR_ADDR_TEXT];

	pthread_mutex_lock(&m->lock);
	ear_addr_text(&m->peer, text);
	ear_json_kstr(j, "to", ear_slice_str(m->to));
	ear_json_kstr(j, "address", ear_slice_str(text));
	ear_json_ku64(j, "version", m->version);
	ear_json_kstr(j, "delivered_by",
		ear_slice_str(m->connected ? proofs[m->shown] : ""));
	ear_json_ku64(j, "sessions", m->sessions);
	ear_json_ku64(j, "handed_again", m->again);
	pthread_mutex_unlock(&m->lock);
}

static const struct ear_sink_ops hep_ops = {"hep", mirror_encode, mirror_begin,
	mirror_deliver, mirror_safe, mirror_end, status, close_mirror};
static const struct ear_sink_ops sip_ops = {"sip", mirror_encode, mirror_begin,
	mirror_deliver, mirror_safe, mirror_end, status, close_mirror};

/* --- options ---------------------------------------------------------- */

static enum ear_err read_local(
	struct mirror *m, const char *text, struct ear_fault *fault)
{
	struct ear_slice all = ear_slice_str(text), rest = all;
	size_t colon = ear_slice_find(all, EAR_S(":"));

	if (!all.n)
		return EAR_OK;
	m->local_transport =
		(uint8_t)ear_transport_of(ear_slice_sub(all, 0, colon));
	if (m->local_transport)
		rest = ear_slice_sub(all, colon + 1, all.n);
	if (ear_addr_parse(rest, &m->local))
		return ear_fail(fault, EAR_USAGE, 0,
			"local_address '%s' is no proto:ip:port, as "
			"udp:192.0.2.1:5060",
			text);
	return EAR_OK;
}

static enum ear_err read_swap(
	struct mirror_swap *swap, const char *text, struct ear_fault *fault)
{
	struct ear_slice all = ear_slice_str(text);
	size_t at = ear_slice_find(all, EAR_S("="));

	if (ear_addr_parse(
		    ear_slice_trim(ear_slice_sub(all, 0, at)), &swap->from) ||
		ear_addr_parse(
			ear_slice_trim(ear_slice_sub(all, at + 1, all.n)),
			&swap->to))
		return ear_fail(fault, EAR_USAGE, 0,
			"advertise '%s' is no ip:port=ip:port, as "
			"10.0.0.1:5060=198.51.100.7:5060; names cannot stand "
			"in HEP",
			text);
	return EAR_OK;
}

static enum ear_err read_addresses(struct mirror *m,
	const struct ear_mirror_options *o, struct ear_fault *fault)
{
	struct ear_slice from = ear_slice_str(o->from);
	enum ear_err err = read_local(m, o->local_address, fault);

	if (!err && from.n && ear_addr_parse(from, &m->from))
		return ear_fail(fault, EAR_USAGE, 0,
			"from '%s' is no ip or ip:port", o->from);
	m->swap = calloc(o->n_advertise + 1, sizeof(*m->swap));
	if (!m->swap)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	while (!err && m->swaps < o->n_advertise) {
		err = read_swap(
			&m->swap[m->swaps], o->advertise[m->swaps], fault);
		m->swaps++;
	}
	return err;
}

static enum ear_err check(const struct mirror *m,
	const struct ear_mirror_options *o, struct ear_fault *fault)
{
	if (m->version < 1 || m->version > 3)
		return ear_fail(fault, EAR_USAGE, 0,
			"version %u: HEP has versions 1, 2 and 3", o->version);
	if (!m->uri.sip && m->version < 3 && m->uri.carrier != EAR_CARRY_UDP)
		return ear_fail(fault, EAR_USAGE, 0,
			"HEP %u has no length and cannot go over %s; set "
			"version = 3 or transport=udp",
			m->version, ear_carrier_name(m->uri.carrier));
	if (strlen(m->key) > 255 || strlen(m->node) > 255)
		return ear_fail(fault, EAR_USAGE, 0,
			"auth_key and node have at most 255 bytes");
	return EAR_OK;
}

/* The fault names the key. */
static enum ear_err blame(
	const char *key, const struct ear_fault *why, struct ear_fault *fault)
{
	return ear_fail(
		fault, why->code, why->offset, "%s: %.280s", key, why->text);
}

static enum ear_err read_options(struct mirror *m,
	const struct ear_mirror_options *o, struct ear_fault *fault)
{
	struct ear_fault why = {0};
	enum ear_err err =
		ear_net_uri_parse(ear_slice_str(o->to), &m->uri, &why);

	if (err)
		return blame("to", &why, fault);
	snprintf(m->to, sizeof(m->to), "%s", o->to);
	m->version = (uint8_t)(o->version > 255 ? 255 : o->version);
	m->capture_id = o->capture_id;
	m->key = strdup(o->auth_key ? o->auth_key : "");
	m->node = strdup(o->node ? o->node : "");
	m->window = malloc(MIRROR_WINDOW * sizeof(*m->window));
	m->xheaders = o->xheaders;
	m->max_hops = o->max_hops;
	m->legacy_tls = o->legacy_tls;
	m->acknowledge = o->acknowledge;
	if (!m->uri.sip && m->version < 3)
		m->guard = mirror_guard_new();
	if (!m->key || !m->node || !m->window ||
		(!m->uri.sip && m->version < 3 && !m->guard))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = check(m, o, fault);
	if (!err)
		err = read_addresses(m, o, fault);
	if (!err && o->correlation && *o->correlation)
		err = ear_template_new(
			ear_slice_str(o->correlation), &m->correlation, &why);
	return why.code ? blame("correlation", &why, fault) : err;
}

static enum ear_err make_tls(struct mirror *m,
	const struct ear_mirror_options *o, struct ear_fault *fault)
{
	const struct ear_tls_client client = {
		.ca = o->ca,
		.verify = o->verify,
		.certificate = o->certificate,
		.private_key = o->private_key,
	};

	return m->uri.carrier == EAR_CARRY_TLS
		       ? ear_tls_client_new(&client, &m->tls, fault)
		       : EAR_OK;
}

enum ear_err ear_mirror_new(const struct ear_mirror_options *options,
	struct ear_sink **sink, struct ear_fault *fault)
{
	struct mirror *m = calloc(1, sizeof(*m));
	enum ear_err err;

	*sink = NULL;
	if (!m)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	pthread_mutex_init(&m->lock, NULL);
	err = read_options(m, options, fault);
	if (!err)
		err = make_tls(m, options, fault);
	m->sink.ops = m->uri.sip ? &sip_ops : &hep_ops;
	*sink = &m->sink;
	if (err)
		close_mirror(sink);
	return err;
}
