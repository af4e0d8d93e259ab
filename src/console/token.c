/* SPDX-License-Identifier: Apache-2.0 */
#include "console/token.h"

#include <sodium.h>
#include <stdio.h>

#include "base/utf8.h"
#include "console/users_priv.h"

#define HASH_BYTES 32
#define SECRET_BYTES 32
#define HEAD "ear_"

static const char *const scope_names[] = {"read", "export", "trace", "admin"};

const char *ear_token_scope_name(unsigned i)
{
	return i < sizeof(scope_names) / sizeof(scope_names[0]) ? scope_names[i]
								: NULL;
}

unsigned ear_token_scope_of(struct ear_slice name)
{
	for (unsigned i = 0; ear_token_scope_name(i); i++)
		if (ear_slice_eq(name, ear_slice_str(ear_token_scope_name(i))))
			return 1u << i;
	return 0;
}

/* Random 256 bits need no salt and no slow hash: there is nothing to guess. */
static void hash_of(struct ear_slice text, uint8_t hash[HASH_BYTES])
{
	crypto_generichash(
		hash, HASH_BYTES, (const uint8_t *)text.p, text.n, NULL, 0);
}

static void make_text(char text[EAR_BEARER_TEXT])
{
	uint8_t random[SECRET_BYTES];

	randombytes_buf(random, sizeof(random));
	memcpy(text, HEAD, strlen(HEAD));
	sodium_bin2hex(text + strlen(HEAD), EAR_BEARER_TEXT - strlen(HEAD),
		random, sizeof(random));
	sodium_memzero(random, sizeof(random));
}

static int64_t count(struct ear_users *users, const char *user)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"SELECT count(*) FROM token WHERE user=? AND NOT revoked");
	int64_t n = -1;

	if (!st)
		return -1;
	ear_users_bind(st, 1, ear_slice_str(user));
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* Revoked ones are for people to see; the oldest of them make room. */
static void trim_revoked(struct ear_users *users, const char *user)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"DELETE FROM token WHERE user=?1 AND revoked AND id NOT IN"
		" (SELECT id FROM token WHERE user=?1 AND revoked"
		"  ORDER BY id DESC LIMIT 100)");

	if (!st)
		return;
	ear_users_bind(st, 1, ear_slice_str(user));
	ear_users_finish(users, st);
}

enum ear_err ear_token_add(struct ear_users *users, struct ear_api_token *token,
	char text[EAR_BEARER_TEXT], struct ear_fault *fault)
{
	struct ear_slice name = ear_slice_str(token->name);
	uint8_t hash[HASH_BYTES];
	sqlite3_stmt *st;

	if (name.n == 0 || ear_utf8_valid(name) != name.n)
		return ear_fail(fault, EAR_USAGE, 0,
			"a token has a name of 1 to %d bytes",
			EAR_TOKEN_NAME_MAX);
	if (count(users, token->user) >= EAR_TOKENS_PER_USER)
		return ear_fail(fault, EAR_USAGE, 0,
			"a user has at most %d tokens: revoke one first",
			EAR_TOKENS_PER_USER);
	trim_revoked(users, token->user);
	st = ear_users_prepare(users,
		"INSERT INTO token(hash,name,user,role,scopes,made_ns,"
		"expires_ns,last_used_ns,revoked) VALUES(?,?,?,?,?,?,?,0,0)");
	if (!st)
		return ear_users_fail(users, fault);
	make_text(text);
	hash_of(ear_slice_str(text), hash);
	sqlite3_bind_blob(st, 1, hash, sizeof(hash), SQLITE_TRANSIENT);
	ear_users_bind(st, 2, name);
	ear_users_bind(st, 3, ear_slice_str(token->user));
	ear_users_bind(st, 4, ear_slice_str(ear_role_name(token->role)));
	sqlite3_bind_int64(st, 5, token->scopes);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)token->made_ns);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)token->expires_ns);
	if (ear_users_finish(users, st) < 0)
		return ear_users_fail(users, fault);
	token->id = (uint64_t)sqlite3_last_insert_rowid(users->db);
	return EAR_OK;
}

