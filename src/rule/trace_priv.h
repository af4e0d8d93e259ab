/* SPDX-License-Identifier: Apache-2.0 */
/** Between the files trace*.c; everything under the lock of ear_traces. */
#ifndef EAR_RULE_TRACE_PRIV_H
#define EAR_RULE_TRACE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "message/template.h"
#include "rule/trace.h"
#include "rule/trace_index.h"
#include "rule/trace_open.h"

/** Ended traces that are still shown. */
#define TRACES_ENDED 100
/** Files in the data directory. */
#define TRACES_FILE "traces.json"
#define TRACES_OPEN_FILE "traces.open"

/** One trace, with what it has done. */
struct trace {
	struct ear_trace_spec spec; /* owned copy: see trace_spec.c */
	void *spec_bytes;
	struct ear_expr *expr; /* NULL: only what scripts ask for */
	struct ear_template *users[EAR_MARKS_MAX];
	struct ear_template *correlation; /* NULL: none */
	struct ear_buf texts; /* of all, when the same for every message */
	bool fixed;           /* they are */
	bool standing;
	bool earlier; /* began in an earlier run */
	bool script;  /* asked for by a script */
	bool held;    /* not yet written down: takes nothing */
	bool on;
	bool seen; /* is in the new configuration too */
	unsigned slot;
	enum ear_trace_end end;
	char ended_by[96];
	uint64_t since_ns, ended_ns;
	uint64_t messages, bytes, conversations, recalled;
	uint64_t first_ns, last_ns;
	uint64_t open, forgotten;
};

/** Something to tell, kept until the lock is released. */
struct trace_notice {
	struct trace_notice *next;
	char event[24];
	size_t n;
	char text[];
};

/** Texts of two verdicts: four lists and a correlation id. */
#define TRACES_ARENA ((size_t)2 * (4 * EAR_MARKS_MAX + 1) * EAR_MARK_TEXT)

struct ear_traces {
	struct ear_traces_options options;
	char *dir; /* NULL: nothing is kept */
	pthread_mutex_t lock;
	pthread_mutex_t file_lock; /* taken before lock; one writes at a time */
	pthread_cond_t wake;       /* of the keeper */
	pthread_t keeper;
	bool has_keeper, stopping;

	atomic_bool on;       /* the global switch */
	atomic_uint busy;     /* traces that run: 0 takes nothing */
	atomic_uint before;   /* of these, those that have keep_before */
	uint64_t until_ns;    /* when the first of them ends; else the most */
	bool switched;        /* by somebody: outlives the configuration */
	uint64_t next_name;   /* of "t7" */
	unsigned next_script; /* of "script-2" */

	struct trace *running[EAR_TRACES_MAX];
	struct trace *ended[TRACES_ENDED]; /* oldest first */
	size_t n_ended;
	struct trace_index index;
	struct trace_open *open;
	uint64_t swept_ns;      /* seen time of the last sweep */
	struct trace_set taken; /* who took or skipped the last message */

	bool state_dirty, count_dirty, open_dirty; /* not yet written */
	bool write_failed;                         /* told */
	bool damaged;                              /* the file of orders was */
	struct ear_buf unclaimed; /* followed units whose traces may come with
				     the configuration */
	struct trace_notice *first_notice, **last_notice;

	/* of the thread that takes messages */
	struct ear_trace_verdict earlier; /* on what the recorder has */
	struct ear_buf scratch;
	size_t arena_n;
	char arena[TRACES_ARENA];
};

/* trace.c */
void traces_lock(struct ear_traces *t);
/** Unlock, then tell what happened. */
void traces_unlock(struct ear_traces *t);
/** Takes words as printf. */
void traces_tell(struct ear_traces *t, const char *event, const char *format,
	...) EAR_PRINTF(3, 4);
/** By name among those that run, then the ended ones. */
struct trace *traces_find(struct ear_traces *t, struct ear_slice name);
struct trace *traces_running(struct ear_traces *t, struct ear_slice name);
/** Give it a slot. @return EAR_LIMIT when there is none */
EAR_MUST_USE enum ear_err traces_add(
	struct ear_traces *t, struct trace *trace, struct ear_fault *fault);
/** Take it out of its slot; what it follows goes. */
void traces_remove(struct ear_traces *t, struct trace *trace);
/** It is over; it stays in the list. */
void traces_end(struct ear_traces *t, struct trace *trace,
	enum ear_trace_end why, const char *by, uint64_t now_ns);
/** A rule, a switch or the set of traces has changed. */
void traces_changed(struct ear_traces *t);
/** End what is over by the clock of this machine. */
void traces_end_by_clock(struct ear_traces *t, uint64_t now_ns);

/* trace_spec.c */
/** Copies, checks, compiles. @return EAR_USAGE: the fault names the trace */
EAR_MUST_USE enum ear_err trace_new(const struct ear_trace_spec *spec,
	uint64_t now_ns, struct trace **trace, struct ear_fault *fault);
void trace_free(struct trace **trace);
/** Whether two ask for the same; what their names are does not matter. */
bool trace_same(const struct trace *a, const struct trace *b);
/**
 * The texts of a trace for a message, each behind a byte that is its length:
 * the correlation id, then the users.
 */
void trace_texts(const struct trace *trace, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_buf *out);

/* trace_take.c */
/**
 * A trace takes a message that nothing led to, if it may.
 *
 * @param texts of this message, as trace_texts() writes them; NULL: the
 *              trace's own
 */
void traces_begin(struct ear_traces *t, struct trace *trace,
	const struct ear_slice *texts, const struct ear_msg *msg,
	const struct ear_facts *facts, struct ear_trace_verdict *verdict);
/** The last step of a verdict. */
void traces_settle(struct ear_traces *t, struct ear_trace_verdict *verdict);

/* trace_json.c */
void trace_json(const struct trace *trace, struct ear_json *j);

/* trace_order.c */
/** The file of orders. @param out empty */
void traces_write_orders(struct ear_traces *t, struct ear_buf *out);
/** Read it back; what is damaged is told. Any bytes. */
void traces_read_orders(struct ear_traces *t, struct ear_slice text);

/* trace_followed.c */
/** The file of followed units. */
void traces_write_open(struct ear_traces *t, struct ear_buf *out);
/**
 * Read it back: the units of traces that are standing, or of orders. Any
 * bytes. @return EAR_BAD when damaged
 */
enum ear_err traces_read_open(
	struct ear_traces *t, struct ear_slice bytes, bool standing);

/* trace_keeper.c */
void traces_load(struct ear_traces *t);
EAR_MUST_USE enum ear_err traces_keeper_start(
	struct ear_traces *t, struct ear_fault *fault);
/** Stops it and writes all down. */
void traces_keeper_stop(struct ear_traces *t);
/** Write the orders now. */
enum ear_err traces_save(struct ear_traces *t, struct ear_fault *fault);

#endif
