/* SPDX-License-Identifier: Apache-2.0 */
/* A set: what a configuration decides about messages, made and tried. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/time.h"
#include "flow/rules_priv.h"

void ear_rules_set_free(struct ear_rules_set **setp,
	const struct ear_rules_set *in_use, uint32_t wait_ms)
{
	struct ear_rules_set *set = *setp;

	if (!set)
		return;
	ear_outlets_close(&set->outlets, wait_ms);
	if (!in_use || set->recorder != in_use->recorder)
		ear_recorder_free(&set->recorder);
	ear_hook_free(&set->hook);
	ear_expr_free(&set->expr);
	free(set);
	*setp = NULL;
}

static enum ear_err make_keep(struct ear_rules_set *set,
	const struct ear_rules_spec *spec, struct ear_fault *fault)
{
	struct ear_fault why = {0};

	if (!spec->keep || !strcmp(spec->keep, "all"))
		return EAR_OK;
	set->keep = EAR_KEEP_TRACED;
	if (!strcmp(spec->keep, "traced"))
		return EAR_OK;
	set->keep = EAR_KEEP_EXPR;
	if (ear_expr_new(
		    ear_slice_str(spec->keep), ear_now_ns(), &set->expr, &why))
		return ear_fail(fault, EAR_USAGE, why.offset,
			"store: keep: all, traced or an expression: %.240s",
			why.text);
	return EAR_OK;
}

/* What a script's sip_trace() calls an address. */
static const char *mirror_of(const char *text, void *arg)
{
	const struct ear_rules_set *set = arg;

	return ear_outlets_name_of(&set->outlets, text);
}

static enum ear_err make_hook(struct ear_rules *rules,
	struct ear_rules_set *set, const struct ear_rules_spec *spec,
	struct ear_fault *fault)
{
	const struct ear_hook_options options = {
		.file = spec->script,
		.max_instructions = spec->script_instructions,
		.max_bytes = spec->script_bytes,
		.notice = rules->options.notice,
		.notice_arg = rules->options.notice_arg,
		.mirror_of = mirror_of,
		.mirror_arg = set,
	};
	struct ear_fault why = {0};
	enum ear_err err;

	if (!spec->script || !spec->script[0])
		return EAR_OK;
	err = ear_hook_new(&options, &set->hook, &why);
	return err ? ear_fail(fault, err, why.offset, "hook: script: %.280s",
			     why.text)
		   : EAR_OK;
}

/* The ring goes on where its limits are the same: it is full of minutes. */
static enum ear_err make_recorder(struct ear_rules *rules,
	struct ear_rules_set *set, const struct ear_rules_spec *spec,
	struct ear_fault *fault)
{
	const struct ear_rules_set *was = rules->set;

	set->recorder_bytes = spec->recorder_bytes;
	set->recorder_ns = spec->recorder_ns;
	if (was && was->recorder_bytes == set->recorder_bytes &&
		was->recorder_ns == set->recorder_ns) {
		set->recorder = was->recorder;
		return EAR_OK;
	}
	if (!spec->recorder_bytes)
		return EAR_OK;
	if (ear_recorder_new(
		    spec->recorder_bytes, spec->recorder_ns, &set->recorder))
		return ear_fail(fault, EAR_USAGE, 0,
			"recorder: size: no memory for %" PRIu64 " bytes, or "
			"less than 1M",
			spec->recorder_bytes);
	return EAR_OK;
}

/*
 * Whether the traces will be taken on: tried on a stand-in, as they take the
 * place of those in use at once.
 */
static enum ear_err try_traces(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_fault *fault)
{
	struct ear_traces *traces = NULL;
	struct ear_trace_info *info;
	size_t n;
	enum ear_err err = ear_traces_new(
		&(struct ear_traces_options){.on = true}, &traces, fault);

	if (!err)
		err = ear_traces_standing(
			traces, spec->traces, spec->n_traces, fault);
	ear_traces_free(&traces);
	if (err || !spec->n_traces || !rules->traces)
		return err;
	info = calloc(2 * EAR_TRACES_MAX, sizeof(*info));
	if (!info)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	n = ear_traces_list(rules->traces, info, 2 * EAR_TRACES_MAX);
	for (size_t i = 0; !err && i < n && i < 2 * EAR_TRACES_MAX; i++) {
		for (size_t k = 0; !err && k < spec->n_traces; k++) {
			if (info[i].standing || info[i].end ||
				strcmp(info[i].name, spec->traces[k].name) != 0)
				continue;
			err = ear_fail(fault, EAR_USAGE, 0,
				"trace \"%s\": an order of this name runs; "
				"stop it or take another name",
				info[i].name);
		}
	}
	free(info);
	return err;
}

enum ear_err ear_rules_set_new(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_rules_set **out,
	struct ear_fault *fault)
{
	struct ear_rules_set *set = calloc(1, sizeof(*set));
	enum ear_err err;

	*out = set;
	if (!set)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = make_keep(set, spec, fault);
	if (!err)
		err = try_traces(rules, spec, fault);
	if (!err)
		err = make_recorder(rules, set, spec, fault);
	if (!err)
		err = make_hook(rules, set, spec, fault);
	if (!err)
		err = ear_outlets_open(rules, spec,
			rules->set ? &rules->set->outlets : NULL, &set->outlets,
			fault);
	return err;
}

static void tell_nobody(const char *event, struct ear_slice text, void *arg)
{
	(void)event;
	(void)text;
	(void)arg;
}

enum ear_err ear_rules_check(
	const struct ear_rules_spec *spec, struct ear_fault *fault)
{
	struct ear_rules rules = {.options = {.notice = tell_nobody}};
	struct ear_rules_set *set = calloc(1, sizeof(*set));
	enum ear_err err;

	if (!set)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	err = make_keep(set, spec, fault);
	if (!err)
		err = try_traces(&rules, spec, fault);
	if (!err)
		err = make_hook(&rules, set, spec, fault);
	if (!err)
		err = ear_outlets_check(&rules, spec, fault);
	ear_rules_set_free(&set, NULL, 0);
	return err;
}
