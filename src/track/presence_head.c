/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sip.h"
#include "track/presence_register.h"

/* Contacts are read as far as they fit: a REGISTER of a phone has one, its
 * reply all of the address of record. */
#define CONTACTS_BYTES 16384

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

/* Of several header fields one list, in a buffer; of one its own bytes. */
static void add_contacts(
	struct ear_buf *room, struct ear_slice value, struct head *head)
{
	if (head->contacts.n + 1 + value.n > CONTACTS_BYTES) {
		head->whole = false;
		return;
	}
	if (!head->contacts.n) {
		head->contacts = value;
		return;
	}
	if (head->contacts.p != room->p) {
		ear_buf_reset(room);
		ear_buf_slice(room, head->contacts);
	}
	ear_buf_byte(room, ',');
	ear_buf_slice(room, value);
	head->contacts = room->err ? (struct ear_slice){0} : ear_buf_view(room);
}

static void read_all(
	const struct ear_msg *msg, struct ear_buf *room, struct head *head)
{
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;
	struct ear_sip sip;

	ear_sip_parse(msg->raw, &sip);
	while (ear_sip_next(&sip, &cursor, &header)) {
		switch (header.id) {
		case EAR_SIP_VIA:
			head->hops += vias(header.value, &head->via);
			break;
		case EAR_SIP_CONTACT:
			add_contacts(room, header.value, head);
			break;
		case EAR_SIP_EXPIRES:
			head->expires = expires_of(header.value);
			break;
		case EAR_SIP_PATH: received(header.value, &head->path); break;
		default: break;
		}
	}
}

static struct ear_slice part(const struct ear_msg *msg, struct ear_span span)
{
	return ear_slice_sub(
		msg->raw, span.at, (size_t)span.at + (size_t)span.n);
}

void head_read(const struct ear_msg *msg, const struct ear_facts *facts,
	struct ear_buf *room, struct head *head)
{
	const struct ear_facts_register *reg = &facts->reg;

	*head = (struct head){.expires = -1,
		.whole = reg->ended && !(msg->flags & EAR_MSG_TRUNCATED)};
	if (reg->more) {
		read_all(msg, room, head);
	} else {
		head->via = part(msg, reg->via);
		head->contacts = part(msg, reg->contacts);
		head->expires = expires_of(part(msg, reg->expires));
		head->hops = reg->vias;
	}
	if (head->hops > UINT8_MAX)
		head->hops = UINT8_MAX;
	if (!head->hops)
		head->hops = 1;
	if (room->err)
		head->whole = false;
}

/* --- a Contact ---------------------------------------------------------- */

/* "<uri>;params" alone, as of nearly all phones: nobody asks for the parts of
 * that URI. */
static bool only_contact(struct ear_slice *list, struct contact *c)
{
	const char *end = list->p + list->n, *close;

	if (list->n < 2 || *list->p != '<' || memchr(list->p, ',', list->n))
		return false;
	close = memchr(list->p, '>', list->n);
	if (!close || (close + 1 < end && close[1] != ';'))
		return false;
	c->spec = ear_slice_trim(
		ear_slice(list->p + 1, (size_t)(close - list->p - 1)));
	c->params = close + 2 < end
			    ? ear_slice(close + 2, (size_t)(end - close - 2))
			    : ear_slice(end, 0);
	c->expires = expires_of(ear_sip_param_of(c->params, EAR_S("expires")));
	c->star = false;
	*list = ear_slice(end, 0);
	return true;
}

bool contact_next(struct ear_slice *list, struct contact *c)
{
	struct ear_sip_addr addr;

	if (only_contact(list, c))
		return true;
	if (!ear_sip_addr_next(list, &addr))
		return false;
	c->spec = addr.spec;
	c->params = addr.params;
	c->expires = expires_of(addr.expires);
	c->star = addr.star;
	return true;
}

/* Registrars change parameters of a Contact, and some its escapes. */
uint64_t contact_place(struct ear_slice spec)
{
	struct ear_sip_uri uri;
	uint64_t v[3];

	(void)!ear_sip_uri_parse(spec, &uri);
	v[0] = ear_hash(uri.user);
	v[1] = ear_hash_lower(uri.host);
	v[2] = uri.port;
	return hash_of(v, 3);
}
