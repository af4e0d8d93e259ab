/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST traces, GET mirrors, POST siptrace. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "console/priv.h"
#include "console/trace_ask.h"

/* Longest "user@address", with its NUL. */
#define BY_TEXT (sizeof(((struct ear_call *)0)->by) + EAR_ADDR_TEXT)

static struct ear_rules *rules_of(struct ear_call *call)
{
	struct ear_rules *rules = call->console->o.rules;

	if (!rules)
		ear_call_fail(call, 404, "this server has no traces");
	return rules;
}

static void name_caller(const struct ear_call *call, char by[BY_TEXT])
{
	char ip[EAR_ADDR_TEXT];

	ear_addr_ip_text(&call->from, ip);
	snprintf(by, BY_TEXT, "%s@%s", call->by, ip);
}

void ear_traces_list_route(struct ear_call *call)
{
	struct ear_rules *rules = rules_of(call);
	struct ear_json j = ear_call_json(call);

	if (rules)
		ear_trace_view(rules, &j);
}

void ear_mirrors_list_route(struct ear_call *call)
{
	struct ear_rules *rules = rules_of(call);
	struct ear_json j = ear_call_json(call);

	if (rules)
		ear_mirror_view(rules, &j);
}

void ear_traces_start_route(struct ear_call *call)
{
	struct ear_rules *rules = rules_of(call);
	json_t *root = rules ? ear_call_object(call) : NULL;
	struct ear_json j = ear_call_json(call);
	char name[EAR_TRACE_NAME + 1], by[BY_TEXT];
	struct ear_fault fault = {0};
	struct ear_trace_ask ask;
	enum ear_err err;

	if (!root)
		return;
	name_caller(call, by);
	err = ear_trace_ask_read(root, rules, ear_now_ns(), &ask, &fault);
	ask.spec.by = by;
	if (!err)
		err = ear_traces_start(
			ear_rules_traces(rules), &ask.spec, name, &fault);
	if (err) {
		if (ask.at_rule)
			ear_call_fault(call, err, &fault);
		else
			ear_call_refuse(call, err, &fault);
	} else {
		ear_json_open(&j, '{');
		ear_json_kstr(&j, "name", ear_slice_str(name));
		ear_json_ktime(&j, "until", ask.spec.until_ns);
		ear_json_close(&j, '}');
		ear_call_audit(call, "trace.start", false, ear_slice_str(name),
			ear_slice_str(ask.spec.rule));
	}
	json_decref(root);
}

/* "NAME/stop": a name may have a slash in it. @return the slash, or NULL */
static char *split_rest(const struct ear_call *call, char *text, size_t room)
{
	snprintf(text, room, "%.*s", EAR_FMT(call->rest));
	return call->rest.n < room ? strrchr(text, '/') : NULL;
}

void ear_traces_change_route(struct ear_call *call)
{
	struct ear_rules *rules = rules_of(call);
	struct ear_json j = ear_call_json(call);
	char text[EAR_TRACE_NAME + 16], by[BY_TEXT], *what;
	struct ear_fault fault = {0};
	struct ear_traces *traces;
	enum ear_err err;

	if (!rules)
		return;
	traces = ear_rules_traces(rules);
	what = split_rest(call, text, sizeof(text));
	name_caller(call, by);
	if (what)
		*what++ = '\0';
	if (what && !strcmp(what, "stop"))
		err = ear_traces_stop(traces, text, by, &fault);
	else if (what && (!strcmp(what, "on") || !strcmp(what, "off")))
		err = ear_traces_switch(
			traces, text, !strcmp(what, "on"), by, &fault);
	else
		err = ear_fail(&fault, EAR_GONE, 0, "no such page");
	if (err) {
		ear_call_refuse(call, err, &fault);
		return;
	}
	ear_call_audit(call, "trace.change", false, ear_slice_str(text),
		ear_slice_str(what));
	ear_json_open(&j, '{');
	ear_json_close(&j, '}');
}

void ear_siptrace_route(struct ear_call *call)
{
	struct ear_rules *rules = rules_of(call);
	json_t *root = rules ? ear_call_object(call) : NULL;
	struct ear_json j = ear_call_json(call);
	bool on = false;
	const struct ear_param table[] = {
		{"on", EAR_PARAM_BOOL, &on, .needed = true}};
	struct ear_fault fault = {0};
	char by[BY_TEXT];
	enum ear_err err;

	if (!root)
		return;
	name_caller(call, by);
	err = ear_params_read(root, table, 1, &fault);
	if (!err)
		err = ear_traces_switch(
			ear_rules_traces(rules), NULL, on, by, &fault);
	if (err) {
		ear_call_refuse(call, err, &fault);
	} else {
		ear_json_open(&j, '{');
		ear_json_kbool(&j, "on", on);
		ear_json_close(&j, '}');
		ear_call_audit(call, "siptrace.switch", false,
			on ? EAR_S("on") : EAR_S("off"), EAR_S(""));
	}
	json_decref(root);
}
