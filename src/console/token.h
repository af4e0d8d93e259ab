/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tokens of programs that use the HTTP API: 256 random bits, shown once; only
 * their hash is kept. A token may never do more than its user.
 */
#ifndef EAR_CONSOLE_TOKEN_H
#define EAR_CONSOLE_TOKEN_H

#include "console/users.h"

/** "ear_" and 64 hexadecimal digits, with the NUL. */
#define EAR_BEARER_TEXT 69
/** Longest name of a token; most tokens of one user. */
#define EAR_TOKEN_NAME_MAX 64
#define EAR_TOKENS_PER_USER 64

/** What a token may be used for, beside its role. Written to disk. */
enum ear_token_scope {
	EAR_MAY_READ = 1,   /**< look */
	EAR_MAY_EXPORT = 2, /**< whole files: captures, CSV */
	EAR_MAY_TRACE = 4,  /**< start, stop and switch traces */
	EAR_MAY_ADMIN = 8,  /**< users and tokens */
};

/** "read", "export", "trace", "admin"; NULL past the last. */
const char *ear_token_scope_name(unsigned i);
/** @return 0 when there is none of that name */
unsigned ear_token_scope_of(struct ear_slice name);

struct ear_api_token {
	uint64_t id; /**< never used again */
	char name[EAR_TOKEN_NAME_MAX + 1];
	char user[EAR_USER_NAME_MAX + 1];
	enum ear_role role;
	unsigned scopes; /**< of enum ear_token_scope; 0: all that the role may
			  */
	uint64_t made_ns;
	uint64_t expires_ns;   /**< 0 never */
	uint64_t last_used_ns; /**< to the minute; 0 never */
	bool revoked;
};

/**
 * @param[in,out] token name, user, role, scopes, made_ns, expires_ns; gets id
 * @param[out]    text  the token, for its user to keep
 * @return EAR_OK; EAR_USAGE: the name will not do, or there are too many
 */
EAR_MUST_USE enum ear_err ear_token_add(struct ear_users *users,
	struct ear_api_token *token, char text[EAR_BEARER_TEXT],
	struct ear_fault *fault);

/** @return EAR_OK, also of one that is past its time or revoked; EAR_GONE */
EAR_MUST_USE enum ear_err ear_token_find(struct ear_users *users,
	struct ear_slice text, struct ear_api_token *token);

/** @return EAR_OK; EAR_GONE: there is none of this number, or it was revoked */
EAR_MUST_USE enum ear_err ear_token_revoke(
	struct ear_users *users, uint64_t id, struct ear_fault *fault);

EAR_MUST_USE enum ear_err ear_token_get(
	struct ear_users *users, uint64_t id, struct ear_api_token *token);

void ear_token_used(struct ear_users *users, uint64_t id, uint64_t now_ns);

typedef void (*ear_token_fn)(const struct ear_api_token *token, void *arg);

/** All, by number. @param user whose; NULL: of all */
EAR_MUST_USE enum ear_err ear_tokens_each(struct ear_users *users,
	const char *user, ear_token_fn fn, void *arg, struct ear_fault *fault);

#endif
