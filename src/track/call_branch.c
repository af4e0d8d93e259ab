/* SPDX-License-Identifier: Apache-2.0 */
/* Branches and dialogs of a call. */
#include "track/call_priv.h"

struct call_branch *call_branch_of(struct call *call, uint32_t hash)
{
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (call->branch[i].flags && call->branch[i].hash == hash)
			return &call->branch[i];
	}
	return NULL;
}

void call_add_branch(struct call *call, uint32_t hash, bool first_hop)
{
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (call->branch[i].flags)
			continue;
		call->branch[i] = (struct call_branch){.hash = hash,
			.flags = first_hop ? CALL_BRANCH_FIRST
					   : CALL_BRANCH_BEHIND};
		return;
	}
}

struct call_dialog *call_dialog_of(struct call *call, uint64_t tag, bool add)
{
	uint32_t short_tag = (uint32_t)tag ? (uint32_t)tag : 1;

	for (unsigned i = 0; i < CALL_DIALOGS; i++) {
		if (call->dialog[i].tag == short_tag)
			return &call->dialog[i];
		if (call->dialog[i].tag || !add)
			continue;
		call->dialog[i].tag = short_tag;
		call->tags_seen++;
		return &call->dialog[i];
	}
	return NULL;
}
