/* SPDX-License-Identifier: Apache-2.0 */
/* Methods of the control channel that put something into the record. */
#include "console/methods_priv.h"
#include "console/params.h"

/* As long as a message may be; the journal has the last word. */
#define TEXT_MOST 65535

enum ear_err ear_rpc_hlog(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const struct ear_methods_options *o = call->arg;
	const char *text = NULL, *correlation = "";
	const struct ear_param table[] = {
		{"text", EAR_PARAM_TEXT, &text, .needed = true,
			.most = TEXT_MOST},
		{"correlation", EAR_PARAM_TEXT, &correlation, .most = 255},
	};
	enum ear_err err = ear_params_read(call->params, table, 2, fault);
	struct ear_event event = {0};

	if (err)
		return err;
	if (!text[0])
		return ear_fail(fault, EAR_USAGE, 0, "text is empty");
	event.text = ear_slice_str(text);
	event.correlation = ear_slice_str(correlation);
	err = ear_server_event(o->server, &event, fault);
	if (!err)
		ear_json_bool(result, true);
	return err;
}

static enum ear_err read_addr(const char *name, const char *text,
	struct ear_addr *addr, struct ear_fault *fault)
{
	if (!text || !ear_addr_parse(ear_slice_str(text), addr))
		return EAR_OK;
	return ear_fail(fault, EAR_USAGE, 0,
		"%s: '%.60s' is no address, as 192.0.2.1:5060", name, text);
}

static enum ear_err read_words(const char *transport, const char *direction,
	struct ear_event *event, struct ear_fault *fault)
{
	event->transport = (uint8_t)ear_transport_of(ear_slice_str(transport));
	if (event->transport == EAR_TR_UNKNOWN)
		return ear_fail(fault, EAR_USAGE, 0,
			"transport is udp, tcp, tls, sctp, ws or wss, not "
			"'%.20s'",
			transport);
	if (!strcmp(direction, "in"))
		event->direction = EAR_DIR_IN;
	else if (!strcmp(direction, "out"))
		event->direction = EAR_DIR_OUT;
	else if (direction[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"direction is in or out, not '%.20s'", direction);
	return EAR_OK;
}

enum ear_err ear_rpc_trace_msg(const struct ear_rpc_call *call,
	struct ear_json *result, struct ear_fault *fault)
{
	const struct ear_methods_options *o = call->arg;
	const char *text = NULL, *src = NULL, *dst = NULL;
	const char *transport = "udp", *direction = "", *correlation = "";
	const struct ear_param table[] = {
		{"message", EAR_PARAM_TEXT, &text, .needed = true,
			.most = TEXT_MOST},
		{"src", EAR_PARAM_TEXT, &src},
		{"dst", EAR_PARAM_TEXT, &dst},
		{"transport", EAR_PARAM_TEXT, &transport},
		{"direction", EAR_PARAM_TEXT, &direction},
		{"correlation", EAR_PARAM_TEXT, &correlation, .most = 255},
	};
	struct ear_event event = {.sip = true};
	enum ear_err err = ear_params_read(
		call->params, table, sizeof(table) / sizeof(table[0]), fault);

	if (!err)
		err = read_addr("src", src, &event.src, fault);
	if (!err)
		err = read_addr("dst", dst, &event.dst, fault);
	if (!err)
		err = read_words(transport, direction, &event, fault);
	if (err)
		return err;
	event.text = ear_slice_str(text);
	event.correlation = ear_slice_str(correlation);
	err = ear_server_event(o->server, &event, fault);
	if (!err)
		ear_json_bool(result, true);
	return err;
}
