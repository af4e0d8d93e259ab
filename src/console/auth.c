/* SPDX-License-Identifier: Apache-2.0 */
/* POST login, logout, password and GET me. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "console/lockout.h"
#include "console/priv.h"

/* Reads {"a": text, "b": text}. @return the object, which holds the texts;
 * NULL, and the answer is an error */
static json_t *read_two(struct ear_call *call, const char *a,
	struct ear_slice *a_text, const char *b, struct ear_slice *b_text)
{
	json_t *o = json_loadb(call->body.n ? call->body.p : "", call->body.n,
		JSON_REJECT_DUPLICATES, NULL);
	json_t *av = json_object_get(o, a), *bv = json_object_get(o, b);

	if (!json_is_string(av) || !json_is_string(bv)) {
		ear_call_fail(call, 400,
			"the body is an object with the texts %s and %s", a, b);
		json_decref(o);
		return NULL;
	}
	*a_text = ear_slice(json_string_value(av), json_string_length(av));
	*b_text = ear_slice(json_string_value(bv), json_string_length(bv));
	return o;
}

static void write_me(struct ear_call *call, bool version)
{
	struct ear_json j = ear_call_json(call);

	ear_json_open(&j, '{');
	ear_json_kstr(&j, "name", ear_slice_str(call->user.name));
	ear_json_kstr(
		&j, "role", ear_slice_str(ear_role_name(call->user.role)));
	ear_json_kbool(&j, "must_change", call->user.must_change);
	if (version)
		ear_json_kstr(
			&j, "version", ear_slice_str(call->console->o.version));
	ear_json_close(&j, '}');
}

static void set_cookie(struct ear_call *call, const char *token)
{
	snprintf(call->cookie, sizeof(call->cookie),
		"earshot_session=%s; Path=/; HttpOnly; SameSite=Strict%s%s",
		token,
		call->tls || call->console->o.secure_cookie ? "; Secure" : "",
		*token ? "" : "; Max-Age=0");
}

static void keep_event(struct ear_call *call, enum ear_web_event_type type,
	struct ear_slice name)
{
	char from[EAR_ADDR_TEXT];

	ear_addr_ip_text(&call->from, from);
	if (ear_web_event_add(call->console->users_work, type, ear_now_ns(),
		    name, ear_slice_str(from)))
		ear_log(EAR_ERROR, "console.event_lost", NULL);
}

static void begin_session(struct ear_call *call)
{
	struct ear_session_info info = {
		.epoch = call->user.epoch, .from = call->from};
	char token[EAR_TOKEN_TEXT];

	memcpy(info.name, call->user.name, sizeof(info.name));
	ear_sessions_begin(
		call->console->sessions, &info, ear_mono_ns(), token);
	set_cookie(call, token);
}

/* Whether somebody may try a password now. @return false, and the answer says
 * how long to wait */
static bool may_try(struct ear_call *call, struct ear_slice name)
{
	struct ear_console *c = call->console;
	const struct ear_lockout lockout = {c->o.lock_after, c->o.lock_for_ns};
	uint64_t wait_s = ear_lockout_left(
		c->users_work, &lockout, name, &call->from, ear_now_ns());

	if (wait_s > 0) {
		call->retry_after_s = (unsigned)wait_s;
		ear_call_fail(call, 429,
			"locked after %u failed attempts, for %u s more, or "
			"until an admin unlocks it",
			c->o.lock_after, call->retry_after_s);
		return false;
	}
	wait_s =
		ear_throttle_try(c->throttle, name, &call->from, ear_mono_ns());
	if (wait_s == 0)
		return true;
	call->retry_after_s = (unsigned)wait_s;
	ear_call_fail(call, 429, "too many failed attempts, wait %u s",
		call->retry_after_s);
	return false;
}

static void note_failure(struct ear_call *call, enum ear_web_event_type type,
	struct ear_slice name)
{
	struct ear_console *c = call->console;
	const struct ear_lockout lockout = {c->o.lock_after, c->o.lock_for_ns};
	char from[EAR_ADDR_TEXT];

	keep_event(call, type, name);
	c->counts.failures++;
	if (!ear_lockout_failed(
		    c->users_work, &lockout, name, &call->from, ear_now_ns()))
		return;
	c->counts.locks++;
	ear_addr_ip_text(&call->from, from);
	ear_audit_add(c->o.audit,
		&(struct ear_audit_entry){.at_ns = ear_now_ns(),
			.actor = EAR_S("earshot"),
			.action = EAR_S("user.lock"),
			.object = ear_slice_sub(name, 0, EAR_USER_NAME_MAX),
			.address = ear_slice_str(from)});
}

static void note_success(struct ear_call *call, struct ear_slice name)
{
	ear_throttle_good(call->console->throttle, name, &call->from);
	ear_lockout_good(call->console->users_work, name, &call->from);
}

static void check_login(
	struct ear_call *call, struct ear_slice name, struct ear_slice password)
{
	struct ear_console *c = call->console;
	enum ear_err err;

