/* SPDX-License-Identifier: Apache-2.0 */
/* What siptrace takes, as traces: one of its core engine, one of each call. */
#include <stdio.h>

#include "config/kamailio_plan.h"
#include "message/expr.h"
#include "message/template.h"

/* Names of the outlets of one trace: mirrors = {…} */
struct outlets {
	const char *name[4];
	size_t n;
};

static void write_outlets(struct ear_kamailio_plan *p, const struct outlets *to)
{
	ear_buf_str(p->w->out, "\tmirrors = {");
	for (size_t i = 0; i < to->n; i++)
		ear_buf_printf(
			p->w->out, "%s\"%s\"", i ? ", " : "", to->name[i]);
	ear_buf_str(p->w->out, "}\n");
}

static bool compiles(struct ear_slice rule)
{
	struct ear_expr *e;
	bool good = ear_expr_new(rule, 0, &e, NULL) == EAR_OK;

	if (good)
		ear_expr_free(&e);
	return good;
}

/* event_route[siptrace:msg]: drop() of some becomes a rule of the others. */
static bool write_event(struct ear_kamailio_plan *p, struct ear_buf *rule)
{
	struct ear_kamailio_event *e = &p->k->event;
	bool callback = ear_kamailio_text(p->k, "evcb_msg", "").n > 0;
	bool simple = e->there && !callback && e->known && !e->others;

	if (callback)
		ear_kamailio_tell(p->w, "evcb_msg");
	if (!e->there && !callback)
		return true;
	if (!callback)
		ear_kamailio_remark(p->w, "event_route[siptrace:msg] (%s:%u)",
			e->pos.file, e->pos.line);
	if (!e->drops && !callback) {
		ear_kamailio_remark(p->w, "It drops nothing.");
		return true;
	}
	if (simple && e->expr.n) {
		ear_buf_printf(rule, "not (%.*s)", EAR_FMT(e->expr));
		if (!rule->err && compiles(ear_buf_view(rule)))
			return true;
	}
	if (simple && !e->expr.n) {
		ear_kamailio_remark(p->w,
			"It drops everything: the core engine did nothing.");
		return false;
	}
	ear_buf_reset(rule);
	ear_kamailio_gap(p->w,
		"What it decides cannot be read from here. Write it as a "
		"function on_message(msg) in Lua, where drop() does the same, "
		"name the script in section hook, and switch this trace on:");
	ear_kamailio_remark(
		p->w, "hook { script = \"/etc/earshot/siptrace.lua\" }");
	return false;
}

void ear_kamailio_write_core(struct ear_kamailio_plan *p)
{
	struct outlets to = {0};
	struct ear_buf rule = {0};
	bool on;

	ear_kamailio_open(p->w, "trace", "all");
	ear_kamailio_tell(p->w, "trace_mode");
	ear_kamailio_tell(p->w, "trace_init_mode");
	ear_kamailio_remark(
		p->w, "Every message, on its way in and on its way out.");
	if ((p->mode & 5) && !p->dup.n)
		ear_kamailio_remark(p->w,
			"duplicate_uri is not set: nothing was sent anywhere.");
	on = write_event(p, &rule);
	for (size_t i = 0; i < p->mirrors; i++) {
		if (p->mirror[i].core && p->mirror[i].name[0])
			to.name[to.n++] = p->mirror[i].name;
	}
	if (p->mode & 2)
		to.name[to.n++] = "database";
	ear_kamailio_key(p->w, "rule", ear_buf_view(&rule));
	ear_kamailio_key(p->w, "scope", EAR_S("message"));
	if (to.n)
		write_outlets(p, &to);
	else
		on = false;
	if (!on)
		ear_kamailio_key(p->w, "on", EAR_S("false"));
	ear_kamailio_close(p->w);
	ear_buf_fini(&rule);
}

static bool is_template(struct ear_slice text)
{
	struct ear_template *t;
	bool good = text.n && ear_template_new(text, &t, NULL) == EAR_OK;

	if (good)
		ear_template_free(&t);
	return good;
}

