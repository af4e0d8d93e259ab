/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields that the facts do not have; only few messages need them. */
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

/* Source: RFC 3326 s2 */
bool call_read_reason(struct call_event *e, struct call_reason *reason)
{
	const struct ear_sip *sip = call_sip(e);
	struct ear_sip_cursor cursor = {0};
	struct ear_sip_header header;

	*reason = (struct call_reason){0};
	if (!sip)
		return false;
	while (ear_sip_next_of(sip, EAR_SIP_REASON, &cursor, &header)) {
		struct ear_slice list = header.value;

		if (!reason->text.n)
			reason->text = header.value;
		while (list.n) {
			struct ear_slice value = next_value(&list);
			size_t semi = ear_slice_find(value, EAR_S(";"));
			struct ear_slice protocol =
				ear_slice_trim(ear_slice_sub(value, 0, semi));
			uint16_t cause = number(ear_sip_param_of(
				ear_slice_sub(value, semi + 1, value.n),
				EAR_S("cause")));

			if (ear_slice_ieq(protocol, EAR_S("Q.850")))
				reason->q850 = cause;
			else if (ear_slice_ieq(protocol, EAR_S("SIP")))
				reason->sip = cause;
		}
	}
	return reason->text.n > 0;
}

/* RFC 4028 s4: at least 90; longer than a month is no timer any more. */
#define SESSION_LEAST 90
#define SESSION_MOST (31 * 86400)

uint32_t call_read_session(struct call_event *e)
{
	const struct ear_sip *sip = call_sip(e);
	struct ear_slice value;
	uint64_t seconds;
	size_t n = 0;

	if (!sip)
		return 0;
	value = ear_sip_value(sip, EAR_SIP_SESSION_EXPIRES);
	while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
		n++;
	if (!ear_slice_u64(ear_slice_sub(value, 0, n), SESSION_MOST, &seconds))
		return 0;
	return seconds < SESSION_LEAST ? SESSION_LEAST : (uint32_t)seconds;
}
