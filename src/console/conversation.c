/* SPDX-License-Identifier: Apache-2.0 */
/* GET conversation: all messages of a Call-ID, as a ladder. */
#include <stdio.h>

#include "console/found.h"
#include "console/priv.h"
#include "track/ladder_json.h"

/* A page that shows more than this helps nobody; export does. */
#define MESSAGES_MAX 5000
#define BYTES_MAX (8u << 20)

struct gathering {
	struct ear_store *store;
	struct ear_gather bag;
	enum ear_err err;
};

static bool gather(
	const struct ear_msg *msg, const struct ear_facts *facts, void *arg)
{
	struct gathering *g = arg;
	char id[40] = "";

	g->store->ops->id_text(g->store, msg, facts, id);
	g->err = ear_gather_add(&g->bag, msg, id);
	return g->err == EAR_OK;
}

static void write_ladder(struct ear_call *call, struct ear_slice call_id,
	struct gathering *g, const struct ear_found *found,
	const struct ear_asked *asked)
{
	struct ear_json j = ear_call_json(call);
	struct ear_ladder *ladder;

	ear_gather_sort(&g->bag);
	if (ear_ladder_new(g->bag.v, g->bag.n, &ladder)) {
		ear_call_fail(call, 503, "out of memory");
		return;
	}
	ear_json_open(&j, '{');
	ear_json_kstr(&j, "call_id", call_id);
	ear_ladder_json_members(&j, ladder);
	ear_json_key(&j, "found");
	ear_found_json(&j, found, asked);
	ear_json_close(&j, '}');
	ear_ladder_free(&ladder);
}

void ear_conversation_show(struct ear_call *call)
{
	struct ear_store *store = call->console->o.store;
	struct gathering g = {.store = store,
		.bag = {.max = MESSAGES_MAX, .max_bytes = BYTES_MAX}};
	struct ear_slice call_id = ear_call_arg(call, "call_id");
	struct ear_found found = {0};
	struct ear_fault fault = {0};
	struct ear_buf text = {0};
	struct ear_asked asked = {0};
	enum ear_err err;

	if (call_id.n == 0) {
		ear_call_fail(call, 400, "call_id is missing");
		return;
	}
	ear_buf_str(&text, "call_id == ");
	ear_call_quote(call_id, &text);
	if (text.err) {
		ear_call_fail(call, 503, "out of memory");
		goto out;
	}
	if (!ear_asked_init_text(&asked, call, ear_buf_view(&text)))
		goto out;
	asked.query.oldest_first = true;
	asked.query.limit = MESSAGES_MAX + 1;
	err = store->ops->find(store, &asked.query, gather, &g, &found, &fault);
	if (err || g.err == EAR_NOMEM) {
		ear_call_fault(call, err ? err : g.err, &fault);
		goto out;
	}
	if (g.err == EAR_LIMIT) {
		found.complete = false;
		snprintf(found.why, sizeof(found.why),
			"only the first %zu messages are shown; "
			"export has all of them",
			g.bag.n);
	}
	if (g.bag.n == 0 && found.complete) {
		ear_call_fail(call, 404, "there is no such conversation");
		goto out;
	}
	ear_call_audit(call, "conversation.open", true, call_id, EAR_S(""));
	ear_found_tell(call, &asked, &found);
	write_ladder(call, call_id, &g, &found, &asked);
out:
	ear_buf_fini(&text);
	ear_gather_fini(&g.bag);
	ear_asked_fini(&asked);
}
