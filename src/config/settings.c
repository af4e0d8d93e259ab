/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "config/settings_priv.h"

static enum ear_err log_level(
	const char *text, enum ear_level *level, struct ear_fault *fault)
{
	static const char *const name[] = {
		"debug", "info", "notice", "warning", "error"};

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		if (!strcmp(text, name[i])) {
			*level = (enum ear_level)i;
			return EAR_OK;
		}
	}
	return ear_fail(fault, EAR_USAGE, 0,
		"log: level is debug, info, notice, warning or error, not '%s'",
		text);
}

/* @param whose section and key, for people. @param[out] nets owned */
static enum ear_err read_nets(const struct ear_config_list *list,
	const char *whose, struct ear_net **nets, struct ear_fault *fault)
{
	*nets = calloc(list->n + 1, sizeof(**nets));
	if (!*nets)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < list->n; i++) {
		if (ear_net_parse(ear_slice_str(list->item[i]), &(*nets)[i]))
			return ear_fail(fault, EAR_USAGE, 0,
				"%s: '%s' is no address or network", whose,
				list->item[i]);
	}
	return EAR_OK;
}

static enum ear_err allow_list(struct ear_settings *s, size_t at,
	const struct ear_config_list *list, struct ear_fault *fault)
{
	struct ear_listener *l = &s->listener[at];
	char whose[128];

	snprintf(whose, sizeof(whose), "listener \"%s\": allow", l->name);
	l->allow_n = list->n;
	return read_nets(list, whose, &s->allow[at], fault);
}

static bool same_socket(const struct ear_listener *a, const char *transport,
	const struct ear_addr *address)
{
	return address->port && ear_addr_eq(&a->address, address) &&
	       !strcmp(a->transport, "udp") == !strcmp(transport, "udp");
}

/* The kernel would say so too, but not whose address it is. */
static enum ear_err only_one(const struct ear_settings *s, const char *what,
	const char *transport, const struct ear_addr *address,
	struct ear_fault *fault)
{
	char text[EAR_ADDR_TEXT];

	for (size_t i = 0; i < s->listeners; i++) {
		if (!same_socket(&s->listener[i], transport, address))
			continue;
		ear_addr_text(address, text);
		return ear_fail(fault, EAR_USAGE, 0,
			"%s: address: %s is that of listener \"%s\"", what,
			text, s->listener[i].name);
	}
	return EAR_OK;
}

