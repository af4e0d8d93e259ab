/* SPDX-License-Identifier: Apache-2.0 */
#include "console/users_priv.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sqlite.h"
#include "base/time.h"

static const char *const role_names[] = {"none", "viewer", "operator", "admin"};

const char *ear_role_name(enum ear_role role)
{
	return role_names[role <= EAR_ROLE_ADMIN ? role : EAR_ROLE_NONE];
}

enum ear_role ear_role_of(struct ear_slice name)
{
	for (int r = EAR_ROLE_VIEWER; r <= EAR_ROLE_ADMIN; r++)
		if (ear_slice_eq(name, ear_slice_str(role_names[r])))
			return (enum ear_role)r;
	return EAR_ROLE_NONE;
}

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS user("
	" name TEXT PRIMARY KEY, role TEXT NOT NULL, hash TEXT NOT NULL,"
	" must_change INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" created_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
	" last_seen_ns INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS web_event("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at_ns INTEGER NOT NULL,"
	" type TEXT NOT NULL, principal TEXT NOT NULL,"
	" address TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS audit_event("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at_ns INTEGER NOT NULL,"
	" actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,"
	" detail TEXT NOT NULL, address TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS token("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE,"
	" name TEXT NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL,"
	" scopes INTEGER NOT NULL, made_ns INTEGER NOT NULL,"
	" expires_ns INTEGER NOT NULL, last_used_ns INTEGER NOT NULL,"
	" revoked INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS failure("
	" name TEXT NOT NULL, address TEXT NOT NULL, n INTEGER NOT NULL,"
	" last_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL,"
	" PRIMARY KEY(name,address)) WITHOUT ROWID;";

sqlite3_stmt *ear_users_prepare(struct ear_users *users, const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(users->db, sql, -1, &st, NULL) != SQLITE_OK) {
		ear_log(EAR_ERROR, "users.db", "error",
			EAR_LS(sqlite3_errmsg(users->db)), NULL);
		return NULL;
	}
	return st;
}

void ear_users_bind(sqlite3_stmt *st, int column, struct ear_slice text)
{
	/* an empty slice may have no pointer, which SQLite takes for NULL */
	sqlite3_bind_text(st, column, text.n ? text.p : "", (int)text.n,
		SQLITE_TRANSIENT);
}

struct ear_slice ear_users_text(sqlite3_stmt *st, int column)
{
	const void *p = sqlite3_column_text(st, column);

	return ear_slice(p, (size_t)sqlite3_column_bytes(st, column));
}

enum ear_err ear_users_exec(struct ear_users *users, const char *sql)
{
	return sqlite3_exec(users->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? EAR_OK
		       : EAR_SYS;
}

int ear_users_finish(struct ear_users *users, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_finalize(st);
	if (rc == SQLITE_DONE)
		return sqlite3_changes(users->db);
	ear_log(EAR_ERROR, "users.db", "error",
		EAR_LS(sqlite3_errmsg(users->db)), NULL);
	return -1;
}

enum ear_err ear_users_fail(struct ear_users *users, struct ear_fault *fault)
{
	return ear_fail(fault, EAR_SYS, 0, "users.db: %s",
		users->db ? sqlite3_errmsg(users->db) : "out of memory");
}

/* Said again it would write also where nothing changes, and a server has to
 * start on a full disk. */
static enum ear_err say_version(struct ear_users *users)
{
	sqlite3_stmt *st = ear_users_prepare(users, "PRAGMA user_version");
	bool said = st && sqlite3_step(st) == SQLITE_ROW &&
		    sqlite3_column_int(st, 0) == 2;