static bool is_table(struct ear_slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = ear_lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
			c != '_' && c != '.')
			return false;
	}
	return s.n > 0 && s.n <= 64;
}

/* Whether what was given there is there when the call runs: given to all, or
 * under conditions that the call has too. */
static bool holds(
	const struct ear_kamailio_assign *a, const struct ear_kamailio_call *c)
{
	struct ear_slice behind = ear_slice_sub(c->cond, a->cond.n, c->cond.n);

	if (!a->cond.n)
		return true;
	return ear_slice_eq(a->route_name, c->route_name) &&
	       ear_slice_starts(c->cond, a->cond) &&
	       (!behind.n || ear_slice_starts(behind, EAR_S(" &&")));
}

/* The values that scripts give to an AVP, as texts with fields in braces. */
static size_t avp_values(struct ear_kamailio_plan *p,
	const struct ear_kamailio_call *c, const char *param, bool braces,
	struct ear_buf *list)
{
	struct ear_slice avp = ear_kamailio_text(p->k, param, ""), plain;
	struct ear_buf name = {0};
	size_t n = 0, given = 0, colon;

	/* $avp(s:user) is $avp(user) */
	plain = avp;
	colon = ear_slice_find(avp, EAR_S(":"));
	if (colon < avp.n && colon >= 2) {
		ear_buf_slice(&name, ear_slice_sub(avp, 0, colon - 1));
		ear_buf_slice(&name, ear_slice_sub(avp, colon + 1, avp.n));
		plain = ear_kamailio_copy(p->k, ear_buf_view(&name));
	}
	ear_buf_fini(&name);
	ear_kamailio_tell(p->w, param);
	for (size_t i = 0; avp.n && i < p->k->assigns; i++) {
		const struct ear_kamailio_assign *a = &p->k->assign[i];
		struct ear_buf text = {0};

		if (!ear_slice_eq(a->avp, plain))
			continue;
		given++;
		if (!holds(a, c)) {
			ear_kamailio_gap(p->w,
				"%s:%u: %.*s = %.*s is given under %.*s; where "
				"both meet, write a trace with both rules.",
				a->pos.file, a->pos.line, EAR_FMT(plain),
				EAR_FMT(a->value), EAR_FMT(a->cond));
		} else if (!a->whole ||
			   !ear_kamailio_template(a->value, &text) ||
			   (!braces && ear_kamailio_has(
					       ear_buf_view(&text), '{'))) {
			ear_kamailio_gap(p->w,
				"%s:%u: what %.*s is given there cannot be "
				"read from a message; a script can say it: "
				"section hook.",
				a->pos.file, a->pos.line, EAR_FMT(plain));
		} else if (n < 16 && (braces ? is_template(ear_buf_view(&text))
					     : is_table(ear_buf_view(&text)))) {
			ear_kamailio_remark(p->w, "%.*s = %.*s (%s:%u)",
				EAR_FMT(plain), EAR_FMT(a->value), a->pos.file,
				a->pos.line);
			ear_buf_str(list, n++ ? ", " : "");
			ear_kamailio_put_quoted(list, ear_buf_view(&text));
		}
		ear_buf_fini(&text);
	}
	if (!given)
		ear_kamailio_remark(p->w,
			"Nothing in the routes that were read gives it a "
			"value.");
	return n;
}

static void write_users(
	struct ear_kamailio_plan *p, const struct ear_kamailio_call *c)
{
	struct ear_buf list = {0};

