/* SPDX-License-Identifier: Apache-2.0 */
#include "console/users_priv.h"

#include "base/log.h"

static const char *const names[EAR_WEB_EVENT_COUNT] = {
	[EAR_WEB_SUCCESS_INTERACTIVE] = "SUCCESS_INTERACTIVE",
	[EAR_WEB_SUCCESS] = "SUCCESS",
	[EAR_WEB_FAIL_BAD_CREDENTIALS] = "FAIL_BAD_CREDENTIALS",
	[EAR_WEB_FAIL_USER_NOT_FOUND] = "FAIL_USER_NOT_FOUND",
	[EAR_WEB_LOGOUT] = "LOGOUT",
	[EAR_WEB_SESSION_TIMEOUT] = "SESSION_TIMEOUT",
	[EAR_WEB_PASSWORD_CHANGE] = "PASSWORD_CHANGE",
};

const char *ear_web_event_name(enum ear_web_event_type type)
{
	return names[type];
}

static enum ear_web_event_type type_of(struct ear_slice name)
{
	int t = 0;

	while (t < EAR_WEB_EVENT_COUNT - 1 &&
		!ear_slice_eq(name, ear_slice_str(names[t])))
		t++;
	return (enum ear_web_event_type)t;
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
	ear_users_bind(st, 2, ear_slice_str(names[type]));
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
	enum ear_err err;

	principal = ear_slice_sub(principal, 0, EAR_USER_NAME_MAX);
	ear_log(EAR_NOTICE, "console.access", "type", EAR_LS(names[type]),
		"principal", EAR_LB(principal), "address", EAR_LB(address),
		NULL);
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

enum ear_err ear_web_events(struct ear_users *users, uint64_t before,
	size_t limit, ear_web_event_fn fn, void *arg)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"SELECT id,at_ns,type,principal,address FROM web_event"
		" WHERE id<? ORDER BY id DESC LIMIT ?");
	int rc;

	if (!st)
		return EAR_SYS;
	if (before > INT64_MAX)
		before = INT64_MAX;
	if (limit > EAR_WEB_EVENTS_MAX)
		limit = EAR_WEB_EVENTS_MAX;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)before);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct ear_web_event event = {
			.id = (uint64_t)sqlite3_column_int64(st, 0),
			.at_ns = (uint64_t)sqlite3_column_int64(st, 1),
			.type = type_of(ear_users_text(st, 2)),
			.principal = ear_users_text(st, 3),
			.address = ear_users_text(st, 4),
		};

		fn(&event, arg);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? EAR_OK : EAR_SYS;
}
