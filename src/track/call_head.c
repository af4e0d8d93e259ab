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

	if (!memchr(list->p, ',', list->n))
		i = list->n;
	for (; i < list->n && (quoted || list->p[i] != ','); i++) {
		if (list->p[i] == '"')
			quoted = !quoted;
	}
	value = ear_slice_trim(ear_slice_sub(*list, 0, i));
	*list = ear_slice_sub(*list, i + 1, list->n);
	return value;
}

/* --- single fields, without finding out what each of them is -------------- */

struct call_lines call_lines_of(const struct ear_msg *msg)
{
	struct call_lines lines = {msg->raw.p, msg->raw.p + msg->raw.n};
	struct ear_slice first;

	call_next_line(&lines, &first);
	return lines;
}

/* Nearly all write a name as its RFC does. */
static bool begins_with(struct ear_slice line, struct ear_slice name)
{
	return line.n > name.n &&
	       (!memcmp(line.p, name.p, name.n) ||
		       ear_slice_ieq(ear_slice_sub(line, 0, name.n), name));
}

bool call_is_field(struct ear_slice line, struct ear_slice name, char compact,
	struct ear_slice *value)
{
	size_t at = 1;

	if (begins_with(line, name))
		at = name.n;
	else if (!compact || ear_lower(line.p[0]) != compact)
		return false;
	while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
		at++;
	if (at == line.n || line.p[at] != ':')
		return false;
	*value = ear_slice_trim(ear_slice_sub(line, at + 1, line.n));
	return true;
}

/* The next field of that name. Folded lines begin with a blank, so that they
 * are never taken for one; what is folded onto the one looked for is cut
 * off. */
static bool next_field(struct call_lines *lines, struct ear_slice name,
	char compact, struct ear_slice *value)
{
	const char first = ear_lower(name.p[0]);
	struct ear_slice line;

	while (call_next_line(lines, &line)) {
		char ch = ear_lower(line.p[0]);

		if ((ch == first || ch == compact) &&
			call_is_field(line, name, compact, value))
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
	struct call_lines lines = call_lines_of(e->msg);
	struct ear_slice list;

	*reason = (struct call_reason){0};
	while (next_field(&lines, EAR_S("Reason"), 0, &list)) {
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
	struct call_lines lines = call_lines_of(e->msg);
	struct ear_slice value;
	uint64_t seconds;
	size_t n = 0;

	if (!next_field(&lines, EAR_S("Session-Expires"), 'x', &value))
		return 0;
	while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
		n++;
	if (!ear_slice_u64(ear_slice_sub(value, 0, n), SESSION_MOST, &seconds))
		return 0;
	return seconds < SESSION_LEAST ? SESSION_LEAST : (uint32_t)seconds;
}