	if (ear_kamailio_text(p->k, "traced_user_avp", "").n) {
		if (avp_values(p, c, "traced_user_avp", true, &list)) {
			ear_kamailio_remark(p->w,
				"One row more for each, and these rows alone "
				"while the switch is off.");
			ear_buf_printf(p->w->out, "\ttraced_user = {%.*s}\n",
				EAR_FMT(ear_buf_view(&list)));
		}
	}
	ear_buf_reset(&list);
	if (ear_kamailio_text(p->k, "trace_table_avp", "").n) {
		size_t n = avp_values(p, c, "trace_table_avp", false, &list);

		if (n == 1)
			ear_buf_printf(p->w->out, "\ttable = %.*s\n",
				EAR_FMT(ear_buf_view(&list)));
		else if (n > 1)
			ear_kamailio_gap(p->w,
				"Several tables: one trace for each, with the "
				"rule that chooses it.");
	}
	ear_buf_fini(&list);
}

/* 'm', 't' or 'd'; 0: decided at run time. */
static char call_scope(
	struct ear_kamailio_plan *p, const struct ear_kamailio_call *c)
{
	int64_t flag = ear_kamailio_int(p->k, "trace_flag", -1);
	size_t at = ear_kamailio_is_mode(c) ? 0 : 2;
	struct ear_slice mode =
		c->args > at ? ear_slice_trim(c->arg[at]) : EAR_S("");

	if (ear_kamailio_has(mode, '$'))
		return 0;
	if (mode.n) {
		char letter = ear_lower(mode.p[0]);

		return letter == 't' || letter == 'd' ? letter : 'm';
	}
	ear_kamailio_tell(p->w, "trace_flag");
	for (size_t i = 0; flag >= 0 && i < p->k->flags_n; i++) {
		if (p->k->flags[i] == flag)
			return 't';
	}
	if (flag < 0 && !ear_kamailio_param(p->k, false, "trace_flag"))
		ear_kamailio_remark(p->w,
			"(siptrace's README says 0; without it no flag is "
			"asked.) So a call without a mode takes the message "
			"alone.");
	return 'm';
}

/* Which messages the call saw: those of its route, under its conditions. */
static bool write_rule(
	struct ear_kamailio_plan *p, const struct ear_kamailio_call *c)
{
	struct ear_buf rule = {0};
	bool good = c->known && c->route != EAR_KR_OTHER;

	if (c->cond.n)
		ear_kamailio_remark(p->w, "under %.*s", EAR_FMT(c->cond));
	if (c->route == EAR_KR_REQUEST)
		ear_buf_str(&rule, "kind == request");
	else if (c->route == EAR_KR_REPLY)
		ear_buf_str(&rule, "kind == reply");
	if (c->known && c->expr.n)
		ear_buf_printf(&rule, "%s%.*s", rule.n ? " and " : "",
			EAR_FMT(c->expr));
	if (!compiles(ear_buf_view(&rule))) {
		ear_buf_reset(&rule);
		good = false;
	}
	if (c->route == EAR_KR_OTHER)
		ear_kamailio_gap(p->w,
			"Which messages come to %.*s is not read. Complete "
			"the rule and switch this trace on.",
			EAR_FMT(c->route_name));
	else if (!good)
		ear_kamailio_gap(p->w,
			"Part of this is not seen in a message. Complete the "
			"rule and switch this trace on.");
	ear_kamailio_key(p->w, "rule", ear_buf_view(&rule));
	ear_buf_fini(&rule);
	return good;
}

static void write_scope(struct ear_kamailio_plan *p, char scope)
{
	static const struct {
		char letter;
		const char *name;
	} scopes[] = {{'m', "message"}, {'t', "transaction"}, {'d', "dialog"}};

	for (size_t i = 0; i < 3; i++) {
		if (scopes[i].letter == scope)
			ear_kamailio_key(
				p->w, "scope", ear_slice_str(scopes[i].name));
	}
	if (scope == 'm')
		ear_kamailio_remark(p->w,
			"Kamailio takes the message as it came in; what went "
			"out matches the rule too and is taken here.");
	if (scope != 'd')
		return;
	ear_kamailio_tell(p->w, "trace_dialog_ack");
	ear_kamailio_key(p->w, "dialog_ack",
		ear_kamailio_int(p->k, "trace_dialog_ack", 1) ? EAR_S("true")
							      : EAR_S("false"));
	ear_kamailio_tell(p->w, "trace_dialog_spiral");
	ear_kamailio_key(p->w, "dialog_spiral",
		ear_kamailio_int(p->k, "trace_dialog_spiral", 1)
			? EAR_S("true")
			: EAR_S("false"));
}

