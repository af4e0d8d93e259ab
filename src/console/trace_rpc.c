/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of the control channel about traces and mirrors. */
#include <strings.h>

#include "base/time.h"
#include "console/methods_priv.h"
#include "console/trace_ask.h"

struct ear_rules *ear_rpc_rules(
	const struct ear_rpc_call *call, struct ear_fault *fault)
{
	const struct ear_methods_options *o = call->arg;
	struct ear_rules *rules = ear_server_rules(o->server);

	if (!rules)
		ear_fail(
			fault, EAR_UNSUPPORTED, 0, "this server has no traces");
	return rules;
}

/* The first parameter, whatever its name: Kamailio's reader takes them in
 * order. NULL: there is none. */
static const json_t *first(const json_t *params)
{
	if (json_is_array(params))
		return json_array_get(params, 0);
	return json_object_iter_value(json_object_iter((json_t *)params));
}

/* Its words and codes are those of Kamailio's siptrace.c, also that "only"
 * means on: whatever begins with the word is that word. */
enum ear_err ear_rpc_siptrace(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const json_t *param = first(call->params);
	const char *word = json_string_value(param);
	struct ear_rules *rules;
	struct ear_traces *traces;
	bool on;

	if (!param || json_is_null(param))
		return ear_fail(fault, EAR_USAGE, 0,
			"Not enough parameters (on, off or check)");
	if (!word)
		word = "";
	on = strncasecmp(word, "on", 2) == 0;
	if (!on && strncasecmp(word, "off", 3) != 0 &&
		strncasecmp(word, "check", 5) != 0)
		return ear_fail(fault, EAR_USAGE, 0,
			"Bad parameter (on, off or check)");
	rules = ear_rpc_rules(call, NULL);
	traces = rules ? ear_rules_traces(rules) : NULL;
	if (!traces ||
		(strncasecmp(word, "check", 5) != 0 &&
			ear_traces_switch(traces, NULL, on, call->by, NULL)))
		return ear_fail(fault, EAR_SYS, 0, "Internal error");
	if (strncasecmp(word, "check", 5) != 0)
		ear_rpc_audit(call, "siptrace.switch", on ? "on" : "off", "");
	ear_json_str(result,
		ear_traces_on(traces) ? EAR_S("Enabled") : EAR_S("Disabled"));
	return EAR_OK;
}

enum ear_err ear_rpc_trace_list(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	enum ear_err err = ear_params_read(call->params, NULL, 0, fault);
	struct ear_rules *rules = err ? NULL : ear_rpc_rules(call, fault);

	if (!rules)
		return err ? err : EAR_UNSUPPORTED;
	ear_trace_view(rules, result);
	return EAR_OK;
}

enum ear_err ear_rpc_mirror_list(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	enum ear_err err = ear_params_read(call->params, NULL, 0, fault);
	struct ear_rules *rules = err ? NULL : ear_rpc_rules(call, fault);

	if (!rules)
		return err ? err : EAR_UNSUPPORTED;
	ear_mirror_view(rules, result);
	return EAR_OK;
}

enum ear_err ear_rpc_trace_start(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	struct ear_rules *rules = ear_rpc_rules(call, fault);
	char name[EAR_TRACE_NAME + 1];
	struct ear_trace_ask ask;
	enum ear_err err;

	if (!rules)
		return EAR_UNSUPPORTED;
	err = ear_trace_ask_read(
		call->params, rules, ear_now_ns(), &ask, fault);
	ask.spec.by = call->by;
	if (!err)
		err = ear_traces_start(
			ear_rules_traces(rules), &ask.spec, name, fault);
	if (err)
		return err;
	ear_rpc_audit(call, "trace.start", name, ask.spec.rule);
	ear_json_open(result, '{');
	ear_json_kstr(result, "name", ear_slice_str(name));
	ear_json_ktime(result, "until", ask.spec.until_ns);
	ear_json_close(result, '}');
	return EAR_OK;
}

enum ear_err ear_rpc_trace_stop(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const char *name = NULL;
	const struct ear_param table[] = {
		{"name", EAR_PARAM_TEXT, &name, .needed = true}};
	enum ear_err err = ear_params_read(call->params, table, 1, fault);
	struct ear_rules *rules = err ? NULL : ear_rpc_rules(call, fault);

	if (!rules)
		return err ? err : EAR_UNSUPPORTED;
	err = ear_traces_stop(ear_rules_traces(rules), name, call->by, fault);
	if (err)
		return err;
	ear_rpc_audit(call, "trace.change", name, "stop");
	ear_json_bool(result, true);
	return EAR_OK;
}

enum ear_err ear_rpc_trace_switch(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const char *name = NULL;
	bool on = false;
	const struct ear_param table[] = {
		{"name", EAR_PARAM_TEXT, &name, .needed = true},
		{"on", EAR_PARAM_BOOL, &on, .needed = true},
	};
	enum ear_err err = ear_params_read(call->params, table, 2, fault);
	struct ear_rules *rules = err ? NULL : ear_rpc_rules(call, fault);

	if (!rules)
		return err ? err : EAR_UNSUPPORTED;
	err = ear_traces_switch(
		ear_rules_traces(rules), name, on, call->by, fault);
	if (err)
		return err;
	ear_rpc_audit(call, "trace.change", name, on ? "on" : "off");
	ear_json_bool(result, true);
	return EAR_OK;
}
