/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: REFER, and what NOTIFY says of it. */
#include "proto/sip.h"
#include "track/call_priv.h"

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
	if (slot == CALL_NONE || c->call[slot]->state != CALL_UP)
		return;
	call_note(c, slot, "transfer failed: %.*s",
		EAR_FMT(ear_slice_sub(line, 0, 60)));
	call_touch(c, slot, e->msg->at_ns);
}
