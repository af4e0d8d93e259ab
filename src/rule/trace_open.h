/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is followed, by Call-ID: one lookup says for all traces at once whether
 * a message is of a conversation that any of them follows.
 *
 * Bounded by the number of units; to make room the conversation that was
 * silent longest goes, and what goes before its time is counted with its
 * trace. Call-IDs are compared in full: a collision of hashes mixes nothing.
 */
#ifndef EAR_RULE_TRACE_OPEN_H
#define EAR_RULE_TRACE_OPEN_H

#include "rule/scope.h"

struct trace;

/** Most units of one conversation: a Call-ID is the sender's choice. */
#define TRACE_OPEN_UNITS 64
/** Longest Call-ID that is followed. */
#define TRACE_OPEN_CALL_ID 4096

/** One unit that one trace follows. */
struct trace_unit {
	struct trace_unit *next; /* newest first */
	struct trace *trace;
	struct ear_scope_unit scope;
	size_t texts_n;
	char *texts; /* as trace_texts() writes them; NULL: the trace's own */
};

struct trace_conv {
	struct trace_conv *older, *newer;
	struct trace_unit *first;
	unsigned units;
	uint64_t hash;
	size_t n;
	char call_id[];
};

struct trace_open;

/** @param max_units that are followed at once @return EAR_OK; EAR_NOMEM */
EAR_MUST_USE enum ear_err trace_open_new(
	size_t max_units, struct trace_open **open);
void trace_open_free(struct trace_open **open);

/** How many units there are. */
size_t trace_open_count(const struct trace_open *open);

/** @return NULL: nobody follows it */
struct trace_conv *trace_open_find(
	struct trace_open *open, struct ear_slice call_id);

/** It was heard of: what is silent longest goes first. */
void trace_open_touch(struct trace_open *open, struct trace_conv *conv);

/**
 * Make a unit of a trace; others go to make room.
 *
 * @param msg   whose time it is: what is over by it is not counted as lost
 * @param texts copied; NULL: none
 * @return NULL when memory is short
 */
struct trace_unit *trace_open_add(struct trace_open *open,
	struct ear_slice call_id, struct trace *trace,
	const struct ear_scope_unit *scope, const struct ear_slice *texts,
	const struct ear_msg *msg);

/** Drop the units that are over. @return whether conv is still there */
bool trace_open_tidy(struct trace_open *open, struct trace_conv *conv,
	const struct ear_msg *msg);

/** Drop what is over among some conversations, the next ones each time. */
void trace_open_sweep(struct trace_open *open, const struct ear_msg *msg);

/** Drop all of a trace. */
void trace_open_forget(struct trace_open *open, const struct trace *trace);

/** Goes through all, the longest silent first. */
void trace_open_each(struct trace_open *open,
	void (*fn)(const struct trace_conv *conv, const struct trace_unit *unit,
		void *arg),
	void *arg);

#endif
