/* SPDX-License-Identifier: Apache-2.0 */
#include "console/trace_ask.h"

#include <stdlib.h>

#include "base/time.h"
#include "message/field.h"

/* A copy of one member of what the rules say of themselves; NULL: not there. */
static json_t *member(struct ear_rules *rules, const char *name)
{
	struct ear_buf text = {0};
	struct ear_json j = ear_json(&text);
	json_t *all, *value;

	ear_json_open(&j, '{');
	ear_rules_json(rules, &j);
	ear_json_close(&j, '}');
	all = text.err ? NULL : json_loadb(text.p, text.n, 0, NULL);
	value = json_incref(json_object_get(all, name));
	json_decref(all);
	ear_buf_fini(&text);
	return value;
}

static void write_member(struct ear_rules *rules, const char *name,
	const char *as, struct ear_json *j)
{
	json_t *value = member(rules, name);
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	ear_json_key(j, as);
	if (text)
		ear_json_raw(j, ear_slice_str(text));
	else
		ear_json_null(j);
	free(text);
	json_decref(value);
}

void ear_trace_view(struct ear_rules *rules, struct ear_json *j)
{
	struct ear_traces *traces = ear_rules_traces(rules);

	ear_json_open(j, '{');
	ear_json_kbool(j, "on", ear_traces_on(traces));
	ear_json_ktime(j, "now", ear_now_ns());
	ear_json_key(j, "traces");
	ear_traces_json(traces, j);
	write_member(rules, "recorder", "recorder", j);
	ear_json_close(j, '}');
}

void ear_mirror_view(struct ear_rules *rules, struct ear_json *j)
{
	ear_json_open(j, '{');
	write_member(rules, "outlets", "mirrors", j);
	ear_json_close(j, '}');
}

static enum ear_err check_rule(
	struct ear_trace_ask *ask, uint64_t now_ns, struct ear_fault *fault)
{
	struct ear_expr *expr = NULL;
	struct ear_fault why = {0};
	enum ear_err err = ear_expr_new(
		ear_slice_str(ask->spec.rule), now_ns, &expr, &why);

	ear_expr_free(&expr);
	ask->at_rule = err == EAR_USAGE;
	return err ? ear_fail(fault, err, why.offset, "rule: %.300s", why.text)
		   : EAR_OK;
}

static bool is_outlet(
	const json_t *outlets, const char *name, const char **near)
{
	unsigned least = ~0u, distance;
	json_t *outlet;
	size_t i;

	*near = NULL;
	json_array_foreach(outlets, i, outlet)
	{
		const char *known =
			json_string_value(json_object_get(outlet, "name"));

		if (known && strcmp(known, name) == 0)
			return true;
		if (known &&
			ear_word_alike(ear_slice_str(name),
				ear_slice_str(known), &distance) &&
			distance < least) {
			least = distance;
			*near = known;
		}
	}
	return false;
}

static enum ear_err check_mirrors(const struct ear_trace_ask *ask,
	struct ear_rules *rules, struct ear_fault *fault)
{
	json_t *outlets = ask->mirrors.n ? member(rules, "outlets") : NULL;
	enum ear_err err = EAR_OK;
	const char *near;

	for (size_t i = 0; i < ask->mirrors.n && !err; i++)
		if (!is_outlet(outlets, ask->mirrors.item[i], &near))
			err = ear_fail(fault, EAR_USAGE, 0,
				"mirrors: the configuration has no mirror or "
				"sql section '%.60s'%s%s%s",
				ask->mirrors.item[i],
				near ? "; do you mean " : "", near ? near : "",
				near ? "?" : "");
	json_decref(outlets);
	return err;
}

/* Less than was asked for would look like nothing had happened before. */
static enum ear_err check_before(const struct ear_trace_ask *ask,
	struct ear_rules *rules, struct ear_fault *fault)
{
	uint64_t want_ns = ask->spec.keep_before_ns, have_s;
	json_t *recorder = want_ns ? member(rules, "recorder") : NULL;
	char text[EAR_TIME_TEXT];

