/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by the files of the hook. */
#ifndef EAR_RULE_HOOK_PRIV_H
#define EAR_RULE_HOOK_PRIV_H

#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/log.h"
#include "proto/sip.h"
#include "rule/hook.h"

/** Text of one message's actions: of hlog() mostly. */
#define EAR_HOOK_ROOM ((size_t)192 * 1024)
/** Instructions between two looks at the limits. */
#define EAR_HOOK_STEP 500
/** Name of the message object's metatable in the registry. */
#define EAR_HOOK_MSG "earshot.message"

/** Which limit was passed; then nothing of the script runs on. */
enum ear_hook_over {
	EAR_HOOK_WITHIN,
	EAR_HOOK_INSTRUCTIONS,
	EAR_HOOK_TIME,
	EAR_HOOK_MEMORY,
};

struct ear_hook {
	struct ear_hook_options opt;
	char *file;          /**< owned */
	const char *name;    /**< its last part, in front of line numbers */
	struct ear_buf text; /**< of the script, to make the state anew */
	lua_State *L;

	/* Limits of the message at hand. */
	int64_t left;      /**< instructions, and work that counts as such */
	uint64_t until_ns; /**< processor time of the thread */
	enum ear_hook_over over;

	/* The message at hand; NULL between two. */
	const struct ear_msg *msg;
	const struct ear_facts *facts;
	struct ear_hook_verdict *verdict;
	struct ear_sip sip; /**< of msg, when parsed */
	bool parsed;
	struct ear_buf scratch;
	char *room; /**< EAR_HOOK_ROOM bytes; what the verdict points to */
	size_t room_used;

	struct ear_log_gate gate;       /**< of the notice */
	struct ear_log_gate print_gate; /**< of print() */

	/* Read by other threads. */
	_Atomic uint64_t calls, errors, instructions, resets, prints;
	_Atomic uint64_t bytes, bytes_most;
	pthread_mutex_t lock; /**< of the two below */
	char last_error[320];
	uint64_t last_error_ns; /**< time of its message */
};

/** The hook that a state belongs to. */
static inline struct ear_hook *ear_hook_of(lua_State *L)
{
	return *(struct ear_hook **)lua_getextraspace(L);
}

/** Count work that C does at once as so many instructions. May raise. */
void ear_hook_charge(lua_State *L, uint64_t work);

/**
 * Let functions of the table at the top count the bytes of their texts as
 * work: those whose time is a matter of length, and not of memory.
 */
void ear_hook_charge_length(lua_State *L, const char *const *names, size_t n);

/** Raise the error of the limit that was passed. */
int ear_hook_stop(lua_State *L, enum ear_hook_over over);

/** The beginning of a text for people, its secrets blanked; in h->scratch. */
struct ear_slice ear_hook_public(
	struct ear_hook *h, struct ear_slice text, size_t most);

/** Make the libraries that scripts may use. */
void ear_hook_open_box(lua_State *L);
/** string, with patterns that cannot run away. */
void ear_hook_open_string(lua_State *L);
/** The message object and the global functions that act. */
void ear_hook_open_message(lua_State *L);

/** What scripts may do, as global functions and as methods. */
extern const luaL_Reg ear_hook_acts[];

/**
 * Begin a function that may be called as f(x), msg.f(x) and msg:f(x): takes
 * the message off the arguments. Raises between two messages.
 */
struct ear_hook *ear_hook_begin(lua_State *L);

/** Push a time of ns as seconds, exact to what a double holds. */
void ear_hook_push_time(lua_State *L, uint64_t at_ns);

/** A text argument; numbers are taken for text, as Lua does. */
struct ear_slice ear_hook_text(lua_State *L, int arg);

/** Set the correlation id to the text at arg. */
void ear_hook_correlation(lua_State *L, int arg);

/** Set the traced users to the text, or the list of texts, at arg. */
void ear_hook_traced_users(lua_State *L, int arg);

#endif
