/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip.h"
#include "track/presence_priv.h"

/* Contacts are kept as far as they fit; a REGISTER of a phone has one. */
#define CONTACTS_BYTES 2048

/* How many values a Via header field has, and the last of them. */
static unsigned vias(struct ear_slice list, struct ear_slice *last)
{
	struct ear_sip_via via;
	unsigned n = 0;

	if (!list.n || !memchr(list.p, ',', list.n)) {
		*last = list;
		return list.n > 0;
	}
	while (list.n && n < UINT8_MAX) {
		struct ear_slice from = list;

		if (!ear_sip_via_next(&list, &via))
			break;
		*last = from;
		n++;
	}
	return n;
}

/* "192.0.2.1~5060~3": address, port and a number for the transport. */
static bool parted_by_tilde(struct ear_slice text, struct ear_addr *addr)
{
	size_t n = ear_slice_find(text, EAR_S("~"));
	struct ear_slice rest = ear_slice_sub(text, n + 1, text.n);
	uint64_t port;

	rest = ear_slice_sub(rest, 0, ear_slice_find(rest, EAR_S("~")));
	if (n == text.n || !ear_slice_u64(rest, UINT16_MAX, &port) ||
		ear_addr_parse(ear_slice_sub(text, 0, n), addr))
		return false;
	addr->port = (uint16_t)port;
	return true;
}

/*
 * Kamailio's module path writes who came to the proxy into its URI, in one of
 * two ways: <sip:proxy;lr;received=sip:192.0.2.1:5060%3Btransport%3Dtls> or
 * received=192.0.2.1~5060~3. The last value is that of the proxy nearest to
 * the client (RFC 3327 s5.2): each puts its own before the others.
 */
static void received(struct ear_slice path, struct ear_addr *addr)
{
	struct ear_sip_addr value;

	while (ear_sip_addr_next(&path, &value)) {
		struct ear_slice text =
			ear_sip_param_of(value.uri.params, EAR_S("received"));

		*addr = (struct ear_addr){0};
		if (parted_by_tilde(text, addr))
			continue;
		if (ear_slice_starts(text, EAR_S("sip:")))
			text = ear_slice_sub(text, 4, text.n);
		text = ear_slice_sub(
			text, 0, ear_slice_find(text, EAR_S("%3")));
		text = ear_slice_sub(text, 0, ear_slice_find(text, EAR_S(";")));
		if (ear_addr_parse(text, addr))
			*addr = (struct ear_addr){0};
	}
}

int32_t expires_of(struct ear_slice text)
{
	uint64_t v;

	if (!text.n)
		return -1;
	/* RFC 3261 s20.10: what is no number counts as 3600. */
	if (!ear_slice_u64(text, UINT64_MAX, &v))
		return 3600;
	return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

static void add_contact(struct ear_presence *p, struct ear_slice value)
{
	if (p->text.n + value.n + 1 > CONTACTS_BYTES)
		return;
	if (p->text.n)
		ear_buf_byte(&p->text, ',');
	ear_buf_slice(&p->text, value);
}

bool request_read(
	struct ear_presence *p, const struct ear_msg *msg, struct asked *asked)
{
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	struct ear_sip sip;

	*asked = (struct asked){.expires = -1};
	if (ear_sip_parse(msg->raw, &sip))
		return false;
	ear_buf_reset(&p->text);
	while (ear_sip_next(&sip, &cursor, &header)) {
		switch (header.id) {
		case EAR_SIP_VIA:
			asked->hops += vias(header.value, &asked->via);
			break;
		case EAR_SIP_CONTACT: add_contact(p, header.value); break;
		case EAR_SIP_EXPIRES:
			asked->expires = expires_of(header.value);
			break;
		case EAR_SIP_PATH: received(header.value, &asked->path); break;
		default: break;
		}
	}
	asked->contacts = ear_buf_view(&p->text);
	if (asked->hops > UINT8_MAX)
		asked->hops = UINT8_MAX;
	if (!asked->hops)
		asked->hops = 1;
	return !p->text.err && p->text.n;
}
