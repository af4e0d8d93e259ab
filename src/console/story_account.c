/* SPDX-License-Identifier: Apache-2.0 */
/* GET accounts/ID: the story of an account. */
#include "console/lists.h"
#include "console/priv.h"

void ear_story_account(struct ear_call *call)
{
	struct ear_json j = ear_call_json(call);
	struct ear_fault fault = {0};
	struct ear_list_ask ask;
	enum ear_err err;
	uint64_t id;

	if (!ear_list_ask_init(&ask, call))
		return;
	if (!ear_slice_u64(call->rest, INT64_MAX, &id)) {
		ear_call_fail(call, 404, "there is no such account");
		goto out;
	}
	err = ear_records_story(call->console->o.records, id, ask.query.from_ns,
		ask.query.to_ns, &j, &fault);
	if (err == EAR_GONE)
		ear_call_fail(call, 404, "there is no such account");
	else if (err)
		ear_call_fault(call, err, &fault);
	else
		ear_call_audit(
			call, "account.open", true, call->rest, EAR_S(""));
out:
	ear_list_ask_fini(&ask);
}
