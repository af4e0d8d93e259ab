/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/siptrace.h"

#include <stdio.h>

/* What siptrace writes where it does not know an address. */
#define NO_ADDRESS "any:255.255.255.255:5060"

static const struct ear_slice names[] = {
	[EAR_SIPTRACE_NONE] = EAR_S_INIT(""),
	[EAR_SIPTRACE_FROM] = EAR_S_INIT("X-Siptrace-Fromip"),
	[EAR_SIPTRACE_TO] = EAR_S_INIT("X-Siptrace-Toip"),
	[EAR_SIPTRACE_TIME] = EAR_S_INIT("X-Siptrace-Time"),
	[EAR_SIPTRACE_METHOD] = EAR_S_INIT("X-Siptrace-Method"),
	[EAR_SIPTRACE_DIR] = EAR_S_INIT("X-Siptrace-Dir"),
	[EAR_SIPTRACE_HOPS] = EAR_S_INIT("X-Earshot-Hops"),
};

enum ear_siptrace_field ear_siptrace_field(struct ear_slice name)
{
	/* all begin with it: the other lines are through at once */
	if (name.n < 14 || ear_lower(name.p[0]) != 'x')
		return EAR_SIPTRACE_NONE;
	for (int i = EAR_SIPTRACE_FROM; i <= EAR_SIPTRACE_HOPS; i++) {
		if (ear_slice_ieq(name, names[i]))
			return (enum ear_siptrace_field)i;
	}
	return EAR_SIPTRACE_NONE;
}

const char *ear_siptrace_field_name(enum ear_siptrace_field field)
{
	return names[field].p;
}

/* --- writing ---------------------------------------------------------- */

static void field(struct ear_buf *out, enum ear_siptrace_field which,
	struct ear_slice value)
{
	ear_buf_slice(out, names[which]);
	ear_buf_slice(out, EAR_S(": "));
	ear_buf_slice(out, value);
	ear_buf_slice(out, EAR_S("\r\n"));
}

/*
 * "proto:ip:port". IPv6 stands in brackets, but for the longest ones: these
 * would make more than 50 characters, and readers split at the last colon.
 */
static void address(struct ear_buf *out, enum ear_siptrace_field which,
	struct ear_slice transport, const struct ear_addr *a)
{
	char text[EAR_ADDR_TEXT], value[EAR_ADDR_TEXT + 16];
	int n;

	if (!a->family) {
		field(out, which, EAR_S(NO_ADDRESS));
		return;
	}
	if (!transport.n)
		transport = EAR_S("any");
	transport = ear_slice_sub(transport, 0, 8);
	ear_addr_text(a, text);
	n = snprintf(value, sizeof(value), "%.*s:%s", EAR_FMT(transport), text);
	if (n > EAR_SIPTRACE_TOKEN) {
		ear_addr_ip_text(a, text);
		n = snprintf(value, sizeof(value), "%.*s:%s:%u",
			EAR_FMT(transport), text, a->port);
	}
	field(out, which, ear_slice(value, (size_t)n));
}

/* A token: what cannot stand in one ends it. */
static struct ear_slice token(struct ear_slice s, size_t most)
{
	size_t n = 0;

	while (n < s.n && n < most && s.p[n] > ' ' && s.p[n] < 127)
		n++;
	return ear_slice_sub(s, 0, n);
}

static void write_fields(const struct ear_siptrace_out *f, struct ear_buf *out)
{
	struct ear_slice method = token(f->method, EAR_SIPTRACE_TOKEN);
	struct ear_slice direction = token(f->direction, 3);
	char text[48];

	address(out, EAR_SIPTRACE_FROM, f->transport_from, &f->src);
	address(out, EAR_SIPTRACE_TO, f->transport_to, &f->dst);
	snprintf(text, sizeof(text), "%llu %llu",
		(unsigned long long)(f->at_ns / 1000000000),
		(unsigned long long)(f->at_ns / 1000 % 1000000));
	field(out, EAR_SIPTRACE_TIME, ear_slice_str(text));
	field(out, EAR_SIPTRACE_METHOD, method.n ? method : EAR_S("-"));
	field(out, EAR_SIPTRACE_DIR, direction.n ? direction : EAR_S("any"));
	if (f->hops < 2)
		return;
	snprintf(text, sizeof(text), "%u", f->hops);
	field(out, EAR_SIPTRACE_HOPS, ear_slice_str(text));
}

/* One line with its end, and the folded ones that belong to it. */
static struct ear_slice take_line(struct ear_slice *from)
{
	size_t n = 0;

	do {
		const char *lf = memchr(from->p + n, '\n', from->n - n);

		n = lf ? (size_t)(lf - from->p) + 1 : from->n;
	} while (n < from->n && (from->p[n] == ' ' || from->p[n] == '\t'));
	*from = ear_slice(from->p + n, from->n - n);
	return ear_slice(from->p - n, n);
}

/* A colon may be missing: readers that are lenient take such a line too. */
static bool is_ours(struct ear_slice line)
{
	struct ear_slice name;

	if (!line.n || ear_lower(line.p[0]) != 'x')
		return false;
	name = ear_slice_sub(line, 0, ear_slice_find(line, EAR_S(":")));
	return ear_siptrace_field(ear_slice_trim(name));
}

enum ear_err ear_siptrace_write(struct ear_slice sip,
	const struct ear_siptrace_out *fields, struct ear_buf *out)
{
	size_t end = ear_slice_find(sip, EAR_S("\r\n\r\n")), from = out->n;
	struct ear_slice header = ear_slice_sub(sip, 0, end + 2);

	if (end == sip.n)
		return EAR_BAD;
	/* the start line is no field, whatever it looks like: without it the
	 * first of ours would be taken for it */
	if (sip.p[0] != '\r' && sip.p[0] != '\n')
		ear_buf_slice(out, take_line(&header));
	while (header.n) {
		struct ear_slice line = take_line(&header);

		/* some take it for the end of the header, others do not */
		if (line.p[0] == '\n' || line.p[0] == '\r') {
			out->n = from;
			return EAR_BAD;
		}
		if (!is_ours(line))
			ear_buf_slice(out, line);
	}
	if (fields)
		write_fields(fields, out);
	ear_buf_slice(out, ear_slice_sub(sip, end + 2, sip.n));
	return out->err;
}