	sqlite3_finalize(st);
	return said ? EAR_OK : ear_users_exec(users, "PRAGMA user_version=2");
}

enum ear_err ear_users_open(
	const char *dir, struct ear_users **users, struct ear_fault *fault)
{
	struct ear_users *u = NULL;
	enum ear_err err = EAR_OK;
	char path[PATH_MAX];

	*users = NULL;
	if (sodium_init() < 0)
		return ear_fail(fault, EAR_SYS, 0, "libsodium cannot start");
	if (snprintf(path, sizeof(path), "%s/users.db", dir) >=
		(int)sizeof(path))
		return ear_fail(fault, EAR_USAGE, 0, "path too long");
	err = ear_sql_make_file(path, 0600, fault);
	if (err)
		return err;
	u = calloc(1, sizeof(*u));
	if (!u)
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	if (sqlite3_open_v2(path, &u->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK) {
		err = ear_users_fail(u, fault);
		goto out;
	}
	sqlite3_busy_timeout(u->db, 3000);
	if (ear_users_exec(u, "PRAGMA journal_mode=WAL;"
			      "PRAGMA synchronous=NORMAL") ||
		ear_users_exec(u, schema) || say_version(u))
		err = ear_users_fail(u, fault);
out:
	if (err)
		ear_users_close(&u);
	*users = u;
	return err;
}

void ear_users_close(struct ear_users **users)
{
	if (!*users)
		return;
	sqlite3_close((*users)->db);
	free(*users);
	*users = NULL;
}

void ear_password_random(char password[EAR_PASSWORD_TEXT])
{
	/* 32 letters and digits that nobody mistakes for one another */
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t random[16];
	char *p = password;

	randombytes_buf(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i > 0 && i % 4 == 0)
			*p++ = '-';
		*p++ = letters[random[i] & 31];
	}
	*p = '\0';
	sodium_memzero(random, sizeof(random));
}

static uint64_t new_epoch(void)
{
	uint64_t epoch;

	randombytes_buf(&epoch, sizeof(epoch));
	return epoch >> 1; /* SQLite's integers are signed */
}

static bool good_name(struct ear_slice name)
{
	if (name.n == 0 || name.n > EAR_USER_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
			!(c >= '0' && c <= '9') && !strchr("._-@+", c))
			return false;
	}
	return true;
}

static enum ear_err hash_password(struct ear_slice password,
	char hash[crypto_pwhash_STRBYTES], struct ear_fault *fault)
{
	if (password.n < EAR_PASSWORD_MIN)
		return ear_fail(fault, EAR_USAGE, 0,
			"the password must have at least %d characters",
			EAR_PASSWORD_MIN);
	if (password.n > EAR_PASSWORD_MAX)
		return ear_fail(fault, EAR_USAGE, 0,
			"the password is longer than %d bytes",
			EAR_PASSWORD_MAX);
	if (crypto_pwhash_str(hash, password.p, password.n,
		    crypto_pwhash_OPSLIMIT_INTERACTIVE,
		    crypto_pwhash_MEMLIMIT_INTERACTIVE))
		return ear_fail(fault, EAR_NOMEM, 0, "out of memory");
	return EAR_OK;
}

enum ear_err ear_users_add(struct ear_users *users, struct ear_slice name,
	struct ear_slice password, enum ear_role role, bool must_change,
	struct ear_fault *fault)
{
	char hash[crypto_pwhash_STRBYTES];
	enum ear_err err;
	sqlite3_stmt *st;
	int changed;

	if (!good_name(name))
		return ear_fail(fault, EAR_USAGE, 0,
			"a user name has 1 to %d letters, digits or . _ - @ +",
			EAR_USER_NAME_MAX);
	if (role < EAR_ROLE_VIEWER || role > EAR_ROLE_ADMIN)
		return ear_fail(fault, EAR_USAGE, 0,
			"a role is viewer, operator or admin");
	err = hash_password(password, hash, fault);
	if (err)
		return err;
	st = ear_users_prepare(
		users, "INSERT OR IGNORE INTO user VALUES(?,?,?,?,?,?6,?6,0)");
	if (!st)
		return ear_users_fail(users, fault);
	ear_users_bind(st, 1, name);
	ear_users_bind(st, 2, ear_slice_str(ear_role_name(role)));
	ear_users_bind(st, 3, ear_slice_str(hash));
	sqlite3_bind_int(st, 4, must_change);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)new_epoch());
	sqlite3_bind_int64(st, 6, (sqlite3_int64)ear_now_ns());
	changed = ear_users_finish(users, st);
	if (changed < 0)
		return ear_users_fail(users, fault);
	if (changed == 0)
		return ear_fail(fault, EAR_USAGE, 0,
			"there is a user '%.*s' already", EAR_FMT(name));
	return EAR_OK;
}

