/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of tracing, as what flow/rules.h takes. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/time.h"
#include "config/settings_priv.h"
#include "net/uri.h"

/* An expression of some key. */
static enum ear_err compiles(const char *section, const char *name,
	const char *key, const char *text, struct ear_fault *fault)
{
	struct ear_fault why = {0};
	struct ear_expr *expr = NULL;
	enum ear_err err =
		ear_expr_new(ear_slice_str(text), ear_now_ns(), &expr, &why);

	ear_expr_free(&expr);
	if (!err)
		return EAR_OK;
	return ear_fail(fault, EAR_USAGE, why.offset,
		"%s%s%s%s: %s: at %zu: %.200s", section, name ? " \"" : "",
		name ? name : "", name ? "\"" : "", key, why.offset + 1,
		why.text);
}

static const struct ear_outlet_spec *find_outlet(
	const struct ear_settings *s, const char *name)
{
	for (size_t i = 0; i < s->rules.n_outlets; i++) {
		if (!strcmp(s->outlet[i].name, name))
			return &s->outlet[i];
	}
	return NULL;
}

/* --- mirrors and databases --------------------------------------------- */

static enum ear_err add_outlet(struct ear_settings *s, const char *section,
	const struct ear_outlet_spec *o, struct ear_fault *fault)
{
	const char *name = o->name;

	if (find_outlet(s, name))
		return ear_fail(fault, EAR_USAGE, 0,
			"%s \"%.64s\": there is another mirror or sql section "
			"of this name",
			section, name);
	if (!ear_spool_name_ok(name))
		return ear_fail(fault, EAR_USAGE, 0,
			"%s \"%.64s\": its name has 1 to %d letters, digits, "
			"- and _, as a directory is named after it",
			section, name, EAR_SPOOL_NAME);
	if (s->rules.n_outlets == EAR_OUTLETS_MAX)
		return ear_fail(fault, EAR_LIMIT, 0,
			"%s \"%s\": more than %d mirrors and databases",
			section, name, EAR_OUTLETS_MAX);
	s->outlet[s->rules.n_outlets++] = *o;
	return compiles(section, name, "filter", o->filter, fault);
}

/* The IP of a listener that is named; all else is said as it is. */
static const char *send_from(
	struct ear_settings *s, size_t at, const char *from)
{
	char *out = s->from[at];

	for (size_t i = 0; i < s->listeners; i++) {
		const struct ear_addr *a = &s->listener[i].address;

		if (strcmp(s->listener[i].name, from) != 0)
			continue;
		/* one that listens everywhere says nothing */
		if (!ear_addr_is_any(a))
			ear_addr_ip_text(a, out);
		return out;
	}
	return from;
}

/* Another program listens there, or will. */
static void leave_out(struct ear_settings *s, size_t at, const char *mirror)
{
	ear_log(EAR_NOTICE, "listener.left", "listener",
		EAR_LS(s->listener[at].name), "mirror", EAR_LS(mirror),
		"reason", EAR_LS("the mirror sends to its address"), NULL);
	s->listeners--;
	memmove(&s->listener[at], &s->listener[at + 1],
		(s->listeners - at) * sizeof(s->listener[0]));
}

/*
 * What goes to a listener of ours comes in again, and goes round. A listener
 * of the defaults gives way.
 */
static enum ear_err not_to_us(struct ear_settings *s,
	const struct ear_config_mirror *from, struct ear_fault *fault)
{
	struct ear_net_uri uri;
	struct ear_addr to;

	/* what is wrong with it is told where the mirror is made */
	if (!from->enabled ||
		ear_net_uri_parse(ear_slice_str(from->to), &uri, NULL))
		return EAR_OK;
	if (ear_addr_parse(
		    ear_slice_str(strcmp(uri.host, "localhost") ? uri.host
								: "127.0.0.1"),
		    &to))
		return EAR_OK;
	for (size_t i = 0; i < s->listeners; i++) {
		const struct ear_listener *l = &s->listener[i];

		if (l->address.port != uri.port ||
			strcmp(l->transport, ear_carrier_name(uri.carrier)) !=
				0)
			continue;
		if (!ear_addr_ip_eq(&l->address, &to) &&
			(!ear_addr_is_any(&l->address) ||
				!ear_addr_is_loopback(&to)))
			continue;
		if (!l->optional)
			return ear_fail(fault, EAR_USAGE, 0,
				"mirror \"%.64s\": to: '%.80s' is the listener "
				"\"%s\" of this server; name another "
				"collector",
				from->name, from->to, l->name);
		leave_out(s, i, from->name);
		break;
	}
	return EAR_OK;
}

