/* SPDX-License-Identifier: Apache-2.0 */
#include "console/methods.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "console/methods_priv.h"
#include "console/params.h"
#include "flow/status.h"

static const struct ear_rpc_method methods[] = {
#define X(name, fn, help, code) {name, fn, help, code},
#include "console/methods.def"
#undef X
};

struct ear_rpc_table ear_methods(const struct ear_methods_options *options)
{
	return (struct ear_rpc_table){
		methods, sizeof(methods) / sizeof(methods[0]), (void *)options};
}

void ear_rpc_notice(const struct ear_rpc_call *call, const char *event,
	const char *format, ...)
{
	const struct ear_methods_options *o = call->arg;
	char text[512];
	int n = snprintf(text, sizeof(text), "by %s: ", call->by);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, ap);
	va_end(ap);
	ear_notices_add(
		event, ear_slice_str(text), ear_server_notices(o->server));
}

void ear_rpc_audit(const struct ear_rpc_call *call, const char *action,
	const char *object, const char *detail)
{
	const struct ear_methods_options *o = call->arg;

	ear_audit_add(o->audit, &(struct ear_audit_entry){.at_ns = ear_now_ns(),
					.actor = ear_slice_str(call->by),
					.action = ear_slice_str(action),
					.object = ear_slice_str(object),
					.detail = ear_slice_str(detail)});
}

enum ear_err ear_rpc_log_level(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const char *name = NULL;
	const struct ear_param table[] = {{"level", EAR_PARAM_TEXT, &name}};
	enum ear_err err = ear_params_read(call->params, table, 1, fault);
	enum ear_level level;

	if (err)
		return err;
	if (name && !ear_level_of(ear_slice_str(name), &level))
		return ear_fail(fault, EAR_USAGE, 0,
			"level is debug, info, notice, warning or error, not "
			"'%.40s'",
			name);
	if (name && level != ear_log_level()) {
		ear_log_level_set(level);
		ear_rpc_notice(
			call, "log.level", "the log's level is %s now", name);
		ear_rpc_audit(call, "log.level", name, "");
	}
	ear_json_str(result, ear_slice_str(ear_level_name(ear_log_level())));
	return EAR_OK;
}

enum ear_err ear_rpc_ledger(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const struct ear_methods_options *o = call->arg;
	enum ear_err err = ear_params_read(call->params, NULL, 0, fault);

	if (err)
		return err;
	ear_json_open(result, '{');
	ear_status_ledger(result, ear_server_ledger(o->server));
	ear_json_close(result, '}');
	return EAR_OK;
}

enum ear_err ear_rpc_notices(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const struct ear_methods_options *o = call->arg;
	enum ear_err err = ear_params_read(call->params, NULL, 0, fault);

	if (!err)
		ear_notices_json(ear_server_notices(o->server), result);
	return err;
}

/* One text a line of told. */
static void write_lines(struct ear_json *j, struct ear_slice told)
{
	ear_json_open(j, '[');
	while (told.n > 0) {
		size_t end = ear_slice_find(told, EAR_S("\n"));

		if (end > 0)
			ear_json_str(j, ear_slice_sub(told, 0, end));
		told = ear_slice_sub(told, end + 1, told.n);
	}
	ear_json_close(j, ']');
}

enum ear_err ear_rpc_reload(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const struct ear_methods_options *o = call->arg;
	enum ear_err err = ear_params_read(call->params, NULL, 0, fault);
	struct ear_buf told = {0};

	if (err)
		return err;
	if (!o->reload)
		return ear_fail(fault, EAR_UNSUPPORTED, 0,
			"this server has no configuration to read again");
	err = o->reload(&told, fault, o->arg);
	ear_rpc_audit(call, "reload", "", err ? fault->text : "");
	if (err)
		ear_rpc_notice(call, "config.refused",
			"the configuration was not applied: %s", fault->text);
	else
		ear_rpc_notice(call, "config.reloaded",
			"the configuration was read again");
	if (!err) {
		ear_json_open(result, '{');
		ear_json_key(result, "needs_restart");
		write_lines(result, ear_buf_view(&told));
		ear_json_close(result, '}');
	}
	ear_buf_fini(&told);
	return err;
}