static int64_t count_users(struct ear_users *users, const char *where)
{
	sqlite3_stmt *st;
	char sql[128];
	int64_t n = -1;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM user %s", where);
	st = ear_users_prepare(users, sql);
	if (st && sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

enum ear_err ear_users_first(struct ear_users *users,
	char password[EAR_PASSWORD_TEXT], struct ear_fault *fault)
{
	enum ear_err err;
	int64_t n;

	password[0] = '\0';
	n = count_users(users, "");
	if (n < 0)
		return ear_users_fail(users, fault);
	if (n > 0)
		return EAR_OK;
	ear_password_random(password);
	err = ear_users_add(users, EAR_S("admin"), ear_slice_str(password),
		EAR_ROLE_ADMIN, true, fault);
	if (err)
		password[0] = '\0';
	return err;
}

enum ear_err ear_users_set_password(struct ear_users *users,
	struct ear_slice name, struct ear_slice password, bool must_change,
	struct ear_fault *fault)
{
	char hash[crypto_pwhash_STRBYTES];
	enum ear_err err = hash_password(password, hash, fault);
	sqlite3_stmt *st;
	int changed;

	if (err)
		return err;
	st = ear_users_prepare(users,
		"UPDATE user SET hash=?2,must_change=?3,epoch=?4,changed_ns=?5"
		" WHERE name=?1");
	if (!st)
		return ear_users_fail(users, fault);
	ear_users_bind(st, 1, name);
	ear_users_bind(st, 2, ear_slice_str(hash));
	sqlite3_bind_int(st, 3, must_change);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)new_epoch());
	sqlite3_bind_int64(st, 5, (sqlite3_int64)ear_now_ns());
	changed = ear_users_finish(users, st);
	if (changed < 0)
		return ear_users_fail(users, fault);
	if (changed == 0)
		return ear_fail(fault, EAR_GONE, 0, "there is no user '%.*s'",
			EAR_FMT(name));
	return EAR_OK;
}

/* Ends the transaction of a change that must leave an admin. */
static enum ear_err keep_an_admin(struct ear_users *users,
	struct ear_slice name, int changed, struct ear_fault *fault)
{
	enum ear_err err = EAR_OK;

	if (changed < 0)
		err = ear_users_fail(users, fault);
	else if (changed == 0)
		err = ear_fail(fault, EAR_GONE, 0, "there is no user '%.*s'",
			EAR_FMT(name));
	else if (count_users(users, "WHERE role='admin'") == 0 &&
		 count_users(users, "") > 0)
		err = ear_fail(fault, EAR_USAGE, 0, "'%.*s' is the last admin",
			EAR_FMT(name));
	if (ear_users_exec(users, err ? "ROLLBACK" : "COMMIT") && !err)
		err = ear_users_fail(users, fault);
	return err;
}

enum ear_err ear_users_remove(
	struct ear_users *users, struct ear_slice name, struct ear_fault *fault)
{
	static const char *const also[] = {"DELETE FROM token WHERE user=?",
		"DELETE FROM failure WHERE name=?"};
	sqlite3_stmt *st;
	int changed = -1;

	/* one transaction, so that two commands cannot take an admin each */
	if (ear_users_exec(users, "BEGIN IMMEDIATE"))
		return ear_users_fail(users, fault);
	st = ear_users_prepare(users, "DELETE FROM user WHERE name=?");
	if (st) {
		ear_users_bind(st, 1, name);
		changed = ear_users_finish(users, st);
	}
	/* one of the same name later must not have what was this one's */
	for (size_t i = 0; i < 2 && changed > 0; i++) {
		st = ear_users_prepare(users, also[i]);
		if (st)
			ear_users_bind(st, 1, name);
		if (!st || ear_users_finish(users, st) < 0)
			changed = -1;
	}
	return keep_an_admin(users, name, changed, fault);
}

enum ear_err ear_users_set_role(struct ear_users *users, struct ear_slice name,
	enum ear_role role, struct ear_fault *fault)
{
	sqlite3_stmt *st;
	int changed = -1;