#define COLUMNS \
	"id,name,user,role,scopes,made_ns,expires_ns,last_used_ns,revoked"

static void read_token(sqlite3_stmt *st, struct ear_api_token *token)
{
	*token = (struct ear_api_token){
		.id = (uint64_t)sqlite3_column_int64(st, 0),
		.role = ear_role_of(ear_users_text(st, 3)),
		.scopes = (unsigned)sqlite3_column_int(st, 4),
		.made_ns = (uint64_t)sqlite3_column_int64(st, 5),
		.expires_ns = (uint64_t)sqlite3_column_int64(st, 6),
		.last_used_ns = (uint64_t)sqlite3_column_int64(st, 7),
		.revoked = sqlite3_column_int(st, 8) != 0,
	};
	snprintf(token->name, sizeof(token->name), "%.*s",
		EAR_FMT(ear_users_text(st, 1)));
	snprintf(token->user, sizeof(token->user), "%.*s",
		EAR_FMT(ear_users_text(st, 2)));
}

/* Ends a statement that finds one. */
static enum ear_err found_one(sqlite3_stmt *st, struct ear_api_token *token)
{
	enum ear_err err = EAR_SYS;

	switch (sqlite3_step(st)) {
	case SQLITE_ROW:
		read_token(st, token);
		err = EAR_OK;
		break;
	case SQLITE_DONE: err = EAR_GONE; break;
	default: break;
	}
	sqlite3_finalize(st);
	return err;
}

enum ear_err ear_token_find(struct ear_users *users, struct ear_slice text,
	struct ear_api_token *token)
{
	uint8_t hash[HASH_BYTES];
	sqlite3_stmt *st;

	if (text.n != EAR_BEARER_TEXT - 1 ||
		!ear_slice_starts(text, EAR_S(HEAD)))
		return EAR_GONE;
	st = ear_users_prepare(
		users, "SELECT " COLUMNS " FROM token WHERE hash=?");
	if (!st)
		return EAR_SYS;
	hash_of(text, hash);
	sqlite3_bind_blob(st, 1, hash, sizeof(hash), SQLITE_TRANSIENT);
	return found_one(st, token);
}

enum ear_err ear_token_get(
	struct ear_users *users, uint64_t id, struct ear_api_token *token)
{
	sqlite3_stmt *st = ear_users_prepare(
		users, "SELECT " COLUMNS " FROM token WHERE id=?");

	if (!st)
		return EAR_SYS;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)id);
	return found_one(st, token);
}

enum ear_err ear_token_revoke(
	struct ear_users *users, uint64_t id, struct ear_fault *fault)
{
	sqlite3_stmt *st = ear_users_prepare(
		users, "UPDATE token SET revoked=1 WHERE id=? AND NOT revoked");
	int changed;

	if (!st)
		return ear_users_fail(users, fault);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)id);
	changed = ear_users_finish(users, st);
	if (changed < 0)
		return ear_users_fail(users, fault);
	return changed ? EAR_OK
		       : ear_fail(fault, EAR_GONE, 0,
				 "there is no such token, or it was revoked");
}

void ear_token_used(struct ear_users *users, uint64_t id, uint64_t now_ns)
{
	sqlite3_stmt *st = ear_users_prepare(
		users, "UPDATE token SET last_used_ns=? WHERE id=?");

	if (!st)
		return;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)now_ns);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)id);
	ear_users_finish(users, st);
}

enum ear_err ear_tokens_each(struct ear_users *users, const char *user,
	ear_token_fn fn, void *arg, struct ear_fault *fault)
{
	sqlite3_stmt *st = ear_users_prepare(users,
		"SELECT " COLUMNS " FROM token WHERE ?1='' OR user=?1"
		" ORDER BY id");
	struct ear_api_token token;
	int rc;

	if (!st)
		return ear_users_fail(users, fault);
	ear_users_bind(st, 1, ear_slice_str(user));
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_token(st, &token);
		fn(&token, arg);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? EAR_OK : ear_users_fail(users, fault);
}
