/* SPDX-License-Identifier: Apache-2.0 */
/* GET messages and messages/ID. */
#include <stdio.h>

#include "console/found.h"
#include "console/priv.h"
#include "message/msg_json.h"

/* Most bytes of one answer: a page of a thousand messages of 1 KiB of facts
 * fits many times; a page of hostile ones goes on with the next. */
#define ANSWER_MAX (8u << 20)

struct page {
	struct ear_store *store;
	struct ear_json j;
	bool full;
};

static bool add_message(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct page *page = arg;
	char id[40] = "";

	page->store->ops->id_text(page->store, msg, facts, id);
	ear_msg_json(&page->j, msg, facts, ear_slice_str(id));
	page->full = page->j.out->n >= ANSWER_MAX;
	return !page->full && !page->j.out->err;
}

void ear_search_messages(struct ear_call *call)
{
	struct ear_store *store = call->console->o.store;
	struct page page = {.store = store, .j = ear_call_json(call)};
	struct ear_found found = {0};
	struct ear_fault fault = {0};
	struct ear_asked asked;
	enum ear_err err;

	if (!ear_asked_init(&asked, call) ||
		!ear_call_number(
			call, "limit", 1, 1000, 100, &asked.query.limit))
		goto out;
	ear_json_open(&page.j, '{');
	ear_json_key(&page.j, "messages");
	ear_json_open(&page.j, '[');
	err = store->ops->find(
		store, &asked.query, add_message, &page, &found, &fault);
	if (err) {
		ear_call_fault(call, err, &fault);
		goto out;
	}
	if (page.full && !found.why[0])
		snprintf(found.why, sizeof(found.why),
			"the answer became too large; the cursor goes on");
	ear_call_audit(
		call, "search", true, ear_call_arg(call, "q"), EAR_S(""));
	ear_found_tell(call, &asked, &found);
	ear_json_close(&page.j, ']');
	ear_json_key(&page.j, "found");
	ear_found_json(&page.j, &found, &asked);
	ear_json_close(&page.j, '}');
out:
	ear_asked_fini(&asked);
}

static bool show_message(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct ear_call *call = arg;
	struct ear_store *store = call->console->o.store;
	struct ear_json j = ear_call_json(call);
	char id[40] = "";

	store->ops->id_text(store, msg, facts, id);
	ear_json_open(&j, '{');
	ear_msg_json_members(&j, msg, facts, ear_slice_str(id));
	ear_json_kstr(&j, "raw", msg->raw);
	ear_msg_json_findings(&j, msg);
	ear_json_close(&j, '}');
	return true;
}

void ear_search_message(struct ear_call *call)
{
	struct ear_store *store = call->console->o.store;
	struct ear_fault fault = {0};
	enum ear_err err =
		store->ops->get(store, call->rest, show_message, call, &fault);

	if (err == EAR_GONE || err == EAR_USAGE || err == EAR_BAD)
		ear_call_fail(call, 404, "there is no message of that id");
	else if (err)
		ear_call_fault(call, err, &fault);
	else
		ear_call_audit(
			call, "message.open", true, call->rest, EAR_S(""));
}