	have_s = (uint64_t)json_integer_value(
		json_object_get(recorder, "keep_s"));
	json_decref(recorder);
	if (want_ns && !have_s)
		return ear_fail(fault, EAR_USAGE, 0,
			"keep_before: the flight recorder is switched off in "
			"the configuration (section recorder, size)");
	if (want_ns / EAR_SECOND_NS <= have_s)
		return EAR_OK;
	ear_duration_text(have_s * EAR_SECOND_NS, text);
	return ear_fail(fault, EAR_USAGE, 0,
		"keep_before: the flight recorder holds only %s (section "
		"recorder, keep)",
		text);
}

static enum ear_err read_params(const json_t *params, struct ear_trace_ask *ask,
	const char **scope, uint64_t *length_ns, bool *timed, bool *on,
	struct ear_fault *fault)
{
	struct ear_trace_spec *s = &ask->spec;
	const struct ear_param table[] = {
		{"rule", EAR_PARAM_TEXT, &s->rule},
		{"scope", EAR_PARAM_TEXT, scope},
		{"for", EAR_PARAM_DURATION, length_ns, .given = timed},
		{"name", EAR_PARAM_TEXT, &s->name, .most = EAR_TRACE_NAME},
		{"traced_user", EAR_PARAM_TEXTS, &ask->users, .most = 255},
		{"table", EAR_PARAM_TEXT, &s->table, .most = 64},
		{"mirrors", EAR_PARAM_TEXTS, &ask->mirrors,
			.most = EAR_SPOOL_NAME},
		{"correlation", EAR_PARAM_TEXT, &s->correlation, .most = 255},
		{"keep_before", EAR_PARAM_DURATION, &s->keep_before_ns},
		{"max_messages", EAR_PARAM_COUNT, &s->max_messages},
		{"max_size", EAR_PARAM_SIZE, &s->max_bytes},
		{"dialog_ack", EAR_PARAM_BOOL, &s->dialog_ack},
		{"dialog_spiral", EAR_PARAM_BOOL, &s->dialog_spiral},
		{"on", EAR_PARAM_BOOL, on},
		{"why", EAR_PARAM_TEXT, &s->why, .most = 255},
	};

	return ear_params_read(
		params, table, sizeof(table) / sizeof(table[0]), fault);
}

enum ear_err ear_trace_ask_read(const json_t *params, struct ear_rules *rules,
	uint64_t now_ns, struct ear_trace_ask *ask, struct ear_fault *fault)
{
	struct ear_trace_spec *s = &ask->spec;
	const char *scope = "message";
	uint64_t length_ns = 0;
	bool timed = false, on = true;
	enum ear_err err;

	*ask = (struct ear_trace_ask){.spec = {.rule = "",
					      .table = "",
					      .correlation = "",
					      .dialog_ack = true,
					      .dialog_spiral = true,
					      .why = ""}};
	err = read_params(params, ask, &scope, &length_ns, &timed, &on, fault);
	if (err)
		return err;
	if (!ear_scope_of(ear_slice_str(scope), &s->scope))
		return ear_fail(fault, EAR_USAGE, 0,
			"scope is message, transaction or dialog, not '%.40s'",
			scope);
	/* an order that nobody remembers must not go on for ever */
	if (!timed && !s->max_messages && !s->max_bytes)
		length_ns = EAR_TRACE_USUAL_NS;
	s->until_ns = length_ns ? now_ns + length_ns : 0;
	s->off = !on;
	s->users = (struct ear_texts){ask->users.item, ask->users.n};
	s->mirrors = (struct ear_texts){ask->mirrors.item, ask->mirrors.n};
	err = check_rule(ask, now_ns, fault);
	if (!err)
		err = check_mirrors(ask, rules, fault);
	return err ? err : check_before(ask, rules, fault);
}