	if (role < EAR_ROLE_VIEWER || role > EAR_ROLE_ADMIN)
		return ear_fail(fault, EAR_USAGE, 0,
			"a role is viewer, operator or admin");
	if (ear_users_exec(users, "BEGIN IMMEDIATE"))
		return ear_users_fail(users, fault);
	st = ear_users_prepare(
		users, "UPDATE user SET role=?2,epoch=?3 WHERE name=?1");
	if (st) {
		ear_users_bind(st, 1, name);
		ear_users_bind(st, 2, ear_slice_str(ear_role_name(role)));
		sqlite3_bind_int64(st, 3, (sqlite3_int64)new_epoch());
		changed = ear_users_finish(users, st);
	}
	return keep_an_admin(users, name, changed, fault);
}

#define USER_COLUMNS \
	"name,role,must_change,epoch,created_ns,changed_ns,last_seen_ns,hash"

static void read_user(sqlite3_stmt *st, struct ear_user *user)
{
	struct ear_slice name = ear_users_text(st, 0);

	*user = (struct ear_user){
		.role = ear_role_of(ear_users_text(st, 1)),
		.must_change = sqlite3_column_int(st, 2) != 0,
		.epoch = (uint64_t)sqlite3_column_int64(st, 3),
		.created_ns = (uint64_t)sqlite3_column_int64(st, 4),
		.changed_ns = (uint64_t)sqlite3_column_int64(st, 5),
		.last_seen_ns = (uint64_t)sqlite3_column_int64(st, 6),
	};
	snprintf(user->name, sizeof(user->name), "%.*s", EAR_FMT(name));
}

/* @param hash room for crypto_pwhash_STRBYTES, or NULL */
static enum ear_err find_user(struct ear_users *users, struct ear_slice name,
	struct ear_user *user, char *hash)
{
	enum ear_err err = EAR_SYS;
	sqlite3_stmt *st;

	if (name.n > EAR_USER_NAME_MAX)
		return EAR_GONE;
	st = ear_users_prepare(
		users, "SELECT " USER_COLUMNS " FROM user WHERE name=?");
	if (!st)
		return EAR_SYS;
	ear_users_bind(st, 1, name);
	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		read_user(st, user);
		if (hash)
			snprintf(hash, crypto_pwhash_STRBYTES, "%.*s",
				EAR_FMT(ear_users_text(st, 7)));
		err = EAR_OK;
		break;
	case SQLITE_DONE: err = EAR_GONE; break;
	default: break;
	}
	sqlite3_finalize(st);
	return err;
}

enum ear_err ear_users_get(
	struct ear_users *users, struct ear_slice name, struct ear_user *user)
{
	return find_user(users, name, user, NULL);
}

enum ear_err ear_users_check(struct ear_users *users, struct ear_slice name,
	struct ear_slice password, struct ear_user *user)
{
	/* of a random password that nobody has: verified in vain for names
	 * that do not exist, so that time does not tell them apart */
	char hash[crypto_pwhash_STRBYTES] =
		"$argon2id$v=19$m=65536,t=2,p=1$/DhGZKu3lHYcGtH2YVxMxA"
		"$DxquAX5trqtjHDPiJpeXHKfT4zqFN1Zztrx0S7KVu4A";
	enum ear_err err = find_user(users, name, user, hash);

	if (err && err != EAR_GONE)
		return err;
	if (password.n > EAR_PASSWORD_MAX)
		password.n = EAR_PASSWORD_MAX + 1; /* too long to be right */
	if (crypto_pwhash_str_verify(
		    hash, password.n ? password.p : "", password.n))
		return err ? err : EAR_BAD;
	return err;
}

enum ear_err ear_users_each(struct ear_users *users, ear_user_fn fn, void *arg,
	struct ear_fault *fault)
{
	sqlite3_stmt *st = ear_users_prepare(
		users, "SELECT " USER_COLUMNS " FROM user ORDER BY name");
	struct ear_user user;
	int rc;

	if (!st)
		return ear_users_fail(users, fault);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_user(st, &user);
		fn(&user, arg);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? EAR_OK : ear_users_fail(users, fault);
}
