/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Traces: what is followed, why, until when, how much.
 *
 * A trace takes a message when it matches the trace's expression, and then,
 * by its scope, what belongs to the same transaction or dialog. Standing
 * traces come from the configuration; orders are started by people or
 * scripts, end by time, count or size, are kept in DIR/traces.json and so
 * survive a restart.
 *
 * Threads: one thread takes messages; the rest may be called from any thread
 * (a lock that is held for short).
 */
#ifndef EAR_RULE_TRACE_H
#define EAR_RULE_TRACE_H

#include "base/json.h"
#include "message/expr.h"
#include "message/marks.h"
#include "rule/scope.h"

/** Longest name of a trace. */
#define EAR_TRACE_NAME 63
/** Most traces at once, standing and ordered. */
#define EAR_TRACES_MAX 256

/** A list of texts; borrowed. */
struct ear_texts {
	const char *const *item;
	size_t n;
};

/** What is to be followed. Everything is copied. */
struct ear_trace_spec {
	const char *name; /**< unique; NULL or "": one is made, as "t7" */
	const char *rule; /**< expression; "" takes all */
	enum ear_scope scope;
	struct ear_texts users;   /**< traced users; "{from.user}" and other
				       fields in braces are filled in from the
				       message that began it */
	const char *table;        /**< "": the default table */
	struct ear_texts mirrors; /**< names of sinks; none: those that take
				       all traced messages */
	const char *correlation;  /**< correlation id for its messages; fields
				       in braces; "": the Call-ID */
	uint64_t keep_before_ns;  /**< take that much of the conversation from
				       the flight recorder */
	uint64_t until_ns;        /**< ns since 1970 UTC; 0 no end */
	uint64_t max_messages;    /**< 0 no end */
	uint64_t max_bytes;       /**< of messages; 0 no end */
	bool dialog_ack;          /**< default true: ACKs in dialog scope */
	bool dialog_spiral;       /**< default true: further passes of the
				       initial INVITE */
	bool off;                 /**< begins switched off */
	const char *by;           /**< who asked: "config", "control",
				       "admin@192.0.2.1", "script" */
	const char *why;          /**< their words; may be "" */
};

/** Why a trace ended. */
enum ear_trace_end {
	EAR_TRACE_RUNS,
	EAR_TRACE_STOPPED, /**< by somebody */
	EAR_TRACE_TIME,
	EAR_TRACE_COUNT,
	EAR_TRACE_SIZE,
	EAR_TRACE_GONE, /**< not in the configuration any more */
};
const char *ear_trace_end_name(enum ear_trace_end end);

/** One trace, as a reader sees it. */
struct ear_trace_info {
	char name[EAR_TRACE_NAME + 1];
	char by[96];
	char ended_by[96];
	bool standing; /**< from the configuration */
	bool on;
	enum ear_scope scope;
	enum ear_trace_end end;
	uint64_t since_ns, ended_ns; /**< ns since 1970 UTC; 0 none */
	uint64_t messages, bytes, conversations, recalled;
	uint64_t first_ns, last_ns; /**< capture times of what it took */
	uint64_t open;      /**< transactions and dialogs followed now */
	uint64_t forgotten; /**< that found no room in the table */
};

struct ear_traces;

struct ear_traces_options {
	const char *dir; /**< where orders are kept; NULL: nowhere */
	bool on;         /**< the global switch at start (trace_on) */
	size_t max_open; /**< transactions and dialogs at once, all traces;
			      0: 100,000 */
	/** told of starts, ends, switches: the audit record. Any thread. */
	void (*notice)(const char *event, struct ear_slice text, void *arg);
	void *notice_arg;
};

/** Reads the orders of an earlier run; damaged ones are told and left out. */
EAR_MUST_USE enum ear_err ear_traces_new(
	const struct ear_traces_options *options, struct ear_traces **traces,
	struct ear_fault *fault);
/** Writes down what is followed at the moment, for the next run. */
void ear_traces_free(struct ear_traces **traces);

/**
 * The standing traces of a configuration replace the earlier ones, all or
 * none: those that are the same go on with their counts and dialogs.
 *
 * @return EAR_OK; EAR_USAGE: the fault names the trace and what is wrong with
 *         it (offset: into its rule); nothing was changed
 */
EAR_MUST_USE enum ear_err ear_traces_standing(struct ear_traces *traces,
	const struct ear_trace_spec *specs, size_t n, struct ear_fault *fault);

/**
 * Start an order.
 *
 * @param[out] name of it, room for EAR_TRACE_NAME + 1; may be NULL
 * @return EAR_OK; EAR_USAGE: wrong, or the name is taken; EAR_LIMIT; EAR_SYS
 *         when it could not be written down (then it is not started)
 */
EAR_MUST_USE enum ear_err ear_traces_start(struct ear_traces *traces,
	const struct ear_trace_spec *spec, char *name, struct ear_fault *fault);

/** @return EAR_OK; EAR_GONE no such trace; EAR_USAGE it is a standing one */
EAR_MUST_USE enum ear_err ear_traces_stop(struct ear_traces *traces,
	const char *name, const char *by, struct ear_fault *fault);

/**
 * Switch one trace, or all with name NULL (siptrace.status on|off). The state
 * of the global switch and of orders survives a restart; that of standing
 * traces is the configuration's.
 */
EAR_MUST_USE enum ear_err ear_traces_switch(struct ear_traces *traces,
	const char *name, bool on, const char *by, struct ear_fault *fault);
bool ear_traces_on(struct ear_traces *traces);

/** Whether one that runs has keep_before: the flight recorder is wanted. */
bool ear_traces_want_before(struct ear_traces *traces);

/** @return how many there are; up to max are copied; ended ones last */
size_t ear_traces_list(
	struct ear_traces *traces, struct ear_trace_info *out, size_t max);

/** An array of objects, one a trace, with all of spec and info. */
void ear_traces_json(struct ear_traces *traces, struct ear_json *j);

/* --- the thread that takes messages -------------------------------------- */

/** What traces say of one message. Slices live until the next take. */
struct ear_trace_verdict {
	struct ear_marks marks;       /**< traces, users, tables */
	struct ear_slice correlation; /**< "" none */
	struct ear_mark_list mirrors; /**< named ones */
	bool traced;                  /**< some trace took it */
	bool mirrors_any;   /**< one of these names no mirrors: all that take
				 traced messages */
	uint64_t before_ns; /**< not 0: a trace was triggered by it that wants
				the conversation from this capture time on */
};

/**
 * Ask all traces about one message, and count it with those that take it.
 * Ends what is over.
 *
 * With the global switch off no trace takes anything but for messages with
 * traced users, whose rows are written even so, as siptrace does; then
 * EAR_MARK_OFF stands among the names of traces.
 *
 * @param facts of msg, before blanking
 * Cost: with no trace, a load and a branch.
 */
void ear_traces_take(struct ear_traces *traces, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_trace_verdict *verdict);

/**
 * The verdict on what the flight recorder has of the conversation of the last
 * message: with the traces alone that it triggered and that want it. Lives
 * until the next take.
 */
const struct ear_trace_verdict *ear_traces_before(
	const struct ear_traces *traces);

/**
 * Count what the flight recorder gave to the traces of a verdict: among their
 * messages and bytes too, so that it may end them.
 */
void ear_traces_recalled(struct ear_traces *traces,
	const struct ear_trace_verdict *verdict, uint64_t messages,
	uint64_t bytes);

/** A trace for this message alone, asked for by a script: sip_trace(). */
void ear_traces_ask(struct ear_traces *traces, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_trace_spec *spec,
	struct ear_trace_verdict *verdict);

#endif
