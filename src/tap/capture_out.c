/* SPDX-License-Identifier: Apache-2.0 */
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hep_write.h"
#include "proto/ip_walk.h"
#include "tap/capture_priv.h"

enum ear_err ear_capture_out_init(
	struct ear_capture_out *out, const struct ear_capture_options *options)
{
	size_t n = strlen(options->device);

	pthread_mutex_init(&out->lock, NULL);
	out->to.family = EAR_CAPTURE_FAMILY;
	memcpy(out->to.ip, options->device,
		n < sizeof(out->to.ip) ? n : sizeof(out->to.ip));
	out->node = strdup(options->node ? options->node : "");
	out->capture_id = options->capture_id;
	ear_capture_out_own(out, options->own, options->own_n);
	ear_capture_own_look(out);
	return out->node ? EAR_OK : EAR_NOMEM;
}

void ear_capture_out_fini(struct ear_capture_out *out)
{
	ear_buf_fini(&out->packet);
	ear_buf_fini(&out->extra);
	free(out->node);
	out->node = NULL;
	pthread_mutex_destroy(&out->lock);
}

/* --- what is here already ---------------------------------------------- */

void ear_capture_out_own(
	struct ear_capture_out *out, const struct ear_addr *own, size_t own_n)
{
	if (own_n > EAR_CAPTURE_OWN)
		own_n = EAR_CAPTURE_OWN;
	pthread_mutex_lock(&out->lock);
	if (own_n)
		memcpy(out->own, own, own_n * sizeof(*own));
	out->owns = own_n;
	pthread_mutex_unlock(&out->lock);
}

void ear_capture_own_look(struct ear_capture_out *out)
{
	struct ifaddrs *all = NULL;
	size_t n = 0;

	if (getifaddrs(&all))
		return;
	for (struct ifaddrs *i = all; i && n < EAR_CAPTURE_LOCAL;
		i = i->ifa_next) {
		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET &&
					    i->ifa_addr->sa_family != AF_INET6))
			continue;
		out->local[n++] = ear_addr_from_sockaddr(i->ifa_addr);
	}
	out->locals = n;
	freeifaddrs(all);
}

static bool is_local(
	const struct ear_capture_out *out, const struct ear_addr *addr)
{
	if (ear_addr_is_loopback(addr))
		return true;
	for (size_t i = 0; i < out->locals; i++) {
		if (ear_addr_ip_eq(&out->local[i], addr))
			return true;
	}
	return false;
}

/* Whether a listener of ours has it from the socket. */
static bool is_own(struct ear_capture_out *out, const struct ear_addr *dst)
{
	bool own = false;

	pthread_mutex_lock(&out->lock);
	for (size_t i = 0; i < out->owns && !own; i++)
		own = out->own[i].port == dst->port &&
		      (ear_addr_ip_eq(&out->own[i], dst) ||
			      (ear_addr_is_any(&out->own[i]) &&
				      is_local(out, dst)));
	pthread_mutex_unlock(&out->lock);
	return own;
}

/* A copy that leaves by a mirror of ours, or of another Earshot here. */
static bool is_copy(struct ear_capture_out *out,
	const struct ear_packet_place *place, struct ear_slice bytes)
{
	struct ear_hep hep;

	return is_local(out, &place->src) && ear_hep_version(bytes) == 3 &&
	       !ear_hep_read(bytes, 0, &hep) && hep.chunk[EAR_HEP_HOPS].at;
}

/* --- into the intake --------------------------------------------------- */

static void lose(struct ear_capture_out *out, const struct ear_msg *msg)
{
	if (msg->proto == EAR_PROTO_CONN)
		return;
	ear_tally_add(out->tally, EAR_N_RECEIVED, 1, msg->seen_ns);
	ear_tally_add(out->tally, EAR_N_JOURNAL_FULL, 1, msg->seen_ns);
}

static void put(struct ear_capture_out *out, struct ear_unit *unit,
	struct ear_slice bytes)
{
	unit->kind = EAR_UNIT_DATAGRAM;
	unit->to = out->to;
	out->intake->put(out->intake, unit, bytes);
}

void ear_capture_out_hep(const struct ear_packet_place *place,
	struct ear_slice bytes, bool cut, void *arg)
{
	struct ear_capture_out *out = arg;
	struct ear_unit unit = {
		.flags = cut ? EAR_UNIT_TRUNCATED : 0,
		.transport = place->transport,
		.units = 1,
		.seen_ns = place->at_ns,
		.from = place->src,
	};

	if (!is_own(out, &place->dst) && !is_copy(out, place, bytes))
		put(out, &unit, bytes);
}

/* The IP protocol says the others. */
static struct ear_slice transport_word(const struct ear_msg *msg)
{
	switch (msg->transport) {
	case EAR_TR_TLS:
	case EAR_TR_WS:
	case EAR_TR_WSS: return ear_transport_name(msg->transport);
	default: return EAR_S("");
	}
}

/* Chunks that struct ear_hep_out has no member for. */
static struct ear_slice extra_of(
	struct ear_capture_out *out, const struct ear_msg *msg)
{
	const uint16_t nanos = (uint16_t)(msg->at_ns % 1000);
	const char be[2] = {(char)(nanos >> 8), (char)(nanos & 0xff)};

	ear_buf_reset(&out->extra);
	if (nanos)
		ear_hep_write_chunk(
			&out->extra, EAR_HEP_NANOS, ear_slice(be, 2));
	if (msg->note.n)
		ear_hep_write_chunk(&out->extra, EAR_HEP_NOTE, msg->note);
	if (msg->proto == EAR_PROTO_CONN)
		ear_hep_write_chunk(&out->extra, EAR_HEP_CONNECTION, msg->raw);
	return ear_buf_view(&out->extra);
}

void ear_capture_out_message(const struct ear_msg *msg, void *arg)
{
	struct ear_capture_out *out = arg;
	bool event = msg->proto == EAR_PROTO_CONN;
	const struct ear_hep_out packet = {
		.version = 3,
		.ip_proto = msg->ip_proto,
		.payload_type = event ? 0 : EAR_HEP_TYPE_SIP,
		.capture_id = out->capture_id,
		.at_ns = msg->at_ns,
		.src = msg->src,
		.dst = msg->dst,
		.payload = event ? EAR_S("") : msg->raw,
		.node = ear_slice_str(out->node),
		.transport = transport_word(msg),
		.extra = extra_of(out, msg),
	};
	struct ear_unit unit = {
		.flags =
			msg->flags & EAR_MSG_TRUNCATED ? EAR_UNIT_TRUNCATED : 0,
		.transport = msg->transport,
		.units = !event,
		.seen_ns = msg->seen_ns,
	};
	enum ear_err err;

	if (is_own(out, &msg->dst))
		return;
	ear_buf_reset(&out->packet);
	err = ear_hep_write(&packet, &out->packet);
	if (out->extra.err || out->packet.err || (err && err != EAR_LIMIT)) {
		lose(out, msg); /* no memory */
		return;
	}
	if (err)
		unit.flags |= EAR_UNIT_TRUNCATED;
	out->events += event;
	put(out, &unit, ear_buf_view(&out->packet));
}
