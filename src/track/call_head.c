/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields that the facts do not have. */
#include "track/call_priv.h"

struct ear_sip *call_sip(struct call_event *e)
{
	if (!e->parsed)
		e->parsed = ear_sip_parse(e->msg->raw, e->sip) == EAR_OK;
	return e->parsed ? e->sip : NULL;
}

static uint16_t number(struct ear_slice s)
{
	uint64_t v;

	return ear_slice_u64(s, UINT16_MAX, &v) ? (uint16_t)v : 0;
}

/* reason-value *( ";" reason-params ): one of them, up to a comma that does
 * not stand in quotes. */
static struct ear_slice next_value(struct ear_slice *list)
{
	bool quoted = false;
	size_t i = 0;
	struct ear_slice value;

	for (; i < list->n && (quoted || list->p[i] != ','); i++) {
		if (list->p[i] == '"')
			quoted = !quoted;
	}
	value = ear_slice_trim(ear_slice_sub(*list, 0, i));
	*list = ear_slice_sub(*list, i + 1, list->n);
	return value;
}

/* --- single fields, without reading all of them --------------------------- */

/* Just behind a header line with those that are folded onto it. */
static const char *line_end(const char *p, const char *end)
{
	do {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p || ++p == end)
			return end;
	} while (*p == ' ' || *p == '\t');
	return p;
}

static bool is_field(struct ear_slice line, struct ear_slice name, char compact)
{
	struct ear_slice rest;

	if (line.n < 2)
		return false;
	if (compact && ear_lower(line.p[0]) == compact)
		rest = ear_slice_sub(line, 1, line.n);
	else if (line.n > name.n &&
		 ear_lower(line.p[0]) == ear_lower(name.p[0]) &&
		 ear_slice_ieq(ear_slice_sub(line, 0, name.n), name))
		rest = ear_slice_sub(line, name.n, line.n);
	else
		return false;
	rest = ear_slice_trim(ear_slice_sub(rest, 0, 8));
	return rest.n && rest.p[0] == ':';
}

/*
 * Values of one header field, from the first line on. Replies and BYEs are
 * asked for one only, and most of them have it not: this costs a third of
 * finding out what each line is.
 */
static bool next_field(struct ear_slice *rest, struct ear_slice name,
	char compact, struct ear_slice *value)
{
	const char *end = rest->p + rest->n, *p, *next;

	for (p = line_end(rest->p, end); p < end && *p != '\r' && *p != '\n';
		p = next) {
		struct ear_slice line;

		next = line_end(p, end);
		if (ear_lower(*p) != ear_lower(name.p[0]) &&
			ear_lower(*p) != compact)
			continue;
		line = ear_slice(p, (size_t)(next - p));
		if (!is_field(line, name, compact))
			continue;
		*value = ear_slice_trim(ear_slice_sub(
			line, ear_slice_find(line, EAR_S(":")) + 1, line.n));
		*rest = ear_slice(p, (size_t)(end - p));
		return true;
	}
	return false;
}

static void read_value(struct ear_slice value, struct call_reason *reason)
{
	size_t semi = ear_slice_find(value, EAR_S(";"));
	struct ear_slice protocol =
		ear_slice_trim(ear_slice_sub(value, 0, semi));
	uint16_t cause = number(ear_sip_param_of(
		ear_slice_sub(value, semi + 1, value.n), EAR_S("cause")));

	if (ear_slice_ieq(protocol, EAR_S("Q.850")))
		reason->q850 = cause;
	else if (ear_slice_ieq(protocol, EAR_S("SIP")))
		reason->sip = cause;
}

/* Source: RFC 3326 s2 */
bool call_read_reason(const struct call_event *e, struct call_reason *reason)
{
	struct ear_slice rest = e->msg->raw, list;

	*reason = (struct call_reason){0};
	while (next_field(&rest, EAR_S("Reason"), 0, &list)) {
		if (!reason->text.n)
			reason->text = list;
		while (list.n)
			read_value(next_value(&list), reason);
	}
	return reason->text.n > 0;
}

/* RFC 4028 s4: at least 90; longer than a month is no timer any more. */
#define SESSION_LEAST 90
#define SESSION_MOST (31 * 86400)

uint32_t call_read_session(const struct call_event *e)
{
	struct ear_slice rest = e->msg->raw, value;
	uint64_t seconds;
	size_t n = 0;

	if (!next_field(&rest, EAR_S("Session-Expires"), 'x', &value))
		return 0;
	while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
		n++;
	if (!ear_slice_u64(ear_slice_sub(value, 0, n), SESSION_MOST, &seconds))
		return 0;
	return seconds < SESSION_LEAST ? SESSION_LEAST : (uint32_t)seconds;
}
