/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the files behind rules.h share with the path of a message: rules_set.c
 * makes sets, rules_change.c exchanges them, judge.c asks them about a message,
 * outlets.c opens what it leaves by, outlets_put.c hands it on.
 */
#ifndef EAR_FLOW_RULES_PRIV_H
#define EAR_FLOW_RULES_PRIV_H

#include <pthread.h>

#include "flow/rules.h"

/** A sink behind its spool. The spool may be that of the set before. */
struct ear_outlet {
	char name[EAR_SPOOL_NAME + 1];
	struct ear_spool *spool;
	struct ear_sink *sink;    /**< not yet in the spool's place */
	struct ear_expr *filter;  /**< NULL: all */
	struct ear_buf made_from; /**< its options as text, to be compared */
	char *to;                 /**< owned; where a mirror goes to, or "" */
	bool traced_only;
	bool fresh;    /**< the spool was opened for this set */
	bool borrowed; /**< the spool belongs to another set now */
};

struct ear_outlets {
	struct ear_outlet v[EAR_OUTLETS_MAX];
	size_t n;
};

enum ear_keep { EAR_KEEP_ALL, EAR_KEEP_TRACED, EAR_KEEP_EXPR };

/** What changes as a whole. */
struct ear_rules_set {
	enum ear_keep keep;
	struct ear_expr *expr; /**< of EAR_KEEP_EXPR */
	struct ear_hook *hook; /**< NULL: none */
	struct ear_recorder *recorder;
	uint64_t recorder_bytes, recorder_ns;
	struct ear_outlets outlets;
};

struct ear_rules {
	struct ear_rules_options options;
	char dir[2048];
	struct ear_traces *traces;
	struct ear_rules_set *set; /**< of the thread that takes messages */
	/** the set of the message in work; NULL between two messages */
	_Atomic(struct ear_rules_set *) in_work;
	struct ear_rules_set *stale; /**< of a message that takes long */
	bool started;

	/** of set for all other threads, and of the members below; who changes
	    rules is one at a time */
	pthread_mutex_t lock;
	struct ear_outlets leaving; /**< emptied before they are closed */
	_Atomic size_t leaving_n;
};

/** What is ready to be changed to, and afterwards what is left over. */
struct ear_rules_next {
	struct ear_rules *rules;
	const struct ear_rules_spec *spec; /**< borrowed */
	struct ear_rules_set *set;
	bool changed;
};

/* --- rules_set.c ------------------------------------------------------- */

/**
 * Make a set of a configuration, beside the one in use: what stays the same
 * is shared with that.
 *
 * @param[out] set to be freed in any case
 * @return EAR_OK; EAR_USAGE with the section and key that are wrong; EAR_NOMEM;
 *         EAR_SYS when a spool cannot be opened
 */
EAR_MUST_USE enum ear_err ear_rules_set_new(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_rules_set **set,
	struct ear_fault *fault);
/**
 * What the set in use has as well stays.
 *
 * @param in_use  may be NULL
 * @param wait_ms most to wait until outlets are empty
 */
void ear_rules_set_free(struct ear_rules_set **set,
	const struct ear_rules_set *in_use, uint32_t wait_ms);

/* --- outlets.c --------------------------------------------------------- */

/**
 * Make the outlets of a configuration; those whose names earlier ones have
 * share their spools.
 *
 * @param before of the set that is in use; may be NULL
 */
EAR_MUST_USE enum ear_err ear_outlets_open(struct ear_rules *rules,
	const struct ear_rules_spec *spec, const struct ear_outlets *before,
	struct ear_outlets *outlets, struct ear_fault *fault);
/** Whether their sinks could be made; nothing is opened. */
EAR_MUST_USE enum ear_err ear_outlets_check(struct ear_rules *rules,
	const struct ear_rules_spec *spec, struct ear_fault *fault);
/**
 * Close the spools that they own, and free all else.
 *
 * @param wait_ms most to wait until they are empty, all together
 */
void ear_outlets_close(struct ear_outlets *outlets, uint32_t wait_ms);

/** The name of the one that has this name or goes to there; NULL: none. */
const char *ear_outlets_name_of(
	const struct ear_outlets *outlets, const char *text);