static enum ear_err mirror(struct ear_settings *s, size_t at,
	const struct ear_config_mirror *from, struct ear_fault *fault)
{
	enum ear_err err = not_to_us(s, from, fault);

	const struct ear_outlet_spec o = {
		.name = from->name,
		.kind = EAR_OUTLET_MIRROR,
		.enabled = from->enabled,
		.traced_only = !strcmp(from->take, "traced"),
		.filter = from->filter,
		.spool_bytes = from->spool,
		.mirror =
			{
				.to = from->to,
				.version = (uint32_t)from->version,
				.capture_id = (uint32_t)from->capture_id,
				.auth_key = from->auth_key,
				.node = from->node,
				.correlation = from->correlation,
				.from = send_from(s, at, from->from),
				.local_address = from->local_address,
				.advertise = (const char *const *)
						     from->advertise.item,
				.n_advertise = from->advertise.n,
				.xheaders = from->xheaders,
				.max_hops = (uint32_t)from->max_hops,
				.legacy_tls = from->legacy_tls,
				.ca = from->ca,
				.verify = from->verify,
				.certificate = from->certificate,
				.private_key = from->private_key,
				.acknowledge = from->acknowledge,
			},
	};

	if (err)
		return err;
	if (!from->to[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"mirror \"%.64s\": to is missing; write "
			"hep:HOST:PORT or sip:HOST:PORT",
			from->name);
	if (!from->certificate[0] != !from->private_key[0])
		return ear_fail(fault, EAR_USAGE, 0,
			"mirror \"%s\": certificate and private_key go "
			"together",
			from->name);
	return add_outlet(s, "mirror", &o, fault);
}

static enum ear_sql_mode sql_mode(const char *word)
{
	return !strcmp(word, "each")    ? EAR_SQL_EACH
	       : !strcmp(word, "async") ? EAR_SQL_ASYNC
					: EAR_SQL_BATCH;
}

static enum ear_err sql(struct ear_settings *s,
	const struct ear_config_sql *from, struct ear_fault *fault)
{
	const struct ear_outlet_spec o = {
		.name = from->name,
		.kind = EAR_OUTLET_SQL,
		.enabled = from->enabled,
		.traced_only = !strcmp(from->take, "traced"),
		.filter = from->filter,
		.spool_bytes = from->spool,
		.sql =
			{
				.name = from->name,
				.url = from->url,
				.table = from->table,
				.mode = sql_mode(from->mode),
				.batch = (uint32_t)from->batch,
				.delay_ns = from->delay,
				.workers = (uint32_t)from->workers,
				.create = from->create,
				.columns =
					(const char *const *)from->columns.item,
				.n_columns = from->columns.n,
				.utc = from->utc,
			},
	};

	return add_outlet(s, "sql", &o, fault);
}

/* --- traces ------------------------------------------------------------ */

static struct ear_texts texts_of(const struct ear_config_list *list)
{
	return (struct ear_texts){(const char *const *)list->item, list->n};
}

static enum ear_err trace(struct ear_settings *s,
	const struct ear_config_trace *from, struct ear_fault *fault)
{
	struct ear_trace_spec spec = {
		.name = from->name,
		.rule = from->rule,
		.users = texts_of(&from->traced_user),
		.table = from->table,
		.mirrors = texts_of(&from->mirrors),
		.correlation = from->correlation,
		.keep_before_ns = from->keep_before,
		.max_messages = from->max_messages,
		.max_bytes = from->max_size,
		.dialog_ack = from->dialog_ack,
		.dialog_spiral = from->dialog_spiral,
		.off = !from->on,
		.by = "config",
		.why = from->why,
	};

	if (from->keep_before && !s->rules.recorder_bytes)
		return ear_fail(fault, EAR_USAGE, 0,
			"trace \"%.64s\": keep_before: the flight recorder is "
			"switched off (section recorder, size)",
			from->name);
	if (from->keep_before > s->rules.recorder_ns)
		return ear_fail(fault, EAR_USAGE, 0,
			"trace \"%.64s\": keep_before is longer than the "
			"flight recorder holds (section recorder, keep)",
			from->name);
	if (!from->name[0] || strlen(from->name) > EAR_TRACE_NAME)
		return ear_fail(fault, EAR_USAGE, 0,
			"trace \"%.64s\": its name has 1 to %d characters",
			from->name, EAR_TRACE_NAME);
	for (size_t i = 0; i < from->mirrors.n; i++) {
		if (!find_outlet(s, from->mirrors.item[i]))
			return ear_fail(fault, EAR_USAGE, 0,
				"trace \"%s\": mirrors: there is no section "
				"mirror or sql \"%.64s\"",
				from->name, from->mirrors.item[i]);
	}
	spec.scope = from->scope[0] == 'd'   ? EAR_SCOPE_DIALOG
		     : from->scope[0] == 't' ? EAR_SCOPE_TRANSACTION
					     : EAR_SCOPE_MESSAGE;
	s->trace[s->rules.n_traces++] = spec;
	return compiles("trace", from->name, "rule", from->rule, fault);
}

static enum ear_err keep(const char *text, struct ear_fault *fault)
{
	if (!strcmp(text, "all") || !strcmp(text, "traced"))
		return EAR_OK;
	return compiles("store", NULL, "keep", text, fault);
}

enum ear_err settings_rules(struct ear_settings *s, const struct ear_config *c,
	struct ear_fault *fault)
{
	enum ear_err err = keep(c->store[0].keep, fault);

	s->rules = (struct ear_rules_spec){
		.on = c->siptrace[0].on,
		.max_open = c->siptrace[0].max_open,
		.keep = c->store[0].keep,
		.recorder_bytes = c->recorder[0].size,
		.recorder_ns = c->recorder[0].keep,
		.script = c->hook[0].script,
		.script_instructions = c->hook[0].max_instructions,
		.script_bytes = c->hook[0].max_memory,
		.traces = s->trace,
		.outlets = s->outlet,
	};
	for (size_t i = 0; !err && i < c->mirror_n; i++)
		err = mirror(s, i, &c->mirror[i], fault);
	for (size_t i = 0; !err && i < c->sql_n; i++)
		err = sql(s, &c->sql[i], fault);
	for (size_t i = 0; !err && i < c->trace_n; i++)
		err = trace(s, &c->trace[i], fault);
	s->server.rules = &s->rules;
	return err;
}
