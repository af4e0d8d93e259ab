/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/siptrace.h"

/* Written where siptrace does not know an address. */
#define NO_ADDRESS "255.255.255.255"

/*
 * The block that siptrace added is the last one in the header; an earlier one
 * came with the message, from whoever wrote that.
 */
static size_t find_block(struct ear_slice header)
{
	struct ear_slice name = EAR_S("\nX-Siptrace-Fromip:");
	size_t found = header.n, at = 0;

	for (;;) {
		struct ear_slice rest = ear_slice_sub(header, at, header.n);
		size_t next = ear_slice_ifind(rest, name);

		if (next == rest.n)
			return found;
		found = at + next + 1;
		at = found;
	}
}

/* The header: all up to and with the line end before the empty line. */
static struct ear_slice header_of(struct ear_slice sip)
{
	size_t end = ear_slice_find(sip, EAR_S("\r\n\r\n"));

	return ear_slice_sub(sip, 0, end == sip.n ? end : end + 2);
}

/* Take a line off the front, without its end. */
static struct ear_slice take_line(struct ear_slice *from)
{
	const char *lf = from->n ? memchr(from->p, '\n', from->n) : NULL;
	size_t n = lf ? (size_t)(lf - from->p) + 1 : from->n;
	struct ear_slice line = ear_slice_sub(*from, 0, n);

	*from = ear_slice_sub(*from, n, from->n);
	return ear_slice_trim(line);
}

/* Split at the first c: what stands before it; *s keeps what follows. */
static struct ear_slice take_to(struct ear_slice *s, char c)
{
	const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
	size_t n = at ? (size_t)(at - s->p) : s->n;
	struct ear_slice head = ear_slice_sub(*s, 0, n);

	*s = ear_slice_sub(*s, n + 1, s->n);
	return head;
}

/*
 * "proto:ip:port"; IPv6 with brackets or without, so the port is what follows
 * the last colon. With data_mode 1 the host may be a name, which is no error
 * but no address either.
 */
static bool read_address(
	struct ear_slice value, struct ear_addr *addr, uint8_t *transport)
{
	struct ear_slice proto = take_to(&value, ':');
	size_t colon = value.n;
	uint64_t port;

	while (colon > 0 && value.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || !ear_slice_u64(ear_slice_sub(value, colon, value.n),
				  65535, &port))
		return false;
	value = ear_slice_sub(value, 0, colon - 1);
	if (transport)
		*transport = (uint8_t)ear_transport_of(proto);
	if (ear_slice_eq(value, EAR_S(NO_ADDRESS)) ||
		ear_addr_parse(value, addr))
		*addr = (struct ear_addr){0};
	else
		addr->port = (uint16_t)port;
	return value.n > 0;
}

static bool read_time(struct ear_slice value, uint64_t *at_ns)
{
	struct ear_slice s = take_to(&value, ' ');
	uint64_t seconds, micros;

	if (!ear_slice_u64(s, UINT32_MAX, &seconds) ||
		!ear_slice_u64(ear_slice_trim(value), UINT32_MAX, &micros))
		return false;
	*at_ns = seconds ? seconds * 1000000000 + micros * 1000 : 0;
	return true;
}

static bool read_direction(struct ear_slice value, uint8_t *direction)
{
	if (ear_slice_ieq(value, EAR_S("in")))
		*direction = EAR_DIR_IN;
	else if (ear_slice_ieq(value, EAR_S("out")))
		*direction = EAR_DIR_OUT;
	else
		return false;
	return true;
}

/* NULL when the line is none of the fields; else whether it was read. */
static const char *read_field(
	struct ear_slice name, struct ear_slice value, struct ear_siptrace *out)
{
	if (ear_slice_ieq(name, EAR_S("X-Siptrace-Fromip")))
		return read_address(value, &out->src, &out->transport)
			       ? ""
			       : "X-Siptrace-Fromip";
	if (ear_slice_ieq(name, EAR_S("X-Siptrace-Toip")))
		return read_address(value, &out->dst, NULL) ? ""
							    : "X-Siptrace-Toip";
	if (ear_slice_ieq(name, EAR_S("X-Siptrace-Time")))
		return read_time(value, &out->at_ns) ? "" : "X-Siptrace-Time";
	if (ear_slice_ieq(name, EAR_S("X-Siptrace-Method")))
		return ""; /* the message says it itself */
	if (ear_slice_ieq(name, EAR_S("X-Siptrace-Dir")))
		return read_direction(value, &out->direction)
			       ? ""
			       : "X-Siptrace-Dir";
	return NULL;
}

bool ear_siptrace_read(struct ear_slice sip, struct ear_siptrace *out)
{
	struct ear_slice header = header_of(sip);
	size_t at = find_block(header);
	struct ear_slice rest = ear_slice_sub(header, at, header.n);

	*out = (struct ear_siptrace){.at = at};
	if (!rest.n)
		return false;
	while (rest.n) {
		struct ear_slice value = take_line(&rest);
		struct ear_slice name = take_to(&value, ':');
		const char *read = read_field(name, ear_slice_trim(value), out);

		if (!read)
			break;
		if (*read && !out->bad)
			out->bad = read;
	}
	return true;
}