/** Let those that are new deliver. */
EAR_MUST_USE enum ear_err ear_outlets_start(
	struct ear_outlets *outlets, struct ear_fault *fault);

/**
 * The thread that takes messages: new sinks take their place, and spools go
 * over to the set that is used from now on.
 *
 * @param before loses those that after goes on with
 */
void ear_outlets_change(struct ear_outlets *after, struct ear_outlets *before);

/** Tell of spools on disk that no outlet has. */
void ear_outlets_tell_unused(
	const struct ear_rules *rules, const struct ear_outlets *outlets);

/** Copy a message for those that take it. */
void ear_outlets_put(struct ear_outlets *outlets, const struct ear_msg *msg,
	const struct ear_facts *facts, const struct ear_marks *marks,
	const struct ear_trace_verdict *trace);

/** The same for one that came before its trace: only to those that wait for
    traced ones; the others had it when it came. */
void ear_outlets_put_late(struct ear_outlets *outlets,
	const struct ear_msg *msg, const struct ear_facts *facts,
	const struct ear_marks *marks, const struct ear_trace_verdict *trace);

/** What was put reaches the disk's cache, and its marks the store. */
void ear_outlets_flush(struct ear_outlets *outlets, struct ear_store *store);
/** Tell spools what the store has committed. */
void ear_outlets_committed(
	struct ear_outlets *outlets, struct ear_store *store);

/** A value: an array of objects. */
void ear_outlets_json(struct ear_outlets *outlets, struct ear_json *j);

/* --- rules.c: the thread that takes messages --------------------------- */

/** The set for one message; it stays whole until ear_rules_leave(). */
struct ear_rules_set *ear_rules_enter(struct ear_rules *rules);
void ear_rules_leave(struct ear_rules *rules);

/* --- judge.c ----------------------------------------------------------- */

/** What rules say of one message, and the room that it takes. */
struct ear_judge {
	struct ear_hook_verdict hook;
	struct ear_trace_verdict trace;
	struct ear_marks marks; /**< the sender's, the hook's, the traces' */
	struct ear_buf bare;    /**< extra without the sender's tables */
	struct ear_buf extra;   /**< extra with marks */
	bool drop;              /**< it goes no further */
	bool keep;              /**< the store gets it */
	bool mask;              /**< blank secrets even where that is off */
	bool marked;            /**< marks are more than the sender's */
	/** a trace that the caller wants for the next message; borrowed, and
	    forgotten when that was asked about; NULL: none */
	const struct ear_trace_spec *ask;
};

/**
 * Ask all rules about a message. They count it, so this is done once.
 *
 * @param msg correlation becomes what the rules say, and extra loses the
 *            sender's tables; both live as long as the judge is not asked
 *            again
 * @return EAR_OK; EAR_NOMEM: nobody was asked, and it may be tried again
 */
EAR_MUST_USE enum ear_err ear_judge_ask(struct ear_judge *judge,
	struct ear_rules *rules, struct ear_rules_set *set, struct ear_msg *msg,
	const struct ear_facts *facts);

/**
 * Write what they said upon it.
 *
 * @param msg its extra lives as long as the judge is not asked again
 * @return EAR_OK; EAR_NOMEM: it is as it was, and it may be tried again
 */
EAR_MUST_USE enum ear_err ear_judge_mark(
	struct ear_judge *judge, struct ear_msg *msg);

/**
 * Whether store.keep wants a message, or what a script says beside the one
 * that was judged last.
 */
bool ear_judge_keeps(const struct ear_judge *judge, struct ear_rules_set *set,
	const struct ear_msg *msg, const struct ear_facts *facts);

/**
 * Put the marks of traces upon a message that is kept later.
 *
 * @param trace as ear_traces_before() has it
 * @param room  for its extra
 * @return EAR_OK; EAR_NOMEM
 */
EAR_MUST_USE enum ear_err ear_judge_late(const struct ear_trace_verdict *trace,
	struct ear_msg *msg, struct ear_marks *marks, struct ear_buf *room);

void ear_judge_fini(struct ear_judge *judge);

#endif
