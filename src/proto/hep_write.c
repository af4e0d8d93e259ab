/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/hep_write.h"

#include <assert.h>

static const struct {
	uint16_t vendor;
	uint16_t type;
} chunks[EAR_HEP_CHUNKS] = {
#define X(name, vendor, type, kind, place, key, help) \
	[EAR_HEP_##name] = {vendor, type},
#include "proto/hep_chunk.def"
#undef X
};

void ear_hep_write_chunk(
	struct ear_buf *out, enum ear_hep_chunk c, struct ear_slice value)
{
	assert(value.n <= EAR_HEP_MAX - EAR_HEP_CHUNK_HEAD);
	ear_buf_be16(out, chunks[c].vendor);
	ear_buf_be16(out, chunks[c].type);
	ear_buf_be16(out, (uint16_t)(EAR_HEP_CHUNK_HEAD + value.n));
	ear_buf_slice(out, value);
}

static void optional(
	struct ear_buf *out, enum ear_hep_chunk c, struct ear_slice value)
{
	if (value.n)
		ear_hep_write_chunk(out, c, value);
}

/* A number of n bytes, most significant first. */
static void number(
	struct ear_buf *out, enum ear_hep_chunk c, uint32_t v, size_t n)
{
	char be[4];

	for (size_t i = 0; i < n; i++)
		be[i] = (char)(v >> 8 * (n - 1 - i));
	ear_hep_write_chunk(out, c, ear_slice(be, n));
}

static bool is_six(const struct ear_hep_out *packet)
{
	return packet->src.family == 6 || packet->dst.family == 6;
}

/* The IP as 4 or, mapped where need be, 16 bytes. */
static struct ear_slice ip(const struct ear_addr *a, bool six, char room[16])
{
	memset(room, 0, 16);
	if (six && a->family == 4) {
		memset(room + 10, 0xff, 2);
		memcpy(room + 12, a->ip, 4);
	} else if (a->family) {
		memcpy(room, a->ip, 16);
	}
	return ear_slice(room, six ? 16 : 4);
}

static void addresses(const struct ear_hep_out *packet, struct ear_buf *out)
{
	bool six = is_six(packet);
	char room[16];

	number(out, EAR_HEP_FAMILY, six ? 10 : 2, 1);
	number(out, EAR_HEP_IP_PROTO, packet->ip_proto, 1);
	ear_hep_write_chunk(out, six ? EAR_HEP_SRC_IP6 : EAR_HEP_SRC_IP4,
		ip(&packet->src, six, room));
	ear_hep_write_chunk(out, six ? EAR_HEP_DST_IP6 : EAR_HEP_DST_IP4,
		ip(&packet->dst, six, room));
	number(out, EAR_HEP_SRC_PORT, packet->src.port, 2);
	number(out, EAR_HEP_DST_PORT, packet->dst.port, 2);
}

static void envelope(const struct ear_hep_out *packet, struct ear_buf *out)
{
	addresses(packet, out);
	number(out, EAR_HEP_SECONDS, (uint32_t)(packet->at_ns / 1000000000), 4);
	number(out, EAR_HEP_MICROS, (uint32_t)(packet->at_ns / 1000 % 1000000),
		4);
	number(out, EAR_HEP_PAYLOAD_TYPE, packet->payload_type, 1);
	number(out, EAR_HEP_CAPTURE_ID, packet->capture_id, 4);
	if (packet->src.family && packet->dst.family &&
		packet->src.family != packet->dst.family)
		number(out, EAR_HEP_MAPPED, 1, 1);
	optional(out, EAR_HEP_TRANSPORT, packet->transport);
	optional(out, EAR_HEP_DIRECTION, packet->direction);
	ear_buf_slice(out, packet->extra);
	/* behind our vendor's: Kamailio's sipcapture takes six bytes too many
	 * for a correlation id, and vendor 0 begins with a NUL, where it ends
	 */
	optional(out, EAR_HEP_CORRELATION, packet->correlation);
	optional(out, EAR_HEP_KEY, packet->key);
	optional(out, EAR_HEP_NODE, packet->node);
}

static size_t longest(const struct ear_hep_out *packet)
{
	return packet->max ? packet->max : EAR_HEP_MAX;
}

static bool fits(const struct ear_hep_out *packet)
{
	const size_t fixed = 512; /* more than all chunks of fixed size */

	return packet->correlation.n < EAR_HEP_MAX &&
	       packet->key.n < EAR_HEP_MAX && packet->node.n < EAR_HEP_MAX &&
	       packet->transport.n < 16 && packet->direction.n < 16 &&
	       packet->extra.n < EAR_HEP_MAX &&
	       packet->correlation.n + packet->key.n + packet->node.n +
			       packet->extra.n + fixed <=
		       longest(packet);
}

static enum ear_err write_3(
	const struct ear_hep_out *packet, struct ear_buf *out)
{
	struct ear_slice payload = packet->payload;
	size_t from = out->n, room, total;

	if (!fits(packet))
		return EAR_USAGE;
	ear_buf_add(out, "HEP3\0", EAR_HEP_HEAD);
	envelope(packet, out);
	room = longest(packet) - (out->n - from) - EAR_HEP_CHUNK_HEAD;
	if (payload.n > room) {
		number(out, EAR_HEP_WAS_BYTES, (uint32_t)payload.n, 4);
		payload.n = room - (EAR_HEP_CHUNK_HEAD + 4);
	}
	ear_hep_write_chunk(out, EAR_HEP_PAYLOAD, payload);
	if (out->err)
		return out->err;
	total = out->n - from;
	out->p[from + 4] = (char)(total >> 8);
	out->p[from + 5] = (char)total;
	return payload.n < packet->payload.n ? EAR_LIMIT : EAR_OK;
}

static void le32(struct ear_buf *out, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		ear_buf_byte(out, (uint8_t)(v >> 8 * i));
}

/* Header length excludes version 2's time block, as OpenSIPS demands. */
static enum ear_err write_old(
	const struct ear_hep_out *packet, struct ear_buf *out)
{
	bool six = is_six(packet);
	char room[16];

	ear_buf_byte(out, packet->version);
	ear_buf_byte(out, six ? 40 : 16);
	ear_buf_byte(out, six ? 10 : 2);
	ear_buf_byte(out, packet->ip_proto);
	ear_buf_be16(out, packet->src.port);
	ear_buf_be16(out, packet->dst.port);
	ear_buf_slice(out, ip(&packet->src, six, room));
	ear_buf_slice(out, ip(&packet->dst, six, room));
	if (packet->version == 2) {
		le32(out, (uint32_t)(packet->at_ns / 1000000000));
		le32(out, (uint32_t)(packet->at_ns / 1000 % 1000000));
		/* The 16-bit id and two bytes of padding, in one. */
		le32(out, packet->capture_id & 0xffff);
	}
	ear_buf_slice(out, packet->payload);
	return out->err;
}

enum ear_err ear_hep_write(
	const struct ear_hep_out *packet, struct ear_buf *out)
{
	switch (packet->version) {
	case 1:
	case 2: return write_old(packet, out);
	case 3: return write_3(packet, out);
	default: return EAR_USAGE;
	}
}
