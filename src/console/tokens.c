/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST tokens: all on the thread that owns users_work. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "console/params.h"
#include "console/priv.h"

static void write_members(struct ear_json *j, const struct ear_api_token *t)
{
	ear_json_ku64(j, "id", t->id);
	ear_json_kstr(j, "name", ear_slice_str(t->name));
	ear_json_kstr(j, "user", ear_slice_str(t->user));
	ear_json_kstr(j, "role", ear_slice_str(ear_role_name(t->role)));
	ear_json_key(j, "scopes");
	ear_json_open(j, '[');
	for (unsigned i = 0; ear_token_scope_name(i); i++)
		if (t->scopes & 1u << i)
			ear_json_str(j, ear_slice_str(ear_token_scope_name(i)));
	ear_json_close(j, ']');
	ear_json_ktime(j, "made", t->made_ns);
	ear_json_ktime(j, "expires", t->expires_ns);
	ear_json_ktime(j, "last_used", t->last_used_ns);
	ear_json_kbool(j, "revoked", t->revoked);
}

static void write_token(const struct ear_api_token *token, void *arg)
{
	struct ear_json *j = arg;

	ear_json_open(j, '{');
	write_members(j, token);
	ear_json_close(j, '}');
}

void ear_tokens_list_route(struct ear_call *call)
{
	bool all = call->user.role >= EAR_ROLE_ADMIN;
	struct ear_json j = ear_call_json(call);
	struct ear_fault fault = {0};
	enum ear_err err;

	ear_json_open(&j, '{');
	ear_json_key(&j, "tokens");
	ear_json_open(&j, '[');
	err = ear_tokens_each(call->console->users_work,
		all ? NULL : call->user.name, write_token, &j, &fault);
	ear_json_close(&j, ']');
	ear_json_close(&j, '}');
	if (err)
		ear_call_refuse(call, err, &fault);
}

/* "30d" is from now on; all else is a time. */
static enum ear_err read_expires(const char *text, uint64_t now_ns,
	uint64_t *expires_ns, struct ear_fault *fault)
{
	struct ear_fault why = {0};
	uint64_t length_ns;

	*expires_ns = 0; /* never */
	if (!text || !*text)
		return EAR_OK;
	if (!ear_duration_parse(ear_slice_str(text), &length_ns, &why)) {
		*expires_ns = length_ns < INT64_MAX - now_ns
				      ? now_ns + length_ns
				      : INT64_MAX;
		return EAR_OK;
	}
	if (ear_time_parse(ear_slice_str(text), now_ns, expires_ns, &why))
		return ear_fail(
			fault, EAR_USAGE, 0, "expires: %.200s", why.text);
	if (*expires_ns <= now_ns)
		return ear_fail(
			fault, EAR_USAGE, 0, "expires: that time is past");
	return EAR_OK;
}

static enum ear_err read_role(const struct ear_call *call, const char *text,
	enum ear_role *role, struct ear_fault *fault)
{
	*role = text ? ear_role_of(ear_slice_str(text)) : call->user.role;
	if (*role == EAR_ROLE_NONE)
		return ear_fail(fault, EAR_USAGE, 0,
			"a role is viewer, operator or admin");
	if (*role > call->user.role)
		return ear_fail(fault, EAR_USAGE, 0,
			"a token has at most the role of who makes it: %s",
			ear_role_name(call->user.role));
	return EAR_OK;
}

static enum ear_err read_scopes(const struct ear_param_texts *texts,
	unsigned *scopes, struct ear_fault *fault)
{
	*scopes = 0;
	for (size_t i = 0; i < texts->n; i++) {
		unsigned one =
			ear_token_scope_of(ear_slice_str(texts->item[i]));

		if (!one)
			return ear_fail(fault, EAR_USAGE, 0,
				"a scope is read, export, trace or admin, not "
				"'%.20s'",
				texts->item[i]);
		*scopes |= one;
	}
	return EAR_OK;
}

static enum ear_err read_order(const struct ear_call *call, json_t *root,
	struct ear_api_token *token, struct ear_fault *fault)
{
	const char *name = NULL, *role = NULL, *expires = NULL;
	struct ear_param_texts scopes = {0};
	const struct ear_param table[] = {
		{"name", EAR_PARAM_TEXT, &name, .needed = true,
			.most = EAR_TOKEN_NAME_MAX},
		{"role", EAR_PARAM_TEXT, &role},
		{"scopes", EAR_PARAM_TEXTS, &scopes},
		{"expires", EAR_PARAM_TEXT, &expires},
	};
	enum ear_err err = ear_params_read(root, table, 4, fault);

	token->made_ns = ear_now_ns();
	if (!err)
		err = read_role(call, role, &token->role, fault);
	if (!err)
		err = read_scopes(&scopes, &token->scopes, fault);
	if (!err)
		err = read_expires(
			expires, token->made_ns, &token->expires_ns, fault);
	if (!err)
		snprintf(token->name, sizeof(token->name), "%s", name);
	snprintf(token->user, sizeof(token->user), "%s", call->user.name);
	return err;
}

void ear_tokens_add_route(struct ear_call *call)
{
	json_t *root = ear_call_object(call);
	struct ear_json j = ear_call_json(call);
	struct ear_api_token token = {0};
	struct ear_fault fault = {0};
	char text[EAR_BEARER_TEXT];
	enum ear_err err;

	if (!root)
		return;
	err = read_order(call, root, &token, &fault);
	if (!err)
		err = ear_token_add(
			call->console->users_work, &token, text, &fault);
	if (err) {
		ear_call_refuse(call, err, &fault);
	} else {
		ear_json_open(&j, '{');
		ear_json_kstr(&j, "token", ear_slice_str(text));
		write_members(&j, &token);
		ear_json_close(&j, '}');
		explicit_bzero(text, sizeof(text));
		ear_call_audit(call, "token.add", false,
			ear_slice_str(token.name),
			ear_slice_str(ear_role_name(token.role)));
	}
	json_decref(root);
}

static enum ear_err revoke(
	struct ear_call *call, const char *action, struct ear_fault *fault)
{
	struct ear_users *users = call->console->users_work;
	struct ear_api_token token;
	uint64_t id;

	if (strcmp(action, "revoke") != 0)
		return ear_fail(fault, EAR_USAGE, 0, "action is revoke");
	/* another's is told like one that is not there */
	if (!ear_slice_u64(call->rest, INT64_MAX, &id) ||
		ear_token_get(users, id, &token) ||
		(call->user.role < EAR_ROLE_ADMIN &&
			strcmp(token.user, call->user.name) != 0))
		return ear_fail(fault, EAR_GONE, 0, "there is no such token");
	ear_call_audit(call, "token.revoke", false, ear_slice_str(token.name),
		ear_slice_str(token.user));
	return ear_token_revoke(users, id, fault);
}

void ear_tokens_change_route(struct ear_call *call)
{
	const char *action = "";
	const struct ear_param table[] = {
		{"action", EAR_PARAM_TEXT, &action, .needed = true}};
	json_t *root = ear_call_object(call);
	struct ear_json j = ear_call_json(call);
	struct ear_fault fault = {0};
	enum ear_err err;

	if (!root)
		return;
	err = ear_params_read(root, table, 1, &fault);
	if (!err)
		err = revoke(call, action, &fault);
	if (err) {
		ear_call_refuse(call, err, &fault);
	} else {
		ear_json_open(&j, '{');
		ear_json_close(&j, '}');
	}
	json_decref(root);
}
