/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who may use the console: names, roles and password hashes, and the events
 * of logging in and out.
 *
 * They live in DIR/users.db (SQLite, mode 0600, write-ahead log), so that the
 * server and the `earshot user` command may have it open at once. Passwords
 * are kept only as argon2id hashes (libsodium's crypto_pwhash_str at its
 * interactive limits: 64 MiB and about 60 ms each).
 *
 * Threads: a handle belongs to one thread at a time; open one per thread.
 */
#ifndef EAR_CONSOLE_USERS_H
#define EAR_CONSOLE_USERS_H

#include "base/err.h"
#include "base/slice.h"

/** Ordered: a higher role may do all that a lower one may. Kept by name. */
enum ear_role {
	EAR_ROLE_NONE = 0,
	EAR_ROLE_VIEWER = 1,   /**< looks */
	EAR_ROLE_OPERATOR = 2, /**< also changes what is recorded */
	EAR_ROLE_ADMIN = 3,    /**< also changes who may do what */
};

const char *ear_role_name(enum ear_role role);
/** @return EAR_ROLE_NONE when there is no role of that name */
enum ear_role ear_role_of(struct ear_slice name);

/** Longest user name, and fewest and most bytes of a password. */
#define EAR_USER_NAME_MAX 64
#define EAR_PASSWORD_MIN 10
#define EAR_PASSWORD_MAX 1024
/** Room for a made-up password with its NUL. */
#define EAR_PASSWORD_TEXT 24

struct ear_user {
	char name[EAR_USER_NAME_MAX + 1];
	enum ear_role role;
	bool must_change;      /**< the password was given, not chosen */
	uint64_t epoch;        /**< changes with the password and the role */
	uint64_t created_ns;   /**< ns since 1970 UTC */
	uint64_t changed_ns;   /**< of the password */
	uint64_t last_seen_ns; /**< last log-in; 0 never */
};

struct ear_users;

/** @param dir data directory; must exist */
EAR_MUST_USE enum ear_err ear_users_open(
	const char *dir, struct ear_users **users, struct ear_fault *fault);
void ear_users_close(struct ear_users **users);

/**
 * When there is no user at all, make "admin" with a random password that
 * must be changed.
 *
 * @param[out] password for a person to read once; "" when users exist
 */
EAR_MUST_USE enum ear_err ear_users_first(struct ear_users *users,
	char password[EAR_PASSWORD_TEXT], struct ear_fault *fault);

/** A password of 80 random bits in groups that can be read aloud. */
void ear_password_random(char password[EAR_PASSWORD_TEXT]);

/**
 * @return EAR_OK; EAR_USAGE when the name, password or role will not do or
 *         the name is taken
 */
EAR_MUST_USE enum ear_err ear_users_add(struct ear_users *users,
	struct ear_slice name, struct ear_slice password, enum ear_role role,
	bool must_change, struct ear_fault *fault);

/** @return EAR_OK; EAR_GONE: no such user; EAR_USAGE: password will not do */
EAR_MUST_USE enum ear_err ear_users_set_password(struct ear_users *users,
	struct ear_slice name, struct ear_slice password, bool must_change,
	struct ear_fault *fault);

/**
 * @return EAR_OK; EAR_GONE: no such user; EAR_USAGE: the last admin cannot go
 *         while other users remain
 */
EAR_MUST_USE enum ear_err ear_users_remove(struct ear_users *users,
	struct ear_slice name, struct ear_fault *fault);

/** @return as ear_users_remove(); EAR_USAGE also when that is no role */
EAR_MUST_USE enum ear_err ear_users_set_role(struct ear_users *users,
	struct ear_slice name, enum ear_role role, struct ear_fault *fault);

/** @return EAR_OK; EAR_GONE: no such user; EAR_SYS */
EAR_MUST_USE enum ear_err ear_users_get(
	struct ear_users *users, struct ear_slice name, struct ear_user *user);

/**
 * Whether the password is that user's. Takes as long for a name that does
 * not exist.
 *
 * @return EAR_OK and *user filled; EAR_BAD: wrong password; EAR_GONE: no such
 *         user (a caller tells both alike to the world); EAR_NOMEM; EAR_SYS
 *
 * Cost: 64 MiB and about 60 ms.
 */
EAR_MUST_USE enum ear_err ear_users_check(struct ear_users *users,
	struct ear_slice name, struct ear_slice password,
	struct ear_user *user);

typedef void (*ear_user_fn)(const struct ear_user *user, void *arg);

/** All users, by name. */
EAR_MUST_USE enum ear_err ear_users_each(struct ear_users *users,
	ear_user_fn fn, void *arg, struct ear_fault *fault);

/** What happens to people at the door; kept by name. */
enum ear_web_event_type {
	EAR_WEB_SUCCESS_INTERACTIVE, /**< logged in by hand */
	EAR_WEB_SUCCESS,             /**< authentication accepted */
	EAR_WEB_FAIL_BAD_CREDENTIALS,
	EAR_WEB_FAIL_USER_NOT_FOUND,
	EAR_WEB_FAIL_CREDENTIALS_EXPIRED, /**< of a token */
	EAR_WEB_LOGOUT,
	EAR_WEB_SESSION_TIMEOUT,
	EAR_WEB_PASSWORD_CHANGE,
	EAR_WEB_EVENT_COUNT
};

const char *ear_web_event_name(enum ear_web_event_type type);
/** All of them, NULL at the end. */
extern const char *const ear_web_event_names[EAR_WEB_EVENT_COUNT + 1];

/** Most events kept; the oldest go. */
#define EAR_WEB_EVENTS_MAX 100000

/**
 * Keep one event and log it, with control characters of the principal as '?'
 * and the rest of a long one cut off; they are read by people_rows.c. A log-in
 * by hand is kept as two rows, first SUCCESS_INTERACTIVE, then SUCCESS,
 * together or not at all.
 */
EAR_MUST_USE enum ear_err ear_web_event_add(struct ear_users *users,
	enum ear_web_event_type type, uint64_t at_ns,
	struct ear_slice principal, struct ear_slice address);

#endif
