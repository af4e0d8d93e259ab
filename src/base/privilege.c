/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Without a library for it: all three sets of both halves are empty. */
static enum ear_err drop_capabilities(struct ear_fault *fault)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* nor by running another program that has them: threads that begin
	 * later inherit it */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capset, &head, none))
		return ear_fail_sys(fault, "cannot give capabilities up");
	return EAR_OK;
}

enum ear_err ear_privilege_drop(const char *user, struct ear_fault *fault)
{
	struct passwd entry, *found = NULL;
	char room[4096];
	int err = getpwnam_r(user, &entry, room, sizeof(room), &found);

	if (!found) {
		errno = err;
		return err ? ear_fail_sys(
				     fault, "cannot look up user '%.64s'", user)
			   : ear_fail(fault, EAR_USAGE, 0,
				     "there is no user '%.64s'", user);
	}
	if (geteuid() == entry.pw_uid && getuid() == entry.pw_uid)
		return drop_capabilities(fault);
	/* groups first: who is no longer root cannot change them */
	if (initgroups(user, entry.pw_gid) ||
		setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) ||
		setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid))
		return ear_fail_sys(fault,
			"cannot become user '%.64s'; only root can", user);
	return drop_capabilities(fault);
}

static enum ear_err refuse(const char *path, const char *dir, const char *user,
	struct ear_fault *fault)
{
	return ear_fail_sys(fault,
		"'%.64s' may not write %.150s; `chown -R %.64s %.150s`", user,
		path, user, dir);
}

static enum ear_err check(const char *top, const char *dir, const char *user,
	int levels, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;
	struct dirent *e;
	DIR *d;

	if (access(dir, R_OK | W_OK | X_OK))
		return refuse(dir, top, user, fault);
	d = opendir(dir);
	while (d && !err && (e = readdir(d))) {
		char path[4096];
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (lstat(path, &st) || S_ISSOCK(st.st_mode))
			continue;
		if (S_ISDIR(st.st_mode))
			err = levels ? check(top, path, user, levels - 1, fault)
				     : EAR_OK;
		else if (S_ISREG(st.st_mode) && access(path, R_OK | W_OK))
			err = refuse(path, top, user, fault);
	}
	if (d)
		closedir(d);
	return err;
}

enum ear_err ear_privilege_check(
	const char *dir, const char *user, struct ear_fault *fault)
{
	return access(dir, F_OK) && errno == ENOENT
		       ? EAR_OK
		       : check(dir, dir, user, 1, fault);
}

void ear_privilege_name(
	uint32_t uid, const char *way, char *text, size_t text_bytes)
{
	struct passwd entry, *found = NULL;
	char room[4096];

	if (!getpwuid_r(uid, &entry, room, sizeof(room), &found) && found)
		snprintf(text, text_bytes, "%.40s (%s)", entry.pw_name, way);
	else
		snprintf(text, text_bytes, "uid %u (%s)", (unsigned)uid, way);
}
