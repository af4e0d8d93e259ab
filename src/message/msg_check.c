/* SPDX-License-Identifier: Apache-2.0 */
#include "message/facts_sip.h"
#include "message/msg.h"

static struct ear_slice take(struct ear_slice *s, char end)
{
	const char *at = s->n ? memchr(s->p, end, s->n) : NULL;
	size_t n = at ? (size_t)(at - s->p) : s->n;
	struct ear_slice head = ear_slice_sub(*s, 0, n);

	*s = ear_slice_sub(*s, n + 1, s->n);
	return head;
}

/* The tap's own findings, one a line: "OFFSET rule-id words". */
static size_t from_note(const struct ear_msg *msg, struct ear_finding *found)
{
	struct ear_slice rest = msg->note;
	size_t n = 0;

	while (rest.n && n < EAR_FINDINGS_MAX) {
		struct ear_slice line = take(&rest, '\n');
		uint64_t offset = 0;

		if (line.n == 0)
			continue;
		if (!ear_slice_u64(take(&line, ' '), UINT32_MAX, &offset))
			offset = 0;
		found[n].offset = (uint32_t)offset;
		found[n].rule = take(&line, ' ');
		found[n].text = line;
		found[n].source = EAR_S("");
		n++;
	}
	return n;
}

static size_t from_sip(
	const struct ear_msg *msg, struct ear_finding *found, size_t room)
{
	struct ear_sip_finding own[EAR_FINDINGS_MAX];
	struct ear_sip_core core;
	struct ear_sip sip;
	size_t n;

	ear_sip_parse(msg->raw, &sip);
	ear_sip_core(&sip, &core);
	n = ear_sip_check(&sip, &core, ear_facts_sip_how(msg), own, room);
	for (size_t i = 0; i < n; i++) {
		found[i].offset = own[i].offset;
		found[i].rule = ear_sip_rule_name(own[i].rule);
		found[i].text = ear_sip_rule_text(own[i].rule);
		found[i].source = ear_sip_rule_source(own[i].rule);
	}
	return n;
}

size_t ear_msg_check(
	const struct ear_msg *msg, struct ear_finding found[EAR_FINDINGS_MAX])
{
	size_t n = from_note(msg, found);

	if (msg->proto == EAR_PROTO_SIP && n < EAR_FINDINGS_MAX)
		n += from_sip(msg, found + n, EAR_FINDINGS_MAX - n);
	return n;
}