	if (!may_try(call, name))
		return;
	err = ear_users_check(c->users_work, name, password, &call->user);
	if (err) {
		call->user = (struct ear_user){0};
		if (err == EAR_BAD || err == EAR_GONE) {
			note_failure(call,
				err == EAR_BAD ? EAR_WEB_FAIL_BAD_CREDENTIALS
					       : EAR_WEB_FAIL_USER_NOT_FOUND,
				name);
			ear_call_fail(call, 401, "name or password are wrong");
		} else {
			ear_call_fail(call, 503, "the log-in is out of order");
		}
		return;
	}
	note_success(call, name);
	c->counts.logins++;
	keep_event(call, EAR_WEB_SUCCESS_INTERACTIVE, name);
	begin_session(call);
	write_me(call, false);
}

void ear_auth_login(struct ear_call *call)
{
	struct ear_slice name, password;
	json_t *o = read_two(call, "name", &name, "password", &password);

	if (!o)
		return;
	check_login(call, name, password);
	json_decref(o);
}

void ear_auth_logout(struct ear_call *call)
{
	struct ear_json j = ear_call_json(call);

	ear_sessions_end(call->console->sessions, ear_slice_str(call->token));
	ear_console_event(
		call->console, EAR_WEB_LOGOUT, call->user.name, &call->from);
	set_cookie(call, "");
	ear_json_open(&j, '{');
	ear_json_close(&j, '}');
}

/* With the old password right: the new one, and all other sessions end. */
static void change_password(struct ear_call *call, struct ear_slice new)
{
	struct ear_console *c = call->console;
	struct ear_slice name = ear_slice_str(call->user.name);
	struct ear_slice token = ear_slice_str(call->token);
	struct ear_json j = ear_call_json(call);
	struct ear_fault fault = {0};
	enum ear_err err;

	err = ear_users_set_password(c->users_work, name, new, false, &fault);
	if (!err)
		err = ear_users_get(c->users_work, name, &call->user);
	if (err) {
		ear_call_fail(
			call, err == EAR_USAGE ? 400 : 503, "%s", fault.text);
		return;
	}
	ear_sessions_renew(c->sessions, token, call->user.epoch);
	ear_sessions_end_others(c->sessions, name, token);
	keep_event(call, EAR_WEB_PASSWORD_CHANGE, name);
	ear_call_audit(call, "user.password", false, name, EAR_S(""));
	ear_json_open(&j, '{');
	ear_json_close(&j, '}');
}

static void check_change(
	struct ear_call *call, struct ear_slice old, struct ear_slice new)
{
	struct ear_console *c = call->console;
	struct ear_slice name = ear_slice_str(call->user.name);
	struct ear_user user;

	if (ear_slice_eq(old, new)) {
		ear_call_fail(call, 400, "the new password is the old one");
		return;
	}
	if (!may_try(call, name))
		return;
	switch (ear_users_check(c->users_work, name, old, &user)) {
	case EAR_OK:
		note_success(call, name);
		change_password(call, new);
		break;
	case EAR_BAD:
		note_failure(call, EAR_WEB_FAIL_BAD_CREDENTIALS, name);
		ear_call_fail(call, 403, "the old password is wrong");
		break;
	default: ear_call_fail(call, 503, "the log-in is out of order");
	}
}

void ear_auth_password(struct ear_call *call)
{
	struct ear_slice old, new;
	json_t *o = read_two(call, "old", &old, "new", &new);

	if (!o)
		return;
	check_change(call, old, new);
	json_decref(o);
}

void ear_auth_me(struct ear_call *call)
{
	write_me(call, true);
}

/* --- what the loop saw, on its way to the thread that may write ---------- */

struct seen {
	struct ear_task task; /* first */
	struct ear_console *console;
	enum ear_web_event_type type;
	uint64_t at_ns;
	uint64_t token; /* used: its number */
	char name[EAR_AUDIT_ACTOR];
	char from[EAR_ADDR_TEXT];
};

static void keep_seen(struct ear_job *job)
{
	struct seen *seen = (struct seen *)job;

	if (seen->token)
		ear_token_used(
			seen->console->users_work, seen->token, seen->at_ns);
	else if (ear_web_event_add(seen->console->users_work, seen->type,
			 seen->at_ns, ear_slice_str(seen->name),
			 ear_slice_str(seen->from)))
		ear_log(EAR_ERROR, "console.event_lost", NULL);
}

static void free_seen(struct ear_post *post)
{
	free((char *)post - offsetof(struct seen, task.post));
}

/* @return whether it is on its way */
static bool send_seen(const struct seen *what)
{
	struct seen *seen = malloc(sizeof(*seen));

	if (!seen)
		return false;
	*seen = *what;
	seen->task.job.run = keep_seen;
	seen->task.post.fn = free_seen;
	seen->at_ns = ear_now_ns();
	if (!ear_pool_put(seen->console->accounts, &seen->task.job))
		return true;
	free(seen);
	return false;
}

void ear_console_event(struct ear_console *c, enum ear_web_event_type type,
	const char *name, const struct ear_addr *from)
{
	struct seen seen = {.console = c, .type = type};

	snprintf(seen.name, sizeof(seen.name), "%s", name);
	ear_addr_ip_text(from, seen.from);
	if (!send_seen(&seen))
		ear_log(EAR_ERROR, "console.event_lost", "type",
			EAR_LS(ear_web_event_name(type)), "principal",
			EAR_LS(name), NULL);
}

/* One that is lost is made up for by the next, a minute later. */
void ear_console_token_used(struct ear_console *c, uint64_t id)
{
	(void)send_seen(&(struct seen){.console = c, .token = id});
}
