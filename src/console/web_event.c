/* SPDX-License-Identifier: Apache-2.0 */
#include "console/users_priv.h"

#include "base/log.h"
#include "base/utf8.h"

const char *const ear_web_event_names[EAR_WEB_EVENT_COUNT + 1] = {
	[EAR_WEB_SUCCESS_INTERACTIVE] = "SUCCESS_INTERACTIVE",
	[EAR_WEB_SUCCESS] = "SUCCESS",
	[EAR_WEB_FAIL_BAD_CREDENTIALS] = "FAIL_BAD_CREDENTIALS",
	[EAR_WEB_FAIL_USER_NOT_FOUND] = "FAIL_USER_NOT_FOUND",
	[EAR_WEB_FAIL_CREDENTIALS_EXPIRED] = "FAIL_CREDENTIALS_EXPIRED",
	[EAR_WEB_LOGOUT] = "LOGOUT",
	[EAR_WEB_SESSION_TIMEOUT] = "SESSION_TIMEOUT",
	[EAR_WEB_PASSWORD_CHANGE] = "PASSWORD_CHANGE",
};

const char *ear_web_event_name(enum ear_web_event_type type)
{
	return ear_web_event_names[type];
}

static enum ear_err insert(struct ear_users *users,
	enum ear_web_event_type type, uint64_t at_ns,
	struct ear_slice principal, struct ear_slice address)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"INSERT INTO web_event(at_ns,type,principal,address)"
		" VALUES(?,?,?,?)");
	int rc;

	if (!st)
		return EAR_SYS;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)at_ns);
	ear_users_bind(st, 2, ear_slice_str(ear_web_event_names[type]));
	ear_users_bind(st, 3, principal);
	ear_users_bind(st, 4, address);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? EAR_OK : EAR_SYS;
}

static enum ear_err trim(struct ear_users *users)
{
	sqlite3_stmt *st =
		ear_users_prepare(users, "DELETE FROM web_event WHERE id<=?");
	int rc;

	if (!st)
		return EAR_SYS;
	sqlite3_bind_int64(st, 1,
		sqlite3_last_insert_rowid(users->db) - EAR_WEB_EVENTS_MAX);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? EAR_OK : EAR_SYS;
}

static enum ear_err note_log_in(
	struct ear_users *users, struct ear_slice name, uint64_t at_ns)
{
	sqlite3_stmt *st = ear_users_prepare(
		users, "UPDATE user SET last_seen_ns=? WHERE name=?");
	int rc;

	if (!st)
		return EAR_SYS;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)at_ns);
	ear_users_bind(st, 2, name);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? EAR_OK : EAR_SYS;
}

enum ear_err ear_web_event_add(struct ear_users *users,
	enum ear_web_event_type type, uint64_t at_ns,
	struct ear_slice principal, struct ear_slice address)
{
	char clean[EAR_USER_NAME_MAX];
	enum ear_err err;

	principal = ear_slice_sub(principal, 0, EAR_USER_NAME_MAX);
	principal = ear_slice(clean, ear_utf8_clean(principal, clean));
	ear_log(EAR_NOTICE, "console.access", "type",
		EAR_LS(ear_web_event_names[type]), "principal",
		EAR_LB(principal), "address", EAR_LB(address), NULL);
	err = ear_users_exec(users, "BEGIN IMMEDIATE");
	if (err)
		return err;
	err = insert(users, type, at_ns, principal, address);
	if (!err && type == EAR_WEB_SUCCESS_INTERACTIVE) {
		err = insert(users, EAR_WEB_SUCCESS, at_ns, principal, address);
		if (!err)
			err = note_log_in(users, principal, at_ns);
	}
	if (!err)
		err = trim(users);
	if (ear_users_exec(users, err ? "ROLLBACK" : "COMMIT"))
		err = EAR_SYS;
	return err;
}
