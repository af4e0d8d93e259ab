/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST users: all on the thread that owns users_work. */
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "console/lockout.h"
#include "console/params.h"
#include "console/priv.h"

struct listing {
	struct ear_json j;
	struct ear_users *users;
	uint64_t now_ns;
};

static void write_user(const struct ear_user *user, void *arg)
{
	struct listing *l = arg;
	struct ear_lockout_state lock;

	ear_lockout_state(
		l->users, ear_slice_str(user->name), l->now_ns, &lock);
	ear_json_open(&l->j, '{');
	ear_json_kstr(&l->j, "name", ear_slice_str(user->name));
	ear_json_kstr(&l->j, "role", ear_slice_str(ear_role_name(user->role)));
	ear_json_kbool(&l->j, "must_change", user->must_change);
	ear_json_ktime(&l->j, "created", user->created_ns);
	ear_json_ktime(&l->j, "changed", user->changed_ns);
	ear_json_ktime(&l->j, "last_login", user->last_seen_ns);
	ear_json_ku64(&l->j, "failures", lock.failures);
	ear_json_ktime(&l->j, "locked_until", lock.until_ns);
	ear_json_close(&l->j, '}');
}

void ear_users_list_route(struct ear_call *call)
{
	struct listing l = {.j = ear_call_json(call),
		.users = call->console->users_work,
		.now_ns = ear_now_ns()};
	struct ear_fault fault = {0};
	enum ear_err err;

	ear_json_open(&l.j, '{');
	ear_json_key(&l.j, "users");
	ear_json_open(&l.j, '[');
	err = ear_users_each(l.users, write_user, &l, &fault);
	ear_json_close(&l.j, ']');
	ear_json_close(&l.j, '}');
	if (err)
		ear_call_refuse(call, err, &fault);
}

/* The password that was given; without one, made up and answered. */
struct secret {
	char text[EAR_PASSWORD_TEXT];
	struct ear_slice password;
	bool made_up;
};

static void choose(struct secret *s, const char *given)
{
	s->made_up = !given || !*given;
	if (s->made_up)
		ear_password_random(s->text);
	s->password = ear_slice_str(s->made_up ? s->text : given);
}

static void write_secret(struct ear_json *j, const struct secret *s)
{
	if (s->made_up)
		ear_json_kstr(j, "password", s->password);
}

void ear_users_add_route(struct ear_call *call)
{
	const char *name = NULL, *role = "viewer", *given = NULL;
	const struct ear_param table[] = {
		{"name", EAR_PARAM_TEXT, &name, .needed = true},
		{"role", EAR_PARAM_TEXT, &role},
		{"password", EAR_PARAM_TEXT, &given},
	};
	json_t *root = ear_call_object(call);
	struct ear_json j = ear_call_json(call);
	struct ear_fault fault = {0};
	struct secret secret;
	enum ear_err err;

	if (!root)
		return;
	err = ear_params_read(root, table, 3, &fault);
	if (!err) {
		choose(&secret, given);
		err = ear_users_add(call->console->users_work,
			ear_slice_str(name), secret.password,
			ear_role_of(ear_slice_str(role)), secret.made_up,
			&fault);
	}
	if (err) {
		ear_call_refuse(call, err, &fault);
	} else {
		ear_json_open(&j, '{');
		ear_json_kstr(&j, "name", ear_slice_str(name));
		ear_json_kstr(&j, "role", ear_slice_str(role));
		write_secret(&j, &secret);
		ear_json_close(&j, '}');
		ear_call_audit(call, "user.add", false, ear_slice_str(name),
			ear_slice_str(role));
	}
	json_decref(root);
}

/* What may be done to a user; arg: the member that it needs, or NULL. */
struct change {
	struct ear_users *users;
	struct ear_slice name;
	const char *role, *given;
	struct secret secret;
};

static enum ear_err change_role(struct change *c, struct ear_fault *fault)
{
	return ear_users_set_role(
		c->users, c->name, ear_role_of(ear_slice_str(c->role)), fault);
}

static enum ear_err change_password(struct change *c, struct ear_fault *fault)
{
	choose(&c->secret, c->given);
	/* whoever sets it for somebody else knows it */
	return ear_users_set_password(
		c->users, c->name, c->secret.password, true, fault);
}

static enum ear_err change_remove(struct change *c, struct ear_fault *fault)
{
	return ear_users_remove(c->users, c->name, fault);
}

static enum ear_err change_unlock(struct change *c, struct ear_fault *fault)
{
	return ear_lockout_end(c->users, c->name, fault);
}

static const struct {
	const char *action;
	const char *noted; /* in the audit trail */
	enum ear_err (*fn)(struct change *c, struct ear_fault *fault);
} changes[] = {
	{"role", "user.role", change_role},
	{"password", "user.password", change_password},
	{"remove", "user.remove", change_remove},
	{"unlock", "user.unlock", change_unlock},
};

static enum ear_err change(struct ear_call *call, const char *action,
	struct change *c, struct ear_fault *fault)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		enum ear_err err;

		if (strcmp(action, changes[i].action) != 0)
			continue;
		err = changes[i].fn(c, fault);
		if (!err)
			ear_call_audit(call, changes[i].noted, false, c->name,
				ear_slice_str(c->role));
		return err;
	}
	return ear_fail(fault, EAR_USAGE, 0,
		"action is role, password, remove or unlock");
}

void ear_users_change_route(struct ear_call *call)
{
	struct change c = {
		.users = call->console->users_work, .name = call->rest};
	const char *action = "";
	const struct ear_param table[] = {
		{"action", EAR_PARAM_TEXT, &action, .needed = true},
		{"role", EAR_PARAM_TEXT, &c.role},
		{"password", EAR_PARAM_TEXT, &c.given},
	};
	json_t *root = ear_call_object(call);
	struct ear_json j = ear_call_json(call);
	struct ear_fault fault = {0};
	enum ear_err err;

	if (!root)
		return;
	err = ear_params_read(root, table, 3, &fault);
	if (!err)
		err = change(call, action, &c, &fault);
	if (err) {
		ear_call_refuse(call, err, &fault);
	} else {
		ear_json_open(&j, '{');
		write_secret(&j, &c.secret);
		ear_json_close(&j, '}');
	}
	json_decref(root);
}
