/* SPDX-License-Identifier: Apache-2.0 */
/* GET status and healthz. */
#include "console/priv.h"

void ear_status_show(struct ear_call *call)
{
	const struct ear_console_options *o = &call->console->o;
	struct ear_json j = ear_call_json(call);

	ear_json_open(&j, '{');
	if (o->status_json)
		o->status_json(&j, o->status_arg);
	ear_json_close(&j, '}');
}

void ear_status_health(struct ear_call *call)
{
	struct ear_json j = ear_call_json(call);

	ear_json_open(&j, '{');
	ear_json_kbool(&j, "ok", true);
	ear_json_close(&j, '}');
}
