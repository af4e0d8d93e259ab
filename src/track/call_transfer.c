/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: REFER, and what NOTIFY says of it. */
#include "base/percent.h"
#include "proto/sip.h"
#include "track/call_priv.h"

/* An attended transfer names the call that its target is already in:
 * Refer-To: <sip:601@h?Replaces=CALL-ID%3Bto-tag%3D…> (RFC 3891 s3). */
static void join_attended(
	struct ear_calls *c, uint32_t slot, struct ear_slice headers)
{
	const struct ear_slice name = EAR_S("Replaces=");
	struct ear_slice value = {0};
	char plain[UINT8_MAX + 1];

	while (headers.n && !value.n) {
		size_t n = ear_slice_find(headers, EAR_S("&"));
		struct ear_slice one = ear_slice_sub(headers, 0, n);

		if (ear_slice_ieq(ear_slice_sub(one, 0, name.n), name))
			value = ear_slice_sub(one, name.n, one.n);
		headers = ear_slice_sub(headers, n + 1, headers.n);
	}
	if (!value.n || value.n > sizeof(plain))
		return;
	value = ear_slice(plain, ear_percent_decode(value, plain));
	call_join_transfer(c, slot,
		ear_slice_sub(value, 0, ear_slice_find(value, EAR_S(";"))));
}

/* Source: RFC 3515 s2.4.2 */
void call_refer(struct ear_calls *c, struct call_event *e)
{
	uint32_t slot = call_of(c, e);
	const struct ear_sip *sip = call_sip(e);
	struct ear_sip_addr addr;
	struct ear_slice list, to;

	if (slot == CALL_NONE && e->f->to_tag.n)
		slot = call_join_answered(c, e);
	if (slot == CALL_NONE || c->call[slot]->state == CALL_OVER || !sip)
		return;
	list = ear_sip_value(sip, EAR_SIP_REFER_TO);
	if (!ear_sip_addr_next(&list, &addr))
		return;
	to = addr.uri.user.n ? addr.uri.user : addr.uri.host;
	call_note(c, slot, "transferred to %.*s",
		EAR_FMT(ear_slice_sub(to, 0, 80)));
	call_expect_transfer(c, slot, addr.uri.user);
	join_attended(c, slot, addr.uri.headers);
	call_touch(c, slot, e->msg->at_ns);
}

/* Source: RFC 3515 s2.4.5: a sipfrag says how the transfer goes. */
void call_notify(struct ear_calls *c, struct call_event *e)
{
	const struct ear_slice start = EAR_S("SIP/2.0 ");
	struct ear_slice body = e->f->body, line;
	uint32_t slot;
	uint64_t status;

	if (!ear_slice_starts(body, start))
		return;
	line = ear_slice_sub(body, start.n, ear_slice_find(body, EAR_S("\r")));
	if (!ear_slice_u64(ear_slice_sub(line, 0, 3), 699, &status) ||
		status < 300)
		return;
	slot = call_of(c, e);
	if (slot == CALL_NONE || (c->call[slot]->state != CALL_UP &&
					 !call_is_done(c->call[slot])))
		return;
	call_note(c, slot, "transfer failed: %.*s",
		EAR_FMT(ear_slice_sub(line, 0, 60)));
	if (call_is_done(c->call[slot]))
		call_tell(c, c->call[slot]); /* its row was told as it ended */
	else
		call_touch(c, slot, e->msg->at_ns);
}