static void write_correlation(
	struct ear_kamailio_plan *p, const struct ear_kamailio_call *c)
{
	struct ear_buf text = {0};

	if (!ear_kamailio_is_trace(c) || c->args < 2 || !c->arg[1].n)
		return;
	ear_kamailio_remark(p->w,
		"Kamailio sends it with the first message and requests in the "
		"dialog, in HEP 3; here every message has it.");
	if (ear_kamailio_template(c->arg[1], &text) && text.n < 256 &&
		is_template(ear_buf_view(&text)))
		ear_kamailio_key(p->w, "correlation", ear_buf_view(&text));
	else
		ear_kamailio_gap(p->w,
			"'%.*s' cannot be read from a message; a script can "
			"say it: correlation() in section hook.",
			EAR_FMT(c->arg[1]));
	ear_buf_fini(&text);
}

/* Where the rows and copies of a call go. */
static void call_outlets(struct ear_kamailio_plan *p,
	const struct ear_kamailio_call *c, struct outlets *to)
{
	struct ear_slice uri = ear_kamailio_target(p, c);

	if (p->to_db)
		to->name[to->n++] = "database";
	if (uri.n && ear_kamailio_has(uri, '$')) {
		ear_kamailio_gap(p->w,
			"The address '%.*s' is known while Kamailio runs "
			"only; write a mirror and name it here.",
			EAR_FMT(uri));
		return;
	}
	for (size_t i = 0; uri.n && i < p->mirrors; i++) {
		if (p->mirror[i].hep == p->hep && p->mirror[i].name[0] &&
			ear_slice_eq(p->mirror[i].uri, uri))
			to->name[to->n++] = p->mirror[i].name;
	}
	if (!uri.n && p->dup.n)
		ear_kamailio_remark(p->w,
			"With trace_to_database on and hep_mode_on off, "
			"duplicate_uri is not used: nothing was sent there.");
}

void ear_kamailio_write_call(struct ear_kamailio_plan *p, size_t i)
{
	const struct ear_kamailio_call *c = &p->k->call[i];
	struct outlets to = {0};
	char name[40], scope;
	bool on;

	snprintf(name, sizeof(name), "line-%u", c->pos.line);
	for (size_t b = 0; b < i; b++) {
		if (p->k->call[b].pos.line == c->pos.line)
			snprintf(name, sizeof(name), "line-%u-%zu", c->pos.line,
				i + 1);
	}
	ear_kamailio_open(p->w, "trace", name);
	ear_kamailio_remark(p->w, "%.*s() in %.*s (%s:%u)", EAR_FMT(c->name),
		EAR_FMT(c->route_name), c->pos.file, c->pos.line);
	on = write_rule(p, c);
	scope = call_scope(p, c);
	if (!scope)
		ear_kamailio_gap(
			p->w, "Its mode is known while Kamailio runs only.");
	write_scope(p, scope ? scope : 'm');
	if (ear_kamailio_is_mode(c) && scope == 'd') {
		ear_kamailio_remark(p->w,
			"Kamailio's sip_trace_mode() refuses \"d\", as no "
			"address stands with it (\"failed to serialize\" in "
			"its log), and takes nothing at all. So this is off; "
			"switched on it takes the dialog.");
		on = false;
	}
	write_correlation(p, c);
	write_users(p, c);
	call_outlets(p, c, &to);
	if (!to.n) {
		ear_kamailio_remark(p->w,
			"No row and no copy: siptrace answers this call with "
			"an error.");
		on = false;
	} else {
		write_outlets(p, &to);
	}
	if (!on || !scope)
		ear_kamailio_key(p->w, "on", EAR_S("false"));
	ear_kamailio_close(p->w);
}
