/* SPDX-License-Identifier: Apache-2.0 */
#include "tap/siptrace.h"

#include "proto/siptrace.h"

/* Written where siptrace does not know an address. */
#define NO_ADDRESS "255.255.255.255"

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
		return ear_slice_ieq(value, EAR_S("any"));
	return true;
}

static bool read_hops(struct ear_slice value, uint32_t *hops)
{
	uint64_t n;

	if (!ear_slice_u64(value, 255, &n) || !n)
		return false;
	if (n > *hops)
		*hops = (uint32_t)n;
	return true;
}

/* Whether it could be read. */
static bool read_field(enum ear_siptrace_field field, struct ear_slice value,
	struct ear_siptrace *out)
{
	switch (field) {
	case EAR_SIPTRACE_FROM:
		return read_address(value, &out->src, &out->transport);
	case EAR_SIPTRACE_TO: return read_address(value, &out->dst, NULL);
	case EAR_SIPTRACE_TIME: return read_time(value, &out->at_ns);
	case EAR_SIPTRACE_DIR: return read_direction(value, &out->direction);
	case EAR_SIPTRACE_HOPS: return read_hops(value, &out->hops);
	default: return true; /* the method: the message says it itself */
	}
}

/* Fields of a later hop: only who handed it on, and how many there were. */
static void read_later(enum ear_siptrace_field field, struct ear_slice value,
	struct ear_siptrace *out)
{
	if (field == EAR_SIPTRACE_FROM) {
		out->hops += out->hops < 255;
		(void)read_address(value, &out->last_src, NULL);
	} else if (field == EAR_SIPTRACE_HOPS) {
		(void)read_hops(value, &out->hops);
	}
}

/* Take a line. One that begins with a blank belongs to the field before. */
static enum ear_siptrace_field take_field(
	struct ear_slice *rest, struct ear_slice *value)
{
	bool folded = rest->p[0] == ' ' || rest->p[0] == '\t';
	struct ear_slice name;

	*value = take_line(rest);
	name = take_to(value, ':');
	*value = ear_slice_trim(*value);
	return folded ? EAR_SIPTRACE_NONE : ear_siptrace_field(name);
}

/*
 * Where the fields of the first hop begin; header.n: nowhere. Those that hops
 * added stand in one run, last in the header; others further up came with the
 * message, from whoever wrote that.
 */
static size_t find_first(struct ear_slice header)
{
	struct ear_slice rest = header;
	size_t found = header.n;
	bool in_run = false;

	if (ear_slice_ifind(header, EAR_S("\nX-Siptrace-Fromip:")) == header.n)
		return header.n;
	(void)take_line(&rest); /* the start line, whatever it looks like */
	while (rest.n) {
		size_t at = header.n - rest.n;
		struct ear_slice value;
		enum ear_siptrace_field field = take_field(&rest, &value);

		if (field == EAR_SIPTRACE_FROM && !in_run)
			found = at;
		in_run = field == EAR_SIPTRACE_FROM || (field && in_run);
	}
	return found;
}

bool ear_siptrace_read(struct ear_slice sip, struct ear_siptrace *out)
{
	struct ear_slice header = header_of(sip);
	size_t at = find_first(header);
	struct ear_slice rest = ear_slice_sub(header, at, header.n);
	bool first = true;

	*out = (struct ear_siptrace){.at = at};
	if (!rest.n)
		return false;
	while (rest.n) {
		struct ear_slice value;
		enum ear_siptrace_field field = take_field(&rest, &value);

		/* the block is over with another line, or the next hop's */
		if (!field || (field == EAR_SIPTRACE_FROM && out->hops))
			first = false;
		if (field == EAR_SIPTRACE_FROM && !out->hops)
			out->hops = 1;
		if (!first)
			read_later(field, value, out);
		else if (!read_field(field, value, out) && !out->bad)
			out->bad = ear_siptrace_field_name(field);
	}
	return true;
}
