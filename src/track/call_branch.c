/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branches and dialogs of a call. What it was forked to shows in two ways:
 *
 *     behind the proxy  INVITEs of other Via branches. Each names in its
 *                       second Via the one that it was forwarded for, so that
 *                       hops in a row are told from branches side by side:
 *                       those count that no other was forwarded for
 *     before it         To-tags of what rang or answered (RFC 3261 s12.1)
 *
 * A refusal has a tag too, and mostly one of the proxy's own making.
 */
#include "base/hash.h"
#include "track/call_priv.h"

struct call_branch *call_branch_of(struct call *call, uint32_t hash)
{
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (call->branch[i].flags && call->branch[i].hash == hash)
			return &call->branch[i];
	}
	return NULL;
}

void call_add_branch(
	struct call *call, const struct call_event *e, bool first_hop)
{
	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		if (call->branch[i].flags)
			continue;
		call->branch[i] = (struct call_branch){.hash = e->branch,
			.parent = e->path.parent,
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
		return &call->dialog[i];
	}
	return NULL;
}

struct call_dialog *call_dialog_seen(
	struct call *call, const struct call_event *e)
{
	struct call_dialog *dialog = call_dialog_of(call, e->to_tag, true);

	if (dialog && !dialog->contact && e->f->contact.n)
		dialog->contact = (uint16_t)(ear_hash(e->f->contact) | 1);
	return dialog;
}

/* Whether another one was forwarded for it. Who hides the topology takes the
 * other Vias away: then it was the first one, as far as anybody can tell. */
static bool has_child(const struct call *call, const struct call_branch *b)
{
	uint16_t name = call_branch_name(b->hash);
	bool first = b->flags & CALL_BRANCH_FIRST;

	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		const struct call_branch *other = &call->branch[i];

		if (other->flags & CALL_BRANCH_BEHIND
				? other->parent == name ||
					  (first && !other->parent)
				: other->flags && other->parent == name)
			return true;
	}
	return false;
}

static unsigned forwarded(const struct call *call)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CALL_BRANCHES; i++) {
		const struct call_branch *b = &call->branch[i];

		if (b->flags && !(b->flags & CALL_BRANCH_AGAIN) &&
			!has_child(call, b))
			n++;
	}
	return n;
}

/* One phone may change its tag between ringing and answering. */
static bool same_contact_before(const struct call *call, unsigned at)
{
	for (unsigned i = 0; i < at; i++) {
		if (call->dialog[at].contact &&
			call->dialog[i].contact == call->dialog[at].contact)
			return true;
	}
	return false;
}

unsigned call_branches(const struct call *call)
{
	unsigned by_via = forwarded(call), by_tag = 0;

	for (unsigned i = 0; i < CALL_DIALOGS; i++) {
		if (call->dialog[i].tag && !same_contact_before(call, i))
			by_tag++;
	}
	if (by_tag > by_via)
		by_via = by_tag;
	return by_via ? by_via : 1;
}