static enum ear_err console(struct ear_settings *s,
	const struct ear_config_console *from, struct ear_fault *fault)
{
	struct ear_addr address;
	enum ear_err err;

	if (!from->enabled)
		return EAR_OK;
	if (ear_addr_parse(ear_slice_str(from->address), &address))
		return ear_fail(fault, EAR_USAGE, 0,
			"console: address: '%s' is not ip:port", from->address);
	if (!from->certificate[0] != !from->private_key[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"console: certificate and private_key go together");
	s->n_proxies = from->trusted_proxies.n;
	err = read_nets(&from->trusted_proxies, "console: trusted_proxies",
		&s->proxies, fault);
	return err ? err : only_one(s, "console", "tcp", &address, fault);
}

static enum ear_err listener(struct ear_settings *s,
	const struct ear_config_listener *from, struct ear_fault *fault)
{
	struct ear_listener *l = &s->listener[s->listeners];
	enum ear_err err;
	char what[128];

	*l = (struct ear_listener){
		.name = from->name,
		.transport = from->transport,
		.threads = (uint32_t)from->threads,
		.auth_key = from->auth_key,
		.receive_buffer = from->receive_buffer,
		.certificate = from->certificate,
		.private_key = from->private_key,
		.max_connections = (uint32_t)from->max_connections,
		.idle_ns = from->idle,
	};
	if (ear_addr_parse(ear_slice_str(from->address), &l->address))
		return ear_fail(fault, EAR_USAGE, 0,
			"listener \"%s\": address: '%s' is not ip:port",
			from->name, from->address);
	if (strlen(from->auth_key) > 255)
		return ear_fail(fault, EAR_USAGE, 0,
			"listener \"%s\": auth_key is over 255 bytes",
			from->name);
	if (!from->certificate[0] != !from->private_key[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"listener \"%s\": certificate and private_key go "
			"together",
			from->name);
	snprintf(what, sizeof(what), "listener \"%s\"", from->name);
	err = only_one(s, what, l->transport, &l->address, fault);
	if (err)
		return err;
	err = allow_list(s, s->listeners, &from->allow, fault);
	l->allow = s->allow[s->listeners++];
	return err;
}

/* What is listened on where the configuration names nothing. */
static void default_listeners(struct ear_settings *s)
{
	static const struct {
		const char *name, *transport;
		uint16_t port;
	} rows[] = {{"hep-udp", "udp", 9060}, {"hep-tcp", "tcp", 9060},
		{"hep-tls", "tls", 9061}};
	static const uint8_t loopback[4] = {127, 0, 0, 1};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		s->listener[s->listeners++] = (struct ear_listener){
			.name = rows[i].name,
			.transport = rows[i].transport,
			.address = ear_addr_v4(loopback, rows[i].port),
			.threads = 2,
			.auth_key = "",
			.certificate = "",
			.private_key = "",
			.optional = true,
		};
}

static void server(struct ear_settings *s, const struct ear_config *c)
{
	s->server.store = (struct ear_store_options){
		.write = true,
		.keep = {.max_age_ns = c->retention[0].max_age,
			.max_bytes = c->retention[0].max_size,
			.min_free = c->retention[0].min_free},
		.segment_bytes = c->store[0].segment_size,
		.segment_ns = c->store[0].segment_time,
		.commit_ms = (uint32_t)(c->store[0].commit / EAR_MS_NS),
		.threads = (uint32_t)c->store[0].threads,
	};
	s->server.journal = (struct ear_journal_options){
		.max_bytes = c->journal[0].max_size,
		.sync_ms = (uint32_t)(c->journal[0].sync / EAR_MS_NS),
		.keep_free = c->journal[0].min_free,
	};
	s->server.mask_secrets = c->privacy[0].mask_secrets;
}

static enum ear_err dispositions(struct ear_settings *s,
	const struct ear_config_list *list, struct ear_fault *fault)
{
	struct ear_calls_options *to = &s->server.tracking.track.calls;
	struct ear_fault why = {0};

	for (size_t i = 0; i < list->n; i++) {
		if (ear_disposition_rule_parse(ear_slice_str(list->item[i]),
			    &s->disposition[i], &why))
			return ear_fail(fault, EAR_USAGE, 0,
				"calls: dispositions: '%s': %.200s",
				list->item[i], why.text);
	}
	to->rules = s->disposition;
	to->n_rules = list->n;
	return EAR_OK;
}

static void tracking(struct ear_settings *s, const struct ear_config *c)
{
	s->server.tracking = (struct ear_tracking_spec){
		.keep = c->records[0].keep,
		.max_age_ns = c->records[0].max_age,
		.max_bytes = c->records[0].max_size,
		.track = {.calls = {.max = c->calls[0].max_open,
				  .src_is_auth_user =
					  !strcmp(c->calls[0].src, "auth"),
				  .silent_ns = c->calls[0].silent,
				  .join_legs = c->calls[0].join_legs},
			.presence = {.max_bindings =
					     c->sessions[0].max_bindings,
				.max_connections =
					c->sessions[0].max_connections,
				.silent_ns = c->sessions[0].silent}},
	};
}

enum ear_err ear_settings_make(const struct ear_config *config,
	struct ear_settings **out, struct ear_fault *fault)
{
	struct ear_settings *s = calloc(1, sizeof(*s));
	enum ear_err err;

	*out = NULL;
	if (!s)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	server(s, config);
	tracking(s, config);
	err = log_level(config->log[0].level, &s->level, fault);
	for (size_t i = 0; !err && i < config->listener_n; i++)
		err = listener(s, &config->listener[i], fault);
	if (!err && !config->listener_n)
		default_listeners(s);
	if (!err)
		err = dispositions(s, &config->calls[0].dispositions, fault);
	if (!err)
		err = settings_captures(s, config, fault);
	if (!err)
		err = console(s, &config->console[0], fault);
	if (!err)
		err = settings_rules(s, config, fault);
	if (err) {
		ear_settings_free(&s);
		if (fault)
			ear_config_blame(config, fault);
	}
	*out = s;
	return err;
}

void ear_settings_free(struct ear_settings **settings)
{
	for (size_t i = 0; *settings && i < EAR_CONFIG_MANY; i++)
		free((*settings)->allow[i]);
	if (*settings)
		free((*settings)->proxies);
	free(*settings);
	*settings = NULL;
}
