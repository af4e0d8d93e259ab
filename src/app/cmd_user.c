/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/options.h"
#include "base/privilege.h"
#include "base/time.h"
#include "console/audit.h"
#include "console/lockout.h"
#include "console/users.h"

struct choices {
	const char *data;
	const char *role;
	bool json;
};

/* A line from standard input, not echoed on a terminal. */
static bool read_password(char *to, size_t room)
{
	struct termios was, quiet;
	bool terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &was);
	bool ok;

	if (terminal) {
		fputs("Password (nothing: make one up): ", stderr);
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
	}
	ok = fgets(to, (int)room, stdin) != NULL;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &was);
		fputs("\n", stderr);
	}
	if (!ok)
		to[0] = '\0';
	to[strcspn(to, "\r\n")] = '\0';
	return to[0] != '\0';
}

/* The password to set: asked for, or made up and shown. */
static struct ear_slice choose_password(
	char given[EAR_PASSWORD_MAX + 2], bool *made_up)
{
	*made_up = !read_password(given, EAR_PASSWORD_MAX + 2);
	if (*made_up)
		ear_password_random(given);
	return ear_slice_str(given);
}

static enum ear_err add(struct ear_users *users, const char *name,
	const struct choices *c, struct ear_fault *fault)
{
	enum ear_role role = ear_role_of(ear_slice_str(c->role));
	char given[EAR_PASSWORD_MAX + 2];
	struct ear_slice password;
	enum ear_err err;
	bool made_up;

	if (role == EAR_ROLE_NONE)
		return ear_fail(fault, EAR_USAGE, 0,
			"'%s' is no role; give viewer, operator or admin",
			c->role);
	password = choose_password(given, &made_up);
	err = ear_users_add(
		users, ear_slice_str(name), password, role, made_up, fault);
	if (!err && made_up)
		printf("Password of %s, to be changed at the first log-in: "
		       "%s\n",
			name, given);
	return err;
}

static enum ear_err passwd(
	struct ear_users *users, const char *name, struct ear_fault *fault)
{
	char given[EAR_PASSWORD_MAX + 2];
	bool made_up;
	struct ear_slice password = choose_password(given, &made_up);
	enum ear_err err = ear_users_set_password(
		users, ear_slice_str(name), password, made_up, fault);

	if (!err && made_up)
		printf("Password of %s, to be changed at the first log-in: "
		       "%s\n",
			name, given);
	return err;
}

struct listing {
	struct ear_users *users;
	bool json;
};

static void print_user(const struct ear_user *user, void *arg)
{
	const struct listing *l = arg;
	char created[EAR_TIME_TEXT], seen[EAR_TIME_TEXT] = "never";
	char until[EAR_TIME_TEXT] = "";
	struct ear_lockout_state lock;

	ear_time_text(user->created_ns, created);
	if (user->last_seen_ns)
		ear_time_text(user->last_seen_ns, seen);
	ear_lockout_state(
		l->users, ear_slice_str(user->name), ear_now_ns(), &lock);
	if (lock.until_ns)
		ear_time_text(lock.until_ns, until);
	if (l->json)
		printf("{\"name\":\"%s\",\"role\":\"%s\",\"created\":\"%s\","
		       "\"last_seen\":\"%s\",\"locked_until\":\"%s\"}\n",
			user->name, ear_role_name(user->role), created, seen,
			until);
	else
		printf("%-20s %-10s created %s  last seen %s%s%s\n", user->name,
			ear_role_name(user->role), created, seen,
			until[0] ? "  locked until " : "", until);
}

/* What the command does; noted: in the audit trail. */
enum what { LIST, ADD, PASSWD, REMOVE, UNLOCK, WHATS };

static const struct {
	const char *word, *noted;
} whats[WHATS] = {
	[LIST] = {"list", NULL},
	[ADD] = {"add", "user.add"},
	[PASSWD] = {"passwd", "user.password"},
	[REMOVE] = {"remove", "user.remove"},
	[UNLOCK] = {"unlock", "user.unlock"},
};

static enum ear_err check(int argc, char **argv, const struct choices *c,
	enum what *what, struct ear_fault *fault)
{
	struct stat st;

	if (!argc)
		return ear_fail(fault, EAR_USAGE, 0,
			"say what to do: list, add, passwd, remove or unlock");
	for (*what = LIST; *what < WHATS; ++*what)
		if (!strcmp(argv[0], whats[*what].word))
			break;
	if (*what == WHATS)
		return ear_fail(fault, EAR_USAGE, 0,
			"'%s' is not list, add, passwd, remove or unlock",
			argv[0]);
	if (argc != (*what == LIST ? 1 : 2))
		return ear_fail(fault, EAR_USAGE, 0, "write: earshot user %s%s",
			argv[0], *what == LIST ? "" : " NAME");
	if (stat(c->data, &st))
		return ear_fail_sys(fault, "the data directory %s", c->data);
	return EAR_OK;
}

static enum ear_err run(struct ear_users *users, enum what what,
	const char *name, struct choices *c, struct ear_fault *fault)
{
	struct listing listing = {users, c->json};

	switch (what) {
	case ADD: return add(users, name, c, fault);
	case PASSWD: return passwd(users, name, fault);
	case REMOVE: return ear_users_remove(users, ear_slice_str(name), fault);
	case UNLOCK: return ear_lockout_end(users, ear_slice_str(name), fault);
	default: return ear_users_each(users, print_user, &listing, fault);
	}
}

/* By whom, as the system knows them. */
static enum ear_err note(const struct choices *c, enum what what,
	const char *name, struct ear_fault *fault)
{
	struct ear_audit *audit = NULL;
	enum ear_err err;
	char actor[80];

	if (!whats[what].noted)
		return EAR_OK;
	err = ear_audit_open(c->data, &audit, fault);
	if (err)
		return err;
	ear_privilege_name(getuid(), "command", actor, sizeof(actor));
	ear_audit_add(audit, &(struct ear_audit_entry){.at_ns = ear_now_ns(),
				     .actor = ear_slice_str(actor),
				     .action = ear_slice_str(whats[what].noted),
				     .object = ear_slice_str(name)});
	ear_audit_close(&audit);
	return EAR_OK;
}

int ear_cmd_user(int argc, char **argv)
{
	struct choices c = {.data = ear_data_dir(), .role = "viewer"};
	const struct ear_option options[] = {
		EAR_OPTION_DATA(&c.data),
		{"role", 'r', EAR_OPT_TEXT, &c.role, "ROLE",
			"of a user to add: viewer (default), operator, admin"},
		EAR_OPTION_JSON(&c.json),
	};
	const struct ear_usage usage = {"user",
		"list | add NAME | passwd NAME | remove NAME | unlock NAME",
		"The console's users. A password is read from standard input; "
		"an empty one is made up and shown once. unlock ends the lock "
		"of a name after too many failed log-ins.",
		options, sizeof(options) / sizeof(options[0]), NULL};
	struct ear_users *users = NULL;
	struct ear_fault fault = {0};
	enum what what = LIST;
	enum ear_err err;
	int status;

	if (!ear_options(&usage, &argc, &argv, &status))
		return status;
	err = check(argc, argv, &c, &what, &fault);
	if (!err)
		err = ear_users_open(c.data, &users, &fault);
	if (!err)
		err = run(users, what, argv[1], &c, &fault);
	if (!err)
		err = note(&c, what, argv[1], &fault);
	ear_users_close(&users);
	return err ? ear_command_failed("user", &fault) : EAR_EXIT_DONE;
}
