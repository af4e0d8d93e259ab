/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "config/settings_priv.h"
#include "tap/capture.h"

/* One process is one user: sections that name one name the same. */
static enum ear_err become(struct ear_settings *s,
	const struct ear_config_capture *from, struct ear_fault *fault)
{
	if (!from->user[0])
		return EAR_OK;
	if (s->server.user && strcmp(s->server.user, from->user) != 0)
		return ear_fail(fault, EAR_USAGE, 0,
			"capture \"%.48s\": user: another section says "
			"'%.64s'; the server can become only one",
			from->name, s->server.user);
	s->server.user = from->user;
	return EAR_OK;
}

static enum ear_err check(
	const struct ear_config_capture *from, struct ear_fault *fault)
{
	struct ear_fault why = {0};
	enum ear_err err;

	if (!from->device[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"capture \"%.48s\": device: name one, as eth0; any is "
			"all of them",
			from->name);
	err = ear_capture_check(from->filter, &why);
	if (err)
		ear_fail(fault, err, 0, "capture \"%.48s\": %.280s", from->name,
			why.text);
	return err;
}

static enum ear_err ports(const struct ear_config_capture *from,
	struct ear_capture_spec *spec, struct ear_fault *fault)
{
	const struct ear_config_list *list = &from->tls_ports;

	for (size_t i = 0; i < list->n; i++) {
		if (ear_ports_add(&spec->ports, ear_slice_str(list->item[i])))
			return ear_fail(fault, EAR_USAGE, 0,
				"capture \"%.48s\": tls_ports: '%.32s' is no "
				"port; write it as 443",
				from->name, list->item[i]);
	}
	return EAR_OK;
}

static struct ear_capture_spec spec_of(const struct ear_config_capture *from)
{
	return (struct ear_capture_spec){
		.name = from->name,
		.device = from->device,
		.filter = from->filter,
		.promiscuous = from->promiscuous,
		.snaplen = (uint32_t)from->snaplen,
		.buffer = from->buffer,
		.connections = from->connections,
		.idle_ns = from->idle,
		.keylog = from->keylog,
		.node = from->node,
		.capture_id = (uint32_t)from->capture_id,
	};
}

enum ear_err settings_captures(struct ear_settings *s,
	const struct ear_config *config, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	s->server.captures = s->capture;
	for (size_t i = 0; !err && i < config->capture_n; i++) {
		const struct ear_config_capture *from = &config->capture[i];

		err = check(from, fault);
		if (err || !from->enabled)
			continue;
		err = become(s, from, fault);
		if (err)
			break;
		s->capture[s->server.n_captures] = spec_of(from);
		err = ports(from, &s->capture[s->server.n_captures++], fault);
	}
	return err;
}
