/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is wrong with an account, from its bindings, sessions and calls in a
 * span of time: findings in words, each by a rule with a stable name.
 *
 *     struct ear_story story = {.username = EAR_S("909"), .bindings = …};
 *     struct ear_diagnosis found[EAR_DIAGNOSES_MAX];
 *     size_t n = ear_diagnose(&story, found, EAR_DIAGNOSES_MAX);
 *
 * Rules are in docs/sessions.md. Pure; no memory is taken.
 */
#ifndef EAR_TRACK_DIAGNOSE_H
#define EAR_TRACK_DIAGNOSE_H

#include "track/record.h"

#define EAR_DIAGNOSES_MAX 32

/** Everything is borrowed and may be in any order. */
struct ear_story {
	struct ear_slice username;
	uint64_t now_ns; /**< newest time known: what holds, holds then */
	const struct ear_binding_row *bindings;
	size_t n_bindings;
	/** Also CONNECT and DISCONNECT of its connections, and those of its
	    addresses on which nobody registered. */
	const struct ear_session_row *sessions;
	size_t n_sessions;
	const struct ear_call_row *calls; /**< from it and to it */
	size_t n_calls;
};

enum ear_severity { EAR_NOTE, EAR_WARNING, EAR_PROBLEM };
/** "note", "warning", "problem" */
struct ear_slice ear_severity_name(enum ear_severity severity);

struct ear_diagnosis {
	uint64_t at_ns;   /**< when it was so last, or since when it is */
	const char *rule; /**< as "account.unreachable" */
	uint8_t severity; /**< enum ear_severity */
	char text[320];   /**< a sentence without full stop; UTF-8 as far as
			       what it quotes is; times in UTC */
};

/** @return how many of found[] are filled, the worst and newest first */
size_t ear_diagnose(
	const struct ear_story *story, struct ear_diagnosis *found, size_t max);

/** The same in numbers. */
struct ear_story_figures {
	uint32_t connects;          /**< CONNECT rows */
	uint32_t connects_per_hour; /**< most within any hour */
	uint32_t registers;
	uint32_t refused;
	bool has_margin;        /**< there was a refresh */
	int32_t least_margin_s; /**< before expiry; below 0: after it */
	uint32_t calls_to;
	uint32_t no_answer;             /**< of those */
	uint32_t no_answer_unreachable; /**< while no flow to it was alive */
	uint64_t unreachable_since_ns;  /**< now so; 0: it is not */
};
void ear_story_figures(
	const struct ear_story *story, struct ear_story_figures *figures);

#endif
