/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEP versions 1 and 2. Both are C structs that senders copy onto the wire,
 * hence the native byte order and the padding of version 2's time block.
 */
#include "proto/hep_priv.h"

#define DAY_NS (86400ULL * 1000000000ULL)
#define OLD_HEAD 8

/* Whether a well-known start line begins here: method and blank, or reply. */
static bool begins_sip(struct ear_slice s)
{
	static const char *const starts[] = {"SIP/2.0 ", "INVITE ", "ACK ",
		"BYE ", "CANCEL ", "OPTIONS ", "REGISTER ", "PRACK ",
		"SUBSCRIBE ", "NOTIFY ", "PUBLISH ", "INFO ", "REFER ",
		"MESSAGE ", "UPDATE "};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (ear_slice_starts(s, ear_slice_str(starts[i])))
			return true;
	}
	return false;
}

static uint32_t le32(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;

	return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static bool near(uint32_t s, uint64_t now_ns)
{
	uint64_t at = s * 1000000000ULL;

	return at > now_ns ? at - now_ns < DAY_NS : now_ns - at < DAY_NS;
}

/* Version 2's time block at p. Kamailio swaps the time, never the id. */
static void time_block(struct ear_hep *hep, const char *p, uint64_t now_ns)
{
	size_t at = (size_t)(p - hep->packet.p);
	uint32_t s = le32(p), us = le32(p + 4);
	uint32_t swapped = (uint32_t)hep_be(p, 4);

	if (now_ns && !near(s, now_ns) && near(swapped, now_ns)) {
		s = swapped;
		us = (uint32_t)hep_be(p + 4, 4);
		ear_hep_note(hep, EAR_HEP_RULE_TIME_SWAPPED, at, 0, 0);
	}
	hep->at_ns = hep_time(hep, s, us, at);
	hep->capture_id =
		(uint32_t)((uint8_t)p[8] | (uint32_t)(uint8_t)p[9] << 8);
}

/* Bytes of the time block: 12 with its padding, or 10 from strict senders. */
static size_t time_block_bytes(struct ear_hep *hep, size_t at)
{
	struct ear_slice in = hep->packet;

	if (!begins_sip(ear_slice_sub(in, at + 10, in.n)) && in.n >= at + 12)
		return 12;
	if (in.n > at + 10)
		ear_hep_note(hep, EAR_HEP_RULE_TEN_BYTES, at, 0, 0);
	return 10;
}

static bool header_length_usual(const struct ear_hep *hep, bool six)
{
	uint8_t length = (uint8_t)hep->packet.p[1];
	uint8_t bare = six ? 40 : 16;

	/* FreeSWITCH counts version 2's time block in. */
	return length == bare || (hep->version == 2 && length == bare + 12);
}

enum ear_err hep_read_old(
	struct ear_slice in, uint64_t now_ns, struct ear_hep *hep)
{
	const char *p = in.p;
	uint8_t length = (uint8_t)p[1];
	bool six;
	size_t at;

	hep->packet = in;
	hep->family = (uint8_t)p[2];
	six = hep_family_is_6(hep->family);
	if (hep->family != 2 && !six)
		six = length == 40 || length == 52;
	at = six ? OLD_HEAD + 32 : OLD_HEAD + 8;
	if (in.n < at + (hep->version == 2 ? 10 : 0))
		return EAR_MORE;
	if (!header_length_usual(hep, six))
		ear_hep_note(hep, EAR_HEP_RULE_HEADER_LENGTH, 1, length, 0);
	hep->ip_proto = (uint8_t)p[3];
	hep->payload_type = EAR_HEP_TYPE_SIP;
	hep->flags |= EAR_HEP_HAS_PAYLOAD;
	hep->src = hep_addr(p + OLD_HEAD, six, (uint16_t)hep_be(p + 4, 2));
	hep->dst = hep_addr(
		p + OLD_HEAD + (six ? 16 : 4), six, (uint16_t)hep_be(p + 6, 2));
	if (hep->version == 2) {
		time_block(hep, p + at, now_ns);
		at += time_block_bytes(hep, at);
	}
	hep->payload = ear_slice_sub(in, at, in.n);
	return EAR_OK;
}
