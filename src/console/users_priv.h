/* SPDX-License-Identifier: Apache-2.0 */
/** What the files on users.db share: the data base behind a handle. */
#ifndef EAR_CONSOLE_USERS_PRIV_H
#define EAR_CONSOLE_USERS_PRIV_H

#include <sqlite3.h>

#include "console/users.h"

struct ear_users {
	sqlite3 *db;
};

/** A statement, or NULL; the caller finalizes it. */
sqlite3_stmt *ear_users_prepare(struct ear_users *users, const char *sql);
void ear_users_bind(sqlite3_stmt *st, int column, struct ear_slice text);
struct ear_slice ear_users_text(sqlite3_stmt *st, int column);
/** End a statement that changes something. @return rows; -1: it failed */
int ear_users_finish(struct ear_users *users, sqlite3_stmt *st);
/** EAR_SYS, and what SQLite says. */
enum ear_err ear_users_fail(struct ear_users *users, struct ear_fault *fault);
enum ear_err ear_users_exec(struct ear_users *users, const char *sql);

#endif
