/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A Lua 5.4 script that sees each message before anything is decided:
 *
 *     function on_message(msg)
 *       if msg.method == "OPTIONS" then drop() end
 *       if msg.from_user == "alice" then traced_user("alice") end
 *     end
 *
 * What it may call is described in docs/hooks.md. It has no files, no
 * processes, no clock of its own, and limits of instructions and memory per
 * message. An error is a notice, and the message goes on as if there were no
 * script.
 *
 * Threads: one; status from any.
 */
#ifndef EAR_RULE_HOOK_H
#define EAR_RULE_HOOK_H

#include "base/json.h"
#include "message/marks.h"
#include "message/msg.h"
#include "rule/trace.h"

struct ear_hook;

struct ear_hook_options {
	const char *file;
	uint64_t max_instructions; /**< per message; 0: 100,000 */
	uint64_t max_bytes;        /**< of memory, all told; 0: 16 MiB */
	/** The name of the sink that sip_trace() means by an address: a name
	 * or where it goes to; NULL: there is none. May be NULL itself: then
	 * all that scripts write is taken for names. */
	const char *(*mirror_of)(const char *text, void *arg);
	void *mirror_arg;
	void (*notice)(const char *event, struct ear_slice text, void *arg);
	void *notice_arg;
};

/** @return EAR_OK; EAR_GONE, EAR_SYS, EAR_LIMIT: the file; EAR_USAGE with the
 script's line */
EAR_MUST_USE enum ear_err ear_hook_new(const struct ear_hook_options *options,
	struct ear_hook **hook, struct ear_fault *fault);
void ear_hook_free(struct ear_hook **hook);

/** Most traces that a script may ask for, and events it may emit, a message */
#define EAR_HOOK_ASKS 8

/** What the script wants. Slices live until the next call. */
struct ear_hook_verdict {
	bool drop;
	bool store_off; /**< keep(false): not in the store, mirrors as usual */
	bool mask;      /**< mask(): blank secrets even where that is off */
	struct ear_marks marks;
	struct ear_slice correlation;
	struct ear_trace_spec ask[EAR_HOOK_ASKS]; /**< sip_trace(),
						       sip_trace_mode() */
	size_t asks;
	struct {
		struct ear_slice text;
		struct ear_slice correlation;
	} event[EAR_HOOK_ASKS]; /**< hlog() */
	size_t events;
};

/** Run it for one message. Never fails: see the top of the file. */
void ear_hook_take(struct ear_hook *hook, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_hook_verdict *verdict);

/** An object: file, calls, errors, last error, instructions, bytes. Any
 * thread. */
void ear_hook_json(struct ear_hook *hook, struct ear_json *j);

#endif
