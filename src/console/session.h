/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who is logged in to the console. A session is known by a random 256-bit
 * token that only the browser has; here its hash is kept, in memory: whoever
 * reads our memory or a core file cannot log in with it. Sessions end when
 * the program does; people then log in again.
 *
 * Times are monotonic ns and come from the caller. Threads: any.
 */
#ifndef EAR_CONSOLE_SESSION_H
#define EAR_CONSOLE_SESSION_H

#include "base/addr.h"
#include "console/users.h"

/** Hexadecimal text of a token, with its NUL. */
#define EAR_TOKEN_TEXT 65
/** Most sessions, and most of one user; the longest unused one goes. */
#define EAR_SESSIONS_MAX 1024
#define EAR_SESSIONS_PER_USER 32

struct ear_sessions;

/** What a session says about its request. */
struct ear_session_info {
	char name[EAR_USER_NAME_MAX + 1];
	uint64_t epoch; /**< of the user when the session began */
	struct ear_addr from;
};

/**
 * @param idle_ns ends a session that is not used for so long
 * @param max_ns  ends it in any case
 */
EAR_MUST_USE enum ear_err ear_sessions_new(
	uint64_t idle_ns, uint64_t max_ns, struct ear_sessions **sessions);
void ear_sessions_free(struct ear_sessions **sessions);

/** Begin one. @param[out] token for the browser */
void ear_sessions_begin(struct ear_sessions *sessions,
	const struct ear_session_info *info, uint64_t now,
	char token[EAR_TOKEN_TEXT]);

/** Find and mark as used. @return false when there is none or it is over */
bool ear_sessions_use(struct ear_sessions *sessions, struct ear_slice token,
	uint64_t now, struct ear_session_info *info);

/** The same without marking it as used: a page that only listens is idle. */
bool ear_sessions_see(struct ear_sessions *sessions, struct ear_slice token,
	uint64_t now, struct ear_session_info *info);

void ear_sessions_end(struct ear_sessions *sessions, struct ear_slice token);

/** End all of a user but the one with this token (may be empty). */
void ear_sessions_end_others(struct ear_sessions *sessions,
	struct ear_slice name, struct ear_slice token);

/** The user of this session now has that epoch (has a new password). */
void ear_sessions_renew(
	struct ear_sessions *sessions, struct ear_slice token, uint64_t epoch);

/** Take one session out that is over. @return false when there is none */
bool ear_sessions_expired(struct ear_sessions *sessions, uint64_t now,
	struct ear_session_info *info);

#endif
